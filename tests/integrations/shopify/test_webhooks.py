"""Deliveries of Shopify: who sent them, and which order they point at."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from commerce.errors import Rejected
from integrations.connector import Forged, Hint, Services, WebhookDelivery
from integrations.shopify.webhooks import TOPICS, receive

from .connected import Connected, some_settings
from .sheet_documents import WEBHOOK_CREATE

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
        ("app/uninstalled", {"id": 1}, ""),
        ("orders/updated", {"name": "no id"}, None),
        ("orders/edited", {"order_edit": None}, None),
        ("orders/updated", ["a list"], None),
        ("orders/updated", b"<not json>", None),
    ],
)
def test_each_topic_has_its_own_place_for_the_order(topic, body, order):
    headers, raw = delivered(topic, body)
    read = receive(some_settings(), Services(), headers, raw)
    assert [hint.id for hint in read.hints] == ([] if order is None else [order])


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


def delivered_by(request: httpx.Request) -> WebhookDelivery:
    """What our receiver makes of one of the simulator's deliveries."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return receive(some_settings(), Services(), headers, request.content)


def test_what_people_ask_of_their_data_is_passed_on_by_number_and_without_a_word_about_them():
    # given Shopify's compliance topics, sent to the address of the app's configuration
    shop = Connected(compliance_uri=HUB)
    for topic in ("customers/data_request", "customers/redact", "shop/redact"):
        shop.sim.do_privacy(topic, customer=191167, orders=[299938, 280263])
    # when they arrive
    asked, redact, whole = [delivered_by(request) for request in shop.sim.outbox]
    # then they name the customer, and each order
    assert [(hint.topic, hint.id, hint.action) for hint in asked.hints] == [
        ("privacy", "191167", "customers/data_request"),
        ("privacy", "299938", "orders/data_request"),
        ("privacy", "280263", "orders/data_request"),
    ]
    assert [(hint.topic, hint.id, hint.action) for hint in redact.hints] == [
        ("privacy", "191167", "customers/redact"),
        ("privacy", "299938", "orders/redact"),
        ("privacy", "280263", "orders/redact"),
    ]
    assert whole.hints == (Hint(topic="privacy", action="shop/redact"),)
    # and no address or number of theirs is in what is kept
    kept = "".join(one.model_dump_json() for one in (asked, redact, whole))
    assert "jo@example.com" not in kept
    assert "5555" not in kept


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact", "shop/redact"])
def test_a_compliance_topic_that_shopify_did_not_sign_is_forged(topic):
    headers, raw = delivered(topic, {"customer": {"id": 1}}, secret="guessed")
    with pytest.raises(Forged):
        receive(some_settings(), Services(), headers, raw)


@pytest.mark.parametrize(
    "body",
    [{}, {"customer": None}, {"customer": {"id": None}}, {"orders_to_redact": [None, "x", 1.5]}],
)
def test_a_compliance_topic_about_nobody_known_is_passed_on_all_the_same(body):
    headers, raw = delivered("customers/redact", {"shop_domain": "Demo.myshopify.com", **body})
    read = receive(some_settings(), Services(), headers, raw)
    assert read.hints == (Hint(topic="privacy", action="customers/redact"),)


def test_what_was_signed_as_something_else_does_not_have_a_person_forgotten():
    # given all that a shop signs: its topics are headers, which nobody signs
    shop = Connected(compliance_uri=HUB)
    shop.client.ensure_webhooks(HUB)
    shop.place()
    for topic in ("customers/data_request", "customers/redact", "shop/redact"):
        shop.sim.do_privacy(topic, customer=191167, orders=[299938])
    recorded = {one.headers["x-shopify-topic"]: one for one in shop.sim.outbox}
    assert {"orders/create", "customers/redact"} <= set(recorded)
    # when each is sent again under the name of a request about people
    for signed_as, request in recorded.items():
        for topic in ("customers/data_request", "customers/redact"):
            request.headers["x-shopify-topic"] = topic
            # then that is a forgery, but for the real one and for the shop's own, which names nobody
            if signed_as in (topic, "shop/redact"):
                assert delivered_by(request).topic == topic
                continue
            with pytest.raises(Forged, match="not that of its topic"):
                delivered_by(request)
        if signed_as != "shop/redact":
            request.headers["x-shopify-topic"] = "shop/redact"
            with pytest.raises(Forged, match="not that of its topic"):
                delivered_by(request)


@pytest.mark.parametrize(
    "body", [{"shop_domain": "other.myshopify.com", "customer": {"id": 1}}, {"customer": {"id": 1}}, ["a list"], b"<"]
)
def test_a_request_about_people_of_another_shop_is_forged_although_its_header_says_ours(body):
    # one app may be installed in two shops of a merchant, and both sign with its secret
    headers, raw = delivered("customers/redact", body)
    with pytest.raises(Forged):
        receive(some_settings(), Services(), headers, raw)


@pytest.mark.parametrize(
    "odd", [b'"1\\u0000"', b'"\\ud800"', b"NaN", b"1e999", b'"%s"' % (b"9" * 21), b"9" * 5000, b"-1"]
)
def test_a_number_that_is_none_points_at_no_order(odd):
    headers, raw = delivered("orders/updated", b'{"id": ' + odd + b"}")
    assert receive(some_settings(), Services(), headers, raw).hints == ()


def test_an_uninstalled_app_is_passed_on_without_calling_anybody():
    # given a shop that tells us of everything
    shop = Connected()
    shop.client.ensure_webhooks(HUB)
    calls = shop.calls()
    # when the merchant removes the app
    assert shop.sim.do_uninstall() == 1
    # then that is what arrives
    (request,) = shop.sim.outbox
    read = delivered_by(request)
    assert read.hints == (Hint(topic="access", action="app/uninstalled"),)
    assert shop.calls() == calls


@pytest.mark.parametrize("prefix", ["X-Shopify-", "Shopify-"])
def test_deliveries_under_either_name_of_their_headers_are_read(prefix):
    shop = Connected(header_prefix=prefix)
    shop.client.ensure_webhooks(HUB)
    shop.place()
    assert all(delivered_by(request).hints for request in shop.sim.outbox)
    assert shop.sim.outbox


def test_a_delivery_that_comes_again_has_the_id_it_had_and_topics_of_one_event_have_their_own():
    # given an order that is announced under two topics
    shop = Connected()
    shop.client.ensure_webhooks(HUB)
    shop.place()
    first = [delivered_by(request).id for request in shop.sim.outbox]
    assert len(set(first)) == len(first) == 2
    # when both are delivered again
    shop.sim.outbox.clear()
    shop.sim.do_redeliver(2)
    # then they are known by the same ids
    assert [delivered_by(request).id for request in shop.sim.outbox] == first


def test_after_the_secret_is_changed_both_are_accepted_for_as_long_as_the_old_one_is_kept():
    shop = Connected()
    shop.client.ensure_webhooks(HUB)
    shop.place()
    shop.sim.do_change_secret("the-new")
    shop.place()
    settings = some_settings(client_secret=SecretStr("the-new"), previous_webhook_secret=SecretStr("sim-secret"))
    for request in shop.sim.outbox:
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert receive(settings, Services(), headers, request.content).hints


@pytest.mark.parametrize(
    ("sub", "words"),
    [
        ({"format": "XML"}, "Shopify sends it as XML"),
        ({"filter": "total_price:0.00"}, "Shopify sends only what passes 'total_price:0.00'"),
        ({"includeFields": ["name", "updated_at"]}, "Shopify sends only name, updated_at"),
    ],
)
def test_a_subscription_that_leaves_out_what_we_need_is_seen_and_repaired(sub, words):
    # given subscriptions, one of which somebody has changed
    shop = Connected()
    shop.client.ensure_webhooks(HUB)
    spoilt = next(one for one in shop.sim.store.subscriptions.values() if one["topic"] == "ORDERS_UPDATED")
    spoilt.update(sub)
    # when they are looked at
    (found,) = [one for one in shop.client.check_webhooks(HUB) if not one.ok]
    # then there is one line that says what is wrong, and the repair puts it right
    assert (found.subject, found.message) == ("webhook ORDERS_UPDATED", words)
    assert found.hint == "make it again: backroom webhooks"
    done = shop.client.ensure_webhooks(HUB)
    assert {topic: what for topic, what in done.items() if what != "kept"} == {"ORDERS_UPDATED": "repaired"}
    assert [one.ok for one in shop.client.check_webhooks(HUB)] == [True]
    shop.place()
    assert all(delivered_by(request).hints for request in shop.sim.outbox)


def test_a_queue_of_somebody_elses_is_not_taken_for_ours():
    # given a subscription that this app sends to a queue
    shop = Connected()
    shop.data(WEBHOOK_CREATE, topic="ORDERS_UPDATED", sub={"uri": "pubsub://books:orders"})
    # when ours are made
    done = shop.client.ensure_webhooks(HUB)
    # then it stays
    assert set(done.values()) == {"created"}
    assert "pubsub://books:orders" in {one.uri for one in shop.client.webhook_subscriptions()}


def test_no_subscription_at_all_is_one_line():
    (found,) = Connected().client.check_webhooks(HUB)
    assert (found.subject, found.ok, found.hint) == ("webhooks", False, "make them: backroom webhooks")


def test_a_subscription_that_shopify_deletes_after_eight_failed_retries_is_made_again():
    # given a receiver that is down
    shop = Connected()
    shop.client.ensure_webhooks(HUB)
    began = shop.clock.now
    shop.place()
    request = next(one for one in shop.sim.outbox if one.headers["x-shopify-topic"] == "orders/create")
    # when it answers nothing, an error, or a redirect, for as long as Shopify tries
    shop.sim.webhook_answered(request, None)
    for status in (500, 503, 302, 404, 500, 500, 500):
        shop.clock.now += 4 * 3600
        assert shop.sim.do_retry_webhooks() == 1
        assert shop.sim.outbox[-1].headers["x-shopify-webhook-id"] == request.headers["x-shopify-webhook-id"]
        shop.sim.webhook_answered(request, status)
    assert [one.ok for one in shop.client.check_webhooks(HUB)] == [True]
    shop.clock.now += 4 * 3600
    shop.sim.do_retry_webhooks()
    shop.sim.webhook_answered(request, 500)
    # then Shopify has deleted it, one line says so, and it is made again
    (found,) = [one for one in shop.client.check_webhooks(HUB) if not one.ok]
    assert found.subject == "webhook ORDERS_CREATE"
    assert shop.client.ensure_webhooks(HUB)["ORDERS_CREATE"] == "created"
    assert shop.clock.now > began


def test_the_retries_come_within_four_hours_and_end_with_the_first_success():
    shop = Connected()
    shop.client.ensure_webhooks(HUB)
    began = shop.clock.now
    shop.place()
    request = shop.sim.outbox.popleft()
    shop.sim.webhook_answered(request, 500)
    tried = 0
    while shop.clock.now - began <= 4 * 3600:
        shop.clock.now += 5
        if shop.sim.do_retry_webhooks():
            tried += 1
            shop.sim.webhook_answered(request, 200 if tried == 8 else 500)
    assert tried == 8
    assert [one.ok for one in shop.client.check_webhooks(HUB)] == [True]


def test_what_is_filtered_or_did_not_change_in_the_chosen_fields_is_not_sent():
    # given subscriptions that want little
    shop = Connected()
    shop.data(WEBHOOK_CREATE, topic="ORDERS_CREATE", sub={"uri": HUB, "filter": "source_name:pos"})
    shop.data(WEBHOOK_CREATE, topic="ORDERS_UPDATED", sub={"uri": HUB, "includeFields": ["id", "name"]})
    # when an order of the online store is placed and touched twice
    order = shop.place()
    shop.sim.do_touch(order)
    shop.sim.do_touch(order, tag="again")
    # then one delivery is sent: of its id and name nothing changed
    (request,) = shop.sim.outbox
    assert json.loads(request.content).keys() == {"id", "name"}
    wrong = shop.data(WEBHOOK_CREATE, topic="ORDERS_PAID", sub={"uri": HUB, "filter": "nonsense"})
    assert "filter is invalid" in wrong["webhookSubscriptionCreate"]["userErrors"][0]["message"]
