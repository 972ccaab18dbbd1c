"""What happened is the difference between two snapshots."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.events import Kind
from commerce.facts import content_digest, order_facts, parcel_facts, stock_facts
from commerce.orders import Order
from tests.builders import (
    NOON,
    a_fulfilment,
    a_level,
    a_line,
    a_parcel,
    a_refund,
    after,
    an_order,
    changed,
    usd,
)


def told(events):
    return [(str(event.kind), event.part, event.occurred_at) for event in events]


def test_a_new_order_is_placed_when_it_was_processed():
    order = an_order(created_at=NOON, processed_at=after(minutes=-2), updated_at=after(minutes=3))
    [event] = order_facts(None, order)
    assert event.model_dump(exclude={"key", "data"}) == {
        "source": "shop",
        "kind": Kind.ORDER_PLACED,
        "subject": "shop:51001",
        "revision": after(minutes=3),
        "occurred_at": after(minutes=-2),
        "part": "",
        "historical": False,
    }
    assert Order.model_validate(event.data) == order


def test_a_key_says_source_subject_stamp_content_kind_and_part():
    order = an_order(refunds=(a_refund(amount="5"),))
    digest = content_digest(order)[:12]
    assert [event.key for event in order_facts(None, order)] == [
        f"shop|shop:51001|2026-11-20T12:00:00+00:00|{digest}|order.placed|",
        f"shop|shop:51001|2026-11-20T12:00:00+00:00|{digest}|order.refunded|refund-1",
    ]


def test_a_first_snapshot_tells_everything_in_the_order_in_which_it_happened():
    order = an_order(
        cancelled_at=after(hours=3),
        fulfilments=(a_fulfilment("f-1", at=after(hours=2)), a_fulfilment("f-2", at=after(hours=1))),
        refunds=(a_refund(amount="5", at=after(minutes=90)),),
    )
    assert told(order_facts(None, order)) == [
        ("order.placed", "", NOON),
        ("order.fulfilled", "f-2", after(hours=1)),
        ("order.refunded", "refund-1", after(minutes=90)),
        ("order.fulfilled", "f-1", after(hours=2)),
        ("order.cancelled", "", after(hours=3)),
    ]


def test_only_what_is_new_is_told_later():
    before = an_order(refunds=(a_refund(amount="5"),), fulfilments=(a_fulfilment("f-1"),))
    now = changed(
        before,
        refunds=(*before.refunds, a_refund(id="refund-2", amount="1", at=after(hours=5))),
        fulfilments=(*before.fulfilments, a_fulfilment("f-2", at=after(hours=4))),
        updated_at=after(hours=5),
    )
    assert told(order_facts(before, now)) == [
        ("order.fulfilled", "f-2", after(hours=4)),
        ("order.refunded", "refund-2", after(hours=5)),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"note": "ring twice"},
        {"tags": ("vip",)},
        {"on_hold": True},
        {"ship_to": None},
        {"lines": (a_line("TEA", 3),)},
        {"fulfilments": (a_fulfilment(status="failure"),)},
    ],
)
def test_any_other_change_is_an_update(change):
    now = changed(an_order(), **change, updated_at=after(minutes=7))
    assert told(order_facts(an_order(), now)) == [("order.updated", "", after(minutes=7))]


def test_a_fulfilment_is_told_when_it_succeeds():
    before = an_order(fulfilments=(a_fulfilment(status="pending"),))
    now = changed(before, fulfilments=(a_fulfilment(status="success"),), updated_at=after(hours=2))
    assert told(order_facts(before, now)) == [("order.fulfilled", "ful-1", after(hours=2))]


def test_a_cancellation_is_told_once():
    before = an_order(cancelled_at=after(hours=1))
    now = changed(before, note="why", updated_at=after(hours=2))
    assert told(order_facts(before, now)) == [("order.updated", "", after(hours=2))]


def test_a_stamp_alone_is_no_change_and_an_older_snapshot_says_nothing():
    order = an_order(updated_at=after(minutes=1))
    assert order_facts(order, changed(order, updated_at=after(minutes=9))) == []
    assert order_facts(order, changed(order, note="old", updated_at=NOON)) == []


def test_two_changes_within_one_second_have_different_keys():
    placed = an_order()
    first, second = changed(placed, note="a"), changed(placed, note="b")
    assert order_facts(placed, first)[0].key != order_facts(first, second)[0].key


def test_history_is_marked_on_every_fact():
    order = an_order(cancelled_at=after(hours=3))
    assert [event.historical for event in order_facts(None, order, historical=True)] == [True, True]


def test_a_parcel_is_shipped_changed_and_voided_once():
    parcel = a_parcel()
    retracked = changed(parcel, tracking_numbers=("1Z2",), updated_at=after(hours=3))
    voided = changed(retracked, voided=True, updated_at=after(hours=4))
    noted = changed(voided, service="", updated_at=after(hours=5))
    assert told(parcel_facts(None, parcel)) == [("parcel.shipped", "", after(hours=2))]
    assert told(parcel_facts(parcel, retracked)) == [("parcel.shipped", "", after(hours=3))]
    assert told(parcel_facts(retracked, voided)) == [("parcel.voided", "", after(hours=4))]
    assert parcel_facts(voided, noted) == []
    assert parcel_facts(voided, parcel) == []
    assert told(parcel_facts(None, voided)) == [("parcel.voided", "", after(hours=4))]


def test_stock_changes_when_a_quantity_does():
    before = a_level(available=10)
    sold = a_level(available=9, as_of=after(hours=1))
    [event] = stock_facts(before, sold)
    assert (event.kind, event.subject, event.occurred_at) == (
        Kind.STOCK_CHANGED,
        "inventory:1/MUG-RED",
        after(hours=1),
    )
    assert "13:00:00" in event.key
    assert stock_facts(before, a_level(available="10.00", as_of=after(hours=1))) == []
    assert stock_facts(sold, a_level(available=4, as_of=NOON)) == []
    assert len(stock_facts(None, before)) == 1


amounts = st.decimals(min_value=0, max_value=10**6, places=2)


@given(amounts, st.integers(0, 6))
def test_amounts_that_are_equal_digest_equally(amount, zeros):
    longer = amount.quantize(Decimal(1).scaleb(-2 - zeros))
    assert content_digest(an_order(tip=usd(amount))) == content_digest(an_order(tip=usd(longer)))


@given(amounts, amounts)
def test_amounts_that_differ_digest_differently(one, other):
    same = content_digest(an_order(tip=usd(one))) == content_digest(an_order(tip=usd(other)))
    assert same == (one == other)


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_change_is_told_if_and_only_if_there_is_one(one, other):
    told = order_facts(an_order(note=one), an_order(note=other, updated_at=after(minutes=1)))
    assert bool(told) == (one != other)
