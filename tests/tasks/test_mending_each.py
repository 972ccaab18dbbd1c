"""Each vendor that sends webhooks forgets ours or switches them off: they are made again, and the gap is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.house import House
from tests.small_house import order
from tests.tasks.test_mending import HOUR, look, told

A_DAY = 24 * HOUR


def hooks(house: House, name: str) -> dict[Any, dict[str, Any]]:
    """The vendor's subscriptions, by its id."""
    vendor: Any = house.vendors[name]
    return {"shop": lambda: vendor.store.subscriptions, "warehouse": lambda: vendor.hooks.by_id}.get(
        name, lambda: vendor.hooks.all
    )()


def topics(house: House, name: str) -> list[str]:
    """What the vendor sends us now."""
    on = [one for one in hooks(house, name).values() if one.get("enabled", True)]
    names = [one.get("topic") or one.get("event") or one.get("subscribed_events") for one in on]
    return sorted(topic for each in names for topic in ([each] if isinstance(each, str) else each or []))


def forgets(house: House, name: str) -> None:
    hooks(house, name).clear()


def switches_off(house: House, name: str) -> None:
    for one in hooks(house, name).values():
        one["enabled"] = False


@pytest.mark.parametrize(
    ("name", "harm"),
    [("shop", forgets), ("warehouse", forgets), ("inventory", forgets), ("inventory", switches_off)],
)
def test_a_subscription_that_is_gone_is_made_again_and_its_gap_is_read_however_long(
    house: House, name: str, harm: Callable[[House, str], None]
) -> None:
    # given a hub that is told of everything, and has read all there is
    look(house)
    wanted = topics(house, name)
    assert wanted
    order(house)
    house.settle_down()
    house.tracking()
    house.stock()
    # when the vendor tells no more, and for forty days nobody reads, while people buy, pack and count
    harm(house, name)
    assert topics(house, name) == []
    house.clock.sleep(20 * A_DAY)
    order(house, lines=[{"sku": "HAT", "quantity": 1, "price": "20.00"}])
    house.vendors["warehouse"].act("buy_labels", {})
    house.vendors["inventory"].act("set_stock", {"sku": "MUG-BLUE", "location": "Main", "in_stock": "3"})
    house.clock.sleep(20 * A_DAY)
    # then the next look makes it again and says so
    look(house)
    assert topics(house, name) == wanted
    assert len(told(house)) == 1
    # and the next reading brings all of it
    house.settle_down()
    house.tracking()
    house.stock()
    assert [one["shipment_status"] for one in house.vendors["warehouse"].state()["shipments"]].count("pending") == 1
    assert len([one for one in house.vendors["books"].state()["documents"] if one["DocNumber"] == "S-1002"]) == 1
    assert house.vendors["shop"].act("levels", {})["MUG-BLUE"]["Main"]["available"] == 3
    assert house.hub.ledger.trace("#1001").subjects[1:]  # its parcel
