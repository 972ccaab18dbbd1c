"""Records as ShipStation shows them, with every key that a live account was seen to answer in 2026."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from integrations.shipstation.simulator.wire import Json

STORE = "se-2481946"
"""The account's default store: where orders land when nobody names one."""

NOTHING: Json = {"currency": "usd", "amount": 0.0}
MONIES = ("amount_paid", "shipping_paid", "tax_paid")
NOWHERE: Json = {
    "instructions": None,
    "geolocation": [],
    "email": None,
    "company_name": None,
    "address_line2": None,
    "address_line3": None,
}
POUND: Json = {"value": 1.0, "unit": "pound"}
INCHES: Json = {"unit": "inch", "length": 0.0, "width": 0.0, "height": 0.0}

ADVANCED: Json = {
    "bill_to_account": None,
    "bill_to_country_code": None,
    "bill_to_party": None,
    "bill_to_postal_code": None,
    "contains_alcohol": False,
    "delivered_duty_paid": False,
    "non_machinable": False,
    "saturday_delivery": False,
    "dry_ice": False,
    "dry_ice_weight": None,
    "custom_field1": None,
    "custom_field2": None,
    "custom_field3": None,
    "origin_type": None,
    "shipper_release": None,
}

SHIPMENT: Json = {
    "carrier_id": None,
    "service_code": None,
    "requested_shipment_service": None,
    "hold_until_date": None,
    "ship_date": None,
    "ship_datetime": None,
    "ship_by_date": None,
    "deliver_by_date": None,
    "warehouse_id": None,
    "is_return": False,
    "confirmation": "none",
    "customs": None,
    "external_order_id": None,
    "comparison_rate_type": None,
    "retail_rate": None,
    "shipping_rule_id": None,
    "insurance_provider": "none",
    "tags": [],
    "store_id": STORE,
    "items": [],
    "notes_from_buyer": None,
    "internal_notes": None,
    "notes_for_gift": None,
    "notes_to_buyer": None,
    "is_gift": False,
    "assigned_user": None,
    "zone": None,
    "dangerous_goods_declaration": None,
    "sender_info": None,
}

ITEM: Json = {
    "sales_order_id": None,
    "sales_order_item_id": None,
    "name": "",
    "sku": None,
    "bundle_sku": None,
    "external_order_id": None,
    "external_order_item_id": None,
    "allocation_status": None,
    "image_url": None,
    "unit_price": None,
    "tax_amount": None,
    "shipping_amount": None,
    "inventory_location": None,
    "options": [],
    "product_id": None,
    # Misspelt by the vendor.
    "fullfilment_sku": None,
    "upc": None,
}


def an_address(name: str, **fields: Any) -> Json:
    """A ship-from address."""
    return {
        "name": name,
        "phone": "+1 555 0199",
        "email": None,
        "company_name": name,
        "address_line1": "4009 Marathon Blvd",
        "address_line2": None,
        "address_line3": None,
        "city_locality": "Austin",
        "state_province": "TX",
        "postal_code": "78756",
        "country_code": "US",
        "address_residential_indicator": "no",
        "instructions": None,
        **fields,
    }


def as_shown(shipment: Json, warehouses: dict[str, Json], new_id: Callable[[str], str]) -> Json:
    """Fill in what the vendor adds: its own ids, addresses of the warehouse, sums; currencies in lower case."""
    for field in MONIES:
        money = shipment.get(field) or NOTHING
        shipment[field] = {"currency": money["currency"].lower(), "amount": float(money["amount"])}
    shipment["advanced_options"] = {**ADVANCED, **(shipment.get("advanced_options") or {})}
    shipment["items"] = [_item(item, new_id) for item in shipment["items"]]
    shipment["packages"] = [_package(each, new_id) for each in shipment.get("packages") or [{}]]
    total = sum(each["weight"]["value"] for each in shipment["packages"])
    shipment["total_weight"] = {"value": total, "unit": shipment["packages"][0]["weight"]["unit"]}
    shipment["ship_to"] = {**NOWHERE, **shipment["ship_to"]}
    warehouse = warehouses.get(shipment["warehouse_id"] or "")
    from_there = copy.deepcopy(warehouse["origin_address"] if warehouse else an_address("Default"))
    shipment["ship_from"] = shipment.get("ship_from") or from_there
    back = copy.deepcopy(warehouse["return_address"] if warehouse else shipment["ship_from"])
    shipment["return_to"] = shipment.get("return_to") or back
    return shipment


def _item(item: Json, new_id: Callable[[str], str]) -> Json:
    return {"item_id": new_id("item").removeprefix("se-"), **ITEM, **item}


def _package(package: Json, new_id: Callable[[str], str]) -> Json:
    shown: Json = {
        "shipment_package_id": new_id("package"),
        "package_id": "se-3",
        "package_code": "package",
        "package_name": "Package",
        "weight": {"value": 0.0, "unit": "ounce"},
        "dimensions": INCHES,
        "insured_value": NOTHING,
        "label_messages": {"reference1": None, "reference2": None, "reference3": None},
        "content_description": None,
        "products": [],
    }
    return {**copy.deepcopy(shown), **package}


def a_label_package(number: str, sequence: int) -> Json:
    """A box of a label; its id is a number here, unlike anywhere else."""
    return {
        "package_id": 147972533 + sequence,
        "package_code": "package",
        "weight": dict(POUND),
        "dimensions": dict(INCHES),
        "insured_value": dict(NOTHING),
        "tracking_number": number,
        "label_messages": {"reference1": None, "reference2": None, "reference3": None},
        "content_description": None,
        "sequence": sequence,
        "alternative_identifiers": [],
    }
