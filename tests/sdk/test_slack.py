"""Slack's own SDK finds in the simulator what it expects of an incoming webhook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integrations.slack.mapping import to_message
from integrations.slack.simulator import HOOK, SlackSimulator
from tests.integrations.slack.conftest import an_alert
from tests.sdk.serving import served

webhook = pytest.importorskip("slack_sdk.webhook", reason="make sdk installs the vendors' own SDKs")
blocks = pytest.importorskip("slack_sdk.models.blocks", reason="make sdk installs the vendors' own SDKs")


@pytest.fixture
def channel() -> SlackSimulator:
    return SlackSimulator(base_url="http://127.0.0.1")


@pytest.fixture
def address(channel: SlackSimulator) -> Iterator[str]:
    with served(channel) as found:
        yield found


@pytest.fixture
def sdk(address: str) -> Any:
    return webhook.WebhookClient(address + HOOK)


def said(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.body


def test_a_message_made_of_the_sdks_own_blocks_is_taken(channel: SlackSimulator, sdk: Any) -> None:
    button = blocks.ButtonElement(text="Open", url="https://hub.example", action_id="open")
    made = [
        blocks.HeaderBlock(text="QuickBooks: 14 invoices not written"),
        blocks.SectionBlock(text=blocks.MarkdownTextObject(text="*Cause:* access was revoked"), block_id="cause"),
        blocks.DividerBlock(),
        blocks.ContextBlock(elements=[blocks.MarkdownTextObject(text="orders-to-accounting")]),
        blocks.ActionsBlock(elements=[button]),
    ]
    assert said(sdk.send(text="14 invoices not written", blocks=made)) == (200, "ok")
    assert len(channel.state()["messages"][0]["blocks"]) == 5


def test_our_own_message_is_one_that_the_sdk_can_send(sdk: Any) -> None:
    # the SDK parses blocks into its models and validates them before it sends
    message = to_message(an_alert(title="x" * 400, what="<!channel>" * 400))
    parsed = blocks.Block.parse_all(message["blocks"])
    for block in parsed:
        block.validate_json()
    assert said(sdk.send(text=message["text"], blocks=parsed)) == (200, "ok")


@pytest.mark.parametrize(
    ("broken", "answer"),
    [
        ("invalid_payload", (400, "invalid_payload")),
        ("action_prohibited", (403, "action_prohibited")),
        ("channel_not_found", (404, "channel_not_found")),
        ("channel_is_archived", (410, "channel_is_archived")),
        ("rollup_error", (500, "rollup_error")),
    ],
)
def test_refusals_are_a_status_and_a_word(
    channel: SlackSimulator, sdk: Any, broken: str, answer: tuple[int, str]
) -> None:
    channel.do_break(broken)
    assert said(sdk.send(text="hello")) == answer


def test_no_text_and_too_fast(channel: SlackSimulator, sdk: Any) -> None:
    assert said(sdk.send(text="")) == (400, "no_text")
    answers = [sdk.send(text="hello") for _ in range(6)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].body == "rate_limited"


def test_a_wrong_address(address: str) -> None:
    assert said(webhook.WebhookClient(f"{address}/services/T000/B000/other").send(text="x")) == (403, "invalid_token")
