"""What Katana says when it refuses: its limit, its plans, and the field of a body that it does not like."""

from __future__ import annotations

import math
from typing import Any

import httpx

from commerce.errors import NotAuthorised, RateLimited, Rejected
from integrations.dates import answered_at
from integrations.http import told_wait

VENDOR = "katana"
NO_API = "plan"
"""The `code` of a refusal because of the account's plan."""
SHORTEST = 1.0
"""Seconds. A window that should have ended when Katana refused us has not."""


class Invalid(Rejected):
    """A request that Katana cannot validate. `paths` are the fields that it names."""

    def __init__(self, message: str, paths: list[str]) -> None:
        super().__init__(VENDOR, message, code="VALIDATION_FAILED")
        self.paths = paths


def inspect(answer: httpx.Response, now: float, connection: str) -> None:
    """Raise what Katana's own words mean, where they say more than the status does. `now` in seconds."""
    if answer.is_success:
        return
    if answer.status_code == 429:
        mind_the_reset(answer, now)
    body = error_body(answer)
    if body is None:
        return
    words = str(body.get("message") or body.get("name") or "")[:200]
    if answer.status_code == 403:
        raise NotAuthorised(
            VENDOR,
            f"your plan has no API, or the key's owner may not use it ({words})",
            hint=f"the API needs the Professional plan or above; then: backroom resume {connection}",
            code=NO_API,
        )
    if answer.status_code == 422:
        raise invalid(words, body.get("details"))


def error_body(answer: httpx.Response) -> dict[str, Any] | None:
    """Katana's error object; None for anything else, such as a proxy's page."""
    try:
        body = answer.json()
    except (ValueError, UnicodeDecodeError):
        return None
    return body if isinstance(body, dict) else None


def invalid(words: str, details: Any) -> Invalid:
    """A 422 with the fields it is about: "/location_id must be integer"."""
    # https://developer.katanamrp.com/reference/api-introduction
    found = [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    named = [f"{one.get('path') or 'the body'} {one.get('message') or one.get('code') or ''}".strip() for one in found]
    told = f"{words}: {'; '.join(named)}" if named else words or "the request is invalid"
    return Invalid(f"cannot validate what we sent: {told[:300]}", [str(one.get("path", "")) for one in found])


def mind_the_reset(answer: httpx.Response, now: float) -> None:
    """Raise RateLimited with the window's end for a 429 without Retry-After.

    `X-Ratelimit-Reset` is documented in milliseconds since the epoch and shown in seconds: both are understood.
    """
    # https://developer.katanamrp.com/reference/api-rate-limiting
    if told_wait(answer) is not None:
        return
    try:
        reset = float(answer.headers["x-ratelimit-reset"])
    except (KeyError, ValueError):
        return
    if not math.isfinite(reset):
        return
    seconds = reset / 1000 if reset > 1e11 else reset
    theirs = answered_at(answer)
    now = theirs.timestamp() if theirs else now
    raise RateLimited(VENDOR, "too many calls in this minute", retry_after=max(SHORTEST, seconds - now))
