"""A vendor answers 500 whenever it is told of one order, for good: that order is held at last, and stops nobody."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.journeys.house import House
from tests.journeys.test_without_an_answer import WRITES, opened
from tests.small_house import order

HOUR = 3600
PLACES = [place for place in WRITES if place != "shop"]


def stumbles_over(house: House, name: str, write: str, number: str) -> None:
    """From now on this vendor breaks at each write that has to do with the order."""
    vendor = house.vendors[name]
    answer = vendor.answer
    [id] = [one["id"].rsplit("/", 1)[-1] for one in house.vendors["shop"].state()["orders"] if one["name"] == number]

    def answered(request: httpx.Request) -> httpx.Response:
        said = f"{request.method} {request.url.path} {request.content.decode()}"
        if re.search(write, said, re.DOTALL) and id in said:
            return httpx.Response(500, text="Object reference not set to an instance of an object.")
        return answer(request)

    vendor.answer = answered  # type: ignore[method-assign]


def standing(house: House, name: str) -> dict[str, int]:
    """How its deliveries stand."""
    [row] = [row for row in house.hub.ledger.status() if row.destination == name]
    return {"done": row.done, "on their way": row.waiting + row.retry + row.unknown, "held": row.held}


@pytest.mark.parametrize("place", PLACES)
def test_it_is_held_after_two_days_and_all_others_arrive_within_hours(tmp_path: Path, place: str) -> None:
    # given forty orders of which one makes its vendor stumble
    house, name = opened(tmp_path, place)
    for _ in range(40):
        order(house)
    stumbles_over(house, name, WRITES[place], "#1017")
    house.clock.sleep(5)
    # when the routes run, and now and then somebody orders
    placed, all_others = 40, 0
    for hour in range(64):
        if hour % 4 == 0:
            order(house)
            placed += 1
        for _ in range(4):
            house.clock.sleep(HOUR / 4)
            house.record()
            house.deliver(name)
        found = standing(house, name)
        all_others = all_others or (hour + 1 if found["done"] == placed - 1 else 0)
        if found["held"]:
            break
    # then all others arrived within hours, and that one is for a person, who is told what to look at
    assert 0 < all_others <= 6
    [held] = house.hub.ledger.held(name)
    assert held.label == "#1017"
    assert held.cause in ("never_answered", "keeps_failing")
    assert "#1017" in held.reason or "500" in held.reason
    assert held.hint
    assert standing(house, name)["on their way"] == 0
