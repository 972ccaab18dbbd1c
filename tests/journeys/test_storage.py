"""Whole days over storage and clocks that let the hub down: judged, as always, from the vendors' own state."""

from __future__ import annotations

import os
import resource
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pysqlite3 import dbapi2 as sqlite
from sqlalchemy.exc import OperationalError

from deployments.checking import ensure_webhooks
from deployments.receiver import receiver_app
from deployments.shop import ShopPlan
from tests.journeys.house import ORDER_DESTINATIONS, House, happen
from tests.journeys.mortal import reborn
from tests.journeys.test_a_day import OpenHouse, a_day
from tests.small_house import SMALL_SHOP, a_small_house, order


def copy_of(file: Path, to: Path) -> Path:
    """A backup, made while the hub runs, as SQLite itself makes one."""
    with sqlite.connect(file) as source, sqlite.connect(to) as target:
        source.backup(target)
    return to


def restored(house: House, backup: Path) -> None:
    """An hour later a hub begins with the backup; what was written since is gone."""
    house.hub.close()
    for old in backup.parent.glob("ledger.db*"):
        old.unlink()
    copy_of(backup, backup.parent / "ledger.db")
    house.clock.sleep(3600)
    reborn(house)


def test_a_ledger_from_yesterdays_backup_doubles_nothing_and_loses_nothing(
    open_house: OpenHouse, plan: ShopPlan, tmp_path: Path
) -> None:
    # given a backup of the ledger, and a day after it of which the ledger is then lost
    house = open_house()
    house.stock()
    house.orders_everywhere()
    backup = copy_of(tmp_path / "ledger.db", tmp_path / "yesterday.db")
    a_day(house, plan)
    before = {name: house.vendors[name].state() for name in ORDER_DESTINATIONS}
    # when a hub goes on with yesterday's ledger, as after any restart
    restored(house, backup)
    assert house.hub.ledger.paused() == []
    house.settle_down()
    house.tracking()
    house.settle_down()
    house.stock()
    # then what it does not remember is found by its key at every destination: nothing is doubled, nothing is lost
    assert house.judge(plan).wrong == []
    assert house.hub.ledger.paused() == []
    after = {name: house.vendors[name].state() for name in ORDER_DESTINATIONS}
    assert len(after["books"]["documents"]) == len(before["books"]["documents"])
    assert after["marketing"]["events"] == before["marketing"]["events"]
    assert after["marketing"]["flows_triggered"] == before["marketing"]["flows_triggered"]
    # and what comes next is brought as ever
    order(house)
    house.clock.sleep(5)
    house.settle_down()
    assert [one for one in house.judge(plan).wrong if not one.startswith("stock:")] == []


def test_a_label_that_was_voided_since_the_backup_is_no_parcel_in_the_storefront(tmp_path: Path) -> None:
    # given a parcel that the storefront was told of after a backup of the ledger, whose label is then voided
    house = a_small_house(tmp_path)
    order(house)
    house.clock.sleep(5)
    house.settle_down()
    backup = copy_of(tmp_path / "ledger.db", tmp_path / "yesterday.db")
    (label,) = house.vendors["warehouse"].act("buy_labels", {})
    house.clock.sleep(60)
    house.tracking()
    house.vendors["warehouse"].act("void_label", {"label_id": label})
    # when a hub goes on with the backup, which has neither the parcel nor its fulfilment
    restored(house, backup)
    house.tracking()
    house.settle_down()
    # then the fulfilment is taken back, and the label that comes next is told
    house.vendors["warehouse"].act("buy_labels", {})
    house.clock.sleep(60)
    house.tracking()
    (there,) = house.vendors["shop"].state()["orders"]
    assert [one["status"] for one in there["fulfillments"]] == ["CANCELLED", "SUCCESS"]
    assert [one for one in house.judge(SMALL_SHOP).wrong if not one.startswith("stock:")] == []


@pytest.mark.parametrize("steps", [(600, -600, 0), (0, -3600, 600)])
def test_a_clock_that_jumps_changes_nothing(open_house: OpenHouse, plan: ShopPlan, steps: tuple[int, int, int]) -> None:
    # given a hub whose machine's clock jumps, while vendors and database keep the time
    house = open_house()
    skew = [0]
    reborn(house, lambda: house.clock() + skew[0])
    # when a day goes by with a jump between its parts
    skew[0] = steps[0]
    house.stock()
    house.settle_down()
    skew[0] = steps[1]
    happen(house.vendors["shop"], plan.events_after)
    house.clock.sleep(5)
    house.settle_down()
    house.vendors["warehouse"].act("buy_labels", {})
    house.clock.sleep(5)
    house.tracking()
    skew[0] = steps[2]
    house.clock.sleep(3700)
    house.settle_down()
    house.tracking()
    house.settle_down()
    house.stock()
    # then everything is as on any other day
    assert house.judge(plan).wrong == []


def test_a_clock_that_went_back_by_an_hour_hides_no_order_for_an_hour(tmp_path: Path) -> None:
    # given a hub that has read an order, and a machine whose clock, the file's clock with it, is then set back
    house = a_small_house(tmp_path)
    skew = [0]
    reborn(house, lambda: house.clock() + skew[0])
    house.hub.ledger.clock = house.hub.clock
    order(house)
    house.clock.sleep(5)
    assert house.record().counts["recorded"] == 1
    skew[0] = -3600
    # when somebody orders
    order(house)
    house.clock.sleep(5)
    # then the next reading brings it, and no reading takes the last one, of the future, for one of now
    assert house.record().counts["recorded"] == 1
    house.orders_everywhere()
    assert len(house.vendors["warehouse"].state()["shipments"]) == 2


def test_two_processes_whose_clocks_differ_by_an_hour_never_hold_the_same_record(tmp_path: Path) -> None:
    # given a record that one process has claimed, by the database's clock
    house = a_small_house(tmp_path)
    order(house)
    house.clock.sleep(5)
    house.record()
    first = house.hub.ledger.claim("warehouse", limit=1, lease=60)
    assert len(first.items) == 1
    # when one asks for work whose own clock is an hour ahead
    reborn(house, lambda: house.clock() + 3600)
    # then the record is still the other's, until its lease has ended
    assert house.hub.ledger.claim("warehouse", limit=1).items == []
    house.clock.sleep(61)
    assert [item.in_doubt for item in house.hub.ledger.claim("warehouse", limit=1).items] == [True]


def in_a_process(story: Callable[[], None]) -> None:
    """Tell a story in a fork, so that its limits are its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 0
        try:
            story()
        except BaseException:  # noqa: BLE001  told to the parent
            os.write(writing, traceback.format_exc()[-60_000:].encode())
            code = 1
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as words:
        said = words.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, said


def test_a_full_disk_refuses_webhooks_sends_nothing_and_needs_no_restart(tmp_path: Path) -> None:
    def story() -> None:
        house = a_small_house(tmp_path)
        ensure_webhooks(house.hub)
        order(house)
        house.clock.sleep(5)
        house.record()
        webhook = house.vendors["shop"].outbox.popleft()
        log = tmp_path / "ledger.db-wal"
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        with TestClient(receiver_app(house.hub)) as receiver:

            def post() -> int:
                headers = {name: value for name, value in webhook.headers.items() if name.lower() != "host"}
                return int(receiver.post("/hooks/shop", content=webhook.content, headers=headers).status_code)

            # when the disk is full
            resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
            # then a webhook is not said to be kept, and nothing is sent of which no note could be made
            assert post() == 503
            for destination in ORDER_DESTINATIONS:
                calls = len(house.vendors[destination].calls)
                with pytest.raises(OperationalError):
                    house.deliver(destination)
                assert len(house.vendors[destination].calls) == calls
            # and when there is room again, the same processes go on
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            assert post() == 200
        every(house)

    in_a_process(story)
    with sqlite.connect(tmp_path / "ledger.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def every(house: House) -> None:
    """Everything arrives, once."""
    house.settle_down()
    assert [one for one in house.judge(SMALL_SHOP).wrong if not one.startswith("stock:")] == []
    assert len(house.vendors["warehouse"].state()["shipments"]) == 1
