"""What is V1's own about bringing orders: upserts by key, whole orders, searches by the beginning of a number."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from commerce.orders import Order
from commerce.outcomes import Done, Held, Retry, Skipped, Unknown
from integrations.limits import Paced
from integrations.shipstation.v1.pace import RATES, SharedPace
from tests.builders import NOON, a_fulfilment_order, a_line, after, an_address, an_order, changed
from tests.integrations.shipstation.v1.world import BASE_URL, V1World

MUGS = a_line("MUG-RED", 3)
TEA = a_line("TEA", 1, "5.00")


def an_order_of_both(number: int = 1001, **fields: Any) -> Order:
    """Three mugs and a tea from one location."""
    return an_order(number, **{"lines": (MUGS, TEA), "fulfilment_orders": (a_fulfilment_order([MUGS, TEA]),), **fields})


def moved(number: int = 1001) -> Order:
    """The shopper moved."""
    return an_order_of_both(number, ship_to=an_address(line1="1 New Street"))


def held(order: Order) -> Order:
    """The storefront holds it."""
    return changed(order, fulfilment_orders=tuple(changed(each, status="on_hold") for each in order.fulfilment_orders))


def test_an_upsert_after_a_lost_ledger_does_not_wipe_out_what_staff_wrote(world: V1World) -> None:
    # given an order that staff have worked on, and a hub that tried it without hearing of it
    world.deliver(an_order_of_both())
    world.sim.do_edit(58345234, {"internalNotes": "fragile", "tagIds": [7]})
    world.bindings.clear()
    # when it is tried again, in doubt, and has changed meanwhile
    world.deliver(moved(), in_doubt=True)
    # then it is changed and keeps what is theirs
    (there,) = world.orders
    assert (there["shipTo"]["street1"], there["internalNotes"], there["tagIds"]) == ("1 New Street", "fragile", [7])


def test_a_change_sends_the_whole_order_with_id_and_key(world: V1World) -> None:
    world.deliver(an_order_of_both())
    world.sim.do_edit(
        58345234,
        {
            "internalNotes": "fragile",
            "carrierCode": "stamps_com",
            "weight": {"value": 24.0, "units": "ounces", "WeightUnits": 1},
            "internationalOptions": {"contents": "merchandise", "customsItems": None, "nonDelivery": None},
        },
    )
    world.deliver(moved())
    (there,) = world.orders
    assert there["orderId"] == 58345234
    assert (there["internalNotes"], there["carrierCode"], there["weight"]["value"]) == ("fragile", "stamps_com", 24.0)
    assert there["internationalOptions"]["contents"] == "merchandise"


def test_somebody_elses_number_that_begins_like_ours_is_left_alone(world: V1World) -> None:
    # given numbers of which one begins the other, and a channel that has our number too
    world.deliver(an_order_of_both(100), an_order_of_both(1001))
    store = world.sim.do_store("Our shop", "Shopify")
    theirs = {name: value for name, value in world.orders[0].items() if name not in ("orderId", "orderKey")}
    typed = world.sim.do_type_in({**theirs, "orderKey": "5100", "advancedOptions": {"storeId": store}})
    # when ours is cancelled, and forgotten before
    world.bindings.clear()
    world.deliver(an_order_of_both(100, cancelled_at=NOON))
    # then only ours is
    assert {each["orderId"]: each["orderStatus"] for each in world.orders} == {
        58345234: "cancelled",
        58345235: "awaiting_shipment",
        typed: "awaiting_shipment",
    }


@pytest.mark.parametrize("closed", ["refuse", "ignore"])
def test_a_forgotten_order_that_has_left_is_neither_sent_again_nor_changed(closed: str) -> None:
    world = V1World(closed=closed)
    world.deliver(an_order_of_both())
    world.sim.do_buy_labels()
    world.bindings.clear()
    (outcome,) = world.deliver(an_order_of_both())
    assert isinstance(outcome, Done)
    (there,) = world.orders
    assert there["orderStatus"] == "shipped"
    assert outcome.binding.vendor_id == "58345234"


def test_a_forgotten_order_that_was_cancelled_gets_another_key(world: V1World) -> None:
    # given an order that was called off and is wanted again, and a ledger that has forgotten it
    world.deliver(an_order_of_both())
    world.deliver(an_order_of_both(cancelled_at=NOON))
    world.bindings.clear()
    (outcome,) = world.deliver(an_order_of_both())
    assert isinstance(outcome, Done)
    assert {each["orderKey"]: each["orderStatus"] for each in world.orders} == {
        "shop:51001": "cancelled",
        "shop:51001~2": "awaiting_shipment",
    }


@pytest.mark.parametrize("closed", ["refuse", "ignore"])
def test_shipped_between_our_look_and_our_write_is_for_a_person(closed: str) -> None:
    # given a list that is behind: it shows the order as it was before its label was bought
    world = V1World(closed=closed)
    world.deliver(an_order_of_both())
    answer = world.sim.answer

    def buy_before_the_write(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/orders/createorder":
            world.sim.answer = answer  # type: ignore[method-assign]
            world.sim.do_buy_labels()
        return answer(request)

    world.sim.answer = buy_before_the_write  # type: ignore[method-assign]
    # when the shopper moves just then
    (outcome,) = world.deliver(moved())
    # then the change is not counted as made
    assert isinstance(outcome, Held)
    assert outcome.cause == "changed_after_shipping"
    assert world.orders[0]["shipTo"]["street1"] == "12 Analytical Way"


def test_a_lost_order_that_lists_do_not_show_yet_is_not_made_twice() -> None:
    world = V1World(lag=90.0)
    world.fails("createorders", kind="drop_after")
    assert isinstance(world.deliver(an_order_of_both())[0], Unknown)
    (outcome,) = world.deliver(an_order_of_both(), in_doubt=True, attempt=2)
    assert isinstance(outcome, Done)
    assert len(world.orders) == 1


def test_a_lost_order_that_lists_do_not_show_yet_is_called_off_later() -> None:
    # given an order that got through without our hearing of it, and lists that are a minute and a half behind
    world = V1World(lag=90.0)
    world.fails("createorders", kind="drop_after")
    world.deliver(an_order_of_both())
    # when it is cancelled at once
    (outcome,) = world.deliver(an_order_of_both(cancelled_at=NOON), in_doubt=True, attempt=2)
    # then it is looked for once more, and called off
    assert isinstance(outcome, Retry)
    world.time.sleep(outcome.after or 0.0)
    world.deliver(an_order_of_both(cancelled_at=NOON), in_doubt=True, attempt=3)
    assert [each["orderStatus"] for each in world.orders] == ["cancelled"]


def test_an_order_that_never_got_through_is_looked_for_a_few_times_only() -> None:
    world = V1World()
    cancelled = an_order_of_both(cancelled_at=NOON)
    outcomes = [world.deliver(cancelled, in_doubt=True, attempt=attempt)[0] for attempt in range(2, 5)]
    assert [type(outcome) for outcome in outcomes] == [Retry, Retry, Skipped]


def test_a_hold_of_the_staffs_outlives_our_changes(world: V1World) -> None:
    world.deliver(an_order_of_both())
    world.sim.do_hold(58345234, "2026-12-24")
    world.deliver(moved())
    (there,) = world.orders
    assert (there["orderStatus"], there["holdUntilDate"][:10]) == ("on_hold", "2026-12-24")
    assert there["shipTo"]["street1"] == "1 New Street"


def test_our_own_hold_is_for_ever_and_is_lifted_by_the_release(world: V1World) -> None:
    world.deliver(an_order_of_both())
    world.deliver(held(moved()))
    (there,) = world.orders
    assert (there["orderStatus"], there["holdUntilDate"][:10]) == ("on_hold", "2099-12-31")
    world.deliver(moved())
    assert world.orders[0]["orderStatus"] == "awaiting_shipment"


def test_an_order_that_staff_deleted_is_for_a_person(world: V1World) -> None:
    world.deliver(an_order_of_both())
    world.sim.do_delete(58345234)
    (outcome,) = world.deliver(moved())
    assert isinstance(outcome, Held)
    assert outcome.cause == "cancelled_in_shipstation"


def test_a_renamed_order_is_still_found(world: V1World) -> None:
    world.deliver(an_order_of_both())
    world.sim.do_edit(58345234, {"orderNumber": "URGENT"})
    world.deliver(moved())
    assert world.orders[0]["shipTo"]["street1"] == "1 New Street"


@pytest.mark.parametrize("shared", [True, False], ids=["shares the key", "has a key of its own"])
def test_pieces_of_a_split_order_are_known_and_called_off(shared: bool) -> None:
    world = V1World(split_shares_key=shared)
    world.deliver(an_order_of_both())
    half = world.sim.do_split(58345234, {"line-TEA": 1})
    world.deliver(an_order_of_both(cancelled_at=NOON))
    assert {each["orderId"]: each["orderStatus"] for each in world.orders} == {58345234: "cancelled", half: "cancelled"}


def test_a_merged_order_is_not_replaced(world: V1World) -> None:
    # given two orders that staff have merged into one
    world.deliver(an_order_of_both(1001), an_order_of_both(1002))
    world.sim.do_merge(58345234, 58345235)
    before = world.orders
    # when one of them changes
    (outcome,) = world.deliver(moved())
    # then the other's goods are not wiped out
    assert isinstance(outcome, Held)
    assert outcome.cause == "combined_in_shipstation"
    assert world.orders == before


def test_one_entry_that_cannot_be_read_spoils_no_other(world: V1World) -> None:
    # given a batch of which V1 cannot read one order, so that it refuses the whole
    answer = world.sim.answer

    def cannot_read_1004(request: httpx.Request) -> httpx.Response:
        entries = json.loads(request.content) if request.url.path == "/orders/createorders" else []
        if any(entry["orderNumber"] == "1004" for entry in entries):
            state = {"apiOrders[3].items[0].quantity": ["Could not convert to integer."]}
            return httpx.Response(400, json={"Message": "The request is invalid.", "ModelState": state})
        return answer(request)

    world.sim.answer = cannot_read_1004  # type: ignore[method-assign]
    outcomes = world.deliver(*(an_order_of_both(1000 + n) for n in range(1, 17)))
    # then that one is held with V1's words, the others are there, and few calls were needed
    bad = [outcome for outcome in outcomes if not isinstance(outcome, Done)]
    assert len(bad) == 1
    assert isinstance(bad[0], Held)
    assert "apiOrders[3].items[0].quantity: Could not convert to integer." in bad[0].reason
    assert len(world.orders) == 15
    assert world.written() <= 9


WRONG: dict[str, dict[str, Any]] = {
    "model state": {"Message": "The request is invalid.", "ModelState": {"apiOrder.shipTo": ["Bad state."]}},
    "exception": {"Message": "An error has occurred.", "ExceptionMessage": "Bad state."},
    "message": {"message": "Bad state."},
}


@pytest.mark.parametrize("body", [*WRONG.values(), "Bad state.", '"Bad state."'], ids=[*WRONG, "text", "json text"])
def test_whatever_shape_a_refusal_has_its_words_are_told(world: V1World, body: Any) -> None:
    world.fails("createorders", status=400, body=body)
    (outcome,) = world.deliver(an_order_of_both())
    assert isinstance(outcome, Held)
    assert "Bad state." in outcome.reason


def test_a_page_of_a_proxy_blames_no_order(world: V1World) -> None:
    page = "<html><body>Bad gateway</body></html>"
    world.fails("createorders", status=200, body=page)
    assert isinstance(world.deliver(an_order_of_both())[0], Unknown)
    world.fails("createorders", status=502, body=page)
    assert isinstance(world.deliver(an_order_of_both())[0], Unknown)


@pytest.mark.parametrize(
    "entry",
    [
        {"orderId": None, "orderKey": "shop:51001", "success": False, "errorMessage": "Transaction was deadlocked."},
        {"orderId": None, "orderKey": "shop:51001", "success": True, "errorMessage": None},
        {"orderId": None, "orderKey": "other:1", "success": False, "errorMessage": "?"},
    ],
)
def test_what_an_answer_does_not_say_is_looked_up(world: V1World, entry: dict[str, Any]) -> None:
    world.fails("createorders", kind="after", status=200, body={"hasErrors": True, "results": [entry, entry]})
    (outcome,) = world.deliver(an_order_of_both())
    assert isinstance(outcome, Unknown)
    assert isinstance(world.deliver(an_order_of_both(), in_doubt=True)[0], Done)
    assert len(world.orders) == 1


def test_v1_says_how_long_to_wait_in_a_header_of_its_own(world: V1World) -> None:
    world.connect(pace=False)
    headers = {"X-Rate-Limit-Limit": "40", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "37"}
    world.fails("createorders", status=429, headers=headers, body={"message": "Too Many Requests"})
    (outcome,) = world.deliver(an_order_of_both())
    assert isinstance(outcome, Done)
    assert world.time.slept == [37.0]


@pytest.mark.parametrize("reset", ["", "soon", "-3", "1795435200", "nan"])
def test_a_reset_that_makes_no_sense_does_not_stop_us_for_years(world: V1World, reset: str) -> None:
    headers = {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": reset}
    world.fails("createorders", status=429, headers=headers, body="Too Many Requests", times=2)
    (outcome,) = world.deliver(an_order_of_both())
    assert isinstance(outcome, Done)
    assert sum(world.time.slept) <= 180


def test_others_who_use_the_same_key_slow_us_down_before_v1_does(world: V1World) -> None:
    # given a key that somebody else uses up
    credential = httpx.BasicAuth(world.sim.api_key, world.sim.api_secret)
    somebody = httpx.Client(base_url=BASE_URL, auth=credential, transport=world.sim.transport(), trust_env=False)
    for _ in range(39):
        somebody.get("/orders")
    # when we send two orders with the last call and the next
    world.deliver(an_order_of_both(1001))
    world.deliver(an_order_of_both(1002))
    # then V1 never had to say no
    assert {call.status for call in world.sim.calls} == {200}
    assert sum(world.time.slept) > 0


def test_a_pace_without_headers_is_our_own(world: V1World) -> None:
    paced = Paced(RATES, clock=world.time.clock, sleep=world.time.sleep)
    pace = SharedPace(paced, world.time.clock, world.time.sleep)
    for _ in range(80):
        pace.wait()
        pace.heard(httpx.Response(200))
    assert 60 <= sum(world.time.slept) <= 180


def test_what_was_promised_first_is_sent_first(world: V1World) -> None:
    def due(number: int, days: int) -> Order:
        return an_order(number, lines=(TEA,), fulfilment_orders=(a_fulfilment_order([TEA], ship_by=after(days=days)),))

    world.deliver(due(1001, 9), due(1002, 1), due(1003, 5))
    assert [each["orderNumber"] for each in world.orders] == ["1002", "1003", "1001"]
    assert world.orders[0]["shipByDate"] == "2026-11-21T04:00:00.0000000"


def test_orders_land_in_the_store_that_was_chosen_and_stay_there(world: V1World) -> None:
    store = world.sim.do_store("Web orders", "ShipStation")
    world.connect(store_id=store)
    world.deliver(an_order_of_both())
    assert world.orders[0]["advancedOptions"]["storeId"] == store
    # when the merchant chooses another one later
    world.connect(store_id="12345")
    (outcome,) = world.deliver(moved())
    # then what is there is changed where it is
    assert isinstance(outcome, Done)
    assert world.orders[0]["advancedOptions"]["storeId"] == store
    assert world.orders[0]["shipTo"]["street1"] == "1 New Street"


def test_what_shipstation_imports_by_itself_is_not_brought_a_second_time(world: V1World) -> None:
    # given a storefront that is connected inside ShipStation too, which has one of two new orders already
    store = world.sim.do_store("Our shop", "Shopify")
    world.deliver(an_order_of_both(999))
    theirs = {name: value for name, value in world.orders[0].items() if name not in ("orderId", "orderKey")}
    items = [{"lineItemKey": "9", "name": "Mug", "quantity": 3}]
    made = {**theirs, "orderKey": "51001", "items": items, "advancedOptions": {"storeId": store}}
    world.sim.do_type_in({**made, "orderNumber": "1001"})
    elsewhere = {**theirs["shipTo"], "street1": "Somewhere else"}
    world.sim.do_type_in({**made, "orderNumber": "1002", "orderKey": "other", "shipTo": elsewhere})
    world.time.now += 3600
    # when both are to be brought
    held, brought = world.deliver(an_order_of_both(1001), an_order_of_both(1002))
    # then the one is for a person, and somebody else's order of the same number stops nobody
    assert isinstance(held, Held)
    assert (held.cause, "selling" in held.hint.lower()) == ("imported_by_shipstation", True)
    assert isinstance(brought, Done)


def test_orders_that_have_left_cost_a_list_and_not_a_call_each(world: V1World) -> None:
    from tests.integrations.shipstation.conftest import told

    orders = [an_order_of_both(1000 + n) for n in range(30)]
    world.deliver(*orders)
    world.sim.do_buy_labels()
    parcels = {parcel.order_key: parcel for parcel in world.parcels()}
    gone = [told(order, [parcels[order.key]]) for order in orders]
    world.sim.calls.clear()
    outcomes = world.deliver(*gone)
    assert all(isinstance(outcome, Done) and not outcome.changed for outcome in outcomes)
    assert world.sim.do_calls() == {"GET 200": 1}
