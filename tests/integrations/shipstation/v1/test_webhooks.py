"""V1's webhooks: nobody signs them, so the token in the address is what counts, and what they say is a hint."""

from __future__ import annotations

import json
from contextlib import suppress

import httpx
import pytest

from commerce.errors import Rejected
from commerce.ports import Subscribing
from integrations.connector import QUERY, Forged, Hint, WebhookDelivery, connector
from integrations.shipstation.v1.webhooks import token_of
from tests.builders import an_order
from tests.constant_time import compared
from tests.integrations.shipstation.v1.world import BASE_URL, V1World, a_v1_setting

HUB = "https://hub.example/hooks/warehouse"


def receive(world: V1World, query: str | None = None, **body: object) -> WebhookDelivery:
    """Hand a delivery to the connection, by default one with our token."""
    pointer = {"resource_url": f"{BASE_URL}/shipments?batchId=1", "resource_type": "SHIP_NOTIFY", **body}
    taken = connector("shipstation").receive
    assert taken is not None
    given = f"token={token_of(world.settings)}" if query is None else query
    return taken(world.settings, world.services, {QUERY: given}, json.dumps(pointer).encode())


def test_what_is_subscribed_is_what_is_accepted(world: V1World) -> None:
    # given webhooks that were made by the hub
    assert isinstance(world.shipstation, Subscribing)
    world.shipstation.ensure_webhooks(HUB)
    # when a label is bought and another order is marked as shipped
    world.deliver(an_order(1001), an_order(1002))
    world.sim.do_buy_labels([58345234])
    world.sim.do_mark_shipped(58345235, "1Z1")
    # then both deliveries are taken, and say: read parcels
    taken = connector("shipstation").receive
    assert taken is not None
    hints: list[Hint] = []
    for request in world.sim.outbox:
        url = httpx.URL(str(request.url))
        assert str(url).startswith(HUB)
        received = taken(world.settings, world.services, {QUERY: url.query.decode()}, request.content)
        hints += received.hints
    assert hints == [Hint(topic="parcel", action="ship_notify"), Hint(topic="parcel", action="fulfillment_shipped")]


@pytest.mark.parametrize("query", ["", "token=", "token=wrong", "tok=x", "token=ä", "x&" * 50, "token=%00"])
def test_without_our_token_nothing_is_taken(world: V1World, query: str) -> None:
    with pytest.raises(Forged, match="token"):
        receive(world, query)


def test_our_token_is_compared_in_constant_time(world: V1World, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = compared(monkeypatch)
    for given in (token_of(world.settings), "wrong"):
        with suppress(Forged):
            receive(world, f"token={given}")
        assert pairs.pop() == (given.encode(), token_of(world.settings).encode())


def test_our_token_twice_is_none(world: V1World) -> None:
    token = token_of(world.settings)
    with pytest.raises(Forged):
        receive(world, f"token={token}&token={token}")


def test_a_token_is_of_one_connection_and_one_secret_and_tells_neither() -> None:
    tokens = {
        token_of(a_v1_setting()),
        token_of(a_v1_setting(name="other")),
        token_of(a_v1_setting(api_secret="another")),
    }
    assert len(tokens) == 3
    assert all(len(token) == 43 and "sim-shipstation-secret" not in token for token in tokens)


HOSTS = {
    "https://ssapi.shipstation.com/shipments?batchId=1": True,
    "https://ssapi6.shipstation.com/shipments?batchId=1": True,
    "https://ssapi11.shipstation.com/shipments?batchId=1": True,
    f"{BASE_URL}/shipments?batchId=1": True,
    "http://ssapi6.shipstation.com/shipments": False,
    "https://ssapi6.shipstation.com.evil.example/shipments": False,
    "https://ssapi6.shipstation.com:8443/shipments": False,
    "https://me@ssapi6.shipstation.com/shipments": False,
    "https://api.shipstation.com/v2/labels": False,
    "https://evil.example/?ssapi6.shipstation.com": False,
    "http://169.254.169.254/latest": False,
    "": False,
    "no address": False,
}


@pytest.mark.parametrize(("url", "good"), HOSTS.items())
def test_it_may_point_at_shipstation_only_and_is_not_followed_even_there(world: V1World, url: str, good: bool) -> None:
    if good:
        assert receive(world, resource_url=url).hints
    else:
        with pytest.raises(Forged):
            receive(world, resource_url=url)
    assert list(world.sim.calls) == []


def test_the_same_event_again_is_the_same_delivery_and_later_it_is_news(world: V1World) -> None:
    first = receive(world)
    world.time.now = first_of_a_turn(world.time.now)
    first = receive(world)
    world.time.now += 60
    assert receive(world).id == first.id
    world.time.now += 3600
    assert receive(world).id != first.id


def first_of_a_turn(now: float) -> float:
    """The next moment at which five minutes begin."""
    return now - now % 300 + 300


def test_an_order_event_carries_no_hint(world: V1World) -> None:
    assert receive(world, resource_type="ORDER_NOTIFY").hints == ()


def test_webhooks_are_made_once_and_repaired(world: V1World) -> None:
    client = world.shipstation
    assert [finding.ok for finding in client.check_webhooks(HUB)] == [False, False]
    # made, and kept
    assert client.ensure_webhooks(HUB) == {"SHIP_NOTIFY": "created", "FULFILLMENT_SHIPPED": "created"}
    assert client.ensure_webhooks(HUB) == {"SHIP_NOTIFY": "kept", "FULFILLMENT_SHIPPED": "kept"}
    assert [finding.ok for finding in client.check_webhooks(HUB)] == [True]
    # there twice: one goes
    first = world.sim.state()["webhooks"][0]
    world.sim.do_subscribe(first["Url"], ["SHIP_NOTIFY"])
    client.ensure_webhooks(HUB)
    assert len(world.sim.state()["webhooks"]) == 2
    # somebody else's stays
    world.sim.do_subscribe("https://elsewhere.example/hook")
    # another secret: the address has another token
    world.sim.api_secret = "new-secret"
    world.connect(api_secret="new-secret")
    assert [finding.ok for finding in world.shipstation.check_webhooks(HUB)] == [False, False]
    assert world.shipstation.ensure_webhooks(HUB) == {"SHIP_NOTIFY": "moved", "FULFILLMENT_SHIPPED": "moved"}
    assert len(world.sim.state()["webhooks"]) == 4
    assert [finding.ok for finding in world.shipstation.check_webhooks(HUB)] == [True]


def test_an_address_without_tls_is_not_told_to_shipstation(world: V1World) -> None:
    with pytest.raises(Rejected, match="public https address"):
        world.shipstation.ensure_webhooks("http://hub.example/hooks/warehouse")
    assert world.sim.state()["webhooks"] == []


def test_subscriptions_are_of_the_chosen_store(world: V1World) -> None:
    world.connect(store_id="12345")
    world.shipstation.ensure_webhooks(HUB)
    assert {hook["StoreID"] for hook in world.sim.state()["webhooks"]} == {12345}
