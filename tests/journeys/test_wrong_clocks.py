"""The hub's clock, the ledger's and the vendors' are wrong, or jump: nothing is lost, delayed or doubled by it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.ports import OrderSource
from deployments.shop import ShopPlan
from tasks.recording import record_orders_by_id
from tests.journeys.house import House, Wrong
from tests.journeys.test_a_day import OpenHouse, a_day
from tests.small_house import SMALL_SHOP, a_small_house, order

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
OFF = [-DAY, -2 * HOUR, -10 * MINUTE, 10 * MINUTE, 2 * HOUR, DAY]
VENDORS = {"shop": 3 * MINUTE, "warehouse": -3 * MINUTE, "books": 3 * MINUTE}


def turn(house: House, off: float, *, ledger_too: bool = False) -> None:
    """Set the hub's clock, and the database's if that is on the same machine."""
    for clock in (house.hub.clock, house.hub.ledger.clock if ledger_too else None):
        if clock:
            assert isinstance(clock, Wrong)
            clock.off = off


def wrong(house: House, plan: ShopPlan = SMALL_SHOP) -> list[str]:
    """What is not as it should be. Nobody tells the small shop's inventory app of its orders."""
    found = house.judge(plan).wrong
    return [one for one in found if plan is not SMALL_SHOP or not one.startswith("stock:")]


def a_poll_of_everything(house: House) -> None:
    """Each route once, and what is brought to a storefront."""
    house.orders_everywhere()
    house.tracking()


@pytest.mark.parametrize("ledger_too", [False, True], ids=["database apart", "one machine"])
@pytest.mark.parametrize("off", OFF)
def test_a_day_with_a_wrong_clock_ends_as_any_other(
    open_house: OpenHouse, plan: ShopPlan, off: float, ledger_too: bool
) -> None:
    # given a hub whose clock is off, perhaps its database's too, and vendors three minutes before and behind
    house = open_house(off={"hub": off, "ledger": off if ledger_too else 0.0, **VENDORS})
    # when a day goes by
    a_day(house, plan)
    # then every place holds just what the storefront's truth asks for
    assert wrong(house, plan) == []


def orders_around_the_watermark(house: House) -> list[tuple[int, int]]:
    """Orders and parcels around the watermark, each brought at once; how many calls the shop and the warehouse got."""
    calls = []
    for seconds in (0, 1, 599, 600, 601, 4000):
        house.clock.sleep(seconds)
        order(house)
        a_poll_of_everything(house)
        house.vendors["warehouse"].act("buy_labels", {})
        house.clock.sleep(1)
        a_poll_of_everything(house)
        assert wrong(house) == [], f"after {seconds} seconds"
        calls.append((len(house.vendors["shop"].calls), len(house.vendors["warehouse"].calls)))
    return calls


@pytest.mark.parametrize("off", OFF)
def test_the_next_poll_has_it_whatever_our_clock_says_and_asks_no_more_than_else(tmp_path: Path, off: float) -> None:
    # given a house whose clocks are right, and one whose clocks are not
    right, other = tmp_path / "right", tmp_path / "wrong"
    for home in (right, other):
        home.mkdir()
    expected = orders_around_the_watermark(a_small_house(right))
    # when people order and labels are bought, and each route runs once
    calls = orders_around_the_watermark(a_small_house(other, hub=off, ledger=off, **VENDORS))
    # then all of it is where it belongs, after just as many calls
    assert calls == expected


def test_a_jump_back_costs_one_reading_of_two_days_more_and_nothing_else(tmp_path: Path) -> None:
    # given a hub that has read orders and parcels
    house = a_small_house(tmp_path)
    for _ in range(3):
        order(house)
        house.clock.sleep(40 * MINUTE)
    a_poll_of_everything(house)
    house.vendors["warehouse"].act("buy_labels", {})
    a_poll_of_everything(house)
    house.clock.sleep(MINUTE)
    before = house.record().counts["read"]
    # when its clock, and the database's with it, is set back by an hour
    turn(house, -HOUR, ledger_too=True)
    # then what was read in the future does not count as read, once
    assert house.record().counts["read"] == 3
    assert house.record().counts["read"] == before
    # and what happens meanwhile is brought at once
    order(house)
    house.clock.sleep(1)
    a_poll_of_everything(house)
    assert wrong(house) == []


def test_two_states_of_one_second_end_right_although_the_clock_was_set_back_between_them(tmp_path: Path) -> None:
    # given a reader that saw an order of two mugs and is slow, and another one that sees and records a refund of one
    # within the same second
    house = a_small_house(tmp_path)
    name = order(house, lines=[{"sku": "MUG-RED", "quantity": 2, "price": "25.00"}])
    number = house.vendors["shop"].state()["orders"][0]["id"].rsplit("/", 1)[-1]
    [slow] = house.hub.playing("shop", OrderSource).orders_by_id([number])
    asked = house.hub.ledger.moment_now()
    house.vendors["shop"].act("refund", {"order": name, "lines": [{"line": 0, "quantity": 1, "restock": True}]})
    record_orders_by_id(house.hub, "shop", [number])
    # when the slow one records after all, and the clock of the machine is set back by an hour
    house.hub.ledger.record_orders("shop", slow.orders, asked=asked)
    turn(house, -HOUR, ledger_too=True)
    # then in the end, after a day of polls, each place has what is so
    for pause in (20 * MINUTE, 20 * MINUTE, DAY, MINUTE):
        order(house)
        house.clock.sleep(pause)
        house.settle_down()
    assert wrong(house) == []


@given(st.data())
@settings(max_examples=12, deadline=None)
def test_whatever_the_clocks_do_each_poll_finds_what_there_is(data: st.DataObject) -> None:
    # given clocks that are off by anything up to a day
    any_off = st.sampled_from([0.0, -1.0, 1.0, *OFF]) | st.floats(-DAY, DAY)
    slightly = st.floats(-3 * MINUTE, 3 * MINUTE)
    with TemporaryDirectory() as home:
        off = {"hub": data.draw(any_off), "shop": data.draw(slightly), "warehouse": data.draw(slightly)}
        house = a_small_house(Path(home), ledger=off["hub"], **off)
        # when people order, labels are bought, time passes and the clock jumps, in any order
        for what in data.draw(st.lists(st.sampled_from(["order", "label", "poll", "jump", "wait"]), max_size=12)):
            if what == "order":
                order(house)
            elif what == "label":
                house.vendors["warehouse"].act("buy_labels", {})
            elif what == "poll":
                a_poll_of_everything(house)
            elif what == "wait":
                house.clock.sleep(data.draw(st.sampled_from([1.0, 59.0, 601.0, 7300.0])))
            else:
                turn(house, data.draw(any_off), ledger_too=data.draw(st.booleans()))
        # then the next poll has all of it
        house.clock.sleep(1)
        a_poll_of_everything(house)
        house.settle_down()
        house.tracking()
        assert wrong(house) == []
        house.hub.close()
