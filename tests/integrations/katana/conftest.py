"""A made-up Katana account and a client that talks to it, with a clock that only sleeping moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from commerce.ports import Alert
from integrations.auth import MemoryTokens
from integrations.connector import Services
from integrations.katana.client import Katana
from integrations.katana.settings import KatanaSettings
from integrations.katana.simulator import KatanaSimulator, build

BASE = "https://katana.test/v1"
START = 1_795_428_000.0


@dataclass
class Told:
    """What people were told in passing."""

    alerts: list[Alert] = field(default_factory=list)
    well_again: list[str] = field(default_factory=list)

    def noticed(self, alert: Alert) -> None:
        self.alerts.append(alert)

    def over(self, fingerprint: str) -> None:
        self.well_again.append(fingerprint)


@dataclass
class Time:
    """A clock in seconds; `slept` lists every wait."""

    now: float = START
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def account(clock: Time) -> KatanaSimulator:
    """Two locations, two mugs, a material, as a merchant would find them on a quiet day."""
    katana = build(base_url=BASE, clock=clock)
    katana.do_setup(
        locations=["Main", "East", {"name": "Workshop", "sales_allowed": False}],
        variants=[
            {"sku": "MUG-RED", "name": "Red mug", "stock": {"Main": level("7.00000", "2"), "East": level("3")}},
            {"sku": "MUG-BLUE", "name": "Blue mug", "stock": {"Main": level("-1"), "Workshop": level("50")}},
            {"sku": "CLAY", "name": "Clay", "type": "material", "stock": {"Main": level("12.5")}},
        ],
    )
    return katana


Connect = Callable[..., Katana]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def tokens() -> MemoryTokens:
    """Where the connection keeps what signs its webhooks."""
    return MemoryTokens()


@pytest.fixture
def connect(account: KatanaSimulator, clock: Time, told: Told, tokens: MemoryTokens) -> Connect:
    """Open a client on the account; keywords are settings."""

    def opened(**settings: Any) -> Katana:
        given = {"name": "inventory", "base_url": BASE, "api_key": SecretStr("sim-key"), **settings}
        services = Services(tokens=tokens, notices=told, transport=account.transport(), sleep=clock.sleep, clock=clock)
        return Katana(KatanaSettings(**given), services)

    return opened


def level(in_stock: str, committed: str = "0", **more: str) -> dict[str, str]:
    """An amount at one location."""
    return {"in_stock": in_stock, "committed": committed, **more}
