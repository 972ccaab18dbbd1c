"""What an order is for HubSpot."""

from __future__ import annotations

import pytest

from commerce.orders import Financial
from integrations.hubspot.mapping import stage, to_contact, to_deal
from integrations.hubspot.settings import Stages
from tests.builders import NOON, a_customer, an_order


def test_an_order_as_a_whole() -> None:
    assert to_deal(an_order(), "backroom_key", "default", Stages()) == {
        "backroom_key": "shop:51001",
        "dealname": "Order #1001",
        "amount": "49.80",
        "deal_currency_code": "USD",
        "pipeline": "default",
        "dealstage": "closedwon",
        "closedate": f"{int(NOON.timestamp()) * 1000}",
    }


def test_a_shopper_as_a_whole_and_nothing_about_consent() -> None:
    assert to_contact(an_order(customer=a_customer(accepts_marketing=True))) == {
        "email": "ada@example.com",
        "firstname": "Ada",
        "lastname": "Lovelace",
    }


def test_a_name_that_nobody_knows_is_not_overwritten_with_nothing() -> None:
    order = an_order(email="Ada@Example.com ", customer=a_customer(first_name="", last_name=""))
    assert to_contact(order) == {"email": "ada@example.com"}


def test_an_order_of_nobody_has_no_contact() -> None:
    assert to_contact(an_order(email="", customer=None)) is None


@pytest.mark.parametrize(
    ("financial", "expected"),
    [
        (Financial.PAID, "closedwon"),
        (Financial.PARTIALLY_REFUNDED, "closedwon"),
        (Financial.PENDING, "contractsent"),
        (Financial.UNKNOWN, "contractsent"),
        (Financial.REFUNDED, "closedlost"),
        (Financial.VOIDED, "closedlost"),
    ],
)
def test_where_an_order_stands(financial: Financial, expected: str) -> None:
    assert stage(an_order(financial=financial), Stages()) == expected


def test_a_cancelled_order_is_lost() -> None:
    assert stage(an_order(cancelled_at=NOON), Stages()) == "closedlost"
