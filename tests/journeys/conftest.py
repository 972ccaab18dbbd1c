"""Houses for the journeys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployments.shop import ShopPlan, a_shop
from tests.journeys.house import House, a_house

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def plan() -> ShopPlan:
    """A small shop with one order of every odd kind."""
    return a_shop(orders=60, now=NOW)


@pytest.fixture
def open_house(tmp_path: Path, plan: ShopPlan) -> Callable[..., House]:
    """Opens a hub over the small shop."""

    def opened(**options: object) -> House:
        return a_house(tmp_path, plan, NOW, **options)  # type: ignore[arg-type]

    return opened
