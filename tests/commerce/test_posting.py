"""What an order means in the books adds up to the cent, whatever the shopper did."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.errors import Unmappable
from commerce.money import Money, money, total
from commerce.orders import Financial, Line, Order, Refund, RefundLine
from commerce.posting import Posting, PostingLine, refunds, sale
from tests.builders import (
    NOON,
    a_line,
    a_payment,
    a_refund,
    a_refund_line,
    a_shipping_charge,
    a_tax,
    an_order,
    changed,
    eur,
    usd,
)

PAID_BACK = Financial.PARTIALLY_REFUNDED


def amounts(posting: Posting) -> list[tuple[str, str]]:
    return [(line.kind, f"{line.amount.amount:f}") for line in posting.lines]


def summed(posting: Posting) -> Money:
    return total((line.amount for line in posting.lines), posting.total.currency)


def test_a_sale_is_goods_at_list_price_less_discounts_plus_shipping_and_each_tax() -> None:
    mug = a_line("MUG-RED", 2, "25.00", discount=usd("5"), taxes=(a_tax("2.70", title="CA", rate="0.06"),))
    shipping = (a_shipping_charge("6.00", taxes=(a_tax("0.36", title="CA", rate="0.06"),)),)
    posting = sale(an_order(lines=(mug,), shipping=shipping, discount_codes=("HELLO",)))
    assert posting == Posting(
        kind="sale",
        id="51001",
        number="#1001",
        at=NOON,
        lines=(
            PostingLine(
                kind="goods", description="Mug red (MUG-RED)", amount=usd(50), quantity=2, unit_price=usd("25.00")
            ),
            PostingLine(kind="shipping", description="Standard", amount=usd(6)),
            PostingLine(kind="discount", description="Discounts (HELLO)", amount=usd(-5)),
            PostingLine(kind="tax", description="CA 6 %", amount=usd("3.06"), title="CA", rate=Decimal("0.06")),
        ),
        total=usd("54.06"),
        order_total=usd("54.06"),
    )


def test_prices_with_tax_inside_are_booked_without_it() -> None:
    mug = a_line("MUG", 1, eur("119.00"), discount=eur("11.90"), taxes=(a_tax(eur("17.10"), rate="0.19"),))
    posting = sale(an_order(lines=(mug,), shipping=(), taxes_included=True))
    assert amounts(posting) == [("goods", "100.00"), ("discount", "-10.00"), ("tax", "17.10")]
    assert posting.total == eur("107.10")


def test_each_jurisdiction_has_its_own_tax_line() -> None:
    state, city = a_tax("1.20", title="State", rate="0.06"), a_tax("0.25", title="City", rate="0.0125")
    lines = (a_line("A", 1, "20.00", taxes=(state, city)), a_line("B", 1, "20.00", taxes=(state,)))
    posting = sale(an_order(lines=lines, shipping=()))
    found = [(line.description, str(line.amount)) for line in posting.lines if line.kind == "tax"]
    assert found == [("State 6 %", "2.40 USD"), ("City 1.25 %", "0.25 USD")]


def test_tax_that_the_channel_pays_goes_in_and_out() -> None:
    mug = a_line("MUG", 1, "100.00", taxes=(a_tax("8.00", rate="0.08", remitted_by_channel=True),))
    posting = sale(an_order(lines=(mug,), shipping=()))
    assert amounts(posting) == [("goods", "100.00"), ("tax", "8.00"), ("tax", "-8.00")]
    assert (posting.total, posting.order_total) == (usd(100), usd(108))


def test_a_gift_card_sold_is_a_liability_and_redeemed_is_a_tender() -> None:
    card = a_line("CARD", 1, "50.00", gift_card=True)
    mug = a_line("MUG", 1, "30.00")
    paid = (a_payment("60.00"), a_payment("20.00", gateway="gift_card", id="gc"))
    posting = sale(an_order(lines=(card, mug), shipping=(), payments=paid))
    assert amounts(posting) == [("gift_card_sold", "50.00"), ("goods", "30.00"), ("gift_card_redeemed", "-20.00")]
    assert (posting.total, posting.order_total) == (usd(60), usd(80))


def test_an_order_paid_wholly_by_gift_card_moves_nothing_through_clearing() -> None:
    paid = (a_payment("49.80", gateway="gift_card"),)
    assert sale(an_order(payments=paid)).total == usd(0)


def test_tip_duties_fees_and_their_tax_have_lines_of_their_own() -> None:
    extras: dict[str, Any] = {
        "tip": usd(2),
        "duties": usd(3),
        "fees": usd(1),
        "tax_total": usd("0.40"),
        "total": usd("31.40"),
    }
    posting = sale(an_order(lines=(a_line("A", 1, "25.00"),), shipping=(), **extras))
    assert amounts(posting) == [("goods", "25.00"), ("duty", "3"), ("fee", "1"), ("tip", "2"), ("tax", "0.40")]


@pytest.mark.parametrize("stated", ["24.98", "25.00"], ids=["inside the total", "beside the total"])
def test_cash_rounding_counts_once_however_the_storefront_states_it(stated: str) -> None:
    order = an_order(lines=(a_line("A", 1, "25.00"),), shipping=(), cash_rounding=usd("-0.02"), total=usd(stated))
    posting = sale(order)
    assert amounts(posting) == [("goods", "25.00"), ("rounding", "-0.02")]
    assert posting.total == usd("24.98")


def test_a_price_that_does_not_divide_keeps_the_quantity_and_drops_the_price() -> None:
    line = a_line("A", 3, eur("3.99"), taxes=(a_tax(eur("1.93"), rate="0.19"),))
    goods = sale(an_order(lines=(line,), shipping=(), taxes_included=True)).lines[0]
    assert (goods.quantity, goods.unit_price, goods.amount) == (3, None, eur("10.04"))


def test_a_cent_goes_to_rounding_and_more_is_refused_with_both_sums() -> None:
    posting = sale(an_order(total=usd("49.81")))
    assert amounts(posting)[-1] == ("rounding", "0.01")
    assert posting.total == usd("49.81")
    with pytest.raises(Unmappable, match=r"lines add up to 49\.80 USD, the storefront says 49\.90 USD"):
        sale(an_order(total=usd("49.90")))
    with pytest.raises(Unmappable):
        sale(an_order(total=usd("49.81")), rounding_limit=Decimal(0))


def test_units_edited_away_are_no_sale_and_take_their_share_of_discount_and_tax_along() -> None:
    # given three units of which an edit removed one and a refund gave back another
    line = a_line("MUG", 3, "10.00", discount=usd("1.00"), taxes=(a_tax("2.90", rate="0.1"),))
    back = RefundLine(line_id=line.id, quantity=1, subtotal=usd("9.67"), tax=usd("0.97"))
    order = an_order(
        lines=(changed(line, current=1),),
        shipping=(),
        edited=True,
        refunds=(a_refund(back, id="r"),),
        financial=PAID_BACK,
        current_total=usd("10.63"),
    )
    # then two were sold, one was given back, and what is left is what the storefront says is left
    posting, (refund,) = sale(order), refunds(order)
    assert amounts(posting)[:3] == [("goods", "20.00"), ("discount", "-0.67"), ("tax", "1.93")]
    assert posting.total - refund.total == order.current_total


def test_an_edit_whose_worth_was_given_back_as_an_adjustment_is_taken_back_once() -> None:
    line = a_line("MUG", 2, "100.00", current=1)
    back = a_refund(id="r", amount="100.00")
    order = an_order(lines=(line,), shipping=(), edited=True, refunds=(back,), financial=PAID_BACK)
    posting, (refund,) = sale(order), refunds(order)
    assert (posting.total, refund.total) == (usd(200), usd(100))
    assert amounts(refund) == [("adjustment", "100.00")]


def test_an_order_edited_down_to_nothing_still_says_so() -> None:
    order = an_order(lines=(a_line("MUG", 1, current=0),), shipping=(), edited=True, current_total=usd(0))
    assert amounts(sale(order)) == [("goods", "0")]


def test_a_cancelled_paid_order_keeps_its_sale_and_the_refund_reverses_it() -> None:
    line = a_line("MUG", 2, "10.00", taxes=(a_tax("2.00"),))
    back = a_refund(a_refund_line(line, 2), id="r", shipping=usd(5), amount="22.00", adjustment=usd(0), total=usd(27))
    order = an_order(
        lines=(changed(line, current=0),), refunds=(back,), cancelled_at=NOON, financial=Financial.REFUNDED
    )
    posting, (refund,) = sale(order), refunds(order)
    assert posting.total == refund.total == usd(27)
    assert amounts(refund) == [("goods", "20.00"), ("shipping", "5"), ("tax", "2.00")]


def test_a_cancelled_order_without_a_refund_keeps_its_sale() -> None:
    order = an_order(lines=(a_line("MUG", 2, "10.00", current=0),), cancelled_at=NOON)
    assert sale(order).total == usd(25)


def test_a_refund_takes_back_list_price_discount_and_tax() -> None:
    line = a_line("MUG", 10, "80.00", discount=usd("80"), taxes=(a_tax("57.60", rate="0.08"),))
    order = an_order(lines=(changed(line, current=9),), refunds=(a_refund(a_refund_line(line, 1), id="r"),))
    (posting,) = refunds(order)
    assert amounts(posting) == [("goods", "80.00"), ("discount", "-8.00"), ("tax", "5.76")]
    assert posting.total == usd("77.76")


def test_a_refund_can_be_of_shipping_alone_or_of_good_will() -> None:
    shipping = a_refund(id="a", amount="5.00", shipping=usd(5), adjustment=usd(0))
    good_will = a_refund(id="b", amount="3.00")
    first, second = refunds(an_order(refunds=(shipping, good_will)))
    assert amounts(first) == [("shipping", "5")]
    assert amounts(second) == [("adjustment", "3.00")]
    assert (first.position, second.position) == (1, 2)


def test_less_money_than_came_back_is_an_adjustment_below() -> None:
    line = a_line("MUG", 1, "20.00")
    kept = a_refund(a_refund_line(line, 1), id="r", amount="15.00")
    (posting,) = refunds(an_order(lines=(line,), refunds=(kept,)))
    assert amounts(posting) == [("goods", "20.00"), ("adjustment", "-5.00")]


def test_a_refund_to_a_gift_card_is_owed_again_and_moves_nothing_through_clearing() -> None:
    line = a_line("MUG", 1, "20.00")
    to_card = (a_payment("20.00", kind="refund", gateway="gift_card"),)
    (posting,) = refunds(an_order(lines=(line,), refunds=(a_refund(a_refund_line(line), payments=to_card),)))
    assert amounts(posting) == [("goods", "20.00"), ("gift_card_redeemed", "-20.00")]
    assert posting.total == usd(0)


def test_restocking_without_money_is_no_refund() -> None:
    line = a_line("MUG", 1, "20.00")
    restocked = a_refund(a_refund_line(line), total=usd(0), payments=())
    assert refunds(an_order(lines=(line,), refunds=(restocked,))) == []


def test_a_refund_whose_money_and_lines_disagree_is_refused_with_both_sums() -> None:
    line = a_line("MUG", 1, "20.00")
    odd = a_refund(a_refund_line(line), total=usd("18.00"))
    with pytest.raises(Unmappable, match=r"lines add up to 20\.00 USD, the storefront says 18\.00 USD"):
        refunds(an_order(lines=(line,), refunds=(odd,)))


@pytest.mark.parametrize("given_back", ["10.70", "12.00"], ids=["tax inside shipping", "tax beside shipping"])
def test_with_taxes_included_the_refunds_own_total_tells_where_shipping_tax_is(given_back: str) -> None:
    refund = Refund(
        id="r",
        at=NOON,
        shipping=eur("10.70"),
        shipping_tax=eur("1.30"),
        adjustment=eur(0),
        adjustment_tax=eur(0),
        total=eur(given_back),
    )
    line = a_line("MUG", 1, eur("20.00"))
    (posting,) = refunds(an_order(lines=(line,), taxes_included=True, refunds=(refund,)))
    assert posting.total == eur(given_back)
    assert ("tax", "1.30") in amounts(posting)


# Whatever is ordered and given back, in any currency, with tax inside or on top: debits are credits.

SMALLEST = {"USD": 2, "JPY": 0, "KWD": 3}


@st.composite
def lines(draw: st.DrawFn, currency: str, number: int, included: bool) -> Line:
    step = Decimal(1).scaleb(-SMALLEST[currency])
    quantity = draw(st.integers(1, 7))
    price = draw(st.integers(1, 99_999)) * step
    discount = draw(st.integers(0, 100)) * quantity * price / 100
    net = money(price * quantity - discount, currency).rounded()
    rate = draw(st.sampled_from([Decimal(0), Decimal("0.07"), Decimal("0.0825"), Decimal("0.19")]))
    tax = Money(amount=net.amount * rate / (1 + rate if included else 1), currency=currency).rounded()
    return a_line(
        f"SKU-{number}",
        quantity,
        money(price, currency),
        discount=money(price * quantity, currency) - net,
        taxes=(a_tax(tax, rate=str(rate), remitted_by_channel=draw(st.booleans())),) if tax else (),
        gift_card=draw(st.booleans()),
    )


@st.composite
def orders(draw: st.DrawFn) -> Order:
    currency, included = draw(st.sampled_from(sorted(SMALLEST))), draw(st.booleans())
    bought = [draw(lines(currency, number, included)) for number in range(draw(st.integers(1, 4)))]
    given_back, left = [], []
    for line in bought:
        units = draw(st.integers(0, line.quantity))
        left.append(changed(line, current=line.quantity - units))
        if units:
            share = line.net.split([units, line.quantity - units])[0]
            tax = line.tax.split([units, line.quantity - units])[0]
            given_back.append(RefundLine(line_id=line.id, quantity=units, subtotal=share, tax=tax))
    worth = total((back.subtotal + (back.tax * (0 if included else 1)) for back in given_back), currency)
    refund = a_refund(*given_back, total=worth, adjustment=money(0, currency), shipping=money(0, currency), payments=())
    return an_order(
        lines=tuple(left),
        shipping=(a_shipping_charge(money(5, currency), taxes=()),),
        taxes_included=included,
        refunds=(changed(refund, shipping_tax=money(0, currency), adjustment_tax=money(0, currency)),)
        if given_back
        else (),
    )


@given(orders())
def test_debits_are_credits_for_any_order(order: Order) -> None:
    posting = sale(order)
    assert summed(posting) == posting.total
    kept = total((line.amount for line in posting.lines if "paid by the channel" in line.description), order.currency)
    assert posting.total - kept == order.total
    for refund, posted in zip((one for one in order.refunds if one.total), refunds(order), strict=True):
        assert summed(posted) == posted.total
        back = (line.amount for line in posted.lines if "paid by the channel" in line.description)
        assert posted.total - total(back, order.currency) == refund.total


@given(orders())
def test_every_amount_is_a_whole_number_of_the_smallest_coin(order: Order) -> None:
    for posting in (sale(order), *refunds(order)):
        assert all(line.amount == line.amount.rounded() for line in posting.lines)
        priced = [
            (line, line.unit_price * (line.quantity or 0)) for line in posting.lines if line.unit_price is not None
        ]
        assert all(product == line.amount for line, product in priced)
