"""New orders: each of them exists once in ShipStation, whatever happens to the calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from commerce.errors import NotAuthorised, RateLimited
from commerce.events import Kind
from commerce.orders import Financial, FulfilmentOrder, Order
from commerce.outcomes import Done, Held, Retry, Skipped, Unknown
from commerce.ports import Item
from integrations.limits import LocalBucket, LocalWindows
from integrations.shipstation.connection import ShipStation
from tests.builders import (
    NOON,
    a_fulfilment_line,
    a_fulfilment_order,
    a_line,
    after,
    an_address,
    an_event,
    an_order,
    changed,
)
from tests.integrations.shipstation.conftest import EAST, WEST, World, units

MUGS = a_line("MUG-RED", 2)
TEA = a_line("TEA", 1, "5.00")


def a_two_location_order(number: int = 1001, **fields: Any) -> Order:
    """Mugs from the east, tea from the west."""
    routed = (
        a_fulfilment_order([MUGS], id="fo-1"),
        a_fulfilment_order([TEA], id="fo-2", location_id="loc-2", location="West coast"),
    )
    return an_order(number, **{"lines": (MUGS, TEA), "fulfilment_orders": routed, **fields})


def test_a_batch_of_orders_goes_out_twenty_at_a_time(world: World) -> None:
    orders = [an_order(1000 + n) for n in range(45)]
    outcomes = world.deliver(*orders)
    assert all(isinstance(outcome, Done) and outcome.changed for outcome in outcomes)
    # one look at what other stores bring in, then three calls
    assert world.sim.do_calls() == {"GET 200": 1, "POST 200": 3}
    assert [each["external_shipment_id"] for each in world.shipments] == [order.key for order in orders]
    assert world.bindings["shop:51000"].vendor_id == "se-412669417"


def test_run_twice_changes_nothing(world: World) -> None:
    orders = [an_order(1001), a_two_location_order(1002)]
    world.deliver(*orders)
    before, written = world.shipments, world.written()
    again = world.deliver(*orders)
    assert [outcome.changed for outcome in again if isinstance(outcome, Done)] == [False, False]
    assert (world.shipments, world.written()) == (before, written)


def test_a_forgotten_order_is_found_again_by_its_key(world: World) -> None:
    # given orders that ShipStation has, and a ledger restored from a backup that has not
    orders = [an_order(1001), a_two_location_order(1002)]
    world.deliver(*orders)
    remembered, before = dict(world.bindings), world.shipments
    world.bindings.clear()
    # when they are delivered once more
    outcomes = world.deliver(*orders)
    # then what is there is ours: no second shipment, and the same memory
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert world.shipments == before
    assert world.bindings == remembered


def test_each_location_has_a_shipment_and_the_money_is_on_the_first(world: World) -> None:
    (outcome,) = world.deliver(a_two_location_order())
    first, second = world.shipments
    assert (first["external_shipment_id"], first["shipment_number"]) == ("shop:51001", "1001")
    assert (second["external_shipment_id"], second["shipment_number"]) == ("shop:51001/loc-2", "1001-2")
    assert (first["warehouse_id"], second["warehouse_id"]) == (EAST, WEST)
    assert (units(first), units(second)) == ({"line-MUG-RED": 2}, {"line-TEA": 1})
    assert first["amount_paid"] == {"currency": "usd", "amount": 49.8}
    assert second["amount_paid"] == {"currency": "usd", "amount": 0.0}
    assert isinstance(outcome, Done)
    parts = outcome.binding.data["parts"]
    assert [part["location"] for part in parts] == ["loc-1", "loc-2"]
    assert outcome.binding.vendor_id == first["shipment_id"]


def test_what_was_promised_first_is_sent_first(world: World) -> None:
    def due(number: int, days: int) -> Order:
        return an_order(number, lines=(TEA,), fulfilment_orders=(a_fulfilment_order([TEA], ship_by=after(days=days)),))

    world.deliver(due(1001, 9), due(1002, 1), due(1003, 5))
    assert [each["shipment_number"] for each in world.shipments] == ["1002", "1003", "1001"]
    assert world.shipments[0]["ship_by_date"] == "2026-11-21T12:00:00Z"


HELD: dict[str, tuple[Order, str, str]] = {
    "no address": (an_order(1002, ship_to=None), "missing_address", "order #1002 has no shipping address"),
    "half an address": (
        an_order(1002, ship_to=an_address(postal_code="", line1="")),
        "missing_address",
        "the shipping address of order #1002 lacks address_line1, postal_code",
    ),
    "no phone": (
        an_order(1002, ship_to=an_address(phone=""), phone=""),
        "missing_phone",
        "order #1002 has no phone number, which ShipStation requires",
    ),
    "no such location": (
        an_order(1002, lines=(TEA,), fulfilment_orders=(a_fulfilment_order([TEA], location_id="9", location="Moon"),)),
        "unmapped_location",
        "order #1002 ships from location Moon (9), which has no ShipStation warehouse",
    ),
    "a key that would be cut": (
        an_order(1002, id="9" * 50),
        "key_too_long",
        "order #1002 has a key of 55 characters, ShipStation keeps 50",
    ),
}


@pytest.mark.parametrize(("bad", "cause", "words"), HELD.values(), ids=HELD.keys())
def test_one_order_that_cannot_be_said_is_held_and_the_others_go(
    world: World, bad: Order, cause: str, words: str
) -> None:
    first, held, last = world.deliver(an_order(1001), bad, an_order(1003))
    assert isinstance(held, Held)
    assert (held.cause, words in held.reason, bool(held.hint)) == (cause, True, True)
    assert isinstance(first, Done)
    assert isinstance(last, Done)
    assert len(world.shipments) == 2


def test_one_order_that_shipstation_refuses_is_held_with_its_words(world: World) -> None:
    bad = an_order(1002, ship_to=an_address(country="USA"))
    first, held, last = world.deliver(an_order(1001), bad, an_order(1003))
    assert isinstance(held, Held)
    assert held.cause == "refused"
    assert "order #1002" in held.reason
    assert "ship_to.country_code must be 2 characters." in held.reason
    assert isinstance(first, Done)
    assert isinstance(last, Done)


def test_a_call_that_is_refused_as_a_whole_is_taken_apart(world: World) -> None:
    world.fails("POST /v2/shipments", status=400, body={"errors": [{"message": "Malformed."}]})
    outcomes = world.deliver(an_order(1001), an_order(1002))
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert len(world.shipments) == 2


def test_the_shops_phone_stands_in_for_a_missing_one(world: World) -> None:
    world.connect(fallback_phone="+1 555 0100")
    world.deliver(an_order(ship_to=an_address(phone=""), phone=""))
    assert world.shipments[0]["ship_to"]["phone"] == "+1 555 0100"


def test_unknown_locations_go_to_the_default_warehouse(world: World) -> None:
    world.connect(warehouses={}, default_warehouse=WEST)
    world.deliver(an_order())
    assert world.shipments[0]["warehouse_id"] == WEST


@pytest.mark.parametrize("kind", ["after", "drop_after", "timeout_after"])
def test_accepted_then_no_answer_gives_one_shipment(world: World, kind: str) -> None:
    # given a call that ShipStation carries out without our hearing of it
    world.fails("POST /v2/shipments", kind=kind, status=500, body="Internal Server Error")
    orders = [an_order(1001), a_two_location_order(1002)]
    outcomes = world.deliver(*orders)
    assert all(isinstance(outcome, Unknown) for outcome in outcomes)
    # when the orders are tried again, in doubt
    written = world.written()
    outcomes = world.deliver(*orders, in_doubt=True)
    # then what is there is found, and nothing more is written
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert len(world.shipments) == 3
    assert world.written() == written


def test_only_the_items_of_the_lost_call_are_in_doubt(world: World) -> None:
    world.fails("POST /v2/shipments", kind="drop_after")
    outcomes = world.deliver(*(an_order(1000 + n, created_at=after(minutes=n)) for n in range(30)))
    assert [type(outcome) for outcome in outcomes] == [Unknown] * 20 + [Done] * 10


def test_an_order_in_doubt_that_never_arrived_is_made(world: World) -> None:
    world.fails("POST /v2/shipments", kind="drop")
    world.deliver(an_order())
    (outcome,) = world.deliver(an_order(), in_doubt=True)
    assert isinstance(outcome, Done)
    assert len(world.shipments) == 1


def test_a_lost_shipment_of_an_order_that_was_cancelled_meanwhile_is_called_off(world: World) -> None:
    world.fails("POST /v2/shipments", kind="drop_after")
    world.deliver(an_order())
    (outcome,) = world.deliver(an_order(cancelled_at=NOON))
    assert isinstance(outcome, Done)
    assert outcome.note == "called off: cancelled"
    assert world.waiting == {}


def test_half_an_order_that_got_through_is_called_off_with_the_order(world: World) -> None:
    # given an order of two locations whose second shipment was refused
    world.connect(warehouses={"loc-1": EAST, "West coast": "se-999"})
    (held,) = world.deliver(a_two_location_order())
    assert isinstance(held, Held)
    assert len(world.waiting) == 1
    # when it is cancelled
    world.deliver(a_two_location_order(cancelled_at=NOON))
    # then nothing is left in the warehouse
    assert world.waiting == {}


def test_shipstations_wait_is_respected(world: World) -> None:
    world.fails("POST", status=429, headers={"Retry-After": "7"})
    (outcome,) = world.deliver(an_order())
    assert isinstance(outcome, Done)
    assert world.time.slept == [7.0]


def test_a_long_wait_leaves_the_rest_of_the_batch_unsent(world: World) -> None:
    world.fails("POST", status=429, headers={"Retry-After": "55"})
    with pytest.raises(RateLimited) as limited:
        world.deliver(an_order())
    assert limited.value.retry_after == 55.0
    assert world.shipments == []


def test_our_own_pace_stays_below_the_limit(world: World) -> None:
    for n in range(220):
        world.deliver(an_order(1000 + n))
    assert world.sim.do_calls() == {"GET 200": 1, "POST 200": 220}
    assert sum(world.time.slept) > 55


class Together:
    """Budgets that both connections find under one name, as the ledger's are."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[str, LocalWindows] = {}

    def windows(self, name: str, rates: Sequence[tuple[int, float]]) -> LocalWindows:
        return self._windows.setdefault(name, LocalWindows(rates, self._clock))

    def bucket(self, name: str) -> LocalBucket:
        return LocalBucket(self._clock)


def test_workers_share_the_accounts_pace(world: World) -> None:
    # given two workers with budgets that they share
    services = replace(world.services, shared=Together(world.time.clock))
    workers = [ShipStation(world.settings, services) for _ in range(2)]
    # when each makes a hundred calls within the minute
    for n in range(100):
        for at, worker in enumerate(workers):
            list(worker.deliver([world.item(an_order(1000 + 2 * n + at))]))
    # then they have waited for each other, and ShipStation for neither
    assert sum(world.time.slept) > 50
    assert len(world.shipments) == 200
    assert not any(call.endswith("429") for call in world.sim.do_calls())


def test_without_a_pace_the_limit_is_shipstations(world: World) -> None:
    world.connect(pace=False)
    for n in range(199):
        world.deliver(an_order(1000 + n))
    with pytest.raises(RateLimited):
        world.deliver(an_order(1200))
    assert world.sim.do_calls()["POST 200"] == 199


def test_a_refused_key_stops_at_once_and_shows_nothing_of_it(world: World) -> None:
    world.connect(api_key="sk-wrong")
    with pytest.raises(NotAuthorised, match="refuses the API key") as refused:
        world.deliver(an_order(1001), an_order(1002))
    assert "sk-wrong" not in f"{refused.value} {world.settings!r}"
    assert world.sim.do_calls() == {"GET 401": 1}


def test_a_plan_without_the_api_is_called_by_its_name() -> None:
    world = World(plan=False)
    with pytest.raises(NotAuthorised, match="the plan does not include this API"):
        world.deliver(an_order())


def test_a_wrong_address_of_the_api_blames_no_order(world: World) -> None:
    world.connect(base_url="https://api.shipstation.test/v1")
    with pytest.raises(NotAuthorised, match=r"knows no path /v1/v2/shipments") as refused:
        world.deliver(an_order())
    assert refused.value.hint == "check base_url in stack.toml"


def test_a_number_that_another_storefront_has_gets_a_prefix(world: World) -> None:
    other = changed(an_order(1001), source="wholesale")
    world.deliver(an_order(1001), other)
    assert [each["shipment_number"] for each in world.shipments] == ["1001", "WHOLESALE-1001"]


NOT_NOW = {
    "test": (an_order(test=True), "test order"),
    "unpaid": (an_order(financial=Financial.PENDING), "waiting for payment"),
    "cancelled": (an_order(cancelled_at=NOON), "cancelled"),
    "digital": (an_order(lines=(a_line("EBOOK", requires_shipping=False),)), "digital only"),
    "on hold": (
        an_order(lines=(TEA,), fulfilment_orders=(a_fulfilment_order([TEA], status="on_hold"),)),
        "on hold",
    ),
}


@pytest.mark.parametrize(("order", "reason"), NOT_NOW.values(), ids=NOT_NOW.keys())
def test_what_is_not_to_be_shipped_says_why(world: World, order: Order, reason: str) -> None:
    assert world.deliver(order) == [Skipped(reason=reason)]
    assert world.shipments == []


def test_an_order_without_a_route_is_asked_for_again_with_growing_patience(world: World) -> None:
    order = an_order(fulfilment_orders=())
    (first,) = world.deliver(order)
    (fourth,) = world.deliver(order, attempt=4)
    assert first == Retry(reason="order #1001 is waiting for the storefront's routing", after=60.0)
    assert isinstance(fourth, Retry)
    assert fourth.after == 480.0


def test_an_unreadable_event_is_held_and_the_others_go(world: World) -> None:
    broken = an_event(an_order(1001), Kind.ORDER_UPDATED)
    broken = changed(broken, data={**broken.data, "lines": "none"})
    items = [Item(ref="1", subject="shop:51001", events=(broken,)), world.item(an_order(1002))]
    outcomes = {item.subject: outcome for item, outcome in world.shipstation.deliver(items)}
    assert outcomes["shop:51001"] == Held(cause="unreadable_order", reason="shop:51001 cannot be read: lines")
    assert isinstance(outcomes["shop:51002"], Done)


def test_lines_on_hold_wait_while_the_others_are_shipped(world: World) -> None:
    held = FulfilmentOrder(id="fo-2", status="on_hold", location_id="loc-1", lines=(a_fulfilment_line(MUGS),))
    order = an_order(lines=(MUGS, TEA), fulfilment_orders=(a_fulfilment_order([TEA]), held))
    (outcome,) = world.deliver(order)
    assert isinstance(outcome, Done)
    assert outcome.note == "on hold"
    assert world.waiting == {"shop:51001": {"line-TEA": 1}}


def test_where_the_post_knows_no_codes_none_is_missed(world: World) -> None:
    (outcome,) = world.deliver(an_order(1001, ship_to=an_address(country="HK", postal_code="")))
    assert isinstance(outcome, Done)
    assert world.sim.state()["shipments"][0]["ship_to"]["postal_code"] == "00000"
