"""Labels and fulfillments: what carries tracking numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from integrations.shipstation.simulator.shipments import NewId, Shipments
from integrations.shipstation.simulator.wire import Json, invalid, missing, not_allowed, pacific_midnight, within

TRACKED_AT = {
    "stamps_com": "https://tools.usps.com/go/TrackConfirmAction?tLabels=",
    "ups": "https://www.ups.com/track?tracknum=",
    "fedex": "https://www.fedex.com/fedextrack/?trackingnumber=",
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
        self, shipment_ids: Sequence[str], carrier: str, packages: int, status: str = "completed", back: bool = False
    ) -> tuple[str, list[str]]:
        """Buy labels in one batch; `back` makes them labels for a return. Returns the batch's id and theirs."""
        batch = self._new_id("batch")
        made = [self._one(self._shipments.get(id), batch, carrier, packages, status, back) for id in shipment_ids]
        return batch, made

    def _one(self, shipment: Json, batch: str, carrier: str, packages: int, status: str, back: bool) -> str:
        label_id = self._new_id("label")
        numbers = [f"94001{label_id.removeprefix('se-')}{at:02d}" for at in range(1, packages + 1)]
        self.by_id[label_id] = {
            "label_id": label_id,
            "status": status,
            "shipment_id": shipment["shipment_id"],
            "external_shipment_id": shipment["external_shipment_id"] or f"SEAuto-{label_id}",
            "ship_date": pacific_midnight(self._clock()),
            "created_at": self._now(),
            "tracking_number": numbers[0] if status == "completed" else None,
            "tracking_url": f"{TRACKED_AT.get(carrier, 'https://track.example/')}{numbers[0]}",
            "tracking_status": "unknown",
            "carrier_id": "se-2077423",
            "carrier_code": carrier,
            "service_code": f"{carrier}_ground",
            "shipment_cost": {"currency": "usd", "amount": 7.4},
            "insurance_cost": {"currency": "usd", "amount": 0.0},
            "is_return_label": back,
            "voided": False,
            "voided_at": None,
            "batch_id": batch,
            "warehouse_id": shipment["warehouse_id"],
            "packages": [
                {"package_id": 147972534 + at, "tracking_number": number, "sequence": at}
                for at, number in enumerate(numbers, start=1)
            ],
        }
        self._ids_by_shipment.setdefault(shipment["shipment_id"], []).append(label_id)
        if not back:
            shipment["batch_id"] = batch
            self._shipments.set_status(
                shipment["shipment_id"], "label_purchased" if status == "completed" else "processing"
            )
        return label_id

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
        if not label["is_return_label"]:
            self._shipments.set_status(label["shipment_id"], "pending")
        return {"approved": True, "message": "Request for refund submitted."}

    def get(self, label_id: str) -> Json:
        """One label. Raises the vendor's 404."""
        if label_id not in self.by_id:
            raise missing(f"label_id {label_id}")
        return self.by_id[label_id]

    def listed(self, params: Mapping[str, str]) -> list[Json]:
        """`GET /v2/labels` with its filters; there is none by change."""
        exact = ("tracking_number", "batch_id", "shipment_id", "warehouse_id", "carrier_id", "service_code")
        ids = self._ids_by_shipment.get(params["shipment_id"], []) if "shipment_id" in params else list(self.by_id)
        chosen = [
            label
            for label in map(self.by_id.__getitem__, ids)
            if all(name not in params or label.get(name) == params[name] for name in exact)
            and params.get("label_status") in (None, label["status"])
            and within(label, "created_at", params.get("created_at_start"), params.get("created_at_end"))
        ]
        newest_first = params.get("sort_dir", "desc") == "desc"
        return sorted(chosen, key=lambda label: str(label["created_at"]), reverse=newest_first)


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
        exact = ("fulfillment_id", "shipment_id", "shipment_number", "tracking_number")
        start, end = params.get("create_date_start"), params.get("create_date_end")
        chosen = [
            each
            for each in self.by_id.values()
            if all(name not in params or each.get(name) == params[name] for name in exact)
            and within(each, "created_at", start, end)
        ]
        return sorted(chosen, key=lambda each: str(each["created_at"]), reverse=params.get("sort_dir") == "desc")
