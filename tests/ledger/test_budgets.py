"""One budget for each vendor account: whoever calls, together they keep to it, and live work goes first."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import Ledger
from ledger.budgets import LEFT_FOR_LIVE
from tests.ledger.contract import Clock, together

RATES = [(8, 1.0), (200, 60.0)]


def most_within(moments: list[float], seconds: float) -> int:
    """The most calls in any span of so many seconds."""
    return max((sum(1 for other in moments if 0 <= other - start < seconds) for start in moments), default=0)


def hammer(budgets, clock, seconds: float) -> list[float]:
    """Processes that call as fast as they are let, in turns; when calls were allowed."""
    moments, end = [], clock() + seconds
    while clock() < end:
        waits = [budget.take() for budget in budgets]
        moments += [clock() for wait in waits if wait == 0]
        if all(waits):
            clock.pass_by(min(waits))
    return moments


def test_two_processes_together_keep_to_every_span_and_lose_hardly_any_time(opened, clock):
    # given two processes with the same account
    budgets = [opened().budgets("warehouse").windows("calls", RATES) for _ in range(2)]
    # when both call as fast as they are let for more than two minutes
    moments = hammer(budgets, clock, 130)
    # then no limit is broken in any span
    assert most_within(moments, 1.0) <= 8
    assert most_within(moments, 60.0) <= 200
    # and hardly any time is lost
    assert len(moments) >= 0.95 * 130 / 60 * 200


def test_another_account_has_its_own_budget(opened):
    ledger = opened()
    one, other = (ledger.budgets(name).windows("calls", [(1, 60.0)]) for name in ("warehouse", "warehouse-2"))
    assert (one.take(), other.take()) == (0.0, 0.0)
    assert one.take() > 0


def test_fast_budgets_are_taken_in_handfuls_and_kept_all_the_same(opened, clock):
    rates = [(350, 1.0), (3_500, 60.0)]
    budgets = [opened().budgets("marketing").windows("calls", rates) for _ in range(3)]
    moments = hammer(budgets, clock, 3)
    assert most_within(moments, 1.0) <= 350
    assert len(moments) >= 0.9 * 3 * 350


def test_a_handful_that_was_not_used_is_not_used_later(opened, clock):
    # given a process that took a handful for one call
    budget = opened().budgets("marketing").windows("calls", [(350, 1.0), (3_500, 60.0)])
    assert budget.take() == 0
    # when it calls again much later, then those calls are counted where they belong
    clock.pass_by(600)
    moments = hammer([budget], clock, 2)
    assert most_within(moments, 1.0) <= 350


def test_a_handful_that_is_used_slowly_breaks_no_span(opened, clock):
    # given a process that takes a handful at the end of a slot and uses the rest of it a moment later
    rates, slot = [(350, 1.0), (3_500, 60.0)], 0.05
    budgets = [opened().budgets("marketing").windows("calls", rates) for _ in range(2)]
    clock.pass_by(slot - clock() % slot + 0.98 * slot)
    assert budgets[0].take() == 0
    moments = [clock()]
    clock.pass_by(0.97 * slot)
    # when all call as fast as they are let from then on
    while budgets[0].take() == 0:
        moments.append(clock())
    moments += hammer(budgets, clock, 2)
    # then no second has more calls than it may
    assert most_within(moments, 1.0) <= 350


def test_work_that_may_wait_leaves_a_share_to_live_work(opened, clock):
    # given a backfill that uses up all it may
    ledger = opened()
    history = ledger.budgets("books", lambda: True).windows("calls", [(100, 60.0)])
    used = 0
    while history.take() == 0:
        used += 1
    assert used == round(100 * (1 - LEFT_FOR_LIVE))
    # when live work comes, in another process, then it starts at once
    live = opened().budgets("books").windows("calls", [(100, 60.0)])
    assert [live.take() for _ in range(20)] == [0.0] * 20
    # and while live work needs all there is, history gets nothing
    clock.pass_by(70)
    taken = sum(live.take() == 0 for _ in range(100))
    assert (taken, history.take() > 0) == (100, True)


def test_a_lonely_backfill_is_let_go_on(opened, clock):
    history = opened().budgets("books", lambda: True).windows("calls", [(100, 60.0)])
    assert len(hammer([history], clock, 180)) >= 0.95 * 3 * 80


def test_slots_that_no_span_reaches_are_forgotten(opened, clock):
    ledger = opened()
    budget = ledger.budgets("books").windows("calls", [(10, 60.0)])
    for _ in range(50):
        budget.take()
        clock.pass_by(30)
    with ledger.reading() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM windows").scalar() <= 21


def test_threads_and_processes_at_once_take_no_more_than_there_is(opened):
    ledgers = [opened() for _ in range(4)]
    taken: list[float] = []

    def work(ledger: Ledger):
        budget = ledger.budgets("shop").windows("calls", [(25, 60.0)])
        return lambda: taken.extend(0.0 for _ in range(20) if budget.take() == 0)

    together(*(work(ledger) for ledger in ledgers))
    assert len(taken) == 25


# ---- a leaky bucket ----


def test_a_bucket_is_free_until_it_is_known(opened):
    bucket = opened().budgets("shop").bucket("graphql")
    assert [bucket.take(5_000) for _ in range(3)] == [0.0] * 3


def test_two_processes_drink_from_one_bucket(opened, clock):
    # given a bucket of 1,000 points that gives 50 back a second, known from an answer
    one, other = (opened().budgets("shop").bucket("graphql") for _ in range(2))
    one.learn(requested=0, actual=0, available=1_000, most=1_000, rate=50)
    # when both take what they need
    assert (one.take(600), other.take(300)) == (0.0, 0.0)
    # then the third waits until it has leaked back
    wait = other.take(200)
    assert wait == pytest.approx(2.0, abs=0.05)
    clock.pass_by(wait)
    assert other.take(200) == 0.0


def test_what_a_query_did_not_cost_is_given_back(opened):
    bucket = opened().budgets("shop").bucket("graphql")
    bucket.learn(requested=0, actual=0, available=1_000, most=1_000, rate=50)
    assert bucket.take(900) == 0.0
    bucket.learn(requested=900, actual=100, available=900, most=1_000, rate=50)
    assert bucket.take(850) == 0.0


def test_the_vendors_lower_level_counts_as_somebody_else_drank(opened):
    bucket = opened().budgets("shop").bucket("graphql")
    bucket.learn(requested=0, actual=0, available=1_000, most=1_000, rate=50)
    bucket.learn(requested=0, actual=0, available=100, most=1_000, rate=50)
    assert bucket.take(500) == pytest.approx(8.0, abs=0.1)


def test_a_query_that_costs_more_than_the_bucket_holds_waits_for_a_full_one(opened, clock):
    bucket = opened().budgets("shop").bucket("graphql")
    bucket.learn(requested=0, actual=0, available=500, most=1_000, rate=50)
    clock.pass_by(bucket.take(3_000))
    assert bucket.take(3_000) == 0.0


def test_history_leaves_a_share_of_the_bucket(opened):
    ledger = opened()
    history = ledger.budgets("shop", lambda: True).bucket("graphql")
    history.learn(requested=0, actual=0, available=1_000, most=1_000, rate=50)
    assert history.take(700) == 0.0
    assert history.take(200) > 0
    assert ledger.budgets("shop").bucket("graphql").take(200) == 0.0


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(1, 30),
    seconds=st.sampled_from([1.0, 5.0, 60.0]),
    steps=st.lists(st.tuples(st.integers(0, 2), st.floats(0, 30)), max_size=120),
)
def test_no_interleaving_breaks_a_limit(tmp_path_factory, limit, seconds, steps):
    clock = Clock()
    url = f"sqlite:///{tmp_path_factory.mktemp('budget') / 'ledger.db'}"
    ledgers = [Ledger(url, clock=clock) for _ in range(3)]
    ledgers[0].migrate()
    budgets = [ledger.budgets("shop").windows("calls", [(limit, seconds)]) for ledger in ledgers]
    moments = []
    for who, pause in steps:
        while budgets[who].take() == 0 and len(moments) < 400:
            moments.append(clock())
        clock.pass_by(pause)
    for ledger in ledgers:
        ledger.close()
    assert most_within(moments, seconds) <= limit


def test_a_clock_that_is_set_back_holds_nobody_up_for_as_long(opened, clock):
    # given budgets of both kinds that are used up
    limits = opened().budgets("shop")
    windows, bucket = limits.windows("calls", [(4, 60.0)]), limits.bucket("points")
    assert [windows.take() for _ in range(4)] == [0.0] * 4
    assert windows.take() > 0
    bucket.learn(0, 0, available=0.0, most=1000.0, rate=50.0)
    # when the database's clock is set back by an hour
    clock.pass_by(-3_600.0)
    # then nobody waits for that hour: a span and a bucket begin anew from now
    assert [windows.take() for _ in range(4)] == [0.0] * 4
    assert 0 < windows.take() <= 63.0
    assert bucket.take(100) == 2.0
    clock.pass_by(2.0)
    assert bucket.take(100) == 0.0
