"""A vendor's own clock, as its answers tell it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol

import httpx

LONGEST_AGE = timedelta(days=1)
"""A copy that was kept for longer than this says nothing about now."""


def answered_at(response: httpx.Response) -> datetime | None:
    """When the vendor gave this answer, by its own clock (aware, UTC, whole seconds); None when it does not say.

    `Date` is the origin's; what a cache adds on the way is in `Age`. Several dates are none.
    """
    # https://www.rfc-editor.org/rfc/rfc9110#name-date, https://www.rfc-editor.org/rfc/rfc9111#name-age
    dates, ages = response.headers.get_list("date"), response.headers.get_list("age")
    if len(dates) != 1 or len(ages) > 1:
        return None
    try:
        at = parsedate_to_datetime(dates[0])
        age = timedelta(seconds=int(ages[0]) if ages else 0)
    except (ValueError, TypeError, OverflowError):
        return None
    if not timedelta(0) <= age <= LONGEST_AGE:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC) + age


class Timekeeper(Protocol):
    """Who compares our clock with a vendor's."""

    def heard(self, at: datetime, seconds: float) -> None:
        """An answer that took so many seconds was given at this moment, by the vendor's clock. Never raises."""
        ...


class Timeless:
    """A timekeeper that compares nothing."""

    def heard(self, at: datetime, seconds: float) -> None:
        """Nobody wants to know."""
