"""A comparison's days are those of UTC, the shop's and the books' are their own: nothing is lost or found between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from commerce.audits import Report
from tasks.reconciling import reconcile
from tests.journeys.house import House, a_house
from tests.small_house import SMALL_SHOP, order

CHANGES = {
    "summer time begins in Auckland": ("Pacific/Auckland", datetime(2026, 9, 26, 14, tzinfo=UTC)),
    "summer time ends in Auckland": ("Pacific/Auckland", datetime(2026, 4, 4, 14, tzinfo=UTC)),
    "summer time begins in Los Angeles": ("America/Los_Angeles", datetime(2026, 3, 8, 10, tzinfo=UTC)),
    "summer time ends in Los Angeles": ("America/Los_Angeles", datetime(2026, 11, 1, 9, tzinfo=UTC)),
}
"""Where clocks change, and when."""

EVERY = timedelta(hours=2)


@pytest.fixture(params=CHANGES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[House, datetime]]:
    """Orders every two hours, for two days on each side of the day on which clocks change; that day's beginning."""
    zone, change = CHANGES[request.param]
    assert len({(change + timedelta(hours=hours)).astimezone(ZoneInfo(zone)).utcoffset() for hours in (-1, 1)}) == 2
    day = change.replace(hour=0)
    plan = replace(SMALL_SHOP, shop={**SMALL_SHOP.shop, "timezone": zone})
    house = a_house(tmp_path, plan, day + timedelta(days=3))
    books = house.hub.stack.connection("books").model_copy(update={"timezone": zone})
    house.hub.stack = house.hub.stack.model_copy(
        update={"connections": {**house.hub.stack.connections, "books": books}}
    )
    house.hub._clients.clear()  # opened before the books knew their zone
    for number in range(60):
        at = day - timedelta(days=2) + number * EVERY
        order(house, created_at=at.isoformat(), email=f"buyer{number}@example.com")
    house.settle_down()
    yield house, day
    house.hub.close()


def compared(house: House) -> dict[str, Report]:
    """The day before the change and the day of it, over all destinations."""
    house.clock.sleep(600)
    return {report.destination: report for report in reconcile(house.hub, "shop", (), 4, 3)}


def test_every_order_of_those_days_is_expected_and_found_once(shop: tuple[House, datetime]) -> None:
    house, day = shop
    reports = compared(house)
    assert {name: (one.orders, one.expected, one.found, one.says) for name, one in reports.items()} == {
        "warehouse": (24, 24, 24, "everything is there"),
        "books": (24, 24, 24, "everything is there"),
        "marketing": (24, 24, 24, "everything is there"),
    }
    assert {report.since for report in reports.values()} == {day - timedelta(days=1)}
    assert {report.until for report in reports.values()} == {day + timedelta(days=1)}


def test_what_is_gone_at_the_edges_is_missed_and_no_neighbour_is(shop: tuple[House, datetime]) -> None:
    house, _ = shop
    # given books without the receipts of the first and the last order of those days, and of their neighbours outside
    books = house.vendors["books"]
    for one in books.state()["documents"]:
        if one["DocNumber"] in ("S-1012", "S-1013", "S-1036", "S-1037"):
            books.act("delete_document", {"id": one["Id"]})
    # then just those two are missed
    report = compared(house)["books"]
    assert [(one.verdict, one.label) for one in report.differences] == [("missing", "#1013"), ("missing", "#1036")]
    assert (report.expected, report.found) == (24, 22)
