"""Looking an order up, and what the log knows for the stock."""

from __future__ import annotations

import pytest

from tests.builders import NOON, a_fulfilment_line, a_fulfilment_order, a_line, a_parcel, after, an_order
from tests.ledger.contract import done

MUGS, TEA = a_line("MUG", 3), a_line("TEA", 2, "5.00")


@pytest.fixture
def hub(ledger):
    """Order #1001 is in the books and at the warehouse, which has sent a parcel that the shop knows."""
    ledger.subscribe("books", "shop", ["order"], "state", live_from=NOON)
    ledger.subscribe("shop", "warehouse", ["parcel"], "state", live_from=NOON)
    ledger.record_orders("shop", [an_order(1001), an_order(1002)])
    ledger.record_parcels("warehouse", [a_parcel("l-1"), a_parcel("l-2"), a_parcel("l-3", an_order(1002))])
    for name in ("books", "shop"):
        claim = ledger.claim(name, limit=9)
        ledger.settle(claim, [(item, done(f"{name}-{item.subject[-5:]}")) for item in claim.items])
    return ledger


@pytest.mark.parametrize(
    "words", ["#1001", "1001", " 1001 ", "shop:51001", "51001", "books-51001", "warehouse:l-1", "shop-e:l-1"]
)
def test_an_order_is_found_by_whatever_people_have_in_hand(hub, words):
    found = hub.trace(words)
    assert found.subjects == ("shop:51001", "warehouse:l-1", "warehouse:l-2")
    assert [event.kind for event in found.events] == ["order.placed", "parcel.shipped", "parcel.shipped"]
    assert [(one.destination, one.state) for one in found.deliveries] == [("books", "done"), *[("shop", "done")] * 2]
    assert [line.outcome for line in found.history] == ["done"] * 3
    ids = {name: binding.vendor_id for name, binding in found.bindings.items()}
    assert ids.pop("books") == "books-51001"
    assert sorted(ids.values()) == ["shop-e:l-1", "shop-e:l-2"]


def test_a_stranger_leaves_no_trace(hub):
    assert hub.trace("#9999").events == ()
    assert hub.trace("").events == ()
    assert hub.trace("%").subjects == ()


def test_units_that_are_promised_are_counted_by_place(ledger):
    # given an order of which one mug has left, one for two places, and some that want nothing
    partly = a_fulfilment_order([a_fulfilment_line(MUGS, remaining=2), a_fulfilment_line(TEA)])
    places = (
        a_fulfilment_order([MUGS], id="fo-1", location_id="loc-1"),
        a_fulfilment_order([TEA], id="fo-2", location_id="loc-2"),
        a_fulfilment_order([TEA], id="fo-3", location_id="loc-3", status="closed"),
    )
    ledger.record_orders(
        "shop",
        [
            an_order(1, lines=(MUGS, TEA), fulfilment_orders=(partly,)),
            an_order(2, lines=(MUGS, TEA), fulfilment_orders=places, created_at=after(hours=1)),
            an_order(3, lines=(TEA,), fulfilment_orders=(), created_at=after(hours=2)),
            an_order(4, lines=(TEA,), cancelled_at=after(hours=1)),
            an_order(5, lines=(TEA,), test=True),
            an_order(6, lines=(a_line(""),)),
        ],
    )
    mine = {("MUG", "loc-1"): 5, ("TEA", "loc-1"): 2, ("TEA", "loc-2"): 2, ("TEA", ""): 2}
    assert ledger.units_ordered_since("shop", None) == mine
    assert ledger.units_ordered_since("shop", after(hours=2)) == {("TEA", ""): 2}
    assert ledger.units_ordered_since("elsewhere", None) == {}


def test_units_that_have_left_are_promised_no_more(ledger):
    ledger.record_orders("shop", [an_order(1, lines=(TEA,))])
    left = a_fulfilment_order([a_fulfilment_line(TEA, remaining=0)], status="closed")
    ledger.record_orders("shop", [an_order(1, lines=(TEA,), fulfilment_orders=(left,), updated_at=after(hours=1))])
    assert ledger.units_ordered_since("shop", None) == {}


def test_latest_reads_in_handfuls(ledger, monkeypatch):
    monkeypatch.setattr("ledger.views.AT_ONCE", 3)
    ledger.record_orders("shop", [an_order(number) for number in range(10, 19)])
    assert [data["number"] for data in ledger.latest("shop", "order")] == [f"#{number}" for number in range(10, 19)]
    assert list(ledger.latest("shop", "stock")) == []
