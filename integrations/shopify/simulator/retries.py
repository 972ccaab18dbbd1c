"""Deliveries that failed. https://shopify.dev/docs/apps/build/webhooks/troubleshooting-webhooks"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx

RETRIES = 8
FIRST_PAUSE = 55.0
"""Seconds; each pause is twice the one before, so that the eighth retry comes just within four hours."""


@dataclass
class Waiting:
    """One delivery that was not taken. It keeps its address and its body, whatever becomes of the subscription."""

    request: httpx.Request
    due: float
    failures: int


class Retries:
    """What is to be delivered again, and when."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.waiting: dict[tuple[int, str], Waiting] = {}

    def answered(self, request: httpx.Request, status: int | None) -> int | None:
        """Note an answer; the subscription's number when its delivery has failed for the last time."""
        number: int = request.extensions["subscription"]
        key = id_of(request)
        known = self.waiting.pop((number, key), None)
        if status is not None and 200 <= status < 300:
            return None
        failures = known.failures + 1 if known else 1
        if failures > RETRIES:
            return number
        self.waiting[number, key] = Waiting(request, self.now() + FIRST_PAUSE * 2 ** (failures - 1), failures)
        return None

    def due(self) -> list[httpx.Request]:
        """The deliveries whose time has come."""
        ready = [one for one in self.waiting.values() if one.due <= self.now()]
        for one in ready:
            one.due = float("inf")  # until it is answered
        return [one.request for one in ready]


def id_of(request: httpx.Request) -> str:
    """The id of a delivery, under either name of its header."""
    return request.headers.get("x-shopify-webhook-id") or request.headers["shopify-webhook-id"]
