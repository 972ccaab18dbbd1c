"""Klaviyo's filters: `equals(email,"pat@example.com"),greater-than(created,2026-11-01T00:00:00Z)`; a comma is "and"."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from integrations.klaviyo.simulator.answers import Refusal

# https://developers.klaviyo.com/en/docs/filtering_
OPERATORS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "events": {
        "metric_id": ("equals",),
        "profile_id": ("equals",),
        "datetime": ("greater-or-equal", "greater-than", "less-or-equal", "less-than"),
        "timestamp": ("greater-or-equal", "greater-than", "less-or-equal", "less-than"),
    },
    "profiles": {
        **dict.fromkeys(("id", "email", "phone_number", "external_id"), ("any", "equals")),
        "created": ("greater-than", "less-than"),
        "updated": ("greater-than", "less-than"),
    },
    "metrics": {"integration.name": ("equals",), "integration.category": ("equals",)},
}
"""Operators by collection and field: those of the OpenAPI file that are known here."""

STRING = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
CALL = re.compile(rf"([a-z-]+)\(([\w.]+),\s*(\[(?:\s*(?:{STRING})\s*,?)*\]|{STRING}|[^\s\"'(),\[\]]+)\)")
STRINGS = re.compile(STRING)

Row = Any
Read = Callable[[Row, str], Any]
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": lambda found, wanted: bool(found == wanted),
    "any": lambda found, wanted: found in wanted,
    "greater-than": lambda found, wanted: bool(found > wanted),
    "greater-or-equal": lambda found, wanted: bool(found >= wanted),
    "less-than": lambda found, wanted: bool(found < wanted),
    "less-or-equal": lambda found, wanted: bool(found <= wanted),
}


def chosen(rows: Sequence[Row], wanted: str, collection: str, read: Read) -> list[Row]:
    """Rows that pass every part of the filter. Raises Refusal for one that Klaviyo does not understand."""
    left = list(rows)
    for operator, field, value in calls(wanted):
        if operator not in OPERATORS[collection].get(field, ()):
            raise _refused(f"'{operator}' is not a valid filter operator for '{field}'.")
        right = parsed(value, field)
        if isinstance(right, list) != (operator == "any"):
            raise _refused(f"Invalid value for '{operator}'.")
        left = [row for row in left if COMPARE[operator](read(row, field), right)]
    return left


def calls(wanted: str) -> list[tuple[str, str, str]]:
    """The filter's parts as operator, field and raw value."""
    found, at = [], 0
    while at < len(wanted):
        part = CALL.match(wanted, at)
        if part is None:
            raise _refused("Invalid filter.")
        found.append((part[1], part[2], part[3]))
        at = part.end()
        if at < len(wanted):
            if wanted[at] != "," or at + 1 == len(wanted):
                raise _refused("Invalid filter.")
            at += 1
    return found


def parsed(value: str, field: str) -> Any:
    """A value as the field is compared: text, a list of texts, or seconds since the epoch."""
    if value.startswith("["):
        return [_text(one) for one in STRINGS.findall(value)]
    text = _text(value) if value[0] in "\"'" else value
    if field == "timestamp":
        return _number(text)
    if field in ("datetime", "created", "updated"):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise _refused(f"'{field}' must be compared with a date-time.") from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if text is value:
        raise _refused(f"'{field}' must be compared with a quoted string.")
    return text


def _text(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1:-1])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _refused("'timestamp' must be compared with a number.") from None


def _refused(detail: str) -> Refusal:
    return Refusal(400, "invalid", "Invalid input.", detail, parameter="filter")
