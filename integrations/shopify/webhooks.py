"""Webhooks: who sent them, and what they point at. And the subscriptions that make Shopify send them.

https://shopify.dev/docs/apps/build/webhooks/subscribe/https
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from commerce.errors import Rejected
from commerce.ports import Finding
from integrations.connector import Forged, Hint, Services, WebhookDelivery
from integrations.shopify import documents
from integrations.shopify.document import Document
from integrations.shopify.graphql import VENDOR, GraphQL, user_errors
from integrations.shopify.schemas import Subscription
from integrations.shopify.settings import ShopifySettings
from integrations.signing import signed_base64

TOPICS = (
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "ORDERS_CANCELLED",
    "ORDERS_EDITED",
    "REFUNDS_CREATE",
    "FULFILLMENTS_CREATE",
    "FULFILLMENTS_UPDATE",
    "APP_UNINSTALLED",
)
"""What the hub wants to hear of."""
PRIVACY = {"customers/data_request": "orders_requested", "customers/redact": "orders_to_redact", "shop/redact": ""}
"""Compliance topics and where they name orders. Their address stands in the app's configuration, not in the API."""
ABOUT_PEOPLE = frozenset({"customer", "orders_requested", "data_request", "orders_to_redact"})
MAY_NAME = {
    "customers/data_request": frozenset({"customer", "orders_requested", "data_request"}),
    "customers/redact": frozenset({"customer", "orders_to_redact"}),
    "shop/redact": frozenset[str](),
}
"""What each compliance topic's body has besides the shop; those of the others are signed too, and ask for less."""
LONGEST_NUMBER = 20
"""Digits: those of 64 bits."""
TAKEN, GONE = "has already been taken", "does not exist"
"""What Shopify says when what we want is so already."""


def receive(settings: ShopifySettings, services: Services, headers: Mapping[str, str], body: bytes) -> WebhookDelivery:
    """Verify and read one delivery. Raises Forged when it was not signed with our secret or is for another shop.

    Shopify signs no time, so a delivery may be repeated years later; it is only ever a hint to re-read an order.
    """
    if not signed_base64(settings.secrets, body, header(headers, "hmac-sha256")):
        raise Forged("the signature does not match")
    if header(headers, "shop-domain").lower() != settings.shop:
        raise Forged("it is about another shop")
    topic, delivery = header(headers, "topic"), header(headers, "webhook-id")
    if not topic or not delivery:
        raise Forged("it has no topic or no id")
    read = read_json(body)
    if topic in PRIVACY and not is_about_people(topic, read, settings.shop):
        raise Forged("its body is not that of its topic")
    return WebhookDelivery(id=f"{topic}:{delivery}", topic=topic, hints=hints(topic, read))


def header(headers: Mapping[str, str], name: str) -> str:
    """A header of Shopify's, under its old name with "x-" or its new one without."""
    return headers.get(f"x-shopify-{name}") or headers.get(f"shopify-{name}") or ""


def is_about_people(topic: str, body: Any, shop: str) -> bool:
    """Whether Shopify signed just this request. The topic is a header, and headers are not signed: an order that
    somebody recorded, sent again as "customers/redact", would have its customer forgotten."""
    if not isinstance(body, dict) or str(body.get("shop_domain")).lower() != shop:
        return False
    return not any(name in body for name in ABOUT_PEOPLE - MAY_NAME[topic])


def hints(topic: str, read: Any) -> tuple[Hint, ...]:
    """What a delivery points at: an order to re-read, people to forget, or the end of our access; often nothing."""
    if topic in PRIVACY:
        return privacy(topic, read if isinstance(read, dict) else {})
    if topic == "app/uninstalled":
        return (Hint(topic="access", action=topic),)
    order_id = order_of(topic, read)
    return (Hint(topic="order", id=order_id, action=topic.partition("/")[2]),) if order_id else ()


def privacy(topic: str, body: Mapping[str, Any]) -> tuple[Hint, ...]:
    """Whom a compliance topic is about, by number only: first the customer, then each order that it names.

    The customer's hint is there even without a number (a guest's is null), so that nobody is overlooked; that of
    "shop/redact" never has one. https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
    """
    customer, what = body.get("customer"), topic.partition("/")[2]
    known = digits(customer.get("id")) if isinstance(customer, dict) else ""
    named = body.get(PRIVACY[topic])
    orders = [digits(one) for one in named] if isinstance(named, list) else []
    about_orders = (Hint(topic="privacy", id=one, action=f"orders/{what}") for one in orders if one)
    return (Hint(topic="privacy", id=known, action=topic), *about_orders)


def order_of(topic: str, body: Any) -> str:
    """The order's number as this topic's payload has it; each has its own place for it."""
    resource, _, action = topic.partition("/")
    if not isinstance(body, dict):
        return ""
    if resource == "orders" and action == "edited":
        edit = body.get("order_edit")
        found = edit.get("order_id") if isinstance(edit, dict) else None
    elif resource == "orders":
        found = body.get("order_id") or body.get("id")  # risk_assessment_changed has order_id, as text
    elif resource in ("refunds", "fulfillments"):
        found = body.get("order_id")
    else:
        found = None
    return digits(found)


def digits(found: Any) -> str:
    """The number as text; empty for anything else."""
    number = "" if isinstance(found, (bool, float)) else str(found or "")
    return number if number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER else ""


def read_json(body: bytes) -> Any:
    """The body, None when it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, UnicodeDecodeError):
        return None


class Subscriptions:
    """The app's webhook subscriptions. Shopify deletes one after eight failed deliveries, so look at them often."""

    graphql: GraphQL

    def webhook_subscriptions(self) -> list[Subscription]:
        """Those made through the API by this app; those of the app's TOML file are not shown."""
        pages = self.graphql.pages(documents.WEBHOOK_LIST, "webhookSubscriptions")
        return [Subscription.model_validate(node) for page in pages for node in page["nodes"]]

    def check_webhooks(self, address: str) -> Iterator[Finding]:
        """Whether every wanted topic is sent to `address` as we need it; one finding for each that is not."""
        there = {one.topic: one for one in self.webhook_subscriptions() if one.uri == address}
        wrong = {topic: amiss(there.get(topic), address) for topic in TOPICS}
        bad = {topic: words for topic, words in wrong.items() if words}
        if len(bad) == len(TOPICS) and not there:
            message = f"Shopify sends nothing to {address}"
            yield Finding(subject="webhooks", ok=False, message=message, hint="make them: backroom webhooks")
            return
        for topic, words in bad.items():
            yield Finding(subject=f"webhook {topic}", ok=False, message=words, hint="make it again: backroom webhooks")
        if not bad:
            yield Finding(subject="webhooks", ok=True, message=f"all {len(TOPICS)} are sent to {address}")

    def ensure_webhooks(self, address: str) -> dict[str, str]:
        """Have every wanted topic sent to `address`: what was done by topic, "kept", "moved", "repaired" or "created".

        Repeating it changes nothing. Raises Rejected when Shopify does not like the address.
        """
        known: dict[str, list[Subscription]] = {}
        for one in self.webhook_subscriptions():
            known.setdefault(one.topic, []).append(one)
        return {topic: self._ensure(topic, known.get(topic, []), address) for topic in TOPICS}

    def _ensure(self, topic: str, known: list[Subscription], uri: str) -> str:
        here = next((one for one in known if one.uri == uri), None)
        if here is not None and here.whole:
            return "kept"
        if here is not None:  # a filter cannot surely be taken away by an update
            self._change(topic, documents.WEBHOOK_DELETE, "webhookSubscriptionDelete", GONE, id=here.id)
            self._make(topic, uri)
            return "repaired"
        elsewhere = next((one for one in known if one.whole and one.uri.startswith("http")), None)
        if elsewhere is None:
            self._make(topic, uri)
            return "created"
        changed = {"id": elsewhere.id, "sub": {"uri": uri}}
        self._change(topic, documents.WEBHOOK_UPDATE, "webhookSubscriptionUpdate", TAKEN, **changed)
        return "moved"

    def _make(self, topic: str, uri: str) -> None:
        made = {"topic": topic, "sub": {"uri": uri, "format": "JSON"}}
        self._change(topic, documents.WEBHOOK_CREATE, "webhookSubscriptionCreate", TAKEN, **made)

    def _change(self, about: str, document: Document, field: str, fine: str, **variables: Any) -> None:
        payload = self.graphql.ask(document, repeatable=True, **variables).get(field)
        errors = [one for one in user_errors(payload) if fine not in str(one.get("message"))]
        if errors:
            words = f"no webhooks for {about}: {errors[0].get('message')}"
            raise Rejected(VENDOR, words, hint="the receiver needs a public https address")


def amiss(one: Subscription | None, address: str) -> str:
    """What is wrong with a subscription; empty when it is as we need it."""
    if one is None:
        return f"Shopify does not send it to {address}"
    if one.whole:
        return ""
    cut = f"only what passes {one.filter!r}" if one.filter else f"only {', '.join(one.include_fields)}"
    return f"Shopify sends it as {one.format}" if one.format != "JSON" else f"Shopify sends {cut}"
