"""A hub that can be killed between any two of its statements and calls, inside the test's own process."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
from sqlalchemy import event

from ledger import Ledger
from ledger.tokens import LEASE
from tasks.hub import Hub
from tests.journeys.house import House

A_WRITE = r"^(POST|PUT|PATCH) (?!.*(oauth|query|graphql))"


class Killed(BaseException):
    """The process ended here. Nothing that runs afterwards has any effect, as after kill -9."""


class Life:
    """Counts what a process does; at the moment it is told, the process is dead, and stays so."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.writes: int | None = None
        self.dead = False

    def moment(self, *_: Any) -> None:
        """A statement, a commit, a call or its answer. Raises Killed from the last one on."""
        if self.left is not None and not self.dead:
            self.left -= 1
            self.dead = self.left <= 0
        if self.dead:
            raise Killed

    def answered(self, request: httpx.Request) -> None:
        """A vendor has done what it was asked. Raises Killed if that was the last write of this process."""
        if self.writes is not None and re.search(A_WRITE, f"{request.method} {request.url.path}"):
            self.writes -= 1
            self.dead = self.dead or self.writes <= 0
        self.moment()


class Mortal(httpx.BaseTransport):
    """The way to a vendor: the process may die before its call is out, and before the answer is in."""

    def __init__(self, way: httpx.BaseTransport, life: Life) -> None:
        self.way, self.life = way, life

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.life.moment()
        answer = self.way.handle_request(request)
        self.life.answered(request)
        return answer


def reborn(house: House, clock: Callable[[], float] | None = None) -> Life:
    """A new process over the house's ledger and vendors; `clock` is its own idea of the time.

    It is up when the leases end that nobody gives back: it would wait for them, and only this clock passes here.
    """
    house.clock.seconds += LEASE + 1
    old, life = house.hub, Life()
    ledger = Ledger(
        old.ledger.engine.url.render_as_string(hide_password=False),
        token_keys=old.ledger.token_keys,
        clock=house.clock,
    )
    for name in ("before_cursor_execute", "commit"):
        event.listen(ledger.engine, name, life.moment)
    transports = {name: Mortal(vendor.transport(), life) for name, vendor in house.vendors.items()}
    house.hub = Hub(old.stack, ledger, transports, sleep=house.clock.sleep, clock=clock or house.clock)
    old.ledger.engine.dispose()  # what it had not yet written is lost, as it would be
    return life
