"""A day with every odd order there is, brought again to all destinations, twice: no vendor holds anything else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from deployments.replaying import replay_to
from deployments.shop import ShopPlan, a_shop
from tests.journeys.conftest import NOW
from tests.journeys.house import ORDER_DESTINATIONS, House
from tests.journeys.test_a_day import a_day
from tests.journeys.test_v1_warehouse import a_v1_house

OpenHouse = Callable[..., House]
EVERYONE = ("shop", *ORDER_DESTINATIONS)


def held_by(house: House) -> dict[str, Any]:
    """All that the vendors hold: orders, shipments, documents, events, parcels told, people mailed."""
    return {name: house.vendors[name].state() for name in EVERYONE}


@pytest.mark.parametrize("version", ["v2", "v1"])
def test_all_history_brought_again_twice_changes_nothing(
    open_house: OpenHouse, tmp_path: Path, plan: ShopPlan, version: str
) -> None:
    # given a day that is over: shipped, refunded, cancelled, unpaid, test and edited orders
    house = open_house() if version == "v2" else a_v1_house(tmp_path, a_shop(orders=60, now=NOW))
    a_day(house, plan)
    before, waiting = held_by(house), len(house.hub.ledger.held())
    for _ in range(2):
        calls = {name: len(house.vendors[name].calls) for name in EVERYONE}
        # when everything since the beginning is brought again, to the storefront as well
        for name in EVERYONE:
            assert replay_to(name, datetime(2000, 1, 1), None, hub=house.hub) >= 40, name
        house.clock.sleep(60)
        house.tracking()
        house.settle_down()
        # then each was asked or told, and holds what it held
        assert all(len(house.vendors[name].calls) > calls[name] for name in EVERYONE)
        for name, state in held_by(house).items():
            assert state == before[name], name
        assert len(house.hub.ledger.held()) == waiting
