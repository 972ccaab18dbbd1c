"""What becomes of money: whatever happens to an order, its ledger explains what is left, and so do the books."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from commerce.money import Money, total
from commerce.orders import Order, Refund
from commerce.posting import Posting, refunds, sale
from tests.builders import usd

from .connected import Connected
from .story import CITY_TAX, STATE_TAX


def amounts(posting: Posting) -> list[tuple[str, str]]:
    return [(line.kind, f"{line.amount.amount:.2f}") for line in posting.lines]


def booked(order: Order) -> Money:
    """What the books hold of an order, gift cards and what a channel keeps put aside."""
    return sale(order).order_total - total((one.order_total for one in refunds(order)), order.currency)


def ledger_sum(order: Order) -> Money:
    return total((row.amount for one in order.agreements for row in one.sales), order.currency)


# ---- one thing at a time ----


def test_an_edit_that_takes_units_away_is_no_sale_of_them():
    # given an order of two mugs at 25, with taxes and shipping, of which an edit takes one away
    shop = Connected()
    gid = shop.place()
    assert amounts(sale(shop.read(gid))) == [("goods", "50.00"), ("shipping", "5.00"), ("tax", "4.00")]
    shop.sim.do_edit("#1001", quantities={"0": 1})
    # when it is read
    order = shop.read(gid)
    # then one was sold
    assert [one.reason for one in order.agreements] == ["order", "order_edit"]
    assert amounts(sale(order)) == [("goods", "25.00"), ("shipping", "5.00"), ("tax", "2.00")]
    assert booked(order) == order.current_total == usd("32.00")


def test_money_that_goes_back_after_an_edit_settles_it_and_is_no_second_loss():
    # given an edited order whose buyer gets back what was taken away, as money without any line
    shop = Connected()
    gid = shop.place()
    shop.sim.do_edit("#1001", quantities={"0": 1})
    shop.clock.now += 60
    shop.sim.do_refund("#1001", settle=True)
    # when it is read
    order = shop.read(gid)
    (refund,) = order.refunds
    # then the sale is what is left, and the refund is none of the books' business
    assert (refund.total, refund.lines, refund.adjustment) == (usd("27.00"), (), usd(0))
    assert refunds(order) == []
    assert booked(order) == order.current_total == usd("32.00")


def test_an_order_that_is_edited_and_then_cancelled_leaves_nothing():
    # given an order of which an edit took one of two mugs, and which is called off with all its money
    shop = Connected()
    gid = shop.place()
    shop.sim.do_edit("#1001", quantities={"0": 1})
    shop.clock.now += 60
    shop.sim.do_cancel("#1001")
    # when it is read
    order = shop.read(gid)
    # then the refund names what was left of it, and the rest of its money settles the edit
    (refund,) = order.refunds
    assert refund.total == usd("59.00")
    assert [one.order_total for one in refunds(order)] == [usd("32.00")]
    assert booked(order) == order.current_total == usd(0)


def test_an_edit_that_an_adjustment_gives_back_is_taken_back_once():
    # given the same, where the shop words the money that it owes as an adjustment
    shop = Connected()
    gid = shop.place()
    shop.sim.do_edit("#1001", quantities={"0": 1})
    shop.clock.now += 60
    shop.sim.do_refund("#1001", lines=[{"line": 0, "quantity": 1}], shipping="5.00", adjustment="27.00")
    # then the sale stays as it was placed
    order = shop.read(gid)
    assert sale(order).order_total == usd("59.00")
    assert booked(order) == usd(0)


def test_money_for_nothing_that_is_named_is_an_adjustment():
    # given an order that nobody edited, and money back without a word what for
    shop = Connected()
    gid = shop.place()
    shop.sim.do_refund("#1001", adjustment="3.00")
    without_reason(shop)
    (posting,) = refunds(shop.read(gid))
    assert amounts(posting) == [("adjustment", "3.00")]


def without_reason(shop: Connected) -> None:
    """Shopify no longer tells adjustments."""
    answer = shop.sim.answer

    def silent(request: httpx.Request) -> httpx.Response:
        good = answer(request)
        if b"OrdersById" not in request.content:
            return good
        body = json.loads(good.content)
        for node in body["data"]["nodes"]:
            for refund in node["refunds"]:
                refund["orderAdjustments"]["nodes"] = []
        return httpx.Response(200, json=body)

    shop.sim.answer = silent  # type: ignore[method-assign]


def test_a_line_that_an_edit_adds_is_sold_with_its_own_tax():
    shop = Connected()
    gid = shop.place()
    shop.sim.do_edit("#1001", add=[{"sku": "HAT", "quantity": 1, "price": "20.00", "taxes": [CITY_TAX]}])
    order = shop.read(gid)
    assert amounts(sale(order)) == [
        ("goods", "50.00"),
        ("goods", "20.00"),
        ("shipping", "5.00"),
        ("tax", "4.00"),
        ("tax", "0.40"),
    ]
    assert booked(order) == order.current_total == order.total == usd("79.40")


def test_of_an_edited_line_the_ledger_knows_discount_and_tax_to_the_cent():
    # given three units with a discount and a tax that do not divide, of which an edit takes one away
    shop = Connected()
    line = {"sku": "MUG-RED", "quantity": 3, "price": "9.99", "discount": "1.00", "taxes": [STATE_TAX]}
    gid = shop.place(lines=[line], shipping=[])
    shop.sim.do_edit("#1001", quantities={"0": 2})
    order = shop.read(gid)
    # then nothing is left to rounding
    posting = sale(order)
    assert "rounding" not in dict(amounts(posting))
    assert posting.total == order.current_total
    edit = order.agreements[1].sales[0]
    assert (edit.quantity, edit.amount, edit.tax) == (-1, order.current_total - order.total, edit.taxes[0].amount)


def test_a_refund_leaves_the_sale_just_as_it_was_posted():
    # given an order that is in the books
    shop = Connected()
    gid = shop.place(order_discount={"code": "FIVE", "amount": "5.00"})
    before = sale(shop.read(gid))
    # when something comes back
    shop.sim.do_refund("#1001", lines=[{"line": 0, "quantity": 1}], shipping="2.00")
    order = shop.read(gid)
    # then its ledger is read now, and the sale is the same to the letter
    assert [one.reason for one in order.agreements] == ["order", "refund"]
    assert sale(order) == before
    assert booked(order) == order.current_total


@pytest.mark.parametrize("status", ["FAILURE", "PENDING"])
def test_a_refund_whose_money_did_not_arrive_is_not_posted(status):
    # given a refund whose transaction failed or waits, while Shopify states its total all the same
    shop = Connected()
    gid = shop.place()
    shop.sim.do_refund("#1001", lines=[{"line": 0, "quantity": 1}], status=status)
    order = shop.read(gid)
    # then there is a refund without money
    (refund,) = order.refunds
    assert (len(refund.lines), refund.total, refund.payments) == (1, usd(0), ())
    assert refunds(order) == []


def test_tips_duties_fees_and_cash_rounding_have_lines_of_their_own():
    shop = Connected()
    gid = shop.place(tip="2.00", duties="4.00", fees="1.00", cash_rounding="0.02", gateway="cash")
    order = shop.read(gid)
    assert (order.duties, order.fees, order.tip, order.cash_rounding) == (usd(4), usd(1), usd(2), usd("0.02"))
    assert amounts(sale(order))[-4:] == [("duty", "4.00"), ("fee", "1.00"), ("tip", "2.00"), ("rounding", "0.02")]
    assert sale(order).order_total == order.total + order.cash_rounding == order.payments[0].amount


def test_after_an_edit_they_still_have():
    shop = Connected()
    gid = shop.place(tip="2.00", duties="4.00", fees="1.00")
    shop.sim.do_edit("#1001", quantities={"0": 1})
    order = shop.read(gid)
    assert {"duty", "fee", "tip"} <= set(dict(amounts(sale(order))))
    assert booked(order) == order.current_total == usd("39.00")


def test_a_gift_card_sold_and_one_redeemed_in_an_edited_order():
    shop = Connected()
    card = {"sku": "CARD", "quantity": 1, "price": "25.00", "gift_card": True}
    mugs = {"sku": "MUG-RED", "quantity": 2, "price": "25.00"}
    gid = shop.place(lines=[card, mugs], shipping=[], gift_card_payment="10.00")
    shop.sim.do_edit("#1001", quantities={"1": 1})
    posting = sale(shop.read(gid))
    assert amounts(posting) == [("gift_card_sold", "25.00"), ("goods", "25.00"), ("gift_card_redeemed", "-10.00")]
    assert (posting.order_total, posting.total) == (usd(50), usd(40))


def test_a_cancelled_order_is_sold_and_given_back():
    shop = Connected()
    gid = shop.place(tip="2.00")
    shop.sim.do_cancel("#1001")
    order = shop.read(gid)
    assert booked(order) == order.current_total == usd(0)
    assert (order.cancelled, order.financial) == (True, "refunded")


def test_the_buyers_currency_stays_out_of_the_books():
    shop = Connected()
    gid = shop.place(presentment={"currency": "JPY", "rate": "151.3"})
    shop.sim.do_edit("#1001", quantities={"0": 1})
    order = shop.read(gid)
    assert {line.amount.currency for line in sale(order).lines} == {"USD"}
    assert order.presentment_total.currency == "JPY"
    assert booked(order) == order.current_total


def test_without_a_ledger_the_lines_tell_the_same_to_the_cent():
    # given an edited and refunded order
    shop = Connected()
    gid = shop.place()
    shop.sim.do_edit("#1001", quantities={"0": 1})
    order = shop.read(gid)
    # then the sale is the same with its ledger and without
    bare = Order.model_validate({**order.model_dump(), "agreements": ()})
    assert sale(bare) == sale(order)


def test_a_ledger_that_does_not_explain_what_is_left_is_not_believed():
    # given a ledger that lacks the edit
    shop = Connected()
    gid = shop.place()
    shop.sim.do_edit("#1001", quantities={"0": 1})
    order = shop.read(gid)
    lacking = Order.model_validate({**order.model_dump(), "agreements": order.agreements[:1]})
    assert sale(lacking) == sale(order)


# ---- anything, in any order ----


def worth(order: Order, refund: Refund) -> Money:
    """What a refund names."""
    taxes = total((line.tax for line in refund.lines), "USD") + refund.shipping_tax
    named = total((line.subtotal for line in refund.lines), "USD") + refund.shipping + refund.adjustment
    return named if order.taxes_included else named + taxes


PRICES = st.integers(1, 9_999).map(lambda cents: f"{Decimal(cents) / 100:.2f}")


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    def line() -> dict[str, Any]:
        price, quantity = draw(PRICES), draw(st.integers(1, 5))
        taxes = draw(st.sampled_from([[], [STATE_TAX], [STATE_TAX, CITY_TAX]]))
        discount = Decimal(price) * quantity * draw(st.integers(0, 60)) / 100
        return {"sku": "MUG-RED", "quantity": quantity, "price": price, "taxes": taxes, "discount": f"{discount:.2f}"}

    lines = [line() for _ in range(draw(st.integers(1, 3)))]
    return {
        "lines": lines,
        "shipping": [{"title": "Standard", "price": draw(PRICES), "taxes": draw(st.sampled_from([[], [STATE_TAX]]))}],
        "taxes_included": draw(st.booleans()),
        "tip": draw(st.sampled_from(["0", "2.50"])),
        "duties": draw(st.sampled_from(["0", "3.33"])),
        "fees": draw(st.sampled_from(["0", "0.99"])),
        "order_discount": draw(st.sampled_from([None, {"code": "SOME", "amount": "0.05"}])),
    }


HAPPENINGS = st.lists(
    st.tuples(st.sampled_from(["edit", "add", "refund", "shipping", "good will"]), st.integers(0, 4), PRICES),
    max_size=5,
)


def happen(shop: Connected, what: str, number: int, price: str) -> None:
    """Something happens to order #1001, as far as it can."""
    order = shop.sim.store.order("#1001")
    at = number % len(order.lines)
    left = order.lines[at].current
    if what == "edit":
        shop.sim.do_edit("#1001", quantities={str(at): min(left, number)})
    elif what == "add":
        shop.sim.do_edit("#1001", add=[{"sku": "HAT", "quantity": number + 1, "price": price, "taxes": [CITY_TAX]}])
        shop.sim.do_pay("#1001")
    elif what == "refund" and left:
        shop.sim.do_refund("#1001", lines=[{"line": at, "quantity": min(left, number + 1)}])
    elif what == "shipping":
        shop.sim.do_refund("#1001", shipping=price)
    elif what == "good will":
        shop.sim.do_refund("#1001", adjustment="0.50")


@pytest.mark.parametrize("adjusted", [True, False], ids=["adjustments lower what is left", "they do not"])
@settings(max_examples=40, deadline=None)
@given(order=orders(), happenings=HAPPENINGS)
def test_the_ledger_explains_what_is_left_and_the_books_agree(adjusted, order, happenings):
    # given any order to which anything happened
    shop = Connected()
    shop.sim.do_setup(shop={"adjustments_lower_current": adjusted})
    gid = shop.place(**order)
    for what, number, price in happenings:
        shop.clock.now += 60
        happen(shop, what, number, price)
    # when it is read
    read = shop.read(gid)
    assume(all(worth(read, one) == one.total or not one.total for one in read.refunds))  # no more than was paid
    # then its ledger comes to what is left, but for adjustments where they do not count
    given = total((one.adjustment for one in read.refunds), "USD")
    if read.agreements:
        assert ledger_sum(read) == (read.current_total if adjusted else read.current_total - given)
    # and the parts of the total come to the total
    on_top = Money(amount=Decimal(0), currency="USD") if read.taxes_included else read.tax_total
    extras = read.duties + read.fees + read.tip
    assert read.subtotal + read.shipping_total + on_top + extras == read.total
    # and the books hold what is left, as far as money went back for what was taken back
    posted = refunds(read)
    unpaid = [one for one in read.refunds if not one.total]
    summed = total((line.amount for line in sale(read).lines), "USD")
    assert summed == sale(read).total
    if not unpaid:
        left = sale(read).order_total - total((one.order_total for one in posted), "USD")
        assert left == (read.current_total if adjusted else read.current_total - given)
    assert all(abs(line.amount.amount) <= Decimal("0.05") for line in sale(read).lines if line.kind == "rounding")
