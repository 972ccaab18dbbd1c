"""A run that stands still for longer than its lease, while another one brings what is newer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from deployments.shop import ShopPlan
from integrations.simulator import Simulator
from tasks import delivering
from tests.gauntlet import oracle
from tests.journeys.house import House
from tests.journeys.test_a_day import OpenHouse
from tests.journeys.test_bad_days import another_hub


@pytest.mark.parametrize("destination", ["warehouse", "books"])
@pytest.mark.parametrize("known", [False, True], ids=["new orders", "changed orders"])
def test_what_it_still_sends_does_not_stay(
    open_house: OpenHouse, plan: ShopPlan, tmp_path: Path, destination: str, known: bool
) -> None:
    # given orders on their way to a destination, for the first time or changed
    house = open_house()
    other = another_hub(house, tmp_path)
    house.record()
    if known:
        house.deliver(destination)
        change(house, "MUG-RED")
        house.record()

    # and a run that stands still while its first write is on the wire, for so long that another one takes over, which
    # brings the orders as they are by then
    def meanwhile() -> None:
        house.clock.sleep(delivering.LEASE + 1)
        change(house, "MUG-BLUE")
        other.record()
        other.deliver(destination)

    vendor = house.vendors[destination]
    house.hub.transports = {**house.hub.transports, destination: stalling(vendor, meanwhile)}
    house.hub._clients.clear()
    # when it goes on
    house.deliver(destination)
    for _ in range(3):
        house.clock.sleep(delivering.LEASE + 1)
        other.deliver(destination)
    # then the destination holds every order once and in its last state
    found = oracle.Findings()
    orders = {oracle.key_of(order): order for order in house.vendors["shop"].state()["orders"] if not order["test"]}
    judge = {"warehouse": oracle.judge_warehouse, "books": oracle.judge_books}[destination]
    judge(found, orders, vendor.state())
    assert found.lines() == []


def change(house: House, sku: str) -> None:
    """Every order that has not left gets a line more, which is paid."""
    shop = house.vendors["shop"]
    house.clock.sleep(60)
    for order in shop.state()["orders"]:
        if order["remaining"] and not order["cancelled"]:
            line = {"sku": sku, "title": "Mug", "quantity": 1, "price": "14.50", "taxes": []}
            shop.act("edit", {"order": order["name"], "add": [line]})
            shop.act("pay", {"order": order["name"]})
    house.clock.sleep(60)


def stalling(vendor: Simulator, meanwhile: Callable[[], None]) -> httpx.MockTransport:
    """The vendor, reached over a wire on which the first write takes as long as `meanwhile`."""
    inner = vendor.transport()
    writes: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if request.method != "GET" and not any(word in request.url.path for word in ("oauth", "query")):
            writes.append(request.url.path)
            if len(writes) == 1:
                meanwhile()
        return inner.handle_request(request)

    return httpx.MockTransport(handle)
