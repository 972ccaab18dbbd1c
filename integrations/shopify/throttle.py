"""Our own pace in Shopify's points, so that it never has to throttle us.

https://shopify.dev/docs/api/usage/limits#graphql-admin-api-rate-limits
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from integrations.shopify.document import Document

SMALLEST = (2000.0, 100.0)
"""The bucket of the smallest plan and what flows into it each second: what we go by until an answer has told more."""


class Throttle:
    """Shopify's leaky bucket as we know it: waits before a call that it could not pay.

    The bucket belongs to app and shop, so other processes drink from it too; what they take is learned from the next
    answer, and if it was too much Shopify says THROTTLED, which is retried. Several threads may share one.
    """

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._level, self._rate = SMALLEST
        self._most, self._seen = SMALLEST[0], clock()
        self._under_way = 0.0
        self._own = threading.local()
        self._costs: dict[str, float] = {}

    @contextmanager
    def paid(self, document: Document) -> Iterator[None]:
        """Begin when the bucket holds what the document is expected to cost; until the end it counts as under way."""
        while (seconds := self._missing(document)) > 0:
            self._sleep(seconds)
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= self._own.cost
            self._own.cost = 0.0

    def _missing(self, document: Document) -> float:
        """Seconds to wait; zero when the points were there and have been taken."""
        with self._lock:
            now = self._clock()
            self._level = min(self._most, self._level + max(0.0, now - self._seen) * self._rate)
            self._seen = now
            cost = min(self._costs.get(document.name, float(document.cost)), self._most)
            if self._level < cost - 1e-6:  # what a clock of floats may be off
                return max(0.01, (cost - self._level) / self._rate)
            self._level -= cost
            self._under_way += cost
            self._own.cost = cost
            return 0.0

    def learn(self, document: Document, cost: Any) -> None:
        """Take over `extensions.cost` of an answer; what other threads have under way may not be in it yet."""
        status = cost.get("throttleStatus") if isinstance(cost, dict) else None
        if not isinstance(status, dict):
            return
        with self._lock:
            self._costs[document.name] = number(cost.get("requestedQueryCost"), document.cost)
            self._most = number(status.get("maximumAvailable"), SMALLEST[0])
            self._rate = max(1.0, number(status.get("restoreRate"), SMALLEST[1]))
            others = max(0.0, self._under_way - getattr(self._own, "cost", 0.0))
            self._level = number(status.get("currentlyAvailable"), self._most) - others
            self._seen = self._clock()


def number(value: Any, otherwise: float) -> float:
    """A number as Shopify writes it, 2000 or 2000.0; `otherwise` when it is none."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return otherwise
    return found if math.isfinite(found) else otherwise
