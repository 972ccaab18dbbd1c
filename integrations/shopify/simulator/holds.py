"""Holds on fulfillment orders. https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentOrderHold"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.shopify.simulator.actions import MOST_HOLDS
from integrations.shopify.simulator.fulfilment import SCOPES, find_fulfillment_order
from integrations.shopify.simulator.idempotency import user_error
from integrations.shopify.simulator.model import FulfillmentOrder, FulfillmentOrderLine, gid
from integrations.shopify.simulator.placing import open_fulfillment_order
from integrations.shopify.simulator.plan import Request, resolves

HOLD_TEXTS = {"AWAITING_RETURN_ITEMS": "Exchange items awaiting return delivery"}
"""Reasons that the admin words in a way of its own."""
IN_USE = (
    "The handle provided for the fulfillment hold is already in use by this app "
    "for another hold on this fulfillment order."
)
TOO_MANY = (
    "The maximum number of fulfillment holds for this fulfillment order has been reached for this app. "
    "An app can only have up to 10 holds on a single fulfillment order at any one time."
)
UNKNOWN = user_error(["id"], "Fulfillment order does not exist.", "FULFILLMENT_ORDER_NOT_FOUND")


def hold(sim: Any, one: FulfillmentOrder, given: Mapping[str, Any]) -> dict[str, Any]:
    """Put the whole fulfillment order on hold."""
    reason = given.get("reason", "OTHER")
    made = {
        "__typename": "FulfillmentHold",
        "id": gid("FulfillmentHold", sim.store.ids.next("FulfillmentHold")),
        "reason": reason,
        "reasonNotes": given.get("reasonNotes"),
        "displayReason": HOLD_TEXTS.get(reason, reason.replace("_", " ").capitalize()),
        "handle": given.get("handle"),
        "heldByRequestingApp": given.get("requested", True),
    }
    one.holds.append(made)
    one.status, one.updated = "ON_HOLD", sim.moment()
    sim.changed(one.order, ("fulfillment_orders/placed_on_hold", one))
    return made


def release(sim: Any, one: FulfillmentOrder, hold_ids: Sequence[str] | None = None) -> None:
    """Take holds away; what was split off for them comes back."""
    one.holds = [kept for kept in one.holds if hold_ids and kept["id"] not in hold_ids]
    if one.holds:
        return
    rest = one.split_off
    if rest is not None and rest.status == "OPEN":
        _merge(one, rest)
    one.status, one.updated = "OPEN", sim.moment()
    sim.changed(one.order, ("fulfillment_orders/hold_released", one))


def _merge(one: FulfillmentOrder, rest: FulfillmentOrder) -> None:
    by_line = {id(row.line): row for row in one.lines}
    for row in rest.lines:
        mine = by_line.get(id(row.line))
        if mine is None:
            one.lines.append(row)
            continue
        mine.total, mine.remaining = mine.total + row.total, mine.remaining + row.remaining
        row.total = row.remaining = 0
    rest.status, one.split_off = "CLOSED", None


@resolves("Mutation", "fulfillmentOrderHold")
def fulfillment_order_hold(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentOrderHold"""
    request.sim.demand("fulfillmentOrderHold", *SCOPES)
    one, given = find_fulfillment_order(request, args["id"]), args["fulfillmentHold"]
    problem = (UNKNOWN if one is None else None) or _problem_of_lines(given) or (one and _problem(one, given))
    if one is None or problem:
        refused = {"fulfillmentHold": None, "fulfillmentOrder": None, "remainingFulfillmentOrder": None}
        return {**refused, "userErrors": [problem]}
    rest = _split(request.sim, one, given.get("fulfillmentOrderLineItems") or [])
    made = hold(request.sim, one, given)
    return {"fulfillmentHold": made, "fulfillmentOrder": one, "remainingFulfillmentOrder": rest, "userErrors": []}


def _problem_of_lines(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is wrong with the units of a partial hold, whatever the fulfillment order."""
    rows, where = given.get("fulfillmentOrderLineItems") or [], ["fulfillmentHold", "fulfillmentOrderLineItems"]
    for n, row in enumerate(rows):
        if row["quantity"] <= 0:
            text = "You must select at least one item to place on partial hold."
            return user_error([*where, str(n), "quantity"], text, "GREATER_THAN_ZERO")
    if len({row["id"] for row in rows}) < len(rows):
        return user_error(where, "must contain unique line item ids", "DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS")
    return None


def _problem(one: FulfillmentOrder, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """What else an app may not do to this fulfillment order."""
    ours = [held for held in one.holds if held["heldByRequestingApp"]]
    rows, handle = given.get("fulfillmentOrderLineItems") or [], given.get("handle")
    if handle and len(handle) > 64:
        return user_error(["fulfillmentHold", "handle"], "Handle is too long (maximum is 64 characters)")
    if handle and handle in {held["handle"] for held in ours}:
        return user_error(["fulfillmentHold", "handle"], IN_USE, "DUPLICATE_FULFILLMENT_HOLD_HANDLE")
    if rows and (one.holds or one.status != "OPEN"):
        text = "The fulfillment order is not in a splittable state."
        return user_error(["fulfillmentHold", "fulfillmentOrderLineItems"], text, "FULFILLMENT_ORDER_NOT_SPLITTABLE")
    if len(ours) >= MOST_HOLDS:
        return user_error(["id"], TOO_MANY, "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")
    left = {gid("FulfillmentOrderLineItem", row.id): row.remaining for row in one.lines}
    for n, row in enumerate(rows):
        if row["quantity"] > left.get(row["id"], 0):
            where = ["fulfillmentHold", "fulfillmentOrderLineItems", str(n), "quantity"]
            text = "The fulfillment order line item quantity is invalid."
            return user_error(where, text, "INVALID_LINE_ITEM_QUANTITY")
    return None


def _split(sim: Any, one: FulfillmentOrder, held: Sequence[Mapping[str, Any]]) -> FulfillmentOrder | None:
    """The original keeps the held units, the rest gets a new id."""
    kept = {row["id"]: row["quantity"] for row in held}
    rows = []
    for row in one.lines if kept else []:
        stays = min(row.remaining, kept.get(gid("FulfillmentOrderLineItem", row.id), 0))
        goes = row.remaining - stays
        row.remaining, row.total = stays, row.total - goes
        if goes:
            rows.append(FulfillmentOrderLine(sim.store.ids.next("FulfillmentOrderLineItem"), row.line, goes, goes))
    if rows:
        one.split_off = open_fulfillment_order(sim.store, one.order, one.location.id, one.method, rows, sim.moment())
    return one.split_off


@resolves("Mutation", "fulfillmentOrderReleaseHold")
def fulfillment_order_release(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentOrderReleaseHold"""
    request.sim.demand("fulfillmentOrderReleaseHold", *SCOPES)
    one = find_fulfillment_order(request, args["id"])
    if one is None:
        return {"fulfillmentOrder": None, "userErrors": [UNKNOWN]}
    release(request.sim, one, args.get("holdIds"))
    return {"fulfillmentOrder": one, "userErrors": []}
