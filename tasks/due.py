"""When it is time to do again what is done every so often."""

from __future__ import annotations

from datetime import datetime, timedelta


def is_due(last: datetime | None, now: datetime, every: timedelta) -> bool:
    """Whether to do again what was last done then. A last time that is to come was before the clock went back."""
    return last is None or not timedelta(0) <= now - last < every
