"""What a day brings, end to end, judged from the vendors' own state."""

from __future__ import annotations

from collections.abc import Callable

from deployments.shop import ShopPlan
from tests.journeys.house import House, happen

OpenHouse = Callable[..., House]


def a_day(house: House, plan: ShopPlan) -> None:
    """Orders, changes to orders, parcels, tracking, stock."""
    house.stock()
    house.settle_down()
    happen(house.vendors["shop"], plan.events_after)
    house.clock.sleep(5)
    house.settle_down()
    house.vendors["warehouse"].act("buy_labels", {})
    house.clock.sleep(5)
    house.tracking()
    house.settle_down()
    house.stock()


def test_everything_arrives_that_should(open_house: OpenHouse, plan: ShopPlan) -> None:
    # given a shop with one order of every odd kind
    house = open_house()
    # when a day goes by
    a_day(house, plan)
    # then every place holds just what the storefront's truth asks for
    outcome = house.judge(plan)
    assert outcome.wrong == []


def test_doing_everything_again_changes_nothing_anywhere(open_house: OpenHouse, plan: ShopPlan) -> None:
    # given a day that is over
    house = open_house()
    a_day(house, plan)
    before = {name: house.vendors[name].state() for name in house.vendors}
    # when every route runs twice more
    for _ in range(2):
        house.clock.sleep(120)
        house.settle_down()
        house.tracking()
        house.stock()
    # then no vendor holds anything else than before
    for name, state in before.items():
        assert house.vendors[name].state() == state, name


def test_history_starts_no_flow_and_subscribes_nobody(open_house: OpenHouse, plan: ShopPlan) -> None:
    # given orders that are older than the hub
    house = open_house()
    # when they are brought to marketing
    house.settle_down()
    # then they are recorded there as history: no flow has started, and nobody was subscribed
    state = house.vendors["marketing"].state()
    assert state["events"]
    assert state["flows_triggered"] == 0
    assert state["subscribed"] == 0


def test_a_new_order_starts_flows(open_house: OpenHouse, plan: ShopPlan) -> None:
    # given a hub that has brought all history
    house = open_house()
    house.settle_down()
    # when somebody orders now
    house.clock.sleep(60)
    spec = {
        **plan.orders[0],
        "name": "#9999",
        "created_at": house.clock.moment().isoformat(),
        "email": "new@example.com",
    }
    house.vendors["shop"].act("place_orders", {"orders": [spec]})
    house.clock.sleep(1)
    house.settle_down()
    # then that order, and only that one, is news to marketing
    live = {
        event["unique_id"].rsplit(":", 1)[-1]
        for event in house.vendors["marketing"].state()["events"]
        if not event["backfill"]
    }
    assert house.vendors["marketing"].state()["flows_triggered"] > 0
    orders = {order["name"]: order["id"].rsplit("/", 1)[-1] for order in house.vendors["shop"].state()["orders"]}
    assert orders["#9999"] in live


def test_an_order_that_changed_after_it_shipped_waits_for_a_person_and_nothing_else_does(
    open_house: OpenHouse, plan: ShopPlan
) -> None:
    # given orders that the warehouse has shipped, before the storefront was told
    house = open_house()
    house.settle_down()
    house.vendors["warehouse"].act("buy_labels", {})
    shipped = next(
        order
        for order in house.vendors["shop"].state()["orders"]
        if order["paid"] and not order["cancelled"] and len(order["remaining"]) == 1 and not order["on_hold"]
    )
    # when its shopper moves
    elsewhere = {**plan.orders[0]["shipping_address"], "address1": "99 Far Away Street", "zip": "99999"}
    house.vendors["shop"].act("edit", {"order": shipped["name"], "address": elsewhere})
    house.clock.sleep(5)
    house.record()
    tally = house.deliver("warehouse")
    # then it is held with its number and what to do, and no other record is
    assert tally.counts == {"held": 1}
    (held,) = house.hub.ledger.held("warehouse")
    assert (held.label, held.cause) == (shipped["name"], "changed_after_shipping")
    assert held.hint


def test_that_parcels_have_left_costs_the_warehouse_a_list_and_not_a_call_each(
    open_house: OpenHouse, plan: ShopPlan
) -> None:
    # given parcels whose tracking numbers have come to the storefront
    house = open_house()
    house.settle_down()
    house.vendors["warehouse"].act("buy_labels", {})
    house.clock.sleep(5)
    parcels = house.tracking().counts["done"]
    # when the orders come back with nothing left to ship
    before = len(house.vendors["warehouse"].calls)
    house.record()
    tally = house.deliver("warehouse")
    # then nothing was changed there, and hardly anything asked
    assert tally.counts["unchanged"] >= parcels - 1
    assert len(house.vendors["warehouse"].calls) - before <= parcels // 5
