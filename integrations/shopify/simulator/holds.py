"""Holds on fulfillment orders. https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentOrderHold"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.shopify.simulator.fulfilment import SCOPE, find_fulfillment_order
from integrations.shopify.simulator.inventory import user_error
from integrations.shopify.simulator.model import FulfillmentOrder, FulfillmentOrderLine, gid
from integrations.shopify.simulator.placing import open_fulfillment_order
from integrations.shopify.simulator.plan import Request, resolves

HOLD_TEXTS = {"HIGH_RISK_OF_FRAUD": "High risk of fraud", "INCORRECT_ADDRESS": "Incorrect address", "OTHER": "Other"}


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
    request.sim.demand("fulfillmentOrderHold", SCOPE)
    one, given = find_fulfillment_order(request, args["id"]), args["fulfillmentHold"]
    refused = {"fulfillmentHold": None, "fulfillmentOrder": None, "remainingFulfillmentOrder": None}
    if one is None:
        return {
            **refused,
            "userErrors": [user_error(["id"], "Fulfillment order not found.", "FULFILLMENT_ORDER_NOT_FOUND")],
        }
    if given.get("handle") and given["handle"] in {held["handle"] for held in one.holds}:
        text, code = (
            "The handle provided for the fulfillment hold is already in use.",
            "DUPLICATE_FULFILLMENT_HOLD_HANDLE",
        )
        return {**refused, "userErrors": [user_error(["fulfillmentHold", "handle"], text, code)]}
    if len(one.holds) >= 10:
        text, code = "The maximum number of fulfillment holds has been reached.", "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED"
        return {**refused, "userErrors": [user_error(["id"], text, code)]}
    rest = _split(request.sim, one, given.get("fulfillmentOrderLineItems") or [])
    made = hold(request.sim, one, given)
    return {"fulfillmentHold": made, "fulfillmentOrder": one, "remainingFulfillmentOrder": rest, "userErrors": []}


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
    request.sim.demand("fulfillmentOrderReleaseHold", SCOPE)
    one = find_fulfillment_order(request, args["id"])
    if one is None:
        error = user_error(["id"], "Fulfillment order not found.", "FULFILLMENT_ORDER_NOT_FOUND")
        return {"fulfillmentOrder": None, "userErrors": [error]}
    release(request.sim, one, args.get("holdIds"))
    return {"fulfillmentOrder": one, "userErrors": []}
