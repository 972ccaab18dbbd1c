"""A warehouse that was reached over ShipStation's API V1, told in V2's words, so that one verdict serves both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

State = Mapping[str, Any]

STATUSES = {"shipped": "label_purchased", "cancelled": "cancelled"}


def as_shipments(state: State) -> State:
    """The state as V2's simulator would show it; that of V2 as it is.

    Deleted orders, and discounts among an order's items, are nothing that is shipped.
    """
    if "shipments" in state:
        return state
    return {
        "shipments": [_shipment(order) for order in state["orders"] if order["active"]],
        "labels": [_label(label) for label in state["labels"] if not label["isReturnLabel"]],
    }


def _shipment(order: State) -> dict[str, Any]:
    goods = [item for item in order["items"] if not item["adjustment"]]
    to = order["shipTo"]
    return {
        "shipment_id": order["orderId"],
        "external_shipment_id": order["orderKey"],
        "shipment_status": STATUSES.get(order["orderStatus"], "pending"),
        "items": [{"sku": item["sku"], "quantity": item["quantity"]} for item in goods],
        "ship_to": {"address_line1": to["street1"], "postal_code": to["postalCode"]},
    }


def _label(label: State) -> dict[str, Any]:
    return {
        "shipment_id": label["orderId"],
        "tracking_number": label["trackingNumber"],
        "voided": label["voided"],
        "status": "completed",
    }
