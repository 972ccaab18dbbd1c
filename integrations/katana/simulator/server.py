"""The account over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar

import httpx

from integrations.katana.simulator.acts import Acts
from integrations.katana.simulator.answers import Refused, forbidden, invalid, not_found, too_many, unauthorised
from integrations.katana.simulator.habits import Habits
from integrations.katana.simulator.hooks import Hooks
from integrations.katana.simulator.lists import Lists
from integrations.katana.simulator.world import World
from integrations.simulator import Clock, FixedWindow, json_body

API_KEY = "sim-key"
WEBHOOK_TOKEN = "0123456789abcdef"  # noqa: S105  the simulator's own, no secret
STOCK_EVENTS = ["current_inventory.product_updated", "current_inventory.product_out_of_stock"]


class KatanaSimulator(Acts):
    """A Katana account. 60 calls in 60 seconds, closed bodies, quantities as decimal strings."""

    vendor: ClassVar[str] = "katana"

    def __init__(
        self,
        *,
        base_url: str,
        clock: Clock,
        limits: bool,
        api_key: str = API_KEY,
        webhook_url: str = "",
        webhook_token: str = WEBHOOK_TOKEN,
        **habits: Any,
    ) -> None:
        super().__init__(base_url=base_url, clock=clock, limits=limits)
        self.api_key = api_key
        self.habits = Habits(**habits)
        self.window = FixedWindow(60, 60.0, clock)
        self.world = World(self.now, self.habits)
        self.lists = Lists(self.world, self.habits)
        self.hooks = Hooks(self.base_url, clock, self.now, self.habits)
        self._orders = count(7001)
        if webhook_url:
            self.hooks.add({"url": webhook_url, "subscribed_events": STOCK_EVENTS}, webhook_token)

    def now(self) -> str:
        """The time as Katana writes it."""
        moment = datetime.fromtimestamp(self.clock(), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Limits first, then the key, then the plan, then the endpoint."""
        if self.limits and not self.window.take():
            response = too_many(self.window.reset, retry_after=self.habits.retry_after)
        elif request.headers.get("authorization") != f"Bearer {self.api_key}":
            response = unauthorised()
        elif not self.habits.api:
            response = forbidden()
        else:
            response = self._routed(request)
        response.headers.update(self._limit_headers())
        return response

    def _limit_headers(self) -> dict[str, str]:
        reset = self.clock() + self.window.reset
        return {
            "x-ratelimit-limit": "60",
            "x-ratelimit-remaining": str(self.window.remaining),
            "x-ratelimit-reset": str(int(reset * 1000 if self.habits.reset_in_ms else reset)),
        }

    def _routed(self, request: httpx.Request) -> httpx.Response:
        lists, params = self.lists, request.url.params
        try:
            match request.method, request.url.path.strip("/").split("/"):
                case "GET", ["factory"]:
                    return httpx.Response(200, json=self._factory())
                case "GET", ["locations"]:
                    return lists.locations(params)
                case "GET", ["inventory"]:
                    return lists.inventory(params)
                case "GET", ["variants"]:
                    return lists.variants(params)
                case "GET", ["products"]:
                    return lists.products(params)
                case "GET", ["inventory_movements"]:
                    return lists.movements(params)
                case method, ["webhooks", *rest]:
                    return self._webhooks(method, rest, request)
            return not_found()
        except Refused as refused:
            return refused.response

    def _factory(self) -> dict[str, Any]:
        return {"legal_name": "Made Up Mugs Ltd", "display_name": "Made Up Mugs", "base_currency_code": "USD"}

    def _webhooks(self, method: str, rest: Sequence[str], request: httpx.Request) -> httpx.Response:
        match method, rest:
            case "GET", []:
                return self.lists.page(list(self.hooks.all.values()), request.url.params)
            case "POST", []:
                return httpx.Response(200, json=self.hooks.add(closed_body(request)))
            case "GET", [number]:
                return httpx.Response(200, json=self.hooks.one(number))
            case "PATCH", [number]:
                return httpx.Response(200, json=self.hooks.change(number, closed_body(request)))
            case "DELETE", [number]:
                self.hooks.remove(number)
                return httpx.Response(204)
        return not_found()

    def state(self) -> dict[str, Any]:
        """`stock` by SKU and location name, `types` by SKU, `locations` by name, `unclear` SKUs, and `webhooks`."""
        unclear = self.world.unclear_skus()
        variants = [one for one in self.world.variants.values() if not one.deleted_at]
        return {
            "stock": self.world.by_sku(),
            "types": {one.sku: one.type for one in variants if one.sku not in unclear},
            "locations": {place["name"]: number for number, place in self.world.locations.items()},
            "unclear": unclear,
            "movements": len(self.world.movements),
            "webhooks": list(self.hooks.all.values()),
            "webhooks_lost": self.hooks.lost,
        }


def closed_body(request: httpx.Request) -> dict[str, Any]:
    """The JSON object of a request."""
    body = json_body(request)
    if not isinstance(body, dict):
        raise invalid("", "type", "must be object", type="object")
    return body
