"""Deliveries of Shopify: who sent them, and which order they point at."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from pydantic import SecretStr

from commerce.errors import Rejected
from integrations.connector import Forged, Hint, Services
from integrations.shopify.webhooks import TOPICS, receive

from .connected import Connected, some_settings

HUB = "https://hub.example.com/webhooks/shop"


def delivered(topic: str, body: Any, secret: str = "sim-secret", **changed: str) -> tuple[dict[str, str], bytes]:
    """Headers as an ASGI server hands them over, and the raw body."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {
        "x-shopify-topic": topic,
        "x-shopify-hmac-sha256": base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode(),
        "x-shopify-shop-domain": "demo.myshopify.com",
        "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
    }
    return {**headers, **{name.replace("_", "-"): value for name, value in changed.items()}}, raw


def test_shopifys_own_example_of_a_signature_is_accepted():
    # given the body and the signature that Shopify's documentation shows
    settings = some_settings(client_secret=SecretStr("hush-hush"))
    body = b'{"id":820982911946154508,"name":"#1001","total_price":"199.65"}'
    headers, _ = delivered("orders/create", body, x_shopify_hmac_sha256="NExqhT16XXwluit6zda5Yz7Et0dxf5Laib4EK+XGSjc=")
    # when it arrives
    read = receive(settings, Services(), headers, body)
    # then it points at the order, whose number does not fit into a float
    assert read.hints == (Hint(topic="order", id="820982911946154508", action="create"),)
    assert read.id == "orders/create:b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"
    assert read.topic == "orders/create"


@pytest.mark.parametrize(
    ("topic", "body", "order"),
    [
        ("orders/updated", {"id": 5501}, "5501"),
        ("orders/cancelled", {"id": 5501}, "5501"),
        ("orders/edited", {"order_edit": {"id": 7, "order_id": 5501}}, "5501"),
        ("orders/risk_assessment_changed", {"order_id": "5501"}, "5501"),
        ("refunds/create", {"id": 9, "order_id": 5501}, "5501"),
        ("fulfillments/create", {"id": 9, "order_id": 5501}, "5501"),
        ("fulfillments/update", {"id": 9, "order_id": 5501}, "5501"),
        ("inventory_levels/update", {"inventory_item_id": 1, "location_id": 2}, None),
        ("fulfillment_orders/order_routing_complete", {"fulfillment_order": {"id": "gid://x", "status": "open"}}, None),
        ("app/uninstalled", {"id": 1}, None),
        ("orders/updated", {"name": "no id"}, None),
        ("orders/edited", {"order_edit": None}, None),
        ("orders/updated", ["a list"], None),
        ("orders/updated", b"<not json>", None),
    ],
)
def test_each_topic_has_its_own_place_for_the_order(topic, body, order):
    headers, raw = delivered(topic, body)
    read = receive(some_settings(), Services(), headers, raw)
    assert [hint.id for hint in read.hints] == ([order] if order else [])


def test_a_delivery_without_our_signature_is_forged():
    headers, raw = delivered("orders/updated", {"id": 1}, secret="guessed")
    with pytest.raises(Forged):
        receive(some_settings(), Services(), headers, raw)


def test_a_changed_body_is_forged():
    headers, raw = delivered("orders/updated", {"id": 1})
    with pytest.raises(Forged):
        receive(some_settings(), Services(), headers, raw + b" ")


@pytest.mark.parametrize(
    "missing", ["x-shopify-hmac-sha256", "x-shopify-topic", "x-shopify-webhook-id", "x-shopify-shop-domain"]
)
def test_a_delivery_without_one_of_the_headers_is_forged(missing):
    headers, raw = delivered("orders/updated", {"id": 1})
    del headers[missing]
    with pytest.raises(Forged):
        receive(some_settings(), Services(), headers, raw)


def test_a_signed_delivery_of_another_shop_is_forged():
    # one app may be installed in two shops of a merchant, and both sign with its secret
    headers, raw = delivered("orders/updated", {"id": 1}, x_shopify_shop_domain="other.myshopify.com")
    with pytest.raises(Forged):
        receive(some_settings(), Services(), headers, raw)


def test_an_empty_secret_signs_nothing():
    settings = some_settings(client_id="", client_secret=SecretStr(""), access_token=SecretStr("shpat_x"))
    headers, raw = delivered("orders/updated", {"id": 1}, secret="")
    with pytest.raises(Forged):
        receive(settings, Services(), headers, raw)


@pytest.mark.parametrize("secret", ["webhook_secret", "previous_webhook_secret"])
def test_the_previous_and_the_shops_own_secret_are_accepted_too(secret):
    settings = some_settings(**{secret: SecretStr("the-other")})
    headers, raw = delivered("orders/updated", {"id": 1}, secret="the-other")
    assert receive(settings, Services(), headers, raw).hints


def test_the_new_header_names_are_understood():
    headers, raw = delivered("orders/updated", {"id": 1})
    headers = {name.removeprefix("x-"): value for name, value in headers.items()}
    assert receive(some_settings(), Services(), headers, raw).hints


def test_what_the_shop_really_sends_is_read():
    # given a shop that tells us of everything
    shop = Connected()
    shop.client.ensure_webhooks(HUB)
    # when an order is placed, refunded and edited
    number = shop.place().rpartition("/")[2]
    shop.sim.do_refund("#1001", lines=[{"line": 0, "quantity": 1}])
    shop.sim.do_edit("#1001", quantities={"0": 0})
    # then every delivery is genuine and points at that order
    sent = [
        receive(shop.client.settings, Services(), {k.lower(): v for k, v in one.headers.items()}, one.content)
        for one in shop.sim.outbox
    ]
    assert {read.topic for read in sent} >= {"orders/create", "orders/updated", "refunds/create", "orders/edited"}
    assert {hint.id for read in sent for hint in read.hints} == {number}
    assert all(read.hints for read in sent)


def test_subscriptions_are_made_once():
    # given a shop that tells nobody
    shop = Connected()
    # when they are ensured twice
    first, second = shop.client.ensure_webhooks(HUB), shop.client.ensure_webhooks(HUB)
    # then there is one of each
    assert set(first.values()) == {"created"}
    assert set(second.values()) == {"kept"}
    assert sorted(one.topic for one in shop.client.webhook_subscriptions()) == sorted(TOPICS)


def test_a_deleted_subscription_comes_back_and_a_wrong_address_is_corrected():
    # given subscriptions to an old address, one of which Shopify has deleted
    shop = Connected()
    shop.client.ensure_webhooks("https://old.example.com/hook")
    gone = next(iter(shop.sim.store.subscriptions))
    topic = shop.sim.store.subscriptions.pop(gone)["topic"]
    # when they are ensured
    done = shop.client.ensure_webhooks(HUB)
    # then all of them point at us
    assert done == {one: "created" if one == topic else "moved" for one in TOPICS}
    assert {one.uri for one in shop.client.webhook_subscriptions()} == {HUB}


def test_an_address_that_shopify_does_not_like_is_an_error():
    shop = Connected(loopback_webhooks=False)
    with pytest.raises(Rejected, match="ORDERS_CREATE"):
        shop.client.ensure_webhooks("http://hub.example.com/hook")


def test_a_lost_answer_makes_no_second_subscription():
    # given an answer that gets lost after the subscription was made
    shop = Connected()
    shop.loses_the_answer_to("WebhookCreate")
    # when the subscriptions are ensured
    shop.client.ensure_webhooks(HUB)
    # then there is one of each
    assert len(shop.client.webhook_subscriptions()) == len(TOPICS)
