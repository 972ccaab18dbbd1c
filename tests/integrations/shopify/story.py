"""A shop to tell stories about: the simulator, a clock that somebody turns, and a caller with a token."""

from __future__ import annotations

from typing import Any

import httpx

from integrations.shopify.simulator import ShopifySimulator, build

NOON = 1_795_435_200  # 2026-11-23T12:00:00Z
STATE_TAX = {"title": "State tax", "rate": "0.08"}
CITY_TAX = {"title": "City tax", "rate": "0.02"}
ADDRESS = {
    "first_name": "Jo",
    "last_name": "Doe",
    "address1": "1 Main Street",
    "city": "Buffalo",
    "province": "New York",
    "province_code": "NY",
    "zip": "14201",
    "country": "United States",
    "country_code": "US",
}


class Clock:
    """Stands still until somebody turns it."""

    def __init__(self) -> None:
        self.now = float(NOON)

    def __call__(self) -> float:
        return self.now


class Story:
    """The simulator and a caller."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.sim: ShopifySimulator = build(base_url="http://sim.test/shopify", clock=self.clock, **options)
        self.http = httpx.Client(transport=self.sim.transport(), base_url=self.sim.base_url)
        shop = {"currency": "USD", "timezone": "America/New_York"}
        self.sim.do_setup(shop=shop, locations=[{"name": "Main"}, {"name": "East"}])
        self.products = self.sim.do_create_products(
            [
                {"sku": "MUG-RED", "title": "Mug", "price": "25.00", "levels": {"Main": 10, "East": 5}},
                {"sku": "HAT", "title": "Hat", "price": "20.00", "levels": {"Main": 10}},
            ]
        )

    def post(self, document: str, headers: dict[str, str] | None = None, **variables: Any) -> httpx.Response:
        """The raw answer."""
        return self.http.post(
            "/admin/api/2026-10/graphql.json",
            json={"query": document, "variables": variables},
            headers={"X-Shopify-Access-Token": "shpat_sim", **(headers or {})},
        )

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The whole body."""
        answer = self.post(document, **variables)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def data(self, document: str, **variables: Any) -> dict[str, Any]:
        """`data` of an answer without errors."""
        body = self.ask(document, **variables)
        assert "errors" not in body, body["errors"]
        data: dict[str, Any] = body["data"]
        return data

    def place(self, **changes: Any) -> str:
        """The gid of a new order: two mugs, paid, to Buffalo."""
        spec: dict[str, Any] = {
            "email": "jo@example.com",
            "customer": {"first_name": "Jo", "last_name": "Doe", "accepts_marketing": True},
            "shipping_address": ADDRESS,
            "lines": [{"sku": "MUG-RED", "quantity": 2, "price": "25.00", "taxes": [STATE_TAX]}],
            "shipping": [{"title": "Standard", "code": "STD", "price": "5.00"}],
        }
        return self.sim.do_place_orders([{**spec, **changes}])[0]["id"]

    def level(self, sku: str, place: str = "Main") -> dict[str, int]:
        """available, on_hand, committed"""
        return self.sim.do_levels()[sku][place]


def amount(bag: dict[str, Any]) -> str:
    """The shop amount of a `MoneyBag`."""
    text: str = bag["shopMoney"]["amount"]
    return text
