"""`backroom privacy`: the list, the proof, the export and the end."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.hub import installed
from tasks.inbox import read_hinted
from tests.deployments.test_cli import _wide, backroom, read
from tests.journeys.house import House
from tests.tasks.test_privacy import asks, bought

wide = pytest.fixture(autouse=True)(_wide.__wrapped__)  # type: ignore[attr-defined]


@pytest.fixture
def at_home(house: House) -> Iterator[House]:
    """A house that the command line finds."""
    with installed(house.hub):
        yield house


def test_the_list_says_what_waits_and_ends_badly_while_something_does(at_home: House) -> None:
    assert backroom("privacy", "list").exit_code == 0
    asks(at_home, "customers/redact", bought(at_home))
    read_hinted(at_home.hub)
    shown = backroom("privacy", "list")
    assert shown.exit_code == 1
    assert "customers/redact" in shown.stdout
    [one] = read(backroom("privacy", "list", "--json"))
    assert (one["id"], one["state"], one["connection"]) == (1, "by hand", "shop")


def test_one_request_is_shown_with_who_was_asked_when_and_what_was_answered(at_home: House) -> None:
    number = bought(at_home)
    asks(at_home, "customers/redact", number)
    read_hinted(at_home.hub)
    shown = backroom("privacy", "show", "1").stdout
    assert "asked Klaviyo to delete the profiles" in shown
    assert number in shown
    found = read(backroom("privacy", "show", "1", "--json"))
    assert [(one["destination"], one["outcome"]) for one in found["answers"]] == [
        ("marketing", "forgotten"),
        ("backroom", "redacted"),
    ]
    assert found["answers"][0]["at"].startswith(f"{at_home.clock.moment():%Y-%m-%d %H:%M}")
    assert backroom("privacy", "show", "2").exit_code == 1


def test_a_person_closes_what_only_a_person_could_do(at_home: House) -> None:
    asks(at_home, "customers/redact", bought(at_home))
    read_hinted(at_home.hub)
    assert backroom("privacy", "done", "1", "--note", "deleted in ShipStation").exit_code == 0
    assert [
        one.alert.fingerprint for one in at_home.hub.ledger.open_alerts() if "privacy" in one.alert.fingerprint
    ] == []
    found = read(backroom("privacy", "show", "1", "--json"))
    assert (found["request"]["state"], found["request"]["note"]) == ("done", "deleted in ShipStation")
    assert (found["answers"][-1]["outcome"], found["answers"][-1]["by"]) == ("closed", "person")
    assert backroom("privacy", "done", "1", "--note", "again").exit_code == 1
    assert backroom("privacy", "list").exit_code == 0


def test_what_the_hub_has_not_done_cannot_be_closed(at_home: House) -> None:
    at_home.hub.ledger.ask_privacy("shop", "1", "customers/redact", "7", [])
    refused = backroom("privacy", "done", "1", "--note", "enough")
    assert refused.exit_code == 1
    assert "has not done its own part" in refused.output


def test_an_export_has_all_of_the_customer_and_is_for_its_owner_only(at_home: House, tmp_path: Path) -> None:
    # given two orders of a customer, of whom the storefront names one
    first, second = bought(at_home), bought(at_home)
    asks(at_home, "customers/data_request", first)
    read_hinted(at_home.hub)
    # and a file that everybody may read is there already
    file = tmp_path / "ada.json"
    file.touch(mode=0o644)
    # when a person exports it
    said = backroom("privacy", "export", "1", "--to", str(file))
    # then everything that the hub holds is there, and who else to ask
    held = json.loads(file.read_text(encoding="utf-8"))
    assert sorted(one["id"] for one in held["orders"]) == sorted([first, second])
    assert held["orders"][0]["email"] == "ada@example.com"
    assert held["orders"][0]["ship_to"]["line1"] == "12 Analytical Way"
    assert set(held["may hold more"]) == {"warehouse", "books", "marketing"}
    assert held["may hold more"]["warehouse"][0].startswith("se-")
    assert os.stat(file).st_mode & 0o077 == 0
    # and neither the screen nor the proof names her
    assert "ada@example.com" not in said.output + str(at_home.hub.ledger.privacy_answers(1))
    assert backroom("privacy", "done", "1", "--note", "sent").exit_code == 0
