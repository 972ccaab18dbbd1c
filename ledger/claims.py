"""Claiming: work belongs to one run at a time, until its lease ends.

A subject is never with two runs. A destination that keeps state gets all open facts of a subject as one item, and the
newest decides, also when it is its turn; one that keeps events gets the oldest open fact of a subject, and the next one
only after that.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, or_, select, text, update

from commerce.events import Event, Kind
from commerce.failpoints import reached
from commerce.outcomes import Held
from commerce.ports import Item
from ledger import tables
from ledger.bindings import bindings_of
from ledger.records import Claim
from ledger.settling import history_row, write_history
from ledger.store import SECOND, Store, chunks, moment
from ledger.subscriptions import LIVE, keeps_of
from ledger.tables import CLAIMED, OPEN, READY
from ledger.taking import is_silent, waits_long

log = logging.getLogger(__name__)

DEADLY = 4
"""A record that was being sent when so many runs died is held. It was alone in the last two: one of them may have had
any other cause, a machine out of memory or a restart."""

LONGEST_LEASE = 600 * SECOND
"""A lease that ends later than any can was taken before the database's clock was set back."""


class Claims(Store):
    """Work for destinations."""

    def claim(
        self,
        destination: str,
        *,
        limit: int,
        lease: float = 60.0,
        by: str = "",
        suspects: bool = False,
        history: bool = True,
    ) -> Claim:
        """Up to `limit` subjects that are due, for `lease` seconds: live ones, or history if there are none and it may
        be; what was promised first before what was promised later or not at all (`ledger/places.py`), then by age.

        Empty when nothing is due, the destination is paused, or it subscribed to nothing. What a dead run had claimed
        comes back in doubt when its lease ends: it comes after everything else, or before it with `suspects`.
        """
        claim = Claim(uuid.uuid4().hex, destination, [], (), by)
        with self.writing() as db:
            self.alone(db, f"claim:{destination}")
            keeps = None if is_paused(db, destination) else keeps_of(db, destination)
            if keeps is None:
                return claim
            now = self.now(db)
            take_back(db, destination, now)
            subjects = due_subjects(db, destination, keeps, limit, now, suspects=suspects, history=history)
            if not subjects:
                return claim
            numbers = open_facts(db, destination, list(subjects)) if keeps == "state" else list(subjects.values())
            mark(db, claim, numbers, now, lease)
            items = items_of(db, destination, keeps, numbers)
            claim = Claim(claim.token, destination, in_order(items, list(subjects)), tuple(numbers), by)
            reached("before-claim-commit")
        reached("after-claim-commit")
        return claim

    def renew(self, claim: Claim, lease: float) -> int:
        """Keep the claim for `lease` more seconds; returns how many of its deliveries are still its own."""
        table = tables.deliveries
        with self.writing() as db:
            until = self.now(db) + round(lease * SECOND)
            return sum(
                db.execute(update(table).where(*still_claimed(claim, some)).values(lease_until=until)).rowcount
                for some in chunks(claim.rows)
            )

    def release(self, claim: Claim, *, after: float = 0.0, reason: str = "", in_doubt: bool = False) -> int:
        """Give back what was not settled, due in `after` seconds; with `in_doubt`, as perhaps applied."""
        table = tables.deliveries
        with self.writing() as db:
            values: dict[str, Any] = {
                "due_at": self.now(db) + round(after * SECOND) if after else 0,
                "state": "retry" if reason or after else "waiting",
                "claim": None,
                "lease_until": None,
                "crashes": 0,
            }
            if reason:
                values["reason"] = reason
            doubtful = {**values, "state": "unknown", "in_doubt": True}
            given = 0
            for some in chunks(claim.rows):
                mine = still_claimed(claim, some)
                if not in_doubt:
                    sure = update(table).where(*mine, table.c.in_doubt.is_(False))
                    given += db.execute(sure.values(**values)).rowcount
                given += db.execute(update(table).where(*mine).values(**doubtful)).rowcount
            reached("before-release-commit")
        reached("after-release-commit")
        return given


def still_claimed(claim: Claim, rows: Sequence[int]) -> tuple[Any, ...]:
    """The fence: only deliveries that carry this claim's token."""
    table = tables.deliveries.c
    return (table.destination == claim.destination, table.event_id.in_(rows), table.claim == claim.token)


def is_paused(db: Connection, connection: str) -> bool:
    """Whether the connection is not to be called."""
    table = tables.paused.c
    return db.execute(select(table.since).where(table.connection == connection)).first() is not None


def take_back(db: Connection, destination: str, now: int) -> None:
    """Free what dead runs had claimed. What was in so many deaths is held, so that it kills no more."""
    table = tables.deliveries
    over = or_(table.c.lease_until <= now, table.c.lease_until > now + LONGEST_LEASE)
    ended = (table.c.destination == destination, text(CLAIMED), over)
    wanted = select(table.c.event_id, table.c.subject, table.c.crashes, table.c.claimed_by).where(*ended)
    rows = db.execute(wanted.order_by(table.c.event_id)).all()
    if not rows:
        return
    log.warning("%d deliveries for %s come back from runs that died", len(rows), destination)
    freed = {"state": "unknown", "in_doubt": True, "claim": None, "lease_until": None, "due_at": 0}
    for some in chunks([row.event_id for row in rows]):
        mine = update(table).where(table.c.destination == destination, table.c.event_id.in_(some))
        db.execute(mine.values(**freed, crashes=table.c.crashes + 1))
    hold_killers(db, destination, [row for row in rows if row.crashes + 1 >= DEADLY], now)


def hold_killers(db: Connection, destination: str, rows: Sequence[Any], now: int) -> None:
    """Hold the newest fact of each subject that keeps killing its process; older ones are superseded."""
    table = tables.deliveries
    why = Held(
        cause="kills_its_process",
        reason=f"the process that was sending it died {DEADLY} times",
        hint="look at the log of the last run; after an upgrade run: backroom held release",
    )
    for subject, row in {row.subject: row for row in rows}.items():
        one = update(table).where(table.c.destination == destination, table.c.subject == subject)
        older = one.where(table.c.event_id < row.event_id, text("state = 'unknown'"), table.c.crashes >= DEADLY)
        db.execute(older.values(state="superseded", settled_at=now))
        words = {"cause": why.cause, "reason": why.reason, "hint": why.hint}
        db.execute(one.where(table.c.event_id == row.event_id).values(state="held", settled_at=now, **words))
        write_history(db, [history_row(now, destination, subject, why, by=row.claimed_by)])


def due_subjects(
    db: Connection, destination: str, keeps: str, limit: int, now: int, *, suspects: bool, history: bool
) -> dict[str, int]:
    """Subjects to claim with their first due fact.

    Records that were being sent when a run died come in ever smaller groups, at last alone: only the one that kills
    its process dies twice more. They wait for what is new, unless it is their turn, so that they stop nobody. History
    is no company for what is live, which would have to wait for it, or take it along in its own share of the calls.
    """
    in_their_order(db)
    due = due_facts(destination, keeps, now, history=history).limit(limit)
    rows = db.execute(due).all()
    if rows and is_silent(db, destination, now):
        due = due_facts(destination, keeps, now, history=history, early=True).limit(limit)
        rows = db.execute(due).all()
    turn = [row for row in rows if bool(row.crashes) == suspects]
    if rows and not turn and not suspects:
        turn = list(db.execute(due.where(text("due.crashes = 0"))).all())
    rows = turn or rows
    found: dict[str, int] = {}
    for row in rows:
        if (row.crashes, row.lane) == (rows[0].crashes, rows[0].lane):
            found.setdefault(row.subject, row.event_id)
    size = {0: limit, 1: max(1, limit // 10)}.get(rows[0].crashes, 1) if rows else 0
    return dict(list(found.items())[:size])


def due_facts(destination: str, keeps: str, now: int, *, history: bool, early: bool = False) -> Select[Any]:
    """One due fact of each subject that no run has, in their turn: the newest where state is kept, else the first open
    one. With `early`, also of what waits for long.

    A newer state of a suspect is no news: it would be sent together with what may kill.
    """
    due, other = tables.deliveries.alias("due"), tables.deliveries.alias("other")

    def is_due(table: Any) -> ColumnElement[bool]:
        return or_(table.c.due_at <= now, waits_long(table, now)) if early else table.c.due_at <= now

    same = and_(other.c.subject == due.c.subject, other.c.destination == due.c.destination)
    if keeps == "state":
        alike = text(f"other.{READY} AND (other.crashes > 0 OR due.crashes = 0)")
        newer = and_(other.c.event_id > due.c.event_id, other.c.lane <= due.c.lane, is_due(other), alike)
        suspected = text(f"due.crashes = 0 AND other.crashes > 0 AND other.{READY}")
        blocked = exists().where(same, or_(text(f"other.{CLAIMED}"), suspected, newer))
    else:
        blocked = exists().where(same, other.c.event_id < due.c.event_id, text(f"other.{OPEN}"))
    mine = (due.c.destination == destination, text(f"due.{READY}"), is_due(due))
    return (
        select(due.c.event_id, due.c.subject, due.c.crashes, due.c.lane)
        .where(*mine, ~blocked, *(() if history else (due.c.lane == LIVE,)))
        .order_by(due.c.lane, due.c.promise, due.c.occurred_at, due.c.event_id)
    )


def in_their_order(db: Connection) -> None:
    """Have PostgreSQL read due work by its index until the transaction ends: as long as no ANALYZE has seen a burst, it
    believes that hardly anything waits, and would sort the whole backlog for each claim."""
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)"))


def open_facts(db: Connection, destination: str, subjects: Sequence[str]) -> list[int]:
    """All facts of these subjects that are not settled, held ones included: a newer state may heal them."""
    table = tables.deliveries.c
    found: list[int] = []
    for some in chunks(subjects):
        wanted = select(table.event_id).where(table.subject.in_(some), table.destination == destination, text(OPEN))
        found += db.scalars(wanted)
    return found


def mark(db: Connection, claim: Claim, numbers: Sequence[int], now: int, lease: float) -> None:
    """Write on the deliveries whose they are."""
    table = tables.deliveries
    values = {"state": "claimed", "claim": claim.token, "claimed_by": claim.by}
    until = now + round(lease * SECOND)
    for some in chunks(numbers):
        mine = update(table).where(table.c.destination == claim.destination, table.c.event_id.in_(some))
        tried = func.coalesce(table.c.first_tried_at, now)
        db.execute(mine.values(**values, lease_until=until, attempts=table.c.attempts + 1, first_tried_at=tried))


def items_of(db: Connection, destination: str, keeps: str, numbers: Sequence[int]) -> dict[str, Item]:
    """One item for each subject, its facts oldest first by the source's stamp."""
    delivery, event, snapshot = tables.deliveries.c, tables.events.c, tables.snapshots.c
    wanted = (
        select(tables.events, snapshot.data, delivery.lane, delivery.in_doubt, delivery.attempts)
        .select_from(tables.deliveries)
        .join(tables.events, event.id == delivery.event_id)
        .join(tables.snapshots, snapshot.id == event.snapshot_id)
        .where(delivery.destination == destination)
    )
    grouped: dict[str, list[Row[Any]]] = defaultdict(list)
    for some in chunks(numbers):
        for row in db.execute(wanted.where(delivery.event_id.in_(some))):
            grouped[row.subject].append(row)
    known = bindings_of(db, destination, list(grouped))
    items = {}
    for subject, rows in grouped.items():
        rows.sort(key=lambda row: (row.revision, row.id))
        items[subject] = Item(
            ref=str(rows[-1].id),
            subject=subject,
            events=tuple(event_of(row) for row in rows),
            binding=known.get(subject),
            in_doubt=any(row.in_doubt for row in rows),
            attempt=rows[-1].attempts,
        )
    return items


def event_of(row: Row[Any]) -> Event:
    """The fact as it was recorded; what was before the destination's time is history there."""
    return Event(
        key=row.key,
        source=row.source,
        kind=Kind(row.kind),
        subject=row.subject,
        revision=moment(row.revision),
        occurred_at=moment(row.occurred_at),
        part=row.part,
        historical=row.historical or row.lane != LIVE,
        data=json.loads(row.data),
    )


def in_order(items: dict[str, Item], subjects: Sequence[str]) -> list[Item]:
    """The items in the order in which they are due."""
    return [items[subject] for subject in subjects if subject in items]
