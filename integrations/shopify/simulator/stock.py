"""Products, their stock, and the places where it lies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

COUNTED = ("available", "committed", "damaged", "quality_control", "reserved", "safety_stock")
NAMES = ("available", "committed", "damaged", "incoming", "on_hand", "quality_control", "reserved", "safety_stock")


@dataclass(slots=True)
class Location:
    """A place where stock lies; `service` is the app that ships from it, if it is not the merchant's own."""

    TYPE: ClassVar[str] = "Location"
    id: int
    name: str
    country: str = "US"
    active: bool = True
    created: int = 0
    service: str | None = None


@dataclass(slots=True)
class Variant:
    """A product with its only variant and its inventory item."""

    TYPE: ClassVar[str] = "ProductVariant"
    id: int
    product: int
    item: Item
    sku: str | None
    title: str
    price: int
    gift_card: bool
    created: int
    policy: str = "DENY"
    barcode: str | None = None
    bundle: bool = False


@dataclass(slots=True)
class Item:
    """An inventory item and its levels by location id."""

    TYPE: ClassVar[str] = "InventoryItem"
    id: int
    sku: str | None
    tracked: bool
    requires_shipping: bool
    created: int
    updated: int
    levels: dict[int, Level] = field(default_factory=dict)
    variant: Variant | None = None

    @property
    def sellable(self) -> int:
        """What is available where the item is stocked; a level that is not active sells nothing."""
        return sum(level.quantity("available") for level in self.levels.values() if level.active)


@dataclass(slots=True)
class Level:
    """The quantities of one item at one location."""

    TYPE: ClassVar[str] = "InventoryLevel"
    id: int
    item: Item
    location: Location
    created: int
    updated: int
    active: bool = True
    quantities: dict[str, int] = field(default_factory=dict)

    def quantity(self, name: str) -> int:
        """`on_hand` is the sum of everything but what is still on its way."""
        if name == "on_hand":
            return sum(self.quantities.get(one, 0) for one in COUNTED)
        return self.quantities.get(name, 0)

    def move(self, name: str, delta: int) -> None:
        """Change one quantity; `on_hand` moves `available`."""
        name = "available" if name == "on_hand" else name
        self.quantities[name] = self.quantities.get(name, 0) + delta
