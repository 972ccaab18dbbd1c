"""Our own pace, so that the vendor never has to slow us down."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import cast

from pyrate_limiter import Duration, InMemoryBucket, Rate, RateItem

from commerce.ports import Budget


class Paced:
    """Waits until there is room for one more call (a `Pace` of `ApiClient`): at most so many calls in each of several
    spans, e.g. `Paced([(8, 1), (450, 60)])`: 8 a second, 450 a minute.

    Several threads may share one. Without a `budget` that all processes share, this one keeps its own.
    """

    def __init__(
        self,
        rates: Sequence[tuple[int, float]],
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        budget: Budget | None = None,
    ) -> None:
        self._budget = budget or LocalWindows(rates, clock)
        self._sleep = sleep

    def wait(self) -> None:
        """Return when one more call may be made."""
        while (seconds := self._budget.take()) > 0:
            self._sleep(seconds)


class LocalLimits:
    """Budgets of this process alone (a `Limits`); those in the ledger are shared by all."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def windows(self, name: str, rates: Sequence[tuple[int, float]]) -> LocalWindows:
        """At most so many calls in each of several spans of seconds, e.g. `[(8, 1), (450, 60)]`."""
        return LocalWindows(rates, self._clock)

    def bucket(self, name: str) -> LocalBucket:
        """A leaky bucket that the vendor's answers describe."""
        return LocalBucket(self._clock)


class LocalWindows:
    """Calls in spans of time, in this process's memory."""

    def __init__(self, rates: Sequence[tuple[int, float]], clock: Callable[[], float]) -> None:
        spans = sorted(rates, key=lambda rate: rate[1])
        self._bucket = InMemoryBucket([Rate(calls, int(seconds * Duration.SECOND)) for calls, seconds in spans])
        self._lock = threading.Lock()
        self._clock = clock

    def take(self, units: int = 1) -> float:
        """Zero when the calls were taken, else how long until it is worth asking again."""
        with self._lock:
            now = int(self._clock() * 1000)
            self._bucket.leak(now)
            item = RateItem("call", now, weight=units)
            if self._bucket.put(item):
                return 0.0
            return max(0.005, float(cast(int, self._bucket.waiting(item))) / 1000)


class LocalBucket:
    """A leaky bucket in this process's memory; unknown until the first answer, and then free."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._level = self._most = math.inf
        self._rate, self._seen = 1.0, clock()

    def take(self, units: float) -> float:
        """Zero when the points were there and have been taken, else seconds until they will be."""
        with self._lock:
            self._leak()
            wanted = min(units, self._most)
            if self._level < wanted:
                return max(0.01, (wanted - self._level) / self._rate)
            self._level -= wanted
            return 0.0

    def learn(self, requested: float, actual: float, available: float, most: float, rate: float) -> None:
        """Take over what an answer says; what others of our own calls will still cost stays subtracted."""
        with self._lock:
            self._leak()
            self._level = min(self._level + max(0.0, requested - actual), available)
            self._most, self._rate = most, max(1.0, rate)

    def _leak(self) -> None:
        now = self._clock()
        self._level = min(self._most, self._level + max(0.0, now - self._seen) * self._rate)
        self._seen = now
