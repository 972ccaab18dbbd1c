"""`backroom check` for a CSV file: what a run would find."""

from __future__ import annotations

from integrations.csv.simulator import CsvSimulator
from tests.integrations.csv.conftest import Connect, Write


def said(connect: Connect, **settings: object) -> list[tuple[str, bool, str]]:
    return [(one.subject, one.ok, one.message) for one in connect(**settings).check()]


def test_all_is_well(connect: Connect) -> None:
    assert said(connect) == [
        ("age", True, "written 1.0 hours ago"),
        ("rows", True, "3 levels at 1 locations: 1"),
    ]


def test_locations_are_named_for_the_map_and_held_rows_with_the_first(connect: Connect, write: Write) -> None:
    file = write("sku,quantity,location\nA,5,Main\nA,2,East\nB,many,Main\n")
    assert said(connect, path=str(file), location_column="location")[1:] == [
        ("rows", True, "2 levels at 2 locations: East, Main"),
        ("held", False, "1 cannot be read, for example: line 4 of the file has 'many' as quantity of SKU B"),
    ]


def test_an_old_file_is_found_and_still_looked_at(connect: Connect, write: Write) -> None:
    found = list(connect(path=str(write("sku,quantity\nA,5\n", age_hours=48)), max_age_hours=26).check())
    assert [(one.subject, one.ok) for one in found] == [("age", False), ("rows", True)]
    assert "is stale" in found[0].message


def test_what_is_wrong_says_what_to_do(connect: Connect, server: CsvSimulator, write: Write) -> None:
    [refused] = list(connect(token="wrong").check())
    assert (refused.subject, refused.hint) == ("credential", "set BACKROOM_SHEET_TOKEN, or set username")
    [named] = list(connect(token="", username="ada", password="wrong").check())
    assert named.hint == "set BACKROOM_SHEET_PASSWORD"
    server.do_remove()
    [gone] = list(connect().check())
    assert (gone.subject, gone.hint) == ("file", "check path or url")
    nothing = list(connect(path=str(write("sku,quantity\nA,\n"))).check())
    assert [(one.subject, one.ok) for one in nothing] == [("age", True), ("rows", False), ("held", False)]
