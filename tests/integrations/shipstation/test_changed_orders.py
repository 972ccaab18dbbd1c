"""Orders that change after ShipStation has them: edited, moved, held, refunded, cancelled, shipped."""

from __future__ import annotations

from typing import Any

import pytest

from commerce.orders import Financial, Fulfilment, FulfilmentOrder, Line, Order
from commerce.outcomes import Done, Held, Outcome, Retry, Unknown
from tests.builders import (
    NOON,
    a_fulfilment,
    a_fulfilment_line,
    a_line,
    a_refund,
    a_refund_line,
    a_shipping_charge,
    after,
    an_address,
    an_order,
    changed,
)
from tests.integrations.shipstation.conftest import EAST, WEST, World, told, units

MUGS = a_line("MUG-RED", 3)
TEA = a_line("TEA", 1, "5.00")


def a_route(place: str = "loc-1", id: str = "fo-1", status: str = "open", **remaining: int) -> FulfilmentOrder:
    """What a location ships: `a_route(MUG_RED=2)`. "loc-2" is the west coast."""
    lines = {"MUG_RED": MUGS, "TEA": TEA}
    return FulfilmentOrder(
        id=id,
        status=status,
        location_id=place,
        location="West coast" if place == "loc-2" else "Warehouse",
        lines=tuple(a_fulfilment_line(lines[sku], remaining=left) for sku, left in remaining.items()),
    )


def routed(*routes: FulfilmentOrder, **fields: Any) -> Order:
    """Order #1001 of three mugs and a tea with these routes, changed an hour later."""
    lines: tuple[Line, ...] = fields.pop("lines", (MUGS, TEA))
    return an_order(lines=lines, fulfilment_orders=routes, **{"updated_at": after(hours=1), **fields})


EVERYTHING = routed(a_route(MUG_RED=3, TEA=1))


def done(outcome: Outcome) -> Done:
    """The outcome, which must be Done."""
    assert isinstance(outcome, Done), outcome
    return outcome


def held(outcome: Outcome) -> Held:
    """The outcome, which must be Held."""
    assert isinstance(outcome, Held), outcome
    return outcome


def cancelled(order: Order) -> Order:
    """The order as the storefront shows it once it was cancelled: nothing remains to be shipped."""
    routes = tuple(changed(each, status="closed", lines=()) for each in order.fulfilment_orders)
    return changed(order, cancelled_at=after(hours=2), fulfilment_orders=routes)


def refunded(line: Line, quantity: int, *routes: FulfilmentOrder) -> Order:
    """Order #1001 with units of a line refunded."""
    lines = tuple(changed(each, current=each.current - quantity) if each is line else each for each in (MUGS, TEA))
    refund = a_refund(a_refund_line(line, quantity))
    return routed(*routes, lines=lines, refunds=(refund,), financial=Financial.PARTIALLY_REFUNDED)


# --- edited, moved, refunded ------------------------------------------------------------------------------------------


def test_a_new_address_updates_the_shipment_and_keeps_what_staff_have_added(world: World) -> None:
    world.deliver(EVERYTHING)
    shipment_id = world.shipments[0]["shipment_id"]
    world.sim.shipments.by_id[shipment_id] |= {"internal_notes": "wrap it well", "tags": [{"name": "gift"}]}
    # when the shopper moves
    (outcome,) = world.deliver(changed(EVERYTHING, ship_to=an_address(line1="1 New Street", line2="")))
    # then the same shipment goes there
    (shipment,) = world.shipments
    assert done(outcome).changed
    assert shipment["shipment_id"] == shipment_id
    assert shipment["ship_to"]["address_line1"] == "1 New Street"
    assert shipment["ship_to"]["address_line2"] is None
    assert (shipment["internal_notes"], shipment["tags"]) == ("wrap it well", [{"name": "gift"}])


def test_an_update_twice_is_one_update(world: World) -> None:
    world.deliver(EVERYTHING)
    edited = changed(EVERYTHING, note="Leave with the porter")
    world.deliver(edited)
    written = world.written()
    (outcome,) = world.deliver(edited)
    assert not done(outcome).changed
    assert world.written() == written


def test_a_refund_of_a_part_before_shipping_takes_the_units_out(world: World) -> None:
    world.deliver(EVERYTHING)
    world.deliver(refunded(MUGS, 2, a_route(MUG_RED=1, TEA=1)))
    assert world.waiting == {"shop:51001": {"line-MUG-RED": 1, "line-TEA": 1}}
    assert world.shipments[0]["amount_paid"]["amount"] == 29.9


def test_an_order_that_moves_to_another_location_takes_its_shipment_along(world: World) -> None:
    world.deliver(EVERYTHING)
    (outcome,) = world.deliver(routed(a_route("loc-2", MUG_RED=3, TEA=1)))
    (shipment,) = world.shipments
    assert (shipment["external_shipment_id"], shipment["warehouse_id"]) == ("shop:51001", WEST)
    assert done(outcome).binding.data["parts"][0]["location"] == "loc-2"


def test_units_that_move_to_a_second_location_make_a_second_shipment(world: World) -> None:
    world.deliver(EVERYTHING)
    world.deliver(routed(a_route(MUG_RED=3), a_route("loc-2", "fo-2", TEA=1)))
    assert world.waiting == {"shop:51001": {"line-MUG-RED": 3}, "shop:51001/loc-2": {"line-TEA": 1}}
    # and when they move back, that is called off, and its key is never used again
    world.deliver(EVERYTHING)
    assert world.waiting == {"shop:51001": {"line-MUG-RED": 3, "line-TEA": 1}}
    world.deliver(routed(a_route(MUG_RED=3), a_route("loc-2", "fo-2", TEA=1)))
    assert world.waiting == {"shop:51001": {"line-MUG-RED": 3}, "shop:51001/loc-2~2": {"line-TEA": 1}}


def test_where_shipments_cannot_be_edited_they_are_replaced() -> None:
    world = World(put_supported=False)
    world.deliver(EVERYTHING)
    (outcome,) = world.deliver(changed(EVERYTHING, note="Leave with the porter"))
    assert [each["shipment_status"] for each in world.shipments] == ["cancelled", "pending"]
    assert world.waiting == {"shop:51001~2": {"line-MUG-RED": 3, "line-TEA": 1}}
    assert done(outcome).binding.data["spent"] == ["shop:51001"]
    assert world.shipments[1]["amount_paid"] == world.shipments[0]["amount_paid"]


def test_an_update_without_an_answer_is_made_again(world: World) -> None:
    world.deliver(EVERYTHING)
    edited = changed(EVERYTHING, note="Leave with the porter")
    world.fails("PUT", kind="drop_after", times=4)
    (lost,) = world.deliver(edited)
    assert isinstance(lost, Unknown)
    # when the shopper takes it back meanwhile, the last accepted payload is no proof of what is there
    (outcome,) = world.deliver(EVERYTHING, in_doubt=True)
    assert done(outcome).changed
    assert world.shipments[0]["notes_from_buyer"] == ""


def test_a_lost_second_shipment_is_found_and_brought_up_to_date(world: World) -> None:
    world.deliver(EVERYTHING)
    divided = routed(a_route(MUG_RED=3), a_route("loc-2", "fo-2", TEA=1))
    world.fails("POST", kind="drop_after")
    (lost,) = world.deliver(divided)
    assert isinstance(lost, Unknown)
    # when the shopper moves before the next try
    (outcome,) = world.deliver(changed(divided, ship_to=an_address(line1="1 New Street")), in_doubt=True)
    # then both shipments go there, and nothing is there twice
    done(outcome)
    assert world.waiting == {"shop:51001": {"line-MUG-RED": 3}, "shop:51001/loc-2": {"line-TEA": 1}}
    assert [each["ship_to"]["address_line1"] for each in world.shipments] == ["1 New Street"] * 2


# --- held -------------------------------------------------------------------------------------------------------------


def test_a_hold_after_export_keeps_the_shipment_back_until_it_is_released(world: World) -> None:
    world.deliver(EVERYTHING)
    (outcome,) = world.deliver(routed(a_route(status="on_hold", MUG_RED=3, TEA=1)))
    assert done(outcome).note == "on hold"
    assert world.shipments[0]["hold_until_date"] == "2099-12-31T00:00:00Z"
    assert world.sim.do_buy_labels() == []
    assert units(world.shipments[0]) == {"line-MUG-RED": 3, "line-TEA": 1}
    # and again changes nothing
    written = world.written()
    world.deliver(routed(a_route(status="on_hold", MUG_RED=3, TEA=1)))
    assert world.written() == written
    # when it is released
    world.deliver(EVERYTHING)
    assert world.shipments[0]["hold_until_date"] is None
    assert len(world.sim.do_buy_labels()) == 1


def test_a_hold_on_what_has_a_label_is_told_and_the_rest_is_kept_back_without_it(world: World) -> None:
    # given a tea with a label, and mugs that wait
    world.deliver(routed(a_route(TEA=1)))
    world.sim.do_buy_labels()
    world.deliver(routed(a_route(TEA=1), a_route(id="fo-2", MUG_RED=3)))
    # when everything is put on hold
    on_hold = (a_route(status="on_hold", TEA=1), a_route(id="fo-2", status="on_hold", MUG_RED=3))
    problem = held(world.deliver(routed(*on_hold))[0])
    # then the tea is for a person, and the mugs are kept back
    assert problem.cause == "changed_after_shipping"
    assert world.waiting == {"shop:51001/loc-1": {"line-MUG-RED": 3}}
    assert world.sim.do_buy_labels() == []


def test_an_order_that_waits_for_more_money_goes_on_as_it_was_paid(world: World) -> None:
    world.deliver(EVERYTHING)
    (outcome,) = world.deliver(changed(EVERYTHING, financial=Financial.PARTIALLY_PAID))
    assert done(outcome) == Done(binding=world.bindings["shop:51001"], changed=False, note="waiting for payment")
    assert len(world.waiting) == 1


# --- cancelled --------------------------------------------------------------------------------------------------------


def test_an_order_cancelled_before_shipping_is_cancelled_in_the_warehouse(world: World) -> None:
    world.deliver(routed(a_route(MUG_RED=3), a_route("loc-2", "fo-2", TEA=1)))
    (outcome,) = world.deliver(cancelled(EVERYTHING))
    assert done(outcome).note == "called off: cancelled"
    assert [each["shipment_status"] for each in world.shipments] == ["cancelled", "cancelled"]
    written = world.written()
    world.deliver(cancelled(EVERYTHING))
    assert world.written() == written


def test_a_full_refund_before_shipping_calls_the_shipment_off(world: World) -> None:
    world.deliver(EVERYTHING)
    lines = tuple(changed(line, current=0) for line in (MUGS, TEA))
    world.deliver(changed(EVERYTHING, lines=lines, financial=Financial.REFUNDED, fulfilment_orders=()))
    assert world.waiting == {}


@pytest.mark.parametrize("how", ["label", "mark"])
def test_an_order_cancelled_after_shipping_is_for_a_person(world: World, how: str) -> None:
    # given an order of two locations, of which one has left
    world.deliver(routed(a_route(MUG_RED=3), a_route("loc-2", "fo-2", TEA=1)))
    shipment_id = world.shipments[0]["shipment_id"]
    if how == "label":
        world.sim.do_buy_labels([shipment_id])
    else:
        world.sim.do_mark_shipped(shipment_id, "1Z1")
    # when it is cancelled
    problem = held(world.deliver(cancelled(EVERYTHING))[0])
    # then what can be stopped is stopped, and somebody learns of the rest
    assert problem.cause == "changed_after_shipping"
    assert f"order #1001 was cancelled after shipment {shipment_id} was shipped or labelled" in problem.reason
    assert "of an order over 69.70 USD and postage" in problem.reason
    assert world.shipments[1]["shipment_status"] == "cancelled"
    # and once the label is void, releasing it ends it
    if how == "label":
        world.sim.do_void_label("se-184976210")
        done(world.deliver(cancelled(EVERYTHING))[0])
        assert world.waiting == {}


def test_a_cancelled_call_that_got_no_answer_is_no_second_cancel(world: World) -> None:
    world.deliver(EVERYTHING)
    world.fails("PUT .*cancel", kind="drop_after")
    done(world.deliver(cancelled(EVERYTHING))[0])
    assert world.waiting == {}


def test_a_shipment_that_staff_cancelled_is_not_made_again_behind_their_back(world: World) -> None:
    world.deliver(EVERYTHING)
    world.sim.do_cancel(world.shipments[0]["shipment_id"])
    problem = held(world.deliver(changed(EVERYTHING, note="Hurry"))[0])
    assert problem.cause == "cancelled_in_shipstation"
    assert len(world.shipments) == 1


# --- shipped ----------------------------------------------------------------------------------------------------------


def test_shipping_alone_changes_nothing(world: World) -> None:
    """Tracking comes back, remaining units drop to zero, a new revision arrives: neither a cancel nor a problem."""
    world.deliver(EVERYTHING)
    world.sim.do_buy_labels()
    before, written = world.shipments, world.written()
    fulfilled = told(EVERYTHING, world.parcels())
    (outcome,) = world.deliver(fulfilled)
    assert not done(outcome).changed
    assert (world.shipments, world.written()) == (before, written)
    # and nor does what happens later: a return
    lines = (changed(MUGS, current=1), TEA)
    refund = a_refund(a_refund_line(MUGS, 2))
    (outcome,) = world.deliver(changed(fulfilled, lines=lines, refunds=(refund,), tags=("returned",)))
    assert not done(outcome).changed
    assert world.shipments == before


def test_it_takes_one_call_to_see_that_an_order_is_over(world: World) -> None:
    world.deliver(EVERYTHING)
    world.sim.do_buy_labels()
    fulfilled = told(EVERYTHING, world.parcels())
    world.sim.calls.clear()
    world.deliver(fulfilled)
    world.deliver(changed(fulfilled, tags=("vip",)))
    assert [call.path for call in world.sim.calls] == ["/v2/shipments"]


def test_a_mark_as_shipped_changes_nothing_either(world: World) -> None:
    world.deliver(EVERYTHING)
    world.sim.do_mark_shipped(world.shipments[0]["shipment_id"], "1Z1")
    (outcome,) = world.deliver(told(EVERYTHING, world.parcels()))
    assert not done(outcome).changed
    assert [each["shipment_status"] for each in world.shipments] == ["pending"]


def test_a_note_between_label_and_tracking_is_no_reason_to_stop(world: World) -> None:
    world.deliver(EVERYTHING)
    world.sim.do_buy_labels()
    (outcome,) = world.deliver(changed(EVERYTHING, note="Leave with the porter"))
    assert not done(outcome).changed


@pytest.mark.parametrize(
    ("order", "change"),
    [
        (refunded(MUGS, 1, a_route(MUG_RED=2, TEA=1)), "wants fewer units"),
        (changed(EVERYTHING, ship_to=an_address(line1="1 New Street")), "goes to another address"),
        (routed(a_route(status="on_hold", MUG_RED=3, TEA=1)), "wants fewer units"),
    ],
    ids=["refund", "address", "hold"],
)
def test_a_change_after_the_label_was_bought_is_for_a_person(world: World, order: Order, change: str) -> None:
    world.deliver(EVERYTHING)
    world.sim.do_buy_labels()
    before = world.shipments
    problem = held(world.deliver(order)[0])
    assert problem.cause == "changed_after_shipping"
    assert f"order #1001 {change} after shipment se-412669417" in problem.reason
    assert world.shipments == before


def test_units_added_after_the_label_are_a_shipment_of_their_own(world: World) -> None:
    world.deliver(routed(a_route(MUG_RED=3)))
    world.sim.do_buy_labels()
    # when a tea is added, before and after the storefront knows that the mugs have left
    added = routed(a_route(MUG_RED=3), a_route(id="fo-2", TEA=1))
    world.deliver(added)
    assert world.waiting == {"shop:51001/loc-1": {"line-TEA": 1}}
    assert world.shipments[1]["amount_paid"]["amount"] == 0.0
    (outcome,) = world.deliver(told(added, world.parcels()))
    assert not done(outcome).changed
    assert world.waiting == {"shop:51001/loc-1": {"line-TEA": 1}}


def test_a_part_that_left_while_the_rest_was_on_hold_does_not_leave_twice(world: World) -> None:
    # given mugs that ship while the tea is on hold
    partly = routed(a_route(MUG_RED=3), a_route(id="fo-2", status="on_hold", TEA=1))
    world.deliver(partly)
    world.sim.do_buy_labels()
    sent = told(partly, world.parcels())
    world.deliver(sent)
    # when the tea is released
    released = changed(sent, fulfilment_orders=(sent.fulfilment_orders[0], a_route(id="fo-2", TEA=1)))
    world.deliver(released)
    assert world.waiting == {"shop:51001/loc-1": {"line-TEA": 1}}


def test_goods_that_left_from_another_location_than_the_storefront_now_says_do_not_leave_twice(world: World) -> None:
    world.deliver(EVERYTHING)
    world.sim.do_buy_labels()
    (outcome,) = world.deliver(routed(a_route("loc-2", MUG_RED=3, TEA=1)))
    assert not done(outcome).changed
    assert len(world.shipments) == 1


def test_goods_in_flight_cover_what_is_asked_for_once(world: World) -> None:
    # given two mugs with a label from one location
    world.connect(default_warehouse=EAST)
    world.deliver(routed(a_route(MUG_RED=2)))
    world.sim.do_buy_labels()
    # when the storefront, unaware, asks for three from two other ones
    world.deliver(routed(a_route("loc-2", MUG_RED=2), a_route("loc-3", "fo-2", MUG_RED=1)))
    # then the third is made, and no more
    assert world.waiting == {"shop:51001/loc-3": {"line-MUG-RED": 1}}


def test_what_the_shop_handed_over_itself_is_called_off(world: World) -> None:
    world.deliver(EVERYTHING)
    by_hand = a_fulfilment(tracking_numbers=(), quantities={MUGS.id: 3, TEA.id: 1})
    over = routed(a_route(status="closed", MUG_RED=0, TEA=0), fulfilments=(by_hand,), fulfilment="fulfilled")
    (outcome,) = world.deliver(over)
    assert done(outcome).note == "called off: already fulfilled"
    assert world.waiting == {}


def test_what_the_shop_marked_as_fulfilled_under_another_number_is_no_alarm(world: World) -> None:
    world.deliver(EVERYTHING)
    world.sim.do_mark_shipped(world.shipments[0]["shipment_id"], "1Z1")
    typed = Fulfilment(
        id="f", status="success", at=NOON, tracking_numbers=("1z 1",), quantities={MUGS.id: 3, TEA.id: 1}
    )
    over = routed(a_route(status="closed", MUG_RED=0, TEA=0), fulfilments=(typed,), fulfilment="fulfilled")
    assert not done(world.deliver(over)[0]).changed


def test_a_voided_label_opens_the_shipment_again(world: World) -> None:
    world.deliver(EVERYTHING)
    (label,) = world.sim.do_buy_labels()
    world.sim.do_void_label(label)
    world.deliver(refunded(MUGS, 1, a_route(MUG_RED=2, TEA=1)))
    assert world.waiting == {"shop:51001": {"line-MUG-RED": 2, "line-TEA": 1}}


def test_a_return_label_does_not_mean_that_anything_has_left(world: World) -> None:
    world.deliver(EVERYTHING)
    world.sim.do_return_label(world.shipments[0]["shipment_id"])
    done(world.deliver(cancelled(EVERYTHING))[0])
    assert world.waiting == {}


def test_a_void_that_leaves_the_status_is_shipstations_to_explain(world: World) -> None:
    world.deliver(EVERYTHING)
    (label,) = world.sim.do_buy_labels()
    world.sim.do_void_label(label)
    world.sim.shipments.by_id["se-412669417"]["shipment_status"] = "label_purchased"
    problem = held(world.deliver(cancelled(EVERYTHING))[0])
    assert problem.cause == "refused"
    assert "Void the label before cancelling the shipment." in problem.reason


def test_a_label_in_the_making_is_waited_for(world: World) -> None:
    world.deliver(EVERYTHING)
    world.sim.do_buy_labels(status="processing")
    (outcome,) = world.deliver(cancelled(EVERYTHING))
    assert isinstance(outcome, Retry)
    assert outcome.after == 120.0


# --- split by staff ---------------------------------------------------------------------------------------------------


def test_a_split_whose_first_half_left_is_neither_shipped_twice_nor_cancelled(world: World) -> None:
    world.deliver(EVERYTHING)
    first = world.shipments[0]["shipment_id"]
    second = world.sim.do_split(first, {"line-TEA": 1})
    world.sim.do_buy_labels([first])
    # when the first half's tracking is known to the storefront
    half = told(EVERYTHING, world.parcels())
    assert half.fulfilment == "partial"
    assert not done(world.deliver(half)[0]).changed
    # and when the second's is
    world.sim.do_buy_labels([second])
    assert not done(world.deliver(told(EVERYTHING, world.parcels()))[0]).changed
    assert [each["shipment_status"] for each in world.shipments] == ["label_purchased"] * 2


def test_a_split_order_that_is_cancelled_is_cancelled_in_all_its_pieces(world: World) -> None:
    world.deliver(EVERYTHING)
    world.sim.do_split(world.shipments[0]["shipment_id"], {"line-TEA": 1})
    done(world.deliver(cancelled(EVERYTHING))[0])
    assert [each["shipment_status"] for each in world.shipments] == ["cancelled"] * 2


def test_a_change_to_a_split_order_is_for_a_person(world: World) -> None:
    world.deliver(EVERYTHING)
    second = world.sim.do_split(world.shipments[0]["shipment_id"], {"line-TEA": 1})
    problem = held(world.deliver(refunded(MUGS, 1, a_route(MUG_RED=2, TEA=1)))[0])
    assert problem.cause == "split_in_shipstation"
    assert second in problem.reason


def test_staff_may_change_the_number(world: World) -> None:
    world.deliver(EVERYTHING)
    shipment = world.sim.shipments.by_id[world.shipments[0]["shipment_id"]]
    shipment["shipment_number"] = "1001-URGENT"
    world.sim.shipments._ids_by_number.clear()
    done(world.deliver(cancelled(EVERYTHING))[0])
    assert world.waiting == {}
    assert shipment["warehouse_id"] == EAST


# --- changed after the label ------------------------------------------------------------------------------------------


def by(title: str, order: Order = EVERYTHING, **fields: Any) -> Order:
    """The order, delivered by another method."""
    charge = a_shipping_charge(title=title)
    return changed(order, shipping=(charge,), updated_at=after(hours=2), **fields)


def test_another_delivery_method_before_the_label_changes_the_shipment(world: World) -> None:
    world.deliver(by("Standard"))
    world.deliver(by("Express"))
    assert world.shipments[0]["requested_shipment_service"] == "Express"
    # and the label for what was asked last is no exception
    world.sim.do_buy_labels()
    assert not done(world.deliver(by("Express"))[0]).changed


def test_another_delivery_method_after_the_label_is_an_exception(world: World) -> None:
    world.deliver(by("Standard"))
    world.sim.do_buy_labels()
    problem = held(world.deliver(by("Express"))[0])
    assert problem.cause == "changed_after_shipping"
    assert "goes by another delivery method" in problem.reason
    assert "9400118497621001" in problem.reason
    assert problem.hint


def test_a_method_that_a_forgotten_shipment_was_made_with_is_not_guessed(world: World) -> None:
    # given a shipment whose payload nobody remembers, already labelled
    world.deliver(by("Standard"))
    world.sim.do_buy_labels()
    world.bindings.clear()
    # then a change of the method cannot be told from what was there
    assert isinstance(world.deliver(by("Express"), in_doubt=True)[0], Done)


@pytest.mark.parametrize(("days", "flagged"), [(1, True), (30, False)])
def test_another_address_after_the_tracking_was_told(world: World, days: int, flagged: bool) -> None:
    # given an order that the storefront counts as shipped
    world.deliver(EVERYTHING)
    world.sim.do_buy_labels()
    sent = told(EVERYTHING, world.parcels())
    world.deliver(sent)
    # when the shopper changes the address, a day or a month later
    moved = changed(sent, ship_to=an_address(line1="1 New Street"), updated_at=after(days=days))
    (outcome,) = world.deliver(moved)
    # then people hear of it while the parcel may still be stopped
    if flagged:
        problem = held(outcome)
        assert (problem.cause, "9400118497621001" in problem.reason) == ("changed_after_shipping", True)
    else:
        assert isinstance(outcome, Done)


def test_a_new_warehouse_takes_its_own_address_along(world: World) -> None:
    world.deliver(EVERYTHING)
    assert world.shipments[0]["ship_from"]["name"] == "East"
    world.deliver(routed(a_route("loc-2", MUG_RED=3, TEA=1)))
    assert (world.shipments[0]["warehouse_id"], world.shipments[0]["ship_from"]["name"]) == (WEST, "West")


@pytest.mark.parametrize("frees", [True, False])
def test_a_void_before_a_cancellation_leaves_nothing_to_ship(frees: bool) -> None:
    world = World(void_frees=frees)
    world.deliver(EVERYTHING)
    (label,) = world.sim.do_buy_labels()
    world.sim.do_void_label(label)
    (outcome,) = world.deliver(cancelled(EVERYTHING))
    # where ShipStation keeps the status after a void, it refuses our cancelling, and a person looks
    assert isinstance(outcome, Done if frees else Held)
    assert bool(world.waiting) is False


@pytest.mark.parametrize("tracking_told", [False, True])
def test_a_cancellation_after_the_label_names_what_is_at_risk(world: World, tracking_told: bool) -> None:
    # given a label of two boxes, whose tracking the storefront may know already
    world.deliver(EVERYTHING)
    world.sim.do_buy_labels(packages=2)
    order = told(EVERYTHING, world.parcels()) if tracking_told else EVERYTHING
    # when the order is cancelled
    problem = held(world.deliver(cancelled(order))[0])
    # then people hear which parcel, what it is worth and what its postage was
    assert problem.cause == "changed_after_shipping"
    assert f"goods of an order over {order.current_total} and postage of 7.40 USD are at risk" in problem.reason
    assert "9400118497621001, 9400118497621002" in problem.reason
