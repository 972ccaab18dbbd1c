"""Both shops go into the vendors' simulators, and come out as their stories say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from deployments.shop import ShopPlan, a_shop, read_orders
from deployments.shop.plan import Action
from integrations.katana import simulator as katana
from integrations.shopify import simulator as shopify
from integrations.simulator import Simulator

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def clock() -> float:
    return NOW.timestamp()


def filled(plan: ShopPlan) -> Simulator:
    """The storefront before the hub first looks. What goes in is JSON, as over its control endpoint."""
    shop = shopify.build(base_url="https://demo.test", clock=clock)
    shop.act("setup", through_json({"shop": plan.shop, "locations": plan.locations}))
    shop.act("create_products", through_json({"products": plan.products}))
    shop.act("place_orders", through_json({"orders": plan.orders}))
    happen(shop, plan.events_before)
    return shop


def happen(shop: Simulator, actions: list[Action]) -> None:
    for action, arguments in actions:
        shop.act(action, through_json(arguments))


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def by_name(shop: Simulator) -> Mapping[str, Any]:
    return {order["name"]: order for order in shop.state()["orders"]}


@pytest.fixture(scope="module")
def plan() -> ShopPlan:
    return a_shop(now=NOW)


@pytest.fixture(scope="module")
def before(plan: ShopPlan) -> Mapping[str, Any]:
    """The made-up orders as the hub first sees them, by story."""
    orders = by_name(filled(plan))
    return {story: orders[name] for name, story in plan.stories.items() if name in orders}


@pytest.fixture(scope="module")
def after(plan: ShopPlan) -> Mapping[str, Any]:
    """The same after everything has happened."""
    shop = filled(plan)
    happen(shop, plan.events_after)
    orders = by_name(shop)
    return {story: orders[name] for name, story in plan.stories.items() if name in orders}


@pytest.mark.parametrize(
    ("story", "financial", "cancelled"),
    [
        ("not paid, and stays so", "PENDING", False),
        ("authorised and not captured", "AUTHORIZED", False),
        ("refunded in part", "PARTIALLY_REFUNDED", False),
        ("refunded in full", "REFUNDED", False),
        ("only shipping refunded", "PARTIALLY_REFUNDED", False),
        ("refunded without a line, for goodwill", "PARTIALLY_REFUNDED", False),
        ("paid, then cancelled and refunded", "REFUNDED", True),
        ("never paid, then cancelled", "VOIDED", True),
        ("all paid with a gift card", "PAID", False),
        ("nothing to pay: the discount takes it all", "PAID", False),
    ],
)
def test_money_is_where_the_story_says(before: Any, story: str, financial: str, cancelled: bool) -> None:
    assert (before[story]["financial"], before[story]["cancelled"]) == (financial, cancelled)


@pytest.mark.parametrize(
    ("story", "key", "then", "now"),
    [
        ("not paid, the money comes later", "financial", "PENDING", "PAID"),
        ("authorised, captured later", "financial", "AUTHORIZED", "PAID"),
        ("on hold, released later", "fulfillment", "ON_HOLD", "UNFULFILLED"),
        ("on hold, and stays so", "fulfillment", "ON_HOLD", "ON_HOLD"),
        ("cancelled later", "cancelled", False, True),
        ("refunded in part later", "financial", "PAID", "PARTIALLY_REFUNDED"),
        ("refunded in full later", "financial", "PAID", "REFUNDED"),
    ],
)
def test_what_happens_later(before: Any, after: Any, story: str, key: str, then: Any, now: Any) -> None:
    assert (before[story][key], after[story][key]) == (then, now)


def test_edits_change_the_lines(before: Any, after: Any) -> None:
    early, late = "edited before anybody saw it", "edited later: fewer mugs, one candle more"
    assert [line["current"] for line in before[early]["lines"]] == [1, 2]
    assert [line["current"] for line in before[late]["lines"]] == [3]
    assert [line["current"] for line in after[late]["lines"]] == [2, 1]


def test_nothing_is_left_of_what_was_refunded_in_full(before: Any) -> None:
    assert Decimal(before["refunded in full"]["total"]) == 0


def test_the_storefront_shows_other_levels_than_the_inventory_app(plan: ShopPlan) -> None:
    # given both apps, filled
    stock = katana.build(base_url="https://katana.test/v1", clock=clock)
    assert {place["name"] for place in stock.act("setup", through_json(plan.inventory))["locations"]} == {
        place["name"] for place in plan.locations
    }
    shown = filled(plan).state()["levels"]
    # then most levels differ, none of the storefront's is far below zero, and some SKUs are unclear
    known = stock.state()["stock"]
    differ = [
        sku
        for sku in shown
        if sku in known
        and shown[sku]["West warehouse"]["available"] != Decimal(known[sku]["West warehouse"]["in_stock"])
    ]
    assert len(differ) > 30
    assert min(place["available"] for places in shown.values() for place in places.values()) >= -5
    assert stock.state()["unclear"] == ["", "CUP-4"]


def test_orders_from_a_file_load_as_well(tmp_path: Path) -> None:
    # given three invoices, one with postage; part of one comes back, all of the other
    path = tmp_path / "orders.csv"
    path.write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,WHITE HANGING HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
        "536365,71053,WHITE METAL LANTERN,2,2010-12-01 08:26:00,3.39,17850.0,United Kingdom\n"
        "536370,22728,ALARM CLOCK PINK,24,2010-12-01 08:45:00,3.75,12583.0,France\n"
        "536370,POST,POSTAGE,3,2010-12-01 08:45:00,18.0,12583.0,France\n"
        "536371,gift_0001_20,Gift Voucher £20.00,1,2010-12-01 09:45:00,16.67,,United Kingdom\n"
        "C536400,85123A,WHITE HANGING HEART,-1,2010-12-02 08:45:00,2.55,17850.0,United Kingdom\n"
        "C536401,22728,ALARM CLOCK PINK,-24,2010-12-02 09:45:00,3.75,12583.0,France\n",
        encoding="utf-8",
    )
    plan = read_orders(path, now=NOW)
    # when
    orders = by_name(filled(plan))
    katana.build(base_url="https://katana.test/v1", clock=clock).act("setup", through_json(plan.inventory))
    # then each is worth what the file says, less what came back
    assert {name: (one["financial"], one["total"], one["cancelled"]) for name, one in orders.items()} == {
        "#536365": ("PARTIALLY_REFUNDED", "19.53", False),
        "#536370": ("REFUNDED", "0.00", True),
        "#536371": ("PAID", "16.67", False),
    }
