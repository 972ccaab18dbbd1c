"""By when an order has to leave."""

from __future__ import annotations

from typing import Any

import pytest

from commerce.orders import FulfilmentOrder
from commerce.promises import HANDLING, promise_of
from tests.builders import NOON, a_fulfilment_line, a_fulfilment_order, a_line, after, an_order

MUGS = a_line("MUG-RED", 2)
TEA = a_line("TEA")


def route(days: float | None, **fields: Any) -> FulfilmentOrder:
    """Something to be shipped, in so many days."""
    lines = fields.pop("lines", [TEA])
    return a_fulfilment_order(lines, ship_by=None if days is None else after(days=days), **fields)


@pytest.mark.parametrize(
    ("routes", "days"),
    [
        ([route(3), route(2), route(None)], 2),
        ([route(3), route(1, status="closed")], 3),
        ([route(3), route(1, status="cancelled")], 3),
        ([route(3), route(1, delivery="pick_up")], 3),
        ([route(3), route(1, lines=(a_fulfilment_line(TEA, remaining=0),))], 3),
        ([route(3), route(1, lines=(a_fulfilment_line(TEA, requires_shipping=False),))], 3),
        ([route(3), route(2, status="on_hold")], 2),
        ([route(0.25)], 0.25),
    ],
)
def test_the_earliest_promise_of_what_is_still_to_be_shipped_counts(routes: list[FulfilmentOrder], days: float) -> None:
    assert promise_of(an_order(lines=(MUGS, TEA), fulfilment_orders=tuple(routes))) == after(days=days)


def test_an_order_without_a_promise_is_to_leave_when_it_can_be_packed() -> None:
    order = an_order(lines=(TEA,), fulfilment_orders=(route(None),), processed_at=after(hours=2))
    assert promise_of(order) == after(hours=2) + HANDLING
    # also while nobody knows yet from where, and when it is to be called off
    assert promise_of(an_order(fulfilment_orders=())) == NOON + HANDLING
    off = an_order(fulfilment_orders=(route(5, status="cancelled"),), cancelled_at=after(hours=3))
    assert promise_of(off) == NOON + HANDLING


def test_what_has_left_hurries_nobody() -> None:
    assert promise_of(an_order(fulfilment="fulfilled", fulfilment_orders=(route(1, status="closed"),))) is None
