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
)
"""What the hub wants to hear of."""
TAKEN = "has already been taken"


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
    return WebhookDelivery(id=f"{topic}:{delivery}", topic=topic, hints=hints(topic, body))


def header(headers: Mapping[str, str], name: str) -> str:
    """A header of Shopify's, under its old name with "x-" or its new one without."""
    return headers.get(f"x-shopify-{name}") or headers.get(f"shopify-{name}") or ""


def hints(topic: str, body: bytes) -> tuple[Hint, ...]:
    """The order to re-read; none for topics that are not about an order."""
    order_id = order_of(topic, read_json(body))
    return (Hint(topic="order", id=order_id, action=topic.partition("/")[2]),) if order_id else ()


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
    number = str(found or "")
    return number if number.isascii() and number.isdigit() else ""


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
        """Whether every wanted topic is sent to `address`; one finding for each that is not."""
        sent = {one.topic for one in self.webhook_subscriptions() if one.uri == address}
        for topic in TOPICS:
            if topic not in sent:
                yield Finding(
                    subject=f"webhook {topic}",
                    ok=False,
                    message=f"Shopify does not send it to {address}",
                    hint="make it again: backroom webhooks",
                )
        if sent.issuperset(TOPICS):
            yield Finding(subject="webhooks", ok=True, message=f"all {len(TOPICS)} are sent to {address}")

    def ensure_webhooks(self, callback_url: str) -> dict[str, str]:
        """Have every wanted topic sent to `callback_url`: what was done by topic, "kept", "moved" or "created".

        Repeating it changes nothing. Raises Rejected when Shopify does not like the address.
        """
        known: dict[str, list[Subscription]] = {}
        for one in self.webhook_subscriptions():
            known.setdefault(one.topic, []).append(one)
        return {topic: self._ensure(topic, known.get(topic, []), callback_url) for topic in TOPICS}

    def _ensure(self, topic: str, known: list[Subscription], uri: str) -> str:
        if any(one.uri == uri for one in known):
            return "kept"
        if known:
            data = self.graphql.ask(documents.WEBHOOK_UPDATE, repeatable=True, id=known[0].id, sub={"uri": uri})
            refuse(topic, data.get("webhookSubscriptionUpdate"))
            return "moved"
        sub = {"uri": uri, "format": "JSON"}
        data = self.graphql.ask(documents.WEBHOOK_CREATE, repeatable=True, topic=topic, sub=sub)
        refuse(topic, data.get("webhookSubscriptionCreate"))
        return "created"


def refuse(topic: str, payload: Mapping[str, Any] | None) -> None:
    """Raise what Shopify says, unless it says that the subscription is there."""
    errors = [one for one in user_errors(payload) if TAKEN not in str(one.get("message"))]
    if errors:
        words = str(errors[0].get("message"))
        raise Rejected(VENDOR, f"no webhooks for {topic}: {words}", hint="the receiver needs a public https address")
