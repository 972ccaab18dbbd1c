"""Reads are metered by the month: how many are allowed, how many are used, and when somebody has to know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx

from commerce.ports import Alert, Finding
from integrations.connector import Services
from integrations.quickbooks.settings import QuickBooksSettings

# https://blogs.intuit.com/2026/01/08/understanding-builder-tier-api-limits-for-you-and-your-customers
BUILDER = 500_000
"""Reads a month for all companies of an app together; beyond it Intuit answers 429 until the next month."""
NEARLY = 0.8
QUERIES_IN_LISTS = 6
"""Whether a call with several queries counts once is not told, so it counts as often as it may."""

NEAR_ITS_END = timedelta(days=60)
"""How long before our access ends for good the merchant is told: renewing does not move its five years."""
VERY_NEAR = timedelta(days=14)
"""From here on the hub's own watch tells it."""


def allowed(settings: QuickBooksSettings) -> int | None:
    """Reads a month; None when nobody counts (sandbox companies) or the number is not known."""
    if httpx.URL(settings.base_url).host.startswith("sandbox-"):
        return None
    return settings.monthly_reads or (BUILDER if settings.tier == "builder" else None)


def used(services: Services) -> int:
    """Reads of this connection since the first of the month (UTC), refused ones too."""
    if services.calls is None:
        return 0
    now = datetime.fromtimestamp(services.clock(), UTC)
    counted = services.calls.counted(now.replace(day=1, hour=0, minute=0, second=0, microsecond=0))
    return sum(count * _reads(operation) for operation, count in counted.items())


def _reads(operation: str) -> int:
    if operation == "lists":
        return QUERIES_IN_LISTS
    return 1 if operation in ("query", "cdc") or operation.startswith("read ") else 0


def finding(settings: QuickBooksSettings, services: Services) -> Finding:
    """One line of `backroom check`."""
    limit, count = allowed(settings), used(services)
    if limit is None:
        words = f"{count} this month; no allowance is known for tier {settings.tier} or a sandbox company"
        return Finding(subject="reads", ok=True, message=words)
    well = count < NEARLY * limit
    return Finding(
        subject="reads",
        ok=well,
        message=f"{count} of {limit} this month",
        hint="" if well else WHAT_TO_DO,
    )


WHAT_TO_DO = (
    "set look_before_posting = false until the month is over, or take a larger tier and set tier and monthly_reads; "
    "writes are not counted"
)


def concerns(settings: QuickBooksSettings, services: Services) -> Iterator[Alert]:
    """Reads nearly or wholly used up, and access that ends soon. Asks QuickBooks nothing."""
    limit, count = allowed(settings), used(services)
    if limit is not None and count >= NEARLY * limit:
        over = count >= limit
        yield Alert(
            fingerprint=f"concern:{settings.name}:reads{':over' if over else ''}",
            severity="critical" if over else "warning",
            title=f"{settings.name}: reads of this month are {'used up' if over else 'nearly used up'}",
            what=f"{count} of {limit} reads of QuickBooks are used; "
            + (
                "Intuit refuses more until the first"
                if over
                else "beyond them Intuit refuses every read until the first"
            ),
            todo=WHAT_TO_DO,
            facts={"used": str(count), "allowed": str(limit)},
        )
    tokens = services.tokens.load()
    ends = tokens.refresh_expires_at if tokens else None
    left = ends - datetime.fromtimestamp(services.clock(), UTC) if ends else None
    if ends and left and VERY_NEAR <= left < NEAR_ITS_END:
        yield Alert(
            fingerprint=f"concern:{settings.name}:access",
            severity="warning",
            title=f"{settings.name}: access ends {ends:%Y-%m-%d}",
            what=f"QuickBooks lets us in until {ends:%Y-%m-%d}, and renewing does not move that day any more",
            todo=f"grant access anew before then: backroom connect {settings.name}",
        )
