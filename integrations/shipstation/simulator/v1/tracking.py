"""Labels, which V1 calls shipments, and fulfillments: what carries tracking numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from integrations.shipstation.simulator.v1.orders import Orders
from integrations.shipstation.simulator.v1.rules import OPEN
from integrations.shipstation.simulator.v1.wire import (
    Json,
    chosen,
    day,
    failed,
    invalid,
    missing,
    ordered,
    stamp,
    within,
)

SORTS = {"ShipDate": "shipDate", "CreateDate": "createDate"}
EXACT = ("orderId", "carrierCode", "serviceCode", "trackingNumber", "orderNumber", "batchId")


class Labels:
    """Labels by id, bought for orders."""

    def __init__(self, orders: Orders, new_id: Callable[[str], int], clock: Callable[[], float]) -> None:
        self._orders = orders
        self._new_id = new_id
        self._clock = clock
        self.by_id: dict[int, Json] = {}
        self.made_at: dict[int, float] = {}

    def buy(self, order_ids: Sequence[int], carrier: str, *, back: bool = False) -> tuple[int, list[int]]:
        """Buy labels in one batch; `back` makes them labels for a return. Returns the batch's id and theirs."""
        batch = self._new_id("batch")
        return batch, [self._one(self._orders.get(order_id), batch, carrier, back) for order_id in order_ids]

    def _one(self, order: Json, batch: int, carrier: str, back: bool) -> int:
        if order["orderStatus"] not in ("awaiting_shipment", "shipped") or (
            order["orderStatus"] == "shipped" and not back
        ):
            raise ValueError(f"{order['orderId']} is {order['orderStatus']}")
        label_id = self._new_id("label")
        self.by_id[label_id] = {
            "shipmentId": label_id,
            "orderId": order["orderId"],
            "orderKey": order["orderKey"],
            "userId": "123AB45C-1234-5678-9D00-1234567890AB",
            "customerEmail": order["customerEmail"],
            "orderNumber": order["orderNumber"],
            "createDate": stamp(self._clock()),
            "shipDate": day(self._clock()),
            "shipmentCost": 7.4,
            "insuranceCost": 0.0,
            "trackingNumber": f"94001{label_id}01",
            "isReturnLabel": back,
            "batchNumber": str(batch),
            "batchId": batch,
            "carrierCode": carrier,
            "serviceCode": f"{carrier}_ground",
            "packageCode": "package",
            "confirmation": "none",
            "warehouseId": order["advancedOptions"]["warehouseId"],
            "voided": False,
            "voidDate": None,
            "marketplaceNotified": False,
            "notifyErrorMessage": None,
            "shipTo": copy.deepcopy(order["shipTo"]),
            "weight": order["weight"],
            "dimensions": None,
            "insuranceOptions": order["insuranceOptions"],
            "advancedOptions": {"storeId": order["advancedOptions"]["storeId"]},
            "shipmentItems": [item for item in copy.deepcopy(order["items"]) if not item["adjustment"]],
            "labelData": None,
            "formData": None,
        }
        self.made_at[label_id] = self._clock()
        if not back:
            order["shipDate"] = day(self._clock())
            self._orders.set_status(order, "shipped")
        return label_id

    def void(self, label_id: int) -> Json:
        """`POST /shipments/voidlabel`: its order waits again."""
        if label_id not in self.by_id:
            raise missing(f"Shipment {label_id}")
        label = self.by_id[label_id]
        if label["voided"]:
            return {"approved": False, "message": "Label has already been voided"}
        label |= {"voided": True, "voidDate": stamp(self._clock())}
        if not label["isReturnLabel"]:
            self._orders.set_status(self._orders.get(label["orderId"]), "awaiting_shipment")
        return {"approved": True, "message": "Label voided successfully"}

    def listed(self, params: Mapping[str, str], records: Sequence[Json]) -> list[Json]:
        """`GET /shipments` with its filters: labels bought here only; items are null unless asked for."""
        found = chosen(records, params, {name: name for name in EXACT})
        if params.get("storeId"):
            found = [each for each in found if str(each["advancedOptions"]["storeId"]) == params["storeId"]]
        for name in ("createDate", "shipDate", "voidDate"):
            found = [each for each in found if within(each, name, params, name)]
        found = ordered(found, params, SORTS, "CreateDate")
        wanted = params.get("includeShipmentItems", "false").lower() == "true"
        shown = [{**each, "shipmentItems": each["shipmentItems"] if wanted else None} for each in found]
        return [{name: value for name, value in each.items() if name != "batchId"} for each in shown]


class Fulfillments:
    """Orders that were marked as shipped, by id."""

    def __init__(self, orders: Orders, new_id: Callable[[str], int], clock: Callable[[], float]) -> None:
        self._orders = orders
        self._new_id = new_id
        self._clock = clock
        self.by_id: dict[int, Json] = {}
        self.made_at: dict[int, float] = {}

    def mark_as_shipped(self, body: Any) -> Json:
        """`POST /orders/markasshipped`."""
        if not isinstance(body, dict) or not isinstance(body.get("orderId"), int):
            raise invalid(orderId="The orderId field is required.")
        if not body.get("carrierCode"):
            raise invalid(carrierCode="The carrierCode field is required.")
        self.mark(body["orderId"], body.get("trackingNumber") or "", body["carrierCode"])
        return {"orderId": body["orderId"], "orderNumber": self._orders.get(body["orderId"])["orderNumber"]}

    def mark(self, order_id: int, tracking: str, carrier: str) -> int:
        """Mark an order as shipped, without a label."""
        order = self._orders.get(order_id)
        if order["orderStatus"] not in OPEN:
            raise failed(f"Order {order_id} is {order['orderStatus']}.")
        mark_id = self._new_id("fulfillment")
        self.by_id[mark_id] = {
            "fulfillmentId": mark_id,
            "orderId": order_id,
            "orderNumber": order["orderNumber"],
            "userId": "c9f06d74-95de-4263-9b04-e87095cababf",
            "customerEmail": order["customerEmail"],
            "trackingNumber": tracking,
            "createDate": stamp(self._clock()),
            "shipDate": f"{day(self._clock())}T00:00:00.0000000",
            "voidDate": None,
            "deliveryDate": None,
            "carrierCode": carrier,
            "sellerFillProviderId": None,
            "sellerFillProviderName": None,
            "fulfillmentProviderCode": None,
            "fulfillmentServiceCode": None,
            "fulfillmentFee": 0.0,
            "voidRequested": False,
            "voided": False,
            "marketplaceNotified": False,
            "notifyErrorMessage": None,
            "shipTo": copy.deepcopy(order["shipTo"]),
        }
        self.made_at[mark_id] = self._clock()
        self._orders.set_status(order, "shipped")
        return mark_id

    def void(self, mark_id: int) -> None:
        """Take the mark back: its order waits again."""
        mark = self.by_id[mark_id]
        mark |= {"voided": True, "voidDate": stamp(self._clock())}
        self._orders.set_status(self._orders.get(mark["orderId"]), "awaiting_shipment")

    def listed(self, params: Mapping[str, str], records: Sequence[Json]) -> list[Json]:
        """`GET /fulfillments` with its filters; none by void."""
        exact = ("fulfillmentId", "orderId", "orderNumber", "trackingNumber")
        found = chosen(records, params, {name: name for name in exact})
        for name in ("createDate", "shipDate"):
            found = [each for each in found if within(each, name, params, name)]
        return ordered(found, params, SORTS, "CreateDate")
