"""What ShipStation refuses in a shipment, as sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from integrations.shipstation.simulator.wire import Json, Refusal, parsed_time

STATUSES = ("pending", "processing", "label_purchased", "cancelled")
VALIDATIONS = ("no_validation", "validate_only", "validate_and_clean")
RESIDENTIAL = ("unknown", "yes", "no")
WEIGHT_UNITS = ("pound", "ounce", "gram", "kilogram")
DIMENSION_UNITS = ("inch", "centimeter")
CONFIRMATIONS = (
    "none",
    "delivery",
    "signature",
    "adult_signature",
    "direct_signature",
    "delivery_mailed",
    "verbal_confirmation",
)
ADDRESS_REQUIRED = (
    "phone",
    "address_line1",
    "city_locality",
    "state_province",
    "postal_code",
    "country_code",
    "address_residential_indicator",
)
ADDRESS_OPTIONAL = ("company_name", "address_line2", "address_line3", "instructions")
INSURERS = ("none", "shipsurance", "carrier", "third_party")
TEXTS = (
    "external_shipment_id",
    "shipment_number",
    "store_id",
    "requested_shipment_service",
    "notes_from_buyer",
    "internal_notes",
    "notes_for_gift",
    "external_order_id",
)
ITEM_TEXTS = ("name", "sku", "external_order_id", "external_order_item_id", "image_url", "product_id", "upc")
FLAGS = ("create_sales_order", "is_gift", "is_return")
DATES = ("ship_date", "ship_by_date", "hold_until_date", "deliver_by_date")
ORDER_SOURCES = (
    "amazon_ca",
    "amazon_us",
    "brightpearl",
    "channel_advisor",
    "cratejoy",
    "ebay",
    "etsy",
    "jane",
    "groupon_goods",
    "magento",
    "paypal",
    "seller_active",
    "shopify",
    "stitch_labs",
    "squarespace",
    "three_dcart",
    "tophatter",
    "walmart",
    "woo_commerce",
    "volusion",
)


def problems(shipment: Json, warehouses: Collection[str]) -> list[str]:
    """Everything that is wrong with a shipment to be created or put."""
    return [
        *_origin(shipment, warehouses),
        *_types(shipment),
        *_enums(shipment),
        *_address(shipment.get("ship_to")),
        *_rest(shipment),
    ]


def _types(shipment: Json) -> Iterator[str]:
    for field in TEXTS:
        if not isinstance(shipment.get(field), str | None):
            yield f"{field} must be a string."
    for field in FLAGS:
        if not isinstance(shipment.get(field), bool | None):
            yield f"{field} must be a boolean."
    for field in DATES:
        if shipment.get(field) is not None and not _is_date(shipment[field]):
            yield f"{field}: {shipment[field]!r} is not a valid date_time."
    if not isinstance(shipment.get("items"), list | None):
        yield "items must be an array."


def _is_date(value: Any) -> bool:
    try:
        parsed_time(str(value))
    except Refusal:
        return False
    return isinstance(value, str)


def _origin(shipment: Json, warehouses: Collection[str]) -> Iterator[str]:
    warehouse = shipment.get("warehouse_id")
    if warehouse is None and not shipment.get("ship_from"):
        yield "ship_from or warehouse_id is required."
    if warehouse is not None and warehouse not in warehouses:
        yield f"warehouse_id {warehouse} was not found."


def _enums(shipment: Json) -> Iterator[str]:
    choices = (
        ("shipment_status", STATUSES),
        ("validate_address", VALIDATIONS),
        ("confirmation", CONFIRMATIONS),
        ("insurance_provider", INSURERS),
        ("order_source_code", ORDER_SOURCES),
    )
    for field, known in choices:
        if shipment.get(field) is not None and shipment[field] not in known:
            yield f"{field}: {shipment[field]!r} is not a valid value."


def _address(address: Any) -> Iterator[str]:
    if not isinstance(address, dict):
        yield "ship_to is required."
        return
    if not address.get("name") and not address.get("company_name"):
        yield "ship_to.name is required."
    for field in ADDRESS_REQUIRED:
        if not _is_text(address.get(field)):
            yield f"ship_to.{field} is required."
    for field in ADDRESS_OPTIONAL:
        if address.get(field) is not None and not _is_text(address[field]):
            yield f"ship_to.{field} must not be empty."
    country = address.get("country_code")
    if _is_text(country) and len(str(country)) != 2:
        yield "ship_to.country_code must be 2 characters."
    if address.get("address_residential_indicator") not in (None, *RESIDENTIAL):
        yield "ship_to.address_residential_indicator is not a valid value."


def _rest(shipment: Json) -> Iterator[str]:
    for field in ("amount_paid", "shipping_paid", "tax_paid"):
        if shipment.get(field) is not None:
            yield from _money(field, shipment[field])
    items = shipment.get("items")
    for at, item in enumerate(items if isinstance(items, list) else []):
        yield from _item(f"items[{at}]", item)
    yield from _packages(shipment)
    for field in ("custom_field1", "custom_field2", "custom_field3"):
        text = (shipment.get("advanced_options") or {}).get(field)
        if not isinstance(text, str | None):
            yield f"advanced_options.{field} must be a string."
        elif len(text or "") > 100:
            yield f"advanced_options.{field} must be at most 100 characters."


def _money(field: str, value: Any) -> Iterator[str]:
    if not isinstance(value, dict) or not _is_text(value.get("currency")):
        yield f"{field}.currency is required."
    elif not _is_amount(value.get("amount")):
        yield f"{field}.amount: Parameter value '{value.get('amount')}' is out of range."


def _item(where: str, item: Any) -> Iterator[str]:
    if not isinstance(item, dict):
        yield f"{where} is not an object."
        return
    quantity = item.get("quantity")
    if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 0:
        yield f"{where}.quantity: Parameter value '{quantity}' is out of range."
    for field in ("unit_price", "tax_amount", "shipping_amount"):
        if item.get(field) is not None and not _is_amount(item[field]):
            yield f"{where}.{field}: Parameter value '{item[field]}' is out of range."
    for field in ITEM_TEXTS:
        if not isinstance(item.get(field), str | None):
            yield f"{where}.{field} must be a string."
    if item.get("weight") and item["weight"].get("unit") not in WEIGHT_UNITS:
        yield f"{where}.weight.unit is not a valid value."
    if item.get("order_source_code") not in (None, *ORDER_SOURCES):
        yield f"{where}.order_source_code is not a valid value."


def _packages(shipment: Json) -> Iterator[str]:
    if "packages" in shipment and not shipment["packages"]:
        yield "packages must contain at least 1 item."
    for at, package in enumerate(shipment.get("packages") or []):
        if (package.get("weight") or {}).get("unit") not in WEIGHT_UNITS:
            yield f"packages[{at}].weight is required."
        if package.get("dimensions") and package["dimensions"].get("unit") not in DIMENSION_UNITS:
            yield f"packages[{at}].dimensions.unit is not a valid value."


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
