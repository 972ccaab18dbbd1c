"""From an alert to a Slack message."""

from __future__ import annotations

import re
from typing import Any

from commerce.ports import Alert

HEADER, PART, FIELD, FIELDS, TEXT = 150, 1_200, 500, 10, 3_000
"""Characters after escaping. Slack allows 150, 3,000, 2,000, 10 fields and 40,000; some 13,200 in all blocks."""

ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
URL = re.compile(r"https?://[^\s|<>]+")


def to_message(alert: Alert) -> dict[str, Any]:
    """The message with blocks, and with the `text` that phones show."""
    # https://docs.slack.dev/reference/block-kit/blocks
    return {**to_plain_message(alert), "blocks": to_blocks(alert)}


def to_plain_message(alert: Alert) -> dict[str, Any]:
    """The same message as text alone, for when Slack refuses the blocks."""
    lines = [f"[{mood(alert)}] {alert.title}", alert.what, "" if alert.over else alert.todo]
    return {"text": escaped("\n".join(line for line in lines if line.strip()), TEXT)}


def to_blocks(alert: Alert) -> list[dict[str, Any]]:
    """Header, what and what to do, facts, and a last small line."""
    facts = list(alert.facts.items())
    title = alert.title.strip() or "Alert"
    header = escaped(f"Recovered: {title}" if alert.over else title, HEADER)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": header}}]
    words = section(alert)
    if words:
        blocks.append({"type": "section", "text": mrkdwn(words)})
    if facts:
        blocks.append({"type": "section", "fields": [mrkdwn(fact(*each)) for each in facts[:FIELDS]]})
    more = f", {len(facts) - FIELDS} more facts" if len(facts) > FIELDS else ""
    why = ": Slack did not say whether it took this before" if alert.again else ""
    last = escaped(f"{mood(alert)}{why}, {alert.fingerprint}{more}", FIELD)
    return [*blocks, {"type": "context", "elements": [mrkdwn(last)]}]


def section(alert: Alert) -> str:
    """What happened and what to do; when it is over there is nothing to do."""
    what = f"*{'What it was' if alert.over else 'Cause'}:* {escaped(alert.what, PART)}" if alert.what.strip() else ""
    todo = f"*Do:* {escaped(alert.todo, PART)}" if alert.todo.strip() and not alert.over else ""
    return "\n".join(part for part in (what, todo) if part)


def fact(name: str, value: str) -> str:
    """One fact under its name. A whole URL becomes a link and is never cut in two."""
    shown = escaped(value, FIELD)
    if URL.fullmatch(value) and shown == escaped(value, len(value) * 6):
        shown = f"<{shown}>"
    return f"*{escaped(name, 100)}*\n{shown or '-'}"


def mood(alert: Alert) -> str:
    """ "critical", "warning" or "recovered", and whether the same was sent before without an answer."""
    return ("recovered" if alert.over else alert.severity) + (", again" if alert.again else "")


def mrkdwn(text: str) -> dict[str, Any]:
    """A text that Slack does not search for names: "@channel" in a vendor's words shall ping nobody."""
    # https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def escaped(text: str, longest: int) -> str:
    """Escaped so that nothing in it is a command, and cut to `longest` characters without tearing an entity."""
    whole = text.encode("utf-8", "replace").decode()  # half a character would stop the whole message
    letters = [ENTITIES.get(letter, letter) for letter in whole]
    if sum(map(width, letters)) <= longest:
        return "".join(letters)
    parts: list[str] = []
    size = 0
    for letter in letters:
        size += width(letter)
        if size > longest - 1:
            break
        parts.append(letter)
    return "".join(parts) + "…"


def width(letter: str) -> int:
    """Characters as they may be counted at most: most emoji are two UTF-16 units."""
    return len(letter.encode("utf-16-le")) // 2
