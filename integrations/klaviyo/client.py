"""Klaviyo's endpoints, one method each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from commerce.errors import Rejected, UnexpectedAnswer
from integrations.auth import HeaderAuth
from integrations.connector import Services
from integrations.http import ApiClient, answered_json
from integrations.klaviyo.refusals import VENDOR, judge
from integrations.klaviyo.schemas import Account, Accounts, Metric, Metrics
from integrations.klaviyo.settings import KlaviyoSettings
from integrations.limits import Paced

JSON_API = "application/vnd.api+json"
EVENT_PACE = [(300, 1.0), (3_000, 60.0)]
"""Calls and seconds. Klaviyo allows 350 a second and 3,500 a minute, shared by all keys of an account."""
BULK_PACE = [(8, 1.0), (140, 60.0)]
"""Klaviyo allows 10 a second and 150 a minute."""

Model = TypeVar("Model", bound=BaseModel)


class KlaviyoApi:
    """One account, over HTTP. Safe to call from several threads."""

    def __init__(self, settings: KlaviyoSettings, services: Services) -> None:
        self._events = _api(settings, services, EVENT_PACE)
        self._others = _api(settings, services, BULK_PACE)

    def close(self) -> None:
        """Give the connections back."""
        self._events.close()
        self._others.close()

    def create_event(self, body: dict[str, Any]) -> None:
        """Send one event. May be repeated: Klaviyo keeps the first of each profile, metric and unique_id.

        Raises Rejected for this event, OutcomeUnknown when several tries got no answer.
        """
        # https://developers.klaviyo.com/en/reference/create_event
        answer = self._events.request("POST", "/api/events", json=body, safety="repeatable")
        _refuse_unless_accepted(answer.status_code)

    def create_events(self, body: dict[str, Any]) -> None:
        """Send up to 1,000 events, all or none. A repeat is refused with all others, so a lost answer leaves a doubt.

        Raises Rejected when nothing was accepted, OutcomeUnknown.
        """
        # https://developers.klaviyo.com/en/reference/bulk_create_events
        answer = self._others.request("POST", "/api/event-bulk-create-jobs", json=body, safety="once")
        _refuse_unless_accepted(answer.status_code)

    def account(self) -> Account:
        """Whose key this is. One call a second, 15 a minute."""
        # https://developers.klaviyo.com/en/reference/get_accounts
        found = _read(Accounts, answered_json(VENDOR, self._others.request("GET", "/api/accounts"))).data
        if not found:
            raise UnexpectedAnswer(VENDOR, "answered no account for this key")
        return found[0]

    def metrics(self) -> Iterator[Metric]:
        """Every metric of the account, in pages of 200."""
        # https://developers.klaviyo.com/en/reference/get_metrics
        url: str | None = "/api/metrics"
        seen: set[str] = set()
        while url:
            seen.add(url)
            page = _read(Metrics, answered_json(VENDOR, self._others.request("GET", url, operation="GET /api/metrics")))
            yield from page.data
            url = page.links.next
            if url in seen:
                raise UnexpectedAnswer(VENDOR, "the pages of metrics go in a circle")

    def may_write_events(self) -> None:
        """Whether the key may send events: asks with an event that says nothing, which is always refused.

        Raises NotAuthorised when the key may not.
        """
        try:
            self.create_event({"data": {"type": "event", "attributes": {}}})
        except Rejected:
            return


def _api(settings: KlaviyoSettings, services: Services, pace: Sequence[tuple[int, float]]) -> ApiClient:
    return ApiClient(
        vendor=VENDOR,
        base_url=settings.base_url,
        auth=HeaderAuth("authorization", f"Klaviyo-API-Key {settings.api_key.get_secret_value()}"),
        headers={
            "revision": settings.revision,
            # A retired revision shall fail loudly instead of being served by a newer one.
            "x-klaviyo-revision-fall-forward-opt-out": "1",
            "accept": JSON_API,
            "content-type": JSON_API,
        },
        transport=services.transport,
        inspect=judge,
        pace=Paced(pace, clock=services.clock, sleep=services.sleep) if settings.pace else None,
        calls=services.calls,
        sleep=services.sleep,
    )


def _refuse_unless_accepted(status: int) -> None:
    """Raise UnexpectedAnswer for a success that is not Klaviyo's, such as a proxy's page."""
    if status != 202:
        raise UnexpectedAnswer(VENDOR, f"answered {status} to an event instead of 202", hint="check base_url")


def _read(model: type[Model], body: Any) -> Model:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UnexpectedAnswer(
            VENDOR, f"answered something else than {model.__name__}: {place} {first['msg']}"
        ) from None
