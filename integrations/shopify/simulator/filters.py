"""The search fields of each connection. https://shopify.dev/docs/api/admin-graphql/latest/queries/orders"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from integrations.shopify.simulator.clock import seconds
from integrations.shopify.simulator.model import Order
from integrations.shopify.simulator.search import BadTimestamp, BadValue, Filter, Predicate
from integrations.shopify.simulator.stock import Level
from integrations.shopify.simulator.store import Store
from integrations.shopify.simulator.totals import financial_status, fulfillment_status, totals

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
FINANCIAL = ["paid", "pending", "authorized", "partially_paid", "partially_refunded", "refunded", "voided", "expired"]
FULFILLMENT = {
    "unshipped": {"UNFULFILLED", "ON_HOLD"},
    "unfulfilled": {"UNFULFILLED", "PARTIALLY_FULFILLED", "ON_HOLD"},
    "shipped": {"FULFILLED"},
    "fulfilled": {"FULFILLED"},
    "partial": {"PARTIALLY_FULFILLED"},
    "on_hold": {"ON_HOLD"},
    "scheduled": {"SCHEDULED"},
    "request_declined": {"REQUEST_DECLINED"},
}
STATUS: dict[str, Predicate] = {
    "open": lambda one: one.cancelled is None,
    "not_closed": lambda one: one.cancelled is None,
    "closed": lambda one: False,
    "cancelled": lambda one: one.cancelled is not None,
    "any": lambda one: True,
}


def words(text: str | None) -> frozenset[str]:
    """The tokens that the index keeps: lower case, split at everything that is no letter or digit."""
    return frozenset(re.findall(r"\w+", (text or "").lower()))


def moment(read: Callable[[Any], int], timezone: str, now: Callable[[], float]) -> Filter:
    """A date filter."""

    def predicate(op: str, value: str) -> Predicate:
        try:
            wanted = int(now()) if value == "now" else seconds(value, timezone)
        except ValueError as wrong:
            raise BadTimestamp(value) from wrong
        compare = COMPARE[op]
        return lambda row: compare(read(row), wanted)

    return Filter(predicate)


def number(read: Callable[[Any], int | None]) -> Filter:
    """A whole number or a list of them: `id:1,2`, `id:>=3`."""

    def predicate(op: str, value: str) -> Predicate:
        try:
            wanted = [int(part.rsplit("/", 1)[-1]) for part in value.split(",")]
        except ValueError as wrong:
            raise BadValue(value) from wrong
        if not op:
            return lambda row: read(row) in wanted
        compare = COMPARE[op]
        return lambda row: compare(read(row), wanted[0])

    return Filter(predicate)


def identity(read: Callable[[Any], int]) -> Filter:
    """An id, found without looking at every row."""
    return Filter(number(read).predicate, ids=lambda value: {int(one) for one in re.findall(r"\d+", value)})


def text(read: Callable[[Any], str | None], ids: Callable[[str], set[int]] | None = None) -> Filter:
    """Tokens of a text, case-insensitive, with `*` for prefixes: `sku:mug` also finds MUG-RED."""

    def predicate(op: str, value: str) -> Predicate:
        if value.endswith("*"):
            prefix = value[:-1].lower()
            return lambda row: (read(row) or "").lower().startswith(prefix)
        wanted = words(value)
        return lambda row: bool(wanted) and wanted <= words(read(row))

    return Filter(predicate, ids)


def choice(allowed: Iterable[str], matches: Callable[[Any, str], bool]) -> Filter:
    """One word of a list."""
    known = set(allowed)

    def predicate(op: str, value: str) -> Predicate:
        wanted = value.lower()
        if wanted not in known:
            raise BadValue(value)
        return lambda row: matches(row, wanted)

    return Filter(predicate)


def flag(read: Callable[[Any], bool]) -> Filter:
    """true or false."""
    return choice(("true", "false"), lambda row, wanted: read(row) is (wanted == "true"))


def order_filters(store: Store, timezone: str, now: Callable[[], float]) -> dict[str, Filter]:
    """The fields of `orders(query:)`; the update date is the one that the index has seen."""
    seen = store.index.seen
    by_name = store.orders_by_name
    return {
        "default": text(lambda one: f"{one.name} {one.spec.get('email') or ''}"),
        "id": identity(lambda one: one.id),
        "name": Filter(
            _exact_name, lambda value: {one.id for key in (value, f"#{value}") if (one := by_name.get(key))}
        ),
        "created_at": moment(lambda one: one.created, timezone, now),
        "processed_at": moment(lambda one: one.created, timezone, now),
        "updated_at": moment(lambda one: seen.get(one.id, one.updated), timezone, now),
        "email": text(lambda one: one.spec.get("email")),
        "financial_status": choice(FINANCIAL, lambda one, word: financial_status(one).lower() == word),
        "fulfillment_status": choice(FULFILLMENT, lambda one, word: fulfillment_status(one) in FULFILLMENT[word]),
        "status": choice(STATUS, lambda one, word: STATUS[word](one)),
        "test": flag(lambda one: bool(one.spec.get("test"))),
        "tag": Filter(lambda op, value: lambda one: value.lower() in (tag.lower() for tag in one.tags)),
        "tag_not": Filter(lambda op, value: lambda one: value.lower() not in (tag.lower() for tag in one.tags)),
        "sku": Filter(lambda op, value: lambda one: any(words(value) <= words(line.sku) for line in one.lines)),
        "source_name": text(lambda one: one.spec.get("source_name", "web")),
        "gateway": Filter(lambda op, value: lambda one: value in {step.gateway for step in one.transactions}),
        "discount_code": Filter(lambda op, value: lambda one: value in {app.code for app in one.applications}),
        "customer_id": number(lambda one: one.customer.id if one.customer else None),
        "po_number": text(lambda one: one.spec.get("po_number")),
        "current_total_price": number(lambda one: totals(one).current_total.shop // 100),
    }


def _exact_name(op: str, value: str) -> Predicate:
    def matches(order: Order) -> bool:
        return order.name in (value, f"#{value}")

    return matches


def variant_filters(store: Store, timezone: str, now: Callable[[], float]) -> dict[str, Filter]:
    """The fields of `productVariants(query:)`."""
    return {
        "default": text(lambda one: f"{one.sku} {one.title}"),
        "id": identity(lambda one: one.id),
        "sku": text(lambda one: one.sku, lambda value: _with_words(store.variant_words, value)),
        "barcode": text(lambda one: one.barcode),
        "title": text(lambda one: one.title),
        "product_id": number(lambda one: one.product),
        "product_ids": number(lambda one: one.product),
        "gift_card": flag(lambda one: one.gift_card),
        "managed": flag(lambda one: one.item.tracked),
        "requires_components": flag(lambda one: one.bundle),
        "product_status": choice(("active", "draft", "archived"), lambda _, word: word == "active"),
        "inventory_quantity": number(lambda one: one.item.sellable),
        "updated_at": moment(lambda one: one.created, timezone, now),
    }


def item_filters(store: Store, timezone: str, now: Callable[[], float]) -> dict[str, Filter]:
    """The fields of `inventoryItems(query:)`: these four and no more."""
    return {
        "id": identity(lambda one: one.id),
        "sku": text(lambda one: one.sku, lambda value: _with_words(store.item_words, value)),
        "created_at": moment(lambda one: one.created, timezone, now),
        "updated_at": moment(lambda one: one.updated, timezone, now),
    }


def _with_words(index: Mapping[str, set[int]], value: str) -> set[int]:
    wanted = words(value)
    if value.endswith("*") or not wanted:
        return set().union(*index.values()) if value.endswith("*") else set()
    return set.intersection(*(index.get(word, set()) for word in wanted))


def level_filters(store: Store, timezone: str, now: Callable[[], float]) -> dict[str, Filter]:
    """The fields of `inventoryLevels(query:)`."""

    def item_id(one: Level) -> int:
        return one.item.id

    return {
        "id": identity(lambda one: one.id),
        "inventory_item_id": number(item_id),
        "created_at": moment(lambda one: one.created, timezone, now),
        "updated_at": moment(lambda one: one.updated, timezone, now),
    }


def location_filters(store: Store, timezone: str, now: Callable[[], float]) -> dict[str, Filter]:
    """The fields of `locations(query:)`."""
    return {
        "id": identity(lambda one: one.id),
        "name": text(lambda one: one.name),
        "active": flag(lambda one: one.active),
        "created_at": moment(lambda one: one.created, timezone, now),
    }


def customer_filters(store: Store, timezone: str, now: Callable[[], float]) -> dict[str, Filter]:
    """The fields of `customers(query:)`."""
    return {
        "id": identity(lambda one: one.id),
        "email": text(lambda one: one.email),
        "first_name": text(lambda one: one.first_name),
        "last_name": text(lambda one: one.last_name),
        "accepts_marketing": flag(lambda one: one.accepts_marketing),
        "updated_at": moment(lambda one: one.updated, timezone, now),
        "customer_date": moment(lambda one: one.created, timezone, now),
    }


def fulfillment_order_filters(store: Store, timezone: str, now: Callable[[], float]) -> dict[str, Filter]:
    """The fields of `fulfillmentOrders(query:)`."""
    known = ["open", "in_progress", "scheduled", "on_hold", "incomplete", "closed", "cancelled"]
    return {
        "id": identity(lambda one: one.id),
        "status": choice(known, lambda one, word: one.status.lower() == word),
        "assigned_location_id": number(lambda one: one.location.id),
        "updated_at": moment(lambda one: one.updated, timezone, now),
    }
