"""What `backroom check` says of a Klaviyo connection. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

from commerce.errors import HubError, IntegrationError, NotAuthorised
from commerce.ports import Finding
from integrations.klaviyo.client import KlaviyoApi
from integrations.klaviyo.settings import KlaviyoSettings

OLD, RETIRED = 548, 730
"""Days: a revision is stable for a year, deprecated for another and then retired; there is no other warning."""


def findings(api: KlaviyoApi, settings: KlaviyoSettings, now: float) -> Iterator[Finding]:
    """One line for each thing looked at. A key that is refused altogether ends the list early."""
    yield revision_age(settings.revision, datetime.fromtimestamp(now, UTC).date())
    yield live_from(settings)
    first = account(api)
    yield first
    if not first.ok and first.subject == "credential":
        return
    yield may_send(api)
    yield double_counting(api, allowed=settings.allow_second_integration)


def revision_age(revision: str, today: date) -> Finding:
    """Whether the pinned revision is still served for a good while."""
    age = (today - date.fromisoformat(revision)).days
    if age < OLD:
        return Finding(subject="revision", ok=True, message=f"{revision}, {max(0, age)} days old")
    state = "retired" if age >= RETIRED else f"retired in {RETIRED - age} days"
    hint = "read Klaviyo's changelog and set a newer `revision` in stack.toml"
    return Finding(subject="revision", ok=False, message=f"{revision} is {age} days old, {state}", hint=hint)


def live_from(settings: KlaviyoSettings) -> Finding:
    """Since when events may trigger flows."""
    if settings.live_from is None:
        return Finding(subject="live_from", ok=True, message="not set: all but recorded history triggers flows")
    return Finding(subject="live_from", ok=True, message=f"older than {settings.live_from.isoformat()} triggers none")


def account(api: KlaviyoApi) -> Finding:
    """Whose key it is; subject "credential" when the key itself is refused."""
    try:
        found = api.account().attributes
    except NotAuthorised as refused:
        subject = "scope accounts:read" if refused.code == "accounts:read" else "credential"
        return Finding(subject=subject, ok=False, message=str(refused), hint=refused.hint)
    except IntegrationError as error:
        return Finding(subject="connection", ok=False, message=str(error), hint="check base_url and the network")
    name = found.contact_information.organization_name or "an account without a name"
    kind = "test account, " if found.test_account else ""
    message = f"{name} ({kind}{found.public_api_key}, {found.preferred_currency}, {found.timezone})"
    return Finding(subject="account", ok=True, message=message)


def may_send(api: KlaviyoApi) -> Finding:
    """Whether the key may send events, asked with an event that is always refused."""
    subject = "scope events:write"
    try:
        api.may_write_events()
    except HubError as error:
        return Finding(subject=subject, ok=False, message=str(error), hint=error.hint or "check base_url, try again")
    return Finding(subject=subject, ok=True, message="the key may send events")


def double_counting(api: KlaviyoApi, *, allowed: bool) -> Finding:
    """Whether another integration counts orders already: revenue would count twice and flows would start twice."""
    subject = "double counting"
    try:
        others = [
            metric.attributes.integration.name or metric.id
            for metric in api.metrics()
            if metric.attributes.name == "Placed Order"
            and metric.attributes.integration is not None
            and not metric.attributes.integration.is_ours
        ]
    except HubError as error:
        return Finding(subject=subject, ok=False, message=str(error), hint=error.hint or "check base_url, try again")
    if not others:
        return Finding(subject=subject, ok=True, message="nobody else brings Placed Order")
    message = f"{', '.join(sorted(others))} already brings Placed Order: revenue and flows would count twice"
    hint = "disconnect it in Klaviyo, or set allow_second_integration = true"
    return Finding(subject=subject, ok=allowed, message=message, hint="" if allowed else hint)
