"""What became of a record is written once, by the run that still owns it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from commerce.outcomes import Binding, Done, Held, Retry, Skipped, Unknown
from ledger import Claim
from ledger.settling import pause
from ledger.store import SECOND
from tests.builders import NOON, an_order
from tests.ledger.contract import done


@pytest.fixture
def hub(ledger):
    """A ledger with a warehouse and one order for it."""
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    ledger.record_orders("shop", [an_order()])
    return ledger


def settle(ledger, outcome) -> Claim:
    claim = ledger.claim("warehouse", limit=1, by="run 1")
    assert ledger.settle(claim, [(item, outcome) for item in claim.items]) == 1
    return claim


def due_after(ledger, clock, longest: float) -> float:
    """Seconds until something is due, by asking every second."""
    for seconds in range(int(longest) + 1):
        if ledger.claim("warehouse", limit=1).items:
            return seconds
        clock.pass_by(1)
    raise AssertionError("nothing came back")


def test_what_is_done_is_done(hub):
    binding = Binding(vendor_id="se-1", fingerprint="f", url="https://x.example/1", data={"token": "3"})
    settle(hub, Done(binding=binding, note="created"))
    assert hub.claim("warehouse", limit=1).items == []
    assert hub.bindings("warehouse", ["shop:51001", "shop:nothing"]) == {"shop:51001": binding}
    assert (hub.subject_of("warehouse", "se-1"), hub.subject_of("books", "se-1")) == ("shop:51001", None)
    [line] = hub.trace("#1001").history
    assert (line.outcome, line.vendor_id, line.reason, line.by) == ("done", "se-1", "created", "run 1")


def test_the_next_change_brings_the_binding_along(hub):
    settle(hub, done("se-1"))
    hub.record_orders("shop", [an_order(note="ring")])
    [item] = hub.claim("warehouse", limit=1).items
    assert item.binding == Binding(vendor_id="se-1")


def test_what_is_skipped_says_why(hub):
    settle(hub, Skipped(reason="nothing to ship"))
    [delivery] = hub.trace("#1001").deliveries
    assert (delivery.state, delivery.reason) == ("skipped", "nothing to ship")


def test_a_run_that_lost_its_lease_settles_nothing(hub, clock, caplog):
    # given a run that slept longer than its lease, and another one that took over
    slow = hub.claim("warehouse", limit=1, lease=60)
    clock.pass_by(61)
    quick = hub.claim("warehouse", limit=1, lease=60)
    # when the slow one wakes up
    assert hub.settle(slow, [(slow.items[0], done("late"))]) == 0
    assert hub.release(slow) == 0
    # then only the other one's word counts
    assert "after their lease had ended" in caplog.text
    assert hub.bindings("warehouse", ["shop:51001"]) == {}
    assert hub.settle(quick, [(quick.items[0], done("in time"))]) == 1
    assert hub.settle(slow, [(slow.items[0], done("late"))]) == 0
    assert hub.bindings("warehouse", ["shop:51001"])["shop:51001"].vendor_id == "in time"


def test_a_run_that_is_late_but_was_not_replaced_may_settle(hub, clock):
    claim = hub.claim("warehouse", limit=1, lease=60)
    clock.pass_by(600)
    assert hub.settle(claim, [(claim.items[0], done())]) == 1


def test_settling_twice_settles_once(hub):
    claim = settle(hub, done())
    assert hub.settle(claim, [(claim.items[0], done("again"))]) == 0


def test_a_retry_waits_as_long_as_it_is_told(hub, clock):
    settle(hub, Retry(reason="too fast", after=7))
    assert due_after(hub, clock, 10) == 7


def test_a_retry_without_a_time_backs_off(hub, clock):
    settle(hub, Retry(reason="down"))
    assert 30 <= due_after(hub, clock, 40) <= 37


@pytest.mark.parametrize(("tried", "wait"), [(-60, 30), (0, 30), (30, 30), (600, 600), (3600, 3600), (99_999, 3600)])
def test_pauses_grow_and_differ(tried, wait):
    now = 1_000_000 * SECOND
    pauses = [pause(now - tried * SECOND, now, soonest=30) for _ in range(50)]
    assert all(wait * SECOND <= each <= 1.2 * wait * SECOND for each in pauses)
    assert len(set(pauses)) == 50


def test_a_minute_in_which_every_run_failed_does_not_cost_an_hour(hub, clock):
    # given a vendor that is down, so that run after run gives an order back
    for _ in range(12):
        hub.release(hub.claim("warehouse", limit=1), reason="down")
        clock.pass_by(5)
    # when it is up again, and the first answer gets lost
    settle(hub, Unknown(reason="connection lost"))
    # then that is looked up within about as long as it was down
    clock.pass_by(73)
    assert [item.in_doubt for item in hub.claim("warehouse", limit=1).items] == [True]


def test_a_write_without_an_answer_is_looked_up_soon(hub, clock):
    settle(hub, Unknown(reason="connection lost"))
    assert hub.status()[0].unknown == 1
    clock.pass_by(4)
    assert hub.claim("warehouse", limit=1).items == []
    clock.pass_by(2)
    assert [item.in_doubt for item in hub.claim("warehouse", limit=1).items] == [True]


def others_arrive(hub, clock, first: int, *, for_: timedelta) -> None:
    """The warehouse takes an order every four hours, while it fails for #1001."""
    ends = clock() + for_.total_seconds()
    for number in range(first, first + 1000):
        if clock() >= ends:
            return
        hub.record_orders("shop", [an_order(number)])
        claim = hub.claim("warehouse", limit=9)
        hub.settle(claim, [(item, fate_of(item)) for item in claim.items])
        clock.pass_by(timedelta(hours=4).total_seconds())


def fate_of(item) -> Done | Retry:
    return Retry(reason="500 refund too large") if item.subject == "shop:51001" else done()


def test_a_permanent_error_that_calls_itself_temporary_is_held_at_last(hub, clock):
    # given an order for which its warehouse answers 500, while it takes all others
    others_arrive(hub, clock, 1002, for_=timedelta(hours=48))
    assert hub.held() == []
    # when that goes on for longer than two days
    others_arrive(hub, clock, 2002, for_=timedelta(hours=8))
    # then it is for a person
    [record] = hub.held()
    assert (record.label, record.cause, record.reason) == ("#1001", "keeps_failing", "500 refund too large")
    assert record.attempts >= 12


@pytest.mark.parametrize("outcome", [Retry(reason="503"), Unknown(reason="no answer")])
def test_nobody_is_held_because_the_destination_is_down_for_days(hub, clock, outcome):
    # given a warehouse that takes nothing for ten days
    settled = 0
    while settled < 60:
        claim = hub.claim("warehouse", limit=9)
        settled += hub.settle(claim, [(item, outcome) for item in claim.items])
        clock.pass_by(timedelta(hours=4).total_seconds())
    assert hub.held() == []
    # when it takes something again, and fails once more for the others
    hub.record_orders("shop", [an_order(1002)])
    claim = hub.claim("warehouse", limit=9)
    fates = {"shop:51001": outcome, "shop:51002": done()}
    hub.settle(claim, [(item, fates[item.subject]) for item in claim.items])
    # then they have some hours more before they are to blame
    clock.pass_by(timedelta(hours=1.5).total_seconds())
    settle(hub, outcome)
    assert hub.held() == []


def test_what_has_failed_often_goes_in_its_turn_when_its_destination_takes_something_again(hub, clock):
    # given three orders that have failed so often that they wait for an hour
    hub.record_orders("shop", [an_order(1002), an_order(1003)])
    for _ in range(6):
        claim = hub.claim("warehouse", limit=9)
        hub.settle(claim, [(item, Unknown(reason="no answer")) for item in claim.items])
        clock.pass_by(timedelta(hours=2).total_seconds())
    claim = hub.claim("warehouse", limit=9)
    hub.settle(claim, [(item, Unknown(reason="no answer")) for item in claim.items])
    assert hub.claim("warehouse", limit=9).items == []
    # when a younger one comes, then the oldest go before it, although they would have to wait
    hub.record_orders("shop", [an_order(1004)])
    claim = hub.claim("warehouse", limit=2)
    assert [item.subject for item in claim.items] == ["shop:51001", "shop:51002"]
    # and when the destination takes one of them, the others are due, but not the one that failed once more
    first, second = claim.items
    hub.settle(claim, [(first, done()), (second, Unknown(reason="no answer"))])
    claim = hub.claim("warehouse", limit=9)
    assert [item.subject for item in claim.items] == ["shop:51003", "shop:51004"]
    # and what fails from now on waits
    hub.settle(claim, [(item, Unknown(reason="no answer")) for item in claim.items])
    clock.pass_by(4)
    assert hub.claim("warehouse", limit=9).items == []


def test_a_look_that_has_to_wait_a_moment_waits_also_when_something_new_comes(hub, clock):
    # given a write without an answer, to a destination that has taken nothing yet
    settle(hub, Unknown(reason="no answer"))
    # when something new comes, then that goes alone
    hub.record_orders("shop", [an_order(1002)])
    assert [item.subject for item in hub.claim("warehouse", limit=9).items] == ["shop:51002"]


def test_each_of_a_batch_is_settled_on_its_own(hub):
    hub.record_orders("shop", [an_order(1002), an_order(1003), an_order(1004)])
    claim = hub.claim("warehouse", limit=4)
    outcomes = [done(), Held(cause="c", reason="r", hint="h"), Skipped(reason="s"), Unknown(reason="u")]
    assert hub.settle(claim, list(zip(claim.items, outcomes, strict=True))) == 4
    [row] = hub.status()
    assert (row.done, row.held, row.skipped, row.unknown, row.waiting) == (1, 1, 1, 1, 0)
