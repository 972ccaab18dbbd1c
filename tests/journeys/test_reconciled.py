"""After a day with every odd order there is, a comparison finds nothing that is not explained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from deployments.shop import ShopPlan, a_shop
from tasks.reconciling import reconcile
from tests.journeys.conftest import NOW
from tests.journeys.house import House
from tests.journeys.test_a_day import a_day
from tests.journeys.test_v1_warehouse import a_v1_house

OpenHouse = Callable[..., House]


def test_a_day_with_every_odd_order_compares_clean(open_house: OpenHouse, plan: ShopPlan) -> None:
    # given a day that is over
    house = open_house()
    a_day(house, plan)
    house.clock.sleep(600)
    # when all its orders are compared with all destinations
    reports = reconcile(house.hub, "shop", [], 400, 0)
    # then whatever is not there is explained, and the sums agree
    for report in reports:
        surprises = [one for one in report.differences if not one.explained]
        assert surprises == [], report.destination
        assert report.clean, report.problem
        assert report.orders >= len(plan.orders)
        assert report.found > 40
    # and somebody who knows the held ones sees each of them
    held = {one.subject for one in house.hub.ledger.held() if one.destination == "books"}
    books = next(report for report in reports if report.destination == "books")
    assert {one.subject for one in books.differences if one.explained.startswith("held")} <= held


def test_over_v1_too(tmp_path: Path) -> None:
    plan = a_shop(orders=60, now=NOW)
    house = a_v1_house(tmp_path, plan)
    a_day(house, plan)
    report = reconcile(house.hub, "shop", ["warehouse"], 400, 0)[0]
    assert [one for one in report.differences if not one.explained] == []
    assert report.clean, report.problem
    # and what somebody deletes there is missing, until it is repaired
    waiting = next(one for one in house.vendors["warehouse"].state()["orders"] if one["orderStatus"] == "shipped")
    house.vendors["warehouse"].act("delete", {"order_id": waiting["orderId"]})
    assert reconcile(house.hub, "shop", ["warehouse"], 400, 0)[0].clean  # it has left: nothing is owed any more
