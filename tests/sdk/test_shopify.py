"""Shopify's own Python SDK, unchanged, finds in the simulator what it expects of Shopify."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from integrations.shopify.granting import signed
from integrations.shopify.simulator import ShopifySimulator
from tests.integrations.shopify import sheet_documents as documents
from tests.sdk.serving import served

shopify = pytest.importorskip("shopify", reason="make sdk installs the vendors' own SDKs")

SHOP, VERSION, BACK = "demo.myshopify.com", "2026-10", "https://hub.example.com/connect/shop"


class AtTheSimulator(urllib.request.BaseHandler):
    """Takes every https call, as the SDK knows no other address than that of the shop."""

    handler_order = 100

    def __init__(self, address: str) -> None:
        self.address = address

    def https_open(self, request: urllib.request.Request) -> Any:
        url = self.address + urlsplit(request.full_url).path
        here = urllib.request.Request(url, request.data, dict(request.header_items()), method=request.get_method())
        return urllib.request.urlopen(here)


@pytest.fixture
def sim() -> ShopifySimulator:
    sim = ShopifySimulator(base_url="http://127.0.0.1", redirects=[BACK])
    sim.do_create_products([{"sku": "MUG", "price": "25.00", "levels": {"Main": 10}}])
    return sim


@pytest.fixture
def address(sim: ShopifySimulator) -> Iterator[str]:
    before = urllib.request._opener  # type: ignore[attr-defined]
    with served(sim, "shopify") as address:
        urllib.request.install_opener(urllib.request.build_opener(AtTheSimulator(address)))
        shopify.Session.setup(api_key="sim-client", secret="sim-secret")
        yield address
    urllib.request.install_opener(before)
    shopify.ShopifyResource.clear_session()


def ask(document: str, **variables: Any) -> Any:
    return json.loads(shopify.GraphQL().execute(document, variables=variables))


def test_a_merchant_approves_the_app_and_the_sdk_takes_the_answer_for_shopifys(sim, address):
    # given the page of approval as the SDK addresses it
    session = shopify.Session(SHOP, VERSION)
    page = urlsplit(session.create_permission_url(["write_orders"], BACK, "state-1"))
    back = httpx.get(f"{address}{page.path}?{page.query}")
    answer = dict(parse_qsl(urlsplit(back.headers["location"]).query))
    # when the browser comes back
    token = session.request_token(answer)
    # then the SDK finds it signed, and so do we; what it got for the code is a token that works
    assert signed("sim-secret", answer)
    assert sim.tokens.valid(token)
    # and a changed answer is taken by neither
    changed = {**answer, "code": "another"}
    assert not signed("sim-secret", changed)
    with pytest.raises(shopify.ValidationException):
        shopify.Session(SHOP, VERSION).request_token(changed)


def test_the_signature_that_the_sdk_makes_is_ours(address):
    answer = {"shop": SHOP, "code": "a&b=c%d", "timestamp": "1795435200", "host": "YWJj=="}
    assert signed("sim-secret", {**answer, "hmac": shopify.Session.calculate_hmac(answer)})


def test_the_sdk_asks_the_simulator_and_writes_to_it(sim, address):
    # given the SDK with a token
    shopify.ShopifyResource.activate_session(shopify.Session(SHOP, VERSION, "shpat_sim"))
    # when it looks at the shop and subscribes to a topic
    seen = ask(documents.SHOP_AND_SCOPES)
    sub = {"uri": "https://hub.example.com/hook", "format": "JSON"}
    made = ask(documents.WEBHOOK_CREATE, topic="ORDERS_UPDATED", sub=sub)
    # then both are answered as Shopify does, cost included
    assert seen["data"]["shop"]["myshopifyDomain"] == SHOP
    assert seen["extensions"]["cost"]["throttleStatus"]["maximumAvailable"] == 2000
    assert made["data"]["webhookSubscriptionCreate"]["userErrors"] == []
    assert [one["topic"] for one in sim.store.subscriptions.values()] == ["ORDERS_UPDATED"]


def test_the_sdk_is_refused_as_shopify_refuses(address):
    shopify.ShopifyResource.activate_session(shopify.Session(SHOP, VERSION, "shpat_wrong"))
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(documents.SHOP_AND_SCOPES)
    assert refused.value.code == 401
    assert refused.value.headers["www-authenticate"] == 'Basic Realm="Shopify API Authentication"'
