"""Labels and fulfillments: what carries tracking numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from integrations.shipstation.simulator.filters import listed
from integrations.shipstation.simulator.shapes import a_label_package
from integrations.shipstation.simulator.shipments import NewId, Shipments
from integrations.shipstation.simulator.wire import Json, invalid, missing, not_allowed, pacific_midnight

TRACKED_AT = {
    "stamps_com": "https://tools.usps.com/go/TrackConfirmAction?tLabels=",
    "ups": "https://www.ups.com/track?tracknum=",
    "fedex": "https://www.fedex.com/fedextrack/?trackingnumber=",
}
TRACKED_AS = {
    "NY": "Not Yet In System",
    "AC": "Accepted",
    "IT": "In Transit",
    "DE": "Delivered",
    "EX": "Exception",
    "AT": "Delivery Attempt",
    "SP": "Delivered To Service Point",
}
CARRIER_NAMES = {"stamps_com": "USPS", "ups": "UPS", "fedex": "FedEx", "dhl_express": "DHL Express"}


class Labels:
    """Labels by id, bought for shipments."""

    def __init__(self, shipments: Shipments, new_id: NewId, now: Callable[[], str], clock: Callable[[], float]) -> None:
        self._shipments = shipments
        self._new_id = new_id
        self._now = now
        self._clock = clock
        self.by_id: dict[str, Json] = {}
        self._ids_by_shipment: dict[str, list[str]] = {}

    def buy(
        self,
        shipment_ids: Sequence[str],
        carrier: str,
        packages: int,
        status: str = "completed",
        back: bool = False,
        tracked: bool = True,
    ) -> tuple[str, list[str]]:
        """Buy labels in one batch; `back` makes them labels for a return. Returns the batch's id and theirs."""
        batch = self._new_id("batch")
        made = []
        for shipment_id in shipment_ids:
            label = self._one(self._shipments.get(shipment_id), batch, carrier, packages)
            label |= {"status": status, "is_return_label": back}
            if status != "completed" or not tracked:
                self._untrack(label, forever=not tracked)
            made.append(label["label_id"])
            self._note(label)
        return batch, made

    def _untrack(self, label: Json, *, forever: bool) -> None:
        """A label that is still being made, or whose carrier tracks nothing, has no number."""
        label.pop("tracking_number")
        label["tracking_url"] = None
        if forever:
            label["trackable"] = False
            for package in label["packages"]:
                package.pop("tracking_number")

    def _note(self, label: Json) -> None:
        shipment_id = label["shipment_id"]
        self.by_id[label["label_id"]] = label
        self._ids_by_shipment.setdefault(shipment_id, []).append(label["label_id"])
        if not label["is_return_label"]:
            self._shipments.by_id[shipment_id]["batch_id"] = label["batch_id"]
            made = {"completed": "label_purchased", "processing": "processing"}.get(label["status"])
            if made:
                self._shipments.set_status(shipment_id, made)

    def _one(self, shipment: Json, batch: str, carrier: str, packages: int) -> Json:
        label_id = self._new_id("label")
        numbers = [f"94001{label_id.removeprefix('se-')}{at:02d}" for at in range(1, packages + 1)]
        return {
            "label_id": label_id,
            "shipment_id": shipment["shipment_id"],
            "external_shipment_id": shipment["external_shipment_id"] or f"SEAuto-{label_id}",
            "ship_date": pacific_midnight(self._clock()),
            "created_at": self._now(),
            "tracking_number": numbers[0],
            "tracking_url": f"{TRACKED_AT.get(carrier, 'https://track.example/')}{numbers[0]}",
            "tracking_status": "unknown",
            "carrier_id": "se-2077423",
            "carrier_code": carrier,
            "service_code": f"{carrier}_ground",
            "shipment_cost": {"currency": "usd", "amount": 7.4},
            "insurance_cost": {"currency": "usd", "amount": 0.0},
            "voided": False,
            "voided_at": None,
            "batch_id": batch,
            "warehouse_id": shipment["warehouse_id"],
            "label_format": "pdf",
            "label_layout": "4x6",
            "trackable": True,
            "packages": [a_label_package(number, at) for at, number in enumerate(numbers, start=1)],
        }

    def finish(self, label_id: str) -> None:
        """A label that was being made is there."""
        label = self.get(label_id)
        label |= {"status": "completed", "tracking_number": label["packages"][0]["tracking_number"]}
        self._shipments.set_status(label["shipment_id"], "label_purchased")

    def void(self, label_id: str) -> Json:
        """Take a label back: its shipment waits again."""
        label = self.get(label_id)
        if label["voided"]:
            return {"approved": False, "message": "This label has already been voided."}
        label |= {"voided": True, "voided_at": self._now(), "status": "voided"}
        if not label["is_return_label"] and self._shipments.habits.void_frees:
            self._shipments.set_status(label["shipment_id"], "pending")
        return {"approved": True, "message": "Request for refund submitted."}

    def get(self, label_id: str) -> Json:
        """One label. Raises the vendor's 404."""
        if label_id not in self.by_id:
            raise missing(f"label_id {label_id}")
        return self.by_id[label_id]

    def listed(self, params: Mapping[str, str]) -> list[Json]:
        """`GET /v2/labels` with its filters; there is none by change."""
        ids = self._ids_by_shipment.get(params["shipment_id"], []) if "shipment_id" in params else list(self.by_id)
        seen = [self.by_id[id] for id in ids if self._shipments.is_seen(self.by_id[id])]
        return listed("labels", seen, params)

    def scanned(self, label_id: str, status: str) -> Json:
        """The carrier has seen the parcel: what a track event tells of it. "IT" in transit, "DE" delivered ..."""
        label = self.get(label_id)
        label["tracking_status"] = {"DE": "delivered", "EX": "error", "NY": "unknown"}.get(status, "in_transit")
        seen = {"occurred_at": self._now(), "carrier_occurred_at": self._now(), "status_code": status}
        return {
            "tracking_number": label.get("tracking_number"),
            "tracking_url": label["tracking_url"],
            "status_code": status,
            "status_description": TRACKED_AS.get(status, "Unknown"),
            "carrier_code": label["carrier_code"],
            "carrier_id": 1,
            "ship_date": label["ship_date"],
            "estimated_delivery_date": self._now().removesuffix("Z"),
            "actual_delivery_date": None,
            "exception_description": None,
            "events": [seen],
        }


class Fulfillments:
    """Orders that were marked as shipped, by id."""

    def __init__(self, shipments: Shipments, new_id: NewId, now: Callable[[], str], clock: Callable[[], float]) -> None:
        self._shipments = shipments
        self._new_id = new_id
        self._now = now
        self._clock = clock
        self.by_id: dict[str, Json] = {}

    def create(self, body: Any) -> Json:
        """`POST /v2/fulfillments`: each entry on its own."""
        entries = body.get("fulfillments") if isinstance(body, dict) else None
        if not isinstance(entries, list) or not entries:
            raise invalid("fulfillments must contain at least 1 item.", "request_body_required")
        results = [self._create_one(entry) for entry in entries]
        return {"has_errors": any(result["error_message"] for result in results), "fulfillments": results}

    def _create_one(self, entry: Json) -> Json:
        shipment_id = str(entry.get("shipment_id"))
        shipment = self._shipments.by_id.get(shipment_id)
        absent = [name for name in ("shipment_id", "tracking_number", "carrier_code") if not entry.get(name)]
        said = None
        if absent:
            said = f"{absent[0]} is required."
        elif shipment is None:
            said = f"Shipment {shipment_id} was not found."
        elif any(each["shipment_id"] == shipment_id and not each["voided"] for each in self.by_id.values()):
            said = f"Shipment {shipment_id} is already fulfilled."
        else:
            self.mark(shipment_id, entry["tracking_number"], entry["carrier_code"])
        return {
            "shipment_id": shipment_id,
            "shipment_number": shipment["shipment_number"] if shipment else None,
            "error_message": said,
        }

    def mark(self, shipment_id: str, tracking: str, carrier: str) -> str:
        """Mark a shipment as shipped; it stays pending all the same."""
        shipment = self._shipments.get(shipment_id)
        if shipment["shipment_status"] == "cancelled":
            raise not_allowed(f"Shipment {shipment_id} is cancelled.")
        fulfillment_id = self._new_id("fulfillment")
        self.by_id[fulfillment_id] = {
            "fulfillment_id": fulfillment_id,
            "shipment_id": shipment_id,
            "shipment_number": shipment["shipment_number"],
            "tracking_number": tracking,
            "created_at": self._now(),
            "ship_date": pacific_midnight(self._clock()),
            "voided_at": None,
            "delivered_at": None,
            "fulfillment_carrier_friendly_name": CARRIER_NAMES.get(carrier, carrier),
            "fulfillment_provider_id": "se-16846",
            "fulfillment_provider_friendly_name": "External",
            "fulfillment_provider_code": "external",
            "fulfillment_service_code": "ext",
            "fulfillment_fee": {"currency": "usd", "amount": 0.0},
            "void_requested": False,
            "voided": False,
            "order_source_notified": False,
            "notification_error_message": None,
            "ship_to": shipment["ship_to"],
        }
        return fulfillment_id

    def void(self, fulfillment_id: str) -> None:
        """Take the mark back."""
        self.by_id[fulfillment_id] |= {"voided": True, "voided_at": self._now()}

    def listed(self, params: Mapping[str, str]) -> list[Json]:
        """`GET /v2/fulfillments`; its creation filter is named differently, and it is oldest first."""
        return listed("fulfillments", list(self.by_id.values()), params)
