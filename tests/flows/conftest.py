"""A small house for each story."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.testing.utilities import prefect_test_harness

from tests.journeys.house import House
from tests.small_house import a_small_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A hub over a small shop, closed afterwards."""
    opened = a_small_house(tmp_path)
    yield opened
    opened.hub.close()


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A Prefect server of our own, without a worker."""
    with prefect_test_harness(server_startup_timeout=60):
        yield
