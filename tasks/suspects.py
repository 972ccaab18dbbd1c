"""Records that keep failing go apart from the others, so that whoever stands beside them arrives.

A call for many records fails as a whole when the vendor stumbles over one of them. Nobody can say over which, so what
has failed before is sent in ever smaller groups, and at last alone. While a vendor is down everything fails: so groups
keep the order in which the records are due, and none is to blame before the vendor has taken another one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from commerce.errors import OutcomeUnknown, RateLimited, TemporarilyUnavailable
from commerce.outcomes import Outcome, Retry, Unknown
from commerce.ports import Item

Settled = Iterator[tuple[Item, Outcome]]

TOGETHER = {3: 10, 4: 3}
"""Records in one group by their attempt: all of them up to the second, alone from the fifth on."""

FAILURES = 3
"""When so many groups fail one after the other, it is the vendor and none of them; when so many arrive, it was."""

SOON_AGAIN = 10
"""Records in one group once it is clear that it was the vendor: a backlog of thousands cannot go one by one."""


def is_fresh(item: Item) -> bool:
    """Whether it has not failed twice."""
    return item.attempt < min(TOGETHER)


def size_for(item: Item, many: int) -> int:
    """How many records such as this one go together, of so many."""
    return many if is_fresh(item) else TOGETHER.get(item.attempt, 1)


def groups(items: Sequence[Item]) -> list[list[Item]]:
    """The items in their order, in the groups that they are sent in: neighbours that have failed equally often."""
    found: list[list[Item]] = []
    for item in items:
        size = size_for(item, len(items))
        if not found or size != size_for(found[-1][0], len(items)) or len(found[-1]) >= size:
            found.append([])
        found[-1].append(item)
    return found


def ask_another(waiting: deque[list[Item]]) -> None:
    """Put the group first that says whether the vendor takes anything: one that has not failed, or each in its turn."""
    if not waiting:
        return
    fresh = (at for at, group in enumerate(waiting) if is_fresh(group[0]))
    turn = next(fresh, waiting[0][0].attempt % len(waiting))
    group = waiting[turn]
    del waiting[turn]
    waiting.appendleft(group)


def apart(send: Callable[[Sequence[Item]], Settled], items: Sequence[Item]) -> Settled:
    """The outcomes of all items, sent in their groups; a group that fails again waits, and the next one is tried.

    Raises TemporarilyUnavailable when the vendor takes nothing now: what was not yielded was not sent, or is not to
    blame.
    """
    failures = well = 0
    taken, blamed = False, list[tuple[Item, Outcome]]()
    waiting = deque(groups(items))
    while waiting:
        group = list(waiting.popleft())
        while well >= FAILURES and waiting and len(group) + len(waiting[0]) <= SOON_AGAIN:
            group += waiting.popleft()
        left = {item.ref: item for item in group}
        try:
            for item, outcome in send(group):
                left.pop(item.ref, None)
                yield item, outcome
            failures, well, taken = 0, well + (not is_fresh(group[0])), True
        except OutcomeUnknown as lost:
            well = 0
            for item in left.values():
                yield item, Unknown(reason=str(lost))
        except TemporarilyUnavailable as unavailable:
            failures, well = failures + 1, 0
            if is_fresh(group[0]) or failures >= FAILURES or isinstance(unavailable, RateLimited):
                raise
            retry = Retry(reason=str(unavailable), after=unavailable.retry_after)
            blamed += [(item, retry) for item in left.values()]
            if not taken:
                ask_another(waiting)
        if taken or not waiting:
            yield from blamed
            blamed = []
