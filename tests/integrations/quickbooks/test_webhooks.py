"""Webhooks are verified, routed by company, and only point."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from integrations.connector import Forged, Hint, WebhookDelivery
from integrations.quickbooks.webhooks import receive
from tests.builders import an_order
from tests.integrations.quickbooks.conftest import REALM, World, a_setting


def signed(body: bytes, secret: str = "verifier") -> dict[str, str]:
    mac = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"intuit-signature": base64.b64encode(mac).decode()}


def arrive(world: World, content: Any, **settings: Any) -> WebhookDelivery:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return receive(a_setting(**settings), world.services, signed(body), body)


def an_entry(id: str, entity: str, time: str, kind: str = "qbo.salesreceipt.updated.v1", realm: str = REALM) -> Any:
    return {"id": id, "type": kind, "time": time, "intuitentityid": entity, "intuitaccountid": realm, "data": {}}


def test_a_delivery_of_several_companies_is_routed_and_put_in_order(world: World) -> None:
    entries = [
        an_entry("e2", "12", "2026-11-23T21:31:25.179851517Z", "qbo.salesreceipt.deleted.v1"),
        an_entry("e3", "99", "2026-11-23T21:31:25.1Z", realm="310687"),
        an_entry("e1", "11", "2026-11-23T21:31:25.1798Z", "qbo.unheard.of"),
    ]
    delivery = arrive(world, entries)
    assert delivery.hints == (
        Hint(topic="document", id="11", action="qbo.unheard.of"),
        Hint(topic="document", id="12", action="salesreceipt.deleted"),
    )


def test_the_same_delivery_has_the_same_id_and_another_one_another(world: World) -> None:
    entry, other = an_entry("e1", "11", "2026-11-23T21:31:25Z"), an_entry("e2", "11", "2026-11-23T21:31:25Z")
    assert arrive(world, [entry]).id == arrive(world, [dict(entry)]).id != arrive(world, [other]).id


def test_what_the_simulator_sends_is_understood(world: World) -> None:
    world.deliver(an_order())
    for old in (False, True):
        world.sim.do_webhook("https://hub.test/hooks/books", action="deleted", old=old)
        request = world.sim.outbox.popleft()
        delivery = receive(a_setting(old_webhooks=old), world.services, dict(request.headers), request.read())
        assert [(hint.topic, hint.action) for hint in delivery.hints] == [("document", "salesreceipt.deleted")]


@pytest.mark.parametrize("headers", [{}, {"intuit-signature": "AAAA"}])
def test_a_forged_one_is_refused(world: World, headers: dict[str, str]) -> None:
    with pytest.raises(Forged):
        receive(a_setting(), world.services, headers, b"[]")


def test_after_the_verifier_token_is_changed_both_are_accepted_until_the_old_one_is_removed(world: World) -> None:
    body = json.dumps([an_entry("e1", "11", "2026-11-23T21:31:25Z")]).encode()
    both = a_setting(verifier_token="new", previous_verifier_token="verifier")
    for secret in ("new", "verifier"):
        assert len(receive(both, world.services, signed(body, secret), body).hints) == 1
    with pytest.raises(Forged):
        receive(a_setting(verifier_token="new"), world.services, signed(body), body)


def test_without_a_verifier_token_nothing_is_accepted(world: World) -> None:
    with pytest.raises(Forged):
        receive(a_setting(verifier_token=""), world.services, signed(b"[]", ""), b"[]")


@pytest.mark.parametrize("body", [b"not json", b"7", b"[7, {}]", b'{"eventNotifications": []}'])
def test_a_signed_body_that_we_cannot_read_is_accepted_and_points_at_nothing(world: World, body: bytes) -> None:
    assert arrive(world, body).hints == ()
    assert arrive(world, body, old_webhooks=True).hints == ()


def test_the_company_may_be_the_one_that_access_was_granted_for(world: World) -> None:
    entries = [
        an_entry("e1", "11", "2026-11-23T21:31:25Z"),
        an_entry("e2", "12", "2026-11-23T21:31:25Z", realm="310687"),
    ]
    assert arrive(world, entries, realm_id="").hints == ()
    world.deliver(an_order())
    assert [hint.id for hint in arrive(world, entries, realm_id="").hints] == ["11"]
