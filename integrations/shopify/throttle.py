"""Our own pace in Shopify's points, so that it never has to throttle us.

https://shopify.dev/docs/api/usage/limits#graphql-admin-api-rate-limits
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

from integrations.shopify.documents import Document


class Throttle:
    """Shopify's leaky bucket as we know it: waits before a call that it could not pay.

    The bucket belongs to app and shop, so other processes drink from it too; what they take is learned from the next
    answer, and if it was too much Shopify says THROTTLED, which is retried.
    """

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._level = self._most = math.inf
        self._rate, self._seen = 100.0, clock()
        self._costs: dict[str, int] = {}

    def wait(self, document: Document) -> None:
        """Return when the bucket holds what the document is expected to cost."""
        while (seconds := self._missing(document)) > 0:
            self._sleep(seconds)

    def _missing(self, document: Document) -> float:
        """Seconds to wait; zero when the points were there and have been taken."""
        with self._lock:
            now = self._clock()
            self._level = min(self._most, self._level + max(0.0, now - self._seen) * self._rate)
            self._seen = now
            cost = min(self._costs.get(document.name, document.cost), self._most)
            if self._level < cost:
                return max(0.01, (cost - self._level) / self._rate)
            self._level -= cost
            return 0.0

    def learn(self, document: Document, cost: Any) -> None:
        """Take over `extensions.cost` of an answer."""
        status = cost.get("throttleStatus") if isinstance(cost, dict) else None
        if not isinstance(status, dict):
            return
        with self._lock:
            self._costs[document.name] = int(cost.get("requestedQueryCost") or document.cost)
            self._level = float(status.get("currentlyAvailable", math.inf))
            self._most = float(status.get("maximumAvailable", math.inf))
            self._rate = max(1.0, float(status.get("restoreRate", 100)))
            self._seen = self._clock()
