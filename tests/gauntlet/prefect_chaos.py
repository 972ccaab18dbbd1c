"""Who of Prefect's house is killed, and when: all from the seed."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.gauntlet.database import OwnServer
from tests.gauntlet.prefect_crew import RECEIVER, SERVER, WARM, WORKER, Supervised, end

RUN, DATABASE = "a flow run", "the database"

KINDS: dict[str, Callable[[Supervised], bool]] = {
    RUN: lambda crew: any(end(pid) for pid in crew.runs()[:1]),
    "the Prefect server": lambda crew: crew.kill(SERVER),
    "the Prefect worker": lambda crew: crew.kill(WORKER),
    "the receiver": lambda crew: crew.kill(RECEIVER),
    "the Prefect worker with its runs": lambda crew: crew.kill(WORKER, with_all=True),
    "the warm process": lambda crew: crew.kill(WARM),
    "the warm process with its runs": lambda crew: crew.kill(WARM, with_all=True),
}
"""What is struck, in words, and how. The first four, and a database of the run's own, are struck once each before
chance decides."""

FIRST = 4

WAITING = 0.75
"""The share of kills that wait for a flow run to be under way: a schedule does not give one all the time."""

LONGEST_RUN = 1.5
"""Seconds after a run was seen at which it is struck, at most; most are over by then."""


@dataclass
class Strike:
    """One kill."""

    at: float
    kind: str
    after: float | None
    """So many seconds after a flow run was seen; None strikes at once, whatever is going on."""


@dataclass
class PrefectChaos:
    """Spends kills, one after the other."""

    crew: Supervised
    seed: int
    database: OwnServer | None = None
    """One that may be killed."""
    deaths: Counter[str] = field(default_factory=Counter)
    last: float = 0.0
    """The moment of the last kill (`time.monotonic`)."""
    due: list[Strike] = field(default_factory=list)
    aim: float | None = None

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.seed}/prefect")
        self.kinds, self.first = list(KINDS), list(KINDS)[:FIRST]
        if self.database:
            self.kinds.append(DATABASE)
            self.first.append(DATABASE)
        self.chance.shuffle(self.first)

    def begin(self, seconds: float, kills: int) -> None:
        """Spend so many within so long, from now on."""
        now, chance = time.monotonic(), self.chance
        for at in sorted(chance.uniform(0.02, 1.0) * seconds for _ in range(kills)):
            kind = self.first.pop() if self.first else chance.choice(self.kinds)
            waits = kind == RUN or chance.random() < WAITING
            self.due.append(Strike(now + at, kind, chance.uniform(0.0, LONGEST_RUN) if waits else None))

    def look(self) -> None:
        """Strike when it is time."""
        now = time.monotonic()
        if not self.due or now < self.due[0].at:
            return
        strike = self.due[0]
        if strike.after is not None and not self._on_target(strike, now):
            return
        if self._strike(strike.kind):
            self.deaths[strike.kind] += 1
            self.last = time.monotonic()
            self.due.pop(0)
        self.aim = None

    def _strike(self, kind: str) -> bool:
        if kind == DATABASE and self.database:
            self.database.kill()
            return True
        return KINDS[kind](self.crew)

    def _on_target(self, strike: Strike, now: float) -> bool:
        """Whether a flow run has been going on for long enough. When it was over too soon, the next gets less time."""
        if not self.crew.runs():
            if self.aim is not None:
                self.aim, strike.after = None, (strike.after or 0.0) * 0.7
            return False
        if self.aim is None:
            self.aim = now + (strike.after or 0.0)
        return now >= self.aim

    def absent(self) -> None:
        """The server is killed and stays away."""
        if self.crew.kill(SERVER, away=True):
            self.deaths["the Prefect server, for a while"] += 1
        self.last = time.monotonic()
