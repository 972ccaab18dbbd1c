"""Between the hub's words and ShipStation's: whole literals, odd amounts, and days that begin in Los Angeles."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from commerce.allocation import shipments_wanted
from commerce.orders import Financial, Order
from integrations.shipstation import keys
from integrations.shipstation.mapping import midnight, shipment_number, to_create, to_shipment, to_update, unit_price
from tests.builders import (
    NOON,
    a_fulfilment_order,
    a_line,
    a_refund,
    a_refund_line,
    a_shipping_charge,
    a_tax,
    after,
    an_address,
    an_order,
    usd,
)

SPEC = Path(__file__).resolve().parents[4] / "shared" / "specs" / "shipstation-v2-openapi.yaml"

MUGS = a_line("MUG-RED", 2, discount=usd("5.01"), variant_title="Red", taxes=(a_tax("4.08"),))
ORDER = an_order(
    lines=(MUGS,),
    note="Leave with the porter",
    shipping=(a_shipping_charge("6.00", title="Express", removed=True), a_shipping_charge("6.00", title="Standard")),
    fulfilment_orders=(a_fulfilment_order([MUGS], ship_by=after(days=2)),),
)

CREATE: dict[str, Any] = {
    "external_shipment_id": "shop:51001",
    "shipment_number": "1001",
    "create_sales_order": True,
    "shipment_status": "pending",
    "validate_address": "no_validation",
    "store_id": "se-2481946",
    "warehouse_id": "se-524001",
    "requested_shipment_service": "Standard",
    "ship_by_date": "2026-11-22T12:00:00Z",
    "notes_from_buyer": "Leave with the porter",
    "amount_paid": {"currency": "usd", "amount": 44.87},
    "shipping_paid": {"currency": "usd", "amount": 6.0},
    "tax_paid": {"currency": "usd", "amount": 4.08},
    "advanced_options": {"custom_field1": "shop"},
    "ship_to": {
        "name": "Ada Lovelace",
        "phone": "+15035550123",
        "email": "ada@example.com",
        "address_line1": "12 Analytical Way",
        "address_line2": "Apt 3",
        "city_locality": "Portland",
        "state_province": "OR",
        "postal_code": "97201",
        "country_code": "US",
        "address_residential_indicator": "unknown",
    },
    "items": [
        {
            "external_order_id": "51001",
            "external_order_item_id": "line-MUG-RED",
            "name": "Mug red",
            "sku": "MUG-RED",
            "quantity": 2,
            # (2 x 19.90 - 5.01) / 2 = 17.395, rounded down
            "unit_price": 17.39,
            "options": [{"name": "Variant", "value": "Red"}],
        }
    ],
}


def created(order: Order, **options: Any) -> dict[str, Any]:
    """The entry that makes the order's first shipment."""
    wanted = shipments_wanted(order, "authorised").shipments[0]
    body = to_shipment(order, wanted, **{"warehouse_id": "se-524001", "store_id": "se-2481946", **options})
    return to_create(body, external_id=order.key, number=shipment_number(order, 1))


def test_an_order_in_shipstations_words() -> None:
    assert created(ORDER) == CREATE


def test_a_second_shipment_shows_no_money() -> None:
    body = created(ORDER, with_money=False)
    nothing = {"currency": "usd", "amount": 0.0}
    assert (body["amount_paid"], body["shipping_paid"], body["tax_paid"]) == (nothing, nothing, nothing)


def test_money_that_is_only_reserved_is_not_paid() -> None:
    order = ORDER.model_copy(update={"financial": Financial.AUTHORISED, "outstanding": ORDER.total})
    assert created(order)["amount_paid"]["amount"] == 0.0


def test_a_refund_is_no_longer_paid() -> None:
    line = MUGS.model_copy(update={"current": 1})
    order = an_order(lines=(line,), refunds=(a_refund(a_refund_line(MUGS)),), financial=Financial.PARTIALLY_REFUNDED)
    assert created(order)["amount_paid"]["amount"] == float((order.total - order.refunded).amount)


@given(st.integers(1, 50), st.integers(0, 10**6), st.integers(0, 2 * 10**6))
def test_units_never_cost_more_than_was_paid_nor_less_than_nothing(quantity: int, cents: int, off: int) -> None:
    line = a_line("X", quantity, usd(Decimal(cents) / 100), discount=usd(Decimal(off) / 100))
    each = unit_price(line)
    paid, shown = max(line.net.amount, Decimal(0)), (each * quantity).amount
    assert each.amount >= 0
    assert shown <= paid
    assert paid - shown < quantity * Decimal("0.01")


def test_a_country_without_provinces_says_its_city() -> None:
    order = an_order(ship_to=an_address(province="", province_code="", city="Berlin", country="DE"))
    assert created(order)["ship_to"]["state_province"] == "Berlin"


def test_an_update_keeps_what_is_shipstations_and_clears_what_the_shopper_took_out() -> None:
    wanted = shipments_wanted(ORDER).shipments[0]
    body = to_shipment(ORDER.model_copy(update={"ship_to": an_address(line2="")}), wanted, warehouse_id="se-524001")
    existing = {
        "shipment_id": "se-1",
        "shipment_status": "pending",
        "internal_notes": "fragile",
        "hold_until_date": "2099-12-31T00:00:00Z",
        "advanced_options": {"custom_field1": "shop", "custom_field2": "theirs"},
        "ship_to": {"address_line2": "Apt 3", "geolocation": []},
        "items": [
            {"external_order_item_id": "line-MUG-RED", "item_id": "77", "quantity": 9},
            {"external_order_item_id": "line-GONE", "item_id": "78", "quantity": 1},
            {"external_order_item_id": None, "item_id": "79", "sku": "FREE-STICKER", "quantity": 1},
        ],
    }
    whole = to_update(existing, body)
    assert (whole["shipment_id"], whole["internal_notes"], whole["hold_until_date"]) == ("se-1", "fragile", None)
    assert whole["advanced_options"] == {"custom_field1": "shop", "custom_field2": "theirs"}
    assert whole["ship_to"]["address_line2"] is None
    assert [(item["item_id"], item["quantity"]) for item in whole["items"]] == [("77", 2), ("79", 1)]


@pytest.mark.parametrize(
    ("ship_date", "day"),
    [
        ("2026-08-12T07:00:00Z", datetime(2026, 8, 12, 7, tzinfo=UTC)),
        ("2026-11-20T08:00:00Z", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("2026-11-20T08:00:00.447Z", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("2026-08-12", datetime(2026, 8, 12, 7, tzinfo=UTC)),
        ("2026-11-01T07:00:00Z", datetime(2026, 11, 1, 7, tzinfo=UTC)),
        (None, NOON),
    ],
)
def test_the_day_begins_in_los_angeles(ship_date: str | None, day: datetime) -> None:
    assert midnight(ship_date, NOON) == day


def test_keys_say_order_and_location_whatever_replaced_what() -> None:
    order = an_order()
    assert keys.external_id(order, "loc-2") == "shop:51001"
    assert keys.external_id(order, "loc-2", first=False) == "shop:51001/loc-2"
    assert keys.external_id(order, "loc-2", {"shop:51001", "shop:51001/loc-2"}) == "shop:51001/loc-2~2"
    assert keys.replacement(order, "shop:51001~2", {"shop:51001"}) == "shop:51001~3"
    assert keys.following("shop:51001/loc-2~2") == "shop:51001/loc-2~3"
    for key in ("shop:51001/loc-2", "shop:51001/loc-2~2"):
        assert keys.order_and_location(key) == ("shop:51001", "loc-2")
    assert keys.order_and_location("shop:51001~2") == ("shop:51001", "")
    assert [keys.is_ours(key) for key in ("shop:51001", "shop:1/2~3", "SEAuto-PFQMq_1lRUCdjj", "", None)] == [
        True,
        True,
        False,
        False,
        False,
    ]


NEWER_THAN_THE_SPEC = (
    "shipment_number",
    "warehouse_id",
    "requested_shipment_service",
    "ship_by_date",
    "advanced_options",
)
"""Sent by the vendor's own guides, and unknown to the published schema of July 2025."""


@pytest.mark.skipif(not SPEC.exists(), reason="the vendor's OpenAPI file is not beside the repository")
@pytest.mark.parametrize("order", [ORDER, an_order(), an_order(ship_to=an_address(company="Engines", line2=""))])
def test_what_we_send_is_what_the_vendors_schema_allows(order: Order) -> None:
    spec = yaml.load(SPEC.read_text(), Loader=yaml.CSafeLoader)
    entry = created(order)
    older = {name: value for name, value in entry.items() if name not in NEWER_THAN_THE_SPEC}
    schemas = spec["components"]["schemas"]
    jsonschema.validate(older, _opened({"$ref": "#/components/schemas/create_shipment_request"}, schemas))
    # what the create schema lacks is described by the schema of a shipment
    shown = {name: entry[name] for name in NEWER_THAN_THE_SPEC if name in entry}
    jsonschema.validate(shown, _opened({"$ref": "#/components/schemas/partial_shipment"}, schemas))
    assert json.loads(json.dumps(entry)) == entry


def _opened(schema: Any, schemas: dict[str, Any]) -> Any:
    """The schema with its references put in.

    An object that is closed and made of `allOf` cannot be valid by the letter, so such parts are left open.
    """
    if isinstance(schema, list):
        return [_opened(each, schemas) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _opened(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas)
    composed = "allOf" in schema or schema.get("title") in ("partial_address", "partial_shipping_address_to")
    dropped = {"description", "example", *(("additionalProperties",) if composed else ())}
    return {name: _opened(value, schemas) for name, value in schema.items() if name not in dropped}
