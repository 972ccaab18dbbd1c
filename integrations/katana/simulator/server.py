"""The account over HTTP, and what the world does to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import httpx

from integrations.katana.simulator.answers import Refused, invalid, listed, not_found, page, too_many, unauthorised
from integrations.katana.simulator.hooks import Hooks
from integrations.katana.simulator.world import World
from integrations.simulator import Clock, FixedWindow, Simulator, json_body

API_KEY = "sim-key"
WEBHOOK_TOKEN = "0123456789abcdef"  # noqa: S105  the simulator's own, no secret
STOCK_EVENTS = ["current_inventory.product_updated", "current_inventory.product_out_of_stock"]


@dataclass
class Cut:
    """One walk over /inventory that goes wrong after page `after`."""

    after: int
    how: str


class KatanaSimulator(Simulator):
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
        reset_in_ms: bool = False,
    ) -> None:
        super().__init__(base_url=base_url, clock=clock, limits=limits)
        self.api_key = api_key
        self.reset_in_ms = reset_in_ms
        self.window = FixedWindow(60, 60.0, clock)
        self.world = World(self.now)
        self.hooks = Hooks(self.base_url)
        self.cut: Cut | None = None
        self.emptied = False
        if webhook_url:
            self.hooks.add({"url": webhook_url, "subscribed_events": STOCK_EVENTS}, webhook_token)

    def now(self) -> str:
        """The time as Katana writes it."""
        moment = datetime.fromtimestamp(self.clock(), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    # ---- the vendor ----

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Limits first, then the key, then the endpoint."""
        if self.limits and not self.window.take():
            response = too_many(self.window.reset)
        elif request.headers.get("authorization") != f"Bearer {self.api_key}":
            response = unauthorised()
        else:
            response = self._routed(request)
        response.headers.update(self._limit_headers())
        return response

    def _limit_headers(self) -> dict[str, str]:
        reset = self.clock() + self.window.reset
        return {
            "x-ratelimit-limit": "60",
            "x-ratelimit-remaining": str(self.window.remaining),
            "x-ratelimit-reset": str(int(reset * 1000 if self.reset_in_ms else reset)),
        }

    def _routed(self, request: httpx.Request) -> httpx.Response:
        try:
            match request.method, request.url.path.strip("/").split("/"):
                case "GET", ["factory"]:
                    return httpx.Response(200, json=self._factory())
                case "GET", ["locations"]:
                    return listed(*page(list(self.world.locations.values()), request.url.params))
                case "GET", ["inventory"]:
                    return self._inventory(request.url.params)
                case "GET", ["variants"]:
                    return listed(*page(self._variants(request.url.params), request.url.params))
                case "GET", ["inventory_movements"]:
                    return listed(*page(self.world.movements[::-1], request.url.params))
                case method, ["webhooks", *rest]:
                    return self._webhooks(method, rest, request)
            return not_found()
        except Refused as refused:
            return refused.response

    def _factory(self) -> dict[str, Any]:
        return {"legal_name": "Made Up Mugs Ltd", "display_name": "Made Up Mugs", "base_currency_code": "USD"}

    def _variants(self, params: httpx.QueryParams) -> list[dict[str, Any]]:
        skus, kind = params.get_list("sku"), params.get("type")
        chosen = [one for one in self.world.variants.values() if not one.archived]
        chosen = [one for one in chosen if (not skus or one.sku in skus) and kind in (None, one.type)]
        return [{**one.short(), "created_at": one.updated_at} for one in chosen]

    def _inventory(self, params: httpx.QueryParams) -> httpx.Response:
        rows = [] if self.emptied else list(self.world.stock_rows(params.get("include_archived") == "true"))
        variants, location = params.get_list("variant_id"), params.get("location_id")
        rows = [row for row in rows if not variants or str(row["variant_id"]) in variants]
        rows = [row for row in rows if location in (None, str(row["location_id"]))]
        if "variant" not in params.get_list("extend"):
            rows = [{name: value for name, value in row.items() if name != "variant"} for row in rows]
        return self._page_of_walk(rows, params)

    def _page_of_walk(self, rows: list[dict[str, Any]], params: httpx.QueryParams) -> httpx.Response:
        """A page, or what is left of it when somebody cut the walk short."""
        found, paging = page(rows, params)
        at, last, cut = int(paging["page"]), paging["last_page"] == "true", self.cut
        if cut is None or at < cut.after or (at == cut.after and not last and cut.how != "last"):
            return listed(found, paging)
        self.cut = None
        if at > cut.after and cut.how == "empty":
            return listed([], {**paging, "last_page": "false"})
        if at > cut.after and cut.how == "changed":
            return listed(found, {**paging, "total_records": str(len(rows) + 1)})
        half = found if at < int(paging["total_pages"]) else found[: len(found) // 2]
        return listed(half, {**paging, "last_page": "true"})

    def _webhooks(self, method: str, rest: Sequence[str], request: httpx.Request) -> httpx.Response:
        match method, rest:
            case "GET", []:
                return listed(*page(list(self.hooks.all.values()), request.url.params))
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

    # ---- the world ----

    def do_setup(self, locations: Sequence[Any], variants: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Start over. Locations are names, or `{"name", "sales_allowed"}`; returns `{"locations": [{"id", "name"}]}`.

        A variant is `{"sku", "name", "type", "archived", "stock": {location: {"in_stock", "committed", "expected",
        "potential"}}}`; SKUs may be empty and may repeat.
        """
        self.world, self.emptied, self.cut = World(self.now), False, None
        for place in locations:
            given: Mapping[str, Any] = {"name": place} if isinstance(place, str) else place
            self.world.add_location(given["name"], given.get("sales_allowed", True))
        for one in variants:
            self.do_add_variant(**one)
        return {"locations": [{"id": place["id"], "name": place["name"]} for place in self.world.locations.values()]}

    def do_add_variant(
        self,
        sku: str,
        name: str = "",
        type: str = "product",
        stock: Mapping[str, Any] | None = None,
        archived: bool = False,
    ) -> int:
        """One more variant; returns its id."""
        return self.world.add_variant(sku, name, type, dict(stock or {}), archived).id

    def do_set_stock(self, sku: str, location: str, in_stock: Any, committed: Any = None) -> None:
        """Somebody counts, sells or makes: set the level and tell the webhooks. KeyError for an unclear SKU."""
        variant = self.world.variant_of(sku)
        promised = None if committed is None else Decimal(str(committed))
        self.world.set_level(variant, self.world.location_id(location), Decimal(str(in_stock)), promised)
        kind = "material" if variant.type == "material" else "product"
        self._tell(f"current_inventory.{kind}_updated", variant.id)
        if Decimal(str(in_stock)) <= 0:
            self._tell(f"current_inventory.{kind}_out_of_stock", variant.id)

    def do_set_sku(self, variant: int, sku: str) -> None:
        """Somebody corrects the SKU of a variant, given by its id."""
        self.world.variants[variant].sku = sku

    def do_cut_pages(self, after: int = 0, how: str = "last") -> None:
        """The next walk over /inventory breaks once, after page `after`.

        `how`: "last" says too early that this was the last page (a list of one page loses half its rows), "empty"
        sends a page without rows, "changed" counts another total, as when a row was added meanwhile.
        """
        if how not in ("last", "empty", "changed"):
            raise ValueError(f"{how!r} is not one of last, empty, changed")
        self.cut = Cut(after, how)

    def do_empty(self, empty: bool = True) -> None:
        """/inventory has no rows at all, until `do_empty(False)`."""
        self.emptied = empty

    def _tell(self, action: str, variant: int) -> None:
        self.outbox.extend(self.hooks.requests(action, variant))

    def state(self) -> dict[str, Any]:
        """`stock` by SKU and location name, `types` by SKU, `locations` by name, `unclear` SKUs, and `webhooks`."""
        unclear = self.world.unclear_skus()
        variants = self.world.variants.values()
        return {
            "stock": self.world.by_sku(),
            "types": {one.sku: one.type for one in variants if one.sku not in unclear},
            "locations": {place["name"]: number for number, place in self.world.locations.items()},
            "unclear": unclear,
            "movements": len(self.world.movements),
            "webhooks": list(self.hooks.all.values()),
        }


def closed_body(request: httpx.Request) -> dict[str, Any]:
    """The JSON object of a request."""
    body = json_body(request)
    if not isinstance(body, dict):
        raise invalid("", "type", "must be object", type="object")
    return body
