"""Staff split orders, and put several of one person into one box: each order keeps its goods and its tracking."""

from __future__ import annotations

from typing import Any

import pytest

from commerce.orders import Order
from commerce.outcomes import Done, Held, Outcome
from tests.builders import NOON, a_line, an_address, an_order, changed
from tests.integrations.shipstation.conftest import World, units

MUGS = a_line("MUG-RED", 2)
TEA = a_line("TEA", 1, "5.00")
FIRST = an_order(1001, lines=(MUGS, TEA))
SECOND = an_order(1002, lines=(a_line("CUP", 1, id="line-cup"),))


def held(outcome: Outcome, cause: str) -> Held:
    assert isinstance(outcome, Held), outcome
    assert outcome.cause == cause
    return outcome


def combined(**options: Any) -> World:
    """Both orders in the first one's shipment."""
    world = World(**options)
    world.deliver(FIRST, SECOND)
    world.sim.do_combine([each["shipment_id"] for each in world.shipments])
    return world


AWAY = pytest.mark.parametrize("away", ["cancelled", "deleted"])


@AWAY
def test_one_box_for_two_orders_tells_both_their_tracking(away: str) -> None:
    world = combined(combined_away=away)
    world.sim.do_buy_labels()
    first, second = world.parcels()
    assert (first.id, first.order_key) == ("label-se-184976210", "shop:51001")
    assert [line.line_id for line in first.lines] == ["line-MUG-RED", "line-TEA"]
    assert (second.id, second.order_key) == ("label-se-184976210+51002", "shop:51002")
    assert [line.line_id for line in second.lines] == ["line-cup"]
    assert first.tracking_numbers == second.tracking_numbers


@AWAY
def test_an_order_that_was_combined_away_is_neither_made_again_nor_called_missing(away: str) -> None:
    world = combined(combined_away=away)
    # when the storefront tells of it once more, with nothing changed
    (outcome,) = world.deliver(SECOND, in_doubt=True)
    assert isinstance(outcome, Done)
    assert len([each for each in world.shipments if each["shipment_status"] == "pending"]) == 1


@AWAY
@pytest.mark.parametrize("order", [FIRST, SECOND])
def test_cancelling_one_of_two_combined_orders_does_not_stop_the_other(away: str, order: Order) -> None:
    world = combined(combined_away=away)
    (outcome,) = world.deliver(changed(order, cancelled_at=NOON))
    # then a person takes it out; the other order's goods go on waiting
    assert "one shipment with another" in held(outcome, "combined_in_shipstation").reason
    (waiting,) = [each for each in world.shipments if each["shipment_status"] == "pending"]
    assert units(waiting) == {"line-MUG-RED": 2, "line-TEA": 1, "line-cup": 1}


def test_an_edit_of_the_order_whose_shipment_it_is_would_move_the_others_goods_too() -> None:
    world = combined()
    (outcome,) = world.deliver(changed(FIRST, ship_to=an_address(line1="1 New Street")))
    held(outcome, "combined_in_shipstation")
    (waiting,) = [each for each in world.shipments if each["shipment_status"] == "pending"]
    assert waiting["ship_to"]["address_line1"] != "1 New Street"


@pytest.mark.parametrize("keeps", [True, False])
def test_a_split_off_piece_is_found_by_its_order_whatever_it_keeps(keeps: bool) -> None:
    world = World(split_keeps_fields=keeps)
    world.deliver(FIRST)
    piece = world.sim.do_split(world.shipments[0]["shipment_id"], {"line-TEA": 1})
    # when its label is bought, it tells the order
    world.sim.do_buy_labels([piece])
    (parcel,) = world.parcels()
    assert (parcel.order_key, [line.line_id for line in parcel.lines]) == ("shop:51001", ["line-TEA"])


@pytest.mark.parametrize("keeps", [True, False])
def test_a_cancellation_reaches_every_piece(keeps: bool) -> None:
    world = World(split_keeps_fields=keeps)
    world.deliver(FIRST)
    world.sim.do_split(world.shipments[0]["shipment_id"], {"line-TEA": 1})
    (outcome,) = world.deliver(changed(FIRST, cancelled_at=NOON))
    assert isinstance(outcome, Done)
    assert world.waiting == {}


def test_a_strangers_piece_with_the_same_number_is_left_alone() -> None:
    # given another storefront's order with our number and no field of its own, in an account that allows it
    world = World(unique_numbers=False)
    world.deliver(FIRST)
    to = {**world.shipments[0]["ship_to"], "address_line1": "Elsewhere 1"}
    item = {"name": "Tea", "quantity": 1, "external_order_id": "51001", "external_order_item_id": "line-TEA"}
    stranger = {"warehouse_id": "se-524001", "shipment_number": "1001", "ship_to": to, "items": [item]}
    typed = world.sim.do_type_in(stranger)
    # when ours is cancelled
    world.deliver(changed(FIRST, cancelled_at=NOON))
    # then only ours is
    states = {each["shipment_id"]: each["shipment_status"] for each in world.shipments}
    assert states == {"se-412669417": "cancelled", typed: "pending"}


def test_a_split_shows_the_money_once_and_an_edit_does_not_bring_it_back_twice() -> None:
    world = World()
    world.deliver(FIRST)
    world.sim.do_split(world.shipments[0]["shipment_id"], {"line-TEA": 1})
    assert [each["amount_paid"]["amount"] for each in world.shipments] == [49.8, 0.0]
    assert {each["shipment_number"] for each in world.shipments} == {"1001"}
    world.deliver(FIRST, in_doubt=True)
    assert [each["amount_paid"]["amount"] for each in world.shipments] == [49.8, 0.0]
