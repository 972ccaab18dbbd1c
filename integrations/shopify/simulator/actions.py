"""What can be done with a fulfillment order in each of its states.

https://shopify.dev/docs/api/admin-graphql/latest/enums/FulfillmentOrderAction
"""

from __future__ import annotations

from integrations.shopify.simulator.model import FulfillmentOrder

MOST_HOLDS = 10


def actions(one: FulfillmentOrder) -> list[str]:
    """The names of its `supportedActions`."""
    if one.status == "ON_HOLD":
        full = sum(1 for held in one.holds if held["heldByRequestingApp"]) >= MOST_HOLDS
        return ["RELEASE_HOLD", *([] if full else ["HOLD"]), "MOVE"]
    if one.status == "SCHEDULED":
        return ["MARK_AS_OPEN", "MOVE"]
    if one.location.service is not None:
        return _of_a_service(one)
    if one.status == "OPEN":
        return ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD", *_divided(one)]
    if one.status == "IN_PROGRESS":
        return ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "HOLD", "MARK_AS_OPEN"]
    return []


def fulfillable(one: FulfillmentOrder) -> bool:
    """Whether a fulfillment may be made of it."""
    return "CREATE_FULFILLMENT" in actions(one)


def _of_a_service(one: FulfillmentOrder) -> list[str]:
    """Somebody else ships it: he is asked, and accepts or not."""
    if one.request == "SUBMITTED":
        return ["CANCEL_FULFILLMENT_ORDER"]
    if one.request in ("ACCEPTED", "CANCELLATION_REJECTED"):
        return ["CREATE_FULFILLMENT", "REQUEST_CANCELLATION"]
    if one.status in ("OPEN", "IN_PROGRESS", "INCOMPLETE"):
        several = ["SPLIT"] if _units(one) > 1 else []
        return ["REQUEST_FULFILLMENT", "CREATE_FULFILLMENT", "HOLD", *several, "MOVE"]
    return []


def _divided(one: FulfillmentOrder) -> list[str]:
    several = ["SPLIT"] if _units(one) > 1 else []
    return [*several, *(["MERGE"] if any(_alike(one, other) for other in one.order.fulfillment_orders) else [])]


def _alike(one: FulfillmentOrder, other: FulfillmentOrder) -> bool:
    same_way = other.location is one.location and other.method == one.method
    return other is not one and other.status == "OPEN" and same_way and _units(other) > 0


def _units(one: FulfillmentOrder) -> int:
    return sum(row.remaining for row in one.lines)
