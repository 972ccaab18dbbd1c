"""Tables for people, JSON for machines."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from commerce.ports import Finding
from deployments.health import Health, alert_lines

SHOWN = 20
"""Rows of a long list that a summary shows."""

console = Console()
complaints = Console(stderr=True)

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that steer a terminal or turn the direction of reading, and halves of characters."""


def plain(value: Any) -> str:
    """The value as text that can only be read: a shopper's name must not clear the screen or turn the line around."""
    return STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), written(value))


def written(value: Any) -> str:
    """As people write it: times in UTC to the second, nothing for None."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)


def failure(message: str, hint: str = "") -> None:
    """Say what went wrong and what to do."""
    complaints.print(plain(message), style="red", markup=False, highlight=False, emoji=False, soft_wrap=True)
    if hint:
        complaints.print(f"  {plain(hint)}", markup=False, highlight=False, emoji=False, soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table on the terminal. Values are shown as they are: no markup of theirs is obeyed."""
    from rich.text import Text

    shown = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(plain(value)) for value in row))
    console.print(shown)


def dump(value: Any) -> None:
    """JSON on standard output, in ASCII: a terminal obeys some of the characters beyond it."""

    def as_json(one: Any) -> Any:
        if isinstance(one, BaseModel):
            return one.model_dump(mode="json")
        if hasattr(one, "__dataclass_fields__"):
            return {name: getattr(one, name) for name in one.__dataclass_fields__}
        return str(one)

    json.dump(value, sys.stdout, default=as_json, indent=2)
    sys.stdout.write("\n")


def findings(found: Sequence[Finding], *, as_json: bool) -> None:
    """What `check` found."""
    if as_json:
        dump(list(found))
        return
    table("check", ["", "what", "found", "what to do"], [_finding(one) for one in found])


def _finding(one: Finding) -> tuple[str, str, str, str]:
    return ("ok" if one.ok else "FIX", one.subject, one.message, one.hint)


def status(rows: Sequence[Any], health: Health, *, as_json: bool) -> None:
    """Destinations and routes."""
    if as_json:
        dump({"destinations": list(rows), "health": health})
        return
    words = ("waiting", "retry", "unknown", "held", "done", "skipped")
    table(
        "destinations", ["destination", *words], [[row.destination, *(getattr(row, w) for w in words)] for row in rows]
    )
    table(
        "routes",
        ["route", "last finished well", ""],
        [(one.route, one.last_ok or "never", "late" if one.late else "fresh") for one in health.routes],
    )
    if health.open_alerts:
        table("open alerts", ["what"], [(line,) for line in alert_lines(health)])
    console.print(f"{health.webhooks_waiting} webhooks waiting; paused: {', '.join(health.paused) or 'none'}")


def held(records: Sequence[Any], *, as_json: bool, whole: bool = False) -> None:
    """Records that wait for a person."""
    if as_json:
        dump(list(records))
        return
    if not records:
        console.print("nothing is held")
        return
    columns = ["id", "destination", "record", "cause", "why", "what to do"]
    rows: list[tuple[Any, ...]] = [
        (one.id, one.destination, one.label or one.subject, one.cause, one.reason, one.hint) for one in records
    ]
    if whole:
        columns += ["since", "tries", "subject"]
        rows = [(*row, one.since, one.attempts, one.subject) for row, one in zip(rows, records, strict=True)]
    table(f"{len(records)} held", columns, rows)


def trace(found: Any, *, as_json: bool) -> None:
    """The life of one order."""
    if as_json:
        dump(found)
        return
    table("events", ["recorded", "kind", "about", "happened"], [_event(one) for one in found.events])
    deliveries = [(one.destination, one.kind, one.state, one.attempts, one.reason) for one in found.deliveries]
    table("deliveries", ["destination", "of", "state", "tries", "why"], deliveries)
    table(
        "history",
        ["at", "destination", "outcome", "vendor id", "why"],
        [(one.at, one.destination, one.outcome, one.vendor_id, one.reason) for one in found.history],
    )
    ids = [(name, one.vendor_id, one.url) for name, one in found.bindings.items()]
    table("known there as", ["destination", "id", "link"], ids)


def _event(one: Any) -> tuple[Any, ...]:
    return (one.recorded_at, one.kind, one.part or one.subject, one.occurred_at)


def verdict(found: Any, *, as_json: bool) -> None:
    """What landed where, read from the vendors."""
    if as_json:
        dump(
            {
                **{name: getattr(found, name) for name in ("places", "stock", "held", "rows", "wrong")},
                "well": found.well,
            }
        )
        return
    table(
        "what landed where, read from the vendors", list(found.places[0]), [list(row.values()) for row in found.places]
    )
    if found.rows:
        table("rows of the order file", ["what became of them", "rows"], sorted(found.rows.items()))
    if found.held:
        rows = [list(row.values()) for row in found.held[:SHOWN]]
        more = f" (the first {SHOWN} of {len(found.held)}; see: backroom held list)" if len(found.held) > SHOWN else ""
        table(f"held for a person{more}", ["destination", "record", "why"], rows)
    for line in found.wrong[:SHOWN]:
        failure(line)
    if found.well:
        console.print("[bold green]Everything arrived that should have.[/]")
    else:
        failure(f"{len(found.wrong)} things are not as they should be")
