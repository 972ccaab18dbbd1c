"""Katana in memory: https://developer.katanamrp.com/reference/api-introduction as raw JSON."""

from __future__ import annotations

import time
from typing import Any

from integrations.katana.simulator.server import KatanaSimulator
from integrations.simulator import Clock


def build(*, base_url: str, clock: Clock = time.time, limits: bool = True, **options: Any) -> KatanaSimulator:
    """A Katana account with nothing in it. Options: `api_key`, `webhook_url`, `webhook_token`,
    and those of `Habits`."""
    return KatanaSimulator(base_url=base_url, clock=clock, limits=limits, **options)


__all__ = ["KatanaSimulator", "build"]
