"""What `backroom check` says of a Klaviyo connection. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from commerce.errors import HubError, IntegrationError, NotAuthorised
from commerce.ports import Finding
from integrations.klaviyo.ageing import revision_age
from integrations.klaviyo.client import KlaviyoApi
from integrations.klaviyo.schemas import Metric
from integrations.klaviyo.settings import KlaviyoSettings

ORDERS = "Placed Order"
SECOND = "disconnect it in Klaviyo; once that is done, or to count twice, set allow_second_integration = true"
"""An integration's metric stays after it is disconnected, so only the merchant can say that it is."""
BY_HAND = "give the key {scope}, or answer requests for deletion by hand in Klaviyo"


def findings(api: KlaviyoApi, settings: KlaviyoSettings, now: float) -> Iterator[Finding]:
    """One line for each thing looked at. A key that is refused altogether ends the list early."""
    yield revision_age(settings.revision, datetime.fromtimestamp(now, UTC).date())
    yield live_from(settings)
    first = account(api)
    yield first
    if not first.ok and first.subject == "credential":
        return
    yield permission("events:write", api.may_write_events, "the key may send events")
    yield from metrics(api, allowed=settings.allow_second_integration)
    yield permission("profiles:read", lambda: list(api.profiles_with("external_id", "backroom:check")), "", BY_HAND)
    yield permission("data-privacy:write", api.may_delete_profiles, "the key may delete profiles", BY_HAND)


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


def permission(scope: str, tried: Callable[[], object], good: str, hint: str = "") -> Finding:
    """Whether the key has a scope, by doing something harmless that needs it."""
    subject = f"scope {scope}"
    try:
        tried()
    except NotAuthorised as refused:
        advice = hint.format(scope=scope) if refused.code == scope else ""
        return Finding(subject=subject, ok=False, message=str(refused), hint=advice or refused.hint)
    except HubError as error:
        return Finding(subject=subject, ok=False, message=str(error), hint=error.hint or "check base_url, try again")
    return Finding(subject=subject, ok=True, message=good or "the key may look for profiles")


def metrics(api: KlaviyoApi, *, allowed: bool) -> Iterator[Finding]:
    """Whether orders would count twice, and whether they count as revenue at all."""
    try:
        known = list(api.metrics())
    except HubError as error:
        hint = error.hint or "check base_url, try again"
        yield Finding(subject="double counting", ok=False, message=str(error), hint=hint)
        return
    yield double_counting(known, allowed=allowed)
    try:
        yield mapping(api, known, allowed=allowed)
    except HubError as error:
        yield Finding(subject="metric mapping", ok=False, message=str(error), hint=error.hint or "try again")


def double_counting(known: Sequence[Metric], *, allowed: bool) -> Finding:
    """Whether another integration counts orders already: revenue would count twice and flows would start twice."""
    subject, others = "double counting", second_integrations(known)
    if not others:
        return Finding(subject=subject, ok=True, message=f"nobody else brings {ORDERS}")
    return Finding(subject=subject, ok=allowed, message=twice(others), hint="" if allowed else SECOND)


def second_integrations(known: Sequence[Metric]) -> list[str]:
    """Who brings orders besides the API, by name."""
    found = [(one.id, one.attributes.integration) for one in known if one.attributes.name == ORDERS]
    return sorted({other.name or metric_id for metric_id, other in found if other is not None and not other.is_ours})


def twice(others: Sequence[str]) -> str:
    """What a second integration would do."""
    return f"{', '.join(others)} already brings {ORDERS}: revenue and flows would count twice"


def mapping(api: KlaviyoApi, known: Sequence[Metric], *, allowed: bool) -> Finding:
    """Whether revenue is counted by the metric that the hub fills. The mapping is the merchant's; it is not changed."""
    subject = "metric mapping"
    revenue = next((one.relationships for one in api.mapped_metrics() if one.id == "revenue"), None)
    if revenue is not None and revenue.custom_metric.data is not None:
        message = f"revenue is a custom metric: see that it counts {ORDERS} of the API"
        return Finding(subject=subject, ok=True, message=message)
    counted = revenue.metric.data.id if revenue is not None and revenue.metric.data is not None else ""
    metric = next((one for one in known if one.id == counted), None)
    if metric is None:
        message = f"revenue is not mapped; once orders arrive, map it to {ORDERS} of the API in Klaviyo"
        return Finding(subject=subject, ok=True, message=message)
    name, brings = metric.attributes.name or counted, metric.attributes.integration
    ours = brings is None or brings.is_ours
    if name == ORDERS and ours:
        return Finding(subject=subject, ok=True, message=f"revenue counts {ORDERS} of the API")
    whose = "the API" if brings is None or ours else brings.name or "another integration"
    hint = f"in Klaviyo, map revenue to {ORDERS} of the API once orders arrive"
    message = f"revenue counts {name} of {whose}, not {ORDERS} of the API"
    return Finding(subject=subject, ok=allowed, message=message, hint="" if allowed else hint)
