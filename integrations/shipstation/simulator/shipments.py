"""Shipments: what V2 calls an order."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from integrations.shipstation.simulator.filters import listed
from integrations.shipstation.simulator.rules import problems
from integrations.shipstation.simulator.shapes import MONIES, SHIPMENT, as_shown
from integrations.shipstation.simulator.wire import Json, invalid, missing, not_allowed, parsed_time

LONGEST = 50
SILENT = ("validate_address", "create_sales_order")
READ_ONLY = ("shipment_id", "external_shipment_id", "created_at", "shipment_status", "batch_id", "import_batch_id")

KEY_TAKEN = "A shipment with external_shipment_id '{}' already exists."
NUMBER_TAKEN = "A shipment with shipment_number '{}' already exists."

NewId = Callable[[str], str]


@dataclass(frozen=True)
class Habits:
    """What is not certain of the service. The defaults are what is likely; the other setting is tested as well."""

    unique_numbers: bool = True
    """Whether two shipments may not have one number; splits always share it."""
    key_taken: str = KEY_TAKEN
    number_taken: str = NUMBER_TAKEN
    most_at_once: int | None = None
    """Entries of one create; none is documented."""
    seen_after: float = 0.0
    """Seconds until a new shipment or label is found by look-ups and in lists."""
    split_keeps_fields: bool = True
    """Whether a piece that was split off has the custom fields of the whole."""
    combined_away: Literal["cancelled", "deleted"] = "cancelled"
    """What becomes of a shipment whose items went into another one."""
    void_frees: bool = True
    """Whether a shipment is pending again when its label is voided."""


class Shipments:
    """The shipments of an account, by id."""

    def __init__(self, new_id: NewId, now: Callable[[], str], warehouses: dict[str, Json], habits: Habits) -> None:
        self._new_id = new_id
        self._now = now
        self._warehouses = warehouses
        self.habits = habits
        self.by_id: dict[str, Json] = {}
        self._ids_by_key: dict[str, str] = {}
        self._ids_by_number: dict[str, list[str]] = {}

    def create(self, body: Any) -> Json:
        """Each entry on its own; HTTP 200 even when some fail."""
        entries = body.get("shipments") if isinstance(body, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise invalid("shipments must be an array of objects.", "request_body_required")
        if not entries:
            raise invalid("shipments must contain at least 1 item.")
        most = self.habits.most_at_once
        if most is not None and len(entries) > most:
            raise invalid(f"shipments must contain at most {most} items.")
        results = [self._create_one(entry) for entry in entries]
        return {"has_errors": any(result["errors"] for result in results), "shipments": results}

    def _create_one(self, entry: Json) -> Json:
        errors = problems(entry, self._warehouses)
        key, number = _cut(entry.get("external_shipment_id")), _cut(entry.get("shipment_number"))
        errors += self._taken(key, number)
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
            errors.append(self.habits.key_taken.format(key))
        if self.habits.unique_numbers and number in self._ids_by_number:
            errors.append(self.habits.number_taken.format(number))
        return errors

    def _stored(self, entry: Json, key: str | None, number: str | None) -> Json:
        given = {name: copy.deepcopy(value) for name, value in entry.items() if name not in SILENT}
        now = self._now()
        shipment = {
            **copy.deepcopy(SHIPMENT),
            "ship_date": f"{now[:10]}T00:00:00Z",
            **{name: value for name, value in given.items() if value is not None},
            "shipment_id": self._new_id("shipment"),
            "external_shipment_id": key,
            "shipment_number": number,
            "shipment_status": "pending",
            "created_at": now,
            "modified_at": now,
        }
        return as_shown(shipment, self._warehouses, self._new_id)

    def update(self, shipment_id: str, body: Any) -> Json:
        """Replace the whole object; what is not sent is cleared."""
        shipment = self.get(shipment_id)
        if shipment["shipment_status"] != "pending":
            raise not_allowed(f"Shipment {shipment_id} is {shipment['shipment_status']} and cannot be modified.")
        if not isinstance(body, dict):
            raise invalid("A shipment is required.", "request_body_required")
        errors = problems(body, self._warehouses)
        if body.get("external_shipment_id") != shipment["external_shipment_id"]:
            errors.append("external_shipment_id cannot be changed.")
        if errors:
            raise invalid(" ".join(errors))
        kept = {name: shipment[name] for name in READ_ONLY if name in shipment}
        given = {name: copy.deepcopy(value) for name, value in body.items() if name not in (*SILENT, *READ_ONLY)}
        whole = {**copy.deepcopy(SHIPMENT), "shipment_number": None, **given, **kept, "modified_at": self._now()}
        self._keep(as_shown(whole, self._warehouses, self._new_id))
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
        shipment = self.by_id.get(self._ids_by_key.get(key, ""))
        if shipment is None or not self.is_seen(shipment):
            raise missing(f"external_shipment_id {key}")
        return shipment

    def is_seen(self, record: Json) -> bool:
        """Whether look-ups have caught up with this shipment or label."""
        if not self.habits.seen_after:
            return True
        age = parsed_time(self._now()) - parsed_time(record["created_at"])
        return age.total_seconds() >= self.habits.seen_after

    def set_status(self, shipment_id: str, status: str) -> None:
        """Where the shipment stands now."""
        self.by_id[shipment_id] |= {"shipment_status": status, "modified_at": self._now()}

    def tag(self, shipment_id: str, name: str, *, on: bool) -> Json:
        """`POST` and `DELETE /v2/shipments/{id}/tags/{tag_name}`."""
        shipment = self.get(shipment_id)
        others = [tag for tag in shipment["tags"] if tag["name"] != name]
        shipment |= {"tags": [*others, {"name": name}] if on else others, "modified_at": self._now()}
        return {"shipment_id": shipment_id, "tag": {"name": name}}

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
        half |= {field: {**half[field], "amount": 0.0} for field in MONIES}
        if not self.habits.split_keeps_fields:
            half["advanced_options"] |= {f"custom_field{n}": None for n in (1, 2, 3)}
        self._keep(half)
        return str(half["shipment_id"])

    def combine(self, shipment_ids: Sequence[str]) -> str:
        """Put everything into the first; the others are no more."""
        first, *others = map(self.get, shipment_ids)
        for other in others:
            first["items"] += other["items"]
            for field in MONIES:
                first[field] = {**first[field], "amount": round(first[field]["amount"] + other[field]["amount"], 2)}
            if self.habits.combined_away == "deleted":
                self.delete(other["shipment_id"])
            else:
                self.set_status(other["shipment_id"], "cancelled")
        first["modified_at"] = self._now()
        return str(first["shipment_id"])

    def delete(self, shipment_id: str) -> None:
        """Gone from every look-up; its key stays spent."""
        shipment = self.by_id.pop(shipment_id)
        self._ids_by_number[shipment["shipment_number"] or ""].remove(shipment_id)

    def listed(self, params: Mapping[str, str]) -> list[Json]:
        """`GET /v2/shipments` with its filters, newest first unless told otherwise."""
        number = params.get("shipment_number")
        ids = list(self.by_id) if number is None else self._ids_by_number.get(number, [])
        seen = [each for each in map(self.by_id.__getitem__, ids) if self.is_seen(each)]
        return listed("shipments", seen, params)


def _cut(text: Any) -> str | None:
    """Longer keys and numbers are silently truncated."""
    return str(text)[:LONGEST] if text else None
