"""Shipments: what V2 calls an order."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from typing import Any

from integrations.shipstation.simulator.rules import problems
from integrations.shipstation.simulator.wire import Json, invalid, missing, not_allowed, within

LONGEST = 50
SILENT = ("validate_address", "create_sales_order")
READ_ONLY = ("shipment_id", "external_shipment_id", "created_at", "shipment_status", "batch_id")
NOTHING: Json = {"currency": "usd", "amount": 0.0}

NewId = Callable[[str], str]


class Shipments:
    """The shipments of an account, by id."""

    def __init__(self, new_id: NewId, now: Callable[[], str], *, unique_numbers: bool) -> None:
        self._new_id = new_id
        self._now = now
        self._unique_numbers = unique_numbers
        self.by_id: dict[str, Json] = {}
        self._ids_by_key: dict[str, str] = {}
        self._ids_by_number: dict[str, list[str]] = {}

    def create(self, body: Any, warehouses: Collection[str]) -> Json:
        """Each entry on its own; HTTP 200 even when some fail."""
        entries = body.get("shipments") if isinstance(body, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise invalid("shipments must be an array of objects.", "request_body_required")
        if not entries:
            raise invalid("shipments must contain at least 1 item.")
        results = [self._create_one(entry, warehouses) for entry in entries]
        return {"has_errors": any(result["errors"] for result in results), "shipments": results}

    def _create_one(self, entry: Json, warehouses: Collection[str]) -> Json:
        key = (entry.get("external_shipment_id") or "")[:LONGEST] or None
        number = (entry.get("shipment_number") or "")[:LONGEST] or None
        errors = [*problems(entry, warehouses), *self._taken(key, number)]
        if entry.get("shipment_status") not in (None, "pending"):
            errors.append("shipment_status must be pending when a shipment is created.")
        if errors:
            return {"external_shipment_id": key, "errors": errors}
        shipment = self._stored(entry, key, number)
        self._keep(shipment)
        return {**copy.deepcopy(shipment), "errors": [], "address_validation": None}

    def _keep(self, shipment: Json) -> None:
        """Store it, found by id, key and number."""
        shipment_id = shipment["shipment_id"]
        self.by_id[shipment_id] = shipment
        if shipment["external_shipment_id"]:
            self._ids_by_key[shipment["external_shipment_id"]] = shipment_id
        same_number = self._ids_by_number.setdefault(shipment["shipment_number"] or "", [])
        if shipment_id not in same_number:
            same_number.append(shipment_id)

    def _taken(self, key: str | None, number: str | None) -> list[str]:
        errors = []
        if key in self._ids_by_key:
            errors.append(f"A shipment with external_shipment_id '{key}' already exists.")
        if self._unique_numbers and number in self._ids_by_number:
            errors.append(f"A shipment with shipment_number '{number}' already exists.")
        return errors

    def _stored(self, entry: Json, key: str | None, number: str | None) -> Json:
        given = {name: copy.deepcopy(value) for name, value in entry.items() if name not in SILENT}
        now = self._now()
        shipment = {
            **defaults(),
            **given,
            "shipment_id": self._new_id("shipment"),
            "external_shipment_id": key,
            "shipment_number": number,
            "shipment_status": "pending",
            "created_at": now,
            "modified_at": now,
        }
        return self._as_shown(shipment)

    def _as_shown(self, shipment: Json) -> Json:
        """Currencies in lower case, items with the vendor's own ids and its misspelled field."""
        for field in ("amount_paid", "shipping_paid", "tax_paid"):
            money = shipment.get(field) or NOTHING
            shipment[field] = {"currency": money["currency"].lower(), "amount": float(money["amount"])}
        for item in shipment["items"]:
            item.setdefault("item_id", self._new_id("item").removeprefix("se-"))
            item.setdefault("fullfilment_sku", None)
        return shipment

    def update(self, shipment_id: str, body: Any, warehouses: Collection[str]) -> Json:
        """Replace the whole object; what is not sent is cleared."""
        shipment = self.get(shipment_id)
        if shipment["shipment_status"] != "pending":
            raise not_allowed(f"Shipment {shipment_id} is {shipment['shipment_status']} and cannot be modified.")
        if not isinstance(body, dict):
            raise invalid("A shipment is required.", "request_body_required")
        errors = problems(body, warehouses)
        if body.get("external_shipment_id") != shipment["external_shipment_id"]:
            errors.append("external_shipment_id cannot be changed.")
        if errors:
            raise invalid(" ".join(errors))
        kept = {name: shipment[name] for name in READ_ONLY if name in shipment}
        given = {name: copy.deepcopy(value) for name, value in body.items() if name not in (*SILENT, *READ_ONLY)}
        self._keep(self._as_shown({**defaults(), **given, **kept, "modified_at": self._now()}))
        return self.by_id[shipment_id]

    def cancel(self, shipment_id: str) -> None:
        """Only what has no label: that must be voided first."""
        shipment = self.get(shipment_id)
        if shipment["shipment_status"] in ("label_purchased", "processing"):
            raise not_allowed(f"Shipment {shipment_id} has a label. Void the label before cancelling the shipment.")
        if shipment["shipment_status"] == "cancelled":
            raise not_allowed(f"Shipment {shipment_id} is already cancelled.")
        self.set_status(shipment_id, "cancelled")

    def get(self, shipment_id: str) -> Json:
        """One shipment. Raises the vendor's 404."""
        if shipment_id not in self.by_id:
            raise missing(f"shipment_id {shipment_id}")
        return self.by_id[shipment_id]

    def by_key(self, key: str) -> Json:
        """One shipment by `external_shipment_id`. Raises the vendor's 404."""
        if key not in self._ids_by_key:
            raise missing(f"external_shipment_id {key}")
        return self.by_id[self._ids_by_key[key]]

    def set_status(self, shipment_id: str, status: str) -> None:
        """Where the shipment stands now."""
        self.by_id[shipment_id] |= {"shipment_status": status, "modified_at": self._now()}

    def split(self, shipment_id: str, quantities: Mapping[str, int]) -> str:
        """Move units (by external_order_item_id) to a new shipment: same number, no money, no key of its own."""
        shipment = self.get(shipment_id)
        if shipment["shipment_status"] != "pending":
            raise ValueError(f"{shipment_id} is {shipment['shipment_status']}")
        moved = []
        for item in shipment["items"]:
            units = quantities.get(item.get("external_order_item_id") or "", 0)
            if units > item["quantity"]:
                raise ValueError(f"{shipment_id} has {item['quantity']} of {item['external_order_item_id']}")
            if units:
                moved.append({**item, "quantity": units, "item_id": self._new_id("item").removeprefix("se-")})
                item["quantity"] -= units
        shipment["items"] = [item for item in shipment["items"] if item["quantity"]]
        shipment["modified_at"] = self._now()
        half = copy.deepcopy({**shipment, "items": moved, "external_shipment_id": None})
        half |= {"shipment_id": self._new_id("shipment"), "created_at": self._now(), "modified_at": self._now()}
        half |= {field: {**half[field], "amount": 0.0} for field in ("amount_paid", "shipping_paid", "tax_paid")}
        self._keep(half)
        return str(half["shipment_id"])

    def listed(self, params: Mapping[str, str]) -> list[Json]:
        """`GET /v2/shipments` with its filters, newest first unless told otherwise."""
        exact = ("shipment_status", "batch_id", "shipment_number", "store_id", "external_shipment_id")
        number = params.get("shipment_number")
        ids = list(self.by_id) if number is None else self._ids_by_number.get(number, [])
        chosen = [each for each in map(self.by_id.__getitem__, ids) if all(_is(each, name, params) for name in exact)]
        for field in ("created_at", "modified_at"):
            start, end = params.get(f"{field}_start"), params.get(f"{field}_end")
            chosen = [each for each in chosen if within(each, field, start, end)]
        by = params.get("sort_by", "modified_at")
        if by not in ("created_at", "modified_at"):
            raise invalid(f"sort_by {by} is not a valid value.")
        return sorted(chosen, key=lambda each: str(each[by]), reverse=params.get("sort_dir", "desc") == "desc")


def _is(shipment: Json, name: str, params: Mapping[str, str]) -> bool:
    return name not in params or shipment.get(name) == params[name]


def defaults() -> Json:
    """What a shipment shows for what nobody gave."""
    return {
        "carrier_id": None,
        "service_code": None,
        "requested_shipment_service": None,
        "hold_until_date": None,
        "ship_date": None,
        "ship_by_date": None,
        "ship_from": None,
        "warehouse_id": None,
        "return_to": None,
        "is_return": False,
        "confirmation": "none",
        "customs": None,
        "advanced_options": {"custom_field1": None, "custom_field2": None, "custom_field3": None},
        "insurance_provider": "none",
        "tags": [],
        "store_id": None,
        "packages": [{"weight": {"value": 0.0, "unit": "ounce"}}],
        "items": [],
        "notes_from_buyer": None,
        "internal_notes": None,
        "is_gift": False,
    }
