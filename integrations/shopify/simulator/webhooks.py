"""Webhook subscriptions and their signed deliveries. https://shopify.dev/docs/apps/build/webhooks"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import httpx

from integrations.shopify.simulator.clock import stamp
from integrations.shopify.simulator.idempotency import user_error
from integrations.shopify.simulator.model import gid
from integrations.shopify.simulator.plan import Request, resolves

FIELD = ["webhookSubscription", "callbackUrl"]
WEBHOOK_VERSION = "2026-10"


LONG_RESOURCES = (
    "FULFILLMENT_ORDERS",
    "FULFILLMENT_HOLDS",
    "INVENTORY_LEVELS",
    "INVENTORY_ITEMS",
    "ORDER_TRANSACTIONS",
    "TENDER_TRANSACTIONS",
    "BULK_OPERATIONS",
)


def topic_header(topic: str) -> str:
    """ORDERS_CREATE -> orders/create; the resource may be of several words."""
    for resource in LONG_RESOURCES:
        if topic.startswith(f"{resource}_"):
            return f"{resource}/{topic[len(resource) + 1 :]}".lower()
    return topic.lower().replace("_", "/", 1)


def sign(secret: str, body: bytes) -> str:
    """`X-Shopify-Hmac-Sha256`: base64 of HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def delivery(sim: Any, subscription: Mapping[str, Any], topic: str, body: dict[str, Any], event: str) -> httpx.Request:
    """One signed POST. `sim.header_prefix` begins its headers: "X-Shopify-", or "Shopify-" as in newer products."""
    wanted = subscription["includeFields"]
    chosen = {key: value for key, value in body.items() if key in wanted} if wanted else body
    xml = subscription["format"] == "XML"
    text = as_xml(topic, chosen) if xml else json.dumps(chosen, separators=(",", ":"), ensure_ascii=False)
    raw = text.encode()
    moment = datetime.fromtimestamp(sim.now(), UTC)
    own = {
        "Topic": topic,
        "Hmac-Sha256": sign(sim.tokens.client_secret, raw),
        "Shop-Domain": sim.domain,
        "API-Version": WEBHOOK_VERSION,
        "Webhook-Id": str(uuid.uuid4()),
        "Event-Id": event,
        "Triggered-At": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}123Z",
    }
    if subscription["name"]:
        own["Name"] = subscription["name"]
    return httpx.Request(
        "POST",
        subscription["uri"],
        headers={
            "Content-Type": "application/xml" if xml else "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            **{f"{sim.header_prefix}{name}": value for name, value in own.items()},
        },
        content=raw,
        extensions={"subscription": subscription["number"]},
    )


def as_xml(topic: str, body: Mapping[str, Any]) -> str:
    """The body for those who asked for XML; its top level is enough here."""
    rows = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in body.items()).replace("_", "-")
    name = topic.partition("/")[0].removesuffix("s")
    return f'<?xml version="1.0" encoding="UTF-8"?><{name}>{rows}</{name}>'


def emit(sim: Any, topic: str, body: Callable[[], dict[str, Any]], event: str) -> None:
    """Put a delivery for every subscription to `topic` into the outbox; the body is made only when somebody listens."""
    listening = [one for one in sim.store.subscriptions.values() if topic_header(one["topic"]) == topic]
    if not listening:
        return
    content = body()
    for one in listening:
        if not one["uri"].startswith(("http://", "https://")) or not passes(one["filter"], content):
            continue
        request, about = delivery(sim, one, topic, content, event), (one["number"], content.get("id"))
        if one["includeFields"] and sim.last_bodies.get(about) == request.content:
            continue  # of the chosen fields none has changed: Shopify takes it for a duplicate
        sim.last_bodies[about] = request.content
        sim.outbox.append(request)
        sim.delivered.append(request)


FILTER = re.compile(r"(\w[\w.]*):(?:'([^']*)'|(\S+))")
NO_FILTER = "The specified filter is invalid, please ensure you specify the field(s) you wish to filter on."


def passes(written: str | None, body: Mapping[str, Any]) -> bool:
    """Whether a body meets a filter of the kind `field:value field:value`."""
    terms = FILTER.findall(written or "")
    return all(str(body.get(name)).lower() == (quoted or plain).lower() for name, quoted, plain in terms)


def subscription(number: int, topic: str, given: Mapping[str, Any], moment: int) -> dict[str, Any]:
    """One subscription as Shopify shows it."""
    now = stamp(moment)
    return {
        "__typename": "WebhookSubscription",
        "number": number,
        "id": gid("WebhookSubscription", number),
        "legacyResourceId": str(number),
        "topic": topic,
        "uri": given.get("uri") or given.get("callbackUrl"),
        "format": given.get("format") or "JSON",
        "filter": given.get("filter"),
        "includeFields": given.get("includeFields") or [],
        "metafieldNamespaces": given.get("metafieldNamespaces") or [],
        "name": given.get("name"),
        "createdAt": now,
        "updatedAt": now,
        "apiVersion": {"handle": WEBHOOK_VERSION, "supported": True},
    }


@resolves("Mutation", "webhookSubscriptionCreate")
def webhook_create(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/webhookSubscriptionCreate"""
    sim, given = request.sim, args["webhookSubscription"]
    uri = given.get("uri") or given.get("callbackUrl")
    problem = (
        _uri_problem(uri, sim.loopback_webhooks)
        or _taken(sim, args["topic"], uri, given.get("name"))
        or _filter_problem(given.get("filter"))
    )
    if problem:
        return {"webhookSubscription": None, "userErrors": [user_error(FIELD, problem)]}
    one = subscription(sim.store.ids.next("WebhookSubscription"), args["topic"], given, sim.moment())
    sim.store.subscriptions[one["number"]] = one
    return {"webhookSubscription": one, "userErrors": []}


def _uri_problem(uri: str | None, loopback: bool) -> str | None:
    if not uri:
        return "Address can't be blank"
    if uri.startswith(("pubsub://", "arn:aws:events:")):
        return None
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host:
        return "Address is invalid"
    if _is_loopback(host):
        return None if loopback else "Address cannot be a Shopify or an internal domain"
    if parts.scheme == "http":
        return "Address protocol http:// is not supported"
    internal = host.endswith((".myshopify.com", ".shopify.com", ".internal", ".local"))
    return "Address cannot be a Shopify or an internal domain" if internal else None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _taken(sim: Any, topic: str, uri: str | None, name: str | None) -> str | None:
    for one in sim.store.subscriptions.values():
        if (one["topic"], one["uri"]) == (topic, uri):
            return "Address for this topic has already been taken"
        if name and one["name"] == name:
            return "Name already exists, no duplicate allowed"
    return None


def _filter_problem(written: str | None) -> str | None:
    return NO_FILTER if written and not FILTER.search(written) else None


def _find(request: Request, reference: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = request.sim.store.subscriptions.get(
        request.sim.number("WebhookSubscription", reference)
    )
    return found


@resolves("Mutation", "webhookSubscriptionUpdate")
def webhook_update(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/webhookSubscriptionUpdate"""
    one, given = _find(request, args["id"]), dict(args["webhookSubscription"])
    if one is None:
        return {"webhookSubscription": None, "userErrors": [user_error(["id"], "Webhook subscription does not exist")]}
    if "callbackUrl" in given:
        given["uri"] = given.pop("callbackUrl")
    problem = _uri_problem(given["uri"], request.sim.loopback_webhooks) if "uri" in given else None
    problem = problem or _filter_problem(given.get("filter"))
    if problem:
        return {"webhookSubscription": None, "userErrors": [user_error(FIELD, problem)]}
    one.update({key: value for key, value in given.items() if key in one})
    one["updatedAt"] = stamp(request.sim.moment())
    return {"webhookSubscription": one, "userErrors": []}


@resolves("Mutation", "webhookSubscriptionDelete")
def webhook_delete(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/webhookSubscriptionDelete"""
    if _find(request, args["id"]) is None:
        error = user_error(["id"], "Webhook subscription does not exist")
        return {"deletedWebhookSubscriptionId": None, "userErrors": [error]}
    del request.sim.store.subscriptions[request.sim.number("WebhookSubscription", args["id"])]
    return {"deletedWebhookSubscriptionId": args["id"], "userErrors": []}
