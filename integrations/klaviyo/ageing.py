"""How old the pinned revision is: each is stable for a year, deprecated for another, and then retired."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import httpx

from commerce.ports import Alert, Finding

# https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy
OLD, RETIRED = 548, 730
"""Days: from when it is told, and when it ends."""
ANNOUNCED = ("sunset", "deprecation")
"""Headers that announce an end (RFC 8594, RFC 9745). Klaviyo is not known to send them."""
NEWER = "read Klaviyo's changelog and set a newer `revision` in stack.toml"


def revision_age(revision: str, today: date) -> Finding:
    """Whether the pinned revision is still served for a good while."""
    age = (today - date.fromisoformat(revision)).days
    if age < OLD:
        return Finding(subject="revision", ok=True, message=f"{revision}, {max(0, age)} days old")
    state = "retired" if age >= RETIRED else f"retired in {RETIRED - age} days"
    return Finding(subject="revision", ok=False, message=f"{revision} is {age} days old, {state}", hint=NEWER)


def worries(connection: str, revision: str, today: date) -> Iterator[Alert]:
    """An alert while the revision is near its end: no answer of Klaviyo's warns of it."""
    found = revision_age(revision, today)
    if found.ok:
        return
    yield Alert(
        fingerprint=f"concern:{connection}:revision",
        severity="critical" if "retired in" not in found.message else "warning",
        title=f"{connection}: Klaviyo's API revision gets old",
        what=f"revision {found.message}; once retired, no event is taken",
        todo=found.hint,
    )


def announced(connection: str, response: httpx.Response) -> Alert | None:
    """What an answer's headers say of an end to come."""
    said = {name: response.headers[name][:100] for name in ANNOUNCED if name in response.headers}
    if not said:
        return None
    words = ", ".join(f"{name}: {value}" for name, value in said.items())
    return Alert(
        fingerprint=announcement(connection),
        severity="warning",
        title=f"{connection}: Klaviyo announces an end",
        what=f"{response.request.method} {response.request.url.path} was answered with {words}",
        todo=NEWER,
    )


def announcement(connection: str) -> str:
    """The fingerprint of such an alert."""
    return f"deprecation:{connection}"
