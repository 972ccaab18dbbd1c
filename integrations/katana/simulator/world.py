"""What the account holds: locations, variants, levels and movements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any

KITS = ("kit", "bundle")
TYPES = ("product", "material", *KITS)


@dataclass
class Level:
    """Stock of one variant at one location."""

    in_stock: Decimal = Decimal(0)
    committed: Decimal = Decimal(0)
    expected: Decimal = Decimal(0)
    potential: Decimal = Decimal(0)
    safety: Decimal = Decimal(0)


@dataclass
class Variant:
    """Something that is stocked. SKUs may be empty and may repeat."""

    id: int
    sku: str
    name: str
    type: str
    updated_at: str
    archived: bool = False
    levels: dict[int, Level] = field(default_factory=dict)

    def short(self) -> dict[str, Any]:
        """As `extend=variant` shows it."""
        owner = "material_id" if self.type == "material" else "product_id"
        stamp = {"updated_at": self.updated_at, "deleted_at": None}
        return {"id": self.id, "sku": self.sku, "type": self.type, owner: 9000 + self.id, **stamp}


class World:
    """The account. `now` gives the time as Katana writes it."""

    def __init__(self, now: Callable[[], str]) -> None:
        self.now = now
        self.locations: dict[int, dict[str, Any]] = {}
        self.variants: dict[int, Variant] = {}
        self.movements: list[dict[str, Any]] = []
        self._ids = count(101)

    def add_location(self, name: str, sales_allowed: bool = True) -> int:
        """A new location, after the others."""
        number = len(self.locations) + 1
        self.locations[number] = {
            "id": number,
            "name": name,
            "is_primary": number == 1,
            "sales_allowed": sales_allowed,
            "manufacturing_allowed": True,
            "purchase_allowed": True,
            "address": None,
        }
        return number

    def add_variant(self, sku: str, name: str, kind: str, stock: dict[str, Any], archived: bool = False) -> Variant:
        """A new variant with levels by location name."""
        if kind not in TYPES:
            raise ValueError(f"{kind!r} is not one of {', '.join(TYPES)}")
        made = Variant(next(self._ids), sku, name, kind, self.now(), archived)
        for place, amounts in stock.items():
            made.levels[self.location_id(place)] = Level(**{key: Decimal(str(value)) for key, value in amounts.items()})
        self.variants[made.id] = made
        return made

    def location_id(self, name: str) -> int:
        """By name. Raises KeyError."""
        for number, place in self.locations.items():
            if place["name"] == name:
                return number
        raise KeyError(f"Katana has no location {name!r}; it has {[p['name'] for p in self.locations.values()]}")

    def variant_of(self, sku: str) -> Variant:
        """The one variant with this SKU. Raises KeyError when there is none or more than one."""
        found = [variant for variant in self.variants.values() if variant.sku == sku]
        if len(found) != 1:
            raise KeyError(f"{len(found)} variants have the SKU {sku!r}")
        return found[0]

    def set_level(self, variant: Variant, location: int, in_stock: Decimal, committed: Decimal | None) -> None:
        """Set a level. A change of `committed` alone makes no movement, as in Katana."""
        level = variant.levels.setdefault(location, Level())
        change = in_stock - level.in_stock
        level.in_stock = in_stock
        level.committed = level.committed if committed is None else committed
        if change:
            self.movements.append(self._movement(variant, location, change, in_stock))

    def _movement(self, variant: Variant, location: int, change: Decimal, after: Decimal) -> dict[str, Any]:
        number = len(self.movements) + 1
        return {
            "id": number,
            "variant_id": variant.id,
            "location_id": location,
            "quantity_change": float(change),
            "balance_after": float(after),
            "movement_date": self.now(),
            "resource_type": "StockAdjustmentRow",
            "resource_id": number,
            "caused_by_order_no": f"SA-{number}",
            "caused_by_resource_id": number,
            "rank": number,
            "created_at": self.now(),
            "updated_at": self.now(),
        }

    def stock_rows(self, archived: bool = False) -> Iterator[dict[str, Any]]:
        """One row per variant and location, oldest location first. All quantities are decimal strings."""
        for location in self.locations:
            for variant in self.variants.values():
                if location in variant.levels and (archived or not variant.archived):
                    yield stock_row(variant, location, variant.levels[location])

    def by_sku(self) -> dict[str, dict[str, dict[str, str]]]:
        """Levels by SKU and location name; SKUs that are empty or shared are left out."""
        result: dict[str, dict[str, dict[str, str]]] = {}
        shared = set(self.unclear_skus())
        for variant in self.variants.values():
            if variant.sku not in shared:
                result[variant.sku] = {
                    self.locations[number]["name"]: {"in_stock": five(one.in_stock), "committed": five(one.committed)}
                    for number, one in variant.levels.items()
                }
        return result

    def unclear_skus(self) -> list[str]:
        """SKUs that are empty or carried by more than one variant."""
        skus = [variant.sku for variant in self.variants.values()]
        return sorted({sku for sku in skus if not sku.strip() or skus.count(sku) > 1})


def five(quantity: Decimal) -> str:
    """A quantity with five decimals, as Katana writes it."""
    return f"{quantity:.5f}"


def stock_row(variant: Variant, location: int, level: Level) -> dict[str, Any]:
    """A row of GET /inventory, with its variant."""
    missing = level.in_stock - level.committed + level.expected - level.safety
    return {
        "variant_id": variant.id,
        "location_id": location,
        "quantity_in_stock": five(level.in_stock),
        "quantity_committed": five(level.committed),
        "quantity_expected": five(level.expected),
        "quantity_missing_or_excess": five(missing),
        "quantity_potential": five(level.potential),
        "safety_stock_level": five(level.safety),
        "reorder_point": five(level.safety),
        "average_cost": "10.0000000000",
        "value_in_stock": f"{level.in_stock * 10:.10f}",
        "variant": variant.short(),
    }
