"""V1's times: Pacific wall clock without an offset, in both directions.

https://docs.shipstation.com/apis/shipstation-v1/docs/start-here/requirements
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

PACIFIC = ZoneInfo("America/Los_Angeles")

AMBIGUITY = timedelta(hours=1)
"""The autumn hour that happens twice cannot be told apart, so every window is read an hour wider at both ends."""

FRACTION = re.compile(r"(?<=:\d\d)\.(\d{1,6})\d*")
"""Answers carry seven decimals, one more than Python reads."""


def wall(at: datetime) -> str:
    """A moment as V1 wants it: "2026-11-23 08:46:27", Pacific."""
    return f"{at.astimezone(PACIFIC):%Y-%m-%d %H:%M:%S}"


def moment(text: str) -> datetime:
    """The moment (aware, UTC) that V1 means by "2026-11-23T08:46:27.0000000", or by a date alone: its midnight.

    Of the two moments that an autumn hour can mean it is the earlier one; a time that spring leaves out is read as if
    the clocks had not been put forward yet. Raises ValueError.
    """
    said = datetime.fromisoformat(FRACTION.sub(r".\1", text.strip()).replace("Z", "+00:00"))
    return (said if said.tzinfo else said.replace(tzinfo=PACIFIC, fold=0)).astimezone(UTC)


def _read(value: Any) -> Any:
    if isinstance(value, str):
        return moment(value) if value.strip() else None
    if value is None or isinstance(value, datetime):
        return value
    raise ValueError("is no time")


Time = Annotated[datetime, BeforeValidator(_read)]
"""A field that V1 fills with a Pacific time."""


def same_time(one: Any, other: Any) -> bool:
    """Whether two texts mean the same second, however they are written."""
    try:
        return moment(str(one)).replace(microsecond=0) == moment(str(other)).replace(microsecond=0)
    except ValueError:
        return False
