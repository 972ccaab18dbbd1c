"""Webhooks that a vendor dropped are noticed and made again, and people are told."""

from __future__ import annotations

from integrations.simulator import Fault
from tasks.mending import mend_webhooks
from tasks.tally import Tally
from tests.journeys.house import House

HOUR = 3600.0


def subscribed(house: House) -> list[str]:
    return sorted(one["topic"] for one in house.vendors["shop"].state()["webhook_subscriptions"])


def told(house: House) -> list[str]:
    return [str(message) for message in house.vendors["alerts"].state()["messages"] if "webhooks" in str(message)]


def drop(house: House, topic: str) -> None:
    """Shopify deletes a subscription whose receiver failed for hours."""
    known = house.vendors["shop"].store.subscriptions
    [gone] = [number for number, one in known.items() if one["topic"] == topic]
    del known[gone]


def look(house: House) -> Tally:
    """What the flow watch does of it."""
    tally = mend_webhooks(house.hub)
    house.watch()
    return tally


def test_the_first_look_makes_them_and_says_nothing(house: House) -> None:
    look(house)
    assert "ORDERS_UPDATED" in subscribed(house)
    assert told(house) == []


def test_a_deleted_subscription_is_made_again_within_the_hour_and_told_once(house: House) -> None:
    # given webhooks of which Shopify deleted one
    look(house)
    before = subscribed(house)
    drop(house, "ORDERS_UPDATED")
    # when less than an hour has passed, then nobody looked
    house.clock.sleep(HOUR / 2)
    look(house)
    assert subscribed(house) != before
    # when it has passed, then it is there again, and people know
    house.clock.sleep(HOUR / 2)
    look(house)
    assert subscribed(house) == before
    assert len(told(house)) == 1
    assert "ORDERS_UPDATED" in told(house)[0]
    # and once all is found in place, it is over
    house.clock.sleep(HOUR)
    look(house)
    assert len(told(house)) == 2


def test_a_hub_without_a_receiver_asks_nobody(house: House) -> None:
    hub = house.hub
    hub.stack = hub.stack.model_copy(update={"hub": hub.stack.hub.model_copy(update={"receiver": ""})})
    look(house)
    assert subscribed(house) == []


def test_a_storefront_that_is_down_is_looked_at_the_next_time(house: House) -> None:
    house.vendors["shop"].faults = [Fault(status=503, on="graphql", times=4)]
    assert look(house).counts["webhooks not seen"] == 1
    assert look(house).counts["webhooks made"] > 0
