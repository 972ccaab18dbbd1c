"""A small house for each story."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.house import House
from tests.small_house import a_small_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A hub over a small shop, closed afterwards."""
    opened = a_small_house(tmp_path)
    yield opened
    opened.hub.close()
