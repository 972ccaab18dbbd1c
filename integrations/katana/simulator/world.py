"""What the account holds: locations, variants, levels and movements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any

from integrations.katana.simulator.habits import Habits

KITS = ("kit", "bundle")
TYPES = ("product", "material", *KITS)


@dataclass
class Level:
    """Stock of one variant at one location. `potential`: how many could be made; None where Katana says nothing."""

    in_stock: Decimal = Decimal(0)
    committed: Decimal = Decimal(0)
    expected: Decimal = Decimal(0)
    potential: Decimal | None = Decimal(0)
    safety: Decimal = Decimal(0)


@dataclass
class Variant:
    """Something that is stocked. SKUs may be empty and may repeat. `parts`: what a kit takes of each SKU."""

    id: int
    sku: str
    name: str
    type: str
    updated_at: str
    archived: bool = False
    deleted_at: str | None = None
    parts: dict[str, int] = field(default_factory=dict)
    levels: dict[int, Level] = field(default_factory=dict)

    @property
    def is_kit(self) -> bool:
        """Whether it is put together when it is sold."""
        return self.type in KITS

    @property
    def owner_id(self) -> int:
        """Of its product or material."""
        return 9000 + self.id

    def short(self, habits: Habits) -> dict[str, Any]:
        """As `extend=variant` shows it."""
        owner = "material_id" if self.type == "material" else "product_id"
        kind = "product" if self.is_kit and habits.kits == "marked" else self.type
        stamps = {"created_at": self.updated_at, "updated_at": self.updated_at, "deleted_at": self.deleted_at}
        return {"id": self.id, "sku": self.sku or None, "type": kind, owner: self.owner_id, **stamps}

    def product(self) -> dict[str, Any]:
        """As /products shows it."""
        return {
            "id": self.owner_id,
            "name": self.name,
            "type": "product",
            "is_sellable": True,
            "is_producible": bool(self.parts),
            "is_auto_assembly": self.is_kit,
            "archived_at": self.updated_at if self.archived else None,
            "variants": [{"id": self.id, "sku": self.sku or None, "product_id": self.owner_id}],
        }


class World:
    """The account. `now` gives the time as Katana writes it."""

    def __init__(self, now: Callable[[], str], habits: Habits) -> None:
        self.now = now
        self.habits = habits
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
            "legal_name": name,
            "is_primary": number == 1,
            "sales_allowed": sales_allowed,
            "manufacturing_allowed": True,
            "purchase_allowed": True,
            "address_id": None,
            "address": None,
            "deleted_at": None,
        }
        return number

    def add_variant(
        self,
        sku: str,
        name: str,
        kind: str,
        stock: dict[str, Any],
        archived: bool = False,
        parts: dict[str, int] | None = None,
    ) -> Variant:
        """A new variant with levels by location name."""
        if kind not in TYPES:
            raise ValueError(f"{kind!r} is not one of {', '.join(TYPES)}")
        made = Variant(next(self._ids), sku, name, kind, self.now(), archived, parts=dict(parts or {}))
        for place, amounts in stock.items():
            given = {key: None if value is None else Decimal(str(value)) for key, value in amounts.items()}
            made.levels[self.location_id(place)] = Level(**given)  # type: ignore[arg-type]
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
        found = [variant for variant in self.variants.values() if variant.sku == sku and not variant.deleted_at]
        if len(found) != 1:
            raise KeyError(f"{len(found)} variants have the SKU {sku!r}")
        return found[0]

    def set_level(self, variant: Variant, location: int, in_stock: Decimal, committed: Decimal | None) -> bool:
        """Set a level; whether stock moved. A change of `committed` alone makes no movement, as in Katana."""
        level = variant.levels.setdefault(location, Level())
        change = in_stock - level.in_stock
        level.in_stock = in_stock
        level.committed = level.committed if committed is None else committed
        if change:
            self.move(variant, location, change, self.now())
        return bool(change)

    def move(self, variant: Variant, location: int, change: Decimal, moved: str) -> None:
        """Note a movement of `moved`, which may lie in the past: then the balances after it change too."""
        later = [
            one
            for one in self.movements
            if (one["variant_id"], one["location_id"]) == (variant.id, location) and one["movement_date"] > moved
        ]
        for one in later:
            one["balance_after"] += float(change)
            one["updated_at"] = self.now()
        after = variant.levels[location].in_stock if not later else Decimal(str(later[0]["balance_after"]))
        after -= Decimal(str(later[0]["quantity_change"])) if later else 0
        number = len(self.movements) + 1
        self.movements.append(
            {
                "id": number,
                "variant_id": variant.id,
                "location_id": location,
                "quantity_change": float(change),
                "balance_after": float(after),
                "movement_date": moved,
                "resource_type": "StockAdjustmentRow",
                "resource_id": number,
                "caused_by_order_no": f"SA-{number}",
                "caused_by_resource_id": number,
                "rank": number,
                "created_at": self.now(),
                "updated_at": self.now(),
            }
        )

    def stock_rows(self, archived: bool = False) -> Iterator[dict[str, Any]]:
        """One row per variant and location, oldest location first. All quantities are decimal strings."""
        for location in self.locations:
            for variant in self.variants.values():
                gone = variant.deleted_at and not self.habits.deleted_in_stock
                if location in variant.levels and not gone and (archived or not variant.archived):
                    yield self._row(variant, location, variant.levels[location])

    def _row(self, variant: Variant, location: int, level: Level) -> dict[str, Any]:
        missing = level.in_stock - level.committed + level.expected - level.safety
        potential = self.potential(variant, location) if variant.parts else level.potential
        return {
            "variant_id": variant.id,
            "location_id": location,
            "quantity_in_stock": five(level.in_stock),
            "quantity_committed": five(level.committed),
            "quantity_expected": five(level.expected),
            "quantity_missing_or_excess": five(missing),
            "quantity_potential": None if potential is None else five(potential),
            "safety_stock_level": five(level.safety),
            "reorder_point": five(level.safety),
            "average_cost": "10.0000000000",
            "value_in_stock": f"{level.in_stock * 10:.10f}",
            "archived_at": variant.updated_at if variant.archived else None,
            "variant": variant.short(self.habits),
        }

    def potential(self, variant: Variant, location: int) -> Decimal:
        """How many can be put together of what is there of its parts and not committed."""
        there = []
        for sku, needed in variant.parts.items():
            level = self.variant_of(sku).levels.get(location, Level())
            there.append(max(Decimal(0), level.in_stock - level.committed) // needed)
        return min(there, default=Decimal(0))

    def by_sku(self) -> dict[str, dict[str, dict[str, str]]]:
        """Levels by SKU and location name; SKUs that are empty or shared are left out."""
        result: dict[str, dict[str, dict[str, str]]] = {}
        shared = set(self.unclear_skus())
        for variant in self.variants.values():
            if variant.sku not in shared and not variant.deleted_at:
                result[variant.sku] = {
                    self.locations[number]["name"]: {"in_stock": five(one.in_stock), "committed": five(one.committed)}
                    for number, one in variant.levels.items()
                }
        return result

    def unclear_skus(self) -> list[str]:
        """SKUs that are empty or carried by more than one variant."""
        skus = [variant.sku for variant in self.variants.values() if not variant.deleted_at]
        return sorted({sku for sku in skus if not sku.strip() or skus.count(sku) > 1})


def five(quantity: Decimal) -> str:
    """A quantity with five decimals, as Katana writes it."""
    return f"{quantity:.5f}"
