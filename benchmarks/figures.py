"""Figures of one way to copy orders, comparable whatever their number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.measuring import Cost


@dataclass(frozen=True)
class Figures:
    """What it cost to bring `orders` orders to the destinations. Seconds and bytes.

    `landed` is what the vendors then held, by connection.
    """

    orders: int
    seconds: float
    cpu: float
    peak: int
    cpu_of: Mapping[str, float] = field(default_factory=dict)
    landed: Mapping[str, int] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        """Orders a second."""
        return self.orders / self.seconds

    @property
    def cpu_per_1000(self) -> float:
        """CPU-seconds for 1,000 orders."""
        return 1000 * self.cpu / self.orders

    def as_json(self) -> dict[str, Any]:
        """Everything, with what is calculated from it."""
        return {**asdict(self), "per_second": self.per_second, "cpu_per_1000": self.cpu_per_1000}


def figures(orders: int, cost: Cost, landed: Mapping[str, int], **more: Any) -> Figures:
    """Figures from a meter's cost."""
    return Figures(orders, cost.seconds, cost.cpu, cost.peak, dict(cost.cpu_of), dict(landed), more)
