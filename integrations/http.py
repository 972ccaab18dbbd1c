"""How a vendor is called: retries, errors, pace, bounds and counting. The only place that knows status codes."""

from __future__ import annotations

import logging
import math
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, BinaryIO, Literal, Protocol

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from commerce.errors import (
    IntegrationError,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    TemporarilyUnavailable,
    UnexpectedAnswer,
)
from commerce.failpoints import reached
from commerce.ports import CallLog
from integrations import bounded
from integrations.dates import Timekeeper, answered_at
from integrations.quoted import credentials, without_credentials

log = logging.getLogger(__name__)

# httpx writes whole URLs at INFO, and a URL can hold a secret (a Slack webhook) or a person (a search by e-mail).
logging.getLogger("httpx").setLevel(logging.WARNING)

Safety = Literal["read", "repeatable", "once"]
"""read: changes nothing. repeatable: a write that the vendor applies once however often it arrives. once: a write
whose lost answer leaves us in doubt."""


@lru_cache(maxsize=1)
def certificates() -> ssl.SSLContext:
    """Whom we trust, read once: building this takes 30 ms of CPU for each client otherwise."""
    return httpx.create_ssl_context(trust_env=False)


LONGEST_CALL = 4
"""Times the network's own limit, which is for each part of an answer; then the whole of it counts as none."""

LONGEST_FILE = 1800.0

REFUSED_CREDENTIAL = frozenset({401, 402, 403, 423})
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


_permit: ContextVar[Callable[[], None]] = ContextVar("permit")


@contextmanager
def calls_ask(permit: Callable[[], None]) -> Iterator[None]:
    """Inside the block each call of this thread asks first; `permit` raises what forbids it."""
    before = _permit.set(permit)
    try:
        yield
    finally:
        _permit.reset(before)


class Pace(Protocol):
    """Slows us down to what the vendor allows."""

    def wait(self) -> None:
        """Return when one more call may be made."""
        ...


class ApiClient:
    """One vendor connection over HTTP.

    `inspect` is given every answer before its status is judged and raises what the vendor's own body says (a fault
    inside a 200, a throttle inside a 403). `hosts` may be called besides the base URL's own; any other absolute URL
    is refused, and redirects are not followed, so that an answer cannot send our credential elsewhere. `request_id` is
    the header that support asks for, or a function that finds it in the answer.
    """

    def __init__(
        self,
        *,
        vendor: str,
        base_url: str,
        auth: httpx.Auth | None = None,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
        inspect: Callable[[httpx.Response], None] | None = None,
        pace: Pace | None = None,
        calls: CallLog | None = None,
        times: Timekeeper | None = None,
        sleep: Callable[[float], None] = time.sleep,
        timeout: float = 30.0,
        tries: int = 4,
        longest_wait: float = 20.0,
        request_id: str | Callable[[httpx.Response], str] = "x-request-id",
        hosts: Collection[str] = (),
        longest_answer: int = bounded.MAX_ANSWER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.vendor = vendor
        self._inspect = inspect
        self._pace = pace
        self._calls = calls
        self._times = times
        self.answered_at: datetime | None = None
        """When the latest answer was given, by the vendor's own clock; None when it did not say."""
        self._sleep = sleep
        self._tries = tries
        self._longest_wait = longest_wait
        self._request_id = request_id
        self._longest_answer = longest_answer
        self._longest_call = LONGEST_CALL * timeout
        self._clock = clock
        self._client = httpx.Client(
            base_url=base_url,
            auth=auth,
            headers={"user-agent": "backroom/0.1", **(headers or {})},
            transport=transport,
            timeout=httpx.Timeout(timeout, connect=10.0),
            follow_redirects=False,
            trust_env=False,
            verify=certificates(),
            # Every call on the wire, also those for a token.
            event_hooks={"request": [_about_to_call], "response": [_was_answered]},
        )
        self._schemes = {"https", httpx.URL(base_url).scheme}
        self._hosts = {httpx.URL(base_url).netloc, *(host.encode() for host in hosts)}

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        safety: Safety | None = None,
        expect: Collection[int] = (),
        operation: str = "",
        into: BinaryIO | None = None,
        **arguments: Any,
    ) -> httpx.Response:
        """Call one endpoint and return its good answer; statuses in `expect` are good too (a 404 that means "none").

        `arguments` are httpx's own (params, json, content, headers). Retries what is worth it for some seconds, then
        raises: TemporarilyUnavailable when surely nothing was applied, OutcomeUnknown when a write may have been.
        `operation` names the call in errors and counts, instead of its path: give it where the path is secret or long.
        `into` takes the body of a good answer, as far as it came, instead of memory; what it holds is overwritten.
        """
        care: Safety = safety or ("read" if method in ("GET", "HEAD") else "once")
        request = self._built(method, path, arguments)
        self._refuse_foreign_host(request.url)
        name = operation or f"{method} {request.url.path}"
        retrying = Retrying(
            retry=retry_if_exception_type(TemporarilyUnavailable) | retry_if_exception_type(_LostAnswer),
            wait=self._wait,
            stop=self._stop,
            sleep=self._sleep,
            reraise=True,
            before_sleep=lambda state: lost.append(state.outcome.exception() if state.outcome else None),
        )
        lost = list[BaseException | None]()
        try:
            return retrying(self._once, request, care, frozenset(expect), name, into)
        except (_LostAnswer, TemporarilyUnavailable) as last:
            # What refuses us now says nothing of a try before it that got no answer.
            doubt = next((one for one in (last, *lost) if isinstance(one, _LostAnswer)), None)
            if doubt is None:
                raise
            raise doubt.final(care) from doubt.__cause__

    def _built(self, method: str, path: str, arguments: Mapping[str, Any]) -> httpx.Request:
        try:
            return self._client.build_request(method, path, **arguments)
        except httpx.InvalidURL as error:
            raise UnexpectedAnswer(self.vendor, f"refusing to call what is no web address ({error})") from error

    def _once(
        self, request: httpx.Request, care: Safety, expect: frozenset[int], name: str, into: BinaryIO | None
    ) -> httpx.Response:
        if self._pace:
            self._pace.wait()
        if permit := _permit.get(None):
            permit()
        if care != "read":
            reached("writing")  # whoever stands still here has asked, and writes when it goes on
        started, status = time.monotonic(), 0
        try:
            response = self._send(request, care, name, into)
            status = response.status_code
            self.answered_at = answered_at(response)
            if self._times and self.answered_at:
                self._times.heard(self.answered_at, time.monotonic() - started)
        finally:
            if self._calls:
                self._calls.called(name, status, time.monotonic() - started)
        self._judge(response, care, expect, name)
        return response

    def _send(self, request: httpx.Request, care: Safety, name: str, into: BinaryIO | None) -> httpx.Response:
        try:
            response = self._client.send(request, stream=True)
            try:
                self._read(response, into if response.is_success else None)
            finally:
                response.close()
        except NEVER_SENT as error:
            raise TemporarilyUnavailable(self.vendor, f"cannot be reached ({type(error).__name__})") from error
        except httpx.LocalProtocolError:  # its words quote the header, so they are not kept
            raise NotAuthorised(
                self.vendor,
                "cannot be asked: a header, most likely our credential, has a character that HTTP cannot carry",
                hint="look for a line break or a placeholder in this connection's secrets",
            ) from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            kind = type(error).__name__
            if error.request is not request:  # lost on the way to a token: the call itself was never sent
                raise TemporarilyUnavailable(self.vendor, f"no answer when renewing our access ({kind})") from error
            raise self._lost(f"no answer to {name} ({kind})", care) from error
        return response

    def _read(self, response: httpx.Response, into: BinaryIO | None) -> None:
        found = list[bytes]()
        take: Callable[[bytes], Any] = found.append
        if into is not None:
            into.seek(0)
            into.truncate()
            take = into.write
        longest = self._longest_call if into is None else max(self._longest_call, LONGEST_FILE)
        for part in bounded.parts(self.vendor, response, self._longest_answer, longest, self._clock):
            take(part)
        bounded.keep(response, without_credentials(response.request, b"".join(found)))

    def _judge(self, response: httpx.Response, care: Safety, expect: frozenset[int], name: str) -> None:
        status = response.status_code
        if status in expect:
            return
        if self._inspect:
            self._inspect(response)
        if response.is_success:
            return
        words, request_id = f"{name} answered {status}: {excerpt(response)}", self._number(response)
        if status == 429:
            raise RateLimited(self.vendor, words, request_id=request_id, retry_after=told_wait(response))
        if status in REFUSED_CREDENTIAL:
            raise NotAuthorised(self.vendor, words, request_id=request_id)
        if status >= 500 or status in (408, 430):
            raise self._lost(words, care, request_id, told_wait(response))
        if response.is_redirect:
            raise UnexpectedAnswer(self.vendor, words, request_id=request_id, hint="check base_url in stack.toml")
        raise Rejected(self.vendor, words, request_id=request_id)

    def _number(self, response: httpx.Response) -> str:
        """What the vendor calls this answer."""
        if callable(self._request_id):
            return self._request_id(response)
        return str(response.headers.get(self._request_id, ""))

    def _lost(self, words: str, care: Safety, request_id: str = "", wait: float | None = None) -> IntegrationError:
        """The error for an answer that does not say whether the call was applied."""
        if care == "read":
            return TemporarilyUnavailable(self.vendor, words, request_id=request_id, retry_after=wait)
        if care == "repeatable":
            return _LostAnswer(self.vendor, words, request_id=request_id, retry_after=wait)
        return OutcomeUnknown(self.vendor, words, request_id=request_id)

    def _wait(self, state: RetryCallState) -> float:
        """Seconds until the next try: what the vendor asked for, else back-off with jitter."""
        error = state.outcome.exception() if state.outcome else None
        told = getattr(error, "retry_after", None)
        return float(told) if told is not None else wait_random_exponential(multiplier=0.5, max=10)(state)

    def _stop(self, state: RetryCallState) -> bool:
        """Whether to give up: too many tries, or the vendor asks for more patience than a call has."""
        error = state.outcome.exception() if state.outcome else None
        told = getattr(error, "retry_after", None) or 0.0
        return told > self._longest_wait or stop_after_attempt(self._tries)(state)

    def _refuse_foreign_host(self, url: httpx.URL) -> None:
        if url.netloc not in self._hosts or url.scheme not in self._schemes or url.userinfo:
            raise UnexpectedAnswer(self.vendor, f"refusing to call {url.host}, which is not this connection's host")


def _about_to_call(_: httpx.Request) -> None:
    reached("before-call")


def _was_answered(_: httpx.Response) -> None:
    reached("after-call")  # the vendor has it, and nobody has read what it says


class _LostAnswer(IntegrationError):
    """A repeatable write without an answer: worth another try at once, in doubt if that fails too."""

    def __init__(self, vendor: str, message: str, *, request_id: str = "", retry_after: float | None = None) -> None:
        super().__init__(vendor, message, request_id=request_id)
        self.message = message
        self.retry_after = retry_after

    def final(self, care: Safety) -> IntegrationError:
        return OutcomeUnknown(self.vendor, self.message, request_id=self.request_id)


def told_wait(response: httpx.Response) -> float | None:
    """Seconds that Retry-After asks for, as a number or a date of the vendor's clock; None when it is unreadable."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        now = answered_at(response)
        return max(0.0, parsedate_to_datetime(value).timestamp() - (now.timestamp() if now else time.time()))
    except (ValueError, TypeError, OverflowError):
        return None


def excerpt(response: httpx.Response, longest: int = 300) -> str:
    """The beginning of the answer's text, on one line, for an error message; without our credential if it quotes it."""
    text = " ".join(response.text[: 20 * longest].split())
    for credential in credentials(response.request):
        text = text.replace(credential, "***")
    return text if len(text) <= longest else text[:longest] + "…"


def answered_json(vendor: str, response: httpx.Response) -> Any:
    """The answer's JSON. Raises UnexpectedAnswer for anything else, such as a proxy's HTML page."""
    try:
        return response.json()
    except (ValueError, UnicodeDecodeError) as error:
        kind = response.headers.get("content-type", "no content type")
        raise UnexpectedAnswer(vendor, f"answered {response.status_code} with {kind} instead of JSON") from error
