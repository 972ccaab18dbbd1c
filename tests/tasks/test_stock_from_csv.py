"""From a CSV file to the storefront: what is in the file is offered, and half a file changes nothing and says why."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from commerce.errors import NotAuthorised, UnexpectedAnswer
from integrations.csv import simulator as files
from integrations.csv.settings import CsvSettings
from integrations.csv.simulator import CsvSimulator
from tasks.stocking import StockFeedRefused, sync_stock
from tasks.tally import Tally
from tests.journeys.house import House
from tests.small_house import a_small_house, order, with_route

BASE = "https://files.test"
SHEET = """\
SKU;Location;Free
MUG-RED;Main;7
MUG-RED;East;5
MUG-BLUE;Main;-2
MUG-BLUE;East;5,5
HAT;Main;10
"""


@pytest.fixture
def server(house: House) -> CsvSimulator:
    """The small house's stock comes from a sheet on a file server instead of the inventory app."""
    made = files.build(base_url=BASE, clock=house.clock)
    connect(house, made, url=f"{BASE}/stock.csv", token="sim-token")
    return made


def connect(house: House, server: CsvSimulator, **settings: Any) -> None:
    """What the merchant writes into stack.toml."""
    columns = {"quantity_column": "free", "location_column": "location", "decimal": ","}
    sheet = CsvSettings(**{"name": "sheet", **columns, **settings})
    hub = house.hub
    hub.stack = hub.stack.model_copy(update={"connections": {**hub.stack.connections, "sheet": sheet}})
    hub.transports = {**hub.transports, "sheet": server.transport()}
    by_number = hub.stack.route("sync-inventory").stock.locations
    names = {"1": "Main", "2": "East"}
    by_name = {names.get(place, place): shop for place, shop in by_number.items()}
    with_route(hub, "sync-inventory", source="sheet", stock={"locations": by_name})


def sync(house: House) -> Tally:
    return sync_stock(house.hub, house.hub.stack.route("sync-inventory"))


def shown(house: House) -> dict[str, dict[str, int]]:
    """What the storefront offers, by SKU and location."""
    found = house.vendors["shop"].act("levels", {})
    return {sku: {place: one["available"] for place, one in places.items()} for sku, places in found.items()}


RIGHT = {"MUG-RED": {"Main": 7, "East": 5}, "MUG-BLUE": {"Main": 0, "East": 5}, "HAT": {"Main": 10}}


def test_what_the_sheet_says_is_offered(house: House, server: CsvSimulator) -> None:
    # given a sheet in which some levels differ, one of them below zero and one a fraction
    server.do_put(SHEET)
    # when
    tally = sync(house)
    # then the storefront shows it, rounded down and never below zero
    assert shown(house) == RIGHT
    assert (tally.counts["read"], tally.counts["done"], tally.counts["unchanged"]) == (5, 2, 3)
    # and twice changes nothing
    assert sync(house).counts["unchanged"] == 5


def test_a_sheet_on_this_machine_does_as_well(house: House, server: CsvSimulator, tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    file.write_text(SHEET)
    connect(house, server, path=str(file))
    sync(house)
    assert shown(house) == RIGHT


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SHEET[:-20], "the last line (5) breaks off"),
        (SHEET[:18], "the file has 0 rows"),
        ("", "the file is empty"),
        (SHEET.replace("Free", "Reserved"), "the file has no column 'free'"),
        ("<html>Log in</html>", "is a web page"),
    ],
)
def test_half_a_sheet_changes_nothing_and_says_why(house: House, server: CsvSimulator, text: str, why: str) -> None:
    before = shown(house)
    server.do_put(text)
    with pytest.raises(UnexpectedAnswer) as refused:
        sync(house)
    assert why in str(refused.value)
    assert refused.value.hint
    assert shown(house) == before


def test_a_sheet_that_did_not_arrive_whole_changes_nothing(house: House, server: CsvSimulator) -> None:
    before = shown(house)
    server.do_put(SHEET)
    server.do_cut(len("HAT;Main;10\n"))  # whole lines are missing, so that the rest looks like a whole file
    with pytest.raises(UnexpectedAnswer, match="bytes came where"):
        sync(house)
    assert shown(house) == before


def test_a_row_that_nobody_can_read_is_listed_and_left_alone(house: House, server: CsvSimulator) -> None:
    # given a sheet with words where a number should be, one SKU twice, and one that is gone
    rows = ["MUG-RED;Main;7 pcs", "MUG-RED;East;4", "MUG-BLUE;Main;1", "MUG-BLUE;Main;2"]
    server.do_put("\n".join(["SKU;Location;Free", *rows, ""]))
    # when
    tally = sync(house)
    # then what is clear is set, and nothing else is touched
    assert shown(house) == {**RIGHT, "MUG-RED": {"Main": 10, "East": 4}, "MUG-BLUE": {"Main": 10, "East": 5}}
    assert {row["record"]: row["why"] for row in tally.rows if row["outcome"] == "unreadable"} == {
        "MUG-RED": "line 2 of the file has '7 pcs' as quantity of SKU MUG-RED",
        "MUG-BLUE": "SKU MUG-BLUE comes 2 times for location Main (lines 4, 5)",
    }


def test_a_sheet_in_which_nothing_can_be_read_says_so(house: House, server: CsvSimulator) -> None:
    before = shown(house)
    server.do_put("SKU;Location;Free\nMUG-RED;Main;7.5.1\nHAT;Main;n/a\n")
    with pytest.raises(
        StockFeedRefused, match=r"none of the 2 rows of sheet can be read, for example: line 2"
    ) as wrong:
        sync(house)
    assert wrong.value.hint
    assert shown(house) == before


def test_a_sheet_that_nobody_writes_any_more_stops_the_run(house: House, server: CsvSimulator) -> None:
    connect(house, server, url=f"{BASE}/stock.csv", token="sim-token", max_age_hours=26)
    server.do_put(SHEET, age_hours=27)
    with pytest.raises(UnexpectedAnswer, match="the file is stale"):
        sync(house)
    assert shown(house)["MUG-RED"]["Main"] == 10


def test_what_was_sold_since_the_sheet_was_written_is_not_offered_again(house: House, server: CsvSimulator) -> None:
    # given a nightly sheet that has all orders of the day before, and a mug sold this morning
    with_route(house.hub, "sync-inventory", stock={"order_lag_minutes": 15})
    order(house)
    house.record()
    house.clock.sleep(3 * 3600)
    server.do_put(SHEET, age_hours=3.1)
    # when
    sync(house)
    # then it is kept back, although it was sold hours ago
    assert shown(house)["MUG-RED"]["Main"] == 6


def test_a_refused_token_pauses_the_connection_and_is_told(house: House, server: CsvSimulator) -> None:
    server.token = "another"
    with pytest.raises(NotAuthorised):
        sync(house)
    assert [pause.connection for pause in house.hub.ledger.paused()] == ["sheet"]
    assert len(house.vendors["alerts"].state()["messages"]) == 1


@pytest.mark.parametrize("off", [0.0, 3600.0, -3600.0, 86_400.0])
def test_a_file_of_a_machine_whose_clock_is_wrong_offers_nothing_twice(tmp_path: Path, off: float) -> None:
    # given a machine whose clock is wrong, a file that it has just written, and a mug that was sold five minutes ago
    house = a_small_house(tmp_path, hub=off, ledger=off)
    sheet = tmp_path / "stock.csv"
    connect(house, files.build(base_url=BASE, clock=house.clock), path=str(sheet))
    with_route(house.hub, "sync-inventory", stock={"order_lag_minutes": 15})
    order(house)
    house.clock.sleep(5 * 60)
    sheet.write_text(SHEET, encoding="utf-8")
    os.utime(sheet, (house.hub.clock() - 60, house.hub.clock() - 60))
    # when it is brought
    sync(house)
    # then the mug is kept back
    assert shown(house)["MUG-RED"]["Main"] == 6
