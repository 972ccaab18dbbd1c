"""Settling: what became of each record is written down once, by the run that still owns it."""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from commerce.failpoints import reached
from commerce.outcomes import Done, Held, Outcome, Retry, Skipped, Unknown
from commerce.ports import Item
from ledger import tables
from ledger.bindings import binding_row
from ledger.records import Claim
from ledger.store import SECOND, Store, chunks, clean, upsert
from ledger.subscriptions import keeps_of
from ledger.tables import CLAIMED, HELD
from ledger.taking import note_taken, taking

log = logging.getLogger(__name__)

HOUR = 3600.0

SOONEST, LOOK_SOONEST, LATEST = 30.0, 5.0, HOUR
"""Seconds before the next try at least, before the look whether a write without an answer was applied, and at most."""

PATIENCE = 48 * HOUR
MANY_TRIES = 12
"""A record that fails for so long and so often while its destination is up is held for a person."""

SETTLED_BY_A_LATER_STATE = "a later state was brought instead"


class Settling(Store):
    """Outcomes."""

    def settle(self, claim: Claim, settled: Sequence[tuple[Item, Outcome]]) -> int:
        """Write down what became of these items; returns how many were still the claim's own.

        A run whose lease was taken over settles nothing: the other run decides. What it has written over meanwhile is
        in doubt again.
        """
        table = tables.deliveries
        with self.writing() as db:
            now = self.now(db)
            mine = owned(db, claim, lock=not self.on_sqlite)
            decided = [(item, outcome, mine.pop(item.subject)) for item, outcome in settled if item.subject in mine]
            if len(decided) < len(settled):
                lost = len(settled) - len(decided)
                log.warning("%d outcomes for %s came after their lease had ended", lost, claim.destination)
                ours = {item.subject for item, _, _ in decided}
                doubt_again(db, claim.destination, [one for one in settled if one[0].subject not in ours])
            if not decided:
                return 0
            known = taking(db, claim.destination)
            up = known.is_up(now)
            if any(isinstance(outcome, Done) and outcome.changed for _, outcome, _ in decided):
                note_taken(db, claim.destination, known, now)  # first: what fails now is to wait again
            rows = [row for one in decided for row in delivery_rows(*doubted(*one), now, up=up)]
            which = (table.c.destination == claim.destination, table.c.event_id == bindparam("which"))
            names = [name for name in rows[0] if name != "which"]
            changes: dict[str, Any] = {name: bindparam(name) for name in names}
            db.execute(update(table).where(*which).values(**changes, claim=None, lease_until=None, crashes=0), rows)
            write_bindings(db, claim.destination, decided, now)
            write_history(
                db, [history_row(now, claim.destination, i.subject, o, i, by=claim.by) for i, o, _ in decided]
            )
            reached("before-settle-commit")
        reached("after-settle-commit")
        return len(decided)

    def doubt_late(self, claim: Claim, unsettled: Sequence[Item]) -> None:
        """Of these items, which a run could not settle, what another run has brought meanwhile is in doubt again."""
        if not unsettled:
            return
        with self.writing() as db:
            mine = owned(db, claim, lock=False)
            lost = [(item, Unknown(reason=LATE)) for item in unsettled if item.subject not in mine]
            doubt_again(db, claim.destination, lost)


LATE = "it may have been written late"


def doubt_again(db: Connection, destination: str, late: Sequence[tuple[Item, Outcome]]) -> None:
    """A write that was on its way while its run stood still may have arrived after a newer one, or after somebody had
    looked and found nothing to do: what is done or skipped of these subjects is looked up and brought again, and so is
    what another run has in its hands, once it has settled it. Events are facts that stay true, and no write of theirs
    is undone."""
    wrote = [item.subject for item, outcome in late if isinstance(outcome, Unknown | Done) and written(outcome)]
    if keeps_of(db, destination) != "state":
        return
    table = tables.deliveries
    for some in chunks(wrote):
        theirs = (table.c.destination == destination, table.c.subject.in_(some))
        db.execute(update(table).where(*theirs, text(CLAIMED)).values(note=LATE))
        db.execute(update(table).where(*theirs, text(HELD)).values(in_doubt=True))
        newest = select(func.max(table.c.event_id)).where(*theirs, table.c.state.in_(("done", "skipped")))
        again = update(table).where(*theirs, table.c.event_id.in_(newest.group_by(table.c.subject)))
        db.execute(again.values(state="unknown", in_doubt=True, due_at=0, settled_at=None))


def doubted(item: Item, outcome: Outcome, facts: Facts) -> tuple[Item, Outcome, Facts]:
    """The same, but in doubt when a late write of another run may have come after it."""
    if not facts.late:
        return item, outcome, facts
    unsure = Unknown(reason=LATE) if isinstance(outcome, Done | Skipped) else outcome
    return item.model_copy(update={"in_doubt": True}), unsure, facts


def written(outcome: Done | Unknown) -> bool:
    """Whether something was, or may have been, sent."""
    return outcome.changed if isinstance(outcome, Done) else True


@dataclass
class Facts:
    """A subject's claimed facts."""

    tried: dict[int, int | None] = field(default_factory=dict)
    """By event id, the moment it was first tried."""
    in_doubt: set[int] = field(default_factory=set)
    """Those that may have been brought without our knowing."""
    late: bool = False
    """Whether a run that had lost them has written meanwhile."""


def owned(db: Connection, claim: Claim, *, lock: bool) -> dict[str, Facts]:
    """The claimed facts of each subject that still carry the claim's token."""
    table = tables.deliveries.c
    found: dict[str, Facts] = defaultdict(Facts)
    for some in chunks(claim.rows):
        mine = select(table.subject, table.event_id, table.first_tried_at, table.in_doubt, table.note).where(
            table.destination == claim.destination, table.event_id.in_(some), table.claim == claim.token
        )
        for subject, number, tried, in_doubt, note in db.execute(mine.with_for_update() if lock else mine):
            found[subject].tried[number] = tried
            found[subject].in_doubt |= {number} if in_doubt else set()
            found[subject].late |= note == LATE
    return dict(found)


def delivery_rows(item: Item, outcome: Outcome, facts: Facts, now: int, *, up: bool) -> list[dict[str, Any]]:
    """The newest fact of the item gets the outcome; older ones, if they were claimed with it, are superseded.

    Until something is decided, older ones that may have been brought stay beside it: whoever looks for what they made
    has to know where.
    """
    newest = int(item.ref)
    row = delivery_row(item, outcome, facts.tried.get(newest), now, up=up)
    over = {**dict.fromkeys(("cause", "reason", "hint"), ""), "in_doubt": False, "due_at": 0, "settled_at": now}
    older = {**over, "state": "superseded", "note": SETTLED_BY_A_LATER_STATE}
    beside = facts.in_doubt if row["settled_at"] is None else set[int]()
    rest = [number for number in facts.tried if number != newest]
    return [{"which": newest, **row}] + [{"which": n, **(row if n in beside else older)} for n in rest]


LOOK_THERE = "look whether the vendor has it; then: backroom held release, or dismiss"


def delivery_row(item: Item, outcome: Outcome, first_tried: int | None, now: int, *, up: bool) -> dict[str, Any]:
    """How the delivery stands after this outcome; `up` says whether the destination takes what others bring."""
    row: dict[str, Any] = {
        "state": outcome.state,
        "in_doubt": False,
        "due_at": 0,
        "settled_at": now,
        "cause": "",
        "reason": clean(getattr(outcome, "reason", "")),
        "hint": "",
        "note": "",
    }
    match outcome:
        case Done():
            row["note"] = clean(outcome.note)
        case Held():
            row |= {"cause": clean(outcome.cause), "hint": clean(outcome.hint), "in_doubt": item.in_doubt}
        case Unknown() if up and is_hopeless(item, first_tried, now):
            row |= {"state": "held", "cause": "never_answered", "hint": LOOK_THERE, "in_doubt": True}
        case Unknown():
            row |= {"in_doubt": True, "settled_at": None, "due_at": now + pause(first_tried, now, LOOK_SOONEST)}
        case Retry() if up and outcome.after is None and is_hopeless(item, first_tried, now):
            hint = "see whether its vendor reports a fault; then: backroom held release"
            row |= {"state": "held", "cause": "keeps_failing", "hint": hint, "in_doubt": item.in_doubt}
        case Retry():
            wait = pause(first_tried, now, SOONEST) if outcome.after is None else round(outcome.after * SECOND)
            row |= {"in_doubt": item.in_doubt, "settled_at": None, "due_at": now + wait}
    return row


def is_hopeless(item: Item, first_tried: int | None, now: int) -> bool:
    """Whether the vendor calls a permanent error a temporary one."""
    since = now if first_tried is None else first_tried
    return item.attempt >= MANY_TRIES and now - since > PATIENCE * SECOND


def pause(first_tried: int | None, now: int, soonest: float) -> int:
    """Microseconds to wait: as long again as it has been tried, so that each wait is twice the one before.

    Not by the number of tries: while a vendor is down, every run tries, and a minute of that would cost an hour. Up to
    a fifth more, so that records do not come back all at once.
    """
    tried = 0.0 if first_tried is None else (now - first_tried) / SECOND
    wait = min(max(tried, soonest), LATEST)
    return round(wait * random.uniform(1.0, 1.2) * SECOND)  # noqa: S311  no secret depends on it


Decided = tuple[Item, Outcome, Facts]


def write_bindings(db: Connection, destination: str, decided: Sequence[Decided], now: int) -> None:
    """Remember what the destination now holds."""
    rows = {
        item.subject: binding_row(destination, item.subject, outcome.binding, now)
        for item, outcome, _ in decided
        if isinstance(outcome, Done)
    }
    if rows:
        db.execute(upsert(db, tables.bindings), list(rows.values()))


def label_of(item: Item | None) -> str:
    """What people call the record."""
    data = item.newest.data if item else {}
    return clean(data.get("number") or data.get("order_key") or data.get("sku") or "")


def history_row(
    now: int, destination: str, subject: str, outcome: Outcome, item: Item | None = None, *, by: str
) -> dict[str, Any]:
    """One line of what happened."""
    word = "unchanged" if isinstance(outcome, Done) and not outcome.changed else outcome.state
    return {
        "at": now,
        "destination": destination,
        "subject": subject,
        "label": label_of(item),
        "outcome": word,
        "vendor_id": clean(outcome.binding.vendor_id) if isinstance(outcome, Done) else "",
        "reason": clean(outcome.note if isinstance(outcome, Done) else outcome.reason),
        "by": by,
    }


def write_history(db: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep the lines."""
    if rows:
        db.execute(insert(tables.history), list(rows))
