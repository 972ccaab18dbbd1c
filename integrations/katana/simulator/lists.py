"""Katana's lists and their filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from integrations.katana.simulator.answers import flag, listed, number, page, whole
from integrations.katana.simulator.habits import Habits
from integrations.katana.simulator.world import World

WAYS = ("last", "empty", "changed", "added", "removed", "swapped")


@dataclass
class Cut:
    """Walks over /inventory that go wrong after page `after`."""

    after: int
    how: str
    times: int = 1


class Lists:
    """What the account lists."""

    def __init__(self, world: World, habits: Habits) -> None:
        self.world = world
        self.habits = habits
        self.cut: Cut | None = None
        self.emptied = False

    def page(self, rows: list[dict[str, Any]], params: httpx.QueryParams) -> httpx.Response:
        """The page that `params` asks for."""
        return listed(*page(rows, params, self.habits), self.habits)

    def locations(self, params: httpx.QueryParams) -> httpx.Response:
        """GET /locations."""
        return self.page(list(self.world.locations.values()), params)

    def variants(self, params: httpx.QueryParams) -> httpx.Response:
        """GET /variants. Deleted and archived ones only when asked for."""
        ids, skus, kind = whole(params, "ids"), params.get_list("sku"), params.get("type")
        deleted, archived = flag(params, "include_deleted"), flag(params, "include_archived")
        chosen = [
            one.short(self.habits)
            for one in self.world.variants.values()
            if (deleted or not one.deleted_at) and (archived or not one.archived)
            if (ids is None or one.id in ids) and (not skus or one.sku in skus)
        ]
        for name in ("product_id", "material_id"):
            wanted = whole(params, name)
            chosen = [one for one in chosen if wanted is None or one.get(name) in wanted]
        return self.page([one for one in chosen if kind in (None, one["type"])], params)

    def products(self, params: httpx.QueryParams) -> httpx.Response:
        """GET /products."""
        rows = [
            one.product()
            for one in self.world.variants.values()
            if one.type != "material" and not one.deleted_at and not one.archived
        ]
        if "is_auto_assembly" in params:
            wanted = flag(params, "is_auto_assembly")
            rows = [row for row in rows if row["is_auto_assembly"] == wanted]
        return self.page(rows, params)

    def movements(self, params: httpx.QueryParams) -> httpx.Response:
        """GET /inventory_movements, newest first."""
        rows = self.world.movements[::-1]
        for name, field in (("ids", "id"), ("variant_ids", "variant_id"), ("location_id", "location_id")):
            wanted = whole(params, name)
            rows = [row for row in rows if wanted is None or row[field] in wanted]
        for field in ("created_at", "updated_at"):
            least, most = params.get(f"{field}_min", ""), params.get(f"{field}_max", "9")
            rows = [row for row in rows if least <= row[field] <= most]
        return self.page(rows, params)

    def inventory(self, params: httpx.QueryParams) -> httpx.Response:
        """GET /inventory."""
        self._change_between_pages(number(params, "page", 1, 10**9))
        rows = [] if self.emptied else list(self.world.stock_rows(flag(params, "include_archived")))
        for name in ("variant_id", "location_id"):
            wanted = whole(params, name)
            rows = [row for row in rows if wanted is None or row[name] in wanted]
        if not self.habits.extend or "variant" not in params.get_list("extend"):
            rows = [{name: value for name, value in row.items() if name != "variant"} for row in rows]
        return self._page_of_walk(rows, params)

    def _change_between_pages(self, at: int) -> None:
        """Somebody adds or removes a variant after page `after` was sent."""
        cut = self.cut
        if cut is None or cut.how not in ("added", "removed", "swapped") or at != cut.after + 1:
            return
        self._once(cut)
        first = next(iter(self.world.locations.values()))["name"]
        if cut.how in ("removed", "swapped"):
            self.world.variants.pop(next(iter(self.world.variants)))
        if cut.how in ("added", "swapped"):
            self.world.add_variant(f"NEW-{cut.times}", "", "product", {first: {"in_stock": 1}})

    def _once(self, cut: Cut) -> None:
        cut.times -= 1
        if cut.times <= 0:
            self.cut = None

    def _page_of_walk(self, rows: list[dict[str, Any]], params: httpx.QueryParams) -> httpx.Response:
        """A page, or what is left of it when somebody cut the walk short."""
        found, paging = page(rows, params, self.habits)
        at, last, cut = int(paging["page"]), paging["last_page"] == "true", self.cut
        if cut is None or cut.how not in ("last", "empty", "changed"):
            return listed(found, paging, self.habits)
        if at < cut.after or (at == cut.after and not last and cut.how != "last"):
            return listed(found, paging, self.habits)
        self._once(cut)
        if at > cut.after and cut.how == "empty":
            return listed([], {**paging, "last_page": "false"}, self.habits)
        if at > cut.after and cut.how == "changed":
            return listed(found, {**paging, "total_records": str(len(rows) + 1)}, self.habits)
        half = found if at < int(paging["total_pages"]) else found[: len(found) // 2]
        return listed(half, {**paging, "last_page": "true"}, self.habits)
