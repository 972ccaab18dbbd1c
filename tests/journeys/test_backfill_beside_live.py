"""A backfill of days that go on to this minute, beside the live routes, by two hubs over one ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tasks import backfill
from tests.builders import NOON
from tests.journeys.house import ORDER_DESTINATIONS
from tests.journeys.test_bad_days import another_hub
from tests.journeys.test_without_an_answer import wrong
from tests.small_house import a_small_house, order


def test_each_order_is_everywhere_once_and_what_is_new_stays_news(tmp_path: Path) -> None:
    # given forty orders of last spring, and a hub that only knows of this week
    house = a_small_house(tmp_path)
    week = house.hub.stack.hub.model_copy(update={"start": NOON - timedelta(days=7)})
    house.hub.stack = house.hub.stack.model_copy(update={"hub": week})
    for at in range(40):
        order(house, created_at=f"2026-04-{1 + at // 2:02}T{10 + at % 2}:00:00Z", email=f"old{at}@example.com")
    other = another_hub(house, tmp_path)
    now = house.clock.moment()
    todo = backfill.plan(
        other.hub, "shop", datetime(2026, 4, 1, tzinfo=UTC), now + timedelta(days=1), ORDER_DESTINATIONS
    )
    began, errors = threading.Barrier(2), list[Exception]()
    over = threading.Event()

    def past() -> None:
        began.wait()
        for _ in backfill.record_history(other.hub, todo):
            pass
        for name in ORDER_DESTINATIONS:
            other.deliver(name)

    def present() -> None:
        began.wait()
        for at in range(20):
            order(house, email=f"new{at}@example.com")
            house.clock.sleep(1)
            house.orders_everywhere()
            if over.is_set() and at > 10:
                return

    def runs(story: Callable[[], None]) -> None:
        try:
            story()
        except Exception as error:  # noqa: BLE001  it is shown below
            errors.append(error)
        finally:
            over.set()

    # when history is brought while shoppers go on ordering
    threads = [threading.Thread(target=runs, args=(story,)) for story in (past, present)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    house.clock.sleep(60)
    house.settle_down()
    # then every order is everywhere, once
    assert wrong(house) == []
    # and marketing takes just those of today for news
    orders = house.vendors["shop"].state()["orders"]
    today = {one["id"].rsplit("/", 1)[-1] for one in orders if one["email"].startswith("new")}
    placed = [one for one in house.vendors["marketing"].state()["events"] if one["metric"] == "Placed Order"]
    assert {one["unique_id"].rsplit(":", 1)[-1] for one in placed if not one["backfill"]} == today
    assert len(placed) == len(orders)
