"""The one thing that a run leaves to a person: granting access anew where a vendor leaves no way back.

QuickBooks gives a rotated refresh token to nobody a second time. A process that dies between the rotation and the
commit has lost it for good; the hub has to say so, and to keep the work until somebody ran `backroom connect`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
from sqlalchemy.exc import OperationalError

from commerce.errors import HubError
from deployments.connecting import Attempt, answer_in
from deployments.world import World
from tasks.hub import Hub

PAUSED = ("[critical] books: paused until", "[critical, again] books: paused until")
"""How the alert begins. Whoever was to send it first may have died over it: then it comes later, and says so."""

REDIRECT = "http://localhost:8730/callback"

EVERY = 0.5
"""Seconds of the machine between two looks at the channel."""

GRANTED, AGAIN, STALE, NEEDLESS = 0, 2, 3, 4


@dataclass
class Merchant:
    """Reads the alerts, and connects the books again when they say that they are paused."""

    world: World
    open_hub: Callable[[], Hub]
    reconnects: int = 0
    repeated: int = 0
    """Alerts of a pause that was over: a process died between telling it and writing that down."""
    unexpected: list[str] = field(default_factory=list)
    seen: int = 0
    due: bool = False
    looked: float = 0.0

    def look(self) -> None:
        """Now and then: whether there is a new alert, and whether it is right."""
        if time.monotonic() - self.looked < EVERY:
            return
        self.looked = time.monotonic()
        told = sum(str(one["text"]).startswith(PAUSED) for one in self.world.state("alerts")["messages"])
        self.due = self.due or told > self.seen
        self.seen = told
        if self.due:
            self.due = self._connect() == AGAIN

    def _connect(self) -> int:
        """In a process of its own, as a command would be: this one only forks."""
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = self._granted()
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        self.reconnects += code == GRANTED
        self.repeated += code == STALE
        if code == NEEDLESS:
            self.unexpected.append("the books were paused although the token that the hub keeps is good")
        elif code not in (GRANTED, STALE, AGAIN):
            self.unexpected.append(f"backroom connect broke with {code}")
        return code

    def _granted(self) -> int:
        try:
            hub, world = self.open_hub(), World(self.world.base)
            if "books" not in {pause.connection for pause in hub.ledger.paused()}:
                return STALE
            kept = hub.ledger.tokens("books").load()
            if kept and world.act("books", "knows_token", token=kept.refresh):
                return NEEDLESS
            attempt = Attempt(hub, "books", REDIRECT)
            sent_back = httpx.get(attempt.address, follow_redirects=False, trust_env=False).headers["location"]
            attempt.take(answer_in(sent_back, REDIRECT))
        except (HubError, httpx.HTTPError, KeyError, OperationalError, SystemExit):
            return AGAIN  # the vendor is in bad weather, or the database is gone: a person tries again
        return GRANTED
