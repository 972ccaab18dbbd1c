"""The hub of this process: the stack, the ledger and the clients, opened when first asked for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx

from commerce.errors import NotConfigured
from commerce.ports import Destination
from integrations.connector import Services, connector
from ledger import Ledger
from tasks import ending
from tasks.hearing import Hearing
from tasks.noticing import LedgerNotices
from tasks.stack import LEDGER, TOKEN_KEY, Stack, env_file, load_stack, secrets_of, stack_file

log = logging.getLogger(__name__)

Port = TypeVar("Port")


@dataclass
class Hub:
    """Everything a task needs. `transports` replace the network by connection name, for tests."""

    stack: Stack
    ledger: Ledger
    transports: Mapping[str, httpx.BaseTransport] = field(default_factory=dict)
    sleep: Callable[[float], None] = ending.sleep
    clock: Callable[[], float] = time.time
    hearings: dict[str, Hearing] = field(default_factory=dict)
    _clients: dict[str, Any] = field(default_factory=dict)
    _patient: set[str] = field(default_factory=set)

    def client(self, name: str) -> Any:
        """The client of a connection, opened once. Raises NotConfigured for an unknown name."""
        if name not in self._clients:
            settings = self.stack.connection(name)
            self._clients[name] = connector(settings.vendor).connect(settings, self.services(name))
        return self._clients[name]

    def services(self, name: str) -> Services:
        """What the hub lends the connection."""
        return Services(
            tokens=self.ledger.tokens(name),
            calls=self.ledger.calls(name),
            times=self.hearing(name),
            notices=LedgerNotices(self.ledger),
            transport=self.transports.get(name),
            sleep=self.sleep,
            clock=self.clock,
            shared=self.ledger.budgets(self.account(name), lambda: name in self._patient),
        )

    def hearing(self, name: str) -> Hearing:
        """What is heard of the vendor's clock."""
        return self.hearings.setdefault(name, Hearing(self.ledger, name, self.clock))

    def time_at(self, name: str) -> datetime:
        """What time it is at the connection's vendor, as far as it has told (aware, UTC)."""
        return datetime.fromtimestamp(self.clock(), UTC) - self.hearing(name).known()

    def account(self, name: str) -> str:
        """The first connection of the same vendor account: all of them use up its budget of calls."""
        mine = self.stack.connection(name)
        known = self.stack.connections.items()
        return next((other for other, settings in known if settings.same_account(mine)), name)

    @contextmanager
    def giving_way(self, name: str, so: bool = True) -> Iterator[None]:
        """Meanwhile the connection's calls leave a share of its budget to live work, of all processes."""
        if not so or name in self._patient:
            yield
            return
        self._patient.add(name)
        try:
            yield
        finally:
            self._patient.discard(name)

    def playing(self, name: str, port: type[Port]) -> Port:
        """The client of a connection in one of its roles. Raises NotConfigured when the vendor cannot play it."""
        client = self.client(name)
        if not isinstance(client, port):
            vendor = self.stack.connection(name).vendor
            raise NotConfigured(f"connections.{name}", f"{vendor} cannot be used as {port.__name__}")
        return client

    def close(self) -> None:
        """Write what is buffered and let go of the database."""
        self.ledger.close()


def open_hub(
    *,
    clock: Callable[[], float] | None = None,
    sleep: Callable[[float], None] = ending.sleep,
    wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
) -> Hub:
    """A hub over stack.toml, its ledger migrated and its routes subscribed. Raises NotConfigured.

    `clock`, `sleep` and `wait` are of another time than the machine's, for tests.
    """
    known = load_stack()
    find = secrets_of(env_file(stack_file()))
    keys = [key for key in (find(TOKEN_KEY) or "").split(",") if key]
    ledger = Ledger(find(LEDGER) or known.hub.ledger, token_keys=keys, clock=clock, wait=wait)
    ledger.migrate()
    hub = Hub(known, ledger, sleep=sleep, clock=clock or time.time)
    subscribe_routes(hub)
    return hub


def subscribe_routes(hub: Hub) -> None:
    """Tell the log who wants what. A new destination gets its share of what the log already has."""
    for route in hub.stack.routes.values():
        if route.carries == "stock":
            continue
        topic = route.carries.removesuffix("s")
        client = hub.playing(route.destination, Destination)
        if topic not in client.topics:
            raise NotConfigured(f"routes.{route.name}.carries", f"{route.destination} does not take {route.carries}")
        hub.ledger.subscribe(route.destination, route.source, [topic], client.keeps, live_from=route.live_from)


_installed: Hub | None = None


def the_hub() -> Hub:
    """The hub of this process, opened from the environment when nothing else was installed."""
    global _installed
    if _installed is None:
        _installed = open_hub()
    return _installed


@contextmanager
def installed(hub: Hub) -> Iterator[Hub]:
    """Let tasks and flows of this process use `hub` meanwhile."""
    global _installed
    before, _installed = _installed, hub
    try:
        yield hub
    finally:
        _installed = before
