"""Katana is made to send webhooks, once, and what it sends is verified with the token it gave."""

from __future__ import annotations

import pytest

from commerce.errors import NotAuthorised, OutcomeUnknown, Rejected
from commerce.ports import Subscribing
from integrations.auth import MemoryTokens
from integrations.connector import Forged, Services
from integrations.katana.settings import KatanaSettings
from integrations.katana.simulator import KatanaSimulator
from integrations.katana.webhooks import EVENTS, receive
from integrations.simulator import Fault
from tests.integrations.katana.conftest import Connect, Told

HERE = "https://hub.example.com/hooks/inventory"


def checked(connect: Connect) -> tuple[bool, str]:
    """What `backroom check` says of webhooks."""
    [finding] = list(connect().check_webhooks(HERE))
    return finding.ok, finding.message


def test_katana_can_be_subscribed_to(connect: Connect) -> None:
    assert isinstance(connect(), Subscribing)


def test_one_subscription_is_made_and_its_webhooks_are_verified(
    connect: Connect, account: KatanaSimulator, tokens: MemoryTokens
) -> None:
    # given an account that sends nothing to us
    assert checked(connect) == (False, f"Katana sends nothing to {HERE}")
    # when
    assert connect().ensure_webhooks(HERE) == dict.fromkeys(EVENTS, "created")
    # then there is one, and repeating it changes nothing
    assert connect().ensure_webhooks(HERE) == dict.fromkeys(EVENTS, "kept")
    [hook] = account.state()["webhooks"]
    assert (hook["url"], hook["enabled"], sorted(hook["subscribed_events"])) == (HERE, True, sorted(EVENTS))
    assert checked(connect) == (True, f"all 8 events are sent to {HERE}")
    # and what arrives is taken in, although nobody wrote a token into the environment
    account.do_sell("MUG-RED", "Main", 1)
    sent = account.outbox.popleft()
    settings = KatanaSettings(name="inventory", api_key="sim-key")
    assert receive(settings, Services(tokens=tokens), sent.headers, sent.content).topic == "sales_order.created"
    with pytest.raises(Forged):
        receive(settings, Services(tokens=MemoryTokens()), sent.headers, sent.content)


def test_a_subscription_that_is_off_or_lacks_events_is_repaired(
    connect: Connect, account: KatanaSimulator, tokens: MemoryTokens
) -> None:
    # given a subscription that somebody switched off, and one event fewer
    connect().ensure_webhooks(HERE)
    hook = account.hooks.all[1]
    hook["enabled"] = False
    assert checked(connect) == (False, f"the subscription to {HERE} is switched off")
    assert connect().ensure_webhooks(HERE) == dict.fromkeys(EVENTS, "enabled")
    hook["subscribed_events"] = [*EVENTS[1:], "product.created"]
    assert checked(connect) == (False, f"Katana does not send {EVENTS[0]} to {HERE}")
    # when
    did = connect().ensure_webhooks(HERE)
    # then it is as it should be, what else it sent it still sends, and nothing was wiped
    assert did == {**dict.fromkeys(EVENTS, "kept"), EVENTS[0]: "created"}
    assert (hook["enabled"], hook["description"]) == (True, "backroom")
    assert set(hook["subscribed_events"]) == {*EVENTS, "product.created"}
    assert checked(connect)[0]
    assert tokens.tokens is not None
    assert tokens.tokens.access == hook["token"]


def test_those_of_others_are_left_alone_and_doubles_go(connect: Connect, account: KatanaSimulator) -> None:
    # given subscriptions of another app, and two to our address
    other = account.hooks.add({"url": "https://other.example.com", "subscribed_events": ["product.created"]})
    for _ in range(2):
        account.hooks.add({"url": HERE, "subscribed_events": list(EVENTS)})
    # when
    did = connect().ensure_webhooks(HERE)
    # then
    assert did == {**dict.fromkeys(EVENTS, "kept"), "webhook 3": "removed"}
    assert [hook["id"] for hook in account.state()["webhooks"]] == [other["id"], 2]


def test_a_token_that_we_do_not_know_is_found_and_learned(
    connect: Connect, account: KatanaSimulator, told: Told
) -> None:
    # given a subscription that was deleted and made again by hand
    connect().ensure_webhooks(HERE)
    account.hooks.remove("1")
    account.hooks.add({"url": HERE, "subscribed_events": list(EVENTS)})
    assert checked(connect) == (False, "we do not know the token that signs them, so they are refused")
    # when
    connect().ensure_webhooks(HERE)
    # then
    assert checked(connect)[0]
    assert told.well_again == ["webhook-signature:inventory"] * 2


def test_a_token_in_the_environment_is_enough(connect: Connect, account: KatanaSimulator, tokens: MemoryTokens) -> None:
    account.hooks.add({"url": HERE, "subscribed_events": list(EVENTS)}, "0123456789abcdef")
    katana = connect(webhook_token="0123456789abcdef")
    assert katana.ensure_webhooks(HERE) == dict.fromkeys(EVENTS, "kept")
    assert tokens.tokens is None


def test_an_answer_that_got_lost_makes_no_second_subscription(connect: Connect, account: KatanaSimulator) -> None:
    account.faults.append(Fault(kind="drop_after", on="POST /webhooks"))
    with pytest.raises(OutcomeUnknown):
        connect().ensure_webhooks(HERE)
    assert connect().ensure_webhooks(HERE) == dict.fromkeys(EVENTS, "kept")
    assert len(account.state()["webhooks"]) == 1


def test_an_address_that_katana_does_not_like_is_quoted(connect: Connect) -> None:
    with pytest.raises(Rejected, match='/url must match pattern "https://'):
        connect().ensure_webhooks("http://hub.example.com/hooks/inventory")


def test_a_refused_key_is_not_taken_for_no_subscriptions(connect: Connect) -> None:
    with pytest.raises(NotAuthorised):
        connect(api_key="wrong").ensure_webhooks(HERE)
