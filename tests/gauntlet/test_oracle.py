"""The oracle sees what it is there for: each thing that could go wrong is done to a good day, and found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from deployments.shop import a_shop
from tests.gauntlet import oracle
from tests.journeys.house import a_house

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
States = dict[str, Any]


@pytest.fixture(scope="module")
def good_day(tmp_path_factory: pytest.TempPathFactory) -> States:
    """What the vendors hold after a day without any trouble, refunds and cancellations included."""
    plan = a_shop(orders=60, now=NOW)
    house = a_house(tmp_path_factory.mktemp("day"), plan, NOW)
    house.stock()
    house.orders_everywhere()
    for action, arguments in plan.events_after:
        house.vendors["shop"].act(action, arguments)
    house.clock.sleep(60)
    house.settle_down()
    house.vendors["warehouse"].act("buy_labels", {})
    house.clock.sleep(60)
    house.tracking()
    house.settle_down()
    house.clock.sleep(3600)  # then the shelves' own count knows of everything
    house.stock()
    return oracle.look_at(lambda name: house.vendors[name].state())


def lose_a_shipment(states: States) -> None:
    states["warehouse"]["shipments"].remove(shipped(states))


def double_a_shipment(states: States) -> None:
    states["warehouse"]["shipments"].append({**shipped(states), "shipment_id": "se-again"})


def leave_a_cancelled_order_waiting(states: States) -> None:
    next(one for one in states["shop"]["orders"] if one["fulfillments"])["cancelled"] = True


def lose_a_unit(states: States) -> None:
    shipped(states)["items"][0]["quantity"] += 1


def keep_an_old_address(states: States) -> None:
    there = shipped(states)
    there["shipment_status"] = "pending"
    there["ship_to"]["address_line1"] = "1 Old Street"


def lose_a_receipt(states: States) -> None:
    states["books"]["documents"].remove(receipt(states, "SalesReceipt"))


def double_a_receipt(states: States) -> None:
    states["books"]["documents"].append(receipt(states, "SalesReceipt"))


def double_a_refund(states: States) -> None:
    states["books"]["documents"].append(receipt(states, "RefundReceipt"))


def take_a_cent(states: States) -> None:
    receipt(states, "SalesReceipt")["TotalAmt"] = "0.01"


def lose_an_event(states: States) -> None:
    states["marketing"]["events"].remove(placed(states))


def double_an_event(states: States) -> None:
    states["marketing"]["events"].append(placed(states))


def double_a_fulfilment(states: States) -> None:
    order = next(one for one in states["shop"]["orders"] if one["fulfillments"])
    order["fulfillments"].append({**order["fulfillments"][0], "lines": []})


def show_too_much(states: States) -> None:
    levels = states["shop"]["levels"]["MUG-RED"]
    next(iter(levels.values()))["available"] += 1


def shipped(states: States) -> Any:
    return next(one for one in states["warehouse"]["shipments"] if one["shipment_status"] == "label_purchased")


def receipt(states: States, kind: str) -> Any:
    return next(one for one in states["books"]["documents"] if one["kind"] == kind)


def placed(states: States) -> Any:
    return next(one for one in states["marketing"]["events"] if one["metric"] == "Placed Order")


def test_a_good_day_is_good(good_day: States) -> None:
    assert oracle.judge(good_day).lines() == []


@pytest.mark.parametrize(
    ("happens", "kind", "where"),
    [
        (lose_a_shipment, "lost", "warehouse"),
        (double_a_shipment, "doubled", "warehouse"),
        (leave_a_cancelled_order_waiting, "wrong state", "warehouse"),
        (lose_a_unit, "doubled", "warehouse"),
        (keep_an_old_address, "wrong state", "warehouse"),
        (lose_a_receipt, "lost", "books"),
        (double_a_receipt, "doubled", "books"),
        (double_a_refund, "doubled", "books"),
        (take_a_cent, "wrong amount", "books"),
        (lose_an_event, "lost", "marketing"),
        (double_an_event, "doubled", "marketing"),
        (double_a_fulfilment, "doubled", "tracking"),
        (show_too_much, "wrong state", "stock"),
    ],
)
def test_what_goes_wrong_is_found(good_day: States, happens: Callable[[States], None], kind: str, where: str) -> None:
    states = copy.deepcopy(good_day)
    happens(states)
    assert any(line.startswith(f"{kind}: {where}") for line in oracle.judge(states).lines()), oracle.judge(
        states
    ).lines()
