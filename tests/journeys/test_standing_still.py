"""A run that stands still for longer than its lease, while another one brings what is newer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from commerce.outcomes import Outcome
from commerce.ports import Item
from integrations.simulator import Simulator
from ledger import Claim
from tasks import delivering
from tests.gauntlet import oracle
from tests.gauntlet.staff import guards
from tests.journeys.house import House
from tests.journeys.test_a_day import OpenHouse
from tests.journeys.test_bad_days import another_hub
from tests.journeys.test_without_an_answer import come_to_rest, opened, wrong
from tests.small_house import order as place_order


@pytest.mark.parametrize("destination", ["warehouse", "books"])
@pytest.mark.parametrize("known", [False, True], ids=["new orders", "changed orders"])
def test_what_it_still_sends_does_not_stay(
    open_house: OpenHouse, tmp_path: Path, destination: str, known: bool
) -> None:
    assert its_story(open_house(), tmp_path, destination, known) == []


@pytest.mark.parametrize("destination", ["warehouse", "books"])
@pytest.mark.parametrize("known", [False, True], ids=["new orders", "changed orders"])
def test_without_the_fence_it_stays(
    open_house: OpenHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, destination: str, known: bool
) -> None:
    # what GAUNTLET_WITHOUT=fence takes out is what keeps the harm away
    for place, name, instead in guards()["fence"]:
        monkeypatch.setattr(place, name, instead)
    assert its_story(open_house(), tmp_path, destination, known) != []


def its_story(house: House, tmp_path: Path, destination: str, known: bool) -> list[str]:
    """What is wrong in the end."""
    # given orders on their way to a destination, for the first time or changed
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
        assert other.deliver(destination).claimed

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
    return found.lines()


WRITTEN_AT = {"warehouse over v1": "/orders/createorder", "crm": "/deals/batch/upsert"}


@pytest.mark.parametrize("place", WRITTEN_AT)
@pytest.mark.parametrize("known", [False, True], ids=["new orders", "changed orders"])
def test_where_writes_overwrite_what_it_still_sends_does_not_stay(tmp_path: Path, place: str, known: bool) -> None:
    # given orders on their way to a place that takes any write of a key for the newest
    house, name = opened(tmp_path, place)
    other = another_hub(house, tmp_path)
    for _ in range(5):
        place_order(house, lines=[{"sku": "MUG-RED", "quantity": 3, "price": "25.00"}])
    house.clock.sleep(60)
    house.record()
    if known:
        house.deliver(name)
        give_back(house)
        house.record()

    # and a run that stands still while its first write is on the wire, and another one that takes over
    def meanwhile() -> None:
        house.clock.sleep(delivering.LEASE + 1)
        give_back(house)
        other.record()
        assert other.deliver(name).claimed

    house.hub.transports = {**house.hub.transports, name: stalling(house.vendors[name], meanwhile, WRITTEN_AT[place])}
    house.hub._clients.clear()
    # when it goes on
    house.deliver(name)
    for _ in range(3):
        house.clock.sleep(delivering.LEASE + 1)
        other.deliver(name)
    come_to_rest(other, name)
    # then what is there is what is so
    assert wrong(other) == []


@pytest.mark.parametrize("place", ["warehouse", "warehouse over v1"])
def test_an_order_that_is_called_off_meanwhile_does_not_leave(tmp_path: Path, place: str) -> None:
    # given a new order, and a run that stands still while it is on the wire
    house, name = opened(tmp_path, place)
    other = another_hub(house, tmp_path)
    number = place_order(house)
    house.clock.sleep(60)
    house.record()

    # and the order called off, for so long that another run has looked for it often enough, and found nothing to stop
    def meanwhile() -> None:
        house.vendors["shop"].act("cancel", {"order": number})
        for _ in range(6):
            house.clock.sleep(200)
            other.record()
            other.deliver(name)
        assert [row.skipped for row in other.hub.ledger.status() if row.destination == name] == [1]

    house.hub.transports = {**house.hub.transports, name: stalling(house.vendors[name], meanwhile)}
    house.hub._clients.clear()
    # when it arrives all the same
    house.deliver(name)
    come_to_rest(other, name)
    # then it does not stay there
    assert wrong(other) == []


@pytest.mark.parametrize("place", ["warehouse", *WRITTEN_AT])
def test_what_the_other_run_has_written_and_not_settled_is_brought_again(tmp_path: Path, place: str) -> None:
    # given a changed order, and a run that stands still while the change is on the wire
    house, name = opened(tmp_path, place)
    other = another_hub(house, tmp_path)
    place_order(house, lines=[{"sku": "MUG-RED", "quantity": 4, "price": "25.00"}])
    house.clock.sleep(60)
    house.record()
    house.deliver(name)
    give_back(house)
    house.record()
    second = list[tuple[Claim, list[tuple[Item, Outcome]]]]()

    # and another one that takes over, and has written the next change when the first one arrives
    def meanwhile() -> None:
        house.clock.sleep(delivering.LEASE + 1)
        give_back(house)
        other.record()
        claim = other.hub.ledger.claim(name, limit=10)
        second.append((claim, list(other.hub.client(name).deliver(claim.items))))

    on = WRITTEN_AT.get(place, "/")
    house.hub.transports = {**house.hub.transports, name: stalling(house.vendors[name], meanwhile, on)}
    house.hub._clients.clear()
    house.deliver(name)
    # when the other one settles only now
    assert [other.hub.ledger.settle(*one) for one in second] == [1]
    come_to_rest(other, name)
    # then what is there is what is so
    assert wrong(other) == []


@pytest.mark.parametrize("changed", [False, True], ids=["as they were", "changed meanwhile"])
def test_receipts_that_are_posted_late_are_taken_out_of_the_books_again(tmp_path: Path, changed: bool) -> None:
    # given new orders, and a run that stands still with a batch of receipts on the wire; another one posts them in
    # batches of its own, which the books cannot know for the same
    house, name = opened(tmp_path, "books")
    other = another_hub(house, tmp_path)
    place_order(house)
    house.clock.sleep(60)
    house.orders_everywhere()  # accounts and items are made
    for _ in range(10):
        place_order(house, lines=[{"sku": "MUG-RED", "quantity": 3, "price": "25.00"}])
    house.clock.sleep(60)
    house.record()

    def meanwhile() -> None:
        house.clock.sleep(delivering.LEASE + 1)
        if changed:
            give_back(house)
            other.record()
        assert other.deliver(name).claimed

    house.hub.transports = {
        **house.hub.transports,
        name: stalling(house.vendors[name], meanwhile, "requestid="),
    }
    house.hub._clients.clear()
    # when it goes on
    delivering.deliver_batch(house.hub, name)
    assert [one["DocNumber"] for one in house.vendors[name].state()["documents"]].count("S-1002") == 2
    come_to_rest(other, name)
    # then each receipt is there once, and the ledger says what was done
    assert wrong(other) == []
    last = [one for one in other.hub.ledger.trace("#1002").deliveries if one.destination == name][-1]
    assert last.reason.endswith("S-1002 was in the books twice; the second one was deleted")


def give_back(house: House) -> None:
    """Each shopper gives a mug back."""
    for one in house.vendors["shop"].state()["orders"]:
        line = {"line": 0, "quantity": 1, "restock": True}
        house.vendors["shop"].act("refund", {"order": one["name"], "lines": [line]})
    house.clock.sleep(60)


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


def elsewhere(story: Callable[[], None]) -> None:
    """Let it happen in a thread of its own: in this one the other run would ask the standing one for leave, and renew
    its lease."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(story).result()


def stalling(vendor: Simulator, meanwhile: Callable[[], None], on: str = "/") -> httpx.MockTransport:
    """The vendor, reached over a wire on which the first write (whose path has `on`) takes as long as `meanwhile`."""
    inner = vendor.transport()
    writes: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        path = str(request.url)
        if request.method != "GET" and on in path and not any(word in path for word in ("oauth", "query")):
            writes.append(path)
            if len(writes) == 1:
                elsewhere(meanwhile)
        return inner.handle_request(request)

    return httpx.MockTransport(handle)
