"""Records that keep failing go apart from the others, so that whoever stands beside them arrives.

A call for many records fails as a whole when the vendor stumbles over one of them. Nobody can say over which, so what
has failed before is sent in ever smaller groups, and at last alone.
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


def groups(items: Sequence[Item]) -> list[list[Item]]:
    """The items in the groups that they are sent in; what has not failed twice comes first, as one."""
    fresh = [item for item in items if item.attempt < min(TOGETHER)]
    found = [fresh] if fresh else []
    for attempt in sorted({item.attempt for item in items if item.attempt >= min(TOGETHER)}):
        same = [item for item in items if item.attempt == attempt]
        size = TOGETHER.get(attempt, 1)
        found += [same[at : at + size] for at in range(0, len(same), size)]
    return found


def apart(send: Callable[[Sequence[Item]], Settled], items: Sequence[Item]) -> Settled:
    """The outcomes of all items, sent in their groups; a group that fails again waits, and the next one is tried.

    Raises TemporarilyUnavailable when the vendor takes nothing now: what was not yielded was not sent.
    """
    failures = well = 0
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
            failures, well = 0, well + (group[0].attempt >= min(TOGETHER))
        except OutcomeUnknown as lost:
            well = 0
            for item in left.values():
                yield item, Unknown(reason=str(lost))
        except TemporarilyUnavailable as unavailable:
            failures, well = failures + 1, 0
            fresh = group[0].attempt < min(TOGETHER)
            if fresh or failures >= FAILURES or isinstance(unavailable, RateLimited):
                raise
            for item in left.values():
                yield item, Retry(reason=str(unavailable), after=unavailable.retry_after)
