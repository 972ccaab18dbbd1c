"""History takes long, and what happens meanwhile does not wait for it: in a route's own run, and behind a webhook."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import pytest

from commerce.outcomes import Binding, Done, Outcome
from commerce.ports import Item
from deployments.checking import ensure_webhooks
from flows.drain_inbox import drain_inbox
from flows.orders_to_shipping import orders_to_shipping
from tasks.hub import installed
from tests.builders import an_order
from tests.flows.test_flows import run
from tests.journeys.house import House
from tests.journeys.test_bad_days import take_in
from tests.small_house import order

pytestmark = pytest.mark.prefect


class SlowWarehouse:
    """Takes one order at a time, and a quarter of a minute for it; during the first one, something happens."""

    keeps: Literal["state"] = "state"
    topics = frozenset({"order"})
    batch = 1

    def __init__(self, house: House, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.house, self.meanwhile = house, [meanwhile]
        self.seen: list[str] = []

    def deliver(self, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        for item in items:
            self.seen.append(str(item.newest.data["number"]))
            self.house.clock.sleep(15)
            while self.meanwhile:
                self.meanwhile.pop()()
            yield item, Done(binding=Binding(vendor_id=item.subject))


@pytest.fixture(autouse=True)
def _old(house: House, prefect_server: None) -> Iterator[None]:
    """Three old orders wait for the warehouse."""
    old = [an_order(number) for number in (1, 2, 3)]
    house.hub.ledger.record_orders("shop", old, historical=True, only=["warehouse"])
    with installed(house.hub):
        yield


def test_a_route_looks_at_its_source_while_it_brings_history(house: House) -> None:
    # given somebody who orders while the first old order is being brought
    warehouse = SlowWarehouse(house, lambda: order(house))
    house.hub._clients["warehouse"] = warehouse
    # when the route runs once
    ran = run(orders_to_shipping)
    # then that order did not wait for the last one
    assert warehouse.seen == ["#1", "#2", "#1001", "#3"]
    assert ran.ended[1].startswith("1 recorded, 4 done")


def test_behind_a_webhook_no_history_is_brought(house: House) -> None:
    # given a webhook of a new order
    warehouse = house.hub._clients["warehouse"] = SlowWarehouse(house)
    ensure_webhooks(house.hub)
    order(house)
    while house.vendors["shop"].outbox:
        take_in(house, "shop", house.vendors["shop"].outbox.popleft())
    # when the inbox is drained, then only that order goes
    run(drain_inbox)
    assert warehouse.seen == ["#1001"]
    # and the route's own run brings it
    run(orders_to_shipping)
    assert warehouse.seen == ["#1001", "#1", "#2", "#3"]
