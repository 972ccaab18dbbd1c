"""The receiver as strangers meet it, over a real socket: what is too slow, too large or no HTTP ends at the door."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
import uvicorn

from deployments import receiver as receiver_module
from deployments.receiver import LARGEST_HEAD, LONGEST_BODY, receiver_app
from deployments.serving import receiver_config
from integrations.connector import connector
from tasks.inbox import read_hinted
from tests.deployments.test_receiver import SIGNATURE, shopify_sends, waiting
from tests.journeys.house import House


@contextmanager
def served(house: House, **limits: float) -> Iterator[int]:
    """The receiver at a port of loopback."""
    bounds = {name: limits.pop(name) for name in ("longest_head", "connections") if name in limits}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    app = receiver_app(house.hub, **limits)  # type: ignore[arg-type]
    server = uvicorn.Server(receiver_config(app, "127.0.0.1", port, **bounds))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield port
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def delivery(house: House) -> httpx.Request:
    """What Shopify sends when somebody orders."""
    return shopify_sends(house)[0]


@pytest.fixture
def door(house: House) -> Iterator[int]:
    with served(house) as port:
        yield port


def head(request: httpx.Request, *more: str, path: str = "/hooks/shop", length: int | None = None) -> bytes:
    """Request line and headers of a delivery, without its length when `length` is negative."""
    lines = [f"POST {path} HTTP/1.1", "host: hub"]
    lines += [f"{name}: {value}" for name, value in request.headers.items() if name.startswith(("x-", "X-"))]
    if length is None or length >= 0:
        lines.append(f"content-length: {len(request.content) if length is None else length}")
    return ("\r\n".join([*lines, *more]) + "\r\n\r\n").encode()


def said(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """All that the receiver answers to these bytes, until it closes or says nothing for a while."""
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        for part in parts:
            try:
                line.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                break
            if pause:
                time.sleep(pause)
        line.settimeout(3)
        heard = b""
        try:
            while chunk := line.recv(65536):
                heard += chunk
                if b"\r\n\r\n" in heard:
                    break
        except (TimeoutError, ConnectionResetError):
            pass
        return heard


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def test_the_real_thing_is_taken_whatever_its_content_type(house: House, door: int, delivery: httpx.Request) -> None:
    assert status(said(door, head(delivery, "content-type: text/plain"), delivery.content)) == 200
    assert len(waiting(house)) == 1


def test_a_large_body_is_refused_before_it_is_sent(door: int, delivery: httpx.Request) -> None:
    # then the answer comes although not one byte of the body was sent
    assert status(said(door, head(delivery, length=LONGEST_BODY + 1))) == 413


def test_a_large_body_in_chunks_is_refused_on_the_way(house: House, door: int, delivery: httpx.Request) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    chunks = [chunk] * (LONGEST_BODY // 0x10000 + 4)  # and no end
    assert status(said(door, head(delivery, "transfer-encoding: chunked", length=-1), *chunks)) == 413
    assert waiting(house) == []


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_compressed_bomb_is_not_unpacked(door: int, delivery: httpx.Request, coding: str) -> None:
    packed = gzip.compress(bytes(50_000_000)) if coding == "gzip" else zlib.compress(bytes(50_000_000))
    assert status(said(door, head(delivery, f"content-encoding: {coding}", length=len(packed)), packed)) == 415


def test_a_body_that_trickles_ends_with_408(house: House, delivery: httpx.Request) -> None:
    with served(house, longest_read=0.3) as port:
        assert status(said(port, head(delivery), *[b"x"] * 4, pause=0.05)) == 408
    assert waiting(house) == []


def test_headers_that_trickle_end_with_408(house: House, delivery: httpx.Request) -> None:
    with served(house, longest_head=0.3) as port:
        whole = head(delivery)
        assert status(said(port, *[whole[n : n + 1] for n in range(4)], pause=0.05)) == 408
        # also when nothing is ever said, and on a connection that was used before
        assert status(said(port)) == 408
        with socket.create_connection(("127.0.0.1", port), 5) as line:
            line.settimeout(3)
            line.sendall(b"GET /alive HTTP/1.1\r\nhost: hub\r\n\r\n")
            heard = b""
            while not heard.endswith(b"ok"):
                heard += line.recv(65536)
            line.sendall(b"POST /hooks/shop HTT")
            assert status(line.recv(65536)) == 408
        # and a sender that is quick is taken in
        assert status(said(port, whole, delivery.content)) == 200


def test_a_slow_body_is_not_cut_by_the_time_for_heads(house: House, delivery: httpx.Request) -> None:
    with served(house, longest_head=0.3) as port:
        half = len(delivery.content) // 2
        assert status(said(port, head(delivery), delivery.content[:half], delivery.content[half:], pause=0.4)) == 200


def test_too_many_headers_are_refused(house: House, door: int, delivery: httpx.Request) -> None:
    assert status(said(door, head(delivery, *[f"x-{n}: 1" for n in range(150)]), delivery.content)) == 431
    assert status(said(door, head(delivery, f"x-long: {'x' * LARGEST_HEAD}"), delivery.content)) == 431
    # and headers without end are not read on
    assert status(said(door, head(delivery)[:-2], *[b"x-more: " + b"x" * 60_000] * 5)) == 400
    assert waiting(house) == []


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"\x00" * 100])
def test_what_is_no_http_harms_nothing(house: House, door: int, delivery: httpx.Request, junk: bytes) -> None:
    assert status(said(door, junk + b"\r\n\r\n")) == 400
    assert status(said(door, head(delivery), delivery.content)) == 200


@pytest.mark.parametrize(
    "lengths", [("content-length: 5", "content-length: 6"), ("content-length: -1",), ("content-length: 1e9",)]
)
def test_a_length_that_is_none_is_refused(door: int, delivery: httpx.Request, lengths: tuple[str, ...]) -> None:
    assert status(said(door, head(delivery, *lengths, length=-1), delivery.content)) == 400


@pytest.mark.parametrize("path", ["/hooks/shop", "/hooks/nobody", "/alive"])
def test_a_request_hidden_behind_two_lengths_is_not_read(
    house: House, door: int, delivery: httpx.Request, path: str
) -> None:
    # given a request that ends at once by its chunks, and after one more request by its length
    hidden = b"0\r\n\r\n" + head(delivery) + delivery.content
    with socket.create_connection(("127.0.0.1", door), 5) as line:
        line.sendall(head(delivery, "transfer-encoding: chunked", path=path, length=len(hidden)) + hidden)
        heard = b""
        while chunk := line.recv(65536):
            heard += chunk
    # then it is refused, and with it everything that came behind
    assert (status(heard), heard.count(b"HTTP/1.1 ")) == (400, 1)
    assert waiting(house) == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "BREW"])
def test_other_methods_are_refused(house: House, door: int, delivery: httpx.Request, method: str) -> None:
    assert status(said(door, head(delivery).replace(b"POST", method.encode(), 1), delivery.content)) == 405
    assert waiting(house) == []


@pytest.mark.parametrize("signature", ["\xff\xfe", "=", "x" * 5000, "é", "Zm9yZ2Vk, Zm9yZ2Vk"])
def test_a_signature_that_is_none_is_refused(house: House, door: int, delivery: httpx.Request, signature: str) -> None:
    del delivery.headers[SIGNATURE]
    forged = head(delivery, f"{SIGNATURE}: X").replace(b": X\r", b": " + signature.encode("latin-1") + b"\r")
    assert status(said(door, forged, delivery.content)) == 401
    assert waiting(house) == []


def test_an_unknown_name_costs_the_same_whatever_is_sent(
    house: House, delivery: httpx.Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a count of everything that could be made to work for a stranger
    work: list[str] = []

    def counting(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            work.append(name)
            return real(*arguments, **named)

        return call

    monkeypatch.setattr(house.hub, "services", counting("services", house.hub.services))
    monkeypatch.setattr(house.hub.ledger, "writing", counting("writing", house.hub.ledger.writing))
    monkeypatch.setattr(house.hub.ledger, "reading", counting("reading", house.hub.ledger.reading))
    for vendor in ("shopify", "quickbooks", "shipstation", "katana"):
        found = connector(vendor)
        counted = replace(found, receive=counting(f"receive {vendor}", found.receive or (lambda: None)))
        monkeypatch.setattr(f"integrations.{vendor}.CONNECTOR", counted)
    monkeypatch.setattr(receiver_module, "bounded_body", counting("body", receiver_module.bounded_body))
    # when unknown names come, short and long, with a good signature and with none, with no body and with a large one
    with served(house) as port:
        for name in ("nobody", "x" * 5000, "SHOP", "shop%00", "alerts", "..%2fshop"):
            assert status(said(port, head(delivery, path=f"/hooks/{name}"), delivery.content)) == 404
            assert status(said(port, head(delivery, path=f"/hooks/{name}", length=1_900_000))) == 404
        # then nothing was read, verified or looked up
        assert work == []
        # and the count can count
        assert status(said(port, head(delivery), delivery.content)) == 200
    assert work == ["body", "services", "receive shopify", "writing"]


@pytest.mark.parametrize(
    "path",
    [
        "/hooks/shop/",
        "/hooks/nobody/",
        "//hooks/shop",
        "/hooks/../hooks/shop",
        "/hooks/%2e%2e/shop",
        "http://evil.test/hooks/shop",
        "/hooks/shop#x",
        "/hooks/%ff%fe%00%zz",
        "//[/hooks/shop",
    ],
)
def test_a_path_that_is_not_ours_leads_nowhere(house: House, door: int, delivery: httpx.Request, path: str) -> None:
    answer = said(door, head(delivery, path=path).replace(b"host: hub", b"host: evil.test"), delivery.content)
    assert (status(answer), b"evil" in answer, b"location" in answer.lower()) == (404, False, False)
    assert waiting(house) == []


@pytest.mark.parametrize(
    "odd", ["host: [", "host: \xff\xfe", "host: a@b/[]:x", "host: hub\r\nx-forwarded-for: \xff,[::"]
)
def test_odd_headers_harm_no_delivery(house: House, door: int, delivery: httpx.Request, odd: str) -> None:
    request = head(delivery).replace(b"host: hub", odd.encode("latin-1"))
    assert status(said(door, request, delivery.content)) == 200
    assert len(waiting(house)) == 1


def test_an_id_that_is_no_text_is_kept_as_one(house: House, door: int, delivery: httpx.Request) -> None:
    # ids are headers, which nobody signs; this one begins with half a surrogate pair, as UTF-8 never has it
    delivery.headers["x-shopify-webhook-id"] = "X" * 2000
    odd = head(delivery).replace(b"webhook-id: X", b"webhook-id: \xed\xa0\x80\xff")
    assert [status(said(door, odd, delivery.content)) for _ in range(2)] == [200, 200]
    assert len(waiting(house)) == 1


def test_deliveries_one_behind_the_other_on_one_connection_are_each_answered(
    house: House, door: int, delivery: httpx.Request
) -> None:
    with socket.create_connection(("127.0.0.1", door), 5) as line:
        line.sendall((head(delivery) + delivery.content) * 20)
        heard = b""
        while heard.count(b"\r\n\r\n") < 20:
            heard += line.recv(65536)
    assert heard.count(b"HTTP/1.1 200 ") == 20
    assert len(waiting(house)) == 1


def test_nothing_is_answered_while_nothing_can_be_committed(house: House, door: int, delivery: httpx.Request) -> None:
    with socket.create_connection(("127.0.0.1", door), 5) as line:
        # given somebody who writes to the database
        with house.hub.ledger.writing():
            line.settimeout(0.5)
            line.sendall(head(delivery) + delivery.content)
            # then the sender waits
            with pytest.raises(TimeoutError):
                line.recv(65536)
        # until it is kept
        line.settimeout(5)
        assert status(line.recv(65536)) == 200
    assert len(waiting(house)) == 1


def test_deep_json_with_a_good_signature_harms_nothing(house: House, door: int, delivery: httpx.Request) -> None:
    secret = house.hub.stack.connection("shop").client_secret.get_secret_value()  # type: ignore[attr-defined]
    deep = b"[" * 200_000
    good = base64.b64encode(hmac.new(secret.encode(), deep, hashlib.sha256).digest()).decode()
    del delivery.headers[SIGNATURE]
    answer = said(door, head(delivery, f"{SIGNATURE}: {good}", length=len(deep)), deep)
    assert status(answer) in (200, 400)
    assert [hint for row in waiting(house) for hint in row.hints] == []
    assert status(said(door, b"GET /alive HTTP/1.1\r\nhost: hub\r\n\r\n")) == 200


def test_a_year_old_delivery_with_a_good_signature_changes_nothing(
    house: House, door: int, delivery: httpx.Request
) -> None:
    # given an order that was read, and its webhook forgotten
    assert status(said(door, head(delivery), delivery.content)) == 200
    assert read_hinted(house.hub)[0].counts["recorded"] == 1
    house.clock.sleep(366 * 24 * 3600)
    house.hub.ledger.prune()
    # when it comes again: Shopify signs no time
    assert status(said(door, head(delivery), delivery.content)) == 200
    assert read_hinted(house.hub)[0].counts["recorded"] == 0
