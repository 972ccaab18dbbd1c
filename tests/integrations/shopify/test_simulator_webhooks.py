"""Webhooks of the simulator: subscriptions, signatures, bodies, and the faults of a bad line."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

from integrations.shopify.simulator.webhooks import sign

from . import sheet_documents as sheet
from .story import STATE_TAX, Story

HUB = "http://127.0.0.1:9999/webhooks/shopify"


def subscribe(story: Story, topic: str, uri: str = HUB, **more: Any) -> dict[str, Any]:
    """The payload of a subscription."""
    found: dict[str, Any] = story.data(sheet.WEBHOOK_CREATE, topic=topic, sub={"uri": uri, **more})[
        "webhookSubscriptionCreate"
    ]
    return found


def test_the_signature_is_shopifys():
    body = b'{"id":820982911946154508,"name":"#1001","total_price":"199.65"}'
    assert sign("hush-hush", body) == "NExqhT16XXwluit6zda5Yz7Et0dxf5Laib4EK+XGSjc="


def test_a_new_order_is_announced_with_a_signed_body():
    # given a subscriber
    story = Story(client_secret="hush")
    assert subscribe(story, "ORDERS_CREATE")["userErrors"] == []
    # when somebody orders
    story.place(lines=[{"sku": "MUG-RED", "quantity": 2, "price": "25.00", "discount": "10.00", "taxes": [STATE_TAX]}])
    # then one delivery waits, signed with the app's secret
    [request] = story.sim.outbox
    raw = request.read()
    expected = base64.b64encode(hmac.new(b"hush", raw, hashlib.sha256).digest()).decode()
    assert request.headers["X-Shopify-Hmac-Sha256"] == expected
    assert (str(request.url), request.headers["X-Shopify-Topic"]) == (HUB, "orders/create")
    assert request.headers["X-Shopify-Shop-Domain"] == "demo.myshopify.com"
    # and its body speaks the old dialect: ints, two decimals, the shop's own time
    body = json.loads(raw)
    assert isinstance(body["id"], int)
    assert (body["subtotal_price"], body["total_tax"], body["total_price"]) == ("40.00", "3.20", "48.20")
    assert body["created_at"] == "2026-11-23T07:00:00-05:00"
    assert (body["financial_status"], body["fulfillment_status"]) == ("paid", None)
    [line] = body["line_items"]
    assert (line["sku"], line["price"], line["discount_allocations"][0]["amount"]) == ("MUG-RED", "25.00", "10.00")


def test_what_happens_to_an_order_is_told_topic_by_topic():
    # given a hub that listens to everything about orders
    story = Story()
    for topic in ("ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_CANCELLED", "REFUNDS_CREATE", "FULFILLMENTS_CREATE"):
        subscribe(story, topic)
    # when an order is placed, sent and cancelled
    order = story.place()
    waiting = story.data(sheet.ORDER_FULFILLMENT_ORDERS, id=order)["order"]["fulfillmentOrders"]["nodes"][0]
    group = {"fulfillmentOrderId": waiting["id"]}
    story.data(
        sheet.FULFILLMENT_CREATE, fulfillment={"lineItemsByFulfillmentOrder": [group], "trackingInfo": {"number": "1Z"}}
    )
    story.sim.do_cancel(order)
    # then each is told, and one action shares one event id
    told = [one.headers["X-Shopify-Topic"] for one in story.sim.outbox]
    assert told == [
        "orders/create",
        "orders/updated",
        "fulfillments/create",
        "orders/updated",
        "orders/cancelled",
        "refunds/create",
        "orders/updated",
    ]
    events = [one.headers["X-Shopify-Event-Id"] for one in story.sim.outbox]
    assert len(set(events)) == 3
    assert len({one.headers["X-Shopify-Webhook-Id"] for one in story.sim.outbox}) == 7
    sent, refund = json.loads(story.sim.outbox[2].content), json.loads(story.sim.outbox[5].content)
    assert (sent["tracking_number"], sent["status"]) == ("1Z", "success")
    assert refund["refund_line_items"][0]["restock_type"] == "return"
    assert refund["transactions"][0]["amount"] == "59.00"


def test_stock_writes_of_our_own_come_back():
    story = Story()
    subscribe(story, "INVENTORY_LEVELS_UPDATE")
    story.sim.do_set_levels({"HAT": {"Main": 3}})
    body = json.loads(story.sim.outbox[0].content)
    assert (body["available"], body["inventory_item_id"]) == (
        3,
        int(story.products["HAT"]["inventory_item"].rsplit("/", 1)[1]),
    )


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "Address can't be blank"),
        ("nonsense", "Address is invalid"),
        ("http://hub.example.com/x", "Address protocol http:// is not supported"),
        ("https://demo.myshopify.com/x", "Address cannot be a Shopify or an internal domain"),
    ],
)
def test_addresses_that_shopify_would_not_call(uri, message):
    payload = subscribe(Story(), "ORDERS_CREATE", uri)
    assert payload["userErrors"] == [{"field": ["webhookSubscription", "callbackUrl"], "message": message}]


def test_loopback_is_for_the_demo_only():
    assert subscribe(Story(loopback_webhooks=False), "ORDERS_CREATE")["webhookSubscription"] is None


def test_the_same_subscription_twice_is_refused():
    story = Story()
    subscribe(story, "ORDERS_CREATE")
    assert (
        subscribe(story, "ORDERS_CREATE")["userErrors"][0]["message"] == "Address for this topic has already been taken"
    )


def test_subscriptions_are_listed_changed_and_deleted():
    story = Story()
    made = subscribe(story, "ORDERS_CREATE")["webhookSubscription"]
    update = """
    mutation U($id: ID!, $sub: WebhookSubscriptionInput!) {
      webhookSubscriptionUpdate(id: $id, webhookSubscription: $sub) {
        webhookSubscription { uri }
        userErrors { message }
      }
    }"""
    changed = story.data(update, id=made["id"], sub={"uri": "https://hub.example.com/y"})["webhookSubscriptionUpdate"]
    assert changed["webhookSubscription"] == {"uri": "https://hub.example.com/y"}
    listed = "{ webhookSubscriptions(first: 5) { nodes { id topic apiVersion { handle } } } }"
    expected = {"id": made["id"], "topic": "ORDERS_CREATE", "apiVersion": {"handle": "2026-10"}}
    assert story.data(listed)["webhookSubscriptions"]["nodes"] == [expected]
    delete = """
    mutation D($id: ID!) {
      webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { message } }
    }"""
    assert story.data(delete, id=made["id"])["webhookSubscriptionDelete"]["deletedWebhookSubscriptionId"] == made["id"]
    again = story.data(delete, id=made["id"])["webhookSubscriptionDelete"]["userErrors"]
    assert again == [{"message": "Webhook subscription does not exist"}]


def test_a_delivery_may_come_twice_or_from_a_stranger():
    story = Story()
    subscribe(story, "ORDERS_UPDATED")
    order = story.place()
    first = story.sim.outbox[0]
    story.sim.do_redeliver()
    assert story.sim.outbox[1].headers["X-Shopify-Webhook-Id"] == first.headers["X-Shopify-Webhook-Id"]
    story.sim.do_forge_webhook(order)
    forged = story.sim.outbox[2]
    assert forged.headers["X-Shopify-Hmac-Sha256"] != sign("sim-secret", forged.content)


def test_an_answer_can_get_lost_after_the_work_is_done():
    # given a line that breaks after Shopify has done its work
    story = Story()
    order = story.place()
    waiting = story.data(sheet.ORDER_FULFILLMENT_ORDERS, id=order)["order"]["fulfillmentOrders"]["nodes"][0]
    story.sim.do_fault(kind="drop_after", on="graphql")
    # when something is sent
    with pytest.raises(httpx.RemoteProtocolError):
        story.data(
            sheet.FULFILLMENT_CREATE,
            fulfillment={"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": waiting["id"]}]},
        )
    # then it was sent
    assert story.sim.do_orders_summary()[0]["fulfillment"] == "FULFILLED"
