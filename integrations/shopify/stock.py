"""Setting stock: read what is shown, then write absolute quantities with compare-and-set.

https://shopify.dev/docs/api/admin-graphql/2026-10/mutations/inventorySetQuantities
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from commerce.errors import OutcomeUnknown, Rejected
from commerce.outcomes import Binding, Done, Held, Outcome, Retry, Unknown
from commerce.ports import Unreadable
from commerce.stock import StockTarget
from integrations.shopify import documents
from integrations.shopify.graphql import GraphQL, long_id, quoted, short_id, user_errors
from integrations.shopify.levels import NO_SUCH_PLACE, Why, by_sku, is_location, quantity, row_of
from integrations.shopify.schemas import Variant
from integrations.shopify.settings import ShopifySettings

SKUS_A_CALL = 50
MOST_ROWS = 250
MOST_UNITS = 1_000_000_000
REASON = "correction"
STALE = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})
BUSY = "IDEMPOTENCY_CONCURRENT_REQUEST"
NEW_KEY = frozenset(
    {"IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "SERVICE_UNAVAILABLE"}
)
"""What another try with a new key may cure."""
ONE_ROWS_FAULT = frozenset({"INVALID_VARIABLE", "RESOURCE_NOT_FOUND", "MAX_INPUT_SIZE_EXCEEDED"})
"""Refusals of a whole call that one row may be to blame for: it is found by halves."""
WAITS = (1.0, 2.0, 4.0)
"""Seconds before the very same call is sent again, while Shopify is still busy with it or has lost its way."""

Key = tuple[str, str]
"""(sku, location id)"""
Settled = tuple[StockTarget, Outcome]


class Stock:
    """The store as a StockDestination."""

    graphql: GraphQL
    settings: ShopifySettings
    _sleep: Callable[[float], None]
    _items: dict[str, str]
    """Inventory item gid by SKU, as last seen."""

    def shown(self, wanted: Sequence[StockTarget]) -> dict[Key, int | Unreadable]:
        """What Shopify offers now of each wanted SKU at its location; SKUs that it does not have are left out."""
        places: dict[str, list[StockTarget]] = defaultdict(list)
        for target in wanted:
            places[target.location_id].append(target)
        found: dict[Key, int | Unreadable] = {}
        cards: frozenset[str] | None = None
        for location_id, targets in places.items():
            if not is_location(location_id):
                found |= {(one.sku, location_id): self._unreadable(one, nowhere(one)) for one in targets}
                continue
            cards = self._gift_cards() if cards is None else cards
            for chunk in chunks(targets, SKUS_A_CALL):
                found |= self._shown_at(location_id, {one.sku: one for one in chunk if one.sku.strip()}, cards)
        return found

    def set_stock(self, wanted: Sequence[StockTarget], shown: dict[Key, int]) -> Iterator[Settled]:
        """Set each to its target if it still shows what it showed, 250 a call; what was sold meanwhile is a Retry."""
        self._look_up(target for target in wanted if target.sku not in self._items)
        todo: list[StockTarget] = []
        for target in wanted:
            before = shown.get((target.sku, target.location_id))
            if before is None or target.sku not in self._items:
                hint = "add the SKU in Shopify, or map it in stack.toml"
                yield target, Held(cause="unknown_sku", reason=f"Shopify has no {target.sku}", hint=hint)
            elif before == target.quantity:
                yield target, Done(binding=self._set_binding(target), changed=False)
            elif abs(target.quantity) > MOST_UNITS:  # beyond 32 bits Shopify would refuse all rows for this one
                yield target, too_many_units(target)
            else:
                todo.append(target)
        for chunk in chunks(todo, MOST_ROWS):
            yield from self._set(chunk, shown)

    def _shown_at(
        self, location_id: str, targets: Mapping[str, StockTarget], cards: frozenset[str]
    ) -> dict[Key, int | Unreadable]:
        shown: dict[Key, int | Unreadable] = {}
        if not targets:
            return shown
        for sku, variants in by_sku(self._variants(location_id, targets), targets).items():
            item = next((one.inventory_item.id for one in variants if isinstance(one, Variant)), None)
            if item:
                self._items[sku] = item
            target = targets[sku]
            seen = quantity(variants, self.settings.stock_name, target.quantity, location_id, gift_card=sku in cards)
            shown[sku, location_id] = self._unreadable(target, seen) if isinstance(seen, Why) else seen
        return shown

    def _variants(self, location_id: str, skus: Iterable[str]) -> Iterator[Any]:
        query = " OR ".join(f"sku:{quoted(sku)}" for sku in skus)
        place, names = long_id("Location", location_id), [self.settings.stock_name]
        pages = self.graphql.pages(
            documents.VARIANTS_BY_SKU, "productVariants", query=query, locationId=place, names=names
        )
        return (node for page in pages for node in page["nodes"])

    def _unreadable(self, target: StockTarget, why: Why) -> Unreadable:
        subject = f"{self.settings.name}:{target.location_id}/{target.sku}"
        return Unreadable(subject=subject, label=target.sku, reason=f"{target.sku} {why.reason}", hint=why.hint)

    def _gift_cards(self) -> frozenset[str]:
        """SKUs of all gift cards; a shop has few."""
        pages = self.graphql.pages(documents.GIFT_CARDS, "productVariants", query="gift_card:true")
        return frozenset(node["sku"] for page in pages for node in page["nodes"] if node and node.get("sku"))

    def _look_up(self, missing: Iterable[StockTarget]) -> None:
        """Learn the inventory items of SKUs that another process looked at."""
        unknown = list(missing)
        if unknown:
            self.shown(unknown)

    def _set(self, targets: Sequence[StockTarget], shown: Mapping[Key, int]) -> Iterator[Settled]:
        """One call for all, all or nothing: rows that Shopify names are settled, and the rest is sent again."""
        left = list(targets)
        while left:
            try:
                errors = self._send(left, shown)
            except OutcomeUnknown as lost:
                yield from ((one, Unknown(reason=f"{one.sku}: {lost}")) for one in left)
                return
            except Rejected as refusal:
                yield from self._apart(left, shown, refusal)
                return
            if not errors:
                yield from ((one, Done(binding=self._set_binding(one))) for one in left)
                return
            named = first_of_each(errors, len(left))
            if not named:
                yield from ((one, without_row(one, errors[0])) for one in left)
                return
            yield from ((left[n], self._settled(left[n], error, shown)) for n, error in named.items())
            left = [one for n, one in enumerate(left) if n not in named]

    def _apart(self, targets: Sequence[StockTarget], shown: Mapping[Key, int], refusal: Rejected) -> Iterator[Settled]:
        """Shopify refused the call without naming a row: each half by itself, down to the row that it is about."""
        if len(targets) == 1 or refusal.code not in ONE_ROWS_FAULT:
            error = {"code": refusal.code, "message": str(refusal)}
            yield from ((one, refused(one, error)) for one in targets)
            return
        middle = len(targets) // 2
        yield from self._set(targets[:middle], shown)
        yield from self._set(targets[middle:], shown)

    def _send(self, targets: Sequence[StockTarget], shown: Mapping[Key, int]) -> list[dict[str, Any]]:
        """The user errors. The key belongs to this body: a lost answer is asked for again with both unchanged.

        An answer without errors is good even if its group is null: then every row already had its quantity.
        """
        key = str(uuid.uuid4())
        rows = [self._row(target, shown[target.sku, target.location_id]) for target in targets]
        given = {
            "name": self.settings.stock_name,
            "reason": REASON,
            "referenceDocumentUri": f"gid://backroom/StockRun/{key}",
            "quantities": rows,
        }
        for seconds in WAITS:
            try:
                errors = self._sent(given, key)
            except OutcomeUnknown as lost:
                if not lost.code:  # no answer at all: that was tried often enough
                    raise
            else:
                if not any(one.get("code") == BUSY for one in errors):
                    return errors
            self._sleep(seconds)
        return self._sent(given, key)

    def _sent(self, given: dict[str, Any], key: str) -> list[dict[str, Any]]:
        data = self.graphql.ask(documents.INVENTORY_SET, repeatable=True, input=given, key=key)
        return user_errors(data.get("inventorySetQuantities"))

    def _row(self, target: StockTarget, before: int) -> dict[str, Any]:
        return {
            "inventoryItemId": self._items[target.sku],
            "locationId": long_id("Location", target.location_id),
            "quantity": target.quantity,
            "changeFromQuantity": before,
        }

    def _settled(self, target: StockTarget, error: Mapping[str, Any], shown: Mapping[Key, int]) -> Outcome:
        if error.get("code") in STALE:
            return sold_meanwhile(target, shown[target.sku, target.location_id])
        if error.get("code") == "INVALID_INVENTORY_ITEM":
            self._items.pop(target.sku, None)  # deleted, and perhaps made anew: the next look tells
        return refused(target, error)

    def _set_binding(self, target: StockTarget) -> Binding:
        """The item, and what was set where."""
        data = {"location_id": target.location_id, "quantity": target.quantity}
        return Binding(vendor_id=short_id(self._items[target.sku]), data=data)


def first_of_each(errors: Iterable[dict[str, Any]], rows: int) -> dict[int, dict[str, Any]]:
    """The first error of each row, by the row's place."""
    named: dict[int, dict[str, Any]] = {}
    for error in errors:
        row = row_of(error, rows)
        if row is not None:
            named.setdefault(row, error)
    return named


def without_row(target: StockTarget, error: Mapping[str, Any]) -> Outcome:
    """What an error that names no row means for each of them."""
    code = error.get("code")
    if code in NEW_KEY or code in STALE or code == BUSY:
        return Retry(reason=f"{target.sku}: {error.get('message')}", after=2)
    return refused(target, error)


def sold_meanwhile(target: StockTarget, before: int) -> Retry:
    """Nothing was written: the number is read and worked out again."""
    return Retry(reason=f"{target.sku}: sold or counted meanwhile, no longer {before} as when it was read", after=0)


def refused(target: StockTarget, error: Mapping[str, Any]) -> Held:
    """A row that Shopify will not take."""
    cause = str(error.get("code") or "refused").lower()
    words = f"{target.sku} at location {target.location_id}: Shopify says {error.get('message')!r}"
    return Held(cause=cause, reason=words, hint="look at the product's inventory in Shopify")


def too_many_units(target: StockTarget) -> Held:
    """A number that Shopify cannot hold."""
    reason = (
        f"{target.sku} at location {target.location_id}: Shopify takes at most 1,000,000,000, not {target.quantity}"
    )
    return Held(cause="invalid_quantity_too_high", reason=reason, hint="correct the count in the inventory app")


def nowhere(target: StockTarget) -> Why:
    """A location that was written wrongly."""
    return Why(f"has nowhere to be: {target.location_id!r} is no location of Shopify", NO_SUCH_PLACE)


def chunks(rows: Sequence[StockTarget], size: int) -> Iterator[Sequence[StockTarget]]:
    """The rows in slices."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
