"""One bad thing is told once, and once that it is over, however long it lasts and whatever happens to the channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from commerce.errors import HubError
from deployments.health import health_of, health_page
from integrations.simulator import Fault
from tasks import recording
from tasks.alerting import in_words
from tasks.hub import installed
from tasks.steps import deliver_all
from tasks.tally import Tally
from tests.journeys.house import House
from tests.journeys.test_any_day import MEMORY
from tests.small_house import ADDRESS, a_small_house, order

EVERY = 1800
"""Seconds between two runs of the watch and of the route."""

REFUSED = {"Fault": {"Error": [{"Message": "odd", "Detail": "odd", "code": "6000"}], "type": "ValidationFault"}}
FOR_EVER = 1_000_000
ROUTES = {"warehouse": "orders-to-shipping", "books": "orders-to-accounting", "marketing": "orders-to-marketing"}


@pytest.fixture
def house() -> Iterator[House]:
    """A small house that waits for no disk, as two days have many runs."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        opened = a_small_house(Path(folder))
        with installed(opened.hub):
            yield opened
        opened.hub.close()


def told(house: House) -> list[str]:
    """First lines of the messages in the channel."""
    return [message["text"].splitlines()[0] for message in house.vendors["alerts"].state()["messages"]]


def life(house: House, destination: str, hours: float) -> None:
    """So many hours in which a route and the watch run again and again; orders come in, and the others take theirs."""
    for step in range(round(hours * 3600 / EVERY)):
        ordered = step % 8 == 0
        if ordered:
            order(house)
        for route in house.hub.stack.routes.values():
            if route.destination == destination or (ordered and route.destination in ROUTES):
                run(house, route.name, route.destination)
            else:
                house.hub.ledger.route_finished(route.name, True, {})
        house.watch()
        house.clock.sleep(EVERY)


def run(house: House, route: str, destination: str) -> None:
    """A run of a route that carries orders."""
    noted(house, route, lambda: orders_to(house, destination))


def orders_to(house: House, destination: str) -> Tally:
    recording.record_changed_orders(house.hub, "shop")
    return deliver_all(destination)


def noted(house: House, route: str, work: Callable[[], Tally]) -> None:
    """Do the work, and note how it ended as the flows do."""
    ledger = house.hub.ledger
    ledger.route_started(route)
    try:
        tally = work()
    except HubError as error:
        ledger.route_finished(route, False, {}, in_words(error))
    else:
        ledger.route_finished(route, not tally.paused, {}, tally.paused)


def dead(house: House, destination: str, fault: Fault) -> None:
    """The destination takes nothing any more."""
    house.vendors[destination].faults.append(replace(fault, times=FOR_EVER))


def back(house: House, destination: str) -> None:
    """It is as it was; where a credential was refused, somebody has said so."""
    house.vendors[destination].faults.clear()
    house.hub.ledger.resume(destination)


DEATHS = {
    "answers 503": Fault(status=503),
    "takes no write": Fault(status=500, on=r"^(POST|PUT|PATCH)"),
    "drops calls": Fault(kind="drop"),
    "refuses our key": Fault(status=401),
}


CASES = [*(("warehouse", how) for how in DEATHS), ("books", "takes no write"), ("marketing", "answers 503")]


@pytest.mark.parametrize(("destination", "how"), CASES)
def test_a_destination_that_is_dead_for_two_days_is_told_once_and_once_that_it_is_back(
    house: House, destination: str, how: str
) -> None:
    # given a shop in which all is well
    life(house, destination, 1)
    assert told(house) == []
    # when a destination is dead for two days, and is watched all the time
    dead(house, destination, DEATHS[how])
    life(house, destination, 48)
    assert len(told(house)) == 1
    # and is there again
    back(house, destination)
    life(house, destination, 8)
    # then people were told twice: what is wrong, and that it is over
    [problem, over] = told(house)
    assert problem.startswith("[critical]")
    assert over.startswith("[recovered]")
    assert house.hub.ledger.open_alerts() == []


@pytest.mark.parametrize("kind", ["after", "drop_after", "timeout_after"])
def test_a_channel_that_takes_messages_and_never_says_so_has_a_few_of_each_and_not_one_for_each_watch(
    house: House, kind: Any
) -> None:
    # given a channel that takes all and answers nothing, and a destination that is dead for two days
    house.vendors["alerts"].faults.append(Fault(kind=kind, status=500, times=FOR_EVER))
    dead(house, "warehouse", DEATHS["answers 503"])
    life(house, "warehouse", 48)
    # then the problem is there four times, and says of itself from the second time on that it is the same
    first, *again = told(house)
    assert first.startswith("[critical] ")
    assert again == [first.replace("[critical]", "[critical, again]")] * 3
    # and whoever looks knows that nobody may have read it: the watch's run, status and the health page
    assert "1 messages were sent without an answer" in house.watch().paused
    assert health_of(house.hub).unconfirmed_alerts == health_of(house.hub).open_alerts
    assert "sent, not confirmed" in health_page(health_of(house.hub))
    # and when both are well again, that it is over is told once
    house.vendors["alerts"].faults.clear()
    back(house, "warehouse")
    life(house, "warehouse", 8)
    assert [line[:11] for line in told(house)[4:]] == ["[recovered]"]
    assert house.watch().paused == ""


@pytest.mark.parametrize("kind", ["after", "drop_after", "timeout_after"])
def test_answers_that_are_lost_after_a_problem_was_told_repeat_nothing(house: House, kind: Any) -> None:
    # given a problem that people know of
    dead(house, "warehouse", DEATHS["answers 503"])
    life(house, "warehouse", 6)
    assert len(told(house)) == 1
    # when the channel loses its answers for a day, and is well before the destination is
    house.vendors["alerts"].faults.append(Fault(kind=kind, status=500, times=FOR_EVER))
    life(house, "warehouse", 24)
    house.vendors["alerts"].faults.clear()
    back(house, "warehouse")
    life(house, "warehouse", 8)
    # then there is one message of the problem and one of its end
    assert [line.split()[0] for line in told(house)] == ["[critical]", "[recovered]"]


def test_a_dead_storefront_is_one_message_although_every_route_is_late(house: House) -> None:
    # given a storefront that answers nobody
    life(house, "warehouse", 1)
    dead(house, "shop", DEATHS["answers 503"])
    for _ in range(12):
        for destination, route in ROUTES.items():
            run(house, route, destination)
        noted(house, "tracking-to-storefront", house.tracking)
        noted(house, "sync-inventory", house.stock)
        house.watch()
        house.clock.sleep(EVERY)
    # then one message names it, and the open alert all of its routes
    [message] = told(house)
    assert "late" in message
    [kept] = house.hub.ledger.open_alerts()
    assert (kept.alert.fingerprint, kept.alert.title) == ("late:shop", "shop: 4 routes are late")


def test_many_bad_records_are_one_message_for_each_cause_and_destination(house: House) -> None:
    # given forty orders that the warehouse cannot take, for two reasons, each with its own words
    for number in range(20):
        order(house, shipping_address=None)
        order(house, shipping_address={**ADDRESS, "zip": ""}, email=f"shopper{number}@example.com")
    house.vendors["books"].faults.append(Fault(status=400, body=REFUSED, on=r"^POST .*(receipt|batch)", times=FOR_EVER))
    # when they are brought again and again, and watched
    for _ in range(6):
        for destination, route in ROUTES.items():
            run(house, route, destination)
        house.watch()
        house.clock.sleep(EVERY)
    # then there is a message for each cause, which says how many and how to see and release them all
    groups = {(one.destination, one.cause) for one in house.hub.ledger.held()}
    assert len(house.hub.ledger.held()) >= 40
    assert len(told(house)) == len(groups) <= 3
