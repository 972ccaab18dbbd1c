"""Records as live accounts were seen to show them, and fields that are of another type than they should be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.shipstation.client import parsed
from integrations.shipstation.mapping import parcels_of_fulfillment, parcels_of_label
from integrations.shipstation.schemas import Fulfillment, Label, Shipment
from tests.builders import an_address, an_order
from tests.integrations.shipstation.conftest import World

LABEL: dict[str, Any] = {
    "label_id": "se-184976210",
    "status": "completed",
    "shipment_id": "se-394477236",
    "external_shipment_id": "SEAuto-PFQMq_1lRUCdjj",
    "ship_date": "2026-08-12T07:00:00Z",
    "created_at": "2026-08-12T19:46:28.8Z",
    "tracking_number": "383144378470",
    "tracking_url": "https://www.fedex.com/fedextrack/?trackingnumber=383144378470",
    "tracking_status": "in_transit",
    "carrier_id": "se-2077423",
    "carrier_code": "fedex",
    "service_code": "fedex_ground",
    "shipment_cost": {"currency": "usd", "amount": 21.96},
    "insurance_cost": {"currency": "usd", "amount": 0.0},
    "is_return_label": False,
    "voided": False,
    "voided_at": None,
    "batch_id": "se-64616278",
    "packages": [{"package_id": 147972534, "tracking_number": "383144378470", "sequence": 1}],
}
FULFILLMENT: dict[str, Any] = {
    "fulfillment_id": "se-16731019",
    "shipment_id": "se-412669417",
    "shipment_number": "100044",
    "user_id": "f775ecfc-6c38-46a1-804d-8538b3963172",
    "tracking_number": "383146600003",
    "created_at": "2026-09-03T14:50:25.067Z",
    "ship_date": "2026-09-03T07:00:00Z",
    "voided_at": None,
    "delivered_at": None,
    "fulfillment_carrier_friendly_name": "FedEx",
    "fulfillment_provider_id": "se-16846",
    "fulfillment_provider_friendly_name": "External",
    "fulfillment_provider_code": "external",
    "fulfillment_service_code": "ext",
    "fulfillment_fee": {"currency": "usd", "amount": 0.0},
    "void_requested": False,
    "voided": False,
    "order_source_notified": False,
    "notification_error_message": None,
    "ship_to": {"name": "Ada Example"},
}


def test_a_label_as_it_was_seen() -> None:
    (parcel,) = parcels_of_label("warehouse", parsed(Label, LABEL), None, "")
    assert (parcel.carrier, parcel.service, parcel.tracking_numbers) == ("fedex", "fedex_ground", ("383144378470",))
    # midnight in Los Angeles of the 12th, in summer time
    assert parcel.shipped_at == datetime(2026, 8, 12, 7, tzinfo=UTC)
    assert parcel.updated_at == datetime(2026, 8, 12, 19, 46, 28, 800_000, tzinfo=UTC)
    assert parcel.order_key == ""


def test_a_fulfillment_as_it_was_seen() -> None:
    (parcel,) = parcels_of_fulfillment("warehouse", parsed(Fulfillment, FULFILLMENT), None, "")
    assert (parcel.carrier, parcel.tracking_numbers, parcel.voided) == ("FedEx", ("383146600003",), False)
    assert parcel.shipped_at == datetime(2026, 9, 3, 7, tzinfo=UTC)


ODD_LABELS: dict[str, dict[str, Any]] = {
    "numbers for ids": {"label_id": 184976210, "shipment_id": 394477236, "batch_id": 64616278},
    "nulls": {"voided": None, "is_return_label": None, "tracking_url": None, "packages": None, "batch_id": None},
    "no sequence": {"packages": [{"package_id": None, "tracking_number": "383144378470", "sequence": None}]},
    "a number of digits": {"tracking_number": 383144378470, "packages": [{"tracking_number": 383144378470}]},
    "a bare date": {"ship_date": "2026-08-12"},
    "no zone": {"created_at": "2026-08-12T19:46:28.8", "ship_date": "2026-08-12T00:00:00"},
    "seven digits": {"created_at": "2026-08-12T19:46:28.8000000Z"},
    "new words": {"tracking_status": "held_at_customs", "some_new_field": {"deep": []}},
}


@pytest.mark.parametrize("odd", ODD_LABELS.values(), ids=ODD_LABELS.keys())
def test_an_odd_label_is_read_all_the_same(odd: dict[str, Any]) -> None:
    label = parsed(Label, {**LABEL, **odd})
    (parcel,) = parcels_of_label("warehouse", label, None, "")
    assert label.ships
    assert parcel.tracking_numbers == ("383144378470",)
    assert parcel.shipped_at == datetime(2026, 8, 12, 7, tzinfo=UTC)


NOT_SHIPPED: dict[str, dict[str, Any]] = {
    "being made": {"status": "processing"},
    "failed": {"status": "error"},
    "void": {"status": "voided"},
    "void by its flag": {"voided": True},
    "void by its time": {"voided_at": "2026-08-13T10:00:00Z"},
    "a return": {"is_return_label": True},
    "a new state": {"status": "archived"},
}


@pytest.mark.parametrize("odd", NOT_SHIPPED.values(), ids=NOT_SHIPPED.keys())
def test_only_what_leaves_counts(odd: dict[str, Any]) -> None:
    assert not parsed(Label, {**LABEL, **odd}).ships


ODD_SHIPMENTS: dict[str, dict[str, Any]] = {
    "misspelt and new fields": {"items": [{"fullfilment_sku": None, "product_id": "12", "quantity": 1}], "extra": 1},
    "nulls": {"items": None, "advanced_options": None, "tags": None, "external_shipment_id": None},
    "null quantities": {"items": [{"quantity": None, "external_order_item_id": "a"}]},
    "whole floats": {"items": [{"quantity": 1.0, "external_order_item_id": "a"}]},
    "an odd place": {"ship_to": {"geolocation": None}, "ship_from": None, "warehouse_id": 524001},
    "a new state": {"shipment_status": "on_hold"},
}


@pytest.mark.parametrize("odd", ODD_SHIPMENTS.values(), ids=ODD_SHIPMENTS.keys())
def test_an_odd_shipment_is_read_all_the_same(odd: dict[str, Any]) -> None:
    shipment = parsed(Shipment, {"shipment_id": "se-1", "shipment_status": "pending", **odd})
    assert shipment.shipment_id == "se-1"
    assert set(shipment.units.values()) <= {1}


def test_a_label_without_a_tracking_number_is_a_parcel_without_one(world: World) -> None:
    world.deliver(an_order())
    world.sim.do_buy_labels(tracked=False)
    (parcel,) = world.parcels()
    assert (parcel.order_key, parcel.tracking_numbers, parcel.tracking_url) == ("shop:51001", (), "")


def test_an_edit_leaves_everything_else_as_it_was(world: World) -> None:
    # given a shipment with all that a live account shows, and what staff found out about the address
    world.deliver(an_order())
    shipment_id = world.shipments[0]["shipment_id"]
    world.sim.shipments.by_id[shipment_id]["ship_to"] |= {
        "address_residential_indicator": "yes",
        "instructions": "Bell is broken",
    }
    before = world.shipments[0]
    # when the shopper writes something
    world.deliver(an_order(note="Leave with the porter"))
    # then nothing else changes
    after = world.shipments[0]
    assert {name for name in before if before[name] != after[name]} <= {"notes_from_buyer", "modified_at"}
    # and when the shopper moves, what was known of the old address goes
    world.deliver(an_order(ship_to=an_address(line1="1 New Street")))
    to = world.shipments[0]["ship_to"]
    assert (to["address_residential_indicator"], to["instructions"]) == ("unknown", None)
