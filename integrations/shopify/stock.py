"""Setting stock: read what is shown, then write absolute quantities with compare-and-set.

https://shopify.dev/docs/api/admin-graphql/2026-10/mutations/inventorySetQuantities
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from commerce.errors import OutcomeUnknown, UnexpectedAnswer
from commerce.outcomes import Binding, Done, Held, Outcome, Retry, Unknown
from commerce.ports import Unreadable
from commerce.stock import StockTarget
from integrations.shopify import documents
from integrations.shopify.graphql import VENDOR, GraphQL, long_id, quoted, short_id, user_errors
from integrations.shopify.schemas import Variant
from integrations.shopify.settings import ShopifySettings

SKUS_A_CALL = 50
MOST_ROWS = 250
REASON = "correction"
STALE = "CHANGE_FROM_QUANTITY_STALE"
BUSY = "IDEMPOTENCY_CONCURRENT_REQUEST"
FAILED_BEFORE = "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"

Key = tuple[str, str]
"""(sku, location id)"""
Settled = tuple[StockTarget, Outcome]


class Stock:
    """The store as a StockDestination."""

    graphql: GraphQL
    settings: ShopifySettings
    _items: dict[str, str]
    """Inventory item gid by SKU, as last seen."""

    def shown(self, wanted: Sequence[StockTarget]) -> dict[Key, int | Unreadable]:
        """What Shopify offers now of each wanted SKU at its location; SKUs that it does not have are left out."""
        places: dict[str, list[StockTarget]] = defaultdict(list)
        for target in wanted:
            places[target.location_id].append(target)
        cards = self._gift_cards() if wanted else frozenset()
        found: dict[Key, int | Unreadable] = {}
        for location_id, targets in places.items():
            for chunk in chunks(targets, SKUS_A_CALL):
                found |= self._shown_at(location_id, {one.sku: one for one in chunk}, cards)
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
            else:
                todo.append(target)
        for chunk in chunks(todo, MOST_ROWS):
            yield from self._set(chunk, shown)

    def _shown_at(
        self, location_id: str, targets: Mapping[str, StockTarget], cards: frozenset[str]
    ) -> dict[Key, int | Unreadable]:
        found: dict[str, list[Variant]] = defaultdict(list)
        for variant in self._variants(location_id, targets):
            found[variant.sku].append(variant)
        shown: dict[Key, int | Unreadable] = {}
        for sku, variants in found.items():
            if sku in targets:  # Shopify's search ignores case and finds parts of words
                self._items[sku] = variants[0].inventory_item.id
                seen = self._level(variants, targets[sku], gift_card=sku in cards)
                shown[sku, location_id] = seen if isinstance(seen, int) else self._unreadable(targets[sku], *seen)
        return shown

    def _variants(self, location_id: str, skus: Iterable[str]) -> Iterator[Variant]:
        query = " OR ".join(f"sku:{quoted(sku)}" for sku in skus)
        place, names = long_id("Location", location_id), [self.settings.stock_name]
        pages = self.graphql.pages(
            documents.VARIANTS_BY_SKU, "productVariants", query=query, locationId=place, names=names
        )
        for page in pages:
            for node in page["nodes"]:
                try:
                    yield Variant.model_validate(node)
                except ValidationError as wrong:
                    raise UnexpectedAnswer(VENDOR, f"answered a variant that we cannot read: {wrong.title}") from wrong

    def _level(self, variants: Sequence[Variant], target: StockTarget, *, gift_card: bool) -> int | tuple[str, str]:
        """The quantity, or why there is none to set and what to do about it."""
        items = {variant.inventory_item.id: variant.inventory_item for variant in variants}
        item = next(iter(items.values()))
        if len(items) > 1 or item.duplicate_sku_count > 1:
            return f"is the SKU of {max(2, len(items))} products in Shopify", "give each product its own SKU"
        if gift_card:
            return "is a gift card, which has no stock", "leave it out of the inventory app's feed"
        if any(variant.requires_components for variant in variants):
            return "is a bundle, whose stock follows from its parts", "map the parts, not the bundle"
        if not item.tracked:
            return "is not tracked in Shopify, so it never runs out", 'tick "Track quantity" on the product in Shopify'
        level = item.inventory_level
        if level is None or not level.is_active:
            if target.quantity == 0:
                return 0
            return (
                f"is not stocked at location {target.location_id} in Shopify",
                "tick the location on the product's inventory in Shopify",
            )
        return next((one.quantity for one in level.quantities if one.name == self.settings.stock_name), 0)

    def _unreadable(self, target: StockTarget, reason: str, hint: str) -> Unreadable:
        subject = f"{self.settings.name}:{target.location_id}/{target.sku}"
        return Unreadable(subject=subject, label=target.sku, reason=f"{target.sku} {reason}", hint=hint)

    def _gift_cards(self) -> frozenset[str]:
        """SKUs of all gift cards; a shop has few."""
        pages = self.graphql.pages(documents.GIFT_CARDS, "productVariants", query="gift_card:true")
        return frozenset(node["sku"] for page in pages for node in page["nodes"] if node["sku"])

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
            if not errors:
                yield from ((one, Done(binding=self._set_binding(one))) for one in left)
                return
            named = self._named(errors, left)
            if not named:
                yield from ((one, without_row(one, errors[0])) for one in left)
                return
            yield from self._settle(named, left, shown)
            left = [one for n, one in enumerate(left) if n not in named]

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
        data = self.graphql.ask(documents.INVENTORY_SET, repeatable=True, input=given, key=key)
        return user_errors(data.get("inventorySetQuantities"))

    def _row(self, target: StockTarget, before: int) -> dict[str, Any]:
        return {
            "inventoryItemId": self._items[target.sku],
            "locationId": long_id("Location", target.location_id),
            "quantity": target.quantity,
            "changeFromQuantity": before,
        }

    def _named(self, errors: Sequence[dict[str, Any]], rows: Sequence[StockTarget]) -> dict[int, dict[str, Any]]:
        """The first error of each row, by the row's place."""
        named: dict[int, dict[str, Any]] = {}
        for error in errors:
            steps = [step for step in error.get("field") or () if str(step).isdigit()]
            if steps and int(steps[0]) < len(rows):
                named.setdefault(int(steps[0]), error)
        return named

    def _settle(
        self, named: Mapping[int, dict[str, Any]], rows: Sequence[StockTarget], shown: Mapping[Key, int]
    ) -> Iterator[Settled]:
        stale = [rows[n] for n, error in named.items() if error.get("code") == STALE]
        now = self.shown(stale)
        for n, error in named.items():
            target = rows[n]
            key = (target.sku, target.location_id)
            if error.get("code") == STALE:
                words = f"{target.sku}: sold or counted meanwhile, {shown[key]} when read and {now.get(key)} now"
                yield target, Retry(reason=words, after=0)
            else:
                yield target, refused(target, error)

    def _set_binding(self, target: StockTarget) -> Binding:
        """The item, and what was set where."""
        data = {"location_id": target.location_id, "quantity": target.quantity}
        return Binding(vendor_id=short_id(self._items[target.sku]), data=data)


def without_row(target: StockTarget, error: Mapping[str, Any]) -> Outcome:
    """What an error that names no row means for each of them."""
    if error.get("code") in (BUSY, FAILED_BEFORE):
        return Retry(reason=f"{target.sku}: {error.get('message')}", after=2)
    return refused(target, error)


def refused(target: StockTarget, error: Mapping[str, Any]) -> Held:
    """A row that Shopify will not take."""
    cause = str(error.get("code") or "refused").lower()
    words = f"{target.sku} at location {target.location_id}: Shopify says {error.get('message')!r}"
    return Held(cause=cause, reason=words, hint="look at the product's inventory in Shopify")


def chunks(rows: Sequence[StockTarget], size: int) -> Iterator[Sequence[StockTarget]]:
    """The rows in slices."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
