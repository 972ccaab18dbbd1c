"""Our own pace, so that the vendor never has to slow us down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import cast

from pyrate_limiter import Duration, InMemoryBucket, Rate, RateItem


class Paced:
    """At most so many calls in each of several spans, e.g. `Paced([(8, 1), (450, 60)])`: 8 a second, 450 a minute.

    Several threads may share one.
    """

    def __init__(
        self,
        rates: Sequence[tuple[int, float]],
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        spans = sorted(rates, key=lambda rate: rate[1])
        self._bucket = InMemoryBucket([Rate(calls, int(seconds * Duration.SECOND)) for calls, seconds in spans])
        self._lock = threading.Lock()
        self._clock = clock
        self._sleep = sleep

    def wait(self) -> None:
        """Return when one more call may be made."""
        while (seconds := self._seconds_to_wait()) > 0:
            self._sleep(seconds)

    def _seconds_to_wait(self) -> float:
        """Zero when a call was taken, else how long until it is worth asking again."""
        with self._lock:
            now = int(self._clock() * 1000)
            self._bucket.leak(now)
            item = RateItem("call", now)
            if self._bucket.put(item):
                return 0.0
            return max(0.005, float(cast(int, self._bucket.waiting(item))) / 1000)
