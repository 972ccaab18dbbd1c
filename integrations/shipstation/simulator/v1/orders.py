"""Orders: made and replaced by `orderKey`, changed while they are open."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any

from integrations.shipstation.simulator.v1.rules import OPEN, problems, unreadable
from integrations.shipstation.simulator.v1.wire import (
    Json,
    Problem,
    chosen,
    failed,
    invalid,
    missing,
    model_state,
    ordered,
    stamp,
    wall_clock,
    within,
    written,
)

MOST_AT_ONCE = 100
KEPT = ("orderId", "orderKey", "createDate", "customerId", "batchId", "active")
"""What an update cannot change."""
KEPT_OPTIONS = ("storeId", "source", "mergedOrSplit", "mergedIds", "parentId")
DATES = ("orderDate", "paymentDate", "shipByDate", "shipDate", "holdUntilDate")
SORTS = {"OrderDate": "orderDate", "ModifyDate": "modifyDate", "CreateDate": "createDate"}


class Orders:
    """The orders of an account, by id."""

    def __init__(
        self, new_id: Callable[[str], int], clock: Callable[[], float], *, closed: str, split_shares_key: bool
    ) -> None:
        self._new_id = new_id
        self._clock = clock
        self._closed = closed
        self._split_shares_key = split_shares_key
        self.by_id: dict[int, Json] = {}
        self.made_at: dict[int, float] = {}
        self.changed_at: dict[int, float] = {}
        self._ids_by_key: dict[str, list[int]] = {}

    def upsert(self, body: Any, warehouses: Collection[int], stores: Collection[int]) -> Json:
        """`createorder`: one order, the answer is all of it."""
        state = unreadable(body, "apiOrder")
        if state:
            raise model_state(state)
        try:
            return self._upsert(body, warehouses, stores)
        except Problem as problem:
            raise failed(str(problem)) from None

    def upsert_all(self, body: Any, warehouses: Collection[int], stores: Collection[int]) -> Json:
        """`createorders`: each on its own once all can be read; HTTP 200 even when some fail."""
        if not isinstance(body, list):
            words = (
                "Cannot deserialize the current JSON object into type 'System.Collections.Generic.List`1[ApiOrder]'."
            )
            raise invalid(apiOrders=words)
        if len(body) > MOST_AT_ONCE:
            raise invalid(apiOrders=f"The number of orders must not exceed {MOST_AT_ONCE}.")
        state: dict[str, list[str]] = {}
        for at, entry in enumerate(body):
            state |= unreadable(entry, f"apiOrders[{at}]")
        if state:
            raise model_state(state)
        results = [self._result(entry, warehouses, stores) for entry in body]
        return {"hasErrors": any(not result["success"] for result in results), "results": results}

    def _result(self, entry: Json, warehouses: Collection[int], stores: Collection[int]) -> Json:
        try:
            order = self._upsert(entry, warehouses, stores)
        except Problem as problem:
            said = {"orderId": None, "success": False, "errorMessage": str(problem)}
            return {**said, "orderNumber": entry["orderNumber"], "orderKey": entry.get("orderKey")}
        made = {name: order[name] for name in ("orderId", "orderNumber", "orderKey")}
        return {**made, "success": True, "errorMessage": None}

    def _upsert(self, given: Json, warehouses: Collection[int], stores: Collection[int]) -> Json:
        wrong = problems(given, warehouses, stores)
        if wrong:
            raise Problem(" ".join(wrong))
        order = self._meant(given)
        if order is None:
            return self._made(given, stores)
        if order["orderStatus"] not in OPEN:
            if self._closed == "ignore":
                return order
            raise Problem(f"Order {order['orderId']} is {order['orderStatus']} and cannot be updated.")
        return self._replaced(order, given)

    def _meant(self, given: Json) -> Json | None:
        """The order to be replaced: by id where it is given, else by key."""
        order_id, key = given.get("orderId"), given.get("orderKey")
        if order_id is not None:
            order = self.by_id.get(order_id)
            if order is None or not order["active"]:
                raise Problem(f"Order {order_id} was not found.")
            if key != order["orderKey"]:
                raise Problem(f"orderKey of order {order_id} cannot be changed, and is required.")
            return order
        found = [self.by_id[each] for each in self._ids_by_key.get(key or "", ()) if self.by_id[each]["active"]]
        if len(found) > 1:
            raise Problem(f"orderId is required: order {key} has been split.")
        return found[0] if found else None

    def _made(self, given: Json, stores: Collection[int]) -> Json:
        if given["orderStatus"] == "shipped" and not given.get("shipDate"):
            raise Problem("shipDate is required for a shipped order.")
        now, order_id = self._now(), self._new_id("order")
        options = {**no_options(), **(given.get("advancedOptions") or {})}
        options["storeId"] = options["storeId"] or next(iter(stores), None)
        order = {
            **defaults(),
            **self._shown(given),
            "orderId": order_id,
            "orderKey": given.get("orderKey") or str(uuid.uuid5(uuid.NAMESPACE_OID, str(order_id))),
            "createDate": now,
            "modifyDate": now,
            "customerId": self._new_id("customer") if given.get("customerUsername") else None,
            "advancedOptions": {**options, "mergedOrSplit": False, "mergedIds": [], "parentId": None},
        }
        self.keep(order)
        return order

    def _replaced(self, order: Json, given: Json) -> Json:
        """Everything is replaced: what is not given is cleared."""
        options = {**no_options(), **(given.get("advancedOptions") or {})}
        kept = {name: order[name] for name in KEPT}
        options |= {name: order["advancedOptions"][name] for name in KEPT_OPTIONS}
        new = {**defaults(), **self._shown(given), **kept, "advancedOptions": options, "modifyDate": self._now()}
        if new["orderStatus"] == "on_hold":
            new["holdUntilDate"] = new["holdUntilDate"] or order["holdUntilDate"]
        order.clear()
        order.update(new)
        self.changed_at[order["orderId"]] = self._clock()
        return order

    def _shown(self, given: Json) -> Json:
        """What was given as it is shown: times with seven decimals, items with ids, the total added up."""
        order = {
            name: copy.deepcopy(value) for name, value in given.items() if name not in ("orderTotal", "customerId")
        }
        for field in DATES:
            order[field] = written(wall_clock(order[field], field)) if order.get(field) else None
        if order["orderStatus"] != "on_hold":
            order["holdUntilDate"] = None
        order["items"] = [self._item(item) for item in order.get("items") or []]
        for field in ("billTo", "shipTo"):
            order[field] = {**no_address(), **order[field], "addressVerified": "Address not yet validated"}
        for field in ("amountPaid", "taxAmount", "shippingAmount"):
            order[field] = float(order.get(field) or 0)
        goods = sum(float(item["unitPrice"] or 0) * item["quantity"] for item in order["items"])
        order["orderTotal"] = round(goods + order["taxAmount"] + order["shippingAmount"], 2)
        return order

    def _item(self, item: Json) -> Json:
        item_id = item.get("orderItemId") or self._new_id("item")
        return {**no_item(), **item, "orderItemId": item_id, "createDate": self._now(), "modifyDate": self._now()}

    def keep(self, order: Json) -> None:
        """Store it, found by id and key."""
        self.by_id[order["orderId"]] = order
        self.made_at[order["orderId"]] = self.changed_at[order["orderId"]] = self._clock()
        self._ids_by_key.setdefault(order["orderKey"], []).append(order["orderId"])

    def get(self, order_id: Any) -> Json:
        """One order. Raises the vendor's 404, for deleted ones too."""
        number = int(order_id) if str(order_id).isdigit() else None
        order = self.by_id.get(number) if number is not None else None
        if order is None or not order["active"]:
            raise missing(f"Order {order_id}")
        if order["orderStatus"] == "on_hold" and order["holdUntilDate"] and order["holdUntilDate"] <= self._now():
            self.set_status(order, "awaiting_shipment")
        return order

    def set_status(self, order: Json, status: str, hold_until: str | None = None) -> None:
        """Where the order stands now."""
        order |= {"orderStatus": status, "holdUntilDate": hold_until, "modifyDate": self._now()}
        self.changed_at[order["orderId"]] = self._clock()

    def hold(self, body: Any) -> Json:
        """`holduntil`."""
        order = self._named(body)
        if not body.get("holdUntilDate"):
            raise invalid(holdUntilDate="The holdUntilDate field is required.")
        until = written(wall_clock(body["holdUntilDate"], "holdUntilDate"))
        if order["orderStatus"] not in OPEN:
            raise failed(f"Order {order['orderId']} is {order['orderStatus']} and cannot be held.")
        self.set_status(order, "on_hold", until)
        return {"success": True, "message": f"The requested order has been held until {until[:10]}"}

    def restore(self, body: Any) -> Json:
        """`restorefromhold`."""
        order = self._named(body)
        if order["orderStatus"] != "on_hold":
            raise failed(f"Order {order['orderId']} is not on hold.")
        self.set_status(order, "awaiting_shipment")
        return {"success": True, "message": "The requested order has been restored from on hold"}

    def tag(self, body: Any, *, add: bool) -> Json:
        """`addtag` and `removetag`."""
        order = self._named(body)
        tags = [tag for tag in order["tagIds"] or [] if tag != body.get("tagId")]
        order["tagIds"] = [*tags, body.get("tagId")] if add else tags or None
        return {"success": True, "message": "Tag added" if add else "Tag removed"}

    def _named(self, body: Any) -> Json:
        if not isinstance(body, dict) or not isinstance(body.get("orderId"), int):
            raise invalid(orderId="The orderId field is required.")
        return self.get(body["orderId"])

    def delete(self, order_id: str) -> Json:
        """Not shown any more, but not gone either."""
        order = self.get(order_id)
        order["active"] = False
        return {"success": True, "message": "The requested order has been deleted"}

    def split(self, order_id: int, quantities: Mapping[str, int]) -> int:
        """Move units (by lineItemKey) to a new order: same number, no money; the key is shared, or made up."""
        order = self.get(order_id)
        if order["orderStatus"] not in OPEN:
            raise ValueError(f"{order_id} is {order['orderStatus']}")
        moved = []
        for item in order["items"]:
            units = quantities.get(item["lineItemKey"] or "", 0)
            if units:
                moved.append({**item, "quantity": units, "orderItemId": self._new_id("item")})
                item["quantity"] -= units
        order["items"] = [item for item in order["items"] if item["quantity"]]
        order["advancedOptions"]["mergedOrSplit"] = True
        half = copy.deepcopy({**order, "items": moved, "amountPaid": 0.0, "taxAmount": 0.0, "shippingAmount": 0.0})
        half |= {"orderId": self._new_id("order"), "createDate": self._now(), "modifyDate": self._now()}
        half["advancedOptions"]["parentId"] = order_id
        if not self._split_shares_key:
            half["orderKey"] = str(uuid.uuid5(uuid.NAMESPACE_OID, str(half["orderId"])))
        self.set_status(order, order["orderStatus"], order["holdUntilDate"])
        self.keep(half)
        return int(half["orderId"])

    def merge(self, order_id: int, other_id: int) -> None:
        """Put the other order's items into this one; the other is not shown any more."""
        order, other = self.get(order_id), self.get(other_id)
        order["items"] += copy.deepcopy(other["items"])
        options = order["advancedOptions"]
        options |= {"mergedOrSplit": True, "mergedIds": [*options["mergedIds"], other_id]}
        other["active"] = False
        self.set_status(order, order["orderStatus"], order["holdUntilDate"])

    def listed(self, params: Mapping[str, str]) -> list[Json]:
        """`GET /orders` with its filters; `orderNumber` finds what begins with it, and there is none by key."""
        shown = [self.get(each) for each, order in list(self.by_id.items()) if order["active"]]
        found = chosen(shown, params, {"orderStatus": "orderStatus"})
        if params.get("orderNumber"):
            found = [each for each in found if each["orderNumber"].lower().startswith(params["orderNumber"].lower())]
        if params.get("storeId"):
            found = [each for each in found if str(each["advancedOptions"]["storeId"]) == params["storeId"]]
        for name in ("createDate", "modifyDate", "orderDate", "paymentDate"):
            found = [each for each in found if within(each, name, params, name)]
        return ordered(found, params, SORTS, "OrderDate")

    def _now(self) -> str:
        return stamp(self._clock())


def no_options() -> Json:
    """Advanced options that nobody gave."""
    names = ("warehouseId", "storeId", "source", "customField1", "customField2", "customField3", "billToParty")
    more = ("billToAccount", "billToPostalCode", "billToCountryCode")
    switches = dict.fromkeys(("nonMachinable", "saturdayDelivery", "containsAlcohol"), False)
    return {**dict.fromkeys((*names, *more)), **switches}


def no_address() -> Json:
    """An address that nobody gave."""
    names = ("name", "company", "street1", "street2", "street3", "city", "state", "postalCode", "country", "phone")
    return dict.fromkeys((*names, "residential"))


def no_item() -> Json:
    """What an item shows for what nobody gave."""
    names = ("lineItemKey", "sku", "name", "imageUrl", "weight", "taxAmount", "shippingAmount", "warehouseLocation")
    more = ("productId", "fulfillmentSku", "upc")
    return {**dict.fromkeys((*names, *more)), "quantity": 0, "unitPrice": 0.0, "options": [], "adjustment": False}


def defaults() -> Json:
    """What an order shows for what nobody gave."""
    nothing = (
        "paymentDate shipByDate customerUsername customerEmail customerNotes internalNotes giftMessage paymentMethod "
        "requestedShippingService carrierCode serviceCode packageCode shipDate holdUntilDate dimensions tagIds userId "
        "externallyFulfilledBy"
    )
    return {
        **dict.fromkeys(nothing.split()),
        "items": [],
        "gift": False,
        "confirmation": "none",
        "weight": {"value": 0.0, "units": "ounces", "WeightUnits": 1},
        "insuranceOptions": {"provider": None, "insureShipment": False, "insuredValue": 0.0},
        "internationalOptions": {"contents": None, "customsItems": None, "nonDelivery": None},
        "externallyFulfilled": False,
        "labelMessages": None,
        "batchId": None,
        "active": True,
    }
