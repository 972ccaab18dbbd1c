"""Moments: whole seconds inside, ISO 8601 outside."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=50_000)
def stamp(moment: int) -> str:
    """1795425342 -> "2026-11-23T09:15:42Z", as GraphQL writes it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def maybe_stamp(moment: int | None) -> str | None:
    """The same, or null."""
    return None if moment is None else stamp(moment)


@lru_cache(maxsize=50_000)
def local_stamp(moment: int, timezone: str) -> str:
    """The same moment with the shop's offset, as webhook bodies write it."""
    return datetime.fromtimestamp(moment, ZoneInfo(timezone)).isoformat(timespec="seconds")


def seconds(text: str, timezone: str = "UTC") -> int:
    """Seconds since the epoch; a moment without offset is the shop's. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(timezone))
    return int(moment.timestamp())
