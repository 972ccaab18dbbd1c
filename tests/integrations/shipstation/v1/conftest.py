"""An account on V1 without orders."""

from __future__ import annotations

import pytest

from tests.integrations.shipstation.v1.world import V1World


@pytest.fixture
def world() -> V1World:
    """An account without orders."""
    return V1World()
