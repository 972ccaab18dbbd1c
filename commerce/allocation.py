"""What of an order has to be shipped from where: the storefront's routing, less what must not leave (yet)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Literal

from commerce.errors import Unmappable
from commerce.orders import Financial, FulfilmentOrder, Order
from commerce.values import Frozen, Moment

PaymentPolicy = Literal["paid", "authorised"]
"""When goods may leave: when the money is in, or already when it is reserved."""

SHIPPED_BY_PARCEL = frozenset({"shipping", "pickup_point"})
OVER = frozenset({"closed", "cancelled"})
LEAVES_NOW = frozenset({"open", "in_progress"})
PAYMENT_GONE = frozenset({Financial.VOIDED, Financial.EXPIRED})
FAILED = frozenset({"cancelled", "error", "failure"})

OTHERWISE_DELIVERED = {
    "pick_up": "picked up in shop",
    "retail": "sold in shop",
    "local": "delivered by the shop itself",
    "none": "needs no delivery",
}


class Verdict(StrEnum):
    """What to do with the order, and with shipments that an earlier revision of it brought about."""

    SHIP = "ship"
    """Have exactly `shipments`, and hold back what is in `waiting`."""
    HOLD = "hold"
    """Ship nothing before the storefront releases it: what waits in the warehouse is to be held back."""
    WAIT = "wait"
    """Nothing new for now; what exists may go on. A later revision of the order will say more."""
    ASK_AGAIN = "ask again"
    """As `WAIT`, but the storefront is expected to be ready within minutes."""
    STOP = "stop"
    """Nothing is to be shipped: whatever still waits in the warehouse is to be called off."""


class WantedLine(Frozen):
    """Units of one order line; never zero."""

    line_id: str
    quantity: int


class WantedShipment(Frozen):
    """Everything that one location has to send for one order."""

    location_id: str
    location: str = ""
    method: str = ""
    ship_by: Moment | None = None
    lines: tuple[WantedLine, ...]

    @property
    def units(self) -> Counter[str]:
        """Units by order line id."""
        return Counter({line.line_id: line.quantity for line in self.lines})


class Allocation(Frozen):
    """What has to be shipped, sorted by location. `reason` says why there is nothing, or why something waits."""

    verdict: Verdict
    reason: str = ""
    shipments: tuple[WantedShipment, ...] = ()
    waiting: tuple[WantedShipment, ...] = ()
    """On hold or scheduled in the storefront: not to be shipped before it says so."""

    def at(self, location_id: str) -> WantedShipment | None:
        """What this location has to ship now."""
        return next((each for each in self.shipments if each.location_id == location_id), None)


def shipments_wanted(order: Order, payment: PaymentPolicy = "paid") -> Allocation:
    """What the order's locations have to ship now, or why nothing.

    Follows the storefront's fulfilment orders, one shipment a location; quantities are what remains, so refunded and
    fulfilled units are out. Raises Unmappable when a fulfilment order names a line that the order does not have.
    """
    refusal = _not_at_all(order) or _not_before_payment(order, payment) or _nothing_physical(order)
    if refusal:
        return refusal
    left = Counter({line.id: max(0, line.current) for line in order.lines if line.requires_shipping})
    shipments = _by_location(order, _leaving(order), left)
    waiting = _by_location(order, _held(order), left)
    if shipments:
        why = _why_held(order) if waiting else ""
        return Allocation(verdict=Verdict.SHIP, reason=why, shipments=shipments, waiting=waiting)
    if waiting:
        return Allocation(verdict=Verdict.HOLD, reason=_why_held(order), waiting=waiting)
    return _nothing_left(order)


def still_to_leave(order: Order) -> Iterator[FulfilmentOrder]:
    """What its locations still have to send by parcel, on hold or not."""
    return (each for each in _parcels(order) if _remains(each))


def fulfilled_units(order: Order) -> Counter[str]:
    """Units by line id that the storefront says have left."""
    units: Counter[str] = Counter()
    for fulfilment in order.fulfilments:
        if fulfilment.status not in FAILED:
            units.update(fulfilment.quantities)
    return units


def _not_at_all(order: Order) -> Allocation | None:
    if order.test:
        return _stop("test order")
    if order.cancelled:
        return _stop("cancelled")
    return None


def _not_before_payment(order: Order, payment: PaymentPolicy) -> Allocation | None:
    if order.financial.paid or (payment == "authorised" and order.financial is Financial.AUTHORISED):
        return None
    if order.financial in PAYMENT_GONE:
        return _stop(f"payment {order.financial.value}")
    return Allocation(verdict=Verdict.WAIT, reason="waiting for payment")


def _nothing_physical(order: Order) -> Allocation | None:
    physical = [line for line in order.lines if line.requires_shipping]
    if not physical:
        return _stop("digital only")
    if any(line.current > 0 for line in physical):
        return None
    return _stop("already fulfilled" if fulfilled_units(order) else "refunded before shipping")


def _nothing_left(order: Order) -> Allocation:
    """Why an order with physical lines has nothing to ship."""
    routes = _sorted_routes(order)
    if not any(each.lines for each in routes) and order.fulfilment != "fulfilled":
        if fulfilled_units(order):
            return _stop("already fulfilled")
        return Allocation(verdict=Verdict.ASK_AGAIN, reason="waiting for the storefront's routing")
    for each in routes:
        if each.status not in OVER and each.delivery not in SHIPPED_BY_PARCEL and _remains(each):
            return _stop(OTHERWISE_DELIVERED.get(each.delivery, f"delivered by {each.delivery}"))
    if order.fulfilment == "fulfilled" or fulfilled_units(order):
        return _stop("already fulfilled")
    elsewhere = next((each.delivery for each in routes if each.delivery in OTHERWISE_DELIVERED), "")
    if elsewhere:
        return _stop(OTHERWISE_DELIVERED[elsewhere])
    return _stop("refunded before shipping" if order.refunds or order.edited else "nothing to ship")


def _stop(reason: str) -> Allocation:
    return Allocation(verdict=Verdict.STOP, reason=reason)


def _sorted_routes(order: Order) -> list[FulfilmentOrder]:
    """In an order that does not depend on the feed."""
    return sorted(order.fulfilment_orders, key=lambda each: (each.location_id, each.location, each.id))


def _parcels(order: Order) -> Iterator[FulfilmentOrder]:
    """Fulfilment orders that are to be sent by parcel and not over."""
    for each in _sorted_routes(order):
        if each.delivery in SHIPPED_BY_PARCEL and each.status not in OVER:
            yield each


def _whole_order_waits(order: Order) -> bool:
    """Whether the hold is on the order itself and not on one of its fulfilment orders."""
    return order.on_hold and not any(each.status == "on_hold" for each in order.fulfilment_orders)


def _leaving(order: Order) -> list[FulfilmentOrder]:
    if _whole_order_waits(order):
        return []
    return [each for each in _parcels(order) if each.status in LEAVES_NOW and each.fulfillable]


def _held(order: Order) -> list[FulfilmentOrder]:
    leaving = _leaving(order)
    return [each for each in _parcels(order) if each not in leaving]


def _why_held(order: Order) -> str:
    """ "on hold: high risk of fraud; scheduled"."""
    return "; ".join(dict.fromkeys(_why(each) for each in _held(order) if _remains(each))) or "on hold"


def _why(each: FulfilmentOrder) -> str:
    if each.status in LEAVES_NOW:
        return "on hold" if each.fulfillable else "not released by the storefront"
    word = each.status.replace("_", " ")
    return f"{word}: {', '.join(each.hold_reasons)}" if each.hold_reasons else word


def _remains(each: FulfilmentOrder) -> bool:
    return any(line.remaining > 0 and line.requires_shipping for line in each.lines)


def _by_location(order: Order, routed: Iterable[FulfilmentOrder], left: Counter[str]) -> tuple[WantedShipment, ...]:
    """One shipment a location. Takes its units out of `left`, so that no unit is in two shipments."""
    places: dict[str, list[FulfilmentOrder]] = {}
    for each in routed:
        places.setdefault(each.location_id or each.location, []).append(each)
    shipments = (_one_shipment(order, place, each, left) for place, each in sorted(places.items()))
    return tuple(shipment for shipment in shipments if shipment.lines)


def _one_shipment(order: Order, place: str, routed: list[FulfilmentOrder], left: Counter[str]) -> WantedShipment:
    units: Counter[str] = Counter()
    for each in routed:
        for line in each.lines:
            if line.requires_shipping and line.remaining > 0:
                units[line.line_id] += _taken(order, line.line_id, line.remaining, left)
    promises = [each.ship_by for each in routed if each.ship_by]
    return WantedShipment(
        location_id=place,
        location=routed[0].location,
        method=next((each.method for each in routed if each.method), ""),
        ship_by=min(promises, default=None),
        lines=tuple(WantedLine(line_id=line.id, quantity=units[line.id]) for line in order.lines if units[line.id]),
    )


def _taken(order: Order, line_id: str, wanted: int, left: Counter[str]) -> int:
    if order.line(line_id) is None:
        raise Unmappable("fulfilment_orders", f"order {order.number} is to ship line {line_id}, which it does not have")
    units = min(wanted, left[line_id])
    left[line_id] -= units
    return units
