"""Tokens: renewed early, once, by one of us, stored before used; and never shown."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from rich.console import Console
from rich.pretty import pretty_repr

from commerce.errors import NotAuthorised, OutcomeUnknown, TemporarilyUnavailable
from commerce.ports import Tokens
from integrations.auth import HeaderAuth, MemoryTokens, TokenAuth
from integrations.http import ApiClient
from tests.integrations.acme import BASE, all_words

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LOGIN = "https://login.vendor.test/token"
HOUR = timedelta(hours=1)


class SharedTokens(MemoryTokens):
    """A store that really lets one of us refresh at a time, and notes what happens in which order."""

    def __init__(self, tokens: Tokens | None, story: list[str]) -> None:
        super().__init__(tokens)
        self.story = story
        self.lock = threading.Lock()

    def save(self, tokens: Tokens) -> Tokens:
        self.story.append(f"store {tokens.access}")
        return super().save(tokens)

    @contextmanager
    def refreshing(self) -> Iterator[None]:  # type: ignore[override]
        with self.lock:
            self.story.append("lock")
            yield
            self.story.append("unlock")


class Vendor:
    """An API that takes the newest token only, and a token endpoint that retires a refresh token with each use."""

    def __init__(self, story: list[str]) -> None:
        self.story = story
        self.good = "access-0"
        self.refresh = "refresh-0"
        self.renewals = 0
        self.token_answers: list[httpx.Response] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if str(request.url) == LOGIN:
            return self.renewed(request.content.decode())
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.story.append(f"call {token}")
        return httpx.Response(200 if token == self.good else 401, json={})

    def renewed(self, refresh: str) -> httpx.Response:
        self.story.append(f"renew {refresh}")
        if self.token_answers:
            return self.token_answers.pop(0)
        if refresh != self.refresh:
            return httpx.Response(400, json={"error": "invalid_grant", "error_description": f"{refresh} is retired"})
        self.renewals += 1
        self.good, self.refresh = f"access-{self.renewals}", f"refresh-{self.renewals}"
        return httpx.Response(200, json={"access": self.good, "refresh": self.refresh})


@pytest.fixture
def story() -> list[str]:
    """What happened, in order, at the store and at the vendor."""
    return []


@pytest.fixture
def vendor(story: list[str]) -> Vendor:
    return Vendor(story)


def tokens(lives: timedelta, access: str = "access-0", refresh: str = "refresh-0") -> Tokens:
    return Tokens(access=access, refresh=refresh, expires_at=NOW + lives)


def open_client(vendor: Callable[[httpx.Request], httpx.Response], store: MemoryTokens) -> ApiClient:
    def read(answer: httpx.Response, _: Tokens | None) -> Tokens:
        body = answer.json()
        return tokens(HOUR, body["access"], body["refresh"])

    auth = TokenAuth(
        vendor="acme",
        store=store,
        renew=lambda known: httpx.Request("POST", LOGIN, content=known.refresh if known else "first"),
        read=read,
        put=lambda request, access: request.headers.update({"authorization": f"Bearer {access}"}),
        clock=NOW.timestamp,
    )
    transport = httpx.MockTransport(vendor)
    return ApiClient(vendor="acme", base_url=BASE, auth=auth, transport=transport, sleep=lambda _: None)


def test_a_living_token_is_just_used(vendor: Vendor, story: list[str]) -> None:
    open_client(vendor, SharedTokens(tokens(HOUR), story)).request("GET", "/orders")
    assert story == ["call access-0"]


def test_a_token_is_renewed_before_it_ends_and_stored_before_it_is_used(vendor: Vendor, story: list[str]) -> None:
    # given a token that still lives for four minutes
    store = SharedTokens(tokens(timedelta(minutes=4)), story)
    # when something is asked
    open_client(vendor, store).request("GET", "/orders")
    # then the new pair was stored, under the lock, before anyone used it
    assert story == ["lock", "renew refresh-0", "store access-1", "unlock", "call access-1"]
    assert store.tokens is not None
    assert (store.tokens.refresh, store.tokens.generation) == ("refresh-1", 1)


def test_the_first_token_is_fetched_when_there_is_none(vendor: Vendor, story: list[str]) -> None:
    vendor.refresh = "first"
    open_client(vendor, SharedTokens(None, story)).request("GET", "/orders")
    assert story == ["lock", "renew first", "store access-1", "unlock", "call access-1"]


def test_a_token_refused_early_is_renewed_once(vendor: Vendor, story: list[str]) -> None:
    # given a token that the vendor has revoked long before its end
    vendor.good = "something newer"
    # when something is written
    answer = open_client(vendor, SharedTokens(tokens(HOUR), story)).request("POST", "/orders", json={})
    # then it is renewed and the call is made again
    assert answer.is_success
    assert story == ["call access-0", "lock", "renew refresh-0", "store access-1", "unlock", "call access-1"]


def test_a_new_token_that_is_refused_too_ends_it(vendor: Vendor, story: list[str]) -> None:
    # given a vendor that refuses every token of ours, e.g. because the app was uninstalled
    vendor.good = "nobody's"
    vendor.token_answers = [httpx.Response(200, json={"access": "access-x", "refresh": "refresh-x"})]
    # when something is asked, then that is told after one renewal
    with pytest.raises(NotAuthorised):
        open_client(vendor, SharedTokens(tokens(HOUR), story)).request("GET", "/orders")
    assert story.count("renew refresh-0") == 1
    assert story[-1] == "call access-x"


def test_one_of_many_renews_and_the_others_wait_for_it(vendor: Vendor, story: list[str]) -> None:
    # given an expired token, and a vendor that retires a refresh token at its first use
    store = SharedTokens(tokens(-HOUR), story)
    client = open_client(vendor, store)
    # when eight threads call at once
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.request("GET", "/orders"), range(8)))
    # then all are answered and the token was renewed once
    assert [answer.status_code for answer in answers] == [200] * 8
    assert [step for step in story if step.startswith("renew")] == ["renew refresh-0"]


def test_what_another_process_renewed_is_used(vendor: Vendor, story: list[str]) -> None:
    # given that another process renewed the token after we had loaded ours
    store = SharedTokens(tokens(HOUR), story)
    vendor.renewed("refresh-0")
    fresh = tokens(HOUR, "access-1", "refresh-1")

    def meanwhile(request: httpx.Request) -> httpx.Response:
        if store.tokens and store.tokens.access == "access-0":
            store.save(fresh)
        return vendor(request)

    story.clear()
    # when ours is refused
    open_client(meanwhile, store).request("GET", "/orders")
    # then theirs is used and nothing is renewed
    assert story == ["store access-1", "call access-0", "lock", "unlock", "call access-1"]


def test_a_refused_renewal_needs_a_person(vendor: Vendor, story: list[str]) -> None:
    # given a refresh token that was used before
    store = SharedTokens(tokens(-HOUR, refresh="s3cret-refresh"), story)
    # when a call needs it
    with pytest.raises(NotAuthorised, match="invalid_grant") as caught:
        open_client(vendor, store).request("GET", "/orders")
    # then a person is told what to do, without the token that the vendor quotes, and others may try
    assert "reconnect" in caught.value.hint
    assert "s3cret" not in all_words(caught.value)
    assert not store.lock.locked()


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_a_token_endpoint_that_is_down_comes_back(vendor: Vendor, story: list[str], status: int) -> None:
    # given a token endpoint that fails twice
    vendor.token_answers = [httpx.Response(status), httpx.Response(status)]
    # when a write needs it, then it is asked again and the write goes through once
    open_client(vendor, SharedTokens(tokens(-HOUR), story)).request("POST", "/orders", json={})
    assert [step for step in story if step.startswith("call")] == ["call access-1"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_token_endpoint_that_stays_down_refuses_nobody(vendor: Vendor, story: list[str], status: int) -> None:
    vendor.token_answers = [httpx.Response(status, text="refresh-0")] * 9
    with pytest.raises(TemporarilyUnavailable, match=f"token endpoint answered {status}"):
        open_client(vendor, SharedTokens(tokens(-HOUR), story)).request("POST", "/orders", json={})
    assert not [step for step in story if step.startswith("call")]


def test_a_write_that_is_lost_after_a_renewal_is_in_doubt(vendor: Vendor, story: list[str]) -> None:
    # given that the token is renewed, and then the vendor falls silent
    def lost(request: httpx.Request) -> httpx.Response:
        if str(request.url) == LOGIN:
            return vendor(request)
        raise httpx.ReadTimeout("late")

    # when something is written, then nobody knows whether it was applied
    with pytest.raises(OutcomeUnknown):
        open_client(lost, SharedTokens(tokens(-HOUR), story)).request("POST", "/orders", json={})


def test_a_lost_token_answer_leaves_the_lock_free(vendor: Vendor, story: list[str]) -> None:
    store = SharedTokens(tokens(-HOUR), story)

    def lost(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late")

    with pytest.raises(TemporarilyUnavailable):
        open_client(lost, store).request("GET", "/orders")
    assert not store.lock.locked()


def test_a_token_endpoint_cannot_send_us_elsewhere(vendor: Vendor, story: list[str]) -> None:
    vendor.token_answers = [httpx.Response(307, headers={"location": "https://evil.test"})]
    with pytest.raises(NotAuthorised, match="307"):
        open_client(vendor, SharedTokens(tokens(-HOUR), story)).request("GET", "/orders")
    assert story == ["lock", "renew refresh-0"]


def test_a_fixed_header_is_sent_with_every_call() -> None:
    request = httpx.Request("GET", BASE)
    next(HeaderAuth("api-key", "k").auth_flow(request))
    assert request.headers["api-key"] == "k"


# ---- nothing shows a token ----

SECRETS = ("s3cret-access", "s3cret-refresh")


def shown(value: Any) -> list[str]:
    """The secrets among `SECRETS` that some way of showing `value` gives away."""
    console = Console(record=True, width=500, file=io.StringIO())
    console.print(value)
    ways = [str(value), repr(value), f"{value}", f"{[value]!r}", pretty_repr(value), console.export_text()]
    return [secret for secret in SECRETS if any(secret in way for way in ways)]


def test_tokens_do_not_show_what_they_are() -> None:
    pair = tokens(HOUR, *SECRETS)
    assert shown(pair) == []
    assert shown(MemoryTokens(pair)) == []
    assert "generation=0" in repr(pair)


@pytest.mark.parametrize(
    "wrong",
    [
        {"access": SECRETS[0], "refresh": SECRETS[1]},
        {"access": SECRETS[0], "refresh": [SECRETS[1]], "expires_at": NOW},
        {"access": SECRETS[0], "refresh": SECRETS[1], "expires_at": NOW, "scope": SECRETS[1]},
        {"access": SECRETS[0], "expires_at": SECRETS[1]},
    ],
)
def test_tokens_that_are_refused_do_not_show_either(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Tokens.model_validate(wrong)
    assert shown(caught.value) == []
