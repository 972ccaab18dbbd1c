"""Holds, releases and cancellations over V1 whose answer is lost, or that somebody is quicker with."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from commerce.orders import Order
from commerce.outcomes import Done, Held, Unknown
from tests.builders import NOON, a_fulfilment_order, a_line, an_order
from tests.integrations.shipstation.v1.world import V1World

MUGS = a_line("MUG-RED", 3)
HOLD, RESTORE, CHANGE = "/orders/holduntil", "/orders/restorefromhold", "/orders/createorder"


def wanted(status: str = "open", **fields: object) -> Order:
    """Three mugs, to be shipped or (`on_hold`) kept."""
    routes = (a_fulfilment_order([MUGS], status=status),)
    return an_order(lines=(MUGS,), fulfilment_orders=routes, **fields)


def just_before(world: V1World, path: str, act: Callable[[], object]) -> None:
    """Somebody acts between our look and our call of `path`."""
    answer = world.sim.answer

    def first_they_then_we(request: httpx.Request) -> httpx.Response:
        if request.url.path == path:
            world.sim.answer = answer  # type: ignore[method-assign]
            act()
        return answer(request)

    world.sim.answer = first_they_then_we  # type: ignore[method-assign]


def test_a_release_whose_answer_is_lost_is_done(world: V1World) -> None:
    # given an order on hold, and a release that gets through without an answer
    world.deliver(wanted())
    world.deliver(wanted("on_hold"))
    world.fails(RESTORE, kind="drop_after")
    # when it is tried again, and V1 says that the order is not on hold
    (outcome,) = world.deliver(wanted())
    # then that is what was wanted
    assert isinstance(outcome, Done)
    assert outcome.changed
    assert [each["orderStatus"] for each in world.orders] == ["awaiting_shipment"]
    # and nothing is written again for what is known to be there
    before = world.written()
    world.deliver(wanted())
    assert world.written() == before


def test_a_release_that_is_never_answered_is_looked_up(world: V1World) -> None:
    world.deliver(wanted())
    world.deliver(wanted("on_hold"))
    world.fails(RESTORE, kind="drop_after", times=4)
    (outcome,) = world.deliver(wanted())
    assert isinstance(outcome, Unknown)
    (outcome,) = world.deliver(wanted(), in_doubt=True, attempt=2)
    assert isinstance(outcome, Done)
    assert [each["orderStatus"] for each in world.orders] == ["awaiting_shipment"]


def test_goods_that_leave_while_we_release_them_have_left(world: V1World) -> None:
    # given an order on hold
    world.deliver(wanted())
    world.deliver(wanted("on_hold"))

    def free_and_ship() -> None:
        world.sim.do_edit(58345234, {"orderStatus": "awaiting_shipment", "holdUntilDate": None})
        world.sim.do_buy_labels()

    # when the warehouse frees and ships it just before our release
    just_before(world, RESTORE, free_and_ship)
    (outcome,) = world.deliver(wanted())
    # then nothing is left to do
    assert isinstance(outcome, Done)
    assert [each["orderStatus"] for each in world.orders] == ["shipped"]


def test_a_hold_that_comes_after_the_label_is_for_a_person(world: V1World) -> None:
    world.deliver(wanted())
    just_before(world, HOLD, world.sim.do_buy_labels)
    (outcome,) = world.deliver(wanted("on_hold"))
    assert isinstance(outcome, Held)
    assert outcome.cause == "changed_after_shipping"


def test_a_hold_on_what_staff_delete_meanwhile_blames_no_address(world: V1World) -> None:
    # given an order that is deleted between our look and our hold, so that V1 does not know it
    world.deliver(wanted())
    just_before(world, HOLD, lambda: world.sim.do_delete(58345234))
    # when the storefront holds it
    (outcome,) = world.deliver(wanted("on_hold"))
    # then nothing is left to hold, and other orders go on
    assert isinstance(outcome, Done)
    assert outcome.binding.data["parts"] == []


def test_a_hold_that_v1_will_not_take_says_what_to_do(world: V1World) -> None:
    world.deliver(wanted())
    world.fails(HOLD, status=400, body={"Message": "Holds are switched off."}, times=10)
    (outcome,) = world.deliver(wanted("on_hold"))
    assert isinstance(outcome, Held)
    assert (outcome.cause, "Holds are switched off." in outcome.reason) == ("refused", True)
    assert outcome.hint == "look at order 58345234 in ShipStation and put it on hold by hand, then release"


@pytest.mark.parametrize("closed", ["refuse", "ignore"])
def test_a_cancellation_whose_answer_is_lost_is_ours(closed: str) -> None:
    # given a cancellation that gets through without an answer
    world = V1World(closed=closed)
    world.deliver(wanted())
    world.fails(CHANGE, kind="drop_after")
    # when it is tried again, and V1 changes a cancelled order no more
    (outcome,) = world.deliver(wanted(cancelled_at=NOON))
    # then it is told as called off, and the order can be wanted again
    assert isinstance(outcome, Done)
    assert outcome.note.startswith("called off")
    (outcome,) = world.deliver(wanted())
    assert isinstance(outcome, Done)
    assert world.waiting == {"shop:51001/loc-1": {"line-MUG-RED": 3}}


def test_both_halves_are_held_although_one_changes_meanwhile(world: V1World) -> None:
    # given an order that staff have split, and a second half that they touch just before we hold it
    world.deliver(wanted())
    half = world.sim.do_split(58345234, {"line-MUG-RED": 1})
    answer = world.sim.answer

    def touch_the_half(request: httpx.Request) -> httpx.Response:
        if request.url.path == HOLD and json.loads(request.content)["orderId"] == half:
            world.sim.answer = answer  # type: ignore[method-assign]
            world.sim.do_edit(half, {"orderStatus": "awaiting_payment"})
            return httpx.Response(400, json={"Message": "The order has changed."})
        return answer(request)

    world.sim.answer = touch_the_half  # type: ignore[method-assign]
    # when the storefront holds it
    (outcome,) = world.deliver(wanted("on_hold"))
    # then the first half's hold does not count for both
    assert isinstance(outcome, Done)
    assert {each["orderId"]: each["orderStatus"] for each in world.orders} == {58345234: "on_hold", half: "on_hold"}
