"""A machine whose clock is wrong is told of: nothing is lost by it, and much that people read is odd."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from commerce.ports import Alert, Finding
from ledger.clocks import SeenClock
from tasks.hearing import ahead_of, is_wrong
from tasks.hub import Hub

AT_ONCE = timedelta(minutes=20)
"""Vendors that were heard within so long of each other were heard by the same clock of ours."""

GONE = timedelta(hours=2)
"""A machine that has heard nobody for so long, while others have, runs no more."""

SET_IT = "set it by NTP, for example: timedatectl set-ntp true"


def wrong_clocks(hub: Hub) -> Iterator[Alert]:
    """One alert for each machine whose clock is wrong beside most vendors it hears."""
    for machine, ahead, vendors in wrong_machines(hub):
        yield Alert(
            fingerprint=f"clock:{machine}",
            severity="warning",
            title=f"the clock of {machine} is {off_by(ahead)}",
            what=f"it is {beside(ahead, vendors)}; orders, parcels and leases go by other clocks, but "
            "times in messages and what is told as late may be odd",
            todo=SET_IT,
            facts={"machine": machine},
        )


def surely_now(hub: Hub) -> datetime:
    """A moment that surely has come: now by our clock, or by the newest of the vendors'. For what cannot be undone."""
    heard = [one.theirs for one in hub.ledger.seen_clocks()]
    return min([datetime.fromtimestamp(hub.clock(), UTC), *([max(heard)] if heard else [])])


def wrong_machines(hub: Hub) -> Iterator[tuple[str, timedelta, list[str]]]:
    """Each machine whose clock is wrong, by how much at least it is ahead, and of whose clocks.

    One vendor that disagrees with the others has a wrong clock itself.
    """
    seen = [one for one in hub.ledger.seen_clocks() if one.connection in hub.stack.connections]
    newest = max((one.theirs for one in seen), default=None)
    machines: dict[str, list[SeenClock]] = defaultdict(list)
    for one in seen:
        machines[one.machine].append(one)
    for machine, heard in sorted(machines.items()):
        last, ours = max(one.theirs for one in heard), max(one.ours for one in heard)
        # By either clock: ours may have jumped meanwhile, and one of theirs may be wrong.
        lately = [one for one in heard if last - one.theirs <= AT_ONCE or ours - one.ours <= AT_ONCE]
        off = [one for one in lately if is_wrong(ahead_of(one))]
        if newest and newest - last <= GONE and len(off) > len(lately) - len(off):
            yield machine, min(map(ahead_of, off), key=abs), sorted(one.connection for one in off)


def finding(hub: Hub) -> Iterator[Finding]:
    """One line of `backroom check`, from what this process has just heard; none when it has heard nobody."""
    heard = {name: one.ahead for name, one in sorted(hub.hearings.items()) if one.ahead is not None}
    off = {name: ahead for name, ahead in heard.items() if is_wrong(ahead)}
    if not heard:
        return
    if len(off) > len(heard) - len(off):
        message = f"this machine's clock is {beside(min(off.values(), key=abs), list(off))}"
        yield Finding(subject="clock", ok=False, message=message, hint=SET_IT)
    elif off:
        words = "; ".join(f"ours is {beside(ahead, [name])}" for name, ahead in off.items())
        yield Finding(subject="clock", ok=True, message=f"most vendors' agree with this machine's; {words}")
    else:
        yield Finding(subject="clock", ok=True, message=f"this machine's agrees with {in_a_row(list(heard))}")


def off_by(ahead: timedelta) -> str:
    """In words, e.g. "14 minutes ahead"."""
    minutes = round(abs(ahead) / timedelta(minutes=1))
    long = f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
    return f"{long} {'ahead' if ahead > timedelta(0) else 'behind'}"


def beside(ahead: timedelta, vendors: Sequence[str]) -> str:
    """Of whose clocks, e.g. "14 minutes ahead of shop's and warehouse's"."""
    return f"{off_by(ahead)} {'of ' if ahead > timedelta(0) else ''}{in_a_row(vendors)}"


def in_a_row(names: Sequence[str]) -> str:
    """Whose clocks, e.g. "books's, shop's and warehouse's"."""
    *others, last = [f"{name}'s" for name in names]
    return f"{', '.join(others)} and {last}" if others else last
