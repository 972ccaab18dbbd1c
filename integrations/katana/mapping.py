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
"""Types whose own stock is nothing and whose parts say how many can be put together. Katana documents the types
"product" and "material" only and marks kits at the product, so both are understood."""


def to_levels(
    source: str,
    rows: Sequence[Any],
    *,
    types: Collection[str],
    as_of: datetime,
    unwanted: Collection[int] = (),
    kits: Collection[int] = (),
) -> Iterator[StockLevel | Unreadable]:
    """Levels of the rows whose variant is of one of `types`, in the rows' order, but not at `unwanted` locations.

    `kits` are products that are put together when they are sold. A blank SKU, or one that two variants share, names no
    product: each of its rows is Unreadable, once per location.
    """
    good: list[StockRow] = []
    for number, raw in enumerate(rows, start=1):
        row = read_row(source, raw, number)
        if isinstance(row, Unreadable):
            yield row
        elif row.location_id not in unwanted and is_for_sale(row, types):
            good.append(row)
    owners = variants_by_sku(good)
    told: set[str] = set()
    for row in good:
        level = to_level(source, row, owners[row.variant.sku.strip()], as_of, is_kit(row, kits))
        if isinstance(level, StockLevel):
            yield level
        elif level.subject not in told:
            told.add(level.subject)
            yield level


def is_for_sale(row: StockRow, types: Collection[str]) -> bool:
    """Whether the storefront may offer it at all."""
    return row.variant.type in types and not row.variant.deleted_at and not row.archived_at


def is_kit(row: StockRow, kits: Collection[int]) -> bool:
    """Whether its parts say how many there are."""
    return row.variant.type in KITS or row.variant.product_id in kits


def may_be_kits(source: str, rows: Sequence[Any]) -> bool:
    """Whether a row has no stock of its own and could be made, so that it matters whether it is a kit."""
    read = (read_row(source, raw, 0) for raw in rows)
    return any(isinstance(row, StockRow) and row.quantity_in_stock <= 0 < (row.quantity_potential or 0) for row in read)


def read_row(source: str, raw: Any, number: int) -> StockRow | Unreadable:
    """The row, or why it cannot be read. `number` is its place in the list, for one that says nothing of itself."""
    try:
        return StockRow.model_validate(raw)
    except ValidationError as error:
        wrong = ", ".join(sorted({".".join(map(str, one["loc"])) or "it is no object" for one in error.errors()}))
        said: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
        variant = short(said.get("variant_id"), "")
        name = f"variant {variant}" if variant else f"row {number}"
        return Unreadable(
            subject=f"{source}:{short(said.get('location_id'), '?')}/{name}",
            label=name,
            reason=f"Katana's stock of {name} cannot be read: {wrong}",
            hint="its stock was left as it is; look at the variant in Katana",
        )


def short(value: Any, otherwise: str) -> str:
    """An id as text; `otherwise` for what is none."""
    return str(value)[:40] if isinstance(value, int | str) and value != "" else otherwise


def variants_by_sku(rows: Sequence[StockRow]) -> dict[str, list[int]]:
    """The variant ids that carry each SKU, trimmed."""
    owners: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        owners[row.variant.sku.strip()].add(row.variant_id)
    return {sku: sorted(ids) for sku, ids in owners.items()}


def to_level(
    source: str, row: StockRow, owners: Sequence[int], as_of: datetime, kit: bool = False
) -> StockLevel | Unreadable:
    """The row's level, if its SKU names exactly one variant. `owners` are the variants that carry the SKU."""
    sku = row.variant.sku.strip()
    if not sku:
        return unclear(
            f"{source}:{row.location_id}/variant {row.variant_id}",
            f"variant {row.variant_id}",
            f"variant {row.variant_id} has no SKU in Katana",
            "give it the SKU that the storefront uses, or archive it",
        )
    subject = f"{source}:{row.location_id}/{sku}"
    if len(owners) > 1:
        ids = ", ".join(map(str, owners))
        reason = f"SKU {sku} belongs to {len(owners)} variants in Katana: {ids}"
        return unclear(subject, sku, reason, "give each variant a SKU of its own, or archive the old one")
    promised = available(row, kit)
    if promised is None:
        reason = f"Katana does not say how many of the kit {sku} can be put together"
        return unclear(subject, sku, reason, "its stock was left as it is; look at its parts in Katana")
    return StockLevel(
        source=source,
        sku=sku,
        location=str(row.location_id),
        # What can be put together of a kit is all that there is of it, however one counts.
        on_hand=promised if kit else row.quantity_in_stock,
        committed=row.quantity_committed,
        available=promised,
        as_of=as_of,
    )


def unclear(subject: str, label: str, reason: str, hint: str) -> Unreadable:
    """A row that names no level."""
    return Unreadable(subject=subject, label=label, reason=reason, hint=hint)


def available(row: StockRow, kit: bool) -> Decimal | None:
    """What may be promised: in stock less committed; for a kit without stock of its own, what its parts allow.

    None when Katana does not say what they allow.
    """
    if kit and row.quantity_in_stock <= 0:
        return row.quantity_potential
    return row.quantity_in_stock - row.quantity_committed
