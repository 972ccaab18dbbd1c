"""The receiver in a crowd, over real sockets: strangers who take up every place do not keep a real delivery out."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest

from commerce.ports import Alert
from deployments import receiver, serving
from deployments.crowding import NoRoom, Readers
from tests.deployments.test_receiver import shopify_sends, waiting
from tests.deployments.test_receiver_doors import head, said, served, status
from tests.journeys.house import House

SILENT = b""
HALF_A_HEAD = b"POST /hooks/shop HTT"
USED_BEFORE = b"GET /alive HTTP/1.1\r\nhost: hub\r\n\r\n"


@pytest.fixture
def delivery(house: House) -> httpx.Request:
    """What Shopify sends when somebody orders."""
    return shopify_sends(house)[0]


@contextmanager
def strangers(port: int, count: int, words: bytes) -> Iterator[list[socket.socket]]:
    """So many connections that have said this and then nothing."""
    with ExitStack() as stack:
        lines = []
        for _ in range(count):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", port), 5))
            line.settimeout(5)
            with suppress(ConnectionError):  # its place was taken already
                line.sendall(words)
            lines.append(line)
        yield lines


def ended(line: socket.socket) -> int:
    """Bytes that came until the receiver ended the connection. Raises TimeoutError when it does not."""
    size = 0
    with suppress(ConnectionError):
        while chunk := line.recv(1 << 20):
            size += len(chunk)
    return size


def test_the_limits_are_those_that_are_promised() -> None:
    assert (receiver.LONGEST_BODY, receiver.LONGEST_READ, serving.LONGEST_HEAD) == (2 * 1024 * 1024, 10.0, 10.0)
    assert (receiver.MOST_HEADERS, receiver.LARGEST_HEAD) == (100, 32 * 1024)
    assert (receiver.MOST_READ, receiver.AT_ONCE, serving.CONNECTIONS) == (64 * 1024 * 1024, 256, 1000)
    config = serving.receiver_config(None, "127.0.0.1", 0)
    assert (config.limit_concurrency, config.h11_max_incomplete_event_size) == (1000, 32 * 1024)


@pytest.mark.parametrize("words", [SILENT, HALF_A_HEAD, USED_BEFORE], ids=["silent", "half a head", "used before"])
def test_slow_heads_crowd_out_each_other_and_no_delivery(house: House, delivery: httpx.Request, words: bytes) -> None:
    # given many more strangers than the receiver has places, none of whom says what he wants
    with served(house, connections=20) as port, strangers(port, 60, words) as lines:
        # when a delivery comes, then it is taken
        assert status(said(port, head(delivery), delivery.content)) == 200
        # and the strangers who came first had to go
        for line in lines[:30]:
            ended(line)
    assert len(waiting(house)) == 1


def test_slow_bodies_crowd_out_each_other_and_no_delivery(house: House, delivery: httpx.Request) -> None:
    # given many more strangers than bodies may be on their way, each with the beginning of one
    beginning = head(delivery, length=5000) + b"x" * 100
    with served(house, at_once=10) as port, strangers(port, 30, beginning) as lines:
        # the first ones are told to come again
        for line in lines[:20]:
            answer = line.recv(65536)
            assert (status(answer), b"retry-after" in answer.lower()) == (503, True)
        # when a delivery comes, then it is taken
        assert status(said(port, head(delivery), delivery.content)) == 200
    assert len(waiting(house)) == 1


def test_slow_bodies_that_use_up_memory_make_room(house: House, delivery: httpx.Request) -> None:
    # given strangers whose beginnings fill the memory for bodies
    beginning = head(delivery, length=500_000) + b"x" * 10_000
    with served(house, most_read=105_000) as port, strangers(port, 10, beginning) as lines:
        # when a body comes that has no room beside them, then it is read, and the oldest has to come again
        large = delivery.content + b" " * 20_000
        assert status(said(port, head(delivery, length=len(large)), large)) == 401
        assert status(lines[0].recv(65536)) == 503
        # and a delivery is taken
        assert status(said(port, head(delivery), delivery.content)) == 200
    # what is larger than the memory itself is sent away
    with served(house, most_read=len(delivery.content) - 1) as port:
        assert status(said(port, head(delivery), delivery.content)) == 503


def test_what_is_worked_on_keeps_its_memory_whoever_comes() -> None:
    # given two bodies, of which one is here
    readers = Readers(at_once=2, most=100)
    with readers.place() as done, readers.place() as slow:
        done.take(b"d" * 60)
        assert done.whole() == b"d" * 60
        slow.take(b"s" * 40)
        # when a third one comes, then the slow one has to go and the other keeps what it has
        with readers.place() as third:
            third.patience = asyncio.Timeout(None)
            third.take(b"t" * 40)
            assert (readers.taken, slow.sent_away, done.sent_away) == (100, True, False)
            for taking in (lambda: slow.take(b"s"), slow.whole, lambda: third.take(b"t")):
                with pytest.raises(NoRoom):
                    taking()
    # and all is free when they are gone
    assert readers.taken == 0


def test_who_does_not_read_our_answers_is_let_go(house: House, delivery: httpx.Request) -> None:
    # given a health page of a megabyte
    for number in range(100):
        house.hub.ledger.raise_alert(Alert(fingerprint=f"x{number}", title="x" * 10_000, what="", todo=""))
    page = b"GET /health HTTP/1.1\r\nhost: hub\r\n\r\n"
    with served(house, longest_head=0.5) as port, strangers(port, 1, page * 50) as [deaf]:
        # when somebody asks for it again and again, and reads nothing for a while
        time.sleep(3.0)
        # then he was let go: what comes is what was under way, and no answer more
        assert ended(deaf) < 25_000_000
        assert status(said(port, head(delivery), delivery.content)) == 200


def test_many_who_ask_for_health_cost_one_look_at_a_time(house: House, delivery: httpx.Request) -> None:
    # given a ledger that counts how many look at it together
    looking, most, states = 0, 0, house.hub.ledger.routes

    def counted() -> object:
        nonlocal looking, most
        looking += 1
        most = max(most, looking)
        try:
            time.sleep(0.01)
            return states()
        finally:
            looking -= 1

    house.hub.ledger.routes = counted  # type: ignore[assignment, method-assign]
    # when many ask at once, again and again
    page = b"GET /health HTTP/1.1\r\nhost: hub\r\n\r\n"
    with served(house) as port, strangers(port, 50, page * 4) as lines:
        # then a delivery gets through, each of them is answered, and one looked at a time
        assert status(said(port, head(delivery), delivery.content)) == 200
        assert [status(line.recv(65536)) for line in lines] == [503] * 50
    assert most == 1
