"""What people did by hand to our documents is told once, and asked for once an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.auditing import CURSOR, audit
from tests.journeys.house import House, Wrong
from tests.small_house import a_small_house, order


def posted(house: House) -> str:
    """An order in the books; its document's id."""
    order(house)
    house.record()
    house.deliver("books")
    return house.hub.ledger.trace("#1001").bindings["books"].vendor_id


def reads(house: House) -> int:
    return sum(1 for call in house.vendors["books"].calls if call.path.endswith("/cdc"))


def test_a_receipt_that_somebody_deleted_is_told_once_and_not_posted_again(house: House) -> None:
    # given a receipt that the hub has looked after once
    document = posted(house)
    house.clock.sleep(3601)
    assert audit(house.hub) == 0
    # when a bookkeeper deletes it
    house.vendors["books"].act("delete_document", {"id": document})
    house.clock.sleep(3601)
    house.watch()
    house.clock.sleep(3601)
    house.watch()
    # then people are told once, and the books stay as they were left
    found = [
        one.alert for one in house.hub.ledger.open_alerts() if one.alert.fingerprint == f"removed:books:{document}"
    ]
    assert len(found) == 1
    assert "deleted" in found[0].title
    house.deliver("books")
    assert house.vendors["books"].state()["documents"] == []


def test_it_asks_once_an_hour_and_goes_on_where_it_was(house: House) -> None:
    posted(house)
    for _ in range(12):
        house.watch()
        house.clock.sleep(600)
    assert reads(house) == 2
    known = house.hub.ledger.cursor("books", CURSOR)
    assert known is not None
    assert timedelta(0) < datetime.fromtimestamp(house.clock(), UTC) - known < timedelta(hours=2)


def test_a_company_that_cannot_be_asked_is_asked_the_next_time(house: House) -> None:
    document = posted(house)
    house.clock.sleep(3601)
    audit(house.hub)
    house.vendors["books"].act("delete_document", {"id": document})
    house.clock.sleep(3601)
    house.vendors["books"].act("fault", {"on": "/cdc", "times": 20})
    assert audit(house.hub) == 0
    house.vendors["books"].faults.clear()
    assert audit(house.hub) == 1


def test_a_paused_connection_is_not_asked(house: House) -> None:
    posted(house)
    house.hub.ledger.pause("books", "refused")
    house.clock.sleep(3601)
    assert audit(house.hub) == 0
    assert reads(house) == 0


@pytest.mark.parametrize("off", [-86_400.0, -7_200.0, 7_200.0, 86_400.0, 40 * 86_400.0])
def test_a_wrong_clock_hides_nothing_that_was_deleted_and_asks_no_more_often(tmp_path: Path, off: float) -> None:
    # given a hub whose clock is wrong, and a receipt that it has looked after for some hours
    house = a_small_house(tmp_path, hub=off, ledger=off)
    document = posted(house)
    house.clock.sleep(3601)
    for _ in range(12):
        house.watch()
        house.clock.sleep(600)
    asked = reads(house)
    # when a bookkeeper deletes it
    house.vendors["books"].act("delete_document", {"id": document})
    house.clock.sleep(3601)
    house.watch()
    # then people are told
    assert f"removed:books:{document}" in {one.alert.fingerprint for one in house.hub.ledger.open_alerts()}
    # and it took a read an hour, and one more where our clock had asked for too little
    assert asked <= 4
    assert reads(house) - asked <= 2


def test_a_clock_that_is_set_back_keeps_nobody_from_asking(tmp_path: Path) -> None:
    house = a_small_house(tmp_path, hub=86_400.0, ledger=86_400.0)
    document = posted(house)
    house.clock.sleep(3601)
    house.watch()
    for clock in (house.hub.clock, house.hub.ledger.clock):
        assert isinstance(clock, Wrong)
        clock.off = 0.0
    house.vendors["books"].act("delete_document", {"id": document})
    house.clock.sleep(3601)
    house.watch()
    assert f"removed:books:{document}" in {one.alert.fingerprint for one in house.hub.ledger.open_alerts()}
