"""An alert arrives, or the hub knows why not; the address never shows."""

from __future__ import annotations

import logging
import traceback

import httpx
import pytest
from pydantic import ValidationError

from commerce.errors import (
    HubError,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    TemporarilyUnavailable,
    UnexpectedAnswer,
)
from integrations.connector import Services
from integrations.simulator import Fault
from integrations.slack.client import Slack
from integrations.slack.settings import SlackSettings
from integrations.slack.simulator import HOOK as DEFAULT_HOOK
from integrations.slack.simulator import SlackSimulator, build
from tests.integrations.slack.conftest import BASE, HOOK, SECRET, an_alert


def test_an_alert_arrives(channel, slack, calls) -> None:
    slack.tell(an_alert())
    (message,) = channel.state()["messages"]
    assert message["text"].startswith("[critical] QuickBooks")
    assert [block["type"] for block in message["blocks"]] == ["header", "section", "section", "context"]
    assert calls.names == [("tell", 200)]


def test_a_vendors_words_cannot_ping_the_channel(channel, slack) -> None:
    text = "<!channel> <@U024BE7LH> @here"
    slack.tell(an_alert(title=text, what=text, todo=text, facts={text: text}))
    assert channel.state()["pings"] == 0
    assert all(part.get("verbatim") for block in channel.messages[0]["blocks"] for part in block.get("fields", []))


def test_alerts_go_out_at_slacks_pace(channel, slack, clock) -> None:
    for number in range(8):
        slack.tell(an_alert(title=f"problem {number}"))
    assert [call.status for call in channel.calls] == [200] * 8
    assert 6.5 < sum(clock.slept) < 9


def test_too_fast_waits_as_long_as_slack_asks(connect, channel, clock) -> None:
    slack = connect(pace=False)
    for number in range(6):
        slack.tell(an_alert(title=f"problem {number}"))
    assert clock.slept == [1.0]
    assert len(channel.messages) == 6


def test_a_long_wait_is_handed_back(channel, slack) -> None:
    channel.faults = [Fault(status=429, headers={"retry-after": "30"}, body="rate_limited")]
    with pytest.raises(RateLimited) as told:
        slack.tell(an_alert())
    assert told.value.retry_after == 30


@pytest.mark.parametrize("limited_as", ["text", "json"])
def test_a_throttle_is_understood_however_it_is_said(connect, channel, clock, limited_as) -> None:
    channel.limited_as = limited_as
    slack = connect(pace=False)
    for number in range(7):
        slack.tell(an_alert(title=f"problem {number}"))
    assert len(channel.messages) == 7
    assert clock.slept == [1.0, 1.0]


@pytest.mark.parametrize("word", ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"])
def test_blocks_that_slack_refuses_are_sent_as_text(channel, slack, word) -> None:
    channel.do_break(word)
    slack.tell(an_alert())
    (message,) = channel.state()["messages"]
    assert "blocks" not in message
    assert "reconnect QuickBooks" in message["text"]


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("invalid_payload", Rejected),
        ("no_text", Rejected),
        ("too_many_attachments", Rejected),
        ("user_not_found", Rejected),
        ("action_prohibited", NotAuthorised),
        ("posting_to_general_channel_denied", NotAuthorised),
        ("team_disabled", NotAuthorised),
        ("no_service_id", NotAuthorised),
        ("invalid_token", NotAuthorised),
        ("channel_not_found", NotAuthorised),
        ("no_service", NotAuthorised),
        ("no_team", NotAuthorised),
        ("channel_is_archived", NotAuthorised),
        ("rollup_error", OutcomeUnknown),
    ],
)
def test_each_refusal_says_what_to_do_next(channel, slack, word, error) -> None:
    channel.do_break(word)
    with pytest.raises(error, match=word) as told:
        slack.tell(an_alert())
    assert type(told.value) is error
    assert (error is NotAuthorised) == ("new webhook" in told.value.hint)
    assert channel.messages == []


@pytest.mark.parametrize("status", [400, 403, 404, 410, 500])
@pytest.mark.parametrize("word", ["no_service", "invalid_token", "channel_is_archived", "team_disabled"])
def test_the_word_decides_whatever_its_status(channel, slack, word, status) -> None:
    channel.do_break(word, status)
    with pytest.raises(NotAuthorised, match=word):
        slack.tell(an_alert())
    assert len(channel.calls) == 1


def test_an_administrators_rule_is_told_as_one(channel, slack) -> None:
    channel.do_break("posting_to_general_channel_denied", 400)
    with pytest.raises(NotAuthorised, match="forbids posting here") as told:
        slack.tell(an_alert())
    assert "ask an administrator" in told.value.hint


@pytest.mark.parametrize(
    ("removed_as", "error"), [("word", NotAuthorised), ("redirect", UnexpectedAnswer), ("page", UnexpectedAnswer)]
)
def test_a_removed_webhook_is_noticed_however_it_shows(channel, slack, removed_as, error) -> None:
    channel.removed_as = removed_as
    channel.do_remove_webhook()
    with pytest.raises(error) as told:
        slack.tell(an_alert())
    assert "new webhook" in told.value.hint
    assert (len(channel.calls), channel.messages) == (1, [])


def test_after_mending_alerts_arrive(channel, slack) -> None:
    channel.do_archive_channel()
    with pytest.raises(NotAuthorised, match="webhook removed"):
        slack.tell(an_alert())
    channel.do_mend()
    slack.tell(an_alert())
    assert len(channel.messages) == 1


@pytest.mark.parametrize(
    "fault",
    [Fault(status=200, body="<html>gone</html>"), Fault(status=302, headers={"location": "https://slack.com"})],
)
def test_a_page_instead_of_ok_is_no_success(channel, slack, fault) -> None:
    channel.faults = [fault]
    with pytest.raises(UnexpectedAnswer, match="instead of 200 ok"):
        slack.tell(an_alert())


@pytest.mark.parametrize("kind", ["after", "drop_after", "timeout_after"])
def test_a_message_whose_answer_is_lost_is_posted_once_and_said_to_be_in_doubt(channel, slack, kind) -> None:
    channel.faults = [Fault(kind=kind, times=10)]
    with pytest.raises(OutcomeUnknown):
        slack.tell(an_alert())
    assert len(channel.messages) == 1


def test_a_message_that_is_sent_again_says_so(channel, slack) -> None:
    slack.tell(an_alert(again=True))
    (message,) = channel.messages
    assert message["text"].startswith("[critical, again] QuickBooks")
    assert "did not say whether it took this before" in message["blocks"][-1]["elements"][0]["text"]


FAULTS = [
    Fault(kind="drop", times=9),
    Fault(kind="timeout_after", times=9),
    Fault(status=500, body=f"trouble with {HOOK}", times=9),
    Fault(status=429, headers={"retry-after": "60"}, body=f"rate limited: {HOOK}"),
    Fault(status=404, body=f"no webhook at {HOOK}"),
    Fault(status=400, body=f"bad {HOOK}"),
    Fault(status=302, headers={"location": BASE + HOOK}, body=f"moved to {HOOK}"),
    Fault(status=200, body=f"hello {HOOK}"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind} {fault.status}")
def test_the_address_never_shows(channel, slack, calls, caplog, fault) -> None:
    # given logs at their most talkative, and Slack that answers badly
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="httpx")
    channel.faults = [Fault(**{**vars(fault)})]
    # when an alert fails
    with pytest.raises(HubError) as told:
        slack.tell(an_alert())
    # then neither the error, its traceback, the logs nor the counters know the address
    shown = [*traceback.format_exception(told.value), told.value.hint, repr(told.value), caplog.text, repr(calls.names)]
    assert "HTTP Request" in caplog.text or fault.kind != "before"
    assert SECRET not in "".join(shown)


def test_a_server_that_is_not_there_does_not_show_the_address_either(clock, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="httpx")
    settings = SlackSettings.model_validate({"name": "alerts", "webhook_url": f"http://127.0.0.1:9{HOOK}"})
    slack = Slack(settings, Services(sleep=clock.sleep, clock=clock))
    with pytest.raises(TemporarilyUnavailable) as told:
        slack.tell(an_alert())
    assert SECRET not in "".join(traceback.format_exception(told.value)) + caplog.text


def test_a_simulator_elsewhere_is_reached_by_its_base_url(clock) -> None:
    # given a simulator under a path, as the demo serves it
    channel = build(base_url="http://127.0.0.1:9000/alerts", clock=clock)
    for given in (
        {"webhook_url": f"http://127.0.0.1:9000/alerts{DEFAULT_HOOK}"},
        {"webhook_url": f"https://hooks.slack.com{DEFAULT_HOOK}", "base_url": "http://127.0.0.1:9000/alerts"},
    ):
        settings = SlackSettings.model_validate({"name": "alerts", **given})
        Slack(settings, Services(transport=channel.transport(), sleep=clock.sleep, clock=clock)).tell(an_alert())
    assert len(channel.state()["messages"]) == 2


def test_the_check_looks_at_the_shape_and_posts_nothing(channel, slack, connect) -> None:
    (good,) = slack.check()
    assert good.ok
    assert "first alert" in good.message
    (odd,) = connect(webhook_url=f"https://example.com/hooks/{SECRET}").check()
    assert not odd.ok
    assert "new webhook" in odd.hint
    assert SECRET not in repr([good, odd])
    assert not channel.calls


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"http://hooks.slack.com{HOOK}", "must start with https"),
        (SECRET, "is no webhook"),
        (f"https://hooks.slack.com/{SECRET}", "is no webhook"),
        (f"https://hooks.slack.com{HOOK}?x=1", "is no webhook"),
    ],
)
def test_a_wrong_address_is_refused_without_being_shown(url, words) -> None:
    with pytest.raises(ValidationError, match=words) as wrong:
        SlackSettings.model_validate({"name": "alerts", "webhook_url": url})
    assert SECRET not in str(wrong.value)


def test_the_settings_do_not_show_the_address(slack) -> None:
    assert SECRET not in repr(slack.settings) + str(slack.settings)
    assert slack.settings.base_url == BASE


HEADER = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": "https://hub.example"}
LONG = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_000}}
WRONG = "invalid_blocks"
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"text": " "}, 400, "no_text"),
        ({}, 400, "no_text"),
        ([], 400, "invalid_payload"),
        ({"text": 1}, 400, "invalid_payload"),
        ({"text": "x", "blocks": {}}, 400, "invalid_blocks_format"),
        ({"text": "x", "blocks": [SECTION] * 51}, 400, "invalid_blocks"),
        ({"text": "x", "blocks": [HEADER]}, 400, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}]}, 400, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "section", "fields": [SECTION["text"]] * 11}]}, 400, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "table"}]}, 400, "invalid_blocks"),
        ({"text": "x", "blocks": [{**SECTION, "colour": "red"}]}, 400, "invalid_blocks"),
        ({"text": "x", "blocks": [{**SECTION, "block_id": "a"}] * 2}, 400, "invalid_blocks"),
        ({"text": "x", "blocks": [{**SECTION, "block_id": "a" * 256}]}, 400, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "markdown", "text": "a" * 7_000}] * 2}, 400, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "actions", "elements": [BUTTON] * 26}]}, 400, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "actions", "elements": [{**BUTTON, "value": "a" * 2_001}]}]}, 400, WRONG),
        ({"text": "x", "blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]}, 400, WRONG),
        ({"text": "x", "blocks": [LONG] * 5}, 400, "msg_blocks_too_long"),
        ({"text": "x", "attachments": [{"text": "y"}] * 101}, 400, "too_many_attachments"),
        ({"text": "x", "attachments": {}}, 400, "invalid_payload"),
        ({"text": "x", "blocks": [LONG] * 4}, 200, "ok"),
        ({"text": "x", "blocks": [{"type": "actions", "elements": [BUTTON]}]}, 200, "ok"),
        ({"text": "x", "attachments": [{"text": "y"}], "channel": "#other", "username": "me"}, 200, "ok"),
        ({"blocks": [SECTION]}, 200, "ok"),
    ],
)
def test_the_simulator_is_as_strict_as_slack(clock, body, status, word) -> None:
    channel = SlackSimulator(base_url=BASE, clock=clock)
    with httpx.Client(transport=channel.transport()) as client:
        answer = client.post(channel.webhook_url, json=body)
    assert (answer.status_code, answer.text) == (status, word)


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/services/T000/B000/other", 403, "invalid_token"),
        ("/services/T000/B111/XXXX", 404, "no_service"),
        ("/services/T111/B000/XXXX", 404, "no_team"),
        ("/hooks", 404, "no_team"),
    ],
)
def test_a_wrong_address_says_which_part_is_wrong(clock, path, status, word) -> None:
    channel = SlackSimulator(base_url=BASE, clock=clock)
    with httpx.Client(transport=channel.transport()) as client:
        answer = client.post(BASE + path, json={"text": "x"})
    assert (answer.status_code, answer.text) == (status, word)
