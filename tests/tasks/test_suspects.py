"""One record that makes its vendor stumble delays its neighbours a little, and stops nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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


def test_a_limit_is_no_records_fault() -> None:
    vendor = Vendor("0", RateLimited("acme", "too fast", retry_after=60))
    with pytest.raises(RateLimited):
        list(apart(vendor, items([5, 5])))
    assert vendor.groups == [["0"]]
