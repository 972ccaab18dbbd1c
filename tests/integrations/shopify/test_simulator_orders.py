"""Orders in the simulator: their money when they are placed, refunded, cancelled and edited."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from . import sheet_documents as sheet
from .story import ADDRESS, CITY_TAX, STATE_TAX, Story, amount

EVERYTHING = ""


def read(story: Story) -> dict[str, Any]:
    """The only order, as the page query shows it."""
    nodes = story.data(sheet.ORDERS_PAGE, first=5, query=EVERYTHING)["orders"]["nodes"]
    assert len(nodes) == 1
    order: dict[str, Any] = nodes[0]
    return order


def line_net(line: dict[str, Any], side: str = "shopMoney") -> Decimal:
    """What a line comes to by Shopify's own rule."""
    shares = sum(
        (Decimal(one["allocatedAmountSet"][side]["amount"]) for one in line["discountAllocations"]), Decimal(0)
    )
    return Decimal(line["originalUnitPriceSet"][side]["amount"]) * line["quantity"] - shares


def assert_sums_agree(order: dict[str, Any], side: str = "shopMoney", tip: str = "0") -> None:
    """The totals identity of an order, to the cent, in one of its currencies."""

    def of(bag: dict[str, Any]) -> Decimal:
        return Decimal(bag[side]["amount"])

    lines, shipping = order["lineItems"]["nodes"], order["shippingLines"]["nodes"]
    taxes = sum((of(tax["priceSet"]) for one in [*lines, *shipping] for tax in one["taxLines"]), Decimal(0))
    delivery = sum((of(one["discountedPriceSet"]) for one in shipping), Decimal(0))
    assert sum(line_net(line, side) for line in lines) == of(order["subtotalPriceSet"])
    assert taxes == of(order["totalTaxSet"]) == sum((of(tax["priceSet"]) for tax in order["taxLines"]), Decimal(0))
    on_top = Decimal(0) if order["taxesIncluded"] else taxes
    assert of(order["subtotalPriceSet"]) + delivery + on_top + Decimal(tip) == of(order["totalPriceSet"])


def test_taxes_on_top_of_discounted_lines_and_shipping():
    # given lines with their own discount, two taxes, a code on the whole order and taxed shipping
    story = Story()
    story.place(
        lines=[
            {"sku": "MUG-RED", "quantity": 2, "price": "12.50", "discount": "1.00", "taxes": [STATE_TAX, CITY_TAX]},
            {"sku": "HAT", "quantity": 3, "price": "3.33", "taxes": [STATE_TAX]},
        ],
        order_discount={"code": "FIVE", "amount": "5.00"},
        shipping=[{"title": "Standard", "code": "STD", "price": "6.00", "discount": "2.00", "taxes": [STATE_TAX]}],
    )
    # when it is read
    order = read(story)
    # then every cent has its place: 24.00 + 9.99 - 5.00 = 28.99; shipping 4.00
    assert amount(order["subtotalPriceSet"]) == "28.99"
    parts = [part for line in order["lineItems"]["nodes"] for part in line["discountAllocations"]]
    shares = [amount(part["allocatedAmountSet"]) for part in parts]
    assert shares == ["1.0", "3.53", "1.47"]
    assert amount(order["totalDiscountsSet"]) == "8.0"
    assert order["discountCodes"] == ["FIVE"]
    assert_sums_agree(order)
    # and it is paid in full
    assert order["displayFinancialStatus"] == "PAID"
    assert order["totalReceivedSet"] == order["totalPriceSet"] == order["currentTotalPriceSet"]
    assert amount(order["totalOutstandingSet"]) == "0.0"


def test_taxes_inside_the_prices():
    # given a shop whose prices contain 19 % tax
    story = Story()
    story.place(
        taxes_included=True,
        lines=[{"sku": "HAT", "quantity": 1, "price": "119.00", "taxes": [{"title": "VAT", "rate": "0.19"}]}],
        shipping=[{"title": "DHL", "price": "11.90", "taxes": [{"title": "VAT", "rate": "0.19"}]}],
    )
    order = read(story)
    # then the tax is a part of the total, not on top of it
    assert (amount(order["totalTaxSet"]), amount(order["totalPriceSet"])) == ("20.9", "130.9")
    assert order["taxLines"][0]["rate"] == 0.19
    assert_sums_agree(order)


def test_a_buyer_who_pays_in_another_currency_sees_sums_that_agree():
    story = Story()
    story.place(
        presentment={"currency": "JPY", "rate": "151.237"},
        lines=[{"sku": "HAT", "quantity": 3, "price": "19.99", "taxes": [STATE_TAX, CITY_TAX]}],
        order_discount={"code": "X", "amount": "3.33"},
        shipping=[{"title": "Standard", "price": "5.55", "taxes": [STATE_TAX]}],
    )
    order = read(story)
    assert order["presentmentCurrencyCode"] == "JPY"
    assert_sums_agree(order, "shopMoney")
    assert_sums_agree(order, "presentmentMoney")
    assert order["totalPriceSet"]["presentmentMoney"]["amount"].endswith(".0")


def test_gift_cards_tips_and_free_shipping():
    # given a gift card among the lines, a tip, free shipping, and a part paid by an older gift card
    story = Story()
    order_id = story.place(
        lines=[
            {"sku": "HAT", "quantity": 1, "price": "20.00", "taxes": [STATE_TAX]},
            {
                "sku": "CARD",
                "title": "Gift card",
                "quantity": 1,
                "price": "50.00",
                "gift_card": True,
                "taxes": [STATE_TAX],
            },
        ],
        shipping=[{"title": "Free", "price": "5.00", "discount": "5.00"}],
        tip="3.00",
        gift_card_payment="10.00",
    )
    order = read(story)
    # then the gift card is not taxed, and shipping costs nothing
    card = order["lineItems"]["nodes"][1]
    assert (card["isGiftCard"], card["taxLines"], card["variant"], card["requiresShipping"]) == (True, [], None, False)
    assert amount(order["shippingLines"]["nodes"][0]["discountedPriceSet"]) == "0.0"
    assert (amount(order["totalTipReceivedSet"]), amount(order["totalPriceSet"])) == ("3.0", "74.6")
    assert_sums_agree(order, tip="3.00")
    # and two payments cover it
    money = story.data(sheet.ORDER_FINANCIALS, id=order_id)["order"]["transactions"]
    assert [(one["kind"], one["gateway"], amount(one["amountSet"])) for one in money] == [
        ("SALE", "gift_card", "10.0"),
        ("SALE", "shopify_payments", "64.6"),
    ]


def test_an_authorization_is_no_money_until_it_is_captured():
    story = Story()
    order = story.place(payment="authorized")
    assert read(story)["displayFinancialStatus"] == "AUTHORIZED"
    assert amount(read(story)["totalReceivedSet"]) == "0.0"
    story.sim.do_pay(order)
    money = story.data(sheet.ORDER_FINANCIALS, id=order)["order"]
    assert money["displayFinancialStatus"] == "PAID"
    assert [one["kind"] for one in money["transactions"]] == ["AUTHORIZATION", "CAPTURE"]
    assert money["transactions"][1]["parentTransaction"]["kind"] == "AUTHORIZATION"


def test_a_partial_refund_takes_its_share_and_the_rest_adds_up():
    # given three units at 10.00 less a discount of 1.00, 8 % tax
    story = Story()
    order = story.place(
        lines=[{"sku": "HAT", "quantity": 3, "price": "10.00", "discount": "1.00", "taxes": [STATE_TAX]}]
    )
    story.clock.now += 60
    # when they are given back one by one, with a little extra and the shipping at the end
    story.sim.do_refund(order, lines=[{"line": 0, "quantity": 1}])
    assert read(story)["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
    assert read(story)["updatedAt"] == "2026-11-23T12:01:00Z"
    story.sim.do_refund(order, lines=[{"line": 0, "quantity": 1}], adjustment="0.50", note="late")
    story.sim.do_refund(
        order, lines=[{"line": 0, "quantity": 1, "restock": False}], shipping="5.00", adjustment="-0.50"
    )
    # then the parts add up to the whole
    money = story.data(sheet.ORDER_FINANCIALS, id=order)["order"]
    rows = [row for one in money["refunds"] for row in one["refundLineItems"]["nodes"]]
    assert [amount(row["subtotalSet"]) for row in rows] == ["9.66", "9.67", "9.67"]
    assert sum(Decimal(amount(row["totalTaxSet"])) for row in rows) == Decimal("2.32")
    assert [row["restockType"] for row in rows] == ["CANCEL", "CANCEL", "NO_RESTOCK"]
    # and an adjustment is signed from the order's side: negative when more went back
    extra = money["refunds"][1]["orderAdjustments"]["nodes"][0]
    assert (extra["reason"], amount(extra["amountSet"])) == ("REFUND_DISCREPANCY", "-0.5")
    assert amount(money["refunds"][2]["refundShippingLines"]["nodes"][0]["subtotalAmountSet"]) == "5.0"
    assert money["displayFinancialStatus"] == "REFUNDED"
    final = read(story)
    assert (amount(final["totalPriceSet"]), amount(final["currentTotalPriceSet"])) == ("36.32", "0.0")
    assert amount(final["totalRefundedSet"]) == "36.32"
    assert final["displayFulfillmentStatus"] == "FULFILLMENT_NOT_REQUIRED"


def test_each_of_several_taxes_is_given_back_by_itself():
    # given two taxes whose halves do not come out even
    story = Story()
    line = {
        "sku": "HAT",
        "quantity": 2,
        "price": "10.15",
        "taxes": [{**STATE_TAX, "rate": "0.0625"}, {**CITY_TAX, "rate": "0.0222"}],
    }
    order = story.place(lines=[line])
    # when half of the line is given back
    story.sim.do_refund(order, lines=[{"line": 0, "quantity": 1}])
    # then nobody owes anybody a cent
    found = read(story)
    assert [amount(tax["priceSet"]) for tax in found["taxLines"]] == ["1.27", "0.45"]
    assert amount(found["totalOutstandingSet"]) == "0.0"
    assert found["netPaymentSet"] == found["currentTotalPriceSet"]


def test_a_restock_without_money_is_a_refund_without_transactions():
    story = Story()
    order = story.place(payment="pending")
    story.sim.do_refund(order, lines=[{"line": 0, "quantity": 1}])
    money = story.data(sheet.ORDER_FINANCIALS, id=order)["order"]
    assert money["refunds"][0]["transactions"]["nodes"] == []
    assert money["displayFinancialStatus"] == "PENDING"


def test_cancelling_a_paid_order_gives_everything_back():
    story = Story()
    order = story.place(tip="2.00")
    story.sim.do_cancel(order, reason="FRAUD")
    found = read(story)
    assert (found["cancelReason"], found["displayFinancialStatus"]) == ("FRAUD", "REFUNDED")
    assert found["cancelledAt"] == "2026-11-23T12:00:00Z"
    assert found["lineItems"]["nodes"][0]["currentQuantity"] == 0
    assert found["totalRefundedSet"] == found["totalPriceSet"]
    assert (amount(found["currentTotalPriceSet"]), amount(found["totalOutstandingSet"])) == ("0.0", "0.0")


def test_cancelling_an_authorized_order_voids_it():
    story = Story()
    order = story.place(payment="authorized")
    story.sim.do_cancel(order)
    money = story.data(sheet.ORDER_FINANCIALS, id=order)["order"]
    assert money["displayFinancialStatus"] == "VOIDED"
    assert [one["kind"] for one in money["transactions"]] == ["AUTHORIZATION", "VOID"]


def test_an_edit_is_no_refund_and_leaves_the_old_total():
    # given 2 x 100 with 13 % tax, unpaid
    story = Story()
    order = story.place(
        payment="pending",
        shipping=[],
        lines=[{"sku": "HAT", "quantity": 2, "price": "100.00", "taxes": [{"title": "HST", "rate": "0.13"}]}],
    )
    # when one is taken out, and later a hat without tax is added
    story.sim.do_edit(order, quantities={"0": 1})
    removed = read(story)
    story.sim.do_edit(
        order, add=[{"sku": "MUG-RED", "quantity": 1, "price": "5.00"}], address={**ADDRESS, "city": "Albany"}
    )
    added = read(story)
    # then the total of the sale stays and the current one moves
    assert (amount(removed["totalPriceSet"]), amount(removed["currentTotalPriceSet"])) == ("226.0", "113.0")
    line = removed["lineItems"]["nodes"][0]
    assert (line["quantity"], line["currentQuantity"], removed["edited"]) == (2, 1, True)
    # and an addition raises both
    assert (amount(added["totalPriceSet"]), amount(added["currentTotalPriceSet"])) == ("231.0", "118.0")
    assert added["shippingAddress"]["city"] == "Albany"
    # and the ledger has a row for each step, which add up to what is left
    nodes = story.data(sheet.ORDER_AGREEMENTS, id=order)["order"]["agreements"]["nodes"]
    assert [one["reason"] for one in nodes] == ["ORDER", "ORDER_EDIT", "ORDER_EDIT"]
    totals = [Decimal(amount(sale["totalAmount"])) for one in nodes for sale in one["sales"]["nodes"]]
    assert totals == [Decimal("226.0"), Decimal("-113.0"), Decimal("5.0")]


def test_a_larger_quantity_is_sold_and_routed():
    story = Story()
    order = story.place(payment="paid")
    story.sim.do_edit(order, quantities={"0": 5})
    line = read(story)["lineItems"]["nodes"][0]
    assert (line["quantity"], line["currentQuantity"], line["unfulfilledQuantity"]) == (5, 5, 5)
    assert read(story)["displayFinancialStatus"] == "PARTIALLY_PAID"
    assert_sums_agree(read(story))
    waiting = story.data(sheet.ORDER_FULFILLMENT_ORDERS, id=order)["order"]["fulfillmentOrders"]["nodes"]
    assert [one["lineItems"]["nodes"][0]["remainingQuantity"] for one in waiting] == [2, 3]


def test_a_refund_is_a_row_of_the_ledger():
    story = Story()
    order = story.place()
    story.sim.do_refund(order, lines=[{"line": 0, "quantity": 1}], shipping="5.00")
    nodes = story.data(sheet.ORDER_AGREEMENTS, id=order)["order"]["agreements"]["nodes"]
    assert [one["__typename"] for one in nodes] == ["OrderAgreement", "RefundAgreement"]
    rows = [(one["lineType"], one["quantity"], amount(one["totalAmount"])) for one in nodes[1]["sales"]["nodes"]]
    assert rows == [("PRODUCT", -1, "-27.0"), ("SHIPPING", None, "-5.0")]


def test_customers_carry_their_consent():
    story = Story()
    story.place()
    story.place()
    found = story.data(sheet.CUSTOMERS_CONSENT, first=5, query=EVERYTHING)["customers"]["nodes"]
    assert [(one["numberOfOrders"], one["defaultEmailAddress"]["marketingState"]) for one in found] == [
        ("2", "SUBSCRIBED")
    ]
    assert found[0]["amountSpent"] == {"amount": "118.0", "currencyCode": "USD"}


def test_the_summary_is_what_an_independent_check_needs():
    story = Story()
    order = story.place(test=True)
    assert story.sim.state()["orders"] == [
        {
            "id": order,
            "name": "#1001",
            "test": True,
            "cancelled": False,
            "financial": "PAID",
            "fulfillment": "UNFULFILLED",
            "total": "59.00",
            "currency": "USD",
            "email": "jo@example.com",
            "door": ["1 Main Street", "14201"],
            "paid": True,
            "on_hold": False,
            "received": "59.00",
            "refunded": "0.00",
            "gift_card": "0.00",
            "refunds": [],
            "remaining": [{"sku": "MUG-RED", "quantity": 2, "location": "Main"}],
            "lines": [{"sku": "MUG-RED", "quantity": 2, "current": 2, "fulfillable": 2}],
            "fulfillments": [],
        }
    ]
