"""The same day with everything going wrong that does: nothing is lost, nothing doubled, nobody blocked."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from commerce.errors import TemporarilyUnavailable
from commerce.ports import Destination
from deployments.shop import ShopPlan
from integrations.simulator import Fault
from ledger import Ledger
from tasks import delivering
from tasks.hub import Hub
from tests.journeys.conftest import NOW
from tests.journeys.house import ORDER_DESTINATIONS, House, a_house
from tests.journeys.test_a_day import OpenHouse, a_day
from tests.ledger.contract import a_schema

A_WRITE = r"^(POST|PUT) /(?!oauth|.*query)"


@pytest.mark.parametrize("kind", ["after", "drop_after", "timeout_after"])
@pytest.mark.parametrize("destination", ORDER_DESTINATIONS)
def test_a_write_that_was_taken_and_never_answered_is_there_once(
    open_house: OpenHouse, plan: ShopPlan, destination: str, kind: str
) -> None:
    # given a destination that takes its first writes and loses the answers
    house = open_house()
    house.vendors[destination].faults.append(Fault(kind=kind, status=500, on=A_WRITE, times=5))  # type: ignore[arg-type]
    # when a day goes by
    a_day(house, plan)
    # then every order is there, once
    assert house.judge(plan).wrong == []


@pytest.mark.parametrize("destination", ORDER_DESTINATIONS)
def test_a_run_that_dies_after_its_calls_is_made_good_by_the_next(
    open_house: OpenHouse, plan: ShopPlan, destination: str
) -> None:
    # given a run that brought a batch and died before it could write that down
    house = open_house()
    house.record()
    client = house.hub.playing(destination, Destination)
    claim = house.hub.ledger.claim(destination, limit=40)
    assert [outcome for _, outcome in client.deliver(claim.items)]
    # when its lease has ended and the day goes on
    house.clock.sleep(delivering.LEASE + 1)
    a_day(house, plan)
    # then every order is there, once
    assert house.judge(plan).wrong == []


def test_two_of_everything_at_once_have_one_effect(open_house: OpenHouse, plan: ShopPlan, tmp_path: Path) -> None:
    # given two hubs over one ledger
    house = open_house()
    other = another_hub(house, tmp_path)
    # when both record and deliver everything at the same time
    start = threading.Barrier(2)
    errors: list[Exception] = []

    def work(one: House) -> None:
        try:
            start.wait()
            one.orders_everywhere()
            one.orders_everywhere()
        except Exception as error:  # noqa: BLE001  it is shown below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(one,)) for one in (house, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    # then a day ends as it does with one
    a_day(house, plan)
    assert house.judge(plan).wrong == []


def another_hub(house: House, home: Path) -> House:
    """A second process, so to speak: its own connections to the same ledger and the same vendors."""
    ledger = Ledger(f"sqlite:///{home / 'ledger.db'}", token_keys=house.hub.ledger.token_keys, clock=house.clock)
    hub = Hub(house.hub.stack, ledger, house.hub.transports, sleep=house.clock.sleep, clock=house.clock)
    return House(hub, house.vendors, house.clock, house.before)


def test_a_dead_destination_delays_nobody_else_and_catches_up(open_house: OpenHouse, plan: ShopPlan) -> None:
    # given books that answer 503
    house = open_house()
    house.vendors["books"].faults.append(Fault(status=503, on="", times=1_000_000))
    # when orders come in
    house.record()
    with pytest.raises(TemporarilyUnavailable):
        delivering.deliver_batch(house.hub, "books")
    house.deliver("warehouse")
    house.deliver("marketing")
    # then the others have them, and the books' work waits
    waiting = {row.destination: row.waiting + row.retry + row.unknown for row in house.hub.ledger.status()}
    assert waiting["warehouse"] == 0
    assert waiting["marketing"] == 0
    assert waiting["books"] >= len(plan.orders)
    # and when the books are back, they get all of it
    house.vendors["books"].faults.clear()
    house.clock.sleep(3600)
    a_day(house, plan)
    assert house.judge(plan).wrong == []


def test_a_refused_credential_pauses_tells_once_and_goes_on_when_fixed(open_house: OpenHouse, plan: ShopPlan) -> None:
    # given a warehouse that refuses our key
    house = open_house()
    house.vendors["warehouse"].faults.append(Fault(status=401, on="", times=1_000_000))
    # when the routes run again and again
    for _ in range(3):
        house.orders_everywhere()
        house.watch()
        house.clock.sleep(120)
    # then it was called once, nothing is lost, and one message says what to do
    assert sum(call.status == 401 for call in house.vendors["warehouse"].calls) == 1
    messages = house.vendors["alerts"].state()["messages"]
    assert sum("warehouse" in message["text"] and "paused" in message["text"] for message in messages) == 1
    # and when it is fixed, everything arrives
    house.vendors["warehouse"].faults.clear()
    house.hub.ledger.resume("warehouse")
    a_day(house, plan)
    assert house.judge(plan).wrong == []
    house.watch()
    assert any(
        "paused" in one["text"] and "over" in one["text"].lower() for one in house.vendors["alerts"].state()["messages"]
    )


def test_within_the_vendors_real_limits_everything_arrives(tmp_path: Path, plan: ShopPlan) -> None:
    # given vendors that enforce their limits, and a hub that does not pace itself
    house = a_house(tmp_path, plan, NOW, limits=True)
    # when a day goes by
    a_day(house, plan)
    # then whatever was refused was sent again
    assert house.judge(plan).wrong == []


@pytest.mark.parametrize("seed", range(3))
def test_webhooks_late_doubled_and_out_of_order_end_in_the_same_state(
    open_house: OpenHouse, plan: ShopPlan, seed: int
) -> None:
    # given a day whose webhooks come shuffled, half of them twice, a third not at all
    from deployments.checking import ensure_webhooks
    from tasks.inbox import read_hinted

    house = open_house()
    ensure_webhooks(house.hub)
    house.vendors["shop"].outbox.clear()
    a_day(house, plan)
    sent = list(house.vendors["shop"].outbox)
    dice = random.Random(seed)
    dice.shuffle(sent)
    arrived = [request for request in sent if dice.random() > 0.33]
    arrived += [request for request in arrived if dice.random() > 0.5]
    # when they are taken in and read
    for request in arrived:
        take_in(house, "shop", request)
    read_hinted(house.hub)
    house.settle_down()
    # then nothing is different
    assert house.judge(plan).wrong == []


def take_in(house: House, connection: str, request: object) -> None:
    """What the receiver does with a delivery."""
    from integrations.connector import connector

    vendor = connector(house.hub.stack.connection(connection).vendor)
    assert vendor.receive is not None
    headers = {key.lower(): value for key, value in request.headers.items()}  # type: ignore[attr-defined]
    settings, services = house.hub.stack.connection(connection), house.hub.services(connection)
    delivery = vendor.receive(settings, services, headers, request.content)  # type: ignore[attr-defined]
    hints = [hint.model_dump() for hint in delivery.hints]
    house.hub.ledger.store_hint(connection, delivery.id, delivery.topic, hints)


@pytest.mark.postgres
def test_a_day_on_postgresql(tmp_path: Path, plan: ShopPlan) -> None:
    # given the ledger in PostgreSQL
    with a_schema() as url:
        house = a_house(tmp_path, plan, NOW, ledger_url=url)
        # when a day goes by
        a_day(house, plan)
        # then it ends as it does in a file
        assert house.judge(plan).wrong == []
        house.hub.close()


def test_one_order_that_its_vendor_cannot_look_up_stops_nobody(open_house: OpenHouse, plan: ShopPlan) -> None:
    # given a warehouse that stumbles over one order's key whenever it is asked for it, and a run that died
    house = open_house()
    house.record()
    claim = house.hub.ledger.claim("warehouse", limit=100)
    stumble = claim.items[0].subject.replace(":", "(:|%3A)")
    house.clock.sleep(delivering.LEASE + 1)
    house.vendors["warehouse"].faults.append(Fault(status=500, on=stumble, times=1_000_000))
    # when the routes run for some hours
    for _ in range(12):
        house.orders_everywhere()
        house.clock.sleep(1800)
    # then all others have arrived
    row = next(row for row in house.hub.ledger.status() if row.destination == "warehouse")
    assert row.waiting + row.retry + row.unknown + row.held <= 1
