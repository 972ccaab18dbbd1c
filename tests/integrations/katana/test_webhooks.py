"""A webhook is a reason to read the stock again, if Katana signed it."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from commerce.ports import Tokens
from integrations.auth import MemoryTokens
from integrations.connector import Forged, Hint, Services, connector
from integrations.katana.settings import KatanaSettings
from integrations.katana.simulator import build
from integrations.katana.webhooks import receive
from tests.integrations.katana.conftest import BASE, Time, Told, level

TOKEN = "0123456789abcdef"


def settings(token: str = TOKEN) -> KatanaSettings:
    return KatanaSettings(name="inventory", api_key=SecretStr("sim-key"), webhook_token=SecretStr(token))


@pytest.fixture
def sent(clock: Time) -> httpx.Request:
    """What Katana sends when somebody counts mugs."""
    account = build(base_url=BASE, clock=clock, webhook_url="https://hub.test/hooks/inventory")
    account.do_setup(locations=["Main"], variants=[{"sku": "MUG", "stock": {"Main": level("7")}}])
    account.do_set_stock("MUG", "Main", "6")
    return account.outbox.popleft()


def test_a_change_of_stock_says_read_the_stock_again(sent: httpx.Request, clock: Time) -> None:
    delivery = receive(settings(), Services(clock=clock), sent.headers, sent.content)
    assert delivery.topic == "current_inventory.product_updated"
    assert delivery.hints == (Hint(topic="stock", action="current_inventory.product_updated"),)


def test_the_prefix_that_other_vendors_write_is_understood(sent: httpx.Request, clock: Time) -> None:
    headers = {"x-sha2-signature": "sha256=" + sent.headers["x-sha2-signature"]}
    assert receive(settings(), Services(clock=clock), headers, sent.content).hints


@pytest.mark.parametrize("signature", ["hex", "prefixed", "base64"])
def test_whichever_letters_the_signature_is_written_in(clock: Time, signature: str) -> None:
    account = build(base_url=BASE, clock=clock, webhook_url="https://hub.test/hooks/inventory", signature=signature)
    account.do_setup(locations=["Main"], variants=[{"sku": "MUG", "stock": {"Main": level("7")}}])
    account.do_set_stock("MUG", "Main", "6")
    sent = account.outbox.popleft()
    assert receive(settings(), Services(clock=clock), sent.headers, sent.content).hints
    with pytest.raises(Forged):
        receive(settings("another-token"), Services(clock=clock), sent.headers, sent.content)


def test_while_the_token_is_replaced_the_old_and_the_new_one_are_good(sent: httpx.Request, clock: Time) -> None:
    # given the token that the hub learned when it made the subscription
    learned = MemoryTokens(Tokens(access=TOKEN, expires_at=datetime(2100, 1, 1, tzinfo=UTC)))
    services = Services(clock=clock, tokens=learned)
    # then webhooks that it signed are good without any in stack.toml's secrets, and beside another one there
    for other in ("", "another-token"):
        assert receive(settings(other), services, sent.headers, sent.content).hints
    # and so are those that the other one signed, and nobody else's
    mac = hmac.new(b"another-token", sent.content, hashlib.sha256).hexdigest()
    assert receive(settings("another-token"), services, {"x-sha2-signature": mac}, sent.content).hints
    with pytest.raises(Forged):
        receive(settings("a-third"), services, {"x-sha2-signature": mac}, sent.content)


def test_a_wrong_signature_is_told_once_and_no_signature_never(sent: httpx.Request, told: Told) -> None:
    # given a subscription that was made anew, so that its token is not the one we know
    services = Services(notices=told)
    # when its webhooks arrive, and somebody's who does not even sign
    for headers in (sent.headers, {}):
        with pytest.raises(Forged):
            receive(settings("old-token"), services, headers, sent.content)
    # then people are told what to do; a connection that never had webhooks tells nothing
    [alert] = told.alerts
    assert (alert.fingerprint, alert.severity) == ("webhook-signature:inventory", "warning")
    assert "backroom webhooks" in alert.todo
    with pytest.raises(Forged):
        receive(settings(""), services, sent.headers, sent.content)
    assert len(told.alerts) == 1


def test_a_body_that_says_nothing_is_no_hint(clock: Time) -> None:
    for body in (b"", b"[" * 50_000, b"7", b'{"action": null}', b'{"action": {"a": 1}}'):
        mac = hmac.new(TOKEN.encode(), body, hashlib.sha256).hexdigest()
        delivery = receive(settings(), Services(clock=clock), {"x-sha2-signature": mac}, body)
        assert delivery.hints == ()


@pytest.mark.parametrize("token", ["another-token", ""])
def test_a_webhook_that_katana_did_not_sign_is_forged(sent: httpx.Request, token: str) -> None:
    with pytest.raises(Forged):
        receive(settings(token), Services(), sent.headers, sent.content)


def test_a_changed_body_or_no_signature_is_forged(sent: httpx.Request) -> None:
    with pytest.raises(Forged):
        receive(settings(), Services(), sent.headers, sent.content + b" ")
    with pytest.raises(Forged):
        receive(settings(), Services(), {}, sent.content)


def test_two_changes_of_one_variant_are_two_deliveries(sent: httpx.Request, clock: Time) -> None:
    # given bodies without id or time: the second change looks just like the first
    first = receive(settings(), Services(clock=clock), sent.headers, sent.content)
    clock.now += 0.5
    # then the second is not taken for a repetition
    assert receive(settings(), Services(clock=clock), sent.headers, sent.content).id != first.id


def test_the_connector_is_found_and_keeps_its_secrets_to_itself() -> None:
    assert connector("katana").title == "Katana"
    assert "sim-key" not in repr(settings())
    assert TOKEN not in repr(settings())
    with pytest.raises(ValidationError, match="make a key in Katana"):
        KatanaSettings(name="inventory", api_key=SecretStr(" "))
