"""A ShipStation account on API V1 with two warehouses, and what the hub remembers of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from integrations.connector import Services, connector
from integrations.shipstation.settings import ShipStationSettings
from integrations.shipstation.simulator.v1 import ShipStationV1Simulator
from integrations.shipstation.v1.connection import ShipStationV1
from tests.integrations.shipstation.conftest import FakeTime, World

BASE_URL = "https://ssapi.shipstation.test"
EAST, WEST = "524001", "524002"


class V1World(World):
    """One account on V1, one connection to it, and what the ledger would remember."""

    sim: ShipStationV1Simulator  # type: ignore[assignment]
    shipstation: ShipStationV1  # type: ignore[assignment]

    def __init__(self, start: datetime | None = None, **options: Any) -> None:
        self.time = FakeTime()
        if start:
            self.time.now = start.timestamp()
        self.sim = ShipStationV1Simulator(base_url=BASE_URL, clock=self.time.clock, **options)
        self.sim.do_warehouses(["East", "West"])
        self.bindings = {}
        self.settings = a_v1_setting()
        self.connect()

    def connect(self, **changes: Any) -> None:
        """Open the connection with other settings."""
        given = {name: getattr(self.settings, name) for name in self.settings.model_fields_set}
        self.settings = ShipStationSettings(**{**given, **changes})
        self.services = Services(transport=self.sim.transport(), sleep=self.time.sleep, clock=self.time.clock)
        self.shipstation = connector("shipstation").connect(self.settings, self.services)

    @property
    def orders(self) -> list[dict[str, Any]]:
        """What ShipStation holds and shows, oldest first."""
        return [order for order in self.sim.state()["orders"] if order["active"]]

    @property
    def waiting(self) -> dict[str, dict[str, int]]:
        """Units by line, of each order that can be shipped now, by its key."""
        ready = (each for each in self.orders if each["orderStatus"] == "awaiting_shipment")
        return {each["orderKey"]: units(each) for each in ready}


def a_v1_setting(**fields: Any) -> ShipStationSettings:
    """A connection called "warehouse" over V1."""
    base: dict[str, Any] = {
        "name": "warehouse",
        "vendor": "shipstation",
        "api": "v1",
        "base_url": BASE_URL,
        "api_key": "sim-shipstation-key",
        "api_secret": "sim-shipstation-secret",
        "warehouses": {"loc-1": EAST, "West coast": WEST},
    }
    return ShipStationSettings(**{**base, **fields})


def units(order: dict[str, Any]) -> dict[str, int]:
    """Units by the storefront's line id, without discounts."""
    return {item["lineItemKey"]: item["quantity"] for item in order["items"] if not item["adjustment"]}
