"""What V1 refuses in an order: what cannot be read spoils the whole request, what breaks a rule only the order."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from integrations.shipstation.simulator.v1.wire import Json, Refusal, wall_clock

OPEN = ("awaiting_payment", "awaiting_shipment", "on_hold", "pending_fulfillment", "rejected_fulfillment")
STATUSES = (*OPEN, "shipped", "cancelled")
REQUIRED = ("orderNumber", "orderDate", "orderStatus", "billTo", "shipTo")
TEXTS = ("orderNumber", "orderKey", "customerUsername", "customerEmail", "customerNotes", "internalNotes")
NUMBERS = ("amountPaid", "taxAmount", "shippingAmount")
DATES = ("orderDate", "paymentDate", "shipByDate", "shipDate", "holdUntilDate")
WEIGHT_UNITS = ("pounds", "ounces", "grams")
DIMENSION_UNITS = ("inches", "centimeters")
CONFIRMATIONS = ("none", "delivery", "signature", "adult_signature", "direct_signature")
CONTENTS = ("merchandise", "documents", "gift", "returned_goods", "sample")
NON_DELIVERY = ("return_to_sender", "treat_as_abandoned")
BILLED = ("my_account", "my_other_account", "recipient", "third_party")
LONGEST_NUMBER = 50
LONGEST_KEY = 50


def unreadable(order: Any, name: str) -> dict[str, list[str]]:
    """The model state of an order that cannot be read; `name` is "apiOrder" or "apiOrders[3]"."""
    if not isinstance(order, dict):
        kind = "array" if isinstance(order, list) else "value"
        return {name: [f"Cannot deserialize the current JSON {kind} into type 'ShipStation.Api.Models.ApiOrder'."]}
    return {f"{name}.{field}": [words] for field, words in _fields(order)}


def _fields(order: Json) -> Iterator[tuple[str, str]]:
    for field in REQUIRED:
        if order.get(field) in (None, ""):
            yield field, f"The {field} field is required."
    for field in TEXTS:
        if order.get(field) is not None and not isinstance(order[field], str):
            yield field, f"Unexpected character encountered while parsing {field}."
    for field in NUMBERS:
        if order.get(field) is not None and not _number(order[field]):
            yield field, f"Could not convert {field} to decimal."
    for field in DATES:
        if order.get(field):
            try:
                wall_clock(order[field], field)
            except Refusal:
                yield field, f"Could not convert string to DateTime: {order[field]}."
    if order.get("orderStatus") and order["orderStatus"] not in STATUSES:
        yield "orderStatus", f"Error converting value \"{order['orderStatus']}\" to type 'OrderStatus'."
    for field in ("billTo", "shipTo", "advancedOptions", "weight", "dimensions", "internationalOptions"):
        if order.get(field) is not None and not isinstance(order[field], dict):
            yield field, f"Error converting value to type '{field}'."
    yield from _items(order.get("items"))
    yield from _options(order.get("advancedOptions"))


def _items(items: Any) -> Iterator[tuple[str, str]]:
    if items is None:
        return
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        yield "items", "Cannot deserialize the current JSON value into type 'OrderItem[]'."
        return
    for at, item in enumerate(items):
        quantity = item.get("quantity", 0)
        if not isinstance(quantity, int) or isinstance(quantity, bool):
            yield f"items[{at}].quantity", "Could not convert to integer."
        for field in ("unitPrice", "taxAmount", "shippingAmount"):
            if item.get(field) is not None and not _number(item[field]):
                yield f"items[{at}].{field}", "Could not convert to decimal."
        for field in ("lineItemKey", "sku", "name"):
            if item.get(field) is not None and not isinstance(item[field], str):
                yield f"items[{at}].{field}", "Unexpected character encountered."


def _options(options: Any) -> Iterator[tuple[str, str]]:
    for field in ("warehouseId", "storeId"):
        value = options.get(field) if isinstance(options, dict) else None
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            yield f"advancedOptions.{field}", "Could not convert to integer."


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def problems(order: Json, warehouses: Collection[int], stores: Collection[int]) -> list[str]:
    """Everything that breaks a rule in an order that can be read."""
    return [*_lengths(order), *_places(order, warehouses, stores), *_words(order), *_money(order)]


def _lengths(order: Json) -> Iterator[str]:
    if len(order["orderNumber"]) > LONGEST_NUMBER:
        yield f"The field orderNumber must be a string with a maximum length of {LONGEST_NUMBER}."
    if len(order.get("orderKey") or "") > LONGEST_KEY:
        yield f"The field orderKey must be a string with a maximum length of {LONGEST_KEY}."
    for field in ("customField1", "customField2", "customField3"):
        if len((order.get("advancedOptions") or {}).get(field) or "") > 100:
            yield f"The field {field} must be a string with a maximum length of 100."


def _places(order: Json, warehouses: Collection[int], stores: Collection[int]) -> Iterator[str]:
    options = order.get("advancedOptions") or {}
    if options.get("warehouseId") is not None and options["warehouseId"] not in warehouses:
        yield f"Warehouse {options['warehouseId']} does not belong to this account."
    if options.get("storeId") is not None and options["storeId"] not in stores:
        yield f"Store {options['storeId']} does not belong to this account."
    for field in ("billTo", "shipTo"):
        address = order[field]
        if not address.get("name") and not address.get("company"):
            yield f"{field}.name is required."
        if address.get("country") is not None and len(address["country"]) != 2:
            yield f"{field}.country must be a two-letter code."


def _words(order: Json) -> Iterator[str]:
    abroad, options = order.get("internationalOptions") or {}, order.get("advancedOptions") or {}
    choices = (
        ("weight.units", (order.get("weight") or {}).get("units"), WEIGHT_UNITS),
        ("dimensions.units", (order.get("dimensions") or {}).get("units"), DIMENSION_UNITS),
        ("confirmation", order.get("confirmation"), CONFIRMATIONS),
        ("internationalOptions.contents", abroad.get("contents"), CONTENTS),
        ("internationalOptions.nonDelivery", abroad.get("nonDelivery"), NON_DELIVERY),
        ("advancedOptions.billToParty", options.get("billToParty"), BILLED),
        *(("items.weight.units", (item.get("weight") or {}).get("units"), WEIGHT_UNITS) for item in _list(order)),
    )
    for field, value, known in choices:
        if value is not None and value not in known:
            yield f"{field} '{value}' is not one of {', '.join(known)}."


def _money(order: Json) -> Iterator[str]:
    for field in NUMBERS:
        if (order.get(field) or 0) < 0:
            yield f"{field} must not be negative."
    for item in _list(order):
        if not item.get("name") and not item.get("sku"):
            yield "items.name is required."
        if item.get("quantity", 0) < 0:
            yield "items.quantity must not be negative."
        if (item.get("unitPrice") or 0) < 0 and not item.get("adjustment"):
            yield "items.unitPrice must not be negative unless the item is an adjustment."


def _list(order: Json) -> list[Json]:
    return order.get("items") or []
