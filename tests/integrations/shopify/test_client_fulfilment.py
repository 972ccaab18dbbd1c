"""Bringing tracking back: one parcel, one fulfilment, one mail."""

from __future__ import annotations

import httpx
import pytest

from commerce.errors import NotAuthorised, TemporarilyUnavailable
from commerce.outcomes import Done, Held, Outcome, Retry, Skipped, Unknown
from commerce.parcels import ParcelLine
from commerce.ports import Item
from integrations.shopify import documents

from .connected import Connected, parcel_for

UPS = "1Z999AA10123456784"
OTHER = "1Z999AA10123456790"
TWO_PLACES = [
    {"sku": "MUG-RED", "quantity": 2, "price": "25.00"},
    {"sku": "HAT", "quantity": 1, "price": "20.00", "location": "East"},
]


def deliver(shop: Connected, *items: Item) -> list[Outcome]:
    """The outcomes, in the order of `items`."""
    found = {item.ref: outcome for item, outcome in shop.client.deliver(items)}
    return [found[item.ref] for item in items]


def sent(shop: Connected, order: int = 0) -> list[tuple[str, list[str], list[tuple[str, int]]]]:
    """What Shopify holds: status, tracking numbers, units by SKU."""
    made = shop.sim.do_orders_summary()[order]["fulfillments"]
    return [(one["status"], one["tracking"], [(row["sku"], row["quantity"]) for row in one["lines"]]) for one in made]


def test_a_parcel_becomes_a_fulfilment_with_its_tracking_number_and_a_mail():
    # given an order of two mugs
    shop = Connected()
    order = shop.read(shop.place())
    # when its parcel leaves
    (outcome,) = deliver(shop, parcel_for(order, carrier="ups"))
    # then Shopify knows, with a carrier name that it understands, and the buyer too
    assert isinstance(outcome, Done)
    assert outcome.binding.vendor_id.startswith("gid://shopify/Fulfillment/")
    assert outcome.binding.url == f"https://demo.myshopify.com/admin/orders/{order.id}"
    assert sent(shop) == [("SUCCESS", [UPS], [("MUG-RED", 2)])]
    assert shop.sim.do_orders_summary()[0]["fulfillments"][0]["company"] == "UPS"
    assert shop.sim.emails_sent == 1
    # and the hub reads it back as it was sent
    (fulfilment,) = shop.read(order.id).fulfilments
    assert fulfilment.tracking_numbers == (UPS,)
    assert fulfilment.quantities == {order.lines[0].id: 2}


def test_delivering_it_again_sends_nothing_and_mails_nobody():
    # given a delivered parcel
    shop = Connected()
    order = shop.read(shop.place())
    (first,) = deliver(shop, parcel_for(order))
    calls = shop.calls()
    # when it comes again, known to the ledger
    (again,) = deliver(shop, parcel_for(order, binding=first.binding))
    # then nobody is asked; and when the ledger forgot, Shopify is, and has it
    assert again == Done(binding=first.binding, changed=False)
    assert shop.calls() == calls
    (looked,) = deliver(shop, parcel_for(order))
    assert looked == Done(binding=first.binding, changed=False)
    assert len(sent(shop)) == shop.sim.emails_sent == 1


def test_an_answer_that_got_lost_makes_one_fulfilment():
    # given a fulfilment whose answer gets lost
    shop = Connected()
    order = shop.read(shop.place())
    shop.loses_the_answer_to("FulfillmentCreate")
    (lost,) = deliver(shop, parcel_for(order))
    assert isinstance(lost, Unknown)
    # when the next try looks first
    (found,) = deliver(shop, parcel_for(order, in_doubt=True, attempt=2))
    # then there is one fulfilment and one mail
    assert isinstance(found, Done)
    assert not found.changed
    assert len(sent(shop)) == shop.sim.emails_sent == 1


@pytest.mark.parametrize("kind", ["after", "timeout_after"])
def test_a_server_error_after_the_work_was_done_makes_one_fulfilment(kind):
    shop = Connected()
    order = shop.read(shop.place())
    item = parcel_for(order)
    job = shop.client._job(item)
    plan = shop.client._orders({order.id})[order.id]
    shop.fails(kind, status=502)
    assert isinstance(shop.client._one(job, plan), Unknown)
    (found,) = deliver(shop, parcel_for(order, in_doubt=True))
    assert isinstance(found, Done)
    assert len(sent(shop)) == 1


def test_one_bad_parcel_is_held_and_the_others_leave():
    # given four parcels: good, too many units, an order that is gone, good
    shop = Connected()
    orders = [shop.read(shop.place()) for _ in range(3)]
    many = (ParcelLine(sku="MUG-RED", quantity=3),)
    items = [
        parcel_for(orders[0], "label-0", tracking_numbers=("T0",)),
        parcel_for(orders[1], "label-1", tracking_numbers=("T1",), lines=many),
        parcel_for(orders[1], "label-2", tracking_numbers=("T2",), order_key="shop:404404"),
        parcel_for(orders[2], "label-3", tracking_numbers=("T3",)),
    ]
    # when they are delivered together
    good, over, gone, also = deliver(shop, *items)
    # then each has its own outcome, with what a person needs to know
    assert isinstance(good, Done)
    assert isinstance(also, Done)
    assert over.cause == "wrong_quantity"
    assert "#1002" in over.reason
    assert "3 MUG-RED (remaining 2)" in over.reason
    assert gone.cause == "order_gone"
    assert [len(sent(shop, n)) for n in range(3)] == [1, 0, 1]


@pytest.mark.parametrize("key", ["other:5501", "", "shop:", "shop:typed-in", "5501"])
def test_what_is_not_an_order_of_ours_is_skipped(key):
    shop = Connected()
    (outcome,) = deliver(shop, parcel_for(shop.read(shop.place()), order_key=key))
    assert isinstance(outcome, Skipped)
    assert sent(shop) == []


def test_parcels_of_two_locations_become_two_fulfilments():
    # given an order that ships from two places
    shop = Connected()
    order = shop.read(shop.place(lines=TWO_PLACES))
    east = shop.location("East")
    items = [
        parcel_for(order, "east", order_key=f"{order.key}/{east}", tracking_numbers=(OTHER,), lines=()),
        parcel_for(order, "main", location_id=shop.location("Main"), tracking_numbers=(UPS,), lines=()),
    ]
    # when each place sends all it has
    assert all(isinstance(one, Done) for one in deliver(shop, *items))
    # then each fulfilment has the lines of its place
    assert sent(shop) == [("SUCCESS", [OTHER], [("HAT", 1)]), ("SUCCESS", [UPS], [("MUG-RED", 2)])]
    assert shop.sim.do_orders_summary()[0]["fulfillment"] == "FULFILLED"


def test_without_a_location_the_one_that_has_the_lines_is_taken():
    shop = Connected()
    order = shop.read(shop.place(lines=TWO_PLACES))
    (outcome,) = deliver(shop, parcel_for(order, lines=(ParcelLine(sku="HAT", quantity=1),)))
    assert isinstance(outcome, Done)
    assert sent(shop) == [("SUCCESS", [UPS], [("HAT", 1)])]


def test_everything_from_nobody_knows_where_is_a_matter_for_a_person():
    shop = Connected()
    order = shop.read(shop.place(lines=TWO_PLACES))
    (outcome,) = deliver(shop, parcel_for(order, lines=()))
    assert isinstance(outcome, Held)
    assert outcome.cause == "ambiguous_location"


def test_two_parcels_of_one_order_take_their_own_units():
    # given two mugs that are sent one by one, in the same batch
    shop = Connected()
    order = shop.read(shop.place())
    one = (ParcelLine(line_id=order.lines[0].id, sku="renamed in the warehouse", quantity=1),)
    # when both are delivered
    outcomes = deliver(
        shop,
        parcel_for(order, "label-1", tracking_numbers=(UPS,), lines=one),
        parcel_for(order, "label-2", tracking_numbers=(OTHER,), lines=one),
    )
    # then there are two fulfilments of one mug
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert sent(shop) == [("SUCCESS", [UPS], [("MUG-RED", 1)]), ("SUCCESS", [OTHER], [("MUG-RED", 1)])]


def test_a_refunded_line_is_not_sent():
    # given an order of which the hat was refunded before the parcel left
    shop = Connected()
    order = shop.read(shop.place(lines=[{**TWO_PLACES[0]}, {"sku": "HAT", "quantity": 1, "price": "20.00"}]))
    shop.sim.do_refund("#1001", lines=[{"line": 1, "quantity": 1}])
    # when the rest leaves
    deliver(shop, parcel_for(order, lines=()))
    # then only the rest is fulfilled
    assert sent(shop) == [("SUCCESS", [UPS], [("MUG-RED", 2)])]


def test_a_download_in_the_same_order_is_not_in_the_parcel():
    shop = Connected()
    lines = [TWO_PLACES[0], {"sku": "EBOOK", "quantity": 1, "price": "9.00", "requires_shipping": False}]
    order = shop.read(shop.place(lines=lines))
    deliver(shop, parcel_for(order, lines=()))
    assert sent(shop) == [("SUCCESS", [UPS], [("MUG-RED", 2)])]


def test_several_tracking_numbers_stay_in_one_fulfilment():
    shop = Connected()
    order = shop.read(shop.place())
    deliver(shop, parcel_for(order, tracking_numbers=(UPS, OTHER)))
    assert sent(shop) == [("SUCCESS", [UPS, OTHER], [("MUG-RED", 2)])]


def test_a_fulfilment_that_somebody_else_made_is_recognised_as_done():
    # given an order that a person fulfilled by hand
    shop = Connected()
    order = shop.read(shop.place())
    deliver(shop, parcel_for(order, "by-hand", tracking_numbers=("WRITTEN-BY-HAND",)))
    # when our parcel comes with its own number
    (outcome,) = deliver(shop, parcel_for(order))
    # then that is fine, and nobody is mailed again
    assert isinstance(outcome, Done)
    assert not outcome.changed
    assert "somebody else" in outcome.note
    assert shop.sim.emails_sent == 1
    # and when our label is voided, theirs stays
    (voided,) = deliver(shop, parcel_for(order, voided=True, binding=outcome.binding))
    assert isinstance(voided, Done)
    assert sent(shop)[0][0] == "SUCCESS"


def test_what_somebody_else_wrote_is_not_overwritten_by_a_new_number_of_ours():
    shop = Connected()
    order = shop.read(shop.place())
    deliver(shop, parcel_for(order, "by-hand", tracking_numbers=("WRITTEN-BY-HAND",)))
    (outcome,) = deliver(shop, parcel_for(order))
    (again,) = deliver(shop, parcel_for(order, tracking_numbers=(OTHER,), binding=outcome.binding))
    assert isinstance(again, Done)
    assert sent(shop) == [("SUCCESS", ["WRITTEN-BY-HAND"], [("MUG-RED", 2)])]


def test_in_doubt_shopify_is_asked_and_not_our_memory():
    # given that a fulfilment was cancelled in Shopify after we noted it
    shop = Connected()
    order = shop.read(shop.place())
    (done,) = deliver(shop, parcel_for(order))
    shop.client._write(documents.FULFILLMENT_CANCEL, "fulfillmentCancel", id=done.binding.vendor_id)
    # when the parcel comes again, in doubt
    (outcome,) = deliver(shop, parcel_for(order, binding=done.binding, in_doubt=True))
    # then what Shopify has counts
    assert isinstance(outcome, Done)
    assert [status for status, _, _ in sent(shop)] == ["CANCELLED", "SUCCESS"]


def test_an_order_on_hold_keeps_its_parcel_until_it_is_released():
    # given an order on hold
    shop = Connected()
    order = shop.read(shop.place())
    shop.sim.do_hold("#1001", reason="INCORRECT_ADDRESS")
    # when its parcel has left nevertheless
    for lines in ((), (ParcelLine(sku="MUG-RED", quantity=2),)):
        (outcome,) = deliver(shop, parcel_for(order, lines=lines))
        # then a person is told why
        assert isinstance(outcome, Held)
        assert outcome.cause == "on_hold"
        assert "#1001 is on hold in Shopify (incorrect_address)" in outcome.reason
    # and after the release it goes through
    shop.sim.do_release("#1001")
    assert isinstance(deliver(shop, parcel_for(order))[0], Done)


def test_a_parcel_of_a_cancelled_order_is_a_matter_for_a_person():
    shop = Connected()
    order = shop.read(shop.place())
    shop.sim.do_cancel("#1001")
    (outcome,) = deliver(shop, parcel_for(order))
    assert isinstance(outcome, Held)
    assert outcome.cause == "order_cancelled"


def test_fulfilment_orders_that_are_not_there_yet_are_waited_for_but_not_for_ever():
    # given an order whose fulfilment orders take a while
    shop = Connected(routing_delay=120)
    gid = shop.place()
    order = shop.read(gid)
    # when its parcel is early, and later still
    early, late = deliver(shop, parcel_for(order)), deliver(shop, parcel_for(order, attempt=6))
    # then it is tried again, until a person should look
    assert isinstance(early[0], Retry)
    assert isinstance(late[0], Held)
    shop.clock.now += 121
    assert isinstance(deliver(shop, parcel_for(order))[0], Done)


def test_what_is_not_in_the_order_is_held():
    shop = Connected()
    order = shop.read(shop.place())
    (outcome,) = deliver(shop, parcel_for(order, lines=(ParcelLine(sku="TEA", quantity=1),)))
    assert isinstance(outcome, Held)
    assert outcome.cause == "nothing_to_send"
    assert sent(shop) == []


def test_history_mails_nobody():
    shop = Connected()
    order = shop.read(shop.place())
    deliver(shop, parcel_for(order, historical=True))
    assert len(sent(shop)) == 1
    assert shop.sim.emails_sent == 0


def test_a_merchant_may_want_no_mails_at_all():
    shop = Connected({"notify_customer": False})
    deliver(shop, parcel_for(shop.read(shop.place())))
    assert shop.sim.emails_sent == 0


def test_what_shopify_refuses_is_looked_at_once_more_and_then_held_in_its_words():
    # given a shop that refuses without a reason that we can see
    shop = Connected()
    order = shop.read(shop.place())
    words = "Fulfillment order 1 has an unfulfillable status= closed."
    answer = shop.sim.answer

    def refuse(request):
        if b"FulfillmentCreate" not in request.content:
            return answer(request)
        payload = {"fulfillment": None, "userErrors": [{"field": ["fulfillment"], "message": words}]}
        return httpx.Response(200, json={"data": {"fulfillmentCreate": payload}})

    shop.sim.answer = refuse
    (outcome,) = deliver(shop, parcel_for(order))
    assert isinstance(outcome, Held)
    assert words in outcome.reason
    assert "#1001" in outcome.reason


def test_somebody_being_faster_between_our_look_and_our_write_is_no_error():
    # given that a person fulfils the order after we looked at it
    shop = Connected()
    order = shop.read(shop.place())
    job, seen = shop.client._job(parcel_for(order)), shop.client._orders({order.id})[order.id]
    deliver(shop, parcel_for(order, "by-hand", tracking_numbers=("BY-HAND",)))
    # when we write
    outcome = shop.client._one(job, seen)
    # then Shopify refuses, we look again, and it is done
    assert isinstance(outcome, Done)
    assert len(sent(shop)) == 1


def test_a_refused_credential_and_an_outage_do_not_burn_the_batch():
    shop = Connected()
    order = shop.read(shop.place())
    shop.fails("before", times=9, status=503)
    with pytest.raises(TemporarilyUnavailable):
        deliver(shop, parcel_for(order))
    poor = Connected(scopes=["write_orders", "read_customers", "read_merchant_managed_fulfillment_orders"])
    order = poor.read(poor.place())
    with pytest.raises(NotAuthorised, match="write_merchant_managed"):
        deliver(poor, parcel_for(order))


def test_a_parcel_without_a_number_is_sent_all_the_same():
    shop = Connected()
    order = shop.read(shop.place())
    (outcome,) = deliver(shop, parcel_for(order, tracking_numbers=(), carrier="", tracking_url=""))
    assert isinstance(outcome, Done)
    assert sent(shop) == [("SUCCESS", [], [("MUG-RED", 2)])]


def test_a_parcel_that_cannot_be_read_is_held():
    shop = Connected()
    item = parcel_for(shop.read(shop.place()))
    broken = item.newest.model_copy(update={"data": {"id": "label-1"}})
    (outcome,) = deliver(shop, item.model_copy(update={"events": (broken,)}))
    assert isinstance(outcome, Held)
    assert outcome.cause == "unreadable"


def test_an_order_of_more_lines_than_shopify_takes_at_once_is_fulfilled_whole():
    # given a wholesale order of 600 different lines
    shop = Connected()
    lines = [{"sku": f"SKU-{n}", "quantity": 2, "price": "1.00"} for n in range(600)]
    order = shop.read(shop.place(lines=lines))
    # when all of it leaves in one parcel
    (outcome,) = deliver(shop, parcel_for(order))
    # then it is one fulfilment of everything
    assert isinstance(outcome, Done)
    [(status, numbers, rows)] = sent(shop)
    assert (status, numbers, len(rows)) == ("SUCCESS", [UPS], 600)
