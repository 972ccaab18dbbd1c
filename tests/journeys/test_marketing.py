"""Marketing in the whole hub: orders that count already are not counted again, and who pauses is told of once."""

from __future__ import annotations

from collections.abc import Callable

from deployments.shop import ShopPlan
from tasks.hub import Hub
from tests.journeys.house import House

OpenHouse = Callable[..., House]


def decided_to_count_twice(house: House) -> Hub:
    """The hub, opened again after somebody set `allow_second_integration = true`."""
    stack = house.hub.stack
    marketing = stack.connections["marketing"].model_copy(update={"allow_second_integration": True})
    changed = stack.model_copy(update={"connections": {**stack.connections, "marketing": marketing}})
    transports = {name: vendor.transport() for name, vendor in house.vendors.items()}
    return Hub(changed, house.hub.ledger, transports, sleep=house.clock.sleep, clock=house.clock)


def test_an_account_that_another_integration_fills_is_not_filled_too(open_house: OpenHouse, plan: ShopPlan) -> None:
    # given an account that Klaviyo's own Shopify app fills already
    house = open_house()
    account = house.vendors["marketing"]
    account.act("third_party_metric", {"integration": "Shopify"})
    # when the routes run, again and again
    for _ in range(3):
        house.orders_everywhere()
        house.watch()
        house.clock.sleep(120)
    # then no event was sent, the others were served, and one message says what to do
    assert account.state()["events"] == []
    waiting = {row.destination: row.waiting for row in house.hub.ledger.status()}
    assert waiting["marketing"] > 0
    told = [one for one in house.vendors["alerts"].state()["messages"] if "marketing" in one["text"]]
    assert len(told) == 1
    assert "Shopify already brings Placed Order" in told[0]["text"]
    assert "allow_second_integration" in told[0]["text"]
    # and when somebody has decided, everything arrives as history, and the all-clear is told
    house.hub = decided_to_count_twice(house)
    house.hub.ledger.resume("marketing")
    house.settle_down()
    house.watch()
    state = account.state()
    assert len(state["events"]) >= len(plan.orders)
    assert (state["flows_triggered"], state["subscribed"]) == (0, 0)
    messages = house.vendors["alerts"].state()["messages"]
    assert [one["text"].split("]")[0] for one in messages if "marketing" in one["text"]] == ["[critical", "[recovered"]


def test_a_key_that_is_taken_away_is_told_once_and_loses_nothing(open_house: OpenHouse, plan: ShopPlan) -> None:
    # given a hub whose key is deleted after the first orders
    house = open_house()
    account = house.vendors["marketing"]
    account.act("revoke_key", {})
    for _ in range(3):
        house.orders_everywhere()
        house.watch()
        house.clock.sleep(120)
    assert account.state()["events"] == []
    # when there is a new one with the same text, and the connection is resumed
    account.act("set_key", {"api_key": "pk_sim"})
    house.hub.ledger.resume("marketing")
    house.settle_down()
    house.watch()
    # then every event is there once, and two messages were written
    events = [event["unique_id"] for event in account.state()["events"]]
    assert len(events) == len(set(events)) >= len(plan.orders)
    messages = [one["text"] for one in house.vendors["alerts"].state()["messages"] if "marketing" in one["text"]]
    assert len(messages) == 2
    assert "pk_sim" not in str(messages)
