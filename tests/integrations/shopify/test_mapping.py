"""Shopify's order, word by word, and what becomes of it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from commerce.errors import Unmappable
from commerce.orders import (
    Address,
    Customer,
    Financial,
    Fulfilment,
    FulfilmentLine,
    FulfilmentOrder,
    Line,
    Order,
    Payment,
    Refund,
    RefundLine,
    ShippingCharge,
    Tax,
)
from integrations.shopify import schemas
from integrations.shopify.mapping import to_fulfilment_order, to_order
from integrations.shopify.mapping_money import to_money, to_payments
from integrations.shopify.scalars import MoneyV2
from integrations.shopify.schemas_fulfilment import ToShip
from integrations.shopify.tracking import to_tracking
from integrations.shopify.whole import brief
from tests.builders import a_parcel, usd

from .raw_orders import RAW, VAT, bag

URL = "https://demo.myshopify.com/admin/orders/450789469"


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 11, 23, hour, minute, second, tzinfo=UTC)


def mapped(**changes: Any) -> Order:
    raw = {**copy.deepcopy(RAW), **changes}
    return to_order(schemas.Order.model_validate(raw), source="shop", url=URL)


def test_an_order_with_all_that_can_happen_to_it():
    assert mapped() == Order(
        source="shop",
        id="450789469",
        number="#1001",
        url=URL,
        created_at=at(9, 15, 42),
        updated_at=at(9, 20),
        processed_at=at(9, 15, 41),
        cancelled_at=None,
        cancel_reason="",
        test=False,
        edited=False,
        financial=Financial.PARTIALLY_REFUNDED,
        fulfilment="partially_fulfilled",
        currency="USD",
        presentment_currency="EUR",
        presentment_total=to_money(MoneyV2(amount=Decimal("43.38"), currencyCode="EUR")),
        taxes_included=False,
        email="jo@example.com",
        phone="",
        note="",
        tags=("vip",),
        channel="web",
        gateways=("shopify_payments",),
        discount_codes=("TENOFF",),
        customer=Customer(id="207119551", email="jo@example.com", first_name="Jo", accepts_marketing=True),
        ship_to=Address(
            first_name="Jo",
            last_name="Doe",
            name="Jo Doe",
            line1="1 Main Street",
            city="Buffalo",
            province="New York",
            province_code="NY",
            postal_code="14201",
            country="US",
            country_name="United States",
        ),
        bill_to=None,
        lines=(
            Line(
                id="669751112",
                sku="MUG-RED",
                title="Mug",
                variant_title="Red",
                product_id="",
                variant_id="457924702",
                vendor="",
                quantity=2,
                current=1,
                unit_price=usd("25.00"),
                discount=usd("10.00"),
                taxes=(Tax(title="State tax", rate=Decimal("0.08"), amount=usd("3.20")),),
                requires_shipping=True,
                gift_card=False,
                taxable=True,
            ),
        ),
        shipping=(ShippingCharge(title="Standard", code="STD", price=usd("7.00"), discount=usd("2.00")),),
        payments=(Payment(id="2", kind="capture", gateway="shopify_payments", amount=usd("48.20"), at=at(9, 16)),),
        refunds=(
            Refund(
                id="929361463",
                at=at(9, 19, 30),
                note="broken",
                lines=(
                    RefundLine(line_id="669751112", quantity=1, subtotal=usd("20.00"), tax=usd("1.60"), restocked=True),
                ),
                shipping=usd(0),
                shipping_tax=usd(0),
                adjustment=usd("1.00"),
                adjustment_tax=usd(0),
                payments=(
                    Payment(id="4", kind="refund", gateway="shopify_payments", amount=usd("22.60"), at=at(9, 19, 31)),
                ),
                total=usd("22.60"),
            ),
        ),
        fulfilment_orders=(
            FulfilmentOrder(
                id="gid://shopify/FulfillmentOrder/501",
                status="on_hold",
                location_id="7",
                location="Main",
                delivery="shipping",
                method="STD",
                ship_by=datetime(2026, 11, 25, tzinfo=UTC),
                hold_reasons=("incorrect_address",),
                fulfillable=False,
                lines=(FulfilmentLine(id="9001", line_id="669751112", sku="MUG-RED", quantity=1, remaining=1),),
            ),
        ),
        fulfilments=(
            Fulfilment(
                id="255858046",
                status="cancelled",
                at=at(9, 17),
                tracking_numbers=("1Z", "2Z"),
                carrier="UPS",
                tracking_url="",
                quantities={"669751112": 1},
            ),
        ),
        subtotal=usd("40.00"),
        shipping_total=usd("5.00"),
        tax_total=usd("3.20"),
        duties=usd(0),
        fees=usd(0),
        tip=usd(0),
        cash_rounding=usd(0),
        refund_rounding=usd(0),
        total=usd("48.20"),
        current_subtotal=usd("20.00"),
        current_shipping=usd("5.00"),
        current_tax=usd("1.60"),
        current_total=usd("26.60"),
        refunded=usd("22.60"),
        outstanding=usd(0),
        on_hold=True,
    )


def test_the_total_is_the_sum_of_its_parts():
    order = mapped(originalTotalDutiesSet=bag("1.0"), originalTotalAdditionalFeesSet=bag("2.0"))
    parts = (order.subtotal, order.shipping_total, order.tax_total)
    assert parts[0] + parts[1] + parts[2] == order.total
    assert (order.duties, order.fees) == (usd("1.00"), usd("2.00"))


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("AUTHORIZED", Financial.AUTHORISED),
        ("PAID", Financial.PAID),
        ("VOIDED", Financial.VOIDED),
        (None, Financial.PENDING),
        ("HALF_PAID_IN_BEADS", Financial.UNKNOWN),
    ],
)
def test_words_that_shopify_adds_are_unknown_and_no_crash(word, meaning):
    assert mapped(displayFinancialStatus=word).financial is meaning


def test_other_new_words_are_kept_as_they_are():
    order = mapped(displayFulfillmentStatus="FULFILLMENT_NOT_REQUIRED", cancelReason="BAD_WEATHER")
    assert (order.fulfilment, order.cancel_reason) == ("fulfillment_not_required", "bad_weather")


def test_a_guest_without_anything_is_an_order_too():
    order = mapped(customer=None, shippingAddress=None, email=None, sourceName=None, displayFinancialStatus=None)
    assert (order.customer, order.ship_to, order.email, order.channel) == (None, None, "", "")


def test_without_a_subtotal_the_lines_are_added_up():
    assert mapped(subtotalPriceSet=None).subtotal == usd("40.00")


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [("10.0", "USD", "10.00"), ("1000.0", "JPY", "1000"), ("1.5", "KWD", "1.500"), ("0.125", "USD", "0.125")],
)
def test_amounts_get_the_digits_of_their_currency_and_lose_none(amount, currency, text):
    assert str(to_money(MoneyV2(amount=Decimal(amount), currencyCode=currency)).amount) == text


def test_a_tax_that_a_marketplace_pays_is_not_the_shops():
    raw = copy.deepcopy(RAW["lineItems"])
    raw["nodes"][0]["taxLines"] = [{**VAT, "channelLiable": True}, {**VAT, "channelLiable": None, "rate": None}]
    theirs, ours = mapped(lineItems=raw).lines[0].taxes
    assert (theirs.remitted_by_channel, ours.remitted_by_channel) == (True, False)
    assert ours.rate is None


def a_transaction(number: int, kind: str, amount: str, parent: int | None = None, **more: Any) -> schemas.Transaction:
    raw = {
        "id": f"gid://shopify/OrderTransaction/{number}",
        "kind": kind,
        "status": "SUCCESS",
        "gateway": "cash",
        "createdAt": "2026-11-23T09:00:00Z",
        "amountSet": bag(amount),
        "parentTransaction": {"id": f"gid://shopify/OrderTransaction/{parent}"} if parent else None,
    }
    return schemas.Transaction.model_validate({**raw, **more})


@pytest.mark.parametrize("parent", [1, None])
def test_cash_change_is_not_received(parent):
    paid = [a_transaction(1, "SALE", "50.0"), a_transaction(2, "CHANGE", "1.8", parent)]
    (payment,) = to_payments(paid)
    assert payment.amount == usd("48.20")


def test_only_money_that_moved_is_a_payment():
    tried = [
        a_transaction(1, "AUTHORIZATION", "5.0"),
        a_transaction(2, "SALE", "5.0", status="PENDING"),
        a_transaction(3, "VOID", "5.0"),
        a_transaction(4, "SUGGESTED_REFUND", "5.0"),
        a_transaction(5, "SALE", "5.0", gateway="gift_card"),
    ]
    (payment,) = to_payments(tried)
    assert payment.id == "5"
    assert payment.by_gift_card


@pytest.mark.parametrize(
    ("method", "ships", "delivery"),
    [
        ("PICK_UP", True, "pick_up"),
        ("NONE", False, "none"),
        (None, True, "shipping"),
        (None, False, "none"),
        ("DRONE", True, "drone"),
    ],
)
def test_ways_of_delivery(method, ships, delivery):
    raw = copy.deepcopy(RAW["fulfillmentOrders"]["nodes"][0])
    raw["deliveryMethod"] = {"methodType": method, "presentedName": "By hand", "serviceCode": None} if method else None
    raw["lineItems"]["nodes"][0]["requiresShipping"] = ships
    assert to_fulfilment_order(ToShip.model_validate(raw)).delivery == delivery


def test_a_deleted_location_has_a_name_and_no_id():
    raw = copy.deepcopy(RAW["fulfillmentOrders"]["nodes"][0])
    raw["assignedLocation"] = {"name": "Old house", "location": None}
    found = to_fulfilment_order(ToShip.model_validate(raw))
    assert (found.location, found.location_id) == ("Old house", "")


@pytest.mark.parametrize("field", ["transactions", "refunds", "fulfillments"])
def test_a_full_list_may_lack_its_end(field):
    with pytest.raises(Unmappable, match=field):
        mapped(**{field: RAW[field][:1] * 250})


def test_an_error_names_the_place_and_not_the_value():
    with pytest.raises(ValidationError) as error:
        schemas.Order.model_validate({**RAW, "tags": "jo@example.com", "totalPriceSet": bag("1.0")})
    text = brief(error.value)
    assert "tags: " in text
    assert "totalPriceSet.presentmentMoney: Field required" in text
    assert "jo@example.com" not in text


def test_an_amount_that_was_a_float_is_refused():
    with pytest.raises(ValidationError, match="float"):
        schemas.Order.model_validate({**RAW, "totalTaxSet": bag(3.2)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("carrier", "company"),
    [
        ("stamps_com", "USPS"),
        ("UPS", "UPS"),
        ("ups_walleted", "UPS"),
        ("FedEx", "FedEx"),
        ("DHL Express", "DHL Express"),
        ("dhl_ecommerce", "DHL eCommerce"),
        ("bicycle_bob", "Bicycle Bob"),
        ("pigeon_post", "pigeon_post"),
    ],
)
def test_carriers_get_the_names_that_shopify_links(carrier, company):
    tracking = to_tracking(a_parcel(carrier=carrier), {"bicycle_bob": "Bicycle Bob"})
    assert tracking == {
        "company": company,
        "number": "1Z999AA10123456784",
        "url": "https://www.ups.com/track?tracknum=1Z999AA10123456784",
    }


def test_several_packages_use_the_plural():
    parcel = a_parcel(tracking_numbers=("A", "B"), tracking_url="https://t.example/A")
    assert to_tracking(parcel, {}) == {"company": "UPS", "numbers": ["A", "B"], "urls": ["https://t.example/A"]}


def test_no_label_no_tracking():
    assert to_tracking(a_parcel(carrier="", tracking_numbers=(), tracking_url=""), {}) == {}
