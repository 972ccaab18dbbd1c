"""Which units of which fulfilment order a parcel takes. Pure: an order as it is now and a parcel in, a plan out.

https://shopify.dev/docs/apps/build/orders-fulfillment/order-management-apps/build-fulfillment-solutions
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from commerce.errors import Unmappable
from commerce.outcomes import Held, Outcome, Retry
from commerce.parcels import Parcel, ParcelLine
from integrations.shopify.schemas_fulfilment import Hold, OrderToFulfil, Shipped, ToShip, ToShipLine

OVER = ("closed", "cancelled")
"""Nothing more will leave under a fulfilment order in one of these states."""
MOST_ROWS = 512
"""Rows that Shopify takes in one call."""
NO_PARCEL = ("none", "pick_up", "retail", "local")
PATIENCE = 5
"""Tries until an order without fulfilment orders is a matter for a person."""

BY_HAND = "fulfil it in Shopify by hand, with its tracking number"

Group = dict[str, Any]
"""One FulfillmentOrderLineItemsInput."""


@dataclass(frozen=True)
class AlreadyGone:
    """Nothing of the parcel is left to send: somebody else made the fulfilment."""

    fulfilment: Shipped


Plan = list[Group] | AlreadyGone | Outcome


def pick(order: OrderToFulfil, parcel: Parcel, location_id: str, attempt: int) -> Plan:
    """What to send for `parcel`: all at one location, never more than remains."""
    orders = at(location_id, order, parcel)
    here = [one for one in orders if (one.fulfillable or one.status not in OVER) and remaining(one)]
    if not any(units_left(line, here) for line in parcel.lines) if parcel.lines else not here:
        sent = already_sent(order, parcel, orders)
        return AlreadyGone(sent) if sent else nothing_to_send(order, location_id, attempt)
    return pick_lines(order, parcel.lines, here) if parcel.lines else pick_all(order, here)


def at(location_id: str, order: OrderToFulfil, parcel: Parcel) -> list[ToShip]:
    """The fulfilment orders of the parcel's location; all of them when Shopify has moved its units away from there."""
    everywhere = list(order.fulfillment_orders.nodes)
    here = [one for one in everywhere if one.location_id == location_id]
    if not location_id or not here:
        return everywhere
    return here if not parcel.lines or any(matching(line, here) for line in parcel.lines) else everywhere


def pick_lines(order: OrderToFulfil, lines: Sequence[ParcelLine], here: Sequence[ToShip]) -> Plan:
    """These units, from the first location that has them all."""
    for orders in by_location(one for one in here if one.fulfillable).values():
        groups = allocate(lines, orders)
        if groups is not None:
            return groups
    if any(allocate(lines, orders) is not None for orders in by_location(here).values()):
        return held_back(order, here)
    return too_many(order, lines, here)


def pick_all(order: OrderToFulfil, here: Sequence[ToShip]) -> Plan:
    """Everything that remains and goes by parcel."""
    shipped = [one for one in here if by_parcel(one)] or list(here)
    if len(by_location(shipped)) > 1:
        return ambiguous(order)
    if not all(one.fulfillable for one in shipped):
        return held_back(order, shipped)
    return [everything(one) for one in shipped]


def by_parcel(one: ToShip) -> bool:
    """Whether it is delivered by a parcel, and not downloaded, collected or handed over."""
    return one.delivery_method is None or one.delivery_method.method_type not in NO_PARCEL


def already_sent(order: OrderToFulfil, parcel: Parcel, orders: Sequence[ToShip]) -> Shipped | None:
    """The fulfilment that somebody else made of what the parcel contains, if all of it was sent."""
    lines = [[row.line_item.id for _, row in matching(wanted, orders)] for wanted in parcel.lines]
    wanted = lines or [[row.line_item.id for one in orders for row in one.line_items.nodes]]
    living = [one for one in order.fulfillments if not one.cancelled]
    sent = {line.line_item.id: one for one in living for line in one.fulfillment_line_items.nodes}
    if not all(any(line_id in sent for line_id in ids) for ids in wanted):
        return None
    return next(sent[line_id] for line_id in wanted[0] if line_id in sent)


def sent_before(order: OrderToFulfil, groups: Sequence[Group]) -> bool:
    """Whether some of it was in a fulfilment that was taken back: its buyer has had a mail."""
    rows = {row["id"] for group in groups for row in group["fulfillmentOrderLineItems"]}
    nodes = [line for one in order.fulfillment_orders.nodes for line in one.line_items.nodes]
    lines = {line.line_item.id for line in nodes if line.id in rows}
    taken_back = [one for one in order.fulfillments if one.cancelled]
    return any(line.line_item.id in lines for one in taken_back for line in one.fulfillment_line_items.nodes)


def sent_nameless(order: OrderToFulfil, groups: Sequence[Group]) -> bool:
    """Whether just these units have left in a fulfilment without a number: it may be the one we are in doubt about."""
    rows = {row["id"]: row["quantity"] for group in groups for row in group["fulfillmentOrderLineItems"]}
    units: dict[str, int] = defaultdict(int)
    for line in (line for one in order.fulfillment_orders.nodes for line in one.line_items.nodes):
        if line.id in rows:
            units[line.line_item.id] += rows[line.id]
    living = [one for one in order.fulfillments if not one.cancelled and not one.numbers]
    return any(units_by_line(one) == dict(units) for one in living)


def units_by_line(made: Shipped) -> dict[str, int]:
    """What a fulfilment contains, by order line."""
    units: dict[str, int] = defaultdict(int)
    for line in made.fulfillment_line_items.nodes:
        units[line.line_item.id] += line.quantity or 0
    return dict(units)


def remaining(one: ToShip) -> int:
    """Units that are still to be sent."""
    return sum(line.remaining_quantity for line in one.line_items.nodes)


def by_location(orders: Iterable[ToShip]) -> dict[str, list[ToShip]]:
    """Fulfilment orders by where they ship from; one fulfilment cannot span two."""
    places: dict[str, list[ToShip]] = defaultdict(list)
    for one in orders:
        places[one.location_id].append(one)
    return places


def everything(one: ToShip) -> Group:
    """All that remains of one fulfilment order, said in numbers so that a second copy of the call is refused."""
    rows = [{"id": line.id, "quantity": line.remaining_quantity} for line in one.line_items.nodes]
    return {"fulfillmentOrderId": one.id, "fulfillmentOrderLineItems": [row for row in rows if row["quantity"]]}


def as_sent(groups: Sequence[Group], orders: Iterable[ToShip]) -> list[Group]:
    """The groups as Shopify takes them: at most 512 rows are named; beyond that, "everything" is said by naming none.

    Raises Unmappable when more rows are wanted, and not all that remains.
    """
    whole = {one.id: everything(one)["fulfillmentOrderLineItems"] for one in orders}
    sent = []
    for group in groups:
        rows, gid = group["fulfillmentOrderLineItems"], group["fulfillmentOrderId"]
        if len(rows) <= MOST_ROWS:
            sent.append(group)
        elif sorted(rows, key=str) == sorted(whole.get(gid, []), key=str):
            sent.append({"fulfillmentOrderId": gid})
        else:
            raise Unmappable("lines", f"the parcel has {len(rows)} different lines, Shopify takes {MOST_ROWS} at once")
    return sent


def allocate(lines: Sequence[ParcelLine], orders: Sequence[ToShip]) -> list[Group] | None:
    """The parcel's units out of these fulfilment orders, None when they do not hold them all."""
    free = {line.id: line.remaining_quantity for one in orders for line in one.line_items.nodes}
    taken: dict[str, dict[str, int]] = defaultdict(dict)
    for wanted in lines:
        left = wanted.quantity
        for one, line in matching(wanted, orders):
            units = min(left, free[line.id])
            if units:
                free[line.id] -= units
                taken[one.id][line.id] = taken[one.id].get(line.id, 0) + units
                left -= units
        if left:
            return None
    return [
        {
            "fulfillmentOrderId": gid,
            "fulfillmentOrderLineItems": [{"id": row, "quantity": units} for row, units in rows.items()],
        }
        for gid, rows in taken.items()
    ]


def matching(wanted: ParcelLine, orders: Iterable[ToShip]) -> list[tuple[ToShip, ToShipLine]]:
    """The rows that a parcel line is about: by order line, or by SKU when the warehouse did not keep the line."""
    rows = [(one, line) for one in orders for line in one.line_items.nodes]
    by_line = [(one, line) for one, line in rows if wanted.line_id and line.line_item.id == wanted.line_id]
    return by_line or [(one, line) for one, line in rows if wanted.sku and line.sku == wanted.sku]


def units_left(wanted: ParcelLine, orders: Iterable[ToShip]) -> int:
    """Units that remain of what a parcel line is about."""
    return sum(line.remaining_quantity for _, line in matching(wanted, orders))


def nothing_to_send(order: OrderToFulfil, location_id: str, attempt: int) -> Outcome:
    """Why nothing can be sent although nothing of it was."""
    if order.cancelled_at is not None:
        reason = f"order {order.name} was cancelled in Shopify, but its parcel has left"
        return Held(cause="order_cancelled", reason=reason, hint="call the parcel back, or refund the shopper")
    if not order.fulfillment_orders.nodes:
        reason = f"Shopify shows no fulfilment orders for order {order.name}"
        if attempt <= PATIENCE:
            return Retry(reason=f"{reason} yet", after=60)
        hint = "most likely the fulfilment-order scope for this kind of location is missing: run backroom check"
        return Held(cause="no_fulfilment_order", reason=reason, hint=hint)
    where = f" at location {location_id}" if location_id else ""
    reason = f"what the parcel of order {order.name} contains is not left to send{where}, and was not sent either"
    hint = "look at the order in Shopify: was it moved to another location, edited or refunded?"
    return Held(cause="nothing_to_send", reason=reason, hint=hint)


def held_back(order: OrderToFulfil, orders: Iterable[ToShip]) -> Held:
    """Shopify takes no fulfilment for now, although the parcel has left."""
    stuck = [one for one in orders if not one.fulfillable]
    left = f"order {order.name} {{}} in Shopify ({{}}), but its parcel has left"
    holds = sorted({hold_words(hold) for one in stuck for hold in one.fulfillment_holds})
    if holds or any(one.status == "on_hold" for one in stuck):
        reason = left.format("is on hold", ", ".join(holds) or "on_hold")
        return Held(cause="on_hold", reason=reason, hint="release the hold on the order in Shopify, then this record")
    if any(one.status == "scheduled" for one in stuck):
        when = sorted({f"{one.fulfill_at:%Y-%m-%d}" for one in stuck if one.fulfill_at})
        reason = left.format("is scheduled for later", ", ".join(when) or "scheduled")
        return Held(cause="scheduled", reason=reason, hint="mark it as open in Shopify, then release this record")
    asked = sorted({one.request_status for one in stuck} - {"unsubmitted"})
    reason = left.format("is not ready to be fulfilled", ", ".join(asked or sorted({one.status for one in stuck})))
    hint = "a fulfilment service has it: cancel the request in Shopify, then release this record"
    return Held(cause="not_fulfillable", reason=reason, hint=hint if asked else BY_HAND)


def hold_words(hold: Hold) -> str:
    """Shopify's reason, and what somebody wrote to it."""
    return f"{hold.reason}: {hold.reason_notes[:100]}" if hold.reason_notes else hold.reason


def cannot_tell(order: OrderToFulfil) -> Held:
    """A lost answer, and nothing by which to know whether it was ours."""
    reason = (
        f"order {order.name} has a fulfilment of just these units without a tracking number, "
        "which may be this parcel's or another's: the answer to an earlier try was lost"
    )
    hint = "if one is missing in Shopify, fulfil it there by hand; then dismiss this record"
    return Held(cause="in_doubt", reason=reason, hint=hint)


def ambiguous(order: OrderToFulfil) -> Held:
    """Everything was sent, but from where?"""
    reason = f"order {order.name} ships from several locations and the parcel does not say what it contains"
    return Held(cause="ambiguous_location", reason=reason, hint=BY_HAND)


def too_many(order: OrderToFulfil, lines: Sequence[ParcelLine], orders: Sequence[ToShip]) -> Held:
    """The parcel holds more than Shopify has left to send, from any one location."""
    counts = [f"{one.quantity} {one.sku or one.line_id} (remaining {units_left(one, orders)})" for one in lines]
    reason = f"the parcel of order {order.name} contains {', '.join(counts)}, which no location has left to send"
    return Held(
        cause="wrong_quantity",
        reason=reason,
        hint="compare the parcel with the order in Shopify; fulfil by hand or correct the shipment, then release",
    )
