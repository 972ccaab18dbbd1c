"""Our own pace: never more than the vendor allows, and no slower than that."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from integrations.limits import Paced


class Time:
    """A clock in seconds that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1_795_435_200.0
        self.slept: list[float] = []
        self.lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.slept.append(seconds)
            self.now += seconds


def calls_at(paced: Paced, clock: Time, count: int) -> list[float]:
    """When `count` calls were allowed, in seconds since the first."""
    moments = []
    for _ in range(count):
        paced.wait()
        moments.append(clock.now)
    return [moment - moments[0] for moment in moments]


def most_within(moments: list[float], seconds: float) -> int:
    """The most calls in any span of so many seconds."""
    return max(sum(1 for other in moments if 0 <= other - start < seconds) for start in moments)


def test_what_is_allowed_at_once_is_not_held_up() -> None:
    clock = Time()
    assert calls_at(Paced([(8, 1)], clock=clock, sleep=clock.sleep), clock, 8) == [0.0] * 8
    assert clock.slept == []


def test_the_next_one_waits_until_the_span_is_over() -> None:
    clock = Time()
    moments = calls_at(Paced([(8, 1)], clock=clock, sleep=clock.sleep), clock, 9)
    assert moments[8] == pytest.approx(1.0, abs=0.02)


def test_every_span_is_kept_whatever_their_order() -> None:
    # given 8 a second and 450 a minute
    clock = Time()
    paced = Paced([(450, 60), (8, 1)], clock=clock, sleep=clock.sleep)
    # when a thousand calls are made as fast as it lets us
    moments = calls_at(paced, clock, 1000)
    # then neither limit is broken in any span, and hardly any time is lost
    assert most_within(moments, 1) <= 8
    assert most_within(moments, 60) <= 450
    assert moments[-1] < 180


def test_a_pause_gives_no_more_than_the_limit_afterwards() -> None:
    clock = Time()
    paced = Paced([(5, 1)], clock=clock, sleep=clock.sleep)
    calls_at(paced, clock, 5)
    clock.now += 3600
    moments = calls_at(paced, clock, 6)
    assert moments[4] == 0.0
    assert moments[5] > 0.9


def test_a_limit_for_a_fraction_of_a_second_is_kept() -> None:
    clock = Time()
    moments = calls_at(Paced([(1, 0.25)], clock=clock, sleep=clock.sleep), clock, 5)
    assert moments == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0], abs=0.05)


def test_threads_share_one_limit() -> None:
    # given eight threads and one pace
    clock = Time()
    paced = Paced([(10, 1)], clock=clock, sleep=clock.sleep)
    moments: list[float] = []

    def work(_: int) -> None:
        for _ in range(10):
            paced.wait()
            moments.append(clock.now)

    # when all call as fast as they may
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    # then together they stay under it: 80 calls need more than 7 seconds of that clock
    assert len(moments) == 80
    assert clock.now - moments[0] >= 6.9
