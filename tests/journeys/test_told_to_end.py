"""A run that is told to end in the middle of a batch, by SIGTERM as workers do, gives back what it has not sent."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import httpx
import pytest

from tasks import ending, steps
from tasks.hub import installed
from tests.journeys.house import ORDER_DESTINATIONS, House
from tests.journeys.test_bad_days import A_WRITE
from tests.journeys.test_without_an_answer import wrong
from tests.small_house import a_small_house, order

SLOW, LONGEST = 0.7, 5.0
"""Seconds that an answer takes, and that a run may take to its end."""


def leave(*_: object) -> NoReturn:
    """What Prefect's engine does with the signal: it raises in the main thread, whatever goes on there."""
    raise SystemExit(0)


@contextmanager
def told_to_end_when(seen: threading.Event) -> Iterator[list[float]]:
    """This process gets SIGTERM a moment after that; when it was."""
    told: list[float] = []

    def tell() -> None:
        if seen.wait(30):
            time.sleep(SLOW / 2)  # in the middle of a call, or of a wait
            told.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, leave)
    thread = threading.Thread(target=tell)
    thread.start()
    try:
        yield told
    finally:
        seen.set()
        thread.join()
        signal.signal(signal.SIGTERM, before)


def answers_slowly(house: House, name: str, seen: threading.Event, busy: bool) -> None:
    """Each write takes long; a busy vendor asks us to come back in a quarter of a minute instead. Waits are real."""
    way = house.vendors[name].transport()

    def answered(request: httpx.Request) -> httpx.Response:
        if not re.search(A_WRITE, f"{request.method} {request.url.path}"):
            return way.handle_request(request)
        seen.set()
        if busy:
            return httpx.Response(429, headers={"retry-after": "15"}, json={})
        time.sleep(SLOW)
        return way.handle_request(request)

    house.hub.transports = {**house.hub.transports, name: httpx.MockTransport(answered)}
    house.hub.sleep = ending.sleep
    house.hub._clients.clear()


def answers_well(house: House, name: str) -> None:
    """As on any other day."""
    house.hub.transports = {**house.hub.transports, name: house.vendors[name].transport()}
    house.hub.sleep = house.clock.sleep
    house.hub._clients.clear()


@pytest.mark.parametrize("busy", [False, True], ids=["while a call is out", "while it waits for its turn"])
@pytest.mark.parametrize("name", ORDER_DESTINATIONS)
def test_it_ends_soon_and_what_it_had_goes_to_the_next_run_at_once(tmp_path: Path, name: str, busy: bool) -> None:
    # given a hundred orders on their way to a destination that takes its time
    house = a_small_house(tmp_path)
    for _ in range(100):
        order(house)
    house.clock.sleep(5)
    house.record()
    seen = threading.Event()
    answers_slowly(house, name, seen, busy)
    # when the run is told to end
    with told_to_end_when(seen) as told, installed(house.hub), pytest.raises(SystemExit) as left:
        asyncio.run(steps.deliver.fn(name))
    took = time.monotonic() - told[0]
    # then it does, well and soon, and nothing is claimed by anybody
    assert left.value.code == 0
    assert took < LONGEST
    with house.hub.ledger.reading() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM deliveries WHERE state = 'claimed'").scalar() == 0
    # and the next run goes on at once, without waiting for a lease to end, and finds everything there once
    answers_well(house, name)
    house.clock.sleep(16)
    house.settle_down()
    assert wrong(house) == []
