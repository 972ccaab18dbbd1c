"""40 calls a minute for each key: our own pace below that, and what the vendor's headers say of other callers."""

from __future__ import annotations

import math
from collections.abc import Callable

import httpx

from integrations.limits import Paced

RATES = [(36, 60.0)]
"""A tenth below 40 a minute. https://docs.shipstation.com/apis/shipstation-v1/docs/start-here/requirements"""

LONGEST_RESET = 60.0
"""Seconds in a window; a header that asks for more is not believed."""


def until_reset(answer: httpx.Response) -> float | None:
    """Seconds until the vendor's next window, None when the answer does not say."""
    return _number(answer, "x-rate-limit-reset")


def _number(answer: httpx.Response, header: str) -> float | None:
    try:
        said = float(answer.headers.get(header, ""))
    except ValueError:
        return None
    return min(max(0.0, said), LONGEST_RESET) if math.isfinite(said) else None


class SharedPace:
    """Waits by our own count, and when an answer says that nothing is left: others may use the same key."""

    def __init__(self, paced: Paced, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._paced = paced
        self._clock = clock
        self._sleep = sleep
        self._not_before = 0.0

    def wait(self) -> None:
        """Return when one more call may be made."""
        self._paced.wait()
        pause, self._not_before = self._not_before - self._clock(), 0.0
        if pause > 0:
            self._sleep(min(pause, LONGEST_RESET))  # a clock that was set back makes no minute longer

    def heard(self, answer: httpx.Response) -> None:
        """Note what the vendor says is left of this window."""
        remaining, reset = _number(answer, "x-rate-limit-remaining"), until_reset(answer)
        if remaining is not None and remaining < 1 and reset is not None:
            self._not_before = self._clock() + reset
