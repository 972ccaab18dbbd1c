"""Three orders in three hundred are poison: one breaks our code, one is refused, one kills whoever sends it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from commerce.errors import HubError
from commerce.outcomes import Outcome
from commerce.ports import Item
from tasks import steps
from tasks.hub import Hub, installed
from tests.journeys.house import ORDER_DESTINATIONS, House
from tests.journeys.mortal import Killed, Life, reborn
from tests.small_house import a_small_house, order

MANY = 300
BREAKS, REFUSED, KILLS = "#1100", "#1150", "#1200"

LOOKS_LIKE = {
    "warehouse": r"POST .*/v2/shipments ",
    "books": r'POST .*/batch .*"operation"',
    "marketing": r"POST .*/api/event",
}

RUNS = 20
"""Within so many runs all others are there; without poison it takes two or three."""


class Brittle:
    """The real connector, with a fault in our own code that one order meets."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.keeps, self.topics, self.batch = real.keeps, real.topics, real.batch

    def deliver(self, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        if any(item.newest.data["number"] == BREAKS for item in items):
            raise ZeroDivisionError("ada@example.com")
        yield from self.real.deliver(items)


def numbered(house: House) -> dict[str, str]:
    """The storefront's ids by what people call the orders."""
    return {one["name"]: one["id"].rsplit("/", 1)[-1] for one in house.vendors["shop"].state()["orders"]}


def poisoned(house: House, name: str, life: Life) -> None:
    """Let this hub meet all three of them at that destination."""
    ids = numbered(house)
    way = house.hub.transports[name]

    def answered(request: httpx.Request) -> httpx.Response:
        said = f"{request.method} {request.url.path} {request.content.decode()}"
        writes = re.search(LOOKS_LIKE[name], said, re.DOTALL)
        if writes and ids[KILLS] in said:
            life.dead = True
            raise Killed
        if writes and ids[REFUSED] in said:
            return httpx.Response(400, json={"errors": [{"message": "No.", "detail": "No.", "title": "No."}]})
        return way.handle_request(request)

    house.hub.transports = {**house.hub.transports, name: httpx.MockTransport(answered)}
    house.hub._clients[name] = Brittle(Hub.client(house.hub, name))


@pytest.mark.parametrize("name", ORDER_DESTINATIONS)
def test_each_holds_itself_and_all_others_arrive(tmp_path: Path, name: str) -> None:
    # given three hundred orders on their way, three of them poison
    house = a_small_house(tmp_path)
    for _ in range(MANY):
        order(house)
    house.clock.sleep(5)
    house.record()
    # when runs go on, each in a new process when the last one died
    deaths = runs = 0
    life = reborn(house)
    poisoned(house, name, life)
    while waiting(house, name) and runs < 60:
        runs += 1
        with suppress(Killed, HubError), installed(house.hub):
            steps.deliver_all(name)
        if runs == RUNS:
            assert waiting(house, name) <= 3
        if life.dead:
            deaths += 1
            life = reborn(house)
            poisoned(house, name, life)
        house.clock.sleep(61)
    # then each of the three is for a person, with its own cause, and no other is
    held = {one.label: one.cause for one in house.hub.ledger.held(name)}
    assert sorted(held) == [BREAKS, REFUSED, KILLS]
    assert held[BREAKS] == "hub_error_ZeroDivisionError"
    assert held[KILLS] == "kills_its_process"
    assert deaths == 4
    # and all others are there, once
    [row] = [row for row in house.hub.ledger.status() if row.destination == name]
    assert row.done == MANY - 3
    assert len(arrived(house, name)) == len(set(arrived(house, name))) == MANY - 3


def waiting(house: House, name: str) -> int:
    """Records that wait for the destination and for no person."""
    [row] = [row for row in house.hub.ledger.status() if row.destination == name]
    return row.waiting + row.retry + row.unknown


def arrived(house: House, name: str) -> list[str]:
    """What the destination holds, one entry for each order."""
    state = house.vendors[name].state()
    if name == "warehouse":
        return [one["external_shipment_id"] for one in state["shipments"]]
    if name == "books":
        return [one["PrivateNote"] for one in state["documents"]]
    return [one["unique_id"] for one in state["events"] if one["metric"] == "Placed Order"]
