"""A ShipStation account with two warehouses, a clock that moves when somebody sleeps, and what the hub remembers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from commerce.allocation import PaymentPolicy
from commerce.events import Kind
from commerce.orders import Fulfilment, Order
from commerce.outcomes import Binding, Done, Outcome
from commerce.parcels import Parcel
from commerce.ports import Item, Page
from integrations.connector import Services
from integrations.shipstation.connection import ShipStation
from integrations.shipstation.settings import ShipStationSettings
from integrations.shipstation.simulator import ShipStationSimulator
from tests.builders import NOON, after, an_event, changed
from tests.integrations.shipstation import spec
from tests.integrations.shipstation.judged import Judge

BASE_URL = "https://api.shipstation.test"
EAST, WEST = "se-524001", "se-524002"


class FakeTime:
    """Seconds since the epoch that pass only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = after(hours=1).timestamp()
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class World:
    """One account, one connection to it, and what the ledger would remember."""

    def __init__(self, **options: Any) -> None:
        self.time = FakeTime()
        self.sim = ShipStationSimulator(base_url=BASE_URL, clock=self.time.clock, **options)
        self.sim.do_warehouses(["East", "West"])
        self.bindings: dict[str, Binding] = {}
        self.spoilt = False
        self.settings = a_setting()
        self.connect()

    def connect(self, **changes: Any) -> None:
        """Open the connection with other settings."""
        self.settings = ShipStationSettings(**{**dict(self.settings), **changes})
        self.services = Services(transport=self.sim.transport(), sleep=self.time.sleep, clock=self.time.clock)
        self.shipstation = ShipStation(self.settings, self.services)

    def deliver(self, *orders: Order, in_doubt: bool = False, attempt: int = 1) -> list[Outcome]:
        """Bring these orders, remember what became of them; outcomes in the order given."""
        outcomes: dict[str, Outcome] = {}
        items = [self.item(order, in_doubt=in_doubt, attempt=attempt) for order in orders]
        for item, outcome in self.shipstation.deliver(items):
            outcomes[item.subject] = outcome
            if isinstance(outcome, Done):
                self.bindings[item.subject] = outcome.binding
        return [outcomes[order.key] for order in orders]

    def item(self, order: Order, **fields: Any) -> Item:
        """The ledger's work item."""
        event = an_event(order, Kind.ORDER_UPDATED)
        binding = self.bindings.get(order.key)
        return Item(ref=order.key, subject=order.key, events=(event,), binding=binding, **fields)

    def fails(self, on: str, **fault: Any) -> None:
        """The next request that matches goes wrong."""
        self.sim.do_fault(on=on, **fault)

    @property
    def shipments(self) -> list[dict[str, Any]]:
        """What ShipStation holds, oldest first."""
        return list(self.sim.state()["shipments"])

    @property
    def waiting(self) -> dict[str, dict[str, int]]:
        """Units by line, of each shipment that is pending, by its key."""
        pending = (each for each in self.shipments if each["shipment_status"] == "pending")
        return {each["external_shipment_id"]: units(each) for each in pending}

    def written(self) -> int:
        """Writes so far."""
        return sum(count for call, count in self.sim.do_calls().items() if not call.startswith("GET"))

    def parcels(self, since: Any = NOON) -> list[Parcel]:
        """Parcels that changed until now."""
        pages = list(self.shipstation.changed_parcels(since))
        return [parcel for page in pages for parcel in page.parcels]

    def pages(self, since: Any = NOON) -> list[Page]:
        """The pages of such a reading."""
        return list(self.shipstation.changed_parcels(since))


def a_setting(**fields: Any) -> ShipStationSettings:
    """A connection called "warehouse"."""
    base = {
        "name": "warehouse",
        "vendor": "shipstation",
        "base_url": BASE_URL,
        "api_key": "sim-shipstation-key",
        "warehouses": {"loc-1": EAST, "West coast": WEST},
        "jwks_url": f"{BASE_URL}/jwks",
    }
    payment: PaymentPolicy = "paid"
    return ShipStationSettings(**{**base, "payment": payment, **fields})


def units(shipment: dict[str, Any]) -> dict[str, int]:
    """Units by the storefront's line id."""
    return {item["external_order_item_id"]: item["quantity"] for item in shipment["items"]}


def told(order: Order, parcels: Iterable[Parcel]) -> Order:
    """The order as the storefront shows it once these parcels were written back: their units remain no more."""
    sent: dict[str, int] = {}
    fulfilments = list(order.fulfilments)
    for parcel in parcels:
        quantities = {line.line_id: line.quantity for line in parcel.lines}
        for line_id, quantity in quantities.items():
            sent[line_id] = sent.get(line_id, 0) + quantity
        fulfilments.append(
            Fulfilment(
                id=f"ful-{parcel.id}",
                status="success",
                at=parcel.shipped_at,
                tracking_numbers=parcel.tracking_numbers,
                quantities=quantities,
            )
        )
    routed = []
    for each in order.fulfilment_orders:
        lines = []
        for line in each.lines:
            gone = min(line.remaining, sent.get(line.line_id, 0))
            sent[line.line_id] = sent.get(line.line_id, 0) - gone
            lines.append(changed(line, remaining=line.remaining - gone))
        status = each.status if any(line.remaining for line in lines) else "closed"
        routed.append(changed(each, lines=tuple(lines), status=status))
    over = all(each.status == "closed" for each in routed)
    return changed(
        order,
        fulfilments=tuple(fulfilments),
        fulfilment_orders=tuple(routed),
        fulfilment="fulfilled" if over else "partial",
        updated_at=after(hours=5),
    )


@pytest.fixture
def world() -> Iterator[World]:
    """An account without orders. All that is sent to it and answered is in ShipStation's official file.

    A story that spoils what the account holds says so: `world.spoilt`.
    """
    world = World()
    judge = Judge(world.sim) if spec.FILE.exists() else None
    yield world
    if judge and not world.spoilt:
        assert sorted(set(judge.wrong)) == []
