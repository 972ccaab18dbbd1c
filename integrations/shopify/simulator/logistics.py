"""What people and other apps do with stock and with what is to be shipped: more of the simulator's `do_…` actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.shopify.simulator.clock import seconds
from integrations.shopify.simulator.core import Core
from integrations.shopify.simulator.model import FulfillmentOrder, FulfillmentOrderLine, gid
from integrations.shopify.simulator.placing import open_fulfillment_order

Parts = Mapping[str, int]
"""Units by SKU; nothing named is everything."""


class Logistics(Core):
    """The actions."""

    def do_unstock(self, sku: str, location: str) -> dict[str, bool]:
        """The merchant unticks a location of a product: its quantities stay, and nothing is sold from there."""
        level = self.store.variants_by_sku[sku].item.levels[self.store.location(location).id]
        level.active = False
        self.level_changed(level)
        return {"active": False}

    def do_delete_product(self, sku: str) -> dict[str, str]:
        """A product goes with its item and its levels; orders keep a copy of what it was called."""
        variant = self.store.variants_by_sku.pop(sku)
        item = variant.item
        del self.store.variants[variant.id], self.store.items[item.id]
        self.store.same_sku[item.sku].remove(item)
        for level in item.levels.values():
            del self.store.levels[level.id]
        for order in self.store.orders.values():
            for line in order.lines:
                line.variant = None if line.variant is variant else line.variant
        return {"deleted": gid("ProductVariant", variant.id)}

    def do_move(self, order: str, to: str, parts: Parts | None = None) -> dict[str, str]:
        """Another location ships it: everything under the same id, a part under a new one."""
        one, place = self._open_order(order), self.store.location(to)
        moved = self._cut(one, parts) if parts else one
        moved.location, moved.updated = place, self.moment()
        self.changed(one.order, ("fulfillment_orders/moved", moved))
        return {"moved": gid("FulfillmentOrder", moved.id)}

    def do_split(self, order: str, parts: Parts) -> dict[str, str]:
        """These units become a fulfillment order of their own."""
        one = self._open_order(order)
        made = self._cut(one, parts)
        self.changed(one.order, ("fulfillment_orders/split", one))
        return {"split_off": gid("FulfillmentOrder", made.id)}

    def do_merge(self, order: str) -> dict[str, str]:
        """The open fulfillment orders of one location become the first of them."""
        first = self._open_order(order)
        for other in first.order.fulfillment_orders:
            if other is not first and other.status == "OPEN" and other.location is first.location:
                merge(first, other)
        self.changed(first.order, ("fulfillment_orders/merged", first))
        return {"merged": gid("FulfillmentOrder", first.id)}

    def do_schedule(self, order: str, at: str) -> dict[str, str]:
        """A pre-order: nothing may be sent before `at`."""
        one = self._open_order(order)
        one.status, one.fulfill_at = "SCHEDULED", seconds(at, self.timezone)
        self.changed(one.order)
        return {"status": one.status}

    def do_report_progress(self, order: str) -> dict[str, str]:
        """Somebody says that it is being packed."""
        one = self._open_order(order)
        one.status = "IN_PROGRESS"
        self.changed(one.order)
        return {"status": one.status}

    def do_request(self, order: str, status: str) -> dict[str, str]:
        """What a fulfillment service was asked and answered: "SUBMITTED", "ACCEPTED", "REJECTED", "CLOSED"."""
        one = next(one for one in self.store.order(order).fulfillment_orders if one.location.service)
        states = {"ACCEPTED": "IN_PROGRESS", "CLOSED": "INCOMPLETE"}
        one.request, one.status = status, states.get(status, "OPEN")
        self.changed(one.order)
        return {"status": one.status, "request": one.request}

    def do_cancel_fulfillment_order(self, order: str) -> dict[str, str]:
        """The old one closes without any line, and a new one takes its lines over."""
        one = self._open_order(order)
        rows, one.lines, one.status = one.lines, [], "CLOSED"
        made = open_fulfillment_order(self.store, one.order, one.location.id, one.method, rows, self.moment())
        self.changed(one.order, ("fulfillment_orders/cancelled", one))
        return {"replacement": gid("FulfillmentOrder", made.id)}

    def _open_order(self, order: str) -> FulfillmentOrder:
        return next(one for one in self.store.order(order).fulfillment_orders if one.status == "OPEN")

    def _cut(self, one: FulfillmentOrder, parts: Parts) -> FulfillmentOrder:
        rows = []
        for row in one.lines:
            units = min(row.remaining, parts.get(row.line.sku or "", 0))
            if units:
                row.remaining, row.total = row.remaining - units, row.total - units
                number = self.store.ids.next("FulfillmentOrderLineItem")
                rows.append(FulfillmentOrderLine(number, row.line, units, units))
        one.lines = [row for row in one.lines if row.total]
        return open_fulfillment_order(self.store, one.order, one.location.id, one.method, rows, self.moment())


def merge(first: FulfillmentOrder, other: FulfillmentOrder) -> None:
    """`first` takes the units of `other`, which closes with none."""
    by_line: dict[int, Any] = {id(row.line): row for row in first.lines}
    for row in other.lines:
        mine = by_line.get(id(row.line))
        if mine is None:
            first.lines.append(FulfillmentOrderLine(row.id, row.line, row.total, row.remaining))
        else:
            mine.total, mine.remaining = mine.total + row.total, mine.remaining + row.remaining
        row.total = row.remaining = 0
    other.status = "CLOSED"
