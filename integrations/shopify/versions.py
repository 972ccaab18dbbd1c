"""Versions of Shopify's API: how long each is served, and what answers say about that.

https://shopify.dev/docs/api/usage/versioning
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx

from commerce.ports import Alert, Notices

SERVED = "x-shopify-api-version"
DEPRECATED = "x-shopify-api-deprecated-reason"
WARN = timedelta(weeks=8)
"""How long before its end people are warned of a version."""


def ends(version: str) -> datetime:
    """When Shopify may stop serving a version: a year after it became stable, 17:00 UTC, e.g. 2027-10-01 for "2026-10".

    Shopify promises at least twelve months; afterwards the oldest version that is still there answers instead.
    """
    year, month = version.split("-")
    return datetime(int(year) + 1, int(month), 1, 17, tzinfo=UTC)


def ending(connection: str, version: str, now: datetime) -> Alert | None:
    """The alert that is due, None when the version lives for long enough."""
    end = ends(version)
    if now < end - WARN:
        return None
    over = now >= end
    return Alert(
        fingerprint=f"concern:{connection}:api-version",
        severity="critical" if over else "warning",
        title=f"{connection}: Shopify's API version {version} {'is out of support' if over else 'ends soon'}",
        what=f"Shopify supports {version} until {end:%Y-%m-%d}; then it answers as another version, without an error",
        todo="update backroom; api_version in stack.toml asks for a newer one earlier: read Shopify's changelog first",
        facts={"version": version, "ends": f"{end:%Y-%m-%d}"},
    )


def notice(notices: Notices, connection: str, asked: str, operation: str, answer: httpx.Response) -> None:
    """Tell of an answer in another version than the one asked for, and of an operation that is deprecated.

    Answers without Shopify's header, as a proxy gives them, say nothing.
    """
    served, reason = answer.headers.get(SERVED, ""), answer.headers.get(DEPRECATED, "")
    if not served:
        return
    if served != asked:
        notices.noticed(another_version(connection, asked, served))
    else:
        notices.over(f"notice:{connection}:api-version")
    if reason:
        notices.noticed(deprecated(connection, operation, reason))
    else:
        notices.over(f"notice:{connection}:deprecated:{operation}")


def another_version(connection: str, asked: str, served: str) -> Alert:
    """What people are told when Shopify falls forward."""
    return Alert(
        fingerprint=f"notice:{connection}:api-version",
        title=f"{connection}: Shopify answers as API version {served}",
        what=f"the hub asks for {asked}, which Shopify does not serve; fields may be missing or mean another thing",
        todo=f"update backroom, or ask for a newer api_version in stack.toml; then: backroom check {connection}",
        facts={"asked": asked, "served": served},
    )


def deprecated(connection: str, operation: str, reason: str) -> Alert:
    """What people are told when something that the hub calls will go."""
    return Alert(
        fingerprint=f"notice:{connection}:deprecated:{operation}",
        severity="warning",
        title=f"{connection}: Shopify will take away something that the hub uses",
        what=f"{operation} is deprecated: {' '.join(reason.split())[:300]}",
        todo="update backroom before the next version of Shopify's API",
        facts={"operation": operation},
    )
