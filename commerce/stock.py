"""Stock: what is on the shelf, what may be promised, and what the storefront shows."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from commerce.money import Exact
from commerce.values import Frozen, Moment


class StockLevel(Frozen):
    """What the inventory app says of one SKU at one of its locations. Quantities may be fractions or negative."""

    source: str
    sku: str
    location: str
    """The inventory app's own location id."""
    on_hand: Exact
    committed: Exact
    available: Exact
    as_of: Moment

    @property
    def key(self) -> str:
        """Unique over all connections, e.g. "inventory:1/MUG-RED"."""
        return f"{self.source}:{self.location}/{self.sku}"


class StockTarget(Frozen):
    """What the storefront should offer of one SKU at one of its locations, and how that came about."""

    sku: str
    location_id: str
    quantity: int
    because: str


def sellable(
    amount: Decimal, *, figure: str = "available", buffer: int = 0, unseen: int = 0, floor: int = 0
) -> tuple[int, str]:
    """Units that may be offered of `amount`, and the sum that explains them; `figure` is what the amount is called.

    Rounds down, never up; never below `floor`. `buffer` is kept back; `unseen` are units of orders that the log has and
    the inventory app does not know yet.
    """
    whole = int(amount.to_integral_value(rounding=ROUND_FLOOR))
    left = max(0, whole - buffer - unseen)
    because = f"{amount.normalize():f} {figure} - {buffer} buffer - {unseen} not yet known = {left}"
    return (floor, f"{because}, at least {floor}") if floor > left else (left, because)
