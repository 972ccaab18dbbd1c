"""Recording the same fact twice is harmless, and nothing is lost between two reads."""

from __future__ import annotations

import pytest

from commerce.events import Kind
from commerce.orders import Order
from commerce.ports import Unreadable
from ledger import Recorded
from tests.builders import NOON, a_fulfilment, a_level, a_parcel, a_refund, after, an_order, changed, usd
from tests.ledger.contract import together


def kinds(ledger, number="#1001"):
    return [event.kind for event in ledger.trace(number).events]


def latest_orders(ledger):
    return [Order.model_validate(data) for data in ledger.latest("shop", "order")]


def test_an_order_is_recorded_once_however_often_it_is_read(ledger):
    # given an order that was recorded
    assert ledger.record_orders("shop", [an_order()]) == Recorded(new_events=1, changed=1)
    # when it is read again, twice in one page
    again = ledger.record_orders("shop", [an_order(), an_order()])
    # then nothing is added
    assert again == Recorded(known=2)
    assert kinds(ledger) == ["order.placed"]


def test_a_stamp_that_moves_alone_is_no_change(ledger):
    ledger.record_orders("shop", [an_order()])
    assert ledger.record_orders("shop", [an_order(updated_at=after(minutes=5))]).new_events == 0
    # and what was true before that stamp is older, although nothing was recorded at it
    assert ledger.record_orders("shop", [an_order(note="old", updated_at=after(minutes=4))]).new_events == 0
    assert latest_orders(ledger)[0].note == ""


def test_two_changes_within_one_second_are_two_facts(ledger):
    for note in ("", "ring twice", "ring thrice"):
        ledger.record_orders("shop", [an_order(note=note)])
    assert kinds(ledger) == ["order.placed", "order.updated", "order.updated"]
    assert latest_orders(ledger)[0].note == "ring thrice"


def test_a_slow_reader_does_not_bring_back_a_state_of_the_same_second(ledger):
    # given an order that was placed and edited within one second
    ledger.record_orders("shop", [an_order(note="")])
    ledger.record_orders("shop", [an_order(note="ring twice")])
    # when somebody who read it in between records it late
    late = ledger.record_orders("shop", [an_order(note="")])
    # then the edit stays
    assert late == Recorded(known=1)
    assert latest_orders(ledger)[0].note == "ring twice"


def test_an_older_revision_never_becomes_the_latest(ledger):
    ledger.record_orders("shop", [an_order(note="new", updated_at=after(minutes=9))])
    assert ledger.record_orders("shop", [an_order(note="old", updated_at=after(minutes=1))]) == Recorded(known=1)
    assert latest_orders(ledger)[0].note == "new"


def test_a_first_snapshot_tells_everything_that_it_contains(ledger):
    order = an_order(refunds=(a_refund(amount="5"),), fulfilments=(a_fulfilment(),), cancelled_at=after(hours=3))
    assert ledger.record_orders("shop", [order]).new_events == 4
    assert kinds(ledger) == ["order.placed", "order.refunded", "order.fulfilled", "order.cancelled"]


def test_later_snapshots_tell_only_what_is_new(ledger):
    first = an_order()
    refunded = changed(first, refunds=(a_refund(amount="5"),), updated_at=after(hours=1))
    twice = changed(refunded, refunds=(*refunded.refunds, a_refund(id="r2", amount="1")), updated_at=after(hours=2))
    for order in (first, refunded, refunded, twice):
        ledger.record_orders("shop", [order])
    assert kinds(ledger) == ["order.placed", "order.refunded", "order.refunded"]
    assert [event.part for event in ledger.trace("#1001").events] == ["", "refund-1", "r2"]


def test_one_page_may_hold_several_states_of_an_order(ledger):
    pages = [an_order(note="a"), an_order(note="b", updated_at=after(minutes=1)), an_order(note="a")]
    assert ledger.record_orders("shop", pages) == Recorded(new_events=2, changed=2, known=1)
    assert latest_orders(ledger)[0].note == "b"


def test_facts_and_watermark_commit_together(ledger):
    ledger.record_orders("shop", [an_order()], cursor=("orders", after(minutes=3)))
    assert ledger.cursor("shop", "orders") == after(minutes=3)
    assert ledger.cursor("shop", "parcels") is None
    # a watermark goes back only when somebody sets it
    ledger.record_orders("shop", [], cursor=("orders", NOON))
    assert ledger.cursor("shop", "orders") == after(minutes=3)
    ledger.set_cursor("shop", "orders", NOON)
    assert ledger.cursor("shop", "orders") == NOON


def test_a_broken_page_leaves_nothing_behind(ledger):
    ledger.subscribe("warehouse", "shop", ["order"], "state")
    with pytest.raises(AttributeError):
        ledger.record_orders("shop", [an_order()], cursor=("orders", NOON), unreadable=["not a record"])
    assert ledger.trace("#1001").events == ()
    assert ledger.cursor("shop", "orders") is None
    assert ledger.claim("warehouse", limit=9).items == []


def test_what_cannot_be_read_is_held_until_it_can(ledger):
    bad = Unreadable(subject="shop:51001", label="#1001", reason="order #1001 has no lines", hint="open it")
    assert ledger.record_orders("shop", [an_order(1002)], unreadable=[bad]).unreadable == 1
    ledger.record_orders("shop", [], unreadable=[bad])
    [record] = ledger.held()
    assert (record.destination, record.label, record.cause, record.attempts) == ("shop", "#1001", "unreadable", 2)
    # when the order can be read again, it is over
    ledger.record_orders("shop", [an_order(1001)])
    assert ledger.held() == []


def test_history_for_some_is_not_brought_to_others(ledger):
    for name in ("warehouse", "books", "marketing"):
        ledger.subscribe(name, "shop", ["order"], "state", live_from=NOON)
    ledger.record_orders("shop", [an_order(1001)])
    # when two orders, one of them known, are recorded as history of the books, and then for marketing
    for only in (["books"], ["books"], ["marketing"]):
        ledger.record_orders("shop", [an_order(1001), an_order(1002)], historical=True, only=only)
    # then the new one is only where it was wanted, and nobody has anything twice
    counts = {row.destination: row.waiting for row in ledger.status()}
    assert counts == {"warehouse": 1, "books": 2, "marketing": 2}
    claims = [ledger.claim("books", limit=9).items for _ in range(3)]
    assert [[item.newest.historical for item in items] for items in claims] == [[False], [True], []]


def test_parcels_are_recorded_beside_their_order(ledger):
    ledger.record_orders("shop", [an_order()])
    label = a_parcel()
    ledger.record_parcels("warehouse", [label], cursor=("parcels", NOON))
    ledger.record_parcels("warehouse", [changed(label, voided=True, updated_at=after(hours=4))])
    assert kinds(ledger) == ["order.placed", "parcel.shipped", "parcel.voided"]


def test_stock_is_recorded_when_a_quantity_changes(ledger):
    ledger.record_stock("inventory", [a_level(available=10), a_level("TEA", 4)])
    again = [a_level(available="10.0", as_of=after(hours=2)), a_level("TEA", 3, as_of=after(hours=2))]
    assert ledger.record_stock("inventory", again) == Recorded(new_events=1, changed=1, known=1)
    # a reading that took longer than the next one says nothing
    assert ledger.record_stock("inventory", [a_level(available=9, as_of=after(hours=1))]).new_events == 0
    levels = {data["sku"]: data["available"] for data in ledger.latest("inventory", "stock")}
    assert levels == {"MUG-RED": "10", "TEA": "3"}


def test_two_readers_of_one_source_record_each_change_once(opened, ledger):
    ledger.subscribe("marketing", "shop", ["order"], "events", live_from=NOON)
    pages = [[an_order(n, note=note, total=usd(n)) for n in range(1000, 1040)] for note in ("", "changed")]

    def read() -> None:
        for page in pages:
            opened().record_orders("shop", page)

    together(read, read)
    assert [row.waiting for row in ledger.status()] == [80]
    assert {order.note for order in latest_orders(ledger)} == {"changed"}


def test_hostile_text_is_kept(ledger):
    order = changed(an_order(), number="#10\x0001", note="\u202enul\x00 and 💥")
    ledger.record_orders("shop", [order], unreadable=[Unreadable(subject="x", label="\x00", reason="\x00")])
    assert latest_orders(ledger) == [order]
    assert kinds(ledger, "#1001") == [Kind.ORDER_PLACED]
