"""A simulated HubSpot account, and the connection "crm" to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pydantic import SecretStr

from commerce.outcomes import Outcome
from commerce.ports import Item
from integrations.connector import Services
from integrations.hubspot import CONNECTOR
from integrations.hubspot.client import HubSpot
from integrations.hubspot.settings import HubSpotSettings
from integrations.hubspot.simulator import HubSpotSimulator
from tests.builders import NOON, an_event, an_order
from tests.journeys.house import Clock

BASE = "https://api.hubapi.com"


@pytest.fixture
def clock() -> Clock:
    """Time that passes only while somebody sleeps."""
    return Clock(NOON)


@pytest.fixture(params=[False, True], ids=["all-or-none", "partial"])
def account(clock: Clock, request: pytest.FixtureRequest) -> HubSpotSimulator:
    """An empty account with real limits, in both ways of answering a batch with a bad record."""
    return HubSpotSimulator(base_url=BASE, clock=clock, partial=request.param)


@pytest.fixture
def connect(account: HubSpotSimulator, clock: Clock) -> Callable[..., HubSpot]:
    """Open the connection "crm", with settings of your story."""

    def opened(**settings: Any) -> HubSpot:
        given = HubSpotSettings(name="crm", access_token=SecretStr("pat-sim"), **settings)
        services = Services(transport=account.transport(), sleep=clock.sleep, clock=clock)
        client: HubSpot = CONNECTOR.connect(given, services)
        return client

    return opened


@pytest.fixture
def hubspot(connect: Callable[..., HubSpot]) -> HubSpot:
    """The connection "crm" as most merchants set it."""
    return connect()


def an_item(number: int = 1001, binding: Any = None, in_doubt: bool = False, **order: Any) -> Item:
    """The delivery of one order, by a shopper of its own unless you say which."""
    event = an_event(an_order(number, **{"email": f"shopper{number}@example.com", "customer": None, **order}))
    return Item(ref=event.key, subject=event.subject, events=(event,), binding=binding, in_doubt=in_doubt)


def deliver(client: HubSpot, items: Sequence[Item]) -> dict[str, Outcome]:
    """Outcomes by subject."""
    return {item.subject: outcome for item, outcome in client.deliver(items)}
