"""`backroom replay`, over all the real destinations: sent again, once or twice, nothing changes there."""

from __future__ import annotations

import pytest

from commerce.errors import HubError, NotConfigured
from deployments.replaying import replay_to
from tests.journeys.house import House
from tests.small_house import order

KEYS = {
    "warehouse": ("shipments", "external_shipment_id"),
    "books": ("documents", "DocNumber"),
    "marketing": ("events", "unique_id"),
}
"""Where each vendor keeps what we brought, and our key there."""


def landed(house: House, name: str) -> list[str]:
    """Our keys of everything that the vendor holds."""
    kept, key = KEYS[name]
    return sorted(str(one[key]) for one in house.vendors[name].state()[kept])


@pytest.mark.parametrize("name", ["warehouse", "marketing"])
def test_a_replay_sends_again_and_twice_changes_nothing(house: House, name: str) -> None:
    # given two orders that are everywhere
    order(house)
    order(house, lines=[{"sku": "HAT", "quantity": 2, "price": "20.00"}])
    house.settle_down()
    before = landed(house, name)
    assert len(before) >= 2
    for _ in range(2):
        calls = len(house.vendors[name].calls)
        # when they are brought again
        assert replay_to(name, None, ["#1001", "#1002"], hub=house.hub) == 2
        house.settle_down()
        # then the vendor was asked, and holds what it held
        assert len(house.vendors[name].calls) > calls
        assert landed(house, name) == before


def test_a_replay_needs_a_route_and_a_choice(house: House) -> None:
    with pytest.raises(NotConfigured, match="gets nothing from the log"):
        replay_to("inventory", None, ["#1001"], hub=house.hub)
    with pytest.raises(NotConfigured, match="since when"):
        replay_to("warehouse", None, None, hub=house.hub)
    with pytest.raises(HubError, match="nothing about '#77'"):
        replay_to("warehouse", None, ["#77"], hub=house.hub)
