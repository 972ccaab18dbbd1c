"""What has to be shipped from where, told by examples, and what must never happen, told by properties."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.allocation import Allocation, Verdict, WantedLine, WantedShipment, shipments_wanted
from commerce.errors import Unmappable
from commerce.orders import Financial, FulfilmentLine, FulfilmentOrder, Order
from tests.builders import (
    NOON,
    UNPAID,
    a_fulfilment,
    a_fulfilment_line,
    a_fulfilment_order,
    a_line,
    a_refund,
    a_refund_line,
    after,
    an_order,
)

MUGS = a_line("MUG-RED", 3)
TEA = a_line("TEA", 1, "5.00")
EBOOK = a_line("EBOOK", 1, "9.00", requires_shipping=False)


def a_route(*lines: FulfilmentLine, **fields: Any) -> FulfilmentOrder:
    """What the warehouse "loc-1" has to ship, line by line."""
    base = {"id": "fo-1", "status": "open", "location_id": "loc-1", "location": "Warehouse"}
    return FulfilmentOrder(**{**base, "lines": lines, **fields})


def test_a_paid_order_ships_everything_that_is_left_from_its_location() -> None:
    # given an order of three mugs and a tea, of which one mug has left and a digital line never will
    routed = a_route(
        a_fulfilment_line(MUGS, remaining=2), a_fulfilment_line(TEA), method="Standard", ship_by=after(days=2)
    )
    order = an_order(lines=(MUGS, EBOOK, TEA), fulfilment_orders=(routed,))
    # then what is left is one shipment
    assert shipments_wanted(order) == Allocation(
        verdict=Verdict.SHIP,
        shipments=(
            WantedShipment(
                location_id="loc-1",
                location="Warehouse",
                method="Standard",
                ship_by=after(days=2),
                lines=(WantedLine(line_id="line-MUG-RED", quantity=2), WantedLine(line_id="line-TEA", quantity=1)),
            ),
        ),
    )


def test_two_locations_are_two_shipments_and_two_fulfilment_orders_of_one_location_are_one() -> None:
    order = an_order(
        lines=(MUGS, TEA),
        fulfilment_orders=(
            a_route(a_fulfilment_line(TEA), id="b", location_id="loc-2"),
            a_route(a_fulfilment_line(MUGS, remaining=1), id="c", ship_by=after(days=1)),
            a_route(a_fulfilment_line(MUGS, remaining=2), id="a", ship_by=after(days=3)),
        ),
    )
    wanted = shipments_wanted(order).shipments
    assert [(each.location_id, dict(each.units), each.ship_by) for each in wanted] == [
        ("loc-1", {"line-MUG-RED": 3}, after(days=1)),
        ("loc-2", {"line-TEA": 1}, None),
    ]


def _with_one_route(**fields: Any) -> Order:
    return an_order(lines=(MUGS,), fulfilment_orders=(a_fulfilment_order([MUGS], **fields),))


NONE_LEFT = a_line("MUG-RED", 3, current=0)
GONE = a_fulfilment(quantities={MUGS.id: 3})
CLOSED = a_route(a_fulfilment_line(MUGS, remaining=0), status="closed")

REASONS = {
    "test": (an_order(test=True), Verdict.STOP, "test order"),
    "cancelled": (an_order(cancelled_at=NOON), Verdict.STOP, "cancelled"),
    "unpaid": (an_order(financial=Financial.PENDING), Verdict.WAIT, "waiting for payment"),
    "partly paid": (an_order(financial=Financial.PARTIALLY_PAID), Verdict.WAIT, "waiting for payment"),
    "authorised": (an_order(financial=Financial.AUTHORISED), Verdict.WAIT, "waiting for payment"),
    "voided": (an_order(financial=Financial.VOIDED), Verdict.STOP, "payment voided"),
    "digital": (an_order(lines=(EBOOK,)), Verdict.STOP, "digital only"),
    "not routed": (an_order(fulfilment_orders=()), Verdict.ASK_AGAIN, "waiting for the storefront's routing"),
    "not routed, though fulfilled": (
        an_order(lines=(MUGS,), fulfilment_orders=(), fulfilments=(GONE,)),
        Verdict.STOP,
        "already fulfilled",
    ),
    "picked up": (_with_one_route(delivery="pick_up"), Verdict.STOP, "picked up in shop"),
    "local": (_with_one_route(delivery="local"), Verdict.STOP, "delivered by the shop itself"),
    "on hold": (
        _with_one_route(status="on_hold", hold_reasons=("high risk of fraud",)),
        Verdict.HOLD,
        "on hold: high risk of fraud",
    ),
    "scheduled": (_with_one_route(status="scheduled"), Verdict.HOLD, "scheduled"),
    "not released": (_with_one_route(fulfillable=False), Verdict.HOLD, "not released by the storefront"),
    "order on hold": (an_order(on_hold=True), Verdict.HOLD, "on hold"),
    "fulfilled": (
        an_order(lines=(MUGS,), fulfilment="fulfilled", fulfilment_orders=(CLOSED,), fulfilments=(GONE,)),
        Verdict.STOP,
        "already fulfilled",
    ),
    "refunded": (
        an_order(
            lines=(NONE_LEFT,),
            financial=Financial.REFUNDED,
            refunds=(a_refund(a_refund_line(MUGS, 3)),),
            fulfilment_orders=(CLOSED,),
        ),
        Verdict.STOP,
        "refunded before shipping",
    ),
    "sent back": (
        an_order(lines=(NONE_LEFT,), financial=Financial.REFUNDED, fulfilments=(GONE,), fulfilment_orders=(CLOSED,)),
        Verdict.STOP,
        "already fulfilled",
    ),
}


@pytest.mark.parametrize(("order", "verdict", "reason"), REASONS.values(), ids=REASONS.keys())
def test_nothing_to_ship_has_a_reason(order: Order, verdict: Verdict, reason: str) -> None:
    allocation = shipments_wanted(order)
    assert (allocation.verdict, allocation.reason, allocation.shipments) == (verdict, reason, ())


def test_reserved_money_is_enough_where_the_shop_says_so() -> None:
    order = an_order(financial=Financial.AUTHORISED)
    assert shipments_wanted(order, "authorised").verdict is Verdict.SHIP
    assert shipments_wanted(an_order(financial=Financial.PENDING), "authorised").verdict is Verdict.WAIT


def test_a_pickup_point_is_reached_by_parcel() -> None:
    assert shipments_wanted(_with_one_route(delivery="pickup_point")).verdict is Verdict.SHIP


def test_what_is_on_hold_waits_and_the_rest_goes() -> None:
    order = an_order(
        lines=(MUGS, TEA),
        fulfilment_orders=(
            a_fulfilment_order([TEA], id="a"),
            a_fulfilment_order([MUGS], id="b", status="on_hold", hold_reasons=("awaiting stock",)),
        ),
        on_hold=True,
    )
    allocation = shipments_wanted(order)
    assert [dict(each.units) for each in allocation.shipments] == [{"line-TEA": 1}]
    assert [dict(each.units) for each in allocation.waiting] == [{"line-MUG-RED": 3}]
    assert allocation.reason == "on hold: awaiting stock"


def test_a_routing_that_lags_behind_a_refund_ships_no_refunded_unit() -> None:
    # given three mugs of which two are refunded, while the fulfilment order still shows three
    line = a_line("MUG-RED", 3, current=1)
    order = an_order(lines=(line,), fulfilment_orders=(a_fulfilment_order([MUGS]),))
    assert [dict(each.units) for each in shipments_wanted(order).shipments] == [{"line-MUG-RED": 1}]


def test_two_routes_that_claim_the_same_units_share_them() -> None:
    # given three mugs that two locations both claim, as while they move from one to the other
    routes = (a_route(a_fulfilment_line(MUGS, remaining=2)), a_route(a_fulfilment_line(MUGS), id="b", location_id="z"))
    order = an_order(lines=(MUGS,), fulfilment_orders=routes)
    wanted = shipments_wanted(order).shipments
    assert [(each.location_id, dict(each.units)) for each in wanted] == [
        ("loc-1", {"line-MUG-RED": 2}),
        ("z", {"line-MUG-RED": 1}),
    ]


def test_a_line_that_the_order_does_not_have_is_for_a_person() -> None:
    with pytest.raises(Unmappable, match="line-TEA, which it does not have"):
        shipments_wanted(an_order(lines=(MUGS,), fulfilment_orders=(a_fulfilment_order([TEA]),)))


STATUSES = st.sampled_from(["open", "in_progress", "on_hold", "scheduled", "closed", "cancelled", "incomplete"])
DELIVERIES = st.sampled_from(["shipping", "pickup_point", "pick_up", "local", "retail", "none", "drone"])
SKUS = ("A", "B", "C")


@st.composite
def routed_orders(draw: st.DrawFn) -> Order:
    """Orders whose routing may contradict their lines in every way that a late snapshot can."""
    lines = []
    for sku in SKUS:
        quantity = draw(st.integers(1, 5))
        current = draw(st.integers(0, quantity))
        lines.append(a_line(sku, quantity, current=current, requires_shipping=draw(st.booleans())))
    routed = tuple(
        FulfilmentOrder(
            id=f"fo-{at}",
            status=draw(STATUSES),
            delivery=draw(DELIVERIES),
            location_id=draw(st.sampled_from(["", "loc-1", "loc-2"])),
            fulfillable=draw(st.booleans()),
            lines=tuple(
                a_fulfilment_line(line, remaining=draw(st.integers(0, 5)), requires_shipping=draw(st.booleans()))
                for line in lines
            ),
        )
        for at in range(draw(st.integers(0, 3)))
    )
    return an_order(
        lines=tuple(lines),
        fulfilment_orders=routed,
        test=draw(st.sampled_from([False] * 9 + [True])),
        cancelled_at=draw(st.sampled_from([None] * 9 + [NOON])),
        on_hold=draw(st.booleans()),
        financial=draw(st.sampled_from([Financial.PAID, Financial.PARTIALLY_REFUNDED] * 5 + list(Financial))),
    )


@given(routed_orders(), st.sampled_from(["paid", "authorised"]))
def test_what_must_never_be_shipped(order: Order, policy: str) -> None:
    allocation = shipments_wanted(order, policy)  # type: ignore[arg-type]
    everything = [*allocation.shipments, *allocation.waiting]
    units = sum((each.units for each in everything), Counter[str]())
    # never more than ordered minus refunded, each unit in one shipment at most, never zero units, only parcels
    assert all(units[line.id] <= line.current for line in order.lines)
    assert all(line.quantity > 0 for each in everything for line in each.lines)
    assert all(each.lines for each in everything)
    assert all(order.line(line_id).requires_shipping for line_id in units)  # type: ignore[union-attr]
    assert len({each.location_id for each in allocation.shipments}) == len(allocation.shipments)
    if order.test or order.cancelled or (order.financial in (*UNPAID, Financial.UNKNOWN) and policy == "paid"):
        assert not everything
    # never silent: no shipment without a verdict, nothing held back without a reason
    assert bool(allocation.shipments) == (allocation.verdict is Verdict.SHIP)
    assert allocation.reason or (allocation.shipments and not allocation.waiting)


@given(routed_orders())
def test_the_order_of_the_feed_does_not_matter(order: Order) -> None:
    backwards = order.model_copy(update={"fulfilment_orders": order.fulfilment_orders[::-1]})
    assert shipments_wanted(backwards) == shipments_wanted(order)
