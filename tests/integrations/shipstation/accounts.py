"""The same warehouse over both of ShipStation's APIs: what people do there, and what is to be seen there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Literal

from commerce.orders import Order
from commerce.outcomes import Outcome
from commerce.parcels import Parcel
from tests.integrations.shipstation import conftest as v2
from tests.integrations.shipstation.conftest import World
from tests.integrations.shipstation.v1 import world as v1


@dataclass(frozen=True)
class Seen:
    """One order on the screen."""

    id: Any
    key: str
    number: str
    state: Literal["waiting", "held", "shipped", "cancelled"]
    units: dict[str, int]
    warehouse: str
    paid: float
    street: str


class Account(ABC):
    """One account, reached as the hub reaches it."""

    world: World
    ids_are: str
    most_at_once: int

    def deliver(self, *orders: Order, **fields: Any) -> list[Outcome]:
        """Bring these orders; outcomes in the order given."""
        return self.world.deliver(*orders, **fields)

    def parcels(self, **window: Any) -> list[Parcel]:
        """Parcels that changed, each as it was told last."""
        return list({parcel.id: parcel for parcel in self.world.parcels(**window)}.values())

    def one(self, key: str) -> Seen:
        """The order with this key."""
        (found,) = [each for each in self.seen() if each.key == key]
        return found

    def states(self) -> dict[str, str]:
        """Where each order stands, by key."""
        return {each.key: each.state for each in self.seen()}

    @abstractmethod
    def seen(self) -> list[Seen]:
        """Everything on the screens, oldest first."""

    @abstractmethod
    def break_next_write(self, **fault: Any) -> None:
        """Something goes wrong with the next order that is written."""

    @abstractmethod
    def shows_late(self, seconds: float) -> None:
        """From now on look-ups and lists are so far behind what was written."""

    @abstractmethod
    def wrong_credential(self) -> None:
        """The merchant has put in something else."""

    @abstractmethod
    def split(self, key: str, units: dict[str, int]) -> Any:
        """Staff split units off; returns the new order's id."""

    def buy(self, *keys: str) -> list[Any]:
        """Buy labels for these orders, or for all that wait."""
        named = [self.one(key).id for key in keys] or None
        return list(self.world.sim.do_buy_labels(named))

    def mark(self, key: str, tracking: str) -> None:
        """Staff mark an order as shipped."""
        self.world.sim.do_mark_shipped(self.one(key).id, tracking)

    def cancel(self, key: str) -> None:
        """Staff cancel an order."""
        self.world.sim.do_cancel(self.one(key).id)

    def void(self, label: Any) -> None:
        """Staff take a label back."""
        self.world.sim.do_void_label(label)

    def another_hub(self) -> World:
        """A second connection to the same account, with a memory of its own."""
        twin = object.__new__(type(self.world))
        twin.__dict__.update(self.world.__dict__)
        twin.bindings = {}
        twin.connect()
        return twin


class OverV2(Account):
    """The account over V2."""

    ids_are = "se-"
    most_at_once = 20

    def __init__(self, **options: Any) -> None:
        self.world = World(**options)

    def seen(self) -> list[Seen]:
        """V2 calls them shipments; one that is marked as shipped stays pending."""
        state = self.world.sim.state()
        marked = {each["shipment_id"] for each in state["fulfillments"] if not each["voided"]}
        return [
            Seen(
                id=each["shipment_id"],
                key=each["external_shipment_id"] or "",
                number=each["shipment_number"],
                state=self._state(each, marked),
                units=v2.units(each),
                warehouse=each["warehouse_id"],
                paid=each["amount_paid"]["amount"],
                street=each["ship_to"]["address_line1"],
            )
            for each in state["shipments"]
        ]

    def _state(self, shipment: dict[str, Any], marked: set[str]) -> Any:
        if shipment["shipment_status"] == "cancelled":
            return "cancelled"
        if shipment["shipment_status"] == "label_purchased" or shipment["shipment_id"] in marked:
            return "shipped"
        return "held" if (shipment["hold_until_date"] or "") > "2027" else "waiting"

    def break_next_write(self, **fault: Any) -> None:
        """A create, an edit or a cancel."""
        self.world.fails(r"^(POST|PUT) /v2/shipments", **fault)

    def shows_late(self, seconds: float) -> None:
        """By key, by id and in lists."""
        shipments = self.world.sim.shipments
        shipments.habits = replace(shipments.habits, seen_after=seconds)

    def wrong_credential(self) -> None:
        """Another key."""
        self.world.connect(api_key="sk-wrong")

    def split(self, key: str, units: dict[str, int]) -> Any:
        """The half has no key of its own."""
        return self.world.sim.do_split(self.one(key).id, units)


class OverV1(Account):
    """The account over V1."""

    ids_are = "5"
    most_at_once = 100
    world: v1.V1World

    def __init__(self, **options: Any) -> None:
        self.world = v1.V1World(**options)

    def seen(self) -> list[Seen]:
        """Deleted orders are not shown."""
        states = {"awaiting_shipment": "waiting", "on_hold": "held"}
        return [
            Seen(
                id=each["orderId"],
                key=each["orderKey"],
                number=each["orderNumber"],
                state=states.get(each["orderStatus"], each["orderStatus"]),
                units=v1.units(each),
                warehouse=f"se-{each['advancedOptions']['warehouseId']}",
                paid=each["amountPaid"],
                street=each["shipTo"]["street1"],
            )
            for each in self.world.orders
        ]

    def break_next_write(self, **fault: Any) -> None:
        """An upsert, a hold or a release."""
        self.world.fails(r"^POST /orders/", **fault)

    def shows_late(self, seconds: float) -> None:
        """In lists; there is no other way to look by key."""
        self.world.sim.lag = seconds

    def wrong_credential(self) -> None:
        """Another secret."""
        self.world.connect(api_secret="sk-wrong")

    def split(self, key: str, units: dict[str, int]) -> Any:
        """The half shares the key."""
        return self.world.sim.do_split(self.one(key).id, units)


APIS = {"v1": OverV1, "v2": OverV2}
