"""Who is killed, when and how: all from the seed."""

from __future__ import annotations

import random
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from commerce.failpoints import STOP
from tests.gauntlet.aim import AIMED_AT, Aims
from tests.gauntlet.crew import Crew, Member
from tests.gauntlet.database import OwnServer

ROOT = Path(__file__).parents[2]
PACKAGES = ("ledger", "integrations", "tasks")


def fail_points() -> list[str]:
    """Every named moment of the code at which a run can die; a new one is covered the day it is written."""
    return sorted(
        {
            name
            for package in PACKAGES
            for path in (ROOT / package).rglob("*.py")
            for name in re.findall(r'reached\("([\w-]+)"\)', path.read_text(encoding="utf-8"))
        }
    )


@dataclass
class Chaos:
    """Spends kills: SIGKILL, fail-points, SIGSTOP beyond a lease, and ends of database sessions."""

    crew: Crew
    seed: int
    stall: float
    """Seconds that a stopped process stands still."""
    aims: Aims
    postgres: str = ""
    """The database whose sessions may be ended; none for SQLite."""
    application: str = ""
    """What those sessions call themselves."""
    database: OwnServer | None = None
    """A database that may be killed."""
    active: bool = False
    most: int = 0
    """How many deaths there are to be in all."""
    chance: random.Random = field(init=False)
    points: list[str] = field(init=False)
    targets: list[str] = field(init=False)
    """Who is aimed at next, by turns."""
    due: list[float] = field(init=False, default_factory=list)
    aims_due: list[float] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.seed}/chaos")
        # Workers neither migrate nor forget people: dying there is the subject of tests of their own.
        self.points = [name for name in fail_points() if "migrate" not in name and "redact" not in name]
        self.chance.shuffle(self.points)
        self.targets = self.chance.sample(list(AIMED_AT), len(AIMED_AT))
        self.crew.arm, self.crew.stall, self.crew.stands = self.arm, self.stall, self.aims.stands

    def begin(self, seconds: float, kills: int, aims: int = 0) -> None:
        """Spend so many more within so long, from now on; `aims` of them are aimed, see `Aims`."""
        now = time.monotonic()
        self.active, self.most = True, self.done + kills
        self.due = sorted(now + self.chance.uniform(0.02, 1.0) * seconds for _ in range(kills - aims))
        self.aims_due = sorted(now + self.chance.uniform(0.05, 0.6) * seconds for _ in range(aims))

    @property
    def aiming(self) -> bool:
        """Whether somebody is still aimed at."""
        return bool(self.aims_due) or self.aims.busy or any(one.aimed for one in self.crew.members.values())

    @property
    def done(self) -> int:
        """Kills so far."""
        return sum(self.crew.deaths.values())

    def arm(self, member: Member) -> str:
        """A fail-point for a process that is started, each in its turn; the receiver commits nothing but webhooks."""
        if self.active and member.aimed:
            return self.aims.aim(member)
        spent = bool(self.most) and self.done >= self.most
        points = [name for name in self.points if ("inbox" in name) == (member.name == "receiver")]
        if not self.active or spent or self.chance.random() < 0.2:
            return ""
        self.points.remove(points[0])
        self.points.append(points[0])
        if not points[0].endswith("-call"):
            return f"{points[0]}:{self.chance.randint(1, 2)}"
        how = f":{STOP}" if self.chance.random() < 0.5 else ""
        return f"{points[0]}:{self.chance.randint(1, 12)}{how}"

    def look(self) -> None:
        """Do what is due. Those who died at a fail-point need not be killed."""
        while self.active and self.due and self.due[0] <= time.monotonic():
            self.due.pop(0)
            if self.done < self.most:
                self._strike()
                self.crew.look()
        if self.active and self.aims_due and self.aims_due[0] <= time.monotonic() and self._aim():
            self.aims_due.pop(0)
        self.aims.look()

    def _aim(self) -> bool:
        """Start a worker anew which is to stand still within a write. One at a time: somebody has to be left."""
        member = self.crew.members[self.targets[0]]
        if self.aims.busy or member.asleep_until or any(one.aimed for one in self.crew.members.values()):
            return False
        self.targets.append(self.targets.pop(0))
        member.aimed = True
        self.crew.kill(member)
        return True

    def _strike(self) -> None:
        everybody = [one for one in self.crew.members.values() if not self.aims.stands_still(one)]
        unarmed = [one for one in everybody if not one.armed]  # the others mostly live until their own moment
        member = self.chance.choice(unarmed if unarmed and self.chance.random() < 0.8 else everybody)
        dice = self.chance.random()
        if dice < 0.2 and member.name != "receiver" and not member.asleep_until:
            self.crew.stop(member, self.stall)
        elif dice < 0.3 and self.database:
            self.database.kill()
            self.crew.deaths["kill -9 of the database"] += 1
        elif dice < 0.4 and self.postgres:
            self._end_a_session()
        else:
            self.crew.kill(member)

    def _end_a_session(self) -> None:
        """One of the hub's own, rather one that is busy."""
        with suppress(psycopg.OperationalError), psycopg.connect(self.postgres, autocommit=True) as server:
            ended = server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s "
                "ORDER BY state = 'idle', random() LIMIT 1",
                [self.application],
            ).fetchone()
            self.crew.deaths["ended database sessions"] += bool(ended)

    def calm(self) -> None:
        """No more: wake who sleeps, and replace everybody who still has a fail-point before him."""
        self.active = False
        self.aims_due.clear()
        self.crew.wake()
        for member in self.crew.members.values():
            member.aimed = False
            if member.armed:
                self.crew.kill(member)
