"""The made-up shop: sound, the same each time, and as odd as promised."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from deployments.shop import ShopPlan, a_shop

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PLAN = a_shop(now=NOW)
ORDERS = {order["name"]: order for order in PLAN.orders}
Order = dict[str, Any]


def as_json(plan: ShopPlan) -> str:
    return json.dumps(vars(plan), sort_keys=True)


def test_the_same_seed_and_moment_make_the_same_shop() -> None:
    assert as_json(a_shop(now=NOW)) == as_json(PLAN)
    assert as_json(a_shop(seed=8, now=NOW)) != as_json(PLAN)


def test_orders_are_as_many_as_asked_for_named_and_dated() -> None:
    # given 200 orders
    assert len(PLAN.orders) == 200
    # then they are named in the order of their dates
    assert list(ORDERS) == [f"#{number}" for number in range(1001, 1201)]
    placed = [datetime.fromisoformat(order["created_at"]) for order in PLAN.orders]
    assert placed == sorted(placed)
    # and of the last 30 days, none of the last two hours
    assert NOW - timedelta(days=30) <= placed[0]
    assert placed[-1] <= NOW - timedelta(hours=2)


def test_the_odd_ones_come_however_few_are_asked_for() -> None:
    few = a_shop(orders=1, now=NOW)
    assert len(few.orders) == few.counts["odd orders"] == PLAN.counts["odd orders"]
    assert sorted(few.stories.values()) == sorted(PLAN.stories.values())


def test_every_action_is_possible() -> None:
    for action, arguments in [*PLAN.events_before, *PLAN.events_after]:
        order = ORDERS[arguments["order"]]
        assert action in ("refund", "cancel", "edit", "pay", "hold", "release")
        for back in arguments.get("lines", ()):
            assert 0 < back["quantity"] <= order["lines"][back["line"]]["quantity"]
        if "at" in arguments:
            assert order["created_at"] <= arguments["at"] <= NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
        for place in arguments.get("quantities", ()):
            assert int(place) < len(order["lines"])


def test_no_discount_is_more_than_what_it_is_taken_from() -> None:
    for order in PLAN.orders:
        nets = [Decimal(one["price"]) * one["quantity"] - Decimal(one.get("discount", "0")) for one in order["lines"]]
        assert min(nets) >= 0
        if order.get("order_discount"):
            assert Decimal(order["order_discount"]["amount"]) <= sum(nets)


def text(order: Order) -> str:
    return json.dumps(order, ensure_ascii=False)


def lines(order: Order, key: str, value: Any) -> list[Any]:
    return [line for line in order["lines"] if line.get(key) == value]


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("several taxes on a line", lambda o: any(len(line["taxes"]) > 1 for line in o["lines"])),
        ("taxes included", lambda o: o["taxes_included"]),
        ("taxes on top", lambda o: not o["taxes_included"] and o["lines"][0]["taxes"]),
        ("a discount on a line", lambda o: any("discount" in line for line in o["lines"])),
        ("a discount on the order", lambda o: o.get("order_discount")),
        ("free shipping", lambda o: o["shipping"] and o["shipping"][0]["price"] == "0.00"),
        ("pending", lambda o: o["payment"] == "pending"),
        ("authorised", lambda o: o["payment"] == "authorized"),
        ("a test order", lambda o: o.get("test")),
        ("nothing to ship", lambda o: len(lines(o, "requires_shipping", False)) == len(o["lines"])),
        ("a gift card sold", lambda o: lines(o, "gift_card", True)),
        ("a gift card redeemed", lambda o: Decimal(o.get("gift_card_payment", "0"))),
        ("a guest", lambda o: o["customer"] is None and o["email"] is None),
        ("Czech letters", lambda o: any(letter in text(o) for letter in "řšžě")),
        ("Japanese", lambda o: any("\u4e00" <= sign <= "\u9fff" for sign in text(o))),
        ("Arabic", lambda o: any("\u0600" <= sign <= "\u06ff" for sign in text(o))),
        ("emoji", lambda o: "🎁" in (o.get("note") or "")),
        ("no telephone", lambda o: o["shipping_address"] and not o["shipping_address"]["phone"]),
        ("a long name", lambda o: o["customer"] and len(" ".join(map(str, o["customer"].values()))) > 80),
        ("another currency", lambda o: o.get("presentment")),
        ("two locations", lambda o: len({line.get("location") for line in o["lines"]}) > 1),
        ("a line for nothing", lambda o: lines(o, "price", "0.00")),
        ("thirty lines", lambda o: len(o["lines"]) == 30),
        ("no such product", lambda o: lines(o, "known", False)),
    ],
)
def test_the_shop_has_at_least_one(kind: str, holds: Callable[[Order], Any]) -> None:
    found = [order["name"] for order in PLAN.orders if holds(order)]
    assert found, kind


@pytest.mark.parametrize("when", ["events_before", "events_after"])
def test_orders_change_before_the_hub_looks_and_after(when: str) -> None:
    assert {"refund", "cancel", "edit"} <= {action for action, _ in getattr(PLAN, when)}


def test_storefront_and_inventory_app_do_not_agree() -> None:
    shown = {product["sku"] for product in PLAN.products}
    stocked = [variant["sku"] for variant in PLAN.inventory["variants"] if variant["type"] == "product"]
    ordered = {line["sku"] for order in PLAN.orders for line in order["lines"]}
    # a SKU that only one of them knows, one that is there twice, one that is missing
    assert "MUG-PROTOTYPE" in set(stocked) - shown
    assert "VINTAGE-1" in (shown & ordered) - set(stocked)
    assert [sku for sku in set(stocked) if stocked.count(sku) > 1] == ["CUP-4"]
    assert "" in stocked
