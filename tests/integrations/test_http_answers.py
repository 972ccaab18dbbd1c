"""What vendors answer: refusals, redirects, nonsense; and what no error ever says."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import Any

import httpx
import pytest

from commerce.errors import (
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
from integrations.http import answered_json
from tests.integrations.acme import BASE, SECRET, Vendor, all_words, ok, open_client

IN_QUERY = "s3cret-of-the-query"
IN_BODY = "s3cret-of-the-body"


# ---- refusals ----


@pytest.mark.parametrize("status", [401, 402, 403, 423])
def test_a_refused_credential_is_told_as_such_and_not_tried_again(status: int) -> None:
    vendor = Vendor(httpx.Response(status, json={"errors": "[API] Invalid key"}))
    with pytest.raises(NotAuthorised, match="Invalid key"):
        open_client(vendor).request("GET", "/orders")
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("status", [400, 404, 409, 410, 413, 415, 422, 451])
def test_a_refusal_quotes_the_vendor(status: int) -> None:
    vendor = Vendor(httpx.Response(status, text='{"errors":\n  {"email": ["is invalid"]}}'))
    with pytest.raises(Rejected) as caught:
        open_client(vendor).request("POST", "/orders", json={})
    words = f'acme: POST /v1/orders answered {status}: {{"errors": {{"email": ["is invalid"]}}}}'
    assert str(caught.value) == words
    assert len(vendor.requests) == 1


def test_a_refusal_quotes_no_novel() -> None:
    vendor = Vendor(httpx.Response(422, text="wrong " * 10_000))
    with pytest.raises(Rejected) as caught:
        open_client(vendor).request("POST", "/orders", json={})
    assert len(str(caught.value)) < 400
    assert str(caught.value).endswith("…")


def test_a_long_answer_goes_into_a_file_and_starts_anew_when_it_breaks_off() -> None:
    # given a vendor whose first answer breaks off, and whose second is longer than what may be in memory
    def half() -> Iterator[bytes]:
        yield b"wrong" * 400
        raise httpx.ReadError("reset")

    vendor = Vendor(httpx.Response(200, content=half()), httpx.Response(200, content=b"line\n" * 300))
    with TemporaryFile() as file:
        # when it is read into a file
        answer = open_client(vendor).request("GET", "/export", into=file)
        # then the file holds the second answer only, and memory none
        file.seek(0)
        assert (file.read(), answer.content) == (b"line\n" * 300, b"")


def test_a_refusal_is_quoted_and_not_written_into_the_file() -> None:
    vendor = Vendor(httpx.Response(403, text="expired"))
    with TemporaryFile() as file, pytest.raises(NotAuthorised, match="expired"):
        open_client(vendor).request("GET", "/export", into=file)


def test_an_expected_status_is_an_answer() -> None:
    # given that a 404 means "none" and a 503 would mean the same
    judged: list[int] = []
    vendor = Vendor(httpx.Response(404), httpx.Response(503))
    client = open_client(vendor, inspect=lambda response: judged.append(response.status_code))
    # when both are expected, then both come back, without the vendor's body being judged
    assert client.request("GET", "/orders/1", expect=(404, 503)).status_code == 404
    assert client.request("GET", "/orders/1", expect=(404, 503)).status_code == 503
    assert judged == []


def test_a_fault_inside_a_success_is_the_vendors_own_word() -> None:
    # given a vendor that says no inside a 200, first for now and then for good
    def look(response: httpx.Response) -> None:
        word = response.json().get("fault")
        if word == "slow":
            raise RateLimited("acme", "too fast", retry_after=3.0)
        if word:
            raise Rejected("acme", word)

    slow, wrong = ok({"fault": "slow"}), ok({"fault": "no such item"})
    vendor = Vendor(slow, wrong)
    client = open_client(vendor, inspect=look)
    # when it is asked, then the throttle is waited out and the refusal is raised
    with pytest.raises(Rejected, match="no such item"):
        client.request("POST", "/orders", json={})
    assert vendor.slept == [3.0]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
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
        "http://169.254.169.254/latest/meta-data",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/orders",
        "https://[fd00:ec2::254]/latest",
        "https://0x7f000001/orders",
        "https://2130706433/orders",
        "https://localhost/orders",
        "https://127.0.0.1:8720/health",
        "https://api.vendor.test:port/orders",
    ],
)
def test_an_answer_cannot_send_us_elsewhere(url: str) -> None:
    # given a vendor's answer whose "next" link points somewhere else
    vendor = Vendor(ok())
    # when it is followed
    with pytest.raises(UnexpectedAnswer, match="refusing to call"):
        open_client(vendor, auth=HeaderAuth("x-api-key", SECRET)).request("GET", url)
    # then nobody is called
    assert vendor.requests == []


def test_our_own_host_and_named_ones_may_be_called_by_full_address() -> None:
    vendor = Vendor(ok())
    client = open_client(vendor, hosts=["files.vendor.test"])
    for url in (f"{BASE}/orders?page=2", "https://api.vendor.test:443/v1/x", "https://files.vendor.test/f", "//evil/x"):
        client.request("GET", url)
    hosts = [request.url.host for request in vendor.requests]
    assert hosts == ["api.vendor.test", "api.vendor.test", "files.vendor.test", "api.vendor.test"]


# ---- answers that we cannot read ----


def test_an_answer_without_end_is_refused() -> None:
    # given an answer that goes on for ever
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 1000

    vendor = Vendor(httpx.Response(200, content=endless()))
    # when it is read, then reading stops at the limit
    with pytest.raises(UnexpectedAnswer, match="more than 10000 bytes"):
        open_client(vendor, longest_answer=10_000).request("GET", "/orders")


def test_an_answer_is_bounded_also_where_tokens_are_renewed() -> None:
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


class Watch:
    """Seconds that pass while an answer trickles in."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def trickle(self) -> Iterator[bytes]:
        """A byte every 25 seconds: each of them in time, and the last one never."""
        while True:
            self.now += 25
            yield b" "


@pytest.mark.parametrize(
    ("method", "error"), [("GET", TemporarilyUnavailable), ("PUT", OutcomeUnknown), ("POST", OutcomeUnknown)]
)
def test_an_answer_that_trickles_is_none(method: str, error: type[IntegrationError]) -> None:
    watch = Watch()
    client = open_client(Vendor(httpx.Response(200, content=watch.trickle())), tries=1, clock=watch)
    # when it is read, then we are not kept for longer than a few times of what one part may take
    with pytest.raises(error, match="ReadTimeout"):
        client.request(method, "/orders", safety="repeatable" if method == "PUT" else None)
    assert watch.now < 200


def test_a_file_that_trickles_may_take_half_an_hour_and_no_longer() -> None:
    watch = Watch()
    client = open_client(Vendor(httpx.Response(200, content=watch.trickle())), tries=1, clock=watch)
    with TemporaryFile() as file, pytest.raises(TemporarilyUnavailable, match="ReadTimeout"):
        client.request("GET", "/export", into=file)
    assert 1800 < watch.now < 1900


@pytest.mark.parametrize("status", [200, 401])
def test_neither_a_token_nor_a_refusal_may_trickle(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a token endpoint, or a refusal of our token, that never comes to its end
    watch = Watch()
    monkeypatch.setattr("integrations.bounded.parts.__defaults__", (watch,))
    kept = Tokens(access=SECRET, expires_at=datetime.max.replace(tzinfo=UTC)) if status == 401 else None
    auth = TokenAuth(
        vendor="acme",
        store=MemoryTokens(kept),
        renew=lambda _: httpx.Request("POST", "https://login.vendor.test/token"),
        read=lambda *_: kept or Tokens(access=SECRET, expires_at=datetime.max.replace(tzinfo=UTC)),
        put=lambda request, access: request.headers.update({"authorization": access}),
    )
    vendor = Vendor(httpx.Response(status, content=watch.trickle()))
    # when something is written, then it is given up, so that nobody waits for us
    with pytest.raises(IntegrationError, match="ReadTimeout"):
        open_client(vendor, auth=auth, tries=1).request("POST", "/orders", json={})
    assert watch.now < 200
    assert len(vendor.requests) == 1


def test_a_small_answer_that_unpacks_into_a_huge_one_is_refused() -> None:
    packed = gzip.compress(b"0" * 1_000_000)
    vendor = Vendor(httpx.Response(200, content=iter([packed]), headers={"content-encoding": "gzip"}))
    with pytest.raises(UnexpectedAnswer, match="more than 10000 bytes"):
        open_client(vendor, longest_answer=10_000).request("GET", "/orders")


def test_half_a_packed_answer_is_no_answer() -> None:
    half = gzip.compress(b'{"orders": [1, 2, 3, 4, 5, 6, 7, 8, 9]}')[:-20]
    vendor = Vendor(httpx.Response(200, content=iter([half]), headers={"content-encoding": "gzip"}))
    answer = open_client(vendor).request("GET", "/orders")
    with pytest.raises(UnexpectedAnswer, match="instead of JSON"):
        answered_json("acme", answer)


@pytest.mark.parametrize(("method", "error"), [("GET", TemporarilyUnavailable), ("POST", OutcomeUnknown)])
def test_an_answer_packed_in_nonsense_counts_as_none(method: str, error: type[IntegrationError]) -> None:
    nonsense = httpx.Response(200, content=iter([b"no gzip"]), headers={"content-encoding": "gzip"})
    with pytest.raises(error, match="DecodingError"):
        open_client(Vendor(nonsense), tries=1).request(method, "/orders")


@pytest.mark.parametrize("body", [b"<html>Sign in to the hotel's Wi-Fi</html>", b"", b"\xff\xfe{}", b'{"half": '])
def test_a_page_instead_of_json_is_named(body: bytes) -> None:
    vendor = Vendor(httpx.Response(200, content=body, headers={"content-type": "text/html"}))
    answer = open_client(vendor).request("GET", "/orders")
    with pytest.raises(UnexpectedAnswer, match="acme: answered 200 with text/html instead of JSON"):
        answered_json("acme", answer)


# ---- secrets ----

FAILURES = [
    *(httpx.Response(status, text=f"bad key {SECRET}") for status in (401, 403, 404, 422, 429, 500, 302)),
    httpx.ReadTimeout("late"),
    httpx.ConnectError("refused"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: getattr(one, "status_code", type(one).__name__))
@pytest.mark.parametrize("header", ["authorization", "x-shopify-access-token", "api-key"])
def test_no_error_says_a_secret(failure: Any, header: str) -> None:
    # given a vendor that fails, and even quotes our key while doing so
    value = f"Bearer {SECRET}" if header == "authorization" else SECRET
    client = open_client(Vendor(failure), auth=HeaderAuth(header, value), tries=1)
    # when it is called with a secret in the query besides
    with pytest.raises(IntegrationError) as caught:
        client.request("POST", "/orders", params={"token": IN_QUERY}, json={"card": IN_BODY})
    # then neither message nor traceback nor client says any of them
    words = all_words(caught.value) + repr(client)
    assert [secret for secret in (SECRET, IN_QUERY, IN_BODY) if secret in words] == []


@pytest.mark.parametrize("name", ["X-Goog-Signature", "token", "sig"])
def test_a_refusal_that_quotes_a_signed_address_is_told_without_what_signs_it(name: str) -> None:
    vendor = Vendor(httpx.Response(403, text=f"the signature {IN_QUERY} has expired"))
    with pytest.raises(NotAuthorised, match=r"the signature \*\*\* has expired") as caught:
        open_client(vendor).request("GET", f"/result.jsonl?{name}={IN_QUERY}")
    assert IN_QUERY not in all_words(caught.value)


@pytest.mark.parametrize("header", ["authorization", "x-shopify-access-token", "api-key"])
def test_an_answer_that_quotes_our_credential_is_read_without_it(header: str) -> None:
    # given a vendor that takes a call, and finds fault with what was sent, header and all
    value = f"Bearer {SECRET}" if header == "authorization" else SECRET
    vendor = Vendor(ok({"errors": [f"bad {header}: {value}"], "orderKey": "shop:51001"}))
    # when the answer is read, as whoever holds the record will quote it
    answer = open_client(vendor, auth=HeaderAuth(header, value)).request("GET", "/orders?orderKey=shop:51001")
    # then the credential is not there, and all that is no credential is
    quoted = value.replace(SECRET, "***")
    assert answer.json() == {"errors": [f"bad {header}: {quoted}"], "orderKey": "shop:51001"}
