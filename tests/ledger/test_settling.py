"""What became of a record is written once, by the run that still owns it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from commerce.outcomes import Binding, Done, Held, Retry, Skipped, Unknown
from ledger import Claim
from ledger.settling import backoff
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
    assert 24 <= due_after(hub, clock, 40) <= 37


@pytest.mark.parametrize(("attempt", "pause"), [(1, 30), (2, 120), (3, 600), (4, 1800), (5, 3600), (99, 3600)])
def test_pauses_grow_and_differ(attempt, pause):
    pauses = [backoff(attempt) for _ in range(50)]
    assert all(0.8 * pause <= each <= 1.2 * pause for each in pauses)
    assert len(set(pauses)) == 50


def test_a_write_without_an_answer_is_looked_up_soon(hub, clock):
    settle(hub, Unknown(reason="connection lost"))
    assert hub.status()[0].unknown == 1
    clock.pass_by(4)
    assert hub.claim("warehouse", limit=1).items == []
    clock.pass_by(2)
    assert [item.in_doubt for item in hub.claim("warehouse", limit=1).items] == [True]


def test_a_permanent_error_that_calls_itself_temporary_is_held_at_last(hub, clock):
    for _ in range(100):
        claim = hub.claim("warehouse", limit=1)
        if not claim.items:
            break
        hub.settle(claim, [(claim.items[0], Retry(reason="500 refund too large"))])
        clock.pass_by(timedelta(hours=4).total_seconds())
    [record] = hub.held()
    assert (record.cause, record.reason, record.attempts) == ("keeps_failing", "500 refund too large", 14)


def test_each_of_a_batch_is_settled_on_its_own(hub):
    hub.record_orders("shop", [an_order(1002), an_order(1003), an_order(1004)])
    claim = hub.claim("warehouse", limit=4)
    outcomes = [done(), Held(cause="c", reason="r", hint="h"), Skipped(reason="s"), Unknown(reason="u")]
    assert hub.settle(claim, list(zip(claim.items, outcomes, strict=True))) == 4
    [row] = hub.status()
    assert (row.done, row.held, row.skipped, row.unknown, row.waiting) == (1, 1, 1, 1, 0)
