"""Bringing tracking back to orders that were moved, split, held or sent by others, and answers that got lost."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.orders import Order
from commerce.outcomes import Done, Held, Retry, Unknown
from commerce.parcels import ParcelLine
from integrations.shopify import documents
from integrations.shopify.simulator.holds import hold, release
from integrations.shopify.tracking import to_company, to_tracking
from tests.builders import a_parcel

from .connected import Connected, parcel_for
from .spoiling import after, says_internal_error, spoils
from .test_client_fulfilment import OTHER, UPS, deliver, sent

THREE = [{"sku": "MUG-RED", "quantity": 3, "price": "25.00"}]


def one_of(order: Order) -> tuple[ParcelLine, ...]:
    """One unit of the order's first line."""
    return (ParcelLine(line_id=order.lines[0].id, sku=order.lines[0].sku, quantity=1),)


class TestLostAnswers:
    """`fulfillmentCreate` has no idempotency key."""

    @pytest.mark.parametrize("way", ["drop_after", "timeout_after", "after", "internal", "html", "empty", "nothing"])
    def test_a_part_that_was_sent_in_a_lost_answer_is_not_sent_twice(self, way):
        # given a parcel of one of three mugs, whose answer does not arrive as one
        shop = Connected()
        order = shop.read(shop.place(lines=THREE))
        parcel = {"lines": one_of(order)}
        lose(shop, way)
        (lost,) = deliver(shop, parcel_for(order, **parcel))
        assert isinstance(lost, Unknown)
        # when it comes again
        shop.sim.faults.clear()
        (found,) = deliver(shop, parcel_for(order, **parcel, in_doubt=True, attempt=2))
        # then it is one fulfilment of one mug, and one mail
        assert isinstance(found, Done)
        assert not found.changed
        assert sent(shop) == [("SUCCESS", [UPS], [("MUG-RED", 1)])]
        assert shop.sim.emails_sent == 1

    @pytest.mark.parametrize("way", ["drop_after", "internal", "html", "empty"])
    def test_taking_back_and_correcting_may_be_asked_twice(self, way):
        shop = Connected()
        order = shop.read(shop.place())
        (done,) = deliver(shop, parcel_for(order))
        lose(shop, way, "TrackingUpdate")
        parcel = {"tracking_numbers": (OTHER,), "binding": done.binding}
        deliver(shop, parcel_for(order, **parcel))
        (again,) = deliver(shop, parcel_for(order, **parcel, in_doubt=True))
        assert isinstance(again, Done)
        lose(shop, way, "FulfillmentCancel")
        deliver(shop, parcel_for(order, **parcel, voided=True))
        (gone,) = deliver(shop, parcel_for(order, **parcel, voided=True, in_doubt=True))
        assert isinstance(gone, Done)
        assert sent(shop) == [("CANCELLED", [OTHER], [("MUG-RED", 2)])]
        assert shop.sim.emails_sent == 1

    def test_in_doubt_about_a_part_without_a_number_a_person_is_asked(self):
        # given a parcel without a number, of one of three mugs, whose answer is lost
        shop = Connected()
        order = shop.read(shop.place(lines=THREE))
        parcel = {"lines": one_of(order), "tracking_numbers": (), "tracking_url": "", "carrier": ""}
        shop.loses_the_answer_to("FulfillmentCreate")
        assert isinstance(deliver(shop, parcel_for(order, **parcel))[0], Unknown)
        # when it comes again: the mug that has left may have been this parcel's or another's
        (outcome,) = deliver(shop, parcel_for(order, **parcel, in_doubt=True, attempt=2))
        # then nothing is sent
        assert isinstance(outcome, Held)
        assert outcome.cause == "in_doubt"
        assert sent(shop) == [("SUCCESS", [], [("MUG-RED", 1)])]

    def test_in_doubt_without_a_number_what_surely_has_not_left_is_sent(self):
        shop = Connected()
        order = shop.read(shop.place(lines=THREE))
        parcel = {"lines": one_of(order), "tracking_numbers": (), "tracking_url": "", "carrier": ""}
        (outcome,) = deliver(shop, parcel_for(order, **parcel, in_doubt=True))
        assert isinstance(outcome, Done)
        assert sent(shop) == [("SUCCESS", [], [("MUG-RED", 1)])]

    def test_a_denied_part_of_the_answer_is_no_failure_of_the_write(self):
        shop = Connected()
        order = shop.read(shop.place())

        def deny(body):
            path = ["fulfillmentCreate", "fulfillment", "status"]
            body["data"]["fulfillmentCreate"]["fulfillment"]["status"] = None
            body["errors"] = [{"message": "Access denied", "path": path, "extensions": {"code": "ACCESS_DENIED"}}]

        spoils(shop, "FulfillmentCreate", deny)
        (outcome,) = deliver(shop, parcel_for(order))
        assert isinstance(outcome, Done)
        assert outcome.changed

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 2),
                st.sampled_from(["well", "drop_after", "after", "internal", "drop", "twice", "person"]),
            ),
            min_size=1,
            max_size=8,
        )
    )
    def test_however_deliveries_are_lost_and_repeated_each_parcel_is_one_fulfilment(self, story):
        """Three parcels of one mug each, delivered in any order and any number of times."""
        shop = Connected()
        order = shop.read(shop.place(lines=THREE))
        numbers = [UPS, OTHER, "1ZTHIRD"]
        tried: set[int] = set()
        for n, way in story:
            parcel = {"id": f"label-{n}", "lines": one_of(order), "tracking_numbers": (numbers[n],)}
            if way == "person":  # somebody adds a tag, which changes the order but nothing of it
                shop.sim.do_touch(order.number)
            lose(shop, way)
            deliver(shop, *[parcel_for(order, **parcel, in_doubt=n in tried)] * (2 if way == "twice" else 1))
            shop.sim.faults.clear()
            tried.add(n)
        for n in range(3):
            parcel = {"id": f"label-{n}", "lines": one_of(order), "tracking_numbers": (numbers[n],)}
            tries = (deliver(shop, parcel_for(order, **parcel, in_doubt=True))[0] for _ in range(9))
            assert any(isinstance(outcome, Done) for outcome in tries)
        assert sorted(sent(shop)) == sorted([("SUCCESS", [number], [("MUG-RED", 1)]) for number in numbers])
        assert shop.sim.emails_sent == 3
        assert shop.level("MUG-RED") == {"available": 7, "on_hand": 7, "committed": 0}


def lose(shop: Connected, way: str, operation: str = "FulfillmentCreate") -> None:
    """How the next answer to `operation` goes wrong; "well" and the like leave it as it is."""
    if way == "internal":
        says_internal_error(shop, operation)
    elif way == "empty":
        spoils(shop, operation, lambda body: {**body, "data": {next(iter(body["data"])): None}})
    elif way == "nothing":
        gone = {"fulfillment": None, "userErrors": []}
        spoils(shop, operation, lambda body: {**body, "data": {next(iter(body["data"])): gone}})
    elif way in ("drop_after", "timeout_after", "after", "html", "drop"):
        loses(shop, way, operation)


def loses(shop: Connected, way: str, operation: str) -> None:
    """The next `operation` is answered by a proxy, too late, or not at all; unless it is "drop", it was done."""
    answer, left = shop.sim.answer, [None]

    def answer_or_not(request: httpx.Request) -> httpx.Response:
        if not left or f'"{operation}"'.encode() not in request.content:
            return answer(request)
        left.pop()
        if way != "drop":
            answer(request)
        if way == "html":
            return httpx.Response(200, text="<html>We are back soon</html>", headers={"content-type": "text/html"})
        if way == "after":
            return httpx.Response(502, text="Bad gateway")
        if way == "timeout_after":
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        raise httpx.RemoteProtocolError("Server disconnected", request=request)

    shop.sim.answer = answer_or_not  # type: ignore[method-assign]


class TestOrdersThatChange:
    """Ids of fulfilment orders do not last."""

    def test_an_order_moved_to_another_place_is_fulfilled_there(self):
        # given an order that was given to the warehouse as one of Main, and then moved
        shop = Connected()
        order = shop.read(shop.place())
        main = shop.location("Main")
        shop.sim.do_move(order.number, "East")
        # when its parcel leaves, still labelled with the old place
        for lines in ({}, {"lines": ()}):
            (outcome,) = deliver(shop, parcel_for(order, order_key=f"{order.key}/{main}", **lines))
            assert isinstance(outcome, Done)
        # then the order is fulfilled, once
        assert sent(shop) == [("SUCCESS", [UPS], [("MUG-RED", 2)])]

    def test_a_part_that_stayed_is_taken_from_where_it_is(self):
        shop = Connected()
        order = shop.read(shop.place(lines=THREE))
        shop.sim.do_move(order.number, "East", {"MUG-RED": 1})
        main, east = shop.location("Main"), shop.location("East")
        two = (ParcelLine(line_id=order.lines[0].id, quantity=2),)
        outcomes = deliver(
            shop,
            parcel_for(order, "a", order_key=f"{order.key}/{main}", lines=two),
            parcel_for(order, "b", order_key=f"{order.key}/{east}", lines=one_of(order), tracking_numbers=(OTHER,)),
        )
        assert all(isinstance(one, Done) for one in outcomes)
        assert sent(shop) == [("SUCCESS", [UPS], [("MUG-RED", 2)]), ("SUCCESS", [OTHER], [("MUG-RED", 1)])]

    def test_more_than_one_place_has_is_a_matter_for_a_person(self):
        shop = Connected()
        order = shop.read(shop.place(lines=THREE))
        shop.sim.do_move(order.number, "East", {"MUG-RED": 1})
        (outcome,) = deliver(shop, parcel_for(order))
        assert isinstance(outcome, Held)
        assert outcome.cause == "wrong_quantity"
        assert sent(shop) == []

    def test_a_split_order_is_still_one_parcel(self):
        # given an order that somebody split at its place
        shop = Connected()
        order = shop.read(shop.place(lines=THREE))
        shop.sim.do_split(order.number, {"MUG-RED": 1})
        # when all of it leaves in one parcel
        (outcome,) = deliver(shop, parcel_for(order))
        # then it is one fulfilment of both parts
        assert isinstance(outcome, Done)
        [(status, numbers, rows)] = sent(shop)
        assert (status, numbers, sum(quantity for _, quantity in rows)) == ("SUCCESS", [UPS], 3)
        assert shop.sim.emails_sent == 1

    @pytest.mark.parametrize("between", ["split", "merge", "cancel", "hold and release", "progress"])
    def test_ids_that_change_between_our_look_and_our_write(self, between):
        # given an order that changes right after we looked at it
        shop = Connected()
        order = shop.read(shop.place(lines=THREE))
        if between == "merge":
            shop.sim.do_split(order.number, {"MUG-RED": 1})
        happens = {
            "split": lambda: shop.sim.do_split(order.number, {"MUG-RED": 1}),
            "merge": lambda: shop.sim.do_merge(order.number),
            "cancel": lambda: shop.sim.do_cancel_fulfillment_order(order.number),
            "hold and release": lambda: (shop.sim.do_hold(order.number), shop.sim.do_release(order.number)),
            "progress": lambda: shop.sim.do_report_progress(order.number),
        }
        after(shop, "OrdersToFulfil", happens[between])
        # when its parcel is delivered
        (outcome,) = deliver(shop, parcel_for(order))
        # then Shopify refuses, we look again, and it is one fulfilment of all
        assert isinstance(outcome, Done)
        [(_, _, rows)] = sent(shop)
        assert sum(quantity for _, quantity in rows) == 3

    @pytest.mark.parametrize("status", ["IN_PROGRESS", "OPEN"])
    def test_the_rest_of_an_order_follows_whatever_shopify_calls_it_by_then(self, status):
        shop = Connected(switches={"after_part": status})
        order = shop.read(shop.place())
        first = deliver(shop, parcel_for(order, "a", lines=one_of(order)))
        second = deliver(shop, parcel_for(order, "b", lines=one_of(order), tracking_numbers=(OTHER,)))
        assert all(isinstance(one, Done) for one in first + second)
        assert len(sent(shop)) == 2

    def test_an_order_scheduled_for_later_waits_for_a_person(self):
        shop = Connected()
        order = shop.read(shop.place())
        shop.sim.do_schedule(order.number, "2027-02-01T00:00:00Z")
        (outcome,) = deliver(shop, parcel_for(order))
        assert isinstance(outcome, Held)
        assert outcome.cause == "scheduled"
        assert "is scheduled for later in Shopify (2027-02-01)" in outcome.reason

    def test_several_holds_are_all_told_and_the_last_release_frees_it(self):
        # given holds of two apps
        shop = Connected()
        order = shop.read(shop.place())
        shop.sim.do_hold(order.number, reason="INCORRECT_ADDRESS")
        one = shop.sim.store.order(order.number).fulfillment_orders[0]
        mine = hold(shop.sim, one, {"reason": "OTHER", "reasonNotes": "asks for gift wrap"})
        (held,) = deliver(shop, parcel_for(order))
        assert "(incorrect_address, other: asks for gift wrap)" in held.reason
        # when one is released, and then the other
        release(shop.sim, one, [mine["id"]])
        assert isinstance(deliver(shop, parcel_for(order))[0], Held)
        shop.sim.do_release(order.number)
        assert isinstance(deliver(shop, parcel_for(order))[0], Done)

    def test_a_part_on_hold_does_not_stop_the_other(self):
        # given three mugs of which one is on hold
        shop = Connected()
        order = shop.read(shop.place(lines=THREE))
        shop.sim.do_split(order.number, {"MUG-RED": 1})
        one = shop.sim.store.order(order.number).fulfillment_orders[0]
        hold(shop.sim, one, {"reason": "OTHER"})
        # when one that is not leaves
        (outcome,) = deliver(shop, parcel_for(order, lines=one_of(order)))
        # then it is fulfilled
        assert isinstance(outcome, Done)
        # and one more, which only the held part has, waits
        (held,) = deliver(shop, parcel_for(order, "b", lines=one_of(order), tracking_numbers=(OTHER,)))
        assert held.cause == "on_hold"


class TestServices:
    """Other apps that ship from places of their own."""

    THIRD_PARTY = ("read_third_party_fulfillment_orders", "write_third_party_fulfillment_orders")

    def at_a_service(self, *more: str, without: str = "") -> tuple[Connected, Order]:
        shop = Connected()
        shop.sim.scopes = {one for one in shop.sim.scopes if not without or without not in one} | set(more)
        shop.sim.do_setup(locations=[{"name": "3PL", "service": "Parcel People"}])
        lines = [{"sku": "HAT", "quantity": 1, "price": "20.00", "location": "3PL"}]
        return shop, shop.read(shop.place(lines=lines))

    def test_without_the_scope_the_order_has_nothing_to_ship_and_a_person_hears_of_it(self):
        shop, order = self.at_a_service()
        assert isinstance(deliver(shop, parcel_for(order))[0], Retry)
        (late,) = deliver(shop, parcel_for(order, attempt=6))
        assert late.cause == "no_fulfilment_order"
        assert "scope" in late.hint

    def test_with_the_scope_what_was_not_asked_of_the_service_is_ours_to_send(self):
        shop, order = self.at_a_service(*self.THIRD_PARTY)
        assert isinstance(deliver(shop, parcel_for(order))[0], Done)

    def test_the_scope_of_that_kind_alone_will_do(self):
        shop, order = self.at_a_service(*self.THIRD_PARTY, without="merchant_managed")
        assert isinstance(deliver(shop, parcel_for(order))[0], Done)

    def test_what_the_service_was_asked_for_is_its_own(self):
        shop, order = self.at_a_service(*self.THIRD_PARTY)
        shop.sim.do_request(order.number, "SUBMITTED")
        (outcome,) = deliver(shop, parcel_for(order))
        assert isinstance(outcome, Held)
        assert outcome.cause == "not_fulfillable"
        assert "(submitted)" in outcome.reason
        assert "fulfillment service" in outcome.hint.replace("fulfilment", "fulfillment")

    @pytest.mark.parametrize("status", ["ACCEPTED", "REJECTED", "CLOSED"])
    def test_what_the_service_accepted_refused_or_gave_up_can_be_fulfilled(self, status):
        # Shopify offers CREATE_FULFILLMENT even on one that is INCOMPLETE
        shop, order = self.at_a_service(*self.THIRD_PARTY)
        shop.sim.do_request(order.number, status)
        assert isinstance(deliver(shop, parcel_for(order))[0], Done)
        assert len(sent(shop)) == 1


class TestAnswers:
    """What Shopify shows, or does not."""

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda node: node.update(fulfillmentOrders=None),
            lambda node: node.update(fulfillments=None),
            lambda node: node["fulfillmentOrders"].update(nodes=[None]),
            lambda node: node["fulfillmentOrders"]["nodes"][0].update(lineItems={"nodes": []}),
            lambda node: node["fulfillmentOrders"]["nodes"][0]["lineItems"]["nodes"][0].update(remainingQuantity="two"),
        ],
    )
    def test_an_order_that_cannot_be_read_is_tried_again_then_held_and_stops_no_other(self, spoil):
        # given two parcels, the first order of which is answered wrongly
        shop = Connected()
        orders = [shop.read(shop.place()) for _ in range(2)]
        for attempt in (1, 6):
            spoils(shop, "OrdersToFulfil", lambda body: spoil(body["data"]["nodes"][0]))
            items = [
                parcel_for(one, f"label-{n}", tracking_numbers=(f"T{n}",), attempt=attempt)
                for n, one in enumerate(orders)
            ]
            bad, good = deliver(shop, *items)
            assert isinstance(bad, Retry if attempt == 1 else Held)
            assert isinstance(good, Done)
        assert sent(shop, 0) == []
        assert isinstance(deliver(shop, parcel_for(orders[0]))[0], Done)

    def test_numbers_as_text_and_unknown_words_are_no_obstacle(self):
        shop = Connected()
        order = shop.read(shop.place())

        def odd(body):
            one = body["data"]["nodes"][0]["fulfillmentOrders"]["nodes"][0]
            one.update(status="BRAND_NEW", requestStatus="NEW_TOO", deliveryMethod={"methodType": "DRONE"})
            one["supportedActions"].append({"action": "TELEPORT"})
            one["lineItems"]["nodes"][0]["remainingQuantity"] = "2"

        spoils(shop, "OrdersToFulfil", odd)
        assert isinstance(deliver(shop, parcel_for(order, lines=()))[0], Done)

    def test_fulfilments_that_cannot_all_be_seen_are_not_added_to(self):
        # given an order with as many fulfilments as Shopify shows at once
        shop = Connected()
        order = shop.read(shop.place(lines=[{"sku": "MUG-RED", "quantity": 300, "price": "1.00"}]))
        one = (ParcelLine(sku="MUG-RED", quantity=1),)
        deliver(shop, parcel_for(order, lines=one, tracking_numbers=("T0",)))

        def many(body):
            made = body["data"]["nodes"][0]["fulfillments"]
            made += made * (documents.PLAIN_LIST - 1)

        spoils(shop, "OrdersToFulfil", many)
        (outcome,) = deliver(shop, parcel_for(order, lines=one, attempt=9))
        assert isinstance(outcome, Held)
        assert "more fulfilments than Shopify shows" in outcome.reason

    def test_an_order_that_goes_between_our_look_and_our_write_is_held(self):
        shop = Connected()
        order = shop.read(shop.place())
        after(shop, "OrdersToFulfil", lambda: shop.sim.do_cancel(order.number))
        (outcome,) = deliver(shop, parcel_for(order))
        assert isinstance(outcome, Held)
        assert outcome.cause == "order_cancelled"


class TestTracking:
    """What Shopify is told of the parcel's way."""

    @pytest.mark.parametrize(
        ("word", "name"),
        [
            ("stamps_com", "USPS"),
            ("DHL Express", "DHL Express"),
            ("hermes_uk", "Evri"),
            ("dpd-uk", "DPD UK"),
            ("sendle", "Sendle"),
            ("Local Courier", "Local Courier"),
        ],
    )
    def test_carriers_are_called_as_shopify_knows_them(self, word, name):
        assert to_company(word, {}) == name

    def test_the_merchants_own_table_comes_first(self):
        assert to_company("stamps_com", {"stamps_com": "Stamps"}) == "Stamps"

    @pytest.mark.parametrize("url", ["", "track me", "ftp://x.example/1", "javascript:alert(1)"])
    def test_what_is_no_web_address_is_left_out(self, url):
        parcel = a_parcel(carrier="ups", tracking_url=url)
        assert to_tracking(parcel, {}) == {"company": "UPS", "number": UPS}

    def test_an_address_goes_with_a_number_only(self):
        parcel = a_parcel(tracking_numbers=(), tracking_url="https://t.example/1")
        assert to_tracking(parcel, {}) == {"company": "UPS"}
        parcel = a_parcel(tracking_numbers=(UPS, OTHER), tracking_url="https://t.example/1")
        assert to_tracking(parcel, {}) == {
            "company": "UPS",
            "numbers": [UPS, OTHER],
            "urls": ["https://t.example/1"],
        }

    def test_a_number_is_the_same_in_small_letters_and_with_spaces(self):
        shop = Connected()
        order = shop.read(shop.place(lines=THREE))
        deliver(shop, parcel_for(order, lines=one_of(order), tracking_numbers=("1z999 aa1 0123456784",)))
        (again,) = deliver(shop, parcel_for(order, lines=one_of(order), in_doubt=True))
        assert isinstance(again, Done)
        assert len(sent(shop)) == 1

    def test_another_carrier_and_one_more_number_correct_the_fulfilment_without_a_mail(self):
        # given a parcel that Shopify knows
        shop = Connected()
        order = shop.read(shop.place())
        (done,) = deliver(shop, parcel_for(order))
        # when its carrier was wrong, and then a second box belongs to it
        (other,) = deliver(shop, parcel_for(order, carrier="fedex", binding=done.binding))
        assert other.note == "tracking replaced"
        (more,) = deliver(
            shop, parcel_for(order, carrier="fedex", tracking_numbers=(UPS, OTHER), binding=other.binding)
        )
        # then both are there, and the buyer had one mail
        assert more.binding.vendor_id == done.binding.vendor_id
        assert sent(shop) == [("SUCCESS", [UPS, OTHER], [("MUG-RED", 2)])]
        assert shop.sim.do_orders_summary()[0]["fulfillments"][0]["company"] == "FedEx"
        assert shop.sim.emails_sent == 1

    def test_numbers_that_a_person_added_are_not_taken_away(self):
        # given that a person added the number of a second box by hand
        shop = Connected()
        order = shop.read(shop.place())
        (done,) = deliver(shop, parcel_for(order))
        tracking = {"company": "UPS", "numbers": [UPS, "BY-HAND"]}
        shop.client._write(
            documents.TRACKING_UPDATE,
            "fulfillmentTrackingInfoUpdate",
            id=done.binding.vendor_id,
            tracking=tracking,
            notify=False,
        )
        # when our parcel's carrier changes
        (outcome,) = deliver(shop, parcel_for(order, carrier="fedex", binding=done.binding))
        # then the person's work stays
        assert isinstance(outcome, Done)
        assert sent(shop)[0][1] == [UPS, "BY-HAND"]
