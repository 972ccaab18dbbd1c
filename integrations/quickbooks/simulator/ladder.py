"""How Intuit repeats a webhook that was not answered with 200, and what waits behind it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import httpx

# https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks
PAUSES = (10.0, 20.0, 30.0, 300.0, 1200.0, 7200.0, 14_400.0, 21_600.0)
"""Seconds between one try and the next; the last one goes on for ever."""


@dataclass
class Waiting:
    """A delivery that was not acknowledged yet."""

    request: httpx.Request
    due: float
    tries: int = 0


class Ladder:
    """Delivers in order: later deliveries are held back until the first one is acknowledged."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.waiting: deque[Waiting] = deque()

    def add(self, request: httpx.Request) -> None:
        """One more delivery, behind the others."""
        self.waiting.append(Waiting(request, self._clock()))

    def deliver(self, send: Callable[[httpx.Request], int]) -> int:
        """Try what is due; `send` returns the status that was answered. Returns how many were acknowledged."""
        acknowledged = 0
        while self.waiting and self.waiting[0].due <= self._clock():
            first = self.waiting[0]
            if send(first.request) == 200:
                self.waiting.popleft()
                acknowledged += 1
                continue
            first.due = self._clock() + PAUSES[min(first.tries, len(PAUSES) - 1)]
            first.tries += 1
        return acknowledged
