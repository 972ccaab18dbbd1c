"""Katana's rows as stock levels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from commerce.ports import Unreadable
from commerce.stock import StockLevel
from integrations.katana.schemas import StockRow

KITS = frozenset({"kit", "bundle"})
"""Types whose own stock is nothing and whose parts say how many can be put together."""


def to_levels(
    source: str, rows: Sequence[Mapping[str, Any]], *, types: Collection[str], as_of: datetime
) -> Iterator[StockLevel | Unreadable]:
    """Levels of the rows whose variant is of one of `types`, in the rows' order.

    A blank SKU, or one that two variants share, names no product: each of its rows is Unreadable, once per location.
    """
    good: list[StockRow] = []
    for raw in rows:
        row = read_row(source, raw)
        if isinstance(row, Unreadable):
            yield row
        elif row.variant.type in types and not row.variant.deleted_at:
            good.append(row)
    owners = variants_by_sku(good)
    told: set[str] = set()
    for row in good:
        level = to_level(source, row, owners[row.variant.sku.strip()], as_of)
        if isinstance(level, StockLevel):
            yield level
        elif level.subject not in told:
            told.add(level.subject)
            yield level


def read_row(source: str, raw: Mapping[str, Any]) -> StockRow | Unreadable:
    """The row, or why it cannot be read."""
    try:
        return StockRow.model_validate(raw)
    except ValidationError as error:
        wrong = ", ".join(sorted({".".join(map(str, one["loc"])) for one in error.errors()}))
        variant = raw.get("variant_id", "?")
        return Unreadable(
            subject=f"{source}:{raw.get('location_id', '?')}/variant {variant}",
            label=f"variant {variant}",
            reason=f"Katana's stock row of variant {variant} cannot be read: {wrong}",
            hint="its stock was left as it is; look at the variant in Katana",
        )


def variants_by_sku(rows: Sequence[StockRow]) -> dict[str, list[int]]:
    """The variant ids that carry each SKU, trimmed."""
    owners: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        owners[row.variant.sku.strip()].add(row.variant_id)
    return {sku: sorted(ids) for sku, ids in owners.items()}


def to_level(source: str, row: StockRow, owners: Sequence[int], as_of: datetime) -> StockLevel | Unreadable:
    """The row's level, if its SKU names exactly one variant. `owners` are the variants that carry the SKU."""
    sku = row.variant.sku.strip()
    if not sku:
        return Unreadable(
            subject=f"{source}:{row.location_id}/variant {row.variant_id}",
            label=f"variant {row.variant_id}",
            reason=f"variant {row.variant_id} has no SKU in Katana",
            hint="give it the SKU that the storefront uses, or archive it",
        )
    if len(owners) > 1:
        ids = ", ".join(map(str, owners))
        return Unreadable(
            subject=f"{source}:{row.location_id}/{sku}",
            label=sku,
            reason=f"SKU {sku} belongs to {len(owners)} variants in Katana: {ids}",
            hint="give each variant a SKU of its own, or archive the old one",
        )
    return StockLevel(
        source=source,
        sku=sku,
        location=str(row.location_id),
        on_hand=row.quantity_in_stock,
        committed=row.quantity_committed,
        available=available(row),
        as_of=as_of,
    )


def available(row: StockRow) -> Decimal:
    """What may be promised: in stock less committed; for a kit without stock of its own, what its parts allow."""
    if row.variant.type in KITS and row.quantity_in_stock == 0:
        return row.quantity_potential
    return row.quantity_in_stock - row.quantity_committed
