"""Klaviyo in memory: raw JSON:API as its OpenAPI file of revision 2026-07-15 shows it, strict as the vendor is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import httpx

from integrations.klaviyo.simulator import reading
from integrations.klaviyo.simulator.account import Account
from integrations.klaviyo.simulator.answers import Refusal, accepted, document, error_answer
from integrations.klaviyo.simulator.bodies import Reader
from integrations.klaviyo.simulator.doors import Limits, refuse_bad_headers, refuse_bad_key, refuse_missing_scope
from integrations.klaviyo.simulator.endpoints import endpoint, refuse_unknown_params
from integrations.klaviyo.simulator.jobs import Jobs
from integrations.simulator import Clock, Simulator


class KlaviyoSimulator(Simulator):
    """One Klaviyo account.

    `bulk_repeats`: what the bulk endpoint does with an event that an *earlier* request brought: "refuse" the whole
    request, or "drop" it. `conflicts`: what becomes of identifiers that belong to several profiles: "first" takes the
    profile of the strongest, "refuse" answers 409. `visible_after`: seconds until an event can be read. `job_seconds`:
    seconds that each step of an asynchronous job takes. `auth_status`: 401, or the 400 that Klaviyo's pages document
    for a bad key. `told_wait`: whether a 429 says how long to wait. `limited_by`: whether each endpoint is counted by
    itself, or all of a tier together. `scopes` None means all.
    """

    vendor = "klaviyo"

    def __init__(
        self,
        *,
        base_url: str,
        clock: Clock = time.time,
        limits: bool = True,
        api_key: str = "pk_sim",
        scopes: Sequence[str] | None = None,
        auth_status: Literal[400, 401] = 401,
        bulk_repeats: Literal["refuse", "drop"] = "refuse",
        conflicts: Literal["first", "refuse"] = "first",
        visible_after: float = 0.0,
        job_seconds: float = 0.0,
        told_wait: bool = True,
        limited_by: Literal["endpoint", "tier"] = "endpoint",
    ) -> None:
        super().__init__(base_url=base_url, clock=clock, limits=limits)
        self.api_key = api_key
        self.scopes = None if scopes is None else set(scopes)
        self.auth_status = auth_status
        self.bulk_repeats = bulk_repeats
        self.visible_after = visible_after
        self.retired: set[str] = set()
        self.odd_phones: set[str] = set()
        self.account = Account(clock, conflicts)
        self._reader = Reader(self.odd_phones)
        self.jobs = Jobs(self.account, self._reader, clock, job_seconds)
        self._windows = Limits(clock, by=limited_by, told_wait=told_wait)
        self._lock = threading.RLock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request at a time, as clients may call from several threads."""
        with self._lock:
            return super().__call__(request)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Key, version, scope and limits first, then the endpoint."""
        self.jobs.settle()
        headers: dict[str, str] = {}
        try:
            refuse_bad_key(request, self.api_key, self.auth_status)
            asked, ids = endpoint(request)
            refuse_bad_headers(request, self.retired, self.clock())
            refuse_missing_scope(asked.scopes, self.scopes)
            headers = self._windows.take(asked) if self.limits else {}
            refuse_unknown_params(request, asked.params)
            handler: Callable[..., httpx.Response] = getattr(self, f"_{asked.does}")
            response = handler(request, *ids)
        except Refusal as refusal:
            response = error_answer(refusal)
        response.headers.update(headers)
        return response

    def _create_event(self, request: httpx.Request) -> httpx.Response:
        told = self._reader.event(request, self.clock())
        self.account.people.refuse_conflict(told.profile)
        self.account.record(told)
        return accepted()

    def _create_events(self, request: httpx.Request) -> httpx.Response:
        events = self._reader.bulk(request, self.clock())
        for told in events:
            self.account.people.refuse_conflict(told.profile)
        self.account.refuse_repeats(events, known_too=self.bulk_repeats == "refuse")
        for event in events:
            self.account.record(event)
        return accepted()

    def _create_profile(self, request: httpx.Request) -> httpx.Response:
        attributes = self._reader.created(request)
        self.account.people.refuse_known(attributes)
        profile, _ = self.account.people.upsert(attributes)
        return document({"data": reading.profile(profile, self.base_url)}, 201)

    def _import_profile(self, request: httpx.Request) -> httpx.Response:
        profile, new = self.account.people.upsert(self._reader.upsert(request))
        return document({"data": reading.profile(profile, self.base_url)}, 201 if new else 200)

    def _import_profiles(self, request: httpx.Request) -> httpx.Response:
        job = self.jobs.import_later(self._reader.imported(request), self.base_url)
        return document({"data": job}, 202)

    def _read_import(self, _: httpx.Request, job_id: str) -> httpx.Response:
        return document({"data": self.jobs.shown(self.jobs.asked(job_id), self.base_url)})

    def _list_import_errors(self, request: httpx.Request, job_id: str) -> httpx.Response:
        errors = self.jobs.asked(job_id).errors
        return document(reading.page(errors, request, self.base_url, default=20, most=100))

    def _subscribe(self, request: httpx.Request) -> httpx.Response:
        for profile in self._reader.subscriptions(request, self.clock()):
            self.account.subscribe(profile)
        return accepted()

    def _delete_profiles(self, request: httpx.Request) -> httpx.Response:
        self.jobs.delete_later(*self._reader.deletion(request))
        return accepted()

    def _list_accounts(self, _: httpx.Request) -> httpx.Response:
        return document(reading.accounts(self.base_url))

    def _list_metrics(self, request: httpx.Request) -> httpx.Response:
        return document(reading.metrics(self.account, request, self.base_url))

    def _list_mapped_metrics(self, _: httpx.Request) -> httpx.Response:
        return document(reading.mapped_metrics(self.account, self.base_url))

    def _list_profiles(self, request: httpx.Request) -> httpx.Response:
        return document(reading.profiles(self.account, request, self.base_url))

    def _read_profile(self, request: httpx.Request, profile_id: str) -> httpx.Response:
        found = self.account.people.profiles.get(profile_id)
        if found is None:
            raise Refusal(404, "not_found", "Not found.", f"A profile with id {profile_id} does not exist.")
        shown = reading.profile(found, self.base_url, consents=reading.consents_wanted(request))
        return document({"data": reading.sparse([shown], request)[0]})

    def _list_events(self, request: httpx.Request) -> httpx.Response:
        seen_until = self.clock() - self.visible_after
        return document(reading.events(self.account, request, self.base_url, seen_until))

    def state(self) -> dict[str, Any]:
        """Events in the order they came, and the counters that must not rise by accident."""
        with self._lock:
            self.jobs.settle()
            return self.account.state()

    def do_third_party_metric(self, integration: str = "Shopify", name: str = "Placed Order") -> str:
        """Another integration of the account begins to bring this metric; returns the metric's id."""
        return self.account.metric(name, integration)

    def do_map_metric(self, mapping: str = "revenue", metric_id: str = "") -> None:
        """Somebody chooses which metric counts as revenue; none when the id is empty."""
        self.account.mapped[mapping] = metric_id

    def do_suppress(self, email: str) -> None:
        """A shopper unsubscribes from everything."""
        self.account.suppress(email)

    def do_refuse_phone(self, number: str) -> None:
        """Klaviyo's own directory knows no such number, though it looks like one."""
        self.odd_phones.add(number)

    def do_lose_events(self, count: int = 1) -> None:
        """The next events are accepted, and their processing fails: nobody is told."""
        self.account.to_lose += count

    def do_revoke_key(self) -> None:
        """Somebody deletes the API key."""
        self.api_key = ""

    def do_set_key(self, api_key: str) -> None:
        """Somebody makes another API key."""
        self.api_key = api_key

    def do_set_scopes(self, scopes: list[str] | None = None) -> None:
        """Somebody narrows what the key may do; None means everything."""
        self.scopes = None if scopes is None else set(scopes)

    def do_retire_revision(self, revision: str = "2026-07-15") -> None:
        """Klaviyo stops serving a revision."""
        self.retired.add(revision)


def build(*, base_url: str, clock: Clock = time.time, limits: bool = True, **options: Any) -> Simulator:
    """A fresh account. Options are those of `KlaviyoSimulator`."""
    return KlaviyoSimulator(base_url=base_url, clock=clock, limits=limits, **options)
