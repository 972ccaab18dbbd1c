"""What people and the world do in a Katana account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

from integrations.katana.simulator.habits import Habits
from integrations.katana.simulator.hooks import Hooks, copied
from integrations.katana.simulator.lists import WAYS, Cut, Lists
from integrations.katana.simulator.world import World
from integrations.simulator import Simulator


class Acts(Simulator):
    """The account's people."""

    habits: Habits
    world: World
    lists: Lists
    hooks: Hooks
    _orders: count[int]

    def now(self) -> str:
        """The time as Katana writes it."""
        raise NotImplementedError

    def do_setup(self, locations: Sequence[Any], variants: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Start over. Locations are names, or `{"name", "sales_allowed"}`; returns `{"locations": [{"id", "name"}]}`.

        A variant is `{"sku", "name", "type", "archived", "parts": {sku: number}, "stock": {location: {"in_stock",
        "committed", "expected", "potential"}}}`; SKUs may be empty and may repeat. A kit with parts is worth what they
        allow.
        """
        self.world = World(self.now, self.habits)
        self.lists = Lists(self.world, self.habits)
        for place in locations:
            given: Mapping[str, Any] = {"name": place} if isinstance(place, str) else place
            self.world.add_location(given["name"], given.get("sales_allowed", True))
        for one in variants:
            self.do_add_variant(**one)
        return {"locations": [{"id": place["id"], "name": place["name"]} for place in self.world.locations.values()]}

    def do_habits(self, **changes: Any) -> None:
        """Change what is not certain about Katana, see `Habits`."""
        known = replace(self.habits, **changes)
        vars(self.habits).update(vars(known))

    def do_add_variant(
        self,
        sku: str,
        name: str = "",
        type: str = "product",
        stock: Mapping[str, Any] | None = None,
        archived: bool = False,
        parts: Mapping[str, int] | None = None,
    ) -> int:
        """One more variant; returns its id."""
        made = self.world.add_variant(sku, name, type, dict(stock or {}), archived, dict(parts or {}))
        self._tell("variant.created", made.id, f"/variants/{made.id}")
        return made.id

    def do_set_stock(self, sku: str, location: str, in_stock: Any, committed: Any = None) -> None:
        """Somebody counts, sells or makes: set the level and tell the webhooks. KeyError for an unclear SKU."""
        variant = self.world.variant_of(sku)
        promised = None if committed is None else Decimal(str(committed))
        moved = self.world.set_level(variant, self.world.location_id(location), Decimal(str(in_stock)), promised)
        kind = "material" if variant.type == "material" else "product"
        href = f"/inventory?variant_id={variant.id}"
        if moved or self.habits.told_of_commitment:
            self._tell(f"current_inventory.{kind}_updated", variant.id, href)
        if moved and Decimal(str(in_stock)) <= 0:
            self._tell(f"current_inventory.{kind}_out_of_stock", variant.id, href)

    def do_sell(self, sku: str, location: str, quantity: Any) -> int:
        """A sales order commits stock and moves none; returns the order's id."""
        variant, place = self.world.variant_of(sku), self.world.location_id(location)
        level = variant.levels[place]
        level.committed += Decimal(str(quantity))
        order = next(self._orders)
        self._tell("sales_order.created", order, f"/sales_orders/{order}")
        if self.habits.told_of_commitment:
            self._tell("current_inventory.product_updated", variant.id, f"/inventory?variant_id={variant.id}")
        return order

    def do_backdate(self, sku: str, location: str, change: Any, moved: str) -> None:
        """Somebody books a change with a date in the past ("2026-11-01T09:00:00.000Z"): later balances change too."""
        variant, place = self.world.variant_of(sku), self.world.location_id(location)
        variant.levels[place].in_stock += Decimal(str(change))
        self.world.move(variant, place, Decimal(str(change)), moved)
        self._tell("current_inventory.product_updated", variant.id, f"/inventory?variant_id={variant.id}")

    def do_set_sku(self, variant: int, sku: str) -> None:
        """Somebody corrects the SKU of a variant, given by its id."""
        self.world.variants[variant].sku = sku
        self._tell("variant.updated", variant, f"/variants/{variant}")

    def do_archive(self, variant: int, archived: bool = True) -> None:
        """Somebody archives a variant's product, or takes it back."""
        self.world.variants[variant].archived = archived
        self._tell("variant.updated", variant, f"/variants/{variant}")

    def do_delete_variant(self, variant: int) -> None:
        """Somebody deletes a variant, given by its id."""
        self.world.variants[variant].deleted_at = self.now()
        self._tell("variant.deleted", variant, None)

    def do_cut_pages(self, after: int = 0, how: str = "last", times: int = 1) -> None:
        """The next walks over /inventory, `times` of them, break after page `after`.

        `how`: "last" says too early that this was the last page (a list of one page loses half its rows), "empty"
        sends a page without rows, "changed" counts another total. Between two pages, "added" adds a variant, "removed"
        removes the first one, and "swapped" does both, so that the total stays and a row slips past.
        """
        if how not in WAYS:
            raise ValueError(f"{how!r} is not one of {', '.join(WAYS)}")
        self.lists.cut = Cut(after, how, times)

    def do_empty(self, empty: bool = True) -> None:
        """/inventory has no rows at all, until `do_empty(False)`."""
        self.lists.emptied = empty

    def do_not_taken(self, count: int = 1) -> None:
        """The receiver did not answer 2xx to the last `count` webhooks: they are due again after 30 s, 2 or 15 min."""
        for delivery in self.hooks.sent[-count:]:
            self.hooks.not_taken(delivery)

    def do_retry_webhooks(self) -> int:
        """Send again what is due by now, with X-Katana-Retry-Num; how many."""
        again = self.hooks.retried()
        self.outbox.extend(again)
        return len(again)

    def do_repeat_webhook(self) -> None:
        """The last webhook arrives twice."""
        self.outbox.append(copied(self.hooks.sent[-1].request, {}))

    def _tell(self, action: str, object_id: int, href: str | None) -> None:
        self.outbox.extend(self.hooks.requests(action, object_id, href))
