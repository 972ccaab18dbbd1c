"""Klaviyo in memory: raw JSON:API as its OpenAPI file of revision 2026-07-15 shows it, strict as the vendor is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import httpx

from integrations.klaviyo.simulator.account import Account
from integrations.klaviyo.simulator.answers import Refusal, accepted, document, error_answer
from integrations.klaviyo.simulator.bodies import read_bulk, read_event, read_subscriptions
from integrations.klaviyo.simulator.doors import Limits, refuse_bad_headers, refuse_bad_key
from integrations.klaviyo.simulator.reading import list_accounts, list_events, list_metrics, list_profiles
from integrations.simulator import Clock, Simulator

Handler = Callable[[httpx.Request], httpx.Response]


class KlaviyoSimulator(Simulator):
    """One Klaviyo account.

    `bulk_repeats`: what the bulk endpoint does with an event that an *earlier* request brought: "refuse" the whole
    request, or "drop" it. `visible_after`: seconds until an event can be read. `auth_status`: 401, or the 400 that
    Klaviyo's pages document for a bad key. `scopes` None means all.
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
        visible_after: float = 0.0,
    ) -> None:
        super().__init__(base_url=base_url, clock=clock, limits=limits)
        self.api_key = api_key
        self.scopes = None if scopes is None else set(scopes)
        self.auth_status = auth_status
        self.bulk_repeats = bulk_repeats
        self.visible_after = visible_after
        self.retired: set[str] = set()
        self.account = Account(clock)
        self._windows = Limits(clock)
        self._lock = threading.RLock()
        self._endpoints: dict[tuple[str, str], tuple[str, str, Handler]] = {
            ("POST", "/api/events"): ("XL", "events:write", self._create_event),
            ("POST", "/api/event-bulk-create-jobs"): ("M", "events:write", self._create_events),
            ("GET", "/api/events"): ("XL", "events:read", self._events),
            ("GET", "/api/profiles"): ("L", "profiles:read", self._profiles),
            ("GET", "/api/metrics"): ("M", "metrics:read", self._metrics),
            ("GET", "/api/accounts"): ("XS", "accounts:read", self._accounts),
            ("POST", "/api/profile-subscription-bulk-create-jobs"): ("L", "subscriptions:write", self._subscribe),
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request at a time, as clients may call from several threads."""
        with self._lock:
            return super().__call__(request)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Key, version, scope and limits first, then the endpoint."""
        name = (request.method, request.url.path)
        try:
            refuse_bad_key(request, self.api_key, self.auth_status)
            if name not in self._endpoints:
                raise Refusal(404, "not_found", "Not found.", "The path that you requested does not exist.")
            tier, scope, handler = self._endpoints[name]
            refuse_bad_headers(request, self.retired, self.clock())
            if self.scopes is not None and scope not in self.scopes:
                title = "You do not have permission to perform this action."
                raise Refusal(403, "permission_denied", title, f"Missing one of the required scopes: {scope}")
            headers = self._windows.take(request.method + request.url.path, tier) if self.limits else {}
            response = handler(request)
        except Refusal as refusal:
            return error_answer(refusal)
        response.headers.update(headers)
        return response

    def _create_event(self, request: httpx.Request) -> httpx.Response:
        self.account.record(read_event(request, self.clock()))
        return accepted()

    def _create_events(self, request: httpx.Request) -> httpx.Response:
        events = read_bulk(request, self.clock())
        self.account.refuse_repeats(events, known_too=self.bulk_repeats == "refuse")
        for event in events:
            self.account.record(event)
        return accepted()

    def _subscribe(self, request: httpx.Request) -> httpx.Response:
        for profile in read_subscriptions(request):
            self.account.subscribe(profile)
        return accepted()

    def _accounts(self, request: httpx.Request) -> httpx.Response:
        return document(list_accounts(self.base_url))

    def _metrics(self, request: httpx.Request) -> httpx.Response:
        return document(list_metrics(self.account, request, self.base_url))

    def _profiles(self, request: httpx.Request) -> httpx.Response:
        return document(list_profiles(self.account, request, self.base_url))

    def _events(self, request: httpx.Request) -> httpx.Response:
        seen_until = self.clock() - self.visible_after
        return document(list_events(self.account, request, self.base_url, seen_until))

    def state(self) -> dict[str, Any]:
        """Events in the order they came, and the counters that must not rise by accident."""
        with self._lock:
            return self.account.state()

    def do_third_party_metric(self, integration: str = "Shopify", name: str = "Placed Order") -> str:
        """Another integration of the account begins to bring this metric; returns the metric's id."""
        return self.account.metric(name, integration)

    def do_suppress(self, email: str) -> None:
        """A shopper unsubscribes from everything."""
        self.account.suppress(email)

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
