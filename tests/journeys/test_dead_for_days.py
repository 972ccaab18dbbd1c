"""A destination is dead for ten minutes or for days: nobody else waits, nothing is lost, and people are told once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commerce.errors import HubError
from integrations.simulator import Fault
from tasks import backfill, steps
from tasks.hub import installed
from tests.builders import NOON
from tests.journeys.house import ORDER_DESTINATIONS, House, a_house
from tests.journeys.test_bad_days import A_WRITE
from tests.journeys.test_without_an_answer import wrong
from tests.small_house import SMALL_SHOP, order

MINUTES, HOURS = 60, 3600

SPRING = 4
"""Orders of last spring."""

OUTAGES = {
    "ten minutes": (Fault(status=503), 5, 2 * MINUTES),
    "fifty hours": (Fault(status=503), 13, 4 * HOURS),
    "fifty hours, but for reading": (Fault(status=503, on=A_WRITE), 13, 4 * HOURS),
    "fifty hours, writes are cut off": (Fault(kind="drop", on=A_WRITE), 13, 4 * HOURS),
}
"""What is dead, and how often and how far apart the routes run meanwhile: so often that a record could be blamed."""

CASES = [(dead, outage) for dead in ORDER_DESTINATIONS for outage in ("ten minutes", "fifty hours, but for reading")]
CASES.append(("books", "fifty hours"))  # which can renew no token meanwhile
CASES.append(("warehouse", "fifty hours, writes are cut off"))

KEPT = {
    "warehouse": ("shipments", "external_shipment_id"),
    "books": ("documents", "PrivateNote"),
    "marketing": ("events", "unique_id"),
}


def a_strict_house(home: Path) -> House:
    """Vendors that enforce their limits, and a hub that keeps to them by itself; some orders are from before it."""
    house = a_house(home, SMALL_SHOP, NOON, limits=True)
    stack = house.hub.stack
    connections = {name: one.model_copy(update={"pace": True}) for name, one in stack.connections.items()}
    since = stack.hub.model_copy(update={"start": NOON - timedelta(days=7)})
    house.hub.stack = stack.model_copy(update={"connections": connections, "hub": since})
    house.hub._clients.clear()
    for day in range(10, 10 + SPRING):
        order(house, created_at=f"2026-04-{day}T10:00:00Z")
    return house


def runs(house: House, name: str) -> None:
    """What the schedule does with a route to this destination once orders are recorded, and what is noted of it."""
    route = next(one.name for one in house.hub.stack.routes.values() if one.destination == name)
    house.hub.ledger.route_started(route)
    well, words = False, ""
    with installed(house.hub), suppress(HubError):
        try:
            steps.deliver_all(name)
            well = True
        except HubError as error:
            words = str(error)
    house.hub.ledger.route_finished(route, well, {}, words)


def number_at(house: House, name: str) -> list[int]:
    """Which orders the destination got, in the order in which it got them first."""
    kept, key = KEPT[name]
    ids = {
        one["id"].rsplit("/", 1)[-1]: int(one["name"].lstrip("#")) for one in house.vendors["shop"].state()["orders"]
    }
    texts = [str(one[key]).replace("/", ":").split(":") for one in house.vendors[name].state()[kept]]
    return list(dict.fromkeys(ids[part] for text in texts for part in text if part in ids))


@pytest.mark.parametrize(("dead", "outage"), CASES)
def test_nobody_else_waits_and_it_catches_up_by_itself(tmp_path: Path, dead: str, outage: str) -> None:
    # given a backfill of last spring on its way, and a destination that answers 503
    house = a_strict_house(tmp_path)
    for name in ORDER_DESTINATIONS:
        runs(house, name)
    fault, rounds, apart = OUTAGES[outage]
    house.vendors[dead].faults.append(replace(fault, times=1_000_000))
    spring = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
    for _ in backfill.record_history(house.hub, backfill.plan(house.hub, "shop", *spring, ORDER_DESTINATIONS)):
        pass
    # when somebody orders before each run of the routes
    for _ in range(rounds):
        order(house)
        house.clock.sleep(apart)
        house.record()
        for name in ORDER_DESTINATIONS:
            runs(house, name)
        house.watch()
        # then nobody else waits
        waiting = {row.destination: row.waiting + row.retry + row.unknown for row in house.hub.ledger.status()}
        assert [name for name in ORDER_DESTINATIONS if waiting[name]] == [dead]
    # and people were told once, or not yet of so short a time
    told = [one["text"] for one in house.vendors["alerts"].state()["messages"]]
    assert len(told) == (1 if apart > HOURS else 0), told
    # and when it is back, everything arrives, from the first run on the sales of these days, then history, in order
    house.vendors[dead].faults.clear()
    before, before_it = len(house.vendors[dead].calls), number_at(house, dead)
    for _ in range(80):
        if not house.on_their_way():
            break
        house.clock.sleep(MINUTES)
        runs(house, dead)
    assert wrong(house) == []
    came = number_at(house, dead)
    live = [number for number in came if number > 1000 + SPRING]
    history = [number for number in came if number <= 1000 + SPRING]
    assert (before_it, len(live), len(history)) == ([], rounds, SPRING)
    assert came == [*live, *history]
    if dead != "marketing":  # which takes several at once
        assert (live, history) == (sorted(live), sorted(history))
    # and it was never asked too often
    assert [call for call in list(house.vendors[dead].calls)[before:] if call.status == 429] == []
    # and the good news is told, once
    house.watch()
    house.watch()
    assert len(house.vendors["alerts"].state()["messages"]) == 2 * len(told)
