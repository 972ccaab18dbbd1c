"""Time that goes faster than the machine's, the same for every process of a run."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Clockwork:
    """`speed` seconds pass in each second, since the moment `started` (seconds since 1970)."""

    started: float
    speed: float

    def now(self) -> float:
        """Seconds since 1970, in this time."""
        return self.started + (time.time() - self.started) * self.speed

    def sleep(self, seconds: float) -> None:
        """Let so many seconds of this time pass."""
        time.sleep(seconds / self.speed)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for the event, so many seconds of this time at most; whether it came."""
        return event.wait(seconds / self.speed)

    def real(self, seconds: float) -> float:
        """How many of the machine's seconds that is."""
        return seconds / self.speed
