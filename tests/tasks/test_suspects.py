"""One record that makes its vendor stumble delays its neighbours a little, and stops nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest

from commerce.errors import OutcomeUnknown, RateLimited, TemporarilyUnavailable
from commerce.outcomes import Binding, Done, Outcome, Retry, Unknown
from commerce.ports import Item
from tasks.suspects import apart, groups
from tests.builders import an_event

DONE = Done(binding=Binding(vendor_id="v"))


def items(attempts: Sequence[int]) -> list[Item]:
    event = an_event()
    return [Item(ref=f"{n}", subject=f"shop:{n}", events=(event,), attempt=a) for n, a in enumerate(attempts)]


class Vendor:
    """Takes groups, and stumbles over one record."""

    def __init__(self, stumbles_over: str, error: Exception) -> None:
        self.stumbles_over = stumbles_over
        self.error = error
        self.groups: list[list[str]] = []

    def __call__(self, group: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        self.groups.append([item.ref for item in group])
        if self.stumbles_over in self.groups[-1]:
            raise self.error
        for item in group:
            yield item, DONE


def test_what_failed_before_goes_in_ever_smaller_groups() -> None:
    found = groups(items([1, 2, 1, *[3] * 12, *[4] * 4, 5, 6]))
    assert [len(group) for group in found] == [3, 10, 2, 3, 1, 1, 1]


def test_a_record_that_makes_its_vendor_stumble_stops_nobody() -> None:
    # given records that were released again and again because the call for all of them failed
    vendor = Vendor("2", TemporarilyUnavailable("acme", "answered 500"))
    # when they are sent once more
    states = {item.ref: outcome for item, outcome in apart(vendor, items([5, 5, 5, 5, 1]))}
    # then only the one waits
    assert {ref for ref, outcome in states.items() if outcome == DONE} == {"0", "1", "3", "4"}
    assert isinstance(states["2"], Retry)


def test_a_write_that_is_never_answered_leaves_only_its_own_group_in_doubt() -> None:
    vendor = Vendor("1", OutcomeUnknown("acme", "no answer"))
    states = {item.ref: outcome for item, outcome in apart(vendor, items([4, 4, 4, 4, 5, 1]))}
    assert {ref for ref, outcome in states.items() if isinstance(outcome, Unknown)} == {"0", "1", "2"}
    assert {ref for ref, outcome in states.items() if outcome == DONE} == {"3", "4", "5"}


def test_a_vendor_that_is_down_is_not_asked_for_each_record() -> None:
    # given a vendor that takes nothing
    class Down(Vendor):
        def __call__(self, group: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
            self.groups.append([item.ref for item in group])
            raise self.error
            yield

    down = Down("", TemporarilyUnavailable("acme", "is down"))
    # when suspects are sent, it is given up after some; and at once with what has not failed before
    with pytest.raises(TemporarilyUnavailable):
        list(apart(down, items([5] * 50)))
    assert len(down.groups) == 3
    with pytest.raises(TemporarilyUnavailable):
        list(apart(down, items([1] * 50)))
    assert len(down.groups) == 4


def test_all_keep_the_order_in_which_they_are_due() -> None:
    # given a backlog of which the oldest have failed most often, as their vendor was down
    vendor = Vendor("", TemporarilyUnavailable("acme", "is down"))
    # when it is up again
    came = [item.ref for item, _ in apart(vendor, items([7, 6, 1, 6, 5, *[4] * 7, *[3] * 12, 1, 1]))]
    # then they arrive as they are due, and soon no longer one by one
    assert came == [str(n) for n in range(26)]
    assert [len(group) for group in vendor.groups] == [1, 1, 1, 1, 8, 10, 4]


def test_the_oldest_that_fail_do_not_keep_what_is_new_waiting() -> None:
    # given three old records over which the vendor stumbles each time, before one that is new and many others
    class Stumbling(Vendor):
        def __call__(self, group: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
            self.groups.append([item.ref for item in group])
            if any(item.ref in ("0", "1", "2") for item in group):
                raise self.error
            yield from [(item, DONE) for item in group]

    vendor = Stumbling("", TemporarilyUnavailable("acme", "answered 500"))
    # when they are sent
    states = {item.ref: outcome for item, outcome in apart(vendor, items([6, 6, 6, 5, 5, 1, 5]))}
    # then the new one says that the vendor is up, and only those three wait
    assert vendor.groups[:2] == [["0"], ["5"]]
    assert {ref for ref, outcome in states.items() if isinstance(outcome, Retry)} == {"0", "1", "2"}
    assert {ref for ref, outcome in states.items() if outcome == DONE} == {"3", "4", "5", "6"}


@pytest.mark.parametrize("bad", [3, 5, 8])
def test_however_many_of_the_oldest_fail_all_others_arrive_without_anything_new(bad: int) -> None:
    # given ten records that have all failed before, of which the first ones always do
    class Stumbling(Vendor):
        def __call__(self, group: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
            if any(int(item.ref) < bad for item in group):
                raise self.error
            yield from [(item, DONE) for item in group]

    vendor = Stumbling("", TemporarilyUnavailable("acme", "answered 500"))
    left, runs, attempt = list(range(10)), 0, 5
    # when run after run tries what is left, and nobody waits
    while any(n >= bad for n in left):
        runs, attempt = runs + 1, attempt + 1
        due = [one for one in items([attempt] * 10) if int(one.ref) in left]
        with suppress(TemporarilyUnavailable):
            for item, outcome in apart(vendor, due):
                if outcome == DONE:
                    left.remove(int(item.ref))
        assert runs < 30
    # then what never fails has arrived
    assert left == list(range(bad))


def test_nobody_is_to_blame_while_a_vendor_is_down() -> None:
    def down(group: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        raise TemporarilyUnavailable("acme", "is down")
        yield from ()

    for attempts in ([5] * 50, [6, 5, 1]):
        said: list[tuple[Item, Outcome]] = []
        with pytest.raises(TemporarilyUnavailable):
            said.extend(apart(down, items(attempts)))
        assert said == []
    # only whoever is alone has to wait, as nobody else is there to say
    assert [isinstance(outcome, Retry) for _, outcome in apart(down, items([5]))] == [True]


def test_a_limit_is_no_records_fault() -> None:
    vendor = Vendor("0", RateLimited("acme", "too fast", retry_after=60))
    with pytest.raises(RateLimited):
        list(apart(vendor, items([5, 5])))
    assert vendor.groups == [["0"]]
