"""Answers that are well-formed and wrong: another call's, or with ids of another type. Nothing is adopted from them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.replaying import replay_to
from integrations.simulator import Fault, Simulator
from tests.journeys.house import House
from tests.journeys.test_without_an_answer import WRITES, come_to_rest, opened, wrong
from tests.small_house import order

Say = Callable[[httpx.Request, Callable[[httpx.Request], httpx.Response]], httpx.Response]


def stands_between(vendor: Simulator, say: Say) -> None:
    """Something on the way to the vendor, that asks it or does not."""
    ask = vendor.answer
    vendor.answer = lambda request: say(request, ask)  # type: ignore[method-assign]


def gives_back(house: House, name: str, number: str) -> None:
    """A mug of the order comes back."""
    give_back = {"line": 0, "quantity": 1, "restock": True}
    house.vendors["shop"].act("refund", {"order": number, "lines": [give_back]})
    house.clock.sleep(5)
    come_to_rest(house, name)


TWO_MUGS = [{"sku": "MUG-RED", "quantity": 2, "price": "25.00"}]


@pytest.mark.parametrize("place", ["warehouse", "warehouse over v1", "books", "crm"])
def test_an_answer_to_another_call_is_believed_by_nobody(tmp_path: Path, place: str) -> None:
    # given an order that is there, and something on the way that keeps the next write, and says what it said before
    house, name = opened(tmp_path, place)
    said = list[httpx.Response]()

    def say(request: httpx.Request, ask: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
        call = f"{request.method} {request.url.path} {request.content.decode()}"
        if not re.search(WRITES[place], call, re.DOTALL):
            return ask(request)
        said.append(said[0] if len(said) == 1 else ask(request))
        return httpx.Response(said[-1].status_code, content=said[-1].content)

    order(house, lines=TWO_MUGS)
    house.clock.sleep(5)
    stands_between(house.vendors[name], say)
    come_to_rest(house, name)
    # when the next order is brought, and then changed
    second = order(house, lines=TWO_MUGS)
    house.clock.sleep(5)
    come_to_rest(house, name)
    assert len(said) >= 2
    gives_back(house, name, second)
    # then each is there once, as it is
    assert wrong(house) == []


def test_a_look_up_that_shows_another_shipment_changes_neither(tmp_path: Path) -> None:
    # given an order that is there, another that was made without an answer, and a look-up that shows the first
    house, name = opened(tmp_path, "warehouse")
    order(house, lines=TWO_MUGS)
    house.clock.sleep(5)
    come_to_rest(house, name)
    shown = list[httpx.Response]()

    def say(request: httpx.Request, ask: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
        if "/external_shipment_id/" in request.url.path and not shown:
            [there, *_] = house.vendors[name].state()["shipments"]
            path = f"/v2/shipments/external_shipment_id/{there['external_shipment_id']}"
            shown.append(ask(httpx.Request("GET", request.url.copy_with(path=path), headers=request.headers)))
            return shown[-1]
        return ask(request)

    house.vendors[name].faults.append(Fault(kind="after", status=502, on=r"POST /v2/shipments"))
    second = order(house, lines=TWO_MUGS)
    house.clock.sleep(5)
    stands_between(house.vendors[name], say)
    # when it is looked for, and then changed
    come_to_rest(house, name)
    gives_back(house, name, second)
    # then each is there once, as it is
    assert [one.status_code for one in shown] == [200]
    assert wrong(house) == []


def numbered(value: Any) -> Any:
    """The same with ids as numbers, where they are made of digits."""
    if isinstance(value, list):
        return [numbered(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: numbered(one) for name, one in value.items()}
    ids = {name: one for name, one in found.items() if name.lower().endswith("id") and isinstance(one, str)}
    return found | {name: int(one) for name, one in ids.items() if one.isdigit()}


def in_numbers(request: httpx.Request, ask: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
    """Its answer, with numbers for ids."""
    found = ask(request)
    return httpx.Response(found.status_code, json=numbered(json.loads(found.content))) if found.content else found


@pytest.mark.parametrize("place", ["books", "crm"])
def test_ids_that_become_numbers_are_the_same_ids(tmp_path: Path, place: str) -> None:
    # given a vendor whose ids come as numbers from one day to the next
    house, name = opened(tmp_path, place)
    first = order(house, lines=TWO_MUGS)
    house.clock.sleep(5)
    come_to_rest(house, name)
    stands_between(house.vendors[name], in_numbers)
    # when another order comes, one is changed, and all are brought once more
    order(house, lines=TWO_MUGS)
    house.clock.sleep(5)
    gives_back(house, name, first)
    replay_to(name, house.clock.moment().replace(year=2025), None, hub=house.hub)
    come_to_rest(house, name)
    # then each is there once, as it is
    assert wrong(house) == []
