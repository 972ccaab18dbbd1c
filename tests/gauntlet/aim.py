"""Stops that are aimed: a worker stands still within a write, what it writes changes, and another one brings that.

A stop at random hardly ever meets an order that changes at just that moment, and else no harm can come of it. So here
those orders change that the worker has with it, as the ledger says.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.exc import OperationalError

from commerce.failpoints import STOP
from deployments.world import World
from ledger.store import Store
from tests.gauntlet import life
from tests.gauntlet.crew import Member

POINT = "writing"
"""The fail-point within a write: the worker has asked whether it may, and writes when it goes on."""

AIMED_AT = {"shipping": "warehouse", "accounting": "books"}
"""Who brings states, and where; marketing keeps events, which stay true. Two more processes bring the same."""

MOST = 4
"""Orders that change while one worker stands still."""

EVERY = 0.3
"""Seconds of the machine between two looks whether they were brought."""

HAS = (
    "SELECT destination, subject, MAX(event_id) AS newest FROM deliveries "
    "WHERE state = 'claimed' AND claimed_by = :by GROUP BY destination, subject ORDER BY subject"
)
BROUGHT = (
    "SELECT COUNT(*) FROM deliveries WHERE destination = :destination AND subject = :subject AND event_id > :newest "
    "AND settled_at IS NOT NULL"
)


@dataclass
class Standing:
    """A worker that stands still, and what it had with it when that changed."""

    member: Member
    pid: int
    waits_for: list[Mapping[str, Any]]
    """Destination, subject and the newest event that the worker knew of it."""
    looked: float = 0.0


@dataclass
class Aims:
    """Has the shop change what a worker was about to write, and lets that go on once another one has brought it."""

    world: World
    life: life.Life
    ledger: str
    """The ledger's URL: what it says is what is aimed at; nobody is judged by it."""
    longest: float
    """Seconds of the machine that a worker stands still at most."""
    standing: list[Standing] = field(default_factory=list)
    overtaken: int = 0
    """How many changed orders were brought by others while the worker that had them stood still."""
    changed: set[str] = field(default_factory=set)
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.life.seed}/aims")

    @property
    def busy(self) -> bool:
        """Whether somebody stands still."""
        return bool(self.standing)

    def stands_still(self, member: Member) -> bool:
        """Whether it is this one."""
        return any(one.member is member for one in self.standing)

    def aim(self, member: Member) -> str:
        """The fail-point for a worker that is started. Some orders are changed at that moment, so that it has
        something to write also when nobody orders any more, and stands still now within a change."""
        self._change(self.life.untouched(self.world), most=MOST, gently=True)
        member.aimed = True
        return f"{POINT}:{self.chance.randint(1, 2)}:{STOP}"

    def stands(self, member: Member) -> None:
        """A worker stopped within a write."""
        member.aimed = False
        had = [row for row in self._ask(HAS, by=str(member.pid)) if row.destination == AIMED_AT.get(member.name)]
        names = {one["id"].rsplit("/", 1)[-1]: one["name"] for one in self.world.act("shop", "orders_summary")}
        subjects = {names.get(row.subject.partition(":")[2], ""): row for row in had}
        again = [name for name in self.life.unsent(self.world) if name in self.changed & set(subjects)]
        changed = self._change(again, most=MOST, gently=True)
        new = [name for name in self.life.untouched(self.world) if name in subjects]
        changed += self._change(new, most=MOST - len(changed), gently=False)
        if changed:
            member.asleep_until = time.monotonic() + self.longest
            waits_for = [dict(subjects[name]._mapping) for name in changed]
            self.standing.append(Standing(member, member.pid, waits_for))

    def look(self) -> None:
        """Let those go on of whom everything has been brought."""
        for one in list(self.standing):
            if one.member.pid != one.pid or not one.member.asleep_until:
                self.standing.remove(one)  # it was killed, or woken as it took too long
            elif time.monotonic() - one.looked > EVERY:
                one.looked = time.monotonic()
                self._look_at(one)
                if not one.waits_for:
                    one.member.asleep_until = time.monotonic()

    def _look_at(self, one: Standing) -> None:
        for what in list(one.waits_for):
            rows = self._ask(BROUGHT, **what)
            if rows and rows[0][0]:
                one.waits_for.remove(what)
                self.overtaken += 1

    def _change(self, names: list[str], *, most: int, gently: bool) -> list[str]:
        """Some of these orders; `gently`: so that they can be changed once more. Returns which."""
        chosen = self.chance.sample(names, min(len(names), most))
        for name in chosen:
            spec = self.life.specs[name]
            dice = self.chance.random()
            if gently or dice < 0.6:
                change = life.edit(spec, self.chance, self.chance.choice(["address", "more"]) if gently else "")
            else:
                change = life.cancel(spec) if dice < 0.8 else life.refund(spec, self.chance)
            change(self.world)
        self.life.changed.update(chosen)
        self.changed.update(chosen)
        return chosen

    def _ask(self, question: str, **values: Any) -> Sequence[Row[Any]]:
        """What the ledger says; nothing while the database is gone. No connection is kept, as this process forks."""
        with suppress(OperationalError), closing(Store(self.ledger)) as store, store.reading() as db:
            return db.execute(text(question), values).all()
        return []
