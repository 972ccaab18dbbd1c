"""Webhooks: signed with ShipStation's own key, recent, and pointing at ShipStation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
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


def test_a_new_key_is_known_at_once_and_a_withdrawn_one_no_longer_than_a_day(
    world: World, delivery: httpx.Request
) -> None:
    # given a key that is replaced right after its first use
    receive(world, delivery)
    world.sim.do_rotate_key()
    world.sim.do_mark_shipped("se-412669417", "1Z1")
    assert receive(world, world.sim.outbox.popleft()).topic == "fulfillment_shipped_v2"
    assert jwks_calls(world) == 2
    # when the vendor withdraws the old one
    world.sim.signer.withdraw_old()
    world.time.now += 24 * 3600
    now = f"{datetime.fromtimestamp(world.time.now, UTC):%Y-%m-%dT%H:%M:%SZ}"
    headers = world.sim.signer.headers(delivery.content, now, delivery.headers["x-shipengine-rsa-sha256-key-id"])
    old = httpx.Request("POST", delivery.url, headers=headers, content=delivery.content)
    # then it is believed no more
    with pytest.raises(Forged, match="signature"):
        receive(world, old)


def test_a_new_key_is_fetched_when_it_is_first_used(world: World, delivery: httpx.Request) -> None:
    receive(world, delivery)
    world.sim.do_rotate_key()
    world.time.now += 3600
    world.sim.do_mark_shipped("se-412669417", "1Z1")
    receive(world, world.sim.outbox.popleft())
    assert jwks_calls(world) == 2


def test_invented_key_ids_do_not_make_us_call_the_vendor_each_time(world: World, delivery: httpx.Request) -> None:
    answers: list[type[Exception]] = []
    for n in range(10):
        with pytest.raises((Forged, TemporarilyUnavailable)) as refused:
            receive(world, delivery, None, **{"x-shipengine-rsa-sha256-key-id": f"invented-{n}"})
        answers.append(refused.type)
    # then the vendor is asked four times a minute at most, and who comes later is told to come again
    assert answers == [Forged] * 4 + [TemporarilyUnavailable] * 6
    assert jwks_calls(world) == 4


STATUSES: dict[str, tuple[dict[str, str], int]] = {
    "hidden where a header is missing": ({"x-shipengine-timestamp": ""}, 404),
    "stale": ({"x-shipengine-timestamp": "2026-11-20T12:00:00Z"}, 400),
    "no time": ({"x-shipengine-timestamp": "soon"}, 400),
    "not signed": ({"x-shipengine-rsa-sha256-signature": "AAAA"}, 401),
}


@pytest.mark.parametrize(("changed", "status"), STATUSES.values(), ids=STATUSES.keys())
def test_a_refusal_has_the_status_that_shipstations_guide_asks_for(
    world: World, delivery: httpx.Request, changed: dict[str, str], status: int
) -> None:
    with pytest.raises(Forged) as refused:
        receive(world, delivery, **changed)
    assert refused.value.status == status


def test_base64url_and_long_fractions_are_read_too(world: World, delivery: httpx.Request) -> None:
    signature = delivery.headers["x-shipengine-rsa-sha256-signature"]
    url_safe = signature.replace("+", "-").replace("/", "_").rstrip("=")
    assert receive(world, delivery, **{"x-shipengine-rsa-sha256-signature": url_safe}).topic == "label_created_v2"
    for stamp in ("2026-11-20T13:00:00.8Z", "2026-11-20T13:00:00.1234567Z", "2026-11-20T05:00:00-08:00"):
        headers = world.sim.signer.headers(delivery.content, stamp)
        request = httpx.Request("POST", delivery.url, headers=headers, content=delivery.content)
        assert receive(world, request).topic == "label_created_v2"


HOSTS = {
    "https://api.shipstation.com/v2/labels?batch_id=se-1": True,
    "https://api.shipengine.com/v2/labels?batch_id=se-1": True,
    "https://ssapi.shipstation.com/shipments?batchId=1": True,
    "https://ssapi11.shipstation.com/shipments?batchId=1": True,
    "https://api.shipstation.test/v2/labels": True,
    "https://ssapi11.shipstation.com.evil.example/": False,
    "https://xssapi1.shipstation.com/": False,
    "https://api.shipstation.com@evil.example/": False,
    "https://me:you@api.shipstation.com/": False,
    "http://api.shipstation.com/v2/labels": False,
    "ftp://api.shipstation.com/v2/labels": False,
    "/v2/labels": False,
    "https://[": False,
}


@pytest.mark.parametrize(("pointer", "good"), HOSTS.items())
def test_a_pointer_is_believed_on_shipstations_hosts_only(world: World, pointer: str, good: bool) -> None:
    world.sim.do_subscribe("https://hub.example/hooks/warehouse")
    (request,) = world.sim.hooks.told("label_created_v2", pointer)
    calls = len(world.sim.calls)
    if good:
        assert receive(world, request).hints
    else:
        with pytest.raises(Forged):
            receive(world, request)
    # and it is never followed: what it means is read by the poll
    assert {call.path for call in list(world.sim.calls)[calls:]} <= {"/jwks"}


@pytest.mark.parametrize("signed_anew", [True, False])
def test_a_webhook_that_comes_again_leads_to_one_parcel(world: World, signed_anew: bool) -> None:
    # given a webhook that is sent once more, half an hour later when it is signed anew
    world.sim.do_subscribe("https://hub.example/hooks/warehouse")
    world.deliver(an_order())
    world.sim.do_buy_labels()
    first = receive(world, world.sim.outbox.popleft())
    world.time.now += 1800 if signed_anew else 30
    world.sim.do_send_again(signed_anew=signed_anew)
    second = receive(world, world.sim.outbox.popleft())
    # then it is the same delivery, or one that points at the same parcel
    assert (first.id == second.id) is not signed_anew
    assert first.hints == second.hints
    assert [parcel.id for parcel in world.parcels()] == ["label-se-184976210"]


def test_a_scan_tells_all_in_its_body_and_needs_no_reading(world: World) -> None:
    world.sim.do_subscribe("https://hub.example/hooks/warehouse", events=["track_event_v2"])
    world.deliver(an_order())
    (label,) = world.sim.do_buy_labels()
    world.sim.do_scan(label)
    received = receive(world, world.sim.outbox.popleft())
    assert (received.topic, received.hints) == ("track_event_v2", ())


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


class Skewed:
    """Our clock: off from ShipStation's."""

    def __init__(self, world: World, off: float) -> None:
        self.world, self.off = world, off

    def __call__(self) -> float:
        return self.world.time.now + self.off


@pytest.mark.parametrize("off", [-86_400.0, -7_200.0, -600.0, 600.0, 7_200.0, 86_400.0])
def test_a_wrong_clock_of_ours_refuses_no_webhook(world: World, delivery: httpx.Request, off: float) -> None:
    # given a receiver whose clock is wrong
    clock = Skewed(world, off)
    world.services = replace(world.services, clock=clock)
    # when webhooks come in
    for _ in range(3):
        receive(world, delivery)
    # then they are taken, and ShipStation was asked once what time it is there, with its keys
    assert jwks_calls(world) <= 2
    # and one that is old there is refused, however new it looks here
    world.time.now += 301
    with pytest.raises(Forged, match="stale"):
        receive(world, delivery)
    # and when our clock is set right, a new one is taken as ever
    world.time.now += 61
    clock.off = 0.0
    world.sim.do_mark_shipped("se-412669417", "1Z1")
    receive(world, world.sim.outbox.popleft())


def test_old_webhooks_do_not_make_us_ask_for_the_time_each_time(world: World, delivery: httpx.Request) -> None:
    world.time.now += 3600
    for _ in range(20):
        with pytest.raises(Forged, match="stale"):
            receive(world, delivery)
    assert jwks_calls(world) == 4


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
