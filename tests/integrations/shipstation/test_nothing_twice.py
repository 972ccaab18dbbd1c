"""Each order once, whatever words ShipStation finds for it, however late it shows it, and whoever else is at work."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from commerce.errors import RateLimited
from commerce.outcomes import Done, Held, Retry, Unknown
from tests.builders import NOON, a_fulfilment_order, a_line, an_address, an_order, changed
from tests.integrations.shipstation.conftest import World

TEA = a_line("TEA", 1, "5.00")


def meanwhile(world: World, on: str, act: Callable[[], object]) -> None:
    """Let somebody else act just before ShipStation handles the first call that matches."""
    answer, acts = world.sim.answer, [act]

    def answered(request: httpx.Request) -> httpx.Response:
        if acts and re.search(on, f"{request.method} {request.url.path}"):
            acts.pop()()
        return answer(request)

    world.sim.answer = answered  # type: ignore[method-assign]


def keys(world: World) -> list[str]:
    return [each["external_shipment_id"] for each in world.shipments]


WORDS = [
    "A shipment with external_shipment_id '{}' already exists.",
    "External Shipment ID must be unique.",
    "identifier_conflict",
    "Duplicate.",
    "The request could not be processed.",
]


@pytest.mark.parametrize("words", WORDS)
def test_a_repeated_key_is_recognised_whatever_the_words(words: str) -> None:
    # given an order that ShipStation has and the hub has forgotten
    world = World(key_taken=words)
    world.deliver(an_order(1001))
    world.bindings.clear()
    # when it is brought again, beside a new one
    outcomes = world.deliver(an_order(1001), an_order(1002))
    # then what is there is ours
    assert [type(outcome) for outcome in outcomes] == [Done, Done]
    assert keys(world) == ["shop:51001", "shop:51002"]


@pytest.mark.parametrize("words", ["Order number {} is in use.", "Duplicate shipment_number.", "shipmentNumber taken"])
def test_a_repeated_number_is_recognised_too(words: str) -> None:
    world = World(number_taken=words)
    world.deliver(an_order(1001), changed(an_order(1001), source="wholesale"))
    assert [each["shipment_number"] for each in world.shipments] == ["1001", "WHOLESALE-1001"]


def test_where_numbers_need_not_be_unique_two_storefronts_share_them() -> None:
    world = World(unique_numbers=False)
    world.deliver(an_order(1001), changed(an_order(1001), source="wholesale"))
    assert [each["shipment_number"] for each in world.shipments] == ["1001", "1001"]


@pytest.mark.parametrize("seconds", [0.0, 90.0])
def test_a_shipment_that_look_ups_show_late_is_not_made_again(seconds: float) -> None:
    # given a call that was carried out without an answer, and look-ups that lag
    world = World(seen_after=seconds)
    world.fails("POST /v2/shipments", kind="drop_after")
    assert isinstance(world.deliver(an_order())[0], Unknown)
    # when it is tried again before it is shown: not there, but its key is taken
    (again,) = world.deliver(an_order(), in_doubt=True)
    assert isinstance(again, Unknown if seconds else Done)
    # then it is ours once it is shown
    world.time.now += seconds
    (at_last,) = world.deliver(an_order(), in_doubt=bool(seconds))
    assert isinstance(at_last, Done)
    assert keys(world) == ["shop:51001"]


def test_two_hubs_at_once_make_one_shipment_each_order(world: World) -> None:
    # given another hub with the same settings that is quicker in the middle of our call
    orders = [an_order(1000 + n) for n in range(5)]
    other = World()
    other.sim = world.sim
    other.connect()
    meanwhile(world, "POST /v2/shipments", lambda: other.deliver(*orders[:3]))
    # when we bring all
    outcomes = world.deliver(*orders)
    # then each is there once, and both hubs hold the same
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert keys(world) == [f"shop:5{1000 + n}" for n in range(5)]
    assert other.bindings.items() <= world.bindings.items()


@pytest.mark.parametrize("kind", ["after", "drop", "drop_after", "timeout_after"])
def test_a_call_lost_in_the_middle_of_many_doubles_nothing(world: World, kind: str) -> None:
    # given sixty orders in three calls, the second of which gets no answer
    orders = [an_order(1000 + n) for n in range(60)]
    meanwhile(world, "POST", lambda: world.fails("POST /v2/shipments", kind=kind, status=500, body="Internal Error"))
    first = world.deliver(*orders)
    lost = [order for order, outcome in zip(orders, first, strict=True) if isinstance(outcome, Unknown)]
    assert len(lost) == 20
    # when those are tried again
    again = world.deliver(*lost, in_doubt=True)
    # then each order is there once
    assert all(isinstance(outcome, Done) for outcome in again)
    assert sorted(keys(world)) == sorted(order.key for order in orders)


@pytest.mark.parametrize("most", [1, 7, 19])
def test_a_service_that_takes_fewer_at_once_gets_fewer(most: int) -> None:
    world = World(most_at_once=most)
    outcomes = world.deliver(*(an_order(1000 + n) for n in range(20)))
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert len(world.shipments) == 20


def test_one_that_spoils_a_whole_call_is_found_by_halving(world: World) -> None:
    # given a service that refuses a whole call for the sake of one order
    def picky(request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and b"shop:51013" in request.content:
            body = {"errors": [{"message": "The input is malformed.", "field": "notes_from_buyer"}]}
            return httpx.Response(400, json=body)
        return answer(request)

    answer = world.sim.answer
    world.sim.answer = picky  # type: ignore[method-assign]
    # when twenty are brought
    outcomes = world.deliver(*(an_order(1000 + n) for n in range(20)))
    # then that one is held with the words, the others are there, in few calls
    (held,) = [outcome for outcome in outcomes if isinstance(outcome, Held)]
    assert "notes_from_buyer: The input is malformed." in held.reason
    assert len(world.shipments) == 19
    assert world.written() <= 11


NONSENSE: dict[str, Any] = {
    "nothing": None,
    "a word": "created",
    "no id and no reason": {"external_shipment_id": "shop:51001"},
    "errors as text": {"external_shipment_id": "shop:51001", "errors": "Something went wrong."},
    "errors as objects": {"external_shipment_id": "shop:51001", "errors": [{"message": "Something went wrong."}]},
    "errors as null": {"external_shipment_id": "shop:51001", "errors": None},
}


@pytest.mark.parametrize("entry", NONSENSE.values(), ids=NONSENSE.keys())
def test_an_odd_entry_in_the_answer_concerns_its_own_order_only(world: World, entry: Any) -> None:
    # given a service that has made both, and says something odd of the first
    def odd(request: httpx.Request) -> httpx.Response:
        told = answer(request)
        if request.method != "POST":
            return told
        body = told.json()
        return httpx.Response(200, json={**body, "shipments": [entry, *body["shipments"][1:]]})

    answer = world.sim.answer
    world.sim.answer = odd  # type: ignore[method-assign]
    first, second = world.deliver(an_order(1001), an_order(1002))
    # then the second is done, and the first is found now or by the next try
    assert isinstance(second, Done)
    if isinstance(first, Unknown):
        (first,) = world.deliver(an_order(1001), in_doubt=True)
    assert isinstance(first, Done)
    assert keys(world) == ["shop:51001", "shop:51002"]


@pytest.mark.parametrize("status", ["completed", "processing"])
def test_a_label_that_is_bought_while_we_update_is_seen(world: World, status: str) -> None:
    # given an order whose label is bought between our look and our write
    world.deliver(an_order())
    meanwhile(world, "PUT /v2/shipments/", lambda: world.sim.do_buy_labels(status=status))
    # when the shopper moves
    (outcome,) = world.deliver(an_order(ship_to=an_address(line1="1 New Street")))
    # then people hear that the parcel goes elsewhere, or it is looked at again once the label is there
    if status == "processing":
        assert isinstance(outcome, Retry)
    else:
        assert isinstance(outcome, Held)
        assert (outcome.cause, "goes to another address" in outcome.reason) == ("changed_after_shipping", True)


def test_a_label_that_is_bought_while_we_cancel_is_an_exception(world: World) -> None:
    world.deliver(an_order())
    meanwhile(world, "PUT .*/cancel", world.sim.do_buy_labels)
    (outcome,) = world.deliver(an_order(cancelled_at=NOON))
    assert isinstance(outcome, Held)
    assert (outcome.cause, "was cancelled after shipment" in outcome.reason) == ("changed_after_shipping", True)


def test_an_edit_that_shipstation_refuses_for_itself_is_held_with_its_words(world: World) -> None:
    world.deliver(an_order())
    (outcome,) = world.deliver(an_order(ship_to=an_address(country="USA")))
    assert isinstance(outcome, Held)
    assert (outcome.cause, "country_code must be 2 characters" in outcome.reason) == ("refused", True)


def test_a_limit_in_the_middle_of_a_replacement_leaves_no_false_alarm() -> None:
    # given a service without edits, where a limit falls between our cancelling and our making anew
    world = World(put_supported=False)
    world.deliver(an_order())
    world.fails("POST /v2/shipments", status=429, headers={"Retry-After": "55"})
    edited = an_order(note="Leave with the porter")
    (outcome,) = world.deliver(edited)
    assert isinstance(outcome, Unknown)
    # then the next try goes on from there: our own cancelling is not taken for somebody else's
    (outcome,) = world.deliver(edited, in_doubt=True)
    assert isinstance(outcome, Done)
    assert len(world.waiting) == 1


@pytest.mark.parametrize("kind", ["drop", "drop_after", "timeout_after"])
def test_a_replacement_that_got_no_answer_is_found_and_not_made_again(kind: str) -> None:
    # given a service without edits, and the answer to our replacement lost
    world = World(put_supported=False)
    world.deliver(an_order())
    world.fails("POST /v2/shipments", kind=kind)
    edited = an_order(note="Leave with the porter", ship_to=an_address(name="Grace Hopper"))
    assert isinstance(world.deliver(edited)[0], Unknown)
    # when it is tried again, and the shopper writes once more
    (outcome,) = world.deliver(edited, in_doubt=True)
    assert isinstance(outcome, Done)
    world.deliver(changed(edited, note="Leave with the neighbour"))
    # then one shipment waits, with what was said last
    (waiting,) = [each for each in world.shipments if each["shipment_status"] == "pending"]
    assert waiting["notes_from_buyer"] == "Leave with the neighbour"


def test_a_limit_before_anything_was_changed_is_a_limit(world: World) -> None:
    world.deliver(an_order())
    world.fails("PUT /v2/shipments/", status=429, headers={"Retry-After": "55"})
    with pytest.raises(RateLimited):
        world.deliver(an_order(note="Leave with the porter"))


@pytest.mark.parametrize("longest", [None, 10])
def test_pages_shorter_than_asked_for_are_read_to_the_end(longest: int | None) -> None:
    world = World(longest_page=longest)
    world.deliver(*(an_order(1000 + n) for n in range(35)))
    world.sim.do_buy_labels()
    assert len(world.parcels()) == 35


def test_an_empty_page_does_not_end_a_list(world: World) -> None:
    # given a service that shows nothing on the first of two pages
    def gap(request: httpx.Request) -> httpx.Response:
        told = answer(request)
        if request.url.path != "/v2/labels" or told.json()["total"] == 0:
            return told
        body, first = told.json(), request.url.params["page"] == "1"
        return httpx.Response(200, json={**body, "labels": [] if first else world.sim.labels.listed({}), "pages": 2})

    world.deliver(an_order(lines=(TEA,), fulfilment_orders=(a_fulfilment_order([TEA]),)))
    world.sim.do_buy_labels()
    answer = world.sim.answer
    world.sim.answer = gap  # type: ignore[method-assign]
    assert [parcel.id for parcel in world.parcels()] == ["label-se-184976210"]
