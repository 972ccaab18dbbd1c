"""What the hub promises of ShipStation, whichever of its APIs the merchant chose: the same stories over V1 and V2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from commerce.errors import NotAuthorised, RateLimited
from commerce.orders import FulfilmentOrder, Order
from commerce.outcomes import Done, Held, Outcome, Retry, Skipped, Unknown
from commerce.parcels import ParcelLine
from commerce.ports import Destination, ParcelSource
from tests.builders import (
    NOON,
    a_fulfilment_line,
    a_fulfilment_order,
    a_line,
    after,
    an_address,
    an_order,
    changed,
)
from tests.integrations.shipstation.accounts import APIS, Account
from tests.integrations.shipstation.conftest import told

MUGS = a_line("MUG-RED", 3)
TEA = a_line("TEA", 1, "5.00")
OpenAccount = Callable[..., Account]


@pytest.fixture(params=sorted(APIS))
def open_account(request: pytest.FixtureRequest) -> OpenAccount:
    """Opens an account of which the vendor's options can be said."""
    return APIS[request.param]


@pytest.fixture
def account(open_account: OpenAccount) -> Account:
    """An account without orders."""
    return open_account()


def one_place(number: int = 1001, **fields: Any) -> Order:
    """Three mugs and a tea from one location."""
    return an_order(number, **{"lines": (MUGS, TEA), "fulfilment_orders": (a_fulfilment_order([MUGS, TEA]),), **fields})


def two_places(number: int = 1001, **fields: Any) -> Order:
    """Mugs from the east, tea from the west."""
    routed = (
        a_fulfilment_order([MUGS], id="fo-1"),
        a_fulfilment_order([TEA], id="fo-2", location_id="loc-2", location="West coast"),
    )
    return an_order(number, **{"lines": (MUGS, TEA), "fulfilment_orders": routed, **fields})


def on_hold(order: Order) -> Order:
    """The storefront holds all of it."""
    return changed(order, fulfilment_orders=tuple(changed(each, status="on_hold") for each in order.fulfilment_orders))


def all_done(outcomes: list[Outcome]) -> bool:
    return all(isinstance(outcome, Done) for outcome in outcomes)


# ---- each order once ----


def test_it_plays_both_roles(account: Account) -> None:
    assert isinstance(account.world.shipstation, Destination)
    assert isinstance(account.world.shipstation, ParcelSource)


def test_an_order_is_there_once_with_its_units_money_and_place(account: Account) -> None:
    (outcome,) = account.deliver(one_place())
    assert isinstance(outcome, Done)
    (seen,) = account.seen()
    assert (seen.key, seen.number, seen.state) == ("shop:51001", "1001", "waiting")
    assert seen.units == {"line-MUG-RED": 3, "line-TEA": 1}
    assert (seen.warehouse, seen.paid) == ("se-524001", 69.7)
    assert outcome.binding.vendor_id == str(seen.id)


def test_run_twice_changes_nothing(account: Account) -> None:
    orders = [one_place(1001), two_places(1002)]
    account.deliver(*orders)
    before, written = account.seen(), account.world.written()
    again = account.deliver(*orders)
    assert [outcome.changed for outcome in again if isinstance(outcome, Done)] == [False, False]
    assert (account.seen(), account.world.written()) == (before, written)


def test_many_orders_go_together(account: Account) -> None:
    orders = [one_place(1000 + n) for n in range(45)]
    assert all_done(account.deliver(*orders))
    assert account.world.written() == -(-45 // account.most_at_once)
    assert [each.key for each in account.seen()] == [order.key for order in orders]


def test_a_ledger_that_forgot_finds_what_is_there(account: Account) -> None:
    # given orders that are there, and a ledger restored from a backup that does not know them
    orders = [one_place(1001), two_places(1002)]
    account.deliver(*orders)
    before = account.seen()
    account.world.bindings.clear()
    # when they are delivered once more
    assert all_done(account.deliver(*orders))
    # then nothing is there twice
    assert [(each.id, each.key, each.state, each.units) for each in account.seen()] == [
        (each.id, each.key, each.state, each.units) for each in before
    ]


@pytest.mark.parametrize("kind", ["after", "drop_after", "timeout_after"])
def test_taken_and_never_answered_is_there_once(account: Account, kind: str) -> None:
    # given a write that is carried out without our hearing of it
    account.break_next_write(kind=kind, status=500, body="Internal Server Error")
    orders = [one_place(1001), two_places(1002)]
    outcomes = account.deliver(*orders)
    assert all(isinstance(outcome, Unknown) for outcome in outcomes)
    # when it is tried again, in doubt
    written = account.world.written()
    outcomes = account.deliver(*orders, in_doubt=True)
    # then what is there is found, and nothing more is written
    assert all_done(outcomes)
    assert sorted(each.key for each in account.seen()) == ["shop:51001", "shop:51002", "shop:51002/loc-2"]
    assert account.world.written() == written


def test_never_taken_and_never_answered_is_made_by_the_next_try(account: Account) -> None:
    account.break_next_write(kind="drop")
    assert isinstance(account.deliver(one_place())[0], Unknown)
    assert isinstance(account.deliver(one_place(), in_doubt=True)[0], Done)
    assert list(account.states().values()) == ["waiting"]


def cancelled(order: Order) -> Order:
    """The shopper does not want it any more."""
    return changed(order, cancelled_at=NOON)


@pytest.mark.parametrize(("stop", "state"), [(cancelled, "cancelled"), (on_hold, "held")])
def test_taken_never_answered_and_shown_late_does_not_leave_when_it_is_stopped(
    account: Account, stop: Callable[[Order], Order], state: str
) -> None:
    # given an order that was taken without our hearing of it, and look-ups that are a minute and a half behind
    account.shows_late(90.0)
    account.break_next_write(kind="drop_after")
    assert isinstance(account.deliver(one_place())[0], Unknown)
    # when it is stopped in the storefront at once
    (outcome,) = account.deliver(stop(one_place()), in_doubt=True, attempt=2)
    # then that nothing is to be seen there is not believed yet, and once it is to be seen it is stopped there too
    assert isinstance(outcome, Retry)
    account.world.time.sleep(outcome.after or 0.0)
    account.deliver(stop(one_place()), in_doubt=True, attempt=3)
    assert list(account.states().values()) == [state]


def test_a_change_that_was_taken_and_never_answered_is_there(account: Account) -> None:
    account.deliver(one_place())
    moved = one_place(ship_to=an_address(line1="1 New Street"))
    account.break_next_write(kind="drop_after", times=4)
    assert isinstance(account.deliver(moved)[0], Unknown)
    assert isinstance(account.deliver(moved, in_doubt=True)[0], Done)
    (seen,) = account.seen()
    assert (seen.street, seen.state) == ("1 New Street", "waiting")


def test_two_hubs_at_once_make_one_order(account: Account) -> None:
    # given two hubs that do not know of each other
    other = account.another_hub()
    # when both bring the same orders
    orders = [one_place(1001), two_places(1002)]
    assert all_done(account.deliver(*orders))
    assert all_done(other.deliver(*orders))
    # then each order is there once, and both remember the same one
    assert sorted(account.states()) == ["shop:51001", "shop:51002", "shop:51002/loc-2"]
    assert {key: binding.vendor_id for key, binding in other.bindings.items()} == {
        key: binding.vendor_id for key, binding in account.world.bindings.items()
    }


# ---- bad records hold themselves ----


def test_an_order_that_cannot_be_said_holds_itself(account: Account) -> None:
    first, held, last = account.deliver(one_place(1001), one_place(1002, ship_to=None), one_place(1003))
    assert isinstance(held, Held)
    assert (held.cause, "order #1002" in held.reason, bool(held.hint)) == ("missing_address", True, True)
    assert all_done([first, last])
    assert sorted(account.states()) == ["shop:51001", "shop:51003"]


def test_an_order_that_is_refused_holds_itself_with_the_vendors_words(account: Account) -> None:
    bad = one_place(1002, ship_to=an_address(country="USA"))
    first, held, last = account.deliver(one_place(1001), bad, one_place(1003))
    assert isinstance(held, Held)
    assert (held.cause, "order #1002" in held.reason, "country" in held.reason) == ("refused", True, True)
    assert all_done([first, last])


def test_a_call_that_is_refused_as_a_whole_is_taken_apart(account: Account) -> None:
    account.break_next_write(status=400, body={"message": "Malformed."})
    assert all_done(account.deliver(*(one_place(1000 + n) for n in range(5))))
    assert len(account.seen()) == 5


def test_a_location_without_a_warehouse_holds_its_order(account: Account) -> None:
    moon = one_place(fulfilment_orders=(a_fulfilment_order([MUGS], location_id="9", location="Moon"),))
    (held,) = account.deliver(moon)
    assert isinstance(held, Held)
    assert held.cause == "unmapped_location"


def test_a_key_that_would_be_cut_is_held(account: Account) -> None:
    (held,) = account.deliver(one_place(id="9" * 50))
    assert isinstance(held, Held)
    assert held.cause == "key_too_long"


# ---- changes ----


def test_a_change_is_brought_and_what_staff_wrote_stays(account: Account) -> None:
    account.deliver(one_place())
    (outcome,) = account.deliver(one_place(ship_to=an_address(line1="1 New Street")))
    assert isinstance(outcome, Done)
    assert outcome.changed
    assert account.one("shop:51001").street == "1 New Street"


def test_units_that_were_refunded_are_taken_out(account: Account) -> None:
    account.deliver(one_place())
    fewer = a_fulfilment_order([a_fulfilment_line(MUGS, remaining=1), a_fulfilment_line(TEA)])
    account.deliver(one_place(fulfilment_orders=(fewer,)))
    assert account.one("shop:51001").units == {"line-MUG-RED": 1, "line-TEA": 1}


def test_a_cancelled_order_is_cancelled(account: Account) -> None:
    account.deliver(two_places())
    (outcome,) = account.deliver(two_places(cancelled_at=NOON))
    assert isinstance(outcome, Done)
    assert outcome.note == "called off: cancelled"
    assert set(account.states().values()) == {"cancelled"}
    # and again nothing happens
    written = account.world.written()
    account.deliver(two_places(cancelled_at=NOON))
    assert account.world.written() == written


def test_an_order_that_was_cancelled_before_it_came_is_never_there(account: Account) -> None:
    assert account.deliver(one_place(cancelled_at=NOON)) == [Skipped(reason="cancelled")]
    assert account.seen() == []


def test_a_lost_order_that_was_cancelled_meanwhile_is_called_off(account: Account) -> None:
    account.break_next_write(kind="drop_after")
    account.deliver(one_place())
    (outcome,) = account.deliver(one_place(cancelled_at=NOON), in_doubt=True)
    assert isinstance(outcome, Done)
    assert account.states() == {"shop:51001": "cancelled"}


def test_held_back_and_let_go(account: Account) -> None:
    account.deliver(one_place())
    # when the storefront holds the order
    (held,) = account.deliver(on_hold(one_place()))
    assert isinstance(held, Done)
    assert account.states() == {"shop:51001": "held"}
    assert account.buy() == []
    # then it waits, and comes back with the release
    assert isinstance(account.deliver(one_place())[0], Done)
    assert account.states() == {"shop:51001": "waiting"}


def test_changed_while_held_back(account: Account) -> None:
    account.deliver(one_place())
    moved = one_place(ship_to=an_address(line1="1 New Street"))
    account.deliver(on_hold(moved))
    assert (account.one("shop:51001").state, account.one("shop:51001").street) == ("held", "1 New Street")
    account.deliver(moved)
    assert account.one("shop:51001").state == "waiting"


def test_each_location_has_its_order_and_the_money_is_on_the_first(account: Account) -> None:
    account.deliver(two_places())
    first, second = account.seen()
    assert (first.key, first.number, first.units) == ("shop:51001", "1001", {"line-MUG-RED": 3})
    assert (second.key, second.number, second.units) == ("shop:51001/loc-2", "1001-2", {"line-TEA": 1})
    assert (first.warehouse, second.warehouse) == ("se-524001", "se-524002")
    assert (first.paid, second.paid) == (69.7, 0.0)


def test_an_order_that_moves_as_a_whole_keeps_its_key(account: Account) -> None:
    account.deliver(one_place())
    west = a_fulfilment_order([MUGS, TEA], location_id="loc-2", location="West coast")
    assert all_done(account.deliver(one_place(fulfilment_orders=(west,))))
    (seen,) = account.seen()
    assert (seen.key, seen.warehouse, seen.state) == ("shop:51001", "se-524002", "waiting")


def test_a_location_that_is_added_later_gets_its_own(account: Account) -> None:
    account.deliver(one_place())
    assert all_done(account.deliver(two_places()))
    assert {each.key: each.units for each in account.seen()} == {
        "shop:51001": {"line-MUG-RED": 3},
        "shop:51001/loc-2": {"line-TEA": 1},
    }


# ---- what people do in ShipStation ----


def test_a_change_after_the_label_is_for_a_person(account: Account) -> None:
    account.deliver(one_place())
    account.buy()
    (held,) = account.deliver(one_place(ship_to=an_address(line1="1 New Street")))
    assert isinstance(held, Held)
    assert held.cause == "changed_after_shipping"
    (cancelled,) = account.deliver(one_place(cancelled_at=NOON))
    assert isinstance(cancelled, Held)
    assert "9400" in cancelled.reason


def test_an_order_marked_as_shipped_has_left_too(account: Account) -> None:
    account.deliver(one_place())
    account.mark("shop:51001", "1Z1")
    (held,) = account.deliver(one_place(cancelled_at=NOON))
    assert isinstance(held, Held)
    assert (held.cause, "1Z1" in held.reason) == ("changed_after_shipping", True)


def test_cancelled_by_staff_while_still_wanted_is_for_a_person(account: Account) -> None:
    account.deliver(one_place())
    account.cancel("shop:51001")
    (held,) = account.deliver(one_place(note="Please ring"))
    assert isinstance(held, Held)
    assert held.cause == "cancelled_in_shipstation"
    assert len(account.seen()) == 1


def test_a_split_order_is_called_off_in_all_its_pieces(account: Account) -> None:
    account.deliver(one_place())
    account.split("shop:51001", {"line-TEA": 1})
    (outcome,) = account.deliver(one_place(cancelled_at=NOON))
    assert isinstance(outcome, Done)
    assert {each.state for each in account.seen()} == {"cancelled"}


def test_a_change_to_a_split_order_is_for_a_person(account: Account) -> None:
    account.deliver(one_place())
    account.split("shop:51001", {"line-TEA": 1})
    fewer = a_fulfilment_order([a_fulfilment_line(MUGS, remaining=1), a_fulfilment_line(TEA)])
    (held,) = account.deliver(one_place(fulfilment_orders=(fewer,)))
    assert isinstance(held, Held)
    assert held.cause == "split_in_shipstation"


def test_units_added_after_shipping_go_by_themselves(account: Account) -> None:
    account.deliver(one_place(lines=(MUGS,), fulfilment_orders=(a_fulfilment_order([MUGS]),)))
    account.buy()
    account.deliver(one_place())
    assert {each.key: (each.state, each.units) for each in account.seen()} == {
        "shop:51001": ("shipped", {"line-MUG-RED": 3}),
        "shop:51001/loc-1": ("waiting", {"line-TEA": 1}),
    }


# ---- tracking ----


def test_a_label_comes_back_once_with_order_lines_and_place(account: Account) -> None:
    account.deliver(two_places())
    account.buy()
    parcels = {parcel.location_id: parcel for parcel in account.parcels()}
    assert set(parcels) == {"loc-1", "loc-2"}
    mugs = parcels["loc-1"]
    assert (mugs.order_key, mugs.voided, mugs.carrier) == ("shop:51001", False, "stamps_com")
    assert mugs.lines == (ParcelLine(sku="MUG-RED", line_id="line-MUG-RED", quantity=3),)
    assert len(mugs.tracking_numbers) == 1
    # and read again it is the same parcel
    assert account.parcels() == list(parcels.values())
    assert {parcel.id for parcel in account.parcels()} == {parcel.id for parcel in parcels.values()}


def test_an_order_that_was_marked_as_shipped_comes_back_too(account: Account) -> None:
    account.deliver(one_place())
    account.mark("shop:51001", "1Z1")
    (parcel,) = account.parcels()
    assert (parcel.order_key, parcel.tracking_numbers, parcel.id) == ("shop:51001", ("1Z1",), "fulfillment-se-16731019")
    assert {line.line_id: line.quantity for line in parcel.lines} == {"line-MUG-RED": 3, "line-TEA": 1}


def test_the_ship_date_is_a_day_in_los_angeles(account: Account) -> None:
    account.deliver(one_place())
    account.buy()
    (parcel,) = account.parcels()
    assert parcel.shipped_at == after(hours=-4)  # midnight Pacific of a day that began at 08:00 UTC
    assert parcel.updated_at == after(hours=1)


def test_a_voided_label_is_told_although_it_is_old(account: Account) -> None:
    account.deliver(one_place(1001), one_place(1002))
    label, _ = account.buy("shop:51001", "shop:51002")
    account.world.time.now += 5 * 86400
    account.void(label)
    found = account.parcels(since=after(days=4, hours=12))
    assert [(parcel.order_key, parcel.voided, parcel.updated_at) for parcel in found] == [
        ("shop:51001", True, after(days=5, hours=1))
    ]
    # and the order waits for another label
    assert account.one("shop:51001").state == "waiting"


def test_the_second_half_of_a_split_order_finds_its_order(account: Account) -> None:
    account.deliver(one_place())
    half = account.split("shop:51001", {"line-TEA": 1})
    account.world.sim.do_buy_labels([half])
    (parcel,) = account.parcels()
    assert parcel.order_key == "shop:51001"
    assert parcel.lines == (ParcelLine(sku="TEA", line_id="line-TEA", quantity=1),)


def test_what_left_and_came_back_to_the_storefront_needs_nothing_more(account: Account) -> None:
    account.deliver(two_places())
    account.buy()
    order = told(two_places(), account.parcels())
    written = account.world.written()
    assert all_done(account.deliver(order))
    assert account.world.written() == written


def test_no_parcel_no_watermark_and_else_the_vendors_newest_stamp(account: Account) -> None:
    account.deliver(one_place())
    assert account.world.pages()[-1].watermark is None
    account.buy()
    assert account.world.pages()[-1].watermark == after(hours=1)


def test_a_return_label_is_no_parcel(account: Account) -> None:
    account.deliver(one_place())
    account.buy()
    account.world.sim.do_return_label(account.one("shop:51001").id)
    assert len(account.parcels()) == 1


# ---- the vendor's no ----


def test_a_refused_credential_stops_at_once_and_is_not_shown(account: Account) -> None:
    account.wrong_credential()
    with pytest.raises(NotAuthorised) as refused:
        account.deliver(one_place(1001), one_place(1002))
    assert "sk-wrong" not in f"{refused.value} {refused.value.hint} {account.world.settings!r}"
    assert refused.value.hint
    calls = account.world.sim.do_calls()
    assert (sum(calls.values()), all(call.endswith("401") for call in calls)) == (1, True)


def test_a_plan_without_the_api_is_called_by_its_name(open_account: OpenAccount) -> None:
    with pytest.raises(NotAuthorised, match="the plan does not include this API"):
        open_account(plan=False).deliver(one_place())


def test_our_own_pace_never_meets_the_vendors_limit(account: Account) -> None:
    for n in range(250):
        account.deliver(one_place(1000 + n))
    calls = account.world.sim.do_calls()
    assert calls.pop("GET 200", 0) <= 1  # V2 looks once whether other stores bring orders in
    assert calls == {"POST 200": 250}


def test_without_a_pace_a_call_too_many_is_waited_out(account: Account) -> None:
    account.world.connect(pace=False)
    for n in range(250):
        try:
            account.deliver(one_place(1000 + n))
        except RateLimited as limited:
            account.world.time.sleep(limited.retry_after or 0.0)
            account.deliver(one_place(1000 + n))
    assert len(account.seen()) == 250
    assert any(call.endswith("429") for call in account.world.sim.do_calls())


def test_a_wrong_address_of_the_api_blames_no_order(account: Account) -> None:
    account.world.connect(base_url=f"{account.world.settings.base_url}/elsewhere")
    with pytest.raises(NotAuthorised, match="knows no path") as refused:
        account.deliver(one_place())
    assert refused.value.hint == "check base_url in stack.toml"


def test_lines_on_hold_wait_while_the_others_are_shipped(account: Account) -> None:
    held = FulfilmentOrder(id="fo-2", status="on_hold", location_id="loc-1", lines=(a_fulfilment_line(MUGS),))
    (outcome,) = account.deliver(an_order(lines=(MUGS, TEA), fulfilment_orders=(a_fulfilment_order([TEA]), held)))
    assert isinstance(outcome, Done)
    assert outcome.note == "on hold"
    assert account.one("shop:51001").units == {"line-TEA": 1}
