"""Everything the shop holds, with the ways to find it again."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

from integrations.shopify.simulator.model import Customer, Fulfillment, FulfillmentOrder, Order, Refund
from integrations.shopify.simulator.stock import Item, Level, Location, Variant

FIRST_IDS = {
    "Order": 5_400_000_000_001,
    "LineItem": 14_000_000_000_001,
    "ShippingLine": 4_600_000_000_001,
    "OrderTransaction": 6_700_000_000_001,
    "Refund": 930_000_000_001,
    "RefundLineItem": 580_000_000_001,
    "RefundShippingLine": 570_000_000_001,
    "OrderAdjustment": 300_000_000_001,
    "FulfillmentOrder": 6_500_000_000_001,
    "FulfillmentOrderLineItem": 13_800_000_000_001,
    "Fulfillment": 4_800_000_000_001,
    "FulfillmentLineItem": 12_100_000_000_001,
    "FulfillmentHold": 7_700_001,
    "Location": 61_000_001,
    "Product": 7_000_000_000_001,
    "ProductVariant": 40_000_000_000_001,
    "InventoryItem": 42_000_000_000_001,
    "InventoryLevel": 98_000_001,
    "InventoryAdjustmentGroup": 310_000_001,
    "Customer": 6_100_000_000_001,
    "WebhookSubscription": 1_100_000_000_001,
    "BulkOperation": 8_900_000_000_001,
    "SalesAgreement": 2_300_001,
    "Sale": 2_400_001,
}


class Ids:
    """Numbers per kind, far apart, so that a mix-up of two kinds is noticed."""

    def __init__(self) -> None:
        self.counters = {kind: count(first) for kind, first in FIRST_IDS.items()}

    def next(self, kind: str) -> int:
        """The next number of `kind`."""
        return next(self.counters[kind])


class OrderIndex:
    """What the search knows: orders by the `updatedAt` it has seen, `lag` seconds behind the writes."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.lag = 0.0
        self.rows: list[tuple[int, int, Order]] = []
        self.seen: dict[int, int] = {}
        self.waiting: deque[tuple[float, int, Order]] = deque()

    def touch(self, order: Order) -> None:
        """The order changed."""
        if self.lag:
            self.waiting.append((self.now() + self.lag, order.updated, order))
        else:
            self._put(order.updated, order)

    def current(self) -> list[tuple[int, int, Order]]:
        """(updated, id, order) in ascending order, as far as the search is."""
        while self.waiting and self.waiting[0][0] <= self.now():
            _, updated, order = self.waiting.popleft()
            self._put(updated, order)
        return self.rows

    def _put(self, updated: int, order: Order) -> None:
        before = self.seen.get(order.id)
        if before is not None:
            del self.rows[bisect_left(self.rows, (before, order.id))]
        self.seen[order.id] = updated
        if not self.rows or self.rows[-1] < (updated, order.id):
            self.rows.append((updated, order.id, order))
        else:
            insort(self.rows, (updated, order.id, order))


class Store:
    """The shop's memory."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.ids = Ids()
        self.index = OrderIndex(now)
        self.orders: dict[int, Order] = {}
        self.orders_by_name: dict[str, Order] = {}
        self.locations: dict[int, Location] = {}
        self.variants: dict[int, Variant] = {}
        self.variants_by_sku: dict[str, Variant] = {}
        self.items: dict[int, Item] = {}
        self.levels: dict[int, Level] = {}
        self.customers: dict[int, Customer] = {}
        self.customers_by_email: dict[str, Customer] = {}
        self.fulfillment_orders: dict[int, FulfillmentOrder] = {}
        self.fulfillments: dict[int, Fulfillment] = {}
        self.refunds: dict[int, Refund] = {}
        self.subscriptions: dict[int, dict[str, Any]] = {}
        self.variant_words: dict[str, set[int]] = {}
        self.item_words: dict[str, set[int]] = {}
        self.same_sku: dict[str | None, list[Item]] = {}

    def add_variant(self, variant: Variant) -> None:
        """Make a variant and its item known, by id and by every word of the sku."""
        item = variant.item
        self.variants[variant.id], self.items[item.id] = variant, item
        self.same_sku.setdefault(item.sku, []).append(item)
        if variant.sku is None:
            return
        self.variants_by_sku.setdefault(variant.sku, variant)
        for word in re.findall(r"\w+", variant.sku.lower()):
            self.variant_words.setdefault(word, set()).add(variant.id)
            self.item_words.setdefault(word, set()).add(item.id)

    def items_with_sku(self, sku: str | None) -> list[Item]:
        """All items that carry this sku."""
        return self.same_sku.get(sku, []) if sku else []

    def order(self, reference: str) -> Order:
        """The order with this gid or name. Raises KeyError."""
        if reference.startswith("gid://"):
            return self.orders[int(reference.rsplit("/", 1)[1])]
        return self.orders_by_name[reference]

    def location(self, name: str | None) -> Location:
        """The location with this name, or the first one."""
        found = [one for one in self.locations.values() if name is None or one.name == name]
        if not found:
            raise KeyError(f"no location {name!r}")
        return found[0]

    def level(self, item: Item, location: Location, now: int) -> Level:
        """The level of `item` at `location`, made when missing."""
        level = item.levels.get(location.id)
        if level is None:
            level = Level(self.ids.next("InventoryLevel"), item, location, now, now)
            item.levels[location.id] = self.levels[level.id] = level
        return level
