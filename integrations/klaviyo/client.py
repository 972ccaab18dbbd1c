"""Klaviyo's endpoints, one method each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from commerce.errors import Rejected, UnexpectedAnswer
from integrations.auth import HeaderAuth
from integrations.connector import Services
from integrations.http import ApiClient, Safety, answered_json
from integrations.klaviyo.ageing import announced, announcement
from integrations.klaviyo.endpoints import ENDPOINTS, Endpoint
from integrations.klaviyo.refusals import VENDOR, judge
from integrations.klaviyo.schemas import (
    Account,
    Accounts,
    MappedMetric,
    MappedMetrics,
    Metric,
    Metrics,
    Page,
    PastEvent,
    PastEvents,
    Profiles,
)
from integrations.klaviyo.settings import KlaviyoSettings

JSON_API = "application/vnd.api+json"

Model = TypeVar("Model", bound=BaseModel)
Paged = TypeVar("Paged", bound=Page)


class KlaviyoApi:
    """One account, over HTTP. Safe to call from several threads."""

    def __init__(self, settings: KlaviyoSettings, services: Services) -> None:
        self._settings = settings
        self._services = services
        self._clients: dict[str, ApiClient] = {}
        self._opening = threading.Lock()

    def close(self) -> None:
        """Give the connections back."""
        for client in self._clients.values():
            client.close()

    def create_event(self, body: dict[str, Any]) -> None:
        """Send one event. May be repeated: Klaviyo keeps the first of each profile, metric and unique_id.

        Raises Rejected for this event, OutcomeUnknown when several tries got no answer.
        """
        # https://developers.klaviyo.com/en/reference/create_event
        self._write("/api/events", body, "repeatable")

    def create_events(self, body: dict[str, Any]) -> None:
        """Send up to 1,000 events, all or none. A repeat is refused with all others, so a lost answer leaves a doubt.

        There is no job to ask about afterwards, whatever the path says. Raises Rejected when nothing was accepted,
        OutcomeUnknown.
        """
        # https://developers.klaviyo.com/en/reference/bulk_create_events
        self._write("/api/event-bulk-create-jobs", body, "once")

    def account(self) -> Account:
        """Whose key this is. One call a second, 15 a minute."""
        # https://developers.klaviyo.com/en/reference/get_accounts
        found = _read(Accounts, self._get("/api/accounts")).data
        if not found:
            raise UnexpectedAnswer(VENDOR, "answered no account for this key")
        return found[0]

    def metrics(self) -> Iterator[Metric]:
        """Every metric of the account, in pages of 200."""
        # https://developers.klaviyo.com/en/reference/get_metrics
        for page in self._pages(Metrics, "/api/metrics"):
            yield from page.data

    def events(self, metric_id: str, since: datetime, until: datetime) -> Iterator[PastEvent]:
        """The events of one metric that happened within [since, until) (aware), in pages of 1,000, the largest.

        What was sent in the last minutes may not be shown yet.
        """
        # https://developers.klaviyo.com/en/reference/get_events
        window = f"greater-or-equal(datetime,{_moment(since)}),less-than(datetime,{_moment(until)})"
        params = {
            "filter": f"{equals('metric_id', metric_id)},{window}",
            "fields[event]": "datetime,event_properties",
            "page[size]": "1000",
        }
        for page in self._pages(PastEvents, "/api/events", params):
            yield from page.data

    def mapped_metrics(self) -> list[MappedMetric]:
        """Which metrics count as revenue, as products ordered and so on."""
        # https://developers.klaviyo.com/en/reference/get_mapped_metrics
        return _read(MappedMetrics, self._get("/api/mapped-metrics")).data

    def profiles_with(self, field: Literal["email", "phone_number", "external_id"], value: str) -> Iterator[str]:
        """Klaviyo's ids of the profiles with this identifier."""
        # https://developers.klaviyo.com/en/reference/get_profiles
        params = {"filter": equals(field, value), "fields[profile]": "created"}
        for page in self._pages(Profiles, "/api/profiles", params):
            yield from (profile.id for profile in page.data)

    def delete_profiles(self, field: Literal["email", "phone_number", "id"], value: str) -> None:
        """Have all profiles with this identifier deleted, later and for good. May be repeated.

        Raises Rejected, OutcomeUnknown, NotAuthorised when the key may not.
        """
        # https://developers.klaviyo.com/en/reference/request_profile_deletion
        who = {"id": value, "attributes": {}} if field == "id" else {"attributes": {field: value}}
        job = {"attributes": {"profile": {"data": {"type": "profile", **who}}}}
        body = {"data": {"type": "data-privacy-deletion-job", **job}}
        self._write("/api/data-privacy-deletion-jobs", body, "repeatable")

    def may_write_events(self) -> None:
        """Whether the key may send events: asks with an event that says nothing, which is always refused.

        Raises NotAuthorised when the key may not.
        """
        self._always_refused("/api/events", "event")

    def may_delete_profiles(self) -> None:
        """Whether the key may delete profiles: asks with a deletion that names nobody, which is always refused.

        Raises NotAuthorised when the key may not.
        """
        self._always_refused("/api/data-privacy-deletion-jobs", "data-privacy-deletion-job")

    def _always_refused(self, path: str, kind: str) -> None:
        try:
            self._write(path, {"data": {"type": kind, "attributes": {}}}, "repeatable")
        except Rejected:
            return

    def _write(self, path: str, body: dict[str, Any], safety: Safety) -> None:
        """Raise UnexpectedAnswer for a success that is not Klaviyo's, such as a proxy's page."""
        answer = self._client("POST", path).request("POST", path, json=body, safety=safety)
        if answer.status_code != 202:
            words = f"answered {answer.status_code} to POST {path} instead of 202"
            raise UnexpectedAnswer(VENDOR, words, hint="check base_url")

    def _get(self, path: str) -> Any:
        return answered_json(VENDOR, self._client("GET", path).request("GET", path))

    def _pages(self, model: type[Paged], path: str, params: dict[str, str] | None = None) -> Iterator[Paged]:
        """Follow `links.next` as it is: a whole address, which must be of our own host."""
        client, seen, url = self._client("GET", path), set[str](), path
        while url:
            seen.add(url)
            answer = client.request("GET", url, params=params, operation=f"GET {path}")
            page, params = _read(model, answered_json(VENDOR, answer)), None
            yield page
            url = page.links.next or ""
            if url in seen:
                raise UnexpectedAnswer(VENDOR, f"the pages of {path} go in a circle")

    def _client(self, method: str, path: str) -> ApiClient:
        """The client of the endpoint's tier, which has its own pace."""
        endpoint = ENDPOINTS[method, path]
        with self._opening:
            if endpoint.tier not in self._clients:
                self._clients[endpoint.tier] = self._opened(endpoint)
            return self._clients[endpoint.tier]

    def _opened(self, endpoint: Endpoint) -> ApiClient:
        settings, services = self._settings, self._services
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
            inspect=self._inspect,
            pace=services.pace(endpoint.pace, endpoint.tier) if settings.pace else None,
            calls=services.calls,
            times=services.times,
            sleep=services.sleep,
        )

    def _inspect(self, response: httpx.Response) -> None:
        """Hear what every answer says in passing, then judge it."""
        alert = announced(self._settings.name, response)
        if alert is not None:
            self._services.notices.noticed(alert)
        elif response.is_success:
            self._services.notices.over(announcement(self._settings.name))
        judge(response)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def equals(field: str, value: str) -> str:
    """A filter for one value, quoted so that nothing in it is a command."""
    # https://developers.klaviyo.com/en/docs/filtering_
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'equals({field},"{quoted}")'


def _read(model: type[Model], body: Any) -> Model:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UnexpectedAnswer(
            VENDOR, f"answered something else than {model.__name__}: {place} {first['msg']}"
        ) from None
