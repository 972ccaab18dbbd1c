"""How we prove who we are: fixed headers, and tokens that expire."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta

import httpx

from commerce.errors import NotAuthorised, TemporarilyUnavailable
from commerce.ports import Tokens, TokenStore
from integrations import bounded

EARLY = timedelta(minutes=5)
"""A token with less life than this is renewed before it is used."""

Flow = Generator[httpx.Request, httpx.Response, None]


class HeaderAuth(httpx.Auth):
    """One fixed header, e.g. an API key."""

    def __init__(self, header: str, value: str) -> None:
        self._header = header
        self._value = value

    def auth_flow(self, request: httpx.Request) -> Flow:
        """Send the header."""
        request.headers[self._header] = self._value
        yield request


class TokenAuth(httpx.Auth):
    """An access token that is renewed shortly before it expires, and once more when it is refused with 401.

    One process renews at a time (`TokenStore.refreshing`); the others find the new pair in the store. A new pair is
    stored before it is used. `renew` builds the request to the token endpoint from the newest pair (None the first
    time); `read` turns its good answer into tokens; `put` writes the access token on a request; `refused` may raise
    what a bad answer means at this vendor, before it is judged by its status.
    """

    def __init__(
        self,
        *,
        vendor: str,
        store: TokenStore,
        renew: Callable[[Tokens | None], httpx.Request],
        read: Callable[[httpx.Response, Tokens | None], Tokens],
        put: Callable[[httpx.Request, str], None],
        clock: Callable[[], float] = time.time,
        early: timedelta = EARLY,
        refused: Callable[[httpx.Response], None] | None = None,
    ) -> None:
        self._vendor = vendor
        self._store = store
        self._renew = renew
        self._read = read
        self._put = put
        self._clock = clock
        self._early = early
        self._refused = refused
        self._kept: Tokens | None = None

    def auth_flow(self, request: httpx.Request) -> Flow:
        """Send with a living token; on 401 renew once and send again. Raises NotAuthorised when that is refused."""
        tokens = self._kept
        if tokens is None or self._stale(tokens):
            tokens = self._store.load()  # another process may have renewed it
        if tokens is None or self._stale(tokens):
            tokens = yield from self._renewed(tokens)
        self._kept = tokens
        self._put(request, tokens.access)
        response = yield request
        if response.status_code != 401:
            return
        self._read_whole(response)
        self._kept = yield from self._renewed(tokens)
        self._put(request, self._kept.access)
        yield request

    def _renewed(self, known: Tokens | None) -> Generator[httpx.Request, httpx.Response, Tokens]:
        with self._store.refreshing():
            newest = self._store.load()
            if newest and not self._stale(newest) and (known is None or newest.generation != known.generation):
                return newest
            answer = yield self._renew(newest)
            self._read_whole(answer)
            if self._refused and not answer.is_success:
                self._refused(answer)
            refuse_bad_token_answer(self._vendor, answer)
            return self._store.save(self._read(answer, newest))

    def _read_whole(self, answer: httpx.Response) -> None:
        """What is followed by another call is read here; the last answer is read by the client, which bounds it too."""
        most, longest = bounded.LONGEST_TOKEN_ANSWER, bounded.LONGEST_TOKEN_CALL
        bounded.keep(answer, b"".join(bounded.parts(self._vendor, answer, most, longest)))

    def _stale(self, tokens: Tokens) -> bool:
        return tokens.expires_at - self._early <= datetime.fromtimestamp(self._clock(), UTC)


def refuse_bad_token_answer(vendor: str, answer: httpx.Response) -> None:
    """Raise what a token endpoint's refusal means: a person must reconnect, or it is down for now."""
    if answer.status_code in (408, 429) or answer.status_code >= 500:
        raise TemporarilyUnavailable(vendor, f"its token endpoint answered {answer.status_code}")
    if not answer.is_success:
        raise NotAuthorised(
            vendor,
            f"refuses to renew our access ({answer.status_code} {oauth_error(answer)})",
            hint="put new credentials in its BACKROOM_… variables, then: backroom reconnect <connection>",
        )


def oauth_error(answer: httpx.Response) -> str:
    """The `error` word of an OAuth answer, which holds no secret; empty when there is none."""
    try:
        body = answer.json()
    except (ValueError, UnicodeDecodeError):
        return ""
    return str(body.get("error", ""))[:80] if isinstance(body, dict) else ""


class MemoryTokens:
    """A token store for tests and for credentials that never change."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self.tokens = tokens

    def load(self) -> Tokens | None:
        """The newest pair."""
        return self.tokens

    def save(self, tokens: Tokens) -> Tokens:
        """Keep the pair."""
        generation = (self.tokens.generation if self.tokens else 0) + 1
        self.tokens = tokens.model_copy(update={"generation": generation})
        return self.tokens

    def refreshing(self) -> _Nothing:
        """Nobody else is here."""
        return _Nothing()


class _Nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None
