"""The base of every value: frozen, closed, and comparable by content."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value: it never changes, and it refuses fields that it does not know."""

    # Errors end up in logs, and inputs are personal.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def to_utc(moment: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError for a time without a zone, which names no instant."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(to_utc)]
"""An aware time, kept in UTC."""


def fingerprint(*parts: str) -> str:
    """A short digest of `parts`: 24 hex digits of SHA-256, parts kept apart."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]
