"""How vendors are called: what is tried again, what is in doubt, and what is counted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from commerce.errors import (
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    TemporarilyUnavailable,
)
from commerce.ports import Tokens
from integrations.auth import HeaderAuth, MemoryTokens, TokenAuth
from integrations.http import ApiClient
from tests.integrations.acme import SECRET, Calls, Vendor, all_words, ok, open_client

# ---- trying again ----


@pytest.mark.parametrize(("told", "waited"), [("2", 2.0), ("0.25", 0.25), ("0", 0.0), ("-3", 0.0)])
def test_waits_just_as_long_as_the_vendor_asks(told: str, waited: float) -> None:
    # given a vendor that refuses the first call and says how long to wait
    vendor = Vendor(httpx.Response(429, headers={"retry-after": told}), ok())
    # when it is asked
    answer = open_client(vendor).request("GET", "/orders")
    # then the second try succeeds, after exactly that wait
    assert answer.json() == {"well": True}
    assert vendor.slept == [waited]


def test_a_wait_may_be_told_as_a_date() -> None:
    # given a vendor that names the moment from which on it answers again
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=12), usegmt=True)
    vendor = Vendor(httpx.Response(503, headers={"retry-after": later}), ok())
    # when it is asked
    open_client(vendor).request("GET", "/orders")
    # then that moment is waited for; the header has whole seconds
    assert len(vendor.slept) == 1
    assert 9.0 < vendor.slept[0] <= 12.0


@pytest.mark.parametrize("off", [timedelta(days=-1), timedelta(minutes=10)])
def test_such_a_date_is_by_the_vendors_clock_and_not_by_ours(off: timedelta) -> None:
    # given a vendor that says what time it is there, which differs from ours
    there = datetime.now(UTC) + off
    dates = {"date": there, "retry-after": there + timedelta(seconds=12)}
    vendor = Vendor(httpx.Response(503, headers={k: format_datetime(at, usegmt=True) for k, at in dates.items()}), ok())
    # when it is asked
    open_client(vendor).request("GET", "/orders")
    # then just the difference is waited for
    assert vendor.slept == [12.0]


def test_a_date_that_is_over_asks_for_no_wait() -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    vendor = Vendor(httpx.Response(429, headers={"retry-after": past}), ok())
    open_client(vendor).request("GET", "/orders")
    assert vendor.slept == [0.0]


@pytest.mark.parametrize("told", ["soon", "inf", "nan", "1e999", "Mon, 99 Foo 2026 25:61:00 GMT"])
def test_a_wait_that_cannot_be_read_is_our_own(told: str) -> None:
    vendor = Vendor(httpx.Response(429, headers={"retry-after": told}), ok())
    open_client(vendor).request("GET", "/orders")
    assert len(vendor.slept) == 1
    assert 0.0 <= vendor.slept[0] <= 10.0


def test_a_wait_longer_than_a_call_has_is_raised_and_not_slept() -> None:
    # given a vendor that asks for an hour
    vendor = Vendor(httpx.Response(429, headers={"retry-after": "3600", "x-request-id": "r-7"}))
    # when it is asked
    with pytest.raises(RateLimited) as caught:
        open_client(vendor).request("GET", "/orders")
    # then the hub is told at once, with the wait and the vendor's own name of the call
    assert caught.value.retry_after == 3600.0
    assert caught.value.request_id == "r-7"
    assert vendor.slept == []
    assert len(vendor.requests) == 1


def test_gives_up_after_its_tries() -> None:
    vendor = Vendor(httpx.Response(429, headers={"retry-after": "1"}))
    with pytest.raises(RateLimited):
        open_client(vendor, tries=3).request("POST", "/orders", json={})
    assert len(vendor.requests) == 3
    assert vendor.slept == [1.0, 1.0]


# ---- what is in doubt ----


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 430])
def test_a_read_that_failed_there_changed_nothing(status: int) -> None:
    vendor = Vendor(httpx.Response(status, text="on fire"))
    with pytest.raises(TemporarilyUnavailable, match=f"acme: GET /v1/orders answered {status}: on fire"):
        open_client(vendor).request("GET", "/orders")
    assert len(vendor.requests) == 4


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_repeatable_write_is_tried_again_and_then_in_doubt(status: int) -> None:
    vendor = Vendor(httpx.Response(status, headers={"x-request-id": "r-9"}))
    with pytest.raises(OutcomeUnknown, match=r"\[request r-9\]") as caught:
        open_client(vendor).request("PUT", "/orders/1", json={}, safety="repeatable")
    assert type(caught.value) is OutcomeUnknown
    assert len(vendor.requests) == 4


@pytest.mark.parametrize(
    "then", [httpx.Response(429, headers={"retry-after": "3600"}), httpx.ConnectError("refused")], ids=["429", "gone"]
)
def test_a_refusal_after_a_try_without_an_answer_leaves_the_doubt(then: Any) -> None:
    # given a vendor that may have applied the first try, and surely did not apply the second
    vendor = Vendor(httpx.ReadTimeout("late"), then)
    # when a repeatable write ends with that, then it still is in doubt, and so looked up before it is sent again
    with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
        open_client(vendor, tries=2).request("PUT", "/orders/1", json={}, safety="repeatable")
    assert len(vendor.requests) == 2


def test_a_repeatable_write_that_gets_through_is_well() -> None:
    vendor = Vendor(httpx.Response(503, headers={"retry-after": "2"}), httpx.ReadTimeout("late"), ok())
    assert open_client(vendor).request("PUT", "/orders/1", json={}, safety="repeatable").is_success
    assert [request.content for request in vendor.requests] == [b"{}"] * 3
    assert vendor.slept[0] == 2.0


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
def test_a_write_is_in_doubt_at_once(failure: Any) -> None:
    # given a vendor that may have applied what it did not confirm
    vendor = Vendor(failure)
    # when something is written there that must not be written twice
    with pytest.raises(OutcomeUnknown):
        open_client(vendor).request("POST", "/orders", json={})
    # then it is not sent again
    assert len(vendor.requests) == 1
    assert vendor.slept == []


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("late"), httpx.RemoteProtocolError("gone")], ids=repr)
def test_a_read_without_an_answer_is_tried_again(failure: Exception) -> None:
    vendor = Vendor(failure, ok())
    assert open_client(vendor).request("GET", "/orders").json() == {"well": True}


@pytest.mark.parametrize("failure", [httpx.ConnectError("refused"), httpx.ConnectTimeout("no route")], ids=repr)
def test_a_write_that_never_left_is_surely_not_applied(failure: Exception) -> None:
    vendor = Vendor(failure)
    with pytest.raises(TemporarilyUnavailable, match="cannot be reached"):
        open_client(vendor).request("POST", "/orders", json={})
    assert len(vendor.requests) == 4


def test_a_429_of_a_write_is_surely_not_applied() -> None:
    vendor = Vendor(httpx.Response(429, headers={"retry-after": "0"}), ok())
    assert open_client(vendor).request("POST", "/orders", json={}).is_success


def test_what_is_lost_on_the_way_to_a_token_was_no_write() -> None:
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


# ---- counting, pace, network ----


def test_every_try_is_counted_also_those_without_an_answer() -> None:
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
    assert calls.seen == [
        ("GET /v1/orders", 0),
        ("GET /v1/orders", 0),
        ("GET /v1/orders", 429),
        ("GET /v1/orders", 200),
    ]


def test_a_call_may_have_a_name_of_its_own() -> None:
    calls = Calls()
    vendor = Vendor(httpx.Response(404, text="no_service"))
    with pytest.raises(Rejected, match=r"^acme: tell answered 404: no_service$"):
        open_client(vendor, calls=calls).request("POST", "/services/T1/B1/SECRET", operation="tell", json={})
    assert calls.seen == [("tell", 404)]


def test_every_try_waits_for_its_turn() -> None:
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


def test_where_nobody_listens_nothing_was_applied() -> None:
    slept: list[float] = []
    client = ApiClient(vendor="acme", base_url="http://127.0.0.1:1", tries=2, sleep=slept.append)
    with pytest.raises(TemporarilyUnavailable, match="cannot be reached"):
        client.request("POST", "/orders", json={})
    assert len(slept) == 1
    client.close()


@pytest.mark.parametrize("broken", [f"{SECRET}\n", f"{SECRET}\r\nx-evil: 1"])
def test_a_secret_that_no_header_can_carry_is_a_wrong_credential(loopback: str, broken: str) -> None:
    # given a key that was pasted with its line break
    client = ApiClient(vendor="acme", base_url=loopback, auth=HeaderAuth("api-key", broken))
    # when it is used, then a person is told what to look for, without the key
    with pytest.raises(NotAuthorised, match="a character that HTTP cannot carry") as caught:
        client.request("POST", "/orders", json={})
    assert SECRET not in all_words(caught.value)
    client.close()
