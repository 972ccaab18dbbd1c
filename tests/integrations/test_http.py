"""How vendors are called: what is tried again, what is in doubt, what is refused, and what no error ever says."""

from __future__ import annotations

import gzip
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from commerce.errors import (
    HubError,
    IntegrationError,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    TemporarilyUnavailable,
    UnexpectedAnswer,
)
from commerce.ports import Tokens
from integrations.auth import HeaderAuth, MemoryTokens, TokenAuth
from integrations.http import ApiClient, answered_json

BASE = "https://api.vendor.test/v1"
SECRET = "s3cret-key-of-the-shop"

Answers = list[httpx.Response | Exception]


class Calls:
    """A call log that keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    def called(self, operation: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.seen.append((operation, status))


class Vendor:
    """Gives the prepared answers in turn, the last one for ever, and keeps the requests."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers: Answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def open_client(slept: list[float]) -> Callable[..., ApiClient]:
    """A client on a vendor; keywords are ApiClient's own."""

    def opened(vendor: Vendor, **options: Any) -> ApiClient:
        given = {"vendor": "acme", "base_url": BASE, "sleep": slept.append, **options}
        return ApiClient(transport=httpx.MockTransport(vendor), **given)

    return opened


Open = Callable[..., ApiClient]


def ok(body: Any = None) -> httpx.Response:
    return httpx.Response(200, json={"well": True} if body is None else body)


def all_words(error: BaseException) -> str:
    """Everything that could end up in a log: message, repr, hint and the traceback with its causes."""
    hint = error.hint if isinstance(error, HubError) else ""
    return "\n".join([str(error), repr(error), hint, *traceback.format_exception(error)])


# ---- trying again ----


@pytest.mark.parametrize(("told", "waited"), [("2", 2.0), ("0.25", 0.25), ("0", 0.0), ("-3", 0.0)])
def test_waits_just_as_long_as_the_vendor_asks(open_client: Open, slept: list[float], told: str, waited: float) -> None:
    # given a vendor that refuses the first call and says how long to wait
    vendor = Vendor(httpx.Response(429, headers={"retry-after": told}), ok())
    # when it is asked
    answer = open_client(vendor).request("GET", "/orders")
    # then the second try succeeds, after exactly that wait
    assert answer.json() == {"well": True}
    assert slept == [waited]


def test_a_wait_may_be_told_as_a_date(open_client: Open, slept: list[float]) -> None:
    # given a vendor that names the moment from which on it answers again
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=12), usegmt=True)
    vendor = Vendor(httpx.Response(503, headers={"retry-after": later}), ok())
    # when it is asked
    open_client(vendor).request("GET", "/orders")
    # then that moment is waited for; the header has whole seconds
    assert len(slept) == 1
    assert 9.0 < slept[0] <= 12.0


def test_a_date_that_is_over_asks_for_no_wait(open_client: Open, slept: list[float]) -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    vendor = Vendor(httpx.Response(429, headers={"retry-after": past}), ok())
    open_client(vendor).request("GET", "/orders")
    assert slept == [0.0]


@pytest.mark.parametrize("told", ["soon", "inf", "nan", "1e999", "Mon, 99 Foo 2026 25:61:00 GMT"])
def test_a_wait_that_cannot_be_read_is_our_own(open_client: Open, slept: list[float], told: str) -> None:
    vendor = Vendor(httpx.Response(429, headers={"retry-after": told}), ok())
    open_client(vendor).request("GET", "/orders")
    assert len(slept) == 1
    assert 0.0 <= slept[0] <= 10.0


def test_a_wait_longer_than_a_call_has_is_raised_and_not_slept(open_client: Open, slept: list[float]) -> None:
    # given a vendor that asks for an hour
    vendor = Vendor(httpx.Response(429, headers={"retry-after": "3600", "x-request-id": "r-7"}))
    # when it is asked
    with pytest.raises(RateLimited) as caught:
        open_client(vendor).request("GET", "/orders")
    # then the hub is told at once, with the wait and the vendor's own name of the call
    assert caught.value.retry_after == 3600.0
    assert caught.value.request_id == "r-7"
    assert slept == []
    assert len(vendor.requests) == 1


def test_gives_up_after_its_tries(open_client: Open, slept: list[float]) -> None:
    vendor = Vendor(httpx.Response(429, headers={"retry-after": "1"}))
    with pytest.raises(RateLimited):
        open_client(vendor, tries=3).request("POST", "/orders", json={})
    assert len(vendor.requests) == 3
    assert slept == [1.0, 1.0]


# ---- what is in doubt ----


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 430])
def test_a_read_that_failed_there_changed_nothing(open_client: Open, status: int) -> None:
    vendor = Vendor(httpx.Response(status, text="on fire"))
    with pytest.raises(TemporarilyUnavailable, match=f"acme: GET /v1/orders answered {status}: on fire"):
        open_client(vendor).request("GET", "/orders")
    assert len(vendor.requests) == 4


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_repeatable_write_is_tried_again_and_then_in_doubt(open_client: Open, status: int) -> None:
    vendor = Vendor(httpx.Response(status, headers={"x-request-id": "r-9"}))
    with pytest.raises(OutcomeUnknown, match=r"\[request r-9\]") as caught:
        open_client(vendor).request("PUT", "/orders/1", json={}, safety="repeatable")
    assert type(caught.value) is OutcomeUnknown
    assert len(vendor.requests) == 4


def test_a_repeatable_write_that_gets_through_is_well(open_client: Open, slept: list[float]) -> None:
    vendor = Vendor(httpx.Response(503, headers={"retry-after": "2"}), httpx.ReadTimeout("late"), ok())
    assert open_client(vendor).request("PUT", "/orders/1", json={}, safety="repeatable").is_success
    assert [request.content for request in vendor.requests] == [b"{}"] * 3
    assert slept[0] == 2.0


@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(500),
        httpx.Response(504),
        httpx.ReadTimeout("late"),
        httpx.WriteTimeout("late"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
    ],
    ids=lambda failure: getattr(failure, "status_code", type(failure).__name__),
)
def test_a_write_is_in_doubt_at_once(open_client: Open, slept: list[float], failure: Any) -> None:
    # given a vendor that may have applied what it did not confirm
    vendor = Vendor(failure)
    # when something is written there that must not be written twice
    with pytest.raises(OutcomeUnknown):
        open_client(vendor).request("POST", "/orders", json={})
    # then it is not sent again
    assert len(vendor.requests) == 1
    assert slept == []


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("late"), httpx.RemoteProtocolError("gone")], ids=repr)
def test_a_read_without_an_answer_is_tried_again(open_client: Open, failure: Exception) -> None:
    vendor = Vendor(failure, ok())
    assert open_client(vendor).request("GET", "/orders").json() == {"well": True}


@pytest.mark.parametrize("failure", [httpx.ConnectError("refused"), httpx.ConnectTimeout("no route")], ids=repr)
def test_a_write_that_never_left_is_surely_not_applied(open_client: Open, failure: Exception) -> None:
    vendor = Vendor(failure)
    with pytest.raises(TemporarilyUnavailable, match="cannot be reached"):
        open_client(vendor).request("POST", "/orders", json={})
    assert len(vendor.requests) == 4


def test_a_429_of_a_write_is_surely_not_applied(open_client: Open) -> None:
    vendor = Vendor(httpx.Response(429, headers={"retry-after": "0"}), ok())
    assert open_client(vendor).request("POST", "/orders", json={}).is_success


def test_what_is_lost_on_the_way_to_a_token_was_no_write(open_client: Open) -> None:
    # given an expired token, and a token endpoint that does not answer
    auth = TokenAuth(
        vendor="acme",
        store=MemoryTokens(),
        renew=lambda _: httpx.Request("POST", "https://login.vendor.test/token"),
        read=lambda answer, _: Tokens(access=answer.json()["access"], expires_at=datetime.max.replace(tzinfo=UTC)),
        put=lambda request, access: request.headers.update({"authorization": access}),
    )
    vendor = Vendor(httpx.ReadTimeout("late"))
    # when something is written
    with pytest.raises(TemporarilyUnavailable, match="renewing our access"):
        open_client(vendor, auth=auth).request("POST", "/orders", json={})
    # then only the token was asked for, and the write is surely not applied
    assert {request.url.path for request in vendor.requests} == {"/token"}


# ---- refusals ----


@pytest.mark.parametrize("status", [401, 402, 403, 423])
def test_a_refused_credential_is_told_as_such_and_not_tried_again(open_client: Open, status: int) -> None:
    vendor = Vendor(httpx.Response(status, json={"errors": "[API] Invalid key"}))
    with pytest.raises(NotAuthorised, match="Invalid key"):
        open_client(vendor).request("GET", "/orders")
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("status", [400, 404, 409, 410, 413, 415, 422, 451])
def test_a_refusal_quotes_the_vendor(open_client: Open, status: int) -> None:
    vendor = Vendor(httpx.Response(status, text='{"errors":\n  {"email": ["is invalid"]}}'))
    with pytest.raises(Rejected) as caught:
        open_client(vendor).request("POST", "/orders", json={})
    words = f'acme: POST /v1/orders answered {status}: {{"errors": {{"email": ["is invalid"]}}}}'
    assert str(caught.value) == words
    assert len(vendor.requests) == 1


def test_a_refusal_quotes_no_novel(open_client: Open) -> None:
    vendor = Vendor(httpx.Response(422, text="wrong " * 10_000))
    with pytest.raises(Rejected) as caught:
        open_client(vendor).request("POST", "/orders", json={})
    assert len(str(caught.value)) < 400
    assert str(caught.value).endswith("…")


def test_an_expected_status_is_an_answer(open_client: Open) -> None:
    # given that a 404 means "none" and a 503 would mean the same
    judged: list[int] = []
    vendor = Vendor(httpx.Response(404), httpx.Response(503))
    client = open_client(vendor, inspect=lambda response: judged.append(response.status_code))
    # when both are expected, then both come back, without the vendor's body being judged
    assert client.request("GET", "/orders/1", expect=(404, 503)).status_code == 404
    assert client.request("GET", "/orders/1", expect=(404, 503)).status_code == 503
    assert judged == []


def test_a_fault_inside_a_success_is_the_vendors_own_word(open_client: Open) -> None:
    # given a vendor that says no inside a 200, first for now and then for good
    def look(response: httpx.Response) -> None:
        word = response.json().get("fault")
        if word == "slow":
            raise RateLimited("acme", "too fast", retry_after=3.0)
        if word:
            raise Rejected("acme", word)

    slow, wrong = ok({"fault": "slow"}), ok({"fault": "no such item"})
    slept: list[float] = []
    client = open_client(Vendor(slow, wrong), inspect=look, sleep=slept.append)
    # when it is asked, then the throttle is waited out and the refusal is raised
    with pytest.raises(Rejected, match="no such item"):
        client.request("POST", "/orders", json={})
    assert slept == [3.0]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(open_client: Open, status: int) -> None:
    vendor = Vendor(httpx.Response(status, headers={"location": "https://evil.test/"}))
    with pytest.raises(UnexpectedAnswer, match=str(status)) as caught:
        open_client(vendor, auth=HeaderAuth("x-api-key", SECRET)).request("GET", "/orders")
    assert caught.value.hint == "check base_url in stack.toml"
    assert [request.url.host for request in vendor.requests] == ["api.vendor.test"]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/orders?page=2",
        "https://api.vendor.test@evil.test/orders",
        "https://api.vendor.test:pw@evil.test/orders",
        "https://key@api.vendor.test/orders",
        "https://evil.test\\@api.vendor.test/orders",
        "https://api.vendor.test.evil.test/orders",
        "https://api.vendor.test:8443/orders",
        "http://api.vendor.test/orders",
        "ftp://api.vendor.test/orders",
        "https://[bad/orders",
        "https://api.vendor.test:port/orders",
    ],
)
def test_an_answer_cannot_send_us_elsewhere(open_client: Open, url: str) -> None:
    # given a vendor's answer whose "next" link points somewhere else
    vendor = Vendor(ok())
    # when it is followed
    with pytest.raises(UnexpectedAnswer, match="refusing to call"):
        open_client(vendor, auth=HeaderAuth("x-api-key", SECRET)).request("GET", url)
    # then nobody is called
    assert vendor.requests == []


def test_our_own_host_and_named_ones_may_be_called_by_full_address(open_client: Open) -> None:
    vendor = Vendor(ok())
    client = open_client(vendor, hosts=["files.vendor.test"])
    for url in (f"{BASE}/orders?page=2", "https://api.vendor.test:443/v1/x", "https://files.vendor.test/f", "//evil/x"):
        client.request("GET", url)
    hosts = [request.url.host for request in vendor.requests]
    assert hosts == ["api.vendor.test", "api.vendor.test", "files.vendor.test", "api.vendor.test"]


# ---- answers that we cannot read ----


def test_an_answer_without_end_is_refused(open_client: Open) -> None:
    # given an answer that goes on for ever
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 1000

    vendor = Vendor(httpx.Response(200, content=endless()))
    # when it is read, then reading stops at the limit
    with pytest.raises(UnexpectedAnswer, match="more than 10000 bytes"):
        open_client(vendor, longest_answer=10_000).request("GET", "/orders")


def test_an_answer_is_bounded_also_where_tokens_are_renewed(open_client: Open) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 1_000_000:
            sent += 1000
            yield b"x" * 1000

    living = Tokens(access=SECRET, expires_at=datetime.max.replace(tzinfo=UTC))
    auth = TokenAuth(
        vendor="acme",
        store=MemoryTokens(living),
        renew=lambda _: httpx.Request("POST", "https://login.vendor.test/token"),
        read=lambda *_: living,
        put=lambda request, access: request.headers.update({"authorization": access}),
    )
    vendor = Vendor(httpx.Response(200, content=endless()))
    with pytest.raises(UnexpectedAnswer, match="more than 10000 bytes"):
        open_client(vendor, auth=auth, longest_answer=10_000).request("GET", "/orders")
    assert sent < 20_000


def test_a_small_answer_that_unpacks_into_a_huge_one_is_refused(open_client: Open) -> None:
    packed = gzip.compress(b"0" * 1_000_000)
    vendor = Vendor(httpx.Response(200, content=iter([packed]), headers={"content-encoding": "gzip"}))
    with pytest.raises(UnexpectedAnswer, match="more than 10000 bytes"):
        open_client(vendor, longest_answer=10_000).request("GET", "/orders")


def test_half_a_packed_answer_is_no_answer(open_client: Open) -> None:
    half = gzip.compress(b'{"orders": [1, 2, 3, 4, 5, 6, 7, 8, 9]}')[:-20]
    vendor = Vendor(httpx.Response(200, content=iter([half]), headers={"content-encoding": "gzip"}))
    answer = open_client(vendor).request("GET", "/orders")
    with pytest.raises(UnexpectedAnswer, match="instead of JSON"):
        answered_json("acme", answer)


@pytest.mark.parametrize(("method", "error"), [("GET", TemporarilyUnavailable), ("POST", OutcomeUnknown)])
def test_an_answer_packed_in_nonsense_counts_as_none(
    open_client: Open, method: str, error: type[IntegrationError]
) -> None:
    def nonsense(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=iter([b"no gzip"]), headers={"content-encoding": "gzip"})

    client = open_client(Vendor(ok()), tries=2)
    client._client._transport = httpx.MockTransport(nonsense)
    with pytest.raises(error, match="DecodingError"):
        client.request(method, "/orders")


@pytest.mark.parametrize("body", [b"<html>Sign in to the hotel's Wi-Fi</html>", b"", b"\xff\xfe{}", b'{"half": '])
def test_a_page_instead_of_json_is_named(open_client: Open, body: bytes) -> None:
    vendor = Vendor(httpx.Response(200, content=body, headers={"content-type": "text/html"}))
    answer = open_client(vendor).request("GET", "/orders")
    with pytest.raises(UnexpectedAnswer, match="acme: answered 200 with text/html instead of JSON"):
        answered_json("acme", answer)


# ---- counting, pace, network ----


def test_every_try_is_counted_also_those_without_an_answer(open_client: Open) -> None:
    # given a vendor that first is away, then silent, then slow, then well
    calls = Calls()
    vendor = Vendor(
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("late"),
        httpx.Response(429, headers={"retry-after": "0"}),
        ok(),
    )
    # when it is asked
    open_client(vendor, calls=calls).request("GET", "/orders", params={"page": "2"})
    # then all four are counted, under a name without the query
    assert calls.seen == [("GET /v1/orders", 0), ("GET /v1/orders", 0), ("GET /v1/orders", 429), ("GET /v1/orders", 200)]


def test_a_call_may_have_a_name_of_its_own(open_client: Open) -> None:
    calls = Calls()
    vendor = Vendor(httpx.Response(404, text="no_service"))
    with pytest.raises(Rejected, match="^acme: tell answered 404: no_service$"):
        open_client(vendor, calls=calls).request("POST", "/services/T1/B1/SECRET", operation="tell", json={})
    assert calls.seen == [("tell", 404)]


def test_every_try_waits_for_its_turn(open_client: Open) -> None:
    turns: list[int] = []

    class Pace:
        def wait(self) -> None:
            turns.append(len(vendor.requests))

    vendor = Vendor(httpx.Response(503), httpx.Response(503), ok())
    open_client(vendor, pace=Pace()).request("GET", "/orders")
    assert turns == [0, 1, 2]


class Loopback(BaseHTTPRequestHandler):
    """A real server: /cut promises more than it sends, everything else answers."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "100" if self.path == "/cut" else "2")
        self.end_headers()
        self.wfile.write(b"{}")
        self.close_connection = self.path == "/cut"

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def loopback() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Loopback) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_proxies_of_the_environment_are_not_asked(loopback: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a machine whose environment names proxies that nobody answers at
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    # when a vendor is called, then it is called directly
    client = ApiClient(vendor="acme", base_url=loopback, tries=1)
    assert client.request("GET", "/").json() == {}
    client.close()


def test_an_answer_that_breaks_off_is_none(loopback: str) -> None:
    client = ApiClient(vendor="acme", base_url=loopback, tries=1)
    with pytest.raises(TemporarilyUnavailable, match="RemoteProtocolError"):
        client.request("GET", "/cut")
    with pytest.raises(OutcomeUnknown, match="RemoteProtocolError"):
        client.request("POST", "/cut")
    client.close()


def test_where_nobody_listens_nothing_was_applied(loopback: str, slept: list[float]) -> None:
    client = ApiClient(vendor="acme", base_url="http://127.0.0.1:1", tries=2, sleep=slept.append)
    with pytest.raises(TemporarilyUnavailable, match="cannot be reached"):
        client.request("POST", "/orders", json={})
    assert len(slept) == 1
    client.close()


# ---- secrets ----

FAILURES = [
    *(httpx.Response(status, text=f"bad key {SECRET}") for status in (401, 403, 404, 422, 429, 500, 302)),
    httpx.ReadTimeout("late"),
    httpx.ConnectError("refused"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: getattr(one, "status_code", type(one).__name__))
@pytest.mark.parametrize("header", ["authorization", "x-shopify-access-token", "api-key"])
def test_no_error_says_a_secret(open_client: Open, failure: Any, header: str) -> None:
    # given a vendor that fails, and even quotes our key while doing so
    value = f"Bearer {SECRET}" if header == "authorization" else SECRET
    client = open_client(Vendor(failure), auth=HeaderAuth(header, value), tries=1)
    # when it is called with a secret in the query besides
    with pytest.raises(IntegrationError) as caught:
        client.request("POST", "/orders", params={"token": "query-secret"}, json={"card": "body-secret"})
    # then neither message nor traceback nor client says any of them
    words = all_words(caught.value) + repr(client)
    assert [secret for secret in (SECRET, "query-secret", "body-secret") if secret in words] == []


@pytest.mark.parametrize("broken", [f"{SECRET}\n", f"{SECRET}\r\nx-evil: 1", f"{SECRET}…"])
def test_a_secret_that_no_header_can_carry_is_a_wrong_credential(loopback: str, broken: str) -> None:
    # given a key that was pasted with its line break, or a placeholder that nobody replaced
    client = ApiClient(vendor="acme", base_url=loopback, auth=HeaderAuth("api-key", broken))
    # when it is used, then a person is told what to look for, without the key
    with pytest.raises(NotAuthorised, match="a character that HTTP cannot carry") as caught:
        client.request("POST", "/orders", json={})
    assert SECRET not in all_words(caught.value)
    client.close()
