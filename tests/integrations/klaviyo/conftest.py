"""A simulated Klaviyo account, a clock that only sleeping moves, and items to deliver."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from commerce.events import Event, Kind
from commerce.outcomes import Outcome
from commerce.ports import Item
from integrations.connector import Services
from integrations.klaviyo import CONNECTOR, Klaviyo
from integrations.klaviyo.settings import KlaviyoSettings
from integrations.klaviyo.simulator import KlaviyoSimulator
from tests.builders import a_line, an_event, an_order

TODAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
BASE = "https://a.klaviyo.com"

Connect = Callable[..., Klaviyo]


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = TODAY.timestamp()
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def account(clock: Clock) -> KlaviyoSimulator:
    """A fresh account with real limits."""
    return KlaviyoSimulator(base_url=BASE, clock=clock)


@pytest.fixture
def connect(account: KlaviyoSimulator, clock: Clock) -> Connect:
    """Open the connection "marketing", with settings of your story."""

    def opened(**settings: Any) -> Klaviyo:
        given = {"name": "marketing", "vendor": "klaviyo", "api_key": SecretStr("pk_sim"), "workers": 2, **settings}
        services = Services(transport=account.transport(), sleep=clock.sleep, clock=clock)
        client: Klaviyo = CONNECTOR.connect(KlaviyoSettings.model_validate(given), services)
        return client

    return opened


@pytest.fixture
def klaviyo(connect: Connect) -> Klaviyo:
    return connect()


def an_item(*events: Event, **fields: Any) -> Item:
    """One delivery of these facts; order #1001 placed without any."""
    facts = events or (an_event(),)
    return Item(**{"ref": facts[-1].key, "subject": facts[-1].subject, "events": facts, **fields})


def placed(number: int, *, historical: bool = False, **fields: Any) -> Item:
    """An order with one line that was placed by somebody of its own: two events for Klaviyo."""
    base = {"email": f"shopper{number}@example.com", "customer": None, "phone": "", "lines": (a_line("TEA", 1, "5"),)}
    return an_item(an_event(an_order(number, **{**base, **fields}), historical=historical))


def about(order: Any, kind: Kind, part: str = "", **fields: Any) -> Item:
    """An item for one fact of an order."""
    return an_item(an_event(order, kind, part=part, **fields))


def deliver(client: Klaviyo, items: Sequence[Item]) -> dict[str, Outcome]:
    """Outcomes by subject."""
    return {item.subject: outcome for item, outcome in client.deliver(items)}


def states(outcomes: Iterable[Outcome]) -> list[str]:
    return [outcome.state for outcome in outcomes]


def unique_ids(account: KlaviyoSimulator) -> list[str]:
    return sorted(event["unique_id"] for event in account.state()["events"])


def paths(account: KlaviyoSimulator) -> list[str]:
    """What was written where, and how it was answered."""
    return [f"{call.path} {call.status}" for call in account.calls if call.method == "POST"]
