"""What Klaviyo is told, to the letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.errors import Unmappable
from commerce.events import Kind
from integrations.klaviyo.bodies import single
from integrations.klaviyo.mapping import reason_to_skip, to_metric_events
from integrations.klaviyo.people import e164, is_e_mail, to_profile
from integrations.klaviyo.simulator import bodies
from tests.builders import (
    a_customer,
    a_fulfilment,
    a_line,
    a_refund,
    a_shipping_charge,
    after,
    an_address,
    an_event,
    an_order,
    usd,
)

MUGS = a_line("MUG-RED", 2, "19.90", vendor="Potters", discount=usd("3.98"), variant_title="Large")
ORDER = an_order(
    lines=(MUGS, a_line("TEA", 1, "5")),
    shipping=(a_shipping_charge("5.00", discount=usd("1")),),
    discount_codes=("AUTUMN", "POST"),
    ship_to=an_address(company="Engines Ltd"),
)
PROFILE = {
    "email": "ada@example.com",
    "phone_number": "+15035550123",
    "external_id": "shop:9001",
    "first_name": "Ada",
    "last_name": "Lovelace",
}
ADDRESS = {
    "FirstName": "Ada",
    "LastName": "Lovelace",
    "Address1": "12 Analytical Way",
    "Address2": "Apt 3",
    "City": "Portland",
    "Region": "Oregon",
    "RegionCode": "OR",
    "Country": "United States",
    "CountryCode": "US",
    "Zip": "97201",
}
PROPERTIES = {
    "OrderId": "51001",
    "OrderNumber": "#1001",
    "ItemNames": ["Mug red", "Tea"],
    "ItemCount": 3,
    "DiscountValue": 4.98,
    "Items": [
        {
            "ProductID": "product-MUG-RED",
            "VariantID": "variant-MUG-RED",
            "SKU": "MUG-RED",
            "ProductName": "Mug red",
            "Quantity": 2,
            "ItemPrice": 19.9,
            "RowTotal": 35.82,
            "VariantName": "Large",
            "Brand": "Potters",
        },
        {
            "ProductID": "product-TEA",
            "VariantID": "variant-TEA",
            "SKU": "TEA",
            "ProductName": "Tea",
            "Quantity": 1,
            "ItemPrice": 5.0,
            "RowTotal": 5.0,
        },
    ],
    "Brands": ["Potters"],
    "DiscountCode": "AUTUMN, POST",
    "DiscountCodes": ["AUTUMN", "POST"],
    "BillingAddress": ADDRESS,
    "ShippingAddress": {**ADDRESS, "Company": "Engines Ltd"},
}


def test_an_order_that_was_placed_becomes_one_event_and_one_for_each_line() -> None:
    bodies = [single(one) for one in to_metric_events(an_event(ORDER), ORDER, backfill=False)]
    assert bodies[0] == {
        "data": {
            "type": "event",
            "attributes": {
                "unique_id": "shop:placed:51001",
                "time": "2026-11-20T12:00:00+00:00",
                "value": 44.82,
                "value_currency": "USD",
                "backfill": False,
                "properties": PROPERTIES,
                "metric": {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}},
                "profile": {"data": {"type": "profile", "attributes": PROFILE}},
            },
        }
    }
    assert bodies[1]["data"]["attributes"] == {
        "unique_id": "shop:ordered:51001:line-MUG-RED",
        "time": "2026-11-20T12:00:00+00:00",
        "value": 35.82,
        "value_currency": "USD",
        "backfill": False,
        "properties": {
            "OrderId": "51001",
            "ProductID": "product-MUG-RED",
            "VariantID": "variant-MUG-RED",
            "SKU": "MUG-RED",
            "ProductName": "Mug red",
            "Quantity": 2,
            "VariantName": "Large",
            "ProductBrand": "Potters",
        },
        "metric": {"data": {"type": "metric", "attributes": {"name": "Ordered Product"}}},
        "profile": {"data": {"type": "profile", "attributes": PROFILE}},
    }
    assert [one["data"]["attributes"]["unique_id"] for one in bodies[2:]] == ["shop:ordered:51001:line-TEA"]


@pytest.mark.parametrize(
    ("kind", "part", "changes", "metric", "unique_id", "value", "more"),
    [
        (
            Kind.ORDER_CANCELLED,
            "",
            {"cancelled_at": after(hours=1), "cancel_reason": "customer"},
            "Cancelled Order",
            "shop:cancelled:51001",
            44.82,
            {"Reason": "customer"},
        ),
        (
            Kind.ORDER_REFUNDED,
            "r2",
            {"refunds": (a_refund(id="r1", amount="3.00"), a_refund(id="r2", amount="7.50", note="broken"))},
            "Refunded Order",
            "shop:refunded:51001:r2",
            7.5,
            {"Reason": "broken"},
        ),
        (
            Kind.ORDER_FULFILLED,
            "ful-1",
            {"fulfilments": (a_fulfilment(tracking_url="https://ups.example/1Z"),)},
            "Fulfilled Order",
            "shop:fulfilled:51001:ful-1",
            44.82,
            {"TrackingNumber": "1Z999AA10123456784", "TrackingUrl": "https://ups.example/1Z", "Carrier": "UPS"},
        ),
    ],
)
def test_what_happens_to_an_order_later(kind, part, changes, metric, unique_id, value, more) -> None:
    order = ORDER.model_copy(update=changes)
    fact = an_event(order, kind, part=part, occurred_at=after(hours=3))
    (event,) = to_metric_events(fact, order, backfill=True)
    assert event.profile == {name: value for name, value in PROFILE.items() if name != "phone_number"}
    assert event.attributes == {
        "unique_id": unique_id,
        "time": "2026-11-20T15:00:00+00:00",
        "value": value,
        "value_currency": "USD",
        "backfill": True,
        "properties": {**PROPERTIES, **more},
        "metric": {"data": {"type": "metric", "attributes": {"name": metric}}},
    }


def test_an_old_order_does_not_bring_an_old_phone_number_back() -> None:
    order = an_order()
    assert to_profile(order)["phone_number"] == "+15035550123"
    assert "phone_number" not in to_profile(order, history=True)
    # unless it is all that says who it was
    guest = an_order(email="", customer=None)
    assert to_profile(guest, history=True)["phone_number"] == "+15035550123"


@pytest.mark.parametrize(
    ("order", "kind", "part", "reason"),
    [
        (an_order(), Kind.ORDER_UPDATED, "", "nothing that marketing needs"),
        (an_order(test=True), Kind.ORDER_PLACED, "", "test order"),
        (an_order(email="", phone="555", customer=None), Kind.ORDER_PLACED, "", "guest without e-mail"),
        (an_order(refunds=(a_refund(id="r", amount="0"),)), Kind.ORDER_REFUNDED, "r", "refund without money"),
        (an_order(email="", customer=None), Kind.ORDER_PLACED, "", ""),
        (an_order(email="", phone="", customer=a_customer(email="")), Kind.ORDER_PLACED, "", ""),
    ],
)
def test_what_marketing_is_not_told(order, kind, part, reason) -> None:
    assert reason_to_skip(an_event(order, kind, part=part), order) == reason


def test_a_fact_about_a_refund_that_the_order_does_not_have_names_it() -> None:
    order = an_order()
    with pytest.raises(Unmappable, match="order #1001 has no refund r9"):
        to_metric_events(an_event(order, Kind.ORDER_REFUNDED, part="r9"), order, backfill=False)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("+1 (503) 555-0123", "+15035550123"),
        ("0049 30 901820", "+4930901820"),
        ("+49/30/901820", "+4930901820"),
        ("+44 (0) 20 7946 0958", "+442079460958"),
        ("+٩٧١ ٥٠ ١٢٣ ٤٥٦٧", "+971501234567"),
        ("503-555-0123", ""),
        ("+1 000 000 0000", ""),
        ("+15035550123 ext 4", ""),
        ("+0123456789", ""),
        ("+1234567890123456", ""),
        ("", ""),
    ],
)
def test_a_phone_number_is_whole_or_absent(typed, sent) -> None:
    assert e164(typed) == sent


@pytest.mark.parametrize(
    "typed", ["ada", "ada@", "ada@example", "a da@example.com", "ada@example..com", ".a@b.com", "a@b@c.de"]
)
def test_an_address_that_cannot_be_one_is_not_repeated(typed) -> None:
    with pytest.raises(Unmappable) as wrong:
        to_profile(an_order(email=typed))
    assert wrong.value.field == "email"
    assert typed not in str(wrong.value)


@pytest.mark.parametrize("typed", ["ada@example.com", "o'brien+shop@mail.example.co.uk", "jürgen@müller.de"])
def test_an_address_that_can_be_one(typed) -> None:
    assert to_profile(an_order(email=typed))["email"] == typed


@given(st.text(alphabet="+0123456789 ()-.٣x", max_size=22))
def test_every_phone_number_that_is_sent_is_one_that_klaviyo_takes(typed) -> None:
    sent = e164(typed)
    assert sent == "" or bodies.E_164.fullmatch(sent)
    assert e164(sent) == sent


@given(st.one_of(st.emails(), st.text(alphabet='ab.@-_é +"', max_size=20)))
def test_every_address_that_is_sent_is_one_that_klaviyo_takes(typed) -> None:
    assert not is_e_mail(typed) or bodies.E_MAIL.fullmatch(typed)
