"""Our own pace in Shopify's points, so that it never has to throttle us.

https://shopify.dev/docs/api/usage/limits#graphql-admin-api-rate-limits
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from commerce.ports import BucketBudget
from integrations.shopify.document import Document

SMALLEST = (2000.0, 100.0)
"""The bucket of the smallest plan and what flows into it each second, for answers that leave a number out."""


class Throttle:
    """Waits before a call that the bucket could not pay.

    The bucket belongs to app and shop: all processes of the hub share what is known of it. What other programs of the
    app take is learned from the next answer, and if it was too much Shopify says THROTTLED, which is retried.
    """

    def __init__(self, bucket: BucketBudget, sleep: Callable[[float], None]) -> None:
        self._bucket, self._sleep = bucket, sleep
        self._costs: dict[str, float] = {}

    def wait(self, document: Document) -> float:
        """Return when the points that the document is expected to cost were taken; how many."""
        cost = self._costs.get(document.name, float(document.cost))
        while (seconds := self._bucket.take(cost)) > 0:
            self._sleep(seconds)
        return cost

    def learn(self, document: Document, taken: float, cost: Any) -> None:
        """Take over `extensions.cost` of an answer, for which `taken` points were taken before."""
        status = cost.get("throttleStatus") if isinstance(cost, dict) else None
        if not isinstance(status, dict):
            return
        self._costs[document.name] = number(cost.get("requestedQueryCost"), document.cost)
        most = number(status.get("maximumAvailable"), SMALLEST[0])
        self._bucket.learn(
            requested=taken,
            actual=number(cost.get("actualQueryCost"), 0.0),  # null when Shopify said THROTTLED
            available=number(status.get("currentlyAvailable"), most),
            most=most,
            rate=number(status.get("restoreRate"), SMALLEST[1]),
        )


def number(value: Any, otherwise: float) -> float:
    """A number as Shopify writes it, 2000 or 2000.0; `otherwise` when it is none."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return otherwise
    return found if math.isfinite(found) else otherwise
