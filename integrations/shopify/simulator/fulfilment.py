"""Sending goods. https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentCreate

There is no idempotency key here: a repeated partial call ships twice, as it does at Shopify.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.shopify.simulator.actions import fulfillable
from integrations.shopify.simulator.errors import FieldError
from integrations.shopify.simulator.idempotency import user_error
from integrations.shopify.simulator.inventory import Errors
from integrations.shopify.simulator.model import Fulfillment, FulfillmentOrder, FulfillmentOrderLine, Order, gid
from integrations.shopify.simulator.placing import open_fulfillment_order
from integrations.shopify.simulator.plan import Request, resolves

SCOPES = tuple(f"write_{kind}_fulfillment_orders" for kind in ("assigned", "merchant_managed", "third_party"))
"""Any one of them will do for the mutation; which orders it finds depends on the kind."""
FULFILLABLE = ("OPEN", "IN_PROGRESS")
MOST_ROWS = 512
TRACKING_SITES = {
    "UPS": "https://www.ups.com/track?tracknum={}",
    "USPS": "https://tools.usps.com/go/TrackConfirmAction_input?qtc_tLabels1={}",
    "FedEx": "https://www.fedex.com/fedextrack/?trknbr={}",
    "DHL Express": "https://www.dhl.com/en/express/tracking.html?AWB={}",
}

Taken = tuple[FulfillmentOrder, FulfillmentOrderLine, int]


@resolves("Mutation", "fulfillmentCreate")
def fulfillment_create(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentCreate"""
    request.sim.demand("fulfillmentCreate", *SCOPES)
    given = args["fulfillment"]
    errors: Errors = []
    taken = _taken(request, given["lineItemsByFulfillmentOrder"], errors)
    errors = errors or _one_parcel_errors(taken)
    if errors:
        return {"fulfillment": None, "userErrors": errors}
    made = create(request.sim, taken, tracking_of(given.get("trackingInfo") or {}))
    if given.get("notifyCustomer"):
        request.sim.send_email(made.order)
    return {"fulfillment": made, "userErrors": []}


def _taken(request: Request, groups: Sequence[Mapping[str, Any]], errors: Errors) -> list[Taken]:
    taken: list[Taken] = []
    if sum(len(group.get("fulfillmentOrderLineItems") or ()) for group in groups) > MOST_ROWS:
        raise FieldError("The input array size is greater than the maximum allowed of 512.", "MAX_INPUT_SIZE_EXCEEDED")
    for n, group in enumerate(groups):
        one = find_fulfillment_order(request, group["fulfillmentOrderId"])
        if one is None:
            errors.append(user_error(["fulfillment"], "Fulfillment order does not exist."))
        elif not fulfillable(one):
            text = f"Fulfillment order {one.id} has an unfulfillable status= {one.status.lower()}."
            errors.append(user_error(["fulfillment"], text))
        else:
            taken += _rows(one, group.get("fulfillmentOrderLineItems"), n, errors)
    return taken


def find_fulfillment_order(request: Request, reference: str) -> FulfillmentOrder | None:
    """The one with this gid, if the app may write to its kind of place."""
    number = request.sim.number("FulfillmentOrder", reference)
    found: FulfillmentOrder | None = request.sim.store.fulfillment_orders.get(number)
    return found if found is not None and request.sim.may_fulfill(found) else None


def _rows(one: FulfillmentOrder, wanted: Sequence[Mapping[str, Any]] | None, n: int, errors: Errors) -> list[Taken]:
    if not wanted:
        return [(one, row, row.remaining) for row in one.lines if row.remaining]
    by_gid = {gid("FulfillmentOrderLineItem", row.id): row for row in one.lines}
    taken: list[Taken] = []
    for m, ask in enumerate(wanted):
        row = by_gid.get(ask["id"])
        if ask["quantity"] <= 0:
            field = [
                "fulfillment",
                "lineItemsByFulfillmentOrder",
                str(n),
                "fulfillmentOrderLineItems",
                str(m),
                "quantity",
            ]
            errors.append(user_error(field, "Quantity must be greater than 0"))
        elif row is None:
            errors.append(user_error(["fulfillment"], "Fulfillment order line item does not exist."))
        elif ask["quantity"] + sum(q for _, known, q in taken if known is row) > row.remaining:
            errors.append(user_error(["fulfillment"], "Invalid fulfillment order line item quantity requested."))
        else:
            taken.append((one, row, ask["quantity"]))
    return taken


def _one_parcel_errors(taken: Sequence[Taken]) -> Errors:
    orders = sorted({one.order.id for one, _, _ in taken})
    places = sorted({one.location.id for one, _, _ in taken})
    if len(orders) > 1:
        text = f"All fulfillment orders must belong to the same order. Multiple orders with ids {orders} were found."
        return [user_error(["fulfillment"], text)]
    if len(places) > 1:
        text = "All fulfillment orders must be assigned to a single location. "
        return [user_error(["fulfillment"], f"{text}Multiple locations with ids {places} were found.")]
    if not taken:
        return [user_error(["fulfillment"], "Invalid fulfillment order line item quantity requested.")]
    return []


def tracking_of(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One entry per parcel; known carriers get their tracking page."""
    company = given.get("company")
    numbers = given.get("numbers") or ([given["number"]] if given.get("number") else [])
    urls = given.get("urls") or ([given["url"]] if given.get("url") else [])
    site = TRACKING_SITES.get(company or "")
    rows = []
    for n in range(max(len(numbers), len(urls))):
        number = numbers[n] if n < len(numbers) else None
        made_up = site.format(number) if site and number else None
        rows.append({"company": company, "number": number, "url": urls[n] if n < len(urls) else made_up})
    return rows or ([{"company": company, "number": None, "url": None}] if company else [])


def create(sim: Any, taken: Sequence[Taken], tracking: list[dict[str, Any]]) -> Fulfillment:
    """Send these units: stock leaves the house, fulfillment orders close or go on."""
    first, now = taken[0][0], sim.moment()
    order, ids = first.order, sim.store.ids
    sources = list({id(one): one for one, _, _ in taken}.values())
    made = Fulfillment(
        id=ids.next("Fulfillment"),
        order=order,
        location=first.location,
        name=f"{order.name}-F{len(order.fulfillments) + 1}",
        lines=[(ids.next("FulfillmentLineItem"), row, quantity) for _, row, quantity in taken],
        sources=sources,
        tracking=tracking,
        created=now,
        updated=now,
    )
    for one, row, quantity in taken:
        row.remaining -= quantity
        row.line.unfulfilled -= quantity
        row.line.fulfilled += quantity
        sim.stock(row.line, one.location, committed=-quantity)
    for one in sources:
        one.status = sim.switches.after_part if any(row.remaining for row in one.lines) else "CLOSED"
        one.updated = now
    order.fulfillments.append(made)
    sim.store.fulfillments[made.id] = made
    sim.changed(order, ("fulfillments/create", made))
    return made


@resolves("Mutation", "fulfillmentTrackingInfoUpdate")
def tracking_update(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentTrackingInfoUpdate"""
    request.sim.demand("fulfillmentTrackingInfoUpdate", *SCOPES)
    one = request.sim.store.fulfillments.get(request.sim.number("Fulfillment", args["fulfillmentId"]))
    if one is None:
        return {"fulfillment": None, "userErrors": [user_error(["fulfillmentId"], "Fulfillment does not exist.")]}
    one.tracking, one.updated = tracking_of(args["trackingInfoInput"]), request.sim.moment()
    if args.get("notifyCustomer"):
        request.sim.send_email(one.order)
    request.sim.changed(one.order, ("fulfillments/update", one))
    return {"fulfillment": one, "userErrors": []}


@resolves("Mutation", "fulfillmentCancel")
def fulfillment_cancel(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentCancel"""
    request.sim.demand("fulfillmentCancel", *SCOPES)
    one = request.sim.store.fulfillments.get(request.sim.number("Fulfillment", args["id"]))
    if one is None:
        return {"fulfillment": None, "userErrors": [user_error(["id"], "Fulfillment not found.")]}
    if one.status != "CANCELLED":
        _take_back(request.sim, one)
    return {"fulfillment": one, "userErrors": []}


def _take_back(sim: Any, one: Fulfillment) -> None:
    one.status, one.updated = "CANCELLED", sim.moment()
    for _, row, quantity in one.lines:
        row.remaining += quantity
        row.line.fulfilled -= quantity
        row.line.unfulfilled += quantity
        sim.stock(row.line, one.location, committed=quantity)
    for source in one.sources:
        replace(sim, source)
    sim.changed(one.order, ("fulfillments/update", one))


def replace(sim: Any, one: FulfillmentOrder) -> FulfillmentOrder:
    """Close a fulfillment order that still has units, and open a new one for them."""
    one.status, one.updated = "CLOSED", sim.moment()
    next_id = sim.store.ids.next
    rows = [
        FulfillmentOrderLine(next_id("FulfillmentOrderLineItem"), row.line, row.remaining, row.remaining)
        for row in one.lines
        if row.remaining
    ]
    return open_fulfillment_order(sim.store, one.order, one.location.id, one.method, rows, sim.moment())


@resolves("Mutation", "tagsAdd")
def tags_add(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/tagsAdd"""
    request.sim.demand("tagsAdd", "write_orders")
    one: Order | None = request.sim.store.orders.get(request.sim.number("Order", args["id"]))
    if one is None:
        return {"node": None, "userErrors": [user_error(["id"], "Order does not exist")]}
    one.tags = list(dict.fromkeys([*one.tags, *args["tags"]]))
    request.sim.changed(one)
    return {"node": one, "userErrors": []}
