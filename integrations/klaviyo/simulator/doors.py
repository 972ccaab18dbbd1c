"""What Klaviyo looks at before the body: key, version, content type and rate limits."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Literal

import httpx

from integrations.klaviyo.simulator.answers import JSON_API, Refusal
from integrations.klaviyo.simulator.endpoints import Endpoint
from integrations.simulator import Clock, FixedWindow

REVISIONS = (
    "2024-10-15",
    "2025-01-15",
    "2025-04-15",
    "2025-07-15",
    "2025-10-15",
    "2026-01-15",
    "2026-04-15",
    "2026-07-15",
    "2026-10-15",
)
LIFE = 730
"""Days until a revision is retired."""


def refuse_bad_key(request: httpx.Request, api_key: str, status: int) -> None:
    """The scheme is literally "Klaviyo-API-Key"; a Bearer token is something else."""
    given = request.headers.get("authorization", "")
    if not given:
        code, detail = "not_authenticated", "Missing or invalid authorization scheme or private key."
        raise Refusal(status, code, "Authentication credentials were not provided.", detail)
    scheme, _, key = given.partition(" ")
    if scheme != "Klaviyo-API-Key" or not api_key or key != api_key:
        detail = "Missing or invalid private key."
        raise Refusal(status, "authentication_failed", "Incorrect authentication credentials.", detail)


def refuse_bad_headers(request: httpx.Request, retired: set[str], now: float) -> None:
    """A revision is required; a retired or unknown one is refused with the opt-out header and served without."""
    revision = request.headers.get("revision", "")
    if not revision:
        raise Refusal(400, "invalid", "Invalid request.", "The revision header is required.")
    if not _served(revision, retired, now) and request.headers.get("x-klaviyo-revision-fall-forward-opt-out") == "1":
        raise Refusal(410, "gone", "Revision retired.", f"The revision {revision} is not available any more.")
    if request.method == "POST" and request.headers.get("content-type", "").split(";")[0].strip() != JSON_API:
        detail = f"Content-Type must be {JSON_API}."
        raise Refusal(415, "unsupported_media_type", "Unsupported media type.", detail)


def refuse_missing_scope(needed: tuple[str, ...], granted: set[str] | None) -> None:
    """A key may do what its scopes say; None grants everything."""
    missing = [] if granted is None else [scope for scope in needed if scope not in granted]
    if missing:
        title = "You do not have permission to perform this action."
        raise Refusal(403, "permission_denied", title, f"Missing one of the required scopes: {', '.join(missing)}")


def _served(revision: str, retired: set[str], now: float) -> bool:
    if revision not in REVISIONS or revision in retired:
        return False
    return (datetime.fromtimestamp(now, UTC).date() - date.fromisoformat(revision)).days < LIFE


class Limits:
    """Two fixed windows for each endpoint, or for all of a tier: a second and a minute."""

    def __init__(self, clock: Clock, *, by: Literal["endpoint", "tier"], told_wait: bool) -> None:
        self._clock = clock
        self._by = by
        self._told_wait = told_wait
        self._windows: dict[str, tuple[FixedWindow, FixedWindow]] = {}

    def take(self, asked: Endpoint) -> dict[str, str]:
        """Count one call. Returns the headers of any answer but 429, which describe the minute; raises Refusal."""
        burst, steady = asked.limits
        counted = asked.name if self._by == "endpoint" else f"{burst}/s"
        fresh = FixedWindow(burst, 1.0, self._clock), FixedWindow(steady, 60.0, self._clock)
        second, minute = self._windows.setdefault(counted, fresh)
        for window in (minute, second):
            if window.remaining <= 0:
                raise self._throttled(window.reset)
        second.take()
        minute.take()
        return {
            "RateLimit-Limit": str(steady),
            "RateLimit-Remaining": str(minute.remaining),
            "RateLimit-Reset": str(math.ceil(minute.reset)),
        }

    def _throttled(self, reset: float) -> Refusal:
        wait = max(1, math.ceil(reset))
        detail = f"Request was throttled. Expected available in {wait} second{'s' if wait > 1 else ''}."
        headers = {"Retry-After": str(wait)} if self._told_wait else {}
        return Refusal(429, "throttled", "Request was throttled.", detail, headers=headers)
