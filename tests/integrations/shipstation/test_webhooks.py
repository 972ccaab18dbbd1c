"""Webhooks: signed with ShipStation's own key, recent, and pointing at ShipStation."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from commerce.errors import TemporarilyUnavailable
from integrations.connector import Forged, Hint, WebhookDelivery
from integrations.shipstation import CONNECTOR
from tests.builders import an_order
from tests.integrations.shipstation.conftest import World


@pytest.fixture
def delivery(world: World) -> httpx.Request:
    """What ShipStation sends when a label is bought."""
    world.sim.do_subscribe("https://hub.example/hooks/warehouse")
    world.deliver(an_order())
    world.sim.do_buy_labels()
    return world.sim.outbox.popleft()


def receive(world: World, request: httpx.Request, body: bytes | None = None, **headers: str) -> WebhookDelivery:
    """Hand it to the connection, with some headers changed."""
    assert CONNECTOR.receive is not None
    sent = {**{name.lower(): value for name, value in request.headers.items()}, **headers}
    return CONNECTOR.receive(world.settings, world.services, sent, body or request.content)


def jwks_calls(world: World) -> int:
    return sum(call.path == "/jwks" for call in world.sim.calls)


def test_a_label_is_a_hint_to_read_parcels(world: World, delivery: httpx.Request) -> None:
    received = receive(world, delivery)
    assert received.topic == "label_created_v2"
    assert received.hints == (Hint(topic="parcel", action="label_created_v2"),)
    # and the same delivery has the same id, another has another
    assert receive(world, delivery).id == received.id
    world.sim.do_mark_shipped("se-412669417", "1Z1")
    marked = receive(world, world.sim.outbox.popleft())
    assert marked.hints == (Hint(topic="parcel", action="fulfillment_shipped_v2"),)
    assert marked.id != received.id


def test_the_key_is_fetched_once_without_our_credential(world: World, delivery: httpx.Request) -> None:
    seen: list[httpx.Request] = []
    answer = world.sim.answer
    world.sim.answer = lambda request: seen.append(request) or answer(request)  # type: ignore[method-assign,func-returns-value]
    receive(world, delivery)
    receive(world, delivery)
    assert [(request.url.path, "api-key" in request.headers) for request in seen] == [("/jwks", False)]


def test_a_new_key_is_fetched_when_it_is_first_used(world: World, delivery: httpx.Request) -> None:
    receive(world, delivery)
    world.sim.do_rotate_key()
    world.time.now += 3600
    world.sim.do_mark_shipped("se-412669417", "1Z1")
    receive(world, world.sim.outbox.popleft())
    assert jwks_calls(world) == 2


def test_invented_key_ids_do_not_make_us_call_the_vendor_each_time(world: World, delivery: httpx.Request) -> None:
    for n in range(10):
        with pytest.raises(Forged):
            receive(world, delivery, None, **{"x-shipengine-rsa-sha256-key-id": f"invented-{n}"})
    assert jwks_calls(world) == 1


FORGERIES: dict[str, dict[str, Any]] = {
    "no key id": {"x-shipengine-rsa-sha256-key-id": ""},
    "no signature": {"x-shipengine-rsa-sha256-signature": ""},
    "no timestamp": {"x-shipengine-timestamp": ""},
    "another signature": {"x-shipengine-rsa-sha256-signature": "AAAA"},
    "no base64": {"x-shipengine-rsa-sha256-signature": "ä"},
    "another timestamp": {"x-shipengine-timestamp": "2026-11-20T13:00:01Z"},
    "no time at all": {"x-shipengine-timestamp": "soon"},
    "another body": {"body": b'{"resource_url": "https://api.shipstation.test/v2/labels"}'},
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_forgeries_are_refused(world: World, delivery: httpx.Request, forgery: dict[str, Any]) -> None:
    with pytest.raises(Forged):
        receive(world, delivery, **forgery)


@pytest.mark.parametrize(("seconds", "good"), [(-299, True), (-301, False), (299, True), (301, False)])
def test_five_minutes_either_way(world: World, delivery: httpx.Request, seconds: int, good: bool) -> None:
    world.time.now += seconds
    if good:
        receive(world, delivery)
    else:
        with pytest.raises(Forged, match="stale"):
            receive(world, delivery)


def test_a_signed_pointer_to_elsewhere_is_refused(world: World) -> None:
    world.sim.do_subscribe("https://hub.example/hooks/warehouse")
    (request,) = world.sim.hooks.told("label_created_v2", "https://evil.example/v2/labels")
    with pytest.raises(Forged, match="foreign host"):
        receive(world, request)


def test_keys_that_cannot_be_fetched_are_no_forgery(world: World, delivery: httpx.Request) -> None:
    world.fails("/jwks", status=503, times=10)
    with pytest.raises(TemporarilyUnavailable):
        receive(world, delivery)


def test_an_order_event_carries_no_hint(world: World) -> None:
    world.sim.do_subscribe("https://hub.example/hooks/warehouse", events=["shipment_created_v2"])
    (request,) = world.sim.hooks.told("shipment_created_v2", "https://api.shipstation.com/v2/shipments?x=1")
    assert receive(world, request).hints == ()
