"""What people read."""

from __future__ import annotations

import pytest

from integrations.slack.mapping import escaped, fact, to_message
from integrations.slack.simulator.blocks import refuse_bad_blocks
from tests.integrations.slack.conftest import an_alert


def mrkdwn(text: str) -> dict[str, object]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def test_an_alert_says_what_why_and_what_to_do() -> None:
    assert to_message(an_alert()) == {
        "text": "[critical] QuickBooks: 14 invoices not written\naccess was revoked\nreconnect QuickBooks",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "QuickBooks: 14 invoices not written"}},
            {"type": "section", "text": mrkdwn("*Cause:* access was revoked\n*Do:* reconnect QuickBooks")},
            {"type": "section", "fields": [mrkdwn("*connection*\nbooks"), mrkdwn("*since*\n09:10 UTC")]},
            {"type": "context", "elements": [mrkdwn("critical, paused:books")]},
        ],
    }


def test_good_news_asks_for_nothing() -> None:
    assert to_message(an_alert(over=True, facts={}, severity="warning")) == {
        "text": "[recovered] QuickBooks: 14 invoices not written\naccess was revoked",
        "blocks": [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": "Recovered: QuickBooks: 14 invoices not written"},
            },
            {"type": "section", "text": mrkdwn("*What it was:* access was revoked")},
            {"type": "context", "elements": [mrkdwn("recovered, paused:books")]},
        ],
    }


@pytest.mark.parametrize(
    ("text", "longest", "shown"),
    [
        ("a & b", 20, "a &amp; b"),
        ("<!channel>", 20, "&lt;!channel&gt;"),
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abc&d", 6, "abc…"),
        ("ab&def", 8, "ab&amp;…"),
        ("🫖🫖🫖", 6, "🫖🫖🫖"),
        ("🫖🫖🫖🫖", 6, "🫖🫖…"),
        ("half \ud800", 20, "half ?"),
    ],
)
def test_text_is_cut_after_escaping_and_never_within_an_entity(text, longest, shown) -> None:
    assert escaped(text, longest) == shown
    assert len(shown) <= longest


def test_a_whole_url_becomes_a_link_and_a_cut_one_does_not() -> None:
    assert fact("run", "https://hub.example/runs/7?a=1&b=2") == "*run*\n<https://hub.example/runs/7?a=1&amp;b=2>"
    assert fact("run", "https://hub.example/" + "x" * 600).startswith("*run*\nhttps://")
    assert fact("note", "see https://hub.example") == "*note*\nsee https://hub.example"
    assert fact("empty", "") == "*empty*\n-"


@pytest.mark.parametrize("text", ["<&>" * 3_000, "🫖" * 9_000, "\ud800" * 9_000, "\n" * 9_000])
def test_the_longest_alert_is_one_that_slack_takes(text) -> None:
    message = to_message(an_alert(title=text, what=text, todo=text, facts={f"{n}{text}": text for n in range(12)}))
    refuse_bad_blocks(message["blocks"])
    assert len(message["text"]) <= 3_000
    assert "2 more facts" in message["blocks"][-1]["elements"][0]["text"]


def test_the_shortest_alert_is_one_that_slack_takes() -> None:
    message = to_message(an_alert(title="", what=" ", todo="", facts={}))
    refuse_bad_blocks(message["blocks"])
    assert message["text"]
