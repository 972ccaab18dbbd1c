"""What V1 is told of an order, whole."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.allocation import shipments_wanted
from commerce.errors import Unmappable
from commerce.orders import Order
from integrations.shipstation.v1.mapping import says, to_create, to_order, to_update
from tests.builders import a_fulfilment_order, a_line, a_tax, after, an_address, an_order, usd
from tests.integrations.shipstation.v1.world import V1World


def said(order: Order, **options: Any) -> dict[str, Any]:
    """The order's first share as V1 is told."""
    wanted = shipments_wanted(order).shipments[0]
    return to_order(order, wanted, **{"warehouse_id": "524001", **options})


def test_an_order_whole() -> None:
    tea = a_line("TEA", 1, "5.00", variant_title="Green")
    order = an_order(
        lines=(a_line("MUG-RED", 2, discount=usd("4.00")), tea),
        fulfilment_orders=(a_fulfilment_order([a_line("MUG-RED", 2), tea], ship_by=after(days=1)),),
        discount_codes=("WELCOME10",),
        note="Leave with the porter",
    )
    address = {
        "name": "Ada Lovelace",
        "company": None,
        "street1": "12 Analytical Way",
        "street2": "Apt 3",
        "street3": None,
        "city": "Portland",
        "state": "OR",
        "postalCode": "97201",
        "country": "US",
        "phone": "+15035550123",
    }
    assert to_create(said(order, store_id="12345"), key="shop:51001", number="1001") == {
        "orderNumber": "1001",
        "orderKey": "shop:51001",
        "orderDate": "2026-11-20 04:00:00",
        "paymentDate": "2026-11-20 04:00:00",
        "shipByDate": "2026-11-21 04:00:00",
        "orderStatus": "awaiting_shipment",
        "customerUsername": "ada@example.com",
        "customerEmail": "ada@example.com",
        "billTo": address,
        "shipTo": address,
        "items": [
            {
                "lineItemKey": "line-MUG-RED",
                "sku": "MUG-RED",
                "name": "Mug red",
                "quantity": 2,
                "unitPrice": 19.9,
                "taxAmount": 0.0,
                "adjustment": False,
            },
            {
                "lineItemKey": "line-TEA",
                "sku": "TEA",
                "name": "Tea",
                "quantity": 1,
                "unitPrice": 5.0,
                "taxAmount": 0.0,
                "adjustment": False,
                "options": [{"name": "Variant", "value": "Green"}],
            },
            {
                "lineItemKey": "discount",
                "sku": None,
                "name": "Discount WELCOME10",
                "quantity": 1,
                "unitPrice": -4.0,
                "adjustment": True,
            },
        ],
        "amountPaid": 45.8,
        "taxAmount": 0.0,
        "shippingAmount": 5.0,
        "customerNotes": "Leave with the porter",
        "requestedShippingService": "Standard",
        "advancedOptions": {"warehouseId": 524001, "source": "shop", "storeId": 12345},
    }


@pytest.mark.parametrize("included", [False, True], ids=["tax on top", "tax in the price"])
def test_what_v1_adds_up_is_what_the_shopper_pays(included: bool) -> None:
    # given an order with tax and a discount
    mugs = a_line("MUG-RED", 3, "19.90", discount=usd("1.00"), taxes=(a_tax("5.87", rate="0.1"),))
    order = an_order(lines=(mugs,), taxes_included=included)
    # when V1 has it
    world = V1World()
    world.deliver(order)
    # then its own total is what was paid, and tax in a price is not added again
    (there,) = world.orders
    assert there["orderTotal"] == there["amountPaid"] == float(order.total.amount)
    assert there["items"][0]["taxAmount"] == (0.0 if included else 1.96)


@given(st.integers(1, 9), st.decimals("0.01", "500", places=2), st.decimals("0", "1", places=2))
def test_discounts_never_lose_a_cent(quantity: int, price: Decimal, share: Decimal) -> None:
    off = (price * quantity * share).quantize(Decimal("0.01"))
    order = an_order(lines=(a_line("MUG-RED", quantity, usd(price), discount=usd(off)),), shipping=())
    items = said(order)["items"]
    total = sum(Decimal(str(item["unitPrice"])) * item["quantity"] for item in items)
    assert total == order.lines[0].net.amount
    assert [item["adjustment"] for item in items if item["unitPrice"] < 0] == ([True] if off else [])


@pytest.mark.parametrize(
    ("address", "lacks"),
    [({"line1": "", "city": " "}, "street1, city"), ({"country": ""}, "country"), ({"postal_code": ""}, "postalCode")],
)
def test_an_address_that_nothing_can_be_sent_to(address: dict[str, str], lacks: str) -> None:
    with pytest.raises(Unmappable, match=f"the shipping address of order #1001 lacks {lacks}"):
        said(an_order(ship_to=an_address(**address)))


def test_no_phone_and_no_postal_code_are_no_reason_where_none_are_needed() -> None:
    order = an_order(ship_to=an_address(phone="", country="HK", postal_code=""), phone="")
    to = said(order)["shipTo"]
    assert (to["phone"], to["postalCode"]) == (None, None)
    assert said(order, fallback_phone="+1 555 0100")["shipTo"]["phone"] == "+1 555 0100"


def test_an_update_gives_back_what_is_not_ours() -> None:
    body = said(an_order())
    there: dict[str, Any] = {
        **to_create(body, key="shop:51001", number="1001"),
        "orderId": 58345234,
        "orderStatus": "on_hold",
        "holdUntilDate": "2026-12-24T00:00:00.0000000",
        "internalNotes": "fragile",
        "tagIds": [3],
        "weight": {"value": 24, "units": "ounces", "WeightUnits": 1},
        "items": [
            {"orderItemId": 1, "lineItemKey": "line-MUG-RED", "weight": {"value": 12, "units": "ounces"}},
            {"orderItemId": 9, "lineItemKey": None, "sku": "STICKER", "quantity": 1},
        ],
        "advancedOptions": {"warehouseId": 524002, "storeId": 1, "source": "x", "customField1": "theirs"},
    }
    whole = to_update(there, body)
    assert {name: whole[name] for name in ("orderId", "orderKey", "internalNotes", "tagIds", "weight")} == {
        name: there[name] for name in ("orderId", "orderKey", "internalNotes", "tagIds", "weight")
    }
    # a hold of the staff's is kept, store and source cannot be changed, our warehouse wins
    assert whole["orderStatus"] == "on_hold"
    assert whole["advancedOptions"] == {"warehouseId": 524001, "storeId": 1, "source": "x", "customField1": "theirs"}
    assert whole["items"][0] == {**body["items"][0], "orderItemId": 1, "weight": {"value": 12, "units": "ounces"}}
    assert whole["items"][-1] == {"orderItemId": 9, "lineItemKey": None, "sku": "STICKER", "quantity": 1}
    assert says(whole, body)
    assert not says(there, body)
