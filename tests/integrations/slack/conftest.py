"""A simulated Slack channel, a clock that only sleeping moves, and alerts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from commerce.ports import Alert
from integrations.connector import Services
from integrations.slack import CONNECTOR
from integrations.slack.settings import SlackSettings
from integrations.slack.simulator import SlackSimulator

BASE = "https://hooks.slack.com"
SECRET = "s3cr3tPartOfTheAddress"
HOOK = f"/services/T024BE7LD/B05KX4/{SECRET}"


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC).timestamp()
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Calls:
    """Counts calls as the hub does."""

    def __init__(self) -> None:
        self.names: list[tuple[str, int]] = []

    def called(self, operation: str, status: int, seconds: float) -> None:
        self.names.append((operation, status))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def channel(clock: Clock) -> SlackSimulator:
    return SlackSimulator(base_url=BASE, clock=clock, hook=HOOK)


@pytest.fixture
def connect(channel, clock, calls):
    """Open the connection "alerts", with settings of your story."""

    def opened(**settings: Any):
        given = {"name": "alerts", "vendor": "slack", "webhook_url": BASE + HOOK, **settings}
        services = Services(transport=channel.transport(), sleep=clock.sleep, clock=clock, calls=calls)
        return CONNECTOR.connect(SlackSettings.model_validate(given), services)

    return opened


@pytest.fixture
def slack(connect):
    return connect()


def an_alert(**fields: Any) -> Alert:
    base: dict[str, Any] = {
        "fingerprint": "paused:books",
        "title": "QuickBooks: 14 invoices not written",
        "what": "access was revoked",
        "todo": "reconnect QuickBooks",
        "facts": {"connection": "books", "since": "09:10 UTC"},
    }
    return Alert(**{**base, **fields})
