"""Sending goods in the simulator."""

from __future__ import annotations

from typing import Any

import pytest

from . import sheet_documents as sheet
from .story import Story

TRACKING = {"company": "UPS", "number": "1Z999"}


def waiting(story: Story, order: str) -> list[dict[str, Any]]:
    """The order's fulfillment orders."""
    found: list[dict[str, Any]] = story.data(sheet.ORDER_FULFILLMENT_ORDERS, id=order)["order"]["fulfillmentOrders"][
        "nodes"
    ]
    return found


def send(story: Story, *orders: dict[str, Any], quantity: int | None = None, **more: Any) -> dict[str, Any]:
    """Create a fulfillment of all that is left, or of `quantity` of the first line."""
    groups = [{"fulfillmentOrderId": one["id"]} for one in orders]
    if quantity is not None:
        groups[0]["fulfillmentOrderLineItems"] = [
            {"id": orders[0]["lineItems"]["nodes"][0]["id"], "quantity": quantity}
        ]
    given = {"lineItemsByFulfillmentOrder": groups, "trackingInfo": TRACKING, **more}
    found: dict[str, Any] = story.data(sheet.FULFILLMENT_CREATE, fulfillment=given)["fulfillmentCreate"]
    return found


def test_an_order_of_two_places_waits_in_two_parts():
    story = Story()
    order = story.place(
        lines=[
            {"sku": "HAT", "quantity": 1, "price": "20.00"},
            {"sku": "MUG-RED", "quantity": 1, "price": "25.00", "location": "East"},
            {"sku": "EBOOK", "quantity": 1, "price": "5.00", "requires_shipping": False},
        ]
    )
    found = waiting(story, order)
    assert [(one["assignedLocation"]["name"], one["deliveryMethod"]["methodType"]) for one in found] == [
        ("Main", "SHIPPING"),
        ("East", "SHIPPING"),
        ("Main", "NONE"),
    ]
    # and they cannot be sent in one parcel
    error = send(story, found[0], found[1])["userErrors"][0]["message"]
    assert error.startswith("All fulfillment orders must be assigned to a single location. Multiple locations")


def test_sending_everything_closes_the_order_and_writes_to_the_buyer():
    story = Story()
    order = story.place()
    payload = send(story, *waiting(story, order), notifyCustomer=True)
    assert payload["userErrors"] == []
    made = payload["fulfillment"]
    assert (made["status"], made["displayStatus"]) == ("SUCCESS", "FULFILLED")
    assert made["trackingInfo"] == [
        {"company": "UPS", "number": "1Z999", "url": "https://www.ups.com/track?tracknum=1Z999"}
    ]
    one = waiting(story, order)[0]
    assert (one["status"], one["supportedActions"]) == ("CLOSED", [])
    assert one["lineItems"]["nodes"][0]["remainingQuantity"] == 0
    assert story.sim.emails_sent == 1
    assert story.sim.do_orders_summary()[0]["fulfillments"][0]["tracking"] == ["1Z999"]


def test_sending_a_part_twice_ships_twice():
    # given two units of which one was sent, in an answer that got lost
    story = Story()
    order = story.place()
    send(story, *waiting(story, order), quantity=1)
    one = waiting(story, order)[0]
    assert {"action": "CREATE_FULFILLMENT"} in one["supportedActions"]
    assert one["lineItems"]["nodes"][0]["remainingQuantity"] == 1
    # when the writer repeats it without looking
    assert send(story, one, quantity=1)["userErrors"] == []
    # then both are gone, and a third time is refused
    assert story.sim.do_orders_summary()[0]["fulfillment"] == "FULFILLED"
    number = one["id"].rsplit("/", 1)[1]
    assert send(story, one, quantity=1)["userErrors"] == [
        {"field": ["fulfillment"], "message": f"Fulfillment order {number} has an unfulfillable status= closed."}
    ]


@pytest.mark.parametrize(
    ("quantity", "message"),
    [(3, "Invalid fulfillment order line item quantity requested."), (0, "Quantity must be greater than 0")],
)
def test_impossible_quantities_are_refused(quantity, message):
    story = Story()
    order = story.place()
    payload = send(story, *waiting(story, order), quantity=quantity)
    assert payload["fulfillment"] is None
    assert [one["message"] for one in payload["userErrors"]] == [message]


def test_unknown_fulfillment_orders_are_refused():
    payload = send(Story(), {"id": "gid://shopify/FulfillmentOrder/1"})
    assert payload["userErrors"] == [{"field": ["fulfillment"], "message": "Fulfillment order does not exist."}]


def test_refunded_units_are_no_longer_to_be_sent():
    story = Story()
    order = story.place()
    story.sim.do_refund(order, lines=[{"line": 0, "quantity": 1}])
    assert waiting(story, order)[0]["lineItems"]["nodes"][0]["remainingQuantity"] == 1


def test_a_cancelled_order_closes_with_units_left():
    story = Story()
    order = story.place()
    story.sim.do_cancel(order)
    one = waiting(story, order)[0]
    assert (one["status"], one["lineItems"]["nodes"][0]["remainingQuantity"]) == ("CLOSED", 2)


def test_a_cancelled_fulfillment_comes_back_under_a_new_id():
    # given an order that was sent
    story = Story()
    order = story.place()
    made = send(story, *waiting(story, order))["fulfillment"]
    # when that is cancelled, twice
    for _ in range(2):
        cancelled = story.data(sheet.FULFILLMENT_CANCEL, id=made["id"])["fulfillmentCancel"]
        assert cancelled["userErrors"] == []
    # then the two spellings of cancelled are there, and a new fulfillment order
    assert (cancelled["fulfillment"]["status"], cancelled["fulfillment"]["displayStatus"]) == ("CANCELLED", "CANCELED")
    assert [one["status"] for one in waiting(story, order)] == ["CLOSED", "OPEN"]
    assert story.sim.do_orders_summary()[0]["fulfillment"] == "UNFULFILLED"
    assert story.level("MUG-RED") == {"available": 8, "on_hand": 10, "committed": 2}


def test_tracking_is_replaced():
    story = Story()
    made = send(story, *waiting(story, story.place()))["fulfillment"]
    tracking = {"company": "Local courier", "numbers": ["A", "B"], "urls": ["https://t.example/A"]}
    payload = story.data(sheet.TRACKING_UPDATE, id=made["id"], tracking=tracking, notify=True)[
        "fulfillmentTrackingInfoUpdate"
    ]
    assert payload["fulfillment"]["trackingInfo"] == [
        {"company": "Local courier", "number": "A", "url": "https://t.example/A"},
        {"company": "Local courier", "number": "B", "url": None},
    ]
    unknown = story.data(sheet.TRACKING_UPDATE, id="gid://shopify/Fulfillment/1", tracking=tracking)
    errors = unknown["fulfillmentTrackingInfoUpdate"]["userErrors"]
    assert errors == [{"field": ["fulfillmentId"], "message": "Fulfillment does not exist."}]


def test_an_order_on_hold_cannot_be_sent_until_it_is_released():
    story = Story()
    order = story.place()
    story.sim.do_hold(order)
    one = waiting(story, order)[0]
    assert (one["status"], one["fulfillmentHolds"][0]["reason"]) == ("ON_HOLD", "OTHER")
    assert "unfulfillable status= on_hold" in send(story, one)["userErrors"][0]["message"]
    story.sim.do_release(order)
    assert send(story, *waiting(story, order))["userErrors"] == []


def test_a_partial_hold_splits_and_its_release_merges():
    # given two units of which one is put on hold
    story = Story()
    order = story.place()
    one = waiting(story, order)[0]
    document = """
    mutation Hold($id: ID!, $hold: FulfillmentOrderHoldInput!) {
      fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
        fulfillmentOrder { id } remainingFulfillmentOrder { id status } userErrors { code }
      }
    }"""
    rows = [{"id": one["lineItems"]["nodes"][0]["id"], "quantity": 1}]
    held = story.data(document, id=one["id"], hold={"reason": "OTHER", "fulfillmentOrderLineItems": rows})
    rest = held["fulfillmentOrderHold"]["remainingFulfillmentOrder"]
    # then the original keeps the held unit and the other gets a new id
    assert rest["id"] != one["id"]
    assert [part["lineItems"]["nodes"][0]["remainingQuantity"] for part in waiting(story, order)] == [1, 1]
    # and a release brings them together again
    story.sim.do_release(order)
    merged = [(part["status"], part["lineItems"]["nodes"][0]["remainingQuantity"]) for part in waiting(story, order)]
    assert merged == [("OPEN", 2), ("CLOSED", 0)]


def test_fulfillment_orders_appear_later_than_the_order():
    story = Story(routing_delay=5)
    order = story.place()
    assert waiting(story, order) == []
    story.clock.now += 5
    assert len(waiting(story, order)) == 1
