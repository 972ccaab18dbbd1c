"""A company's books, a clock that moves when somebody sleeps, and what the hub remembers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from commerce.errors import IntegrationError
from commerce.orders import Order
from commerce.outcomes import Binding, Done, Outcome
from commerce.ports import Item
from integrations.auth import MemoryTokens
from integrations.connector import Services
from integrations.quickbooks import CONNECTOR
from integrations.quickbooks.destination import QuickBooks
from integrations.quickbooks.settings import QuickBooksSettings
from integrations.quickbooks.simulator import QuickBooksSimulator, build
from integrations.simulator import Fault
from tests.builders import after, an_event

BASE_URL = "https://quickbooks.test"
REALM = "9130357992221046"


def a_setting(**fields: Any) -> QuickBooksSettings:
    """The connection "books", which creates what it misses."""
    return QuickBooksSettings(
        **{
            "name": "books",
            "base_url": BASE_URL,
            "token_url": f"{BASE_URL}/oauth2/v1/tokens/bearer",
            "realm_id": REALM,
            "client_id": "client",
            "client_secret": "secret",
            "refresh_token": "RT1-first",
            "verifier_token": "verifier",
            "create_missing": True,
            "timezone": "America/Los_Angeles",
            **fields,
        }
    )


class World:
    """One company, one connection to it, and what the ledger would remember."""

    def __init__(self, **options: Any) -> None:
        self.now = after(hours=3).timestamp()
        self.slept: list[float] = []
        self.sim: QuickBooksSimulator = build(base_url=BASE_URL, clock=lambda: self.now, **options)
        self.interfere: Callable[[httpx.Request], httpx.Response | None] | None = None
        self.tokens = MemoryTokens()
        self.bindings: dict[str, Binding] = {}
        self.connect()

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The vendor's answer, unless a test interferes."""
        return (self.interfere and self.interfere(request)) or self.sim(request)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def connect(self, **settings: Any) -> None:
        """Open the connection, with other settings than usual."""
        self.settings = a_setting(**settings)
        self.services = Services(
            tokens=self.tokens, transport=httpx.MockTransport(self.answer), sleep=self.sleep, clock=lambda: self.now
        )
        self.books: QuickBooks = CONNECTOR.connect(self.settings, self.services)

    def item(self, order: Order, **fields: Any) -> Item:
        """The delivery of an order, with what is remembered of it."""
        binding = self.bindings.get(order.key)
        return Item(
            **{"ref": order.key, "subject": order.key, "events": (an_event(order),), "binding": binding, **fields}
        )

    def deliver(self, *orders: Order, **fields: Any) -> list[Outcome]:
        """Bring these orders and remember what became of them; outcomes in the order given."""
        outcomes: dict[str, Outcome] = {}
        for item, outcome in self.books.deliver([self.item(order, **fields) for order in orders]):
            assert item.subject not in outcomes, "one outcome each"
            outcomes[item.subject] = outcome
            if isinstance(outcome, Done):
                self.bindings[item.subject] = outcome.binding
        return [outcomes[order.key] for order in orders]

    def deliver_until_stopped(self, *orders: Order) -> tuple[list[Outcome], IntegrationError]:
        """What was handed out before delivering stopped, and with which error."""
        outcomes: list[Outcome] = []
        try:
            for _, outcome in self.books.deliver([self.item(order) for order in orders]):
                outcomes.append(outcome)
        except IntegrationError as error:
            return outcomes, error
        raise AssertionError("nothing stopped it")

    def throttle_batch(self, nth: int) -> None:
        """Let the vendor refuse the nth batch from now on, once."""
        batches = itertools.count(1)

        def answer(request: httpx.Request) -> httpx.Response | None:
            if request.url.path.endswith("/batch") and next(batches) == nth:
                return httpx.Response(429, json={})
            return None

        self.interfere = answer

    def forget(self) -> None:
        """A backup from before the orders were posted is restored."""
        self.bindings.clear()

    def fault(self, kind: str, on: str, **fields: Any) -> None:
        """Let the next such request fail."""
        self.sim.faults.append(Fault(kind=kind, on=on, **fields))  # type: ignore[arg-type]

    def calls(self, path: str) -> int:
        """How many requests to this path were answered."""
        return sum(1 for call in self.sim.calls if call.path.endswith(path))

    def documents(self, kind: str = "") -> list[dict[str, Any]]:
        """What is in the books."""
        return [one for one in self.sim.state()["documents"] if kind in ("", one["kind"])]

    def totals(self) -> dict[str, str]:
        """Total by document number; fails when a number is there twice."""
        documents = self.documents()
        totals = {one["DocNumber"]: one["TotalAmt"] for one in documents}
        assert len(totals) == len(documents), "no number twice"
        return totals

    @property
    def accounts(self) -> dict[str, str]:
        """Balances that are not zero."""
        state = self.sim.state()
        assert state["ledger_sum"] == "0.00", "debits are credits"
        return {name: amount for name, amount in state["accounts"].items() if amount not in ("0.00", "-0.00")}


@pytest.fixture
def world() -> World:
    return World()
