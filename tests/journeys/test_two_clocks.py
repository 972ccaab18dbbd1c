"""Processes whose clocks differ, and what else a wrong clock could decide: leases, tokens, stock, who is forgotten."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tasks import delivering
from tasks.hub import Hub
from tests.journeys.house import House, Wrong
from tests.journeys.test_wrong_clocks import DAY, HOUR, MINUTE, OFF, turn, wrong
from tests.small_house import a_small_house, order, with_route
from tests.tasks.test_stocking import shown


def another(house: House, off: float) -> House:
    """A process on another machine, whose clock is off, over the same database and the same vendors."""
    hub = Hub(
        house.hub.stack,
        house.hub.ledger,
        house.hub.transports,
        sleep=house.clock.sleep,
        clock=Wrong(house.clock, off),
    )
    return House(hub, house.vendors, house.clock, house.before)


@pytest.mark.parametrize("off", [-10 * MINUTE, 10 * MINUTE])
def test_a_lease_lasts_as_long_as_the_database_says(tmp_path: Path, off: float) -> None:
    # given a record that one process has claimed, and another one whose clock differs by ten minutes
    house = a_small_house(tmp_path)
    order(house)
    house.clock.sleep(5)
    house.record()
    other = another(house, off)
    mine = house.hub.ledger.claim("warehouse", limit=1, lease=delivering.LEASE)
    assert len(mine.items) == 1
    # when the other one asks for work, a second before the lease ends and a second after
    house.clock.sleep(delivering.LEASE - 1)
    assert delivering.deliver_batch(other.hub, "warehouse").claimed == 0
    house.clock.sleep(2)
    delivering.deliver_batch(other.hub, "warehouse", suspects=True)
    # then it gets it only then, and the first one settles nothing any more
    assert house.hub.ledger.renew(mine, delivering.LEASE) == 0
    assert len(house.vendors["warehouse"].state()["shipments"]) == 1


@pytest.mark.parametrize("off", [-10 * MINUTE, 10 * MINUTE])
def test_a_machine_that_slept_and_does_not_know_it_sends_nothing_more(tmp_path: Path, off: float) -> None:
    # given a batch for the warehouse, and a machine that is put to sleep while the first look is on the wire, for so
    # long that another one takes over; when it wakes up its own clock has not moved
    house = a_small_house(tmp_path)
    for _ in range(3):
        order(house)
    house.clock.sleep(5)
    house.record()
    other, sent = another(house, off), list[int]()
    warehouse, asleep = house.vendors["warehouse"], Wrong(house.clock, off)

    def stalling(request: httpx.Request) -> httpx.Response:
        if not sent:
            house.clock.sleep(delivering.LEASE + 1)
            asleep.off -= delivering.LEASE + 1
            other.deliver("warehouse")
            sent.append(len(warehouse.calls))
        return warehouse.transport().handle_request(request)

    house.hub.clock = asleep
    house.hub.transports = {**house.hub.transports, "warehouse": httpx.MockTransport(stalling)}
    house.hub._clients.clear()
    # when it goes on
    house.deliver("warehouse")
    # then what was on the wire arrives, and nothing more is sent
    assert len(warehouse.calls) - sent[0] == 1
    house.clock.sleep(delivering.LEASE + 1)
    other.settle_down()
    assert wrong(house) == []


@pytest.mark.parametrize("off", [-2 * HOUR, HOUR])
def test_tokens_of_an_hour_are_renewed_about_once_an_hour_whatever_the_clock_says(tmp_path: Path, off: float) -> None:
    # given books whose tokens live for an hour, and a hub whose clock is wrong
    house = a_small_house(tmp_path, hub=off, ledger=off)
    books = house.vendors["books"]
    # when orders come in for six hours, and the clock is set right in the middle
    for n in range(36):
        order(house)
        house.clock.sleep(10 * MINUTE)
        house.orders_everywhere()
        if n == 18:
            turn(house, 0.0, ledger_too=True)
    # then all of them are there, and a token was asked for about once an hour
    assert wrong(house) == []
    assert house.hub.ledger.paused() == []
    assert books.desk.issued <= 9  # type: ignore[attr-defined]


def test_two_machines_an_hour_apart_do_not_renew_in_turns_without_end(tmp_path: Path) -> None:
    # given two machines that share a connection, one of them two hours ahead
    house = a_small_house(tmp_path)
    other = another(house, 2 * HOUR)
    # when both post for six hours, each with a new process each time
    for n in range(72):
        order(house)
        house.clock.sleep(5 * MINUTE)
        one = (house, other)[n % 2]
        one.hub._clients.clear()
        one.record()
        one.deliver("books")
    # then everything is there, after two renewals an hour at most
    assert len(house.vendors["books"].state()["documents"]) == 72
    assert house.hub.ledger.paused() == []
    assert house.vendors["books"].desk.issued <= 14  # type: ignore[attr-defined]


@pytest.mark.parametrize("off", [0.0, *OFF])
def test_stock_that_was_sold_a_moment_ago_is_not_offered_again(tmp_path: Path, off: float) -> None:
    # given an inventory app that hears of orders after some minutes, and an order of five minutes ago
    house = a_small_house(tmp_path, hub=off, ledger=off)
    with_route(house.hub, "sync-inventory", stock={"order_lag_minutes": 15})
    house.stock()
    order(house)
    house.clock.sleep(5 * MINUTE)
    # when stock is brought
    house.stock()
    # then the mug that it does not know of as sold is not offered again
    assert shown(house, "MUG-RED") == 9


def test_nobody_is_forgotten_by_age_while_the_clock_is_wrong(tmp_path: Path) -> None:
    # given orders that are to be forgotten after 30 days, and a machine that believes in a day three months on
    house = a_small_house(tmp_path)
    kept = house.hub.stack.hub.model_copy(update={"forget_after_days": 30})
    house.hub.stack = house.hub.stack.model_copy(update={"hub": kept})
    order(house)
    house.clock.sleep(5)
    house.orders_everywhere()
    house.vendors["warehouse"].act("buy_labels", {})
    house.clock.sleep(5)
    house.tracking()
    house.orders_everywhere()
    turn(house, 90 * DAY, ledger_too=True)
    house.orders_everywhere()
    # when the watch looks, as it does every five minutes
    house.watch()
    # then nobody was forgotten
    assert "Lovelace" in str(list(house.hub.ledger.latest("shop", "order")))
    # and once the clock is right, and time has really passed, they are
    turn(house, 0.0, ledger_too=True)
    house.clock.sleep(31 * DAY)
    house.orders_everywhere()
    house.watch()
    assert "Lovelace" not in str(list(house.hub.ledger.latest("shop", "order")))


def test_a_process_whose_clock_is_wrong_tells_of_no_route_as_late(tmp_path: Path) -> None:
    # given routes that end well, by the database's clock
    house = a_small_house(tmp_path)
    for route in house.hub.stack.routes:
        house.hub.ledger.route_started(route)
        house.hub.ledger.route_finished(route, ok=True, counts={})
    # when a watch looks whose own clock is a day ahead
    other = another(house, DAY)
    other.watch()
    # then nothing is late
    assert [one.alert.title for one in house.hub.ledger.open_alerts() if one.alert.fingerprint.startswith("late")] == []


@pytest.mark.parametrize("off", [-10 * DAY, 10 * DAY])
def test_the_very_first_reading_goes_a_week_back_by_the_storefronts_clock(tmp_path: Path, off: float) -> None:
    # given a new hub without a start, whose clock is days off, and an order of the day before yesterday
    house = a_small_house(tmp_path, hub=off, ledger=off)
    settings = house.hub.stack.hub.model_copy(update={"start": None})
    house.hub.stack = house.hub.stack.model_copy(update={"hub": settings})
    order(house)
    house.clock.sleep(2 * DAY)
    # when orders are read twice: the first answer tells what time it is
    house.record()
    house.record()
    # then it is there
    assert [order["number"] for order in house.hub.ledger.latest("shop", "order")] == ["#1001"]
