"""What Shopify says of the stock of a SKU at a location: a number, or why there is none to set. Pure.

https://shopify.dev/docs/api/admin-graphql/2026-10/objects/InventoryItem
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from integrations.shopify.schemas import Level, Variant

LOCATION = re.compile(r"(gid://shopify/Location/)?[0-9]{1,19}")
NO_SUCH_PLACE = "fill the route's stock.locations in stack.toml with the numbers that backroom check names"


class Why(NamedTuple):
    """Why a SKU has no stock that we set, and what to do about it."""

    reason: str
    hint: str


UNCLEAR = "open the product in Shopify and save its inventory; report it if that does not help"


def by_sku(nodes: Iterable[Any], wanted: Iterable[str]) -> dict[str, list[Variant | Why]]:
    """The variants of each wanted SKU, compared exactly: Shopify's search ignores case and finds parts of words.

    A variant that cannot be read spoils its own SKU only; one that is null says nothing about any.
    """
    asked = frozenset(wanted)
    found: dict[str, list[Variant | Why]] = defaultdict(list)
    for node in nodes:
        sku = node.get("sku") if isinstance(node, dict) else None
        if not isinstance(sku, str) or sku not in asked:
            continue
        try:
            found[sku].append(Variant.model_validate(node))
        except ValidationError as wrong:
            where = ".".join(str(step) for step in wrong.errors(include_input=False)[0]["loc"])
            found[sku].append(Why(f"is shown by Shopify in a way that we cannot read ({where})", UNCLEAR))
    return found


def quantity(variants: Iterable[Variant | Why], name: str, wanted: int, place: str, *, gift_card: bool) -> int | Why:
    """What `name` ("available" or "on_hand") is of a SKU at location `place` now, or why it cannot be set.

    Where nothing is stocked and nothing is wanted there is no difference.
    """
    read: list[Variant] = []
    for one in variants:
        if isinstance(one, Why):
            return one
        read.append(one)
    items = {variant.inventory_item.id: variant.inventory_item for variant in read}
    item = next(iter(items.values()))
    if len(items) > 1 or item.duplicate_sku_count > 1:
        return Why(f"is the SKU of {max(2, len(items))} products in Shopify", "give each product its own SKU")
    if gift_card:
        return Why("is a gift card, which has no stock", "leave it out of the inventory app's feed")
    if any(variant.requires_components for variant in read):
        return Why("is a bundle, whose stock follows from its parts", "map the parts, not the bundle")
    if not item.tracked:
        return Why("is not tracked in Shopify, so it never runs out", 'tick "Track quantity" on the product in Shopify')
    level = item.inventory_level
    if level is None or not level.is_active:
        return 0 if wanted == 0 else not_stocked(place)
    return named(level, name)


def not_stocked(place: str) -> Why:
    """Shopify keeps a number there, but sells nothing from it."""
    return Why(
        f"is not stocked at location {place} in Shopify", "tick the location on the product's inventory in Shopify"
    )


def named(level: Level, name: str) -> int | Why:
    """One quantity of a level; one that is missing is not zero."""
    for one in level.quantities:
        if one.name == name:
            return one.quantity
    return Why(f"has no {name!r} quantity in Shopify's answer", UNCLEAR)


def is_location(place: str) -> bool:
    """A location's number or gid: anything else makes Shopify refuse the whole call."""
    return LOCATION.fullmatch(place) is not None


def row_of(error: Mapping[str, Any], rows: int) -> int | None:
    """The place of the row that a user error names (["input", "quantities", "3", ...]); None when it names none."""
    steps = [str(step) for step in error.get("field") or ()]
    number = next((int(step) for step in steps if step.isascii() and step.isdigit()), rows)
    return number if number < rows else None
