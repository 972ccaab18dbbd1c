"""`backroom alerts`: what is not over; what a person did on purpose is one message, and is called over in one go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tasks.hub import installed
from tests.deployments.test_cli import _wide, backroom, read
from tests.journeys.house import House
from tests.small_house import order

wide = pytest.fixture(autouse=True)(_wide.__wrapped__)  # type: ignore[attr-defined]

DELETED = "books: a document of ours was deleted"


@pytest.fixture
def deleted(house: House) -> Iterator[list[str]]:
    """A house that the command line finds, after a bookkeeper deleted many documents; their ids."""
    with installed(house.hub):
        for _ in range(6):
            order(house)
        house.settle_down()
        house.watch()
        house.clock.sleep(3700)
        ids = [one["Id"] for one in house.vendors["books"].state()["documents"]]
        for id in ids:
            house.vendors["books"].act("delete_document", {"id": id})
        house.clock.sleep(3700)
        house.watch()
        yield ids


def told(house: House) -> list[str]:
    """First lines of the messages in the channel that are about deleted documents."""
    lines = [one["text"].splitlines()[0] for one in house.vendors["alerts"].state()["messages"]]
    return [line for line in lines if DELETED in line]


def test_many_of_a_kind_are_one_message_and_one_list(house: House, deleted: list[str]) -> None:
    assert len(deleted) > 3
    assert told(house) == [f"[warning] {DELETED} ({len(deleted)} times)"]
    shown = backroom("alerts", "list")
    assert shown.exit_code == 1
    assert f"removed:books:{deleted[0]}" in shown.stdout
    assert {one["fingerprint"] for one in read(backroom("alerts", "list", "--json"))} >= {
        f"removed:books:{id}" for id in deleted
    }


def test_a_person_closes_one_or_all_of_a_kind_and_that_is_one_message_too(house: House, deleted: list[str]) -> None:
    assert backroom("alerts", "close", f"removed:books:{deleted[0]}").stdout.strip() == "1 closed"
    closed = backroom("alerts", "close", "removed:books")
    assert closed.stdout.strip() == f"{len(deleted) - 1} closed"
    house.watch()
    assert told(house)[1:] == [f"[recovered] {DELETED} ({len(deleted)} times)"]
    assert [one for one in house.hub.ledger.open_alerts() if one.alert.fingerprint.startswith("removed:")] == []


def test_a_name_that_no_open_alert_has_is_said(house: House, deleted: list[str]) -> None:
    refused = backroom("alerts", "close", "removed:books", "remove")
    assert refused.exit_code != 0
    assert "no open alert is called remove" in refused.output
    assert len(house.hub.ledger.open_alerts()) >= len(deleted)
