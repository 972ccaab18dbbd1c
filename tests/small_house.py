"""A hub over a shop with two mugs and a hat, for stories that need real vendors and hardly any of their data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deployments.shop import ShopPlan
from tasks.hub import Hub
from tests.builders import NOON
from tests.journeys.house import House, a_house

ADDRESS = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "address1": "12 Analytical Way",
    "city": "Portland",
    "province": "Oregon",
    "province_code": "OR",
    "zip": "97201",
    "country": "United States",
    "country_code": "US",
    "phone": "+15035550123",
}

SMALL_SHOP = ShopPlan(
    shop={"name": "Clay & Leaf", "currency": "USD", "timezone": "UTC"},
    locations=[{"name": "Main"}, {"name": "East"}],
    products=[
        {"sku": "MUG-RED", "title": "Red mug", "price": "25.00", "levels": {"Main": 10, "East": 5}},
        {"sku": "MUG-BLUE", "title": "Blue mug", "price": "25.00", "levels": {"Main": 10, "East": 5}},
        {"sku": "HAT", "title": "Hat", "price": "20.00", "levels": {"Main": 10}},
    ],
    inventory={
        "locations": ["Main", "East"],
        "variants": [
            {"sku": "MUG-RED", "stock": {"Main": {"in_stock": "10"}, "East": {"in_stock": "5"}}},
            {"sku": "MUG-BLUE", "stock": {"Main": {"in_stock": "10"}, "East": {"in_stock": "5"}}},
            {"sku": "HAT", "stock": {"Main": {"in_stock": "10"}}},
        ],
    },
    orders=[],
    events_before=[],
    events_after=[],
)


def a_small_house(home: Path, **off: float) -> House:
    """The house at noon. The storefront shows what the inventory app has, and nobody has ordered anything.

    `off`: whose clocks are off by how many seconds, see `a_house`.
    """
    return a_house(home, SMALL_SHOP, NOON, off=off)


def order(house: House, **changes: Any) -> str:
    """Somebody buys a red mug; returns what people call the order, e.g. "#1001"."""
    spec: dict[str, Any] = {
        "email": "ada@example.com",
        "customer": {"first_name": "Ada", "last_name": "Lovelace"},
        "shipping_address": ADDRESS,
        "lines": [{"sku": "MUG-RED", "quantity": 1, "price": "25.00"}],
        "shipping": [{"title": "Standard", "code": "STD", "price": "5.00"}],
        **changes,
    }
    return str(house.vendors["shop"].act("place_orders", {"orders": [spec]})[0]["name"])


def with_route(hub: Hub, name: str, **changes: Any) -> None:
    """Change a route as an edited stack.toml would; `stock` is a table of its own."""
    route = hub.stack.route(name)
    if "stock" in changes:
        changes["stock"] = route.stock.model_copy(update=changes["stock"])
    routes = {**hub.stack.routes, name: route.model_copy(update=changes)}
    hub.stack = hub.stack.model_copy(update={"routes": routes})
