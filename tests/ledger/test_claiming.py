"""A subject is with one run at a time, in the right order, and comes back when its run dies."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from commerce.outcomes import Held, Retry
from tests.builders import NOON, a_fulfilment, a_refund, after, an_order, changed
from tests.ledger.contract import done, together


@pytest.fixture
def hub(ledger):
    """A ledger with a warehouse that keeps state and a marketing tool that keeps events."""
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    ledger.subscribe("marketing", "shop", ["order"], "events", live_from=NOON)
    return ledger


def numbers(claim):
    return [item.newest.data["number"] for item in claim.items]


def settle_all(ledger, claim, outcome=None):
    return ledger.settle(claim, [(item, outcome or done()) for item in claim.items])


def edited(order, note, minutes=1):
    return changed(order, note=note, updated_at=after(minutes=minutes))


def test_a_destination_that_keeps_state_gets_the_newest_state_once(hub):
    # given an order that was placed, refunded and edited before anyone looked
    placed = an_order()
    refunded = changed(placed, refunds=(a_refund(amount="5"),), updated_at=after(minutes=1))
    for order in (placed, refunded, edited(refunded, "ring", 2)):
        hub.record_orders("shop", [order])
    # when it is claimed
    claim = hub.claim("warehouse", limit=10)
    # then it is one item with all that happened, the newest last
    [item] = claim.items
    assert [event.kind for event in item.events] == ["order.placed", "order.refunded", "order.updated"]
    assert (item.newest.data["note"], item.attempt, item.in_doubt, item.binding) == ("ring", 1, False, None)
    # and settling it settles all of it
    assert settle_all(hub, claim) == 1
    states = [one.state for one in hub.trace("#1001").deliveries if one.destination == "warehouse"]
    assert states == ["superseded", "superseded", "done"]


def test_a_destination_that_keeps_events_gets_each_fact_in_order(hub):
    order = an_order(refunds=(a_refund(amount="5"),), fulfilments=(a_fulfilment(),))
    hub.record_orders("shop", [order, an_order(1002)])
    seen = []
    while (claim := hub.claim("marketing", limit=10)).items:
        seen.append([(item.newest.data["number"], str(item.newest.kind)) for item in claim.items])
        assert all(len(item.events) == 1 for item in claim.items)
        settle_all(hub, claim)
    assert seen == [
        [("#1001", "order.placed"), ("#1002", "order.placed")],
        [("#1001", "order.refunded")],
        [("#1001", "order.fulfilled")],
    ]


def test_a_held_fact_keeps_later_ones_of_its_own_order_waiting_and_nobody_elses(hub):
    hub.record_orders("shop", [an_order(1001), an_order(1002)])
    claim = hub.claim("marketing", limit=10)
    first, second = claim.items
    hub.settle(claim, [(first, Held(cause="no_email", reason="who?")), (second, done())])
    for number in (1001, 1002):
        hub.record_orders("shop", [edited(an_order(number), "again")])
    assert numbers(hub.claim("marketing", limit=10)) == ["#1002"]
    # when a person releases it, it goes first, and its later fact after it
    hub.release_held(cause="no_email")
    claim = hub.claim("marketing", limit=10)
    assert [item.newest.kind for item in claim.items] == ["order.placed"]
    settle_all(hub, claim)
    assert [item.newest.kind for item in hub.claim("marketing", limit=10).items] == ["order.updated"]


def test_a_newer_state_heals_a_held_one(hub):
    hub.record_orders("shop", [an_order()])
    settle_all(hub, hub.claim("warehouse", limit=1), Held(cause="no_address", reason="where?"))
    assert hub.claim("warehouse", limit=1).items == []
    # when the order is edited
    hub.record_orders("shop", [edited(an_order(), "address added")])
    claim = hub.claim("warehouse", limit=1)
    assert [event.kind for event in claim.items[0].events] == ["order.placed", "order.updated"]
    settle_all(hub, claim)
    assert hub.held() == []


def test_a_change_that_comes_while_its_order_is_being_sent_waits(hub):
    hub.record_orders("shop", [an_order()])
    for name in ("warehouse", "marketing"):
        claim = hub.claim(name, limit=9)
        hub.record_orders("shop", [edited(an_order(), name, minutes=len(name))])
        assert hub.claim(name, limit=9).items == []
        settle_all(hub, claim)
        assert len(hub.claim(name, limit=9).items) == 1


def test_live_goes_before_history_and_old_before_new(hub):
    hub.record_orders("shop", [an_order(1)], historical=True)
    hub.record_orders("shop", [an_order(3, processed_at=after(hours=2)), an_order(2, processed_at=after(hours=1))])
    assert numbers(hub.claim("warehouse", limit=2)) == ["#2", "#3"]
    assert numbers(hub.claim("warehouse", limit=2)) == ["#1"]


def test_a_limit_counts_orders_not_changes(hub):
    for minutes in range(6):
        hub.record_orders("shop", [edited(an_order(number), str(minutes), minutes) for number in (1, 2, 3)])
    assert len(hub.claim("warehouse", limit=3).items) == 3


def test_nothing_is_claimed_for_a_paused_connection(hub):
    hub.record_orders("shop", [an_order()])
    hub.pause("warehouse", "401", "reconnect")
    assert hub.claim("warehouse", limit=1).items == []
    assert [(pause.connection, pause.reason, pause.hint) for pause in hub.paused()] == [
        ("warehouse", "401", "reconnect")
    ]
    assert (hub.resume("warehouse"), hub.resume("warehouse")) == (True, False)
    assert len(hub.claim("warehouse", limit=1).items) == 1


def test_what_a_dead_run_had_comes_back_in_doubt(hub, clock):
    hub.record_orders("shop", [an_order()])
    hub.claim("warehouse", limit=1, lease=60)
    clock.pass_by(59)
    assert hub.claim("warehouse", limit=1).items == []
    clock.pass_by(2)
    [item] = hub.claim("warehouse", limit=1).items
    assert (item.in_doubt, item.attempt) == (True, 2)


def test_what_a_dead_run_had_comes_back_although_the_clock_was_set_back_since(hub, clock):
    hub.record_orders("shop", [an_order()])
    hub.claim("warehouse", limit=1, lease=60)
    clock.pass_by(-24 * 3600)
    [item] = hub.claim("warehouse", limit=1).items
    assert item.in_doubt


def test_a_renewed_claim_outlives_its_lease(hub, clock):
    hub.record_orders("shop", [an_order()])
    claim = hub.claim("warehouse", limit=1, lease=60)
    clock.pass_by(50)
    assert hub.renew(claim, 60) == 1
    clock.pass_by(50)
    assert hub.claim("warehouse", limit=1).items == []
    clock.pass_by(11)
    assert len(hub.claim("warehouse", limit=1).items) == 1
    assert hub.renew(claim, 60) == 0


def test_what_a_dead_run_had_stops_nobody(hub, clock):
    # given a run that died with three orders, one of which was edited since, and an order that is new
    hub.record_orders("shop", [an_order(number) for number in (1001, 1002, 1003)])
    hub.claim("warehouse", limit=20, lease=60)
    clock.pass_by(61)
    hub.record_orders("shop", [edited(an_order(1002), "ring"), an_order(1004)])
    # when work is claimed, then what is new goes first, without the suspects and without a newer state of one
    claim = hub.claim("warehouse", limit=20)
    assert numbers(claim) == ["#1004"]
    hub.release(claim)
    # and when it is their turn, the suspects do, a few at a time
    first, second = hub.claim("warehouse", limit=20, suspects=True).items
    assert (first.newest.data["number"], first.in_doubt) == ("#1001", True)
    assert (second.newest.data["number"], second.newest.data["note"], second.in_doubt) == ("#1002", "ring", True)
    # and when nothing is new, whose turn it is does not matter
    assert numbers(hub.claim("warehouse", limit=20)) == ["#1004"]
    assert numbers(hub.claim("warehouse", limit=20)) == ["#1003"]


def test_new_work_is_found_behind_any_number_of_suspects(hub, clock):
    hub.record_orders("shop", [an_order(number) for number in range(1000, 1020)])
    hub.claim("marketing", limit=20, lease=60)
    clock.pass_by(61)
    hub.record_orders("shop", [an_order(2000)])
    assert numbers(hub.claim("marketing", limit=5)) == ["#2000"]


def test_only_the_record_that_kills_its_process_is_held(hub, clock):
    # given 30 orders of which one kills whoever sends it
    hub.record_orders("shop", [an_order(number) for number in range(1000, 1030)])
    deaths = 0
    for _ in range(200):
        claim = hub.claim("warehouse", limit=20, lease=60)
        if not claim.items:
            if not any(row.waiting or row.unknown for row in hub.status() if row.destination == "warehouse"):
                break
            clock.pass_by(61)
        elif "#1007" in numbers(claim):
            deaths += 1
        else:
            settle_all(hub, claim)
    # then it is held after four deaths, in the last two of which it was alone, and all others have arrived
    [record] = hub.held("warehouse")
    assert (record.label, record.cause, deaths) == ("#1007", "kills_its_process", 4)
    assert [row.done for row in hub.status() if row.destination == "warehouse"] == [29]


def test_a_record_that_was_there_when_three_runs_were_killed_is_not_to_blame(hub, clock):
    # given an order in a batch, in a small group and alone, each in a run that is killed for a reason of its own
    hub.record_orders("shop", [an_order(number) for number in range(1000, 1030)])
    for many in (20, 2, 1):
        assert len(hub.claim("warehouse", limit=20, lease=60, suspects=many < 20).items) == many
        clock.pass_by(61)
    # when nobody is killed any more
    while (claim := hub.claim("warehouse", limit=20, lease=60)).items:
        settle_all(hub, claim)
    # then all have arrived
    assert hub.held("warehouse") == []
    assert [row.done for row in hub.status() if row.destination == "warehouse"] == [30]


def test_released_work_is_due_again_and_not_in_doubt(hub, clock):
    hub.record_orders("shop", [an_order(1), an_order(2)])
    claim = hub.claim("warehouse", limit=2)
    hub.settle(claim, [(claim.items[0], done())])
    assert hub.release(claim, after=30, reason="the warehouse is down") == 1
    assert hub.claim("warehouse", limit=2).items == []
    clock.pass_by(31)
    [item] = hub.claim("warehouse", limit=2).items
    assert (item.newest.data["number"], item.in_doubt) == ("#2", False)


def test_work_that_may_have_been_applied_is_released_in_doubt_and_stays_so(hub):
    hub.record_orders("shop", [an_order()])
    assert hub.release(hub.claim("warehouse", limit=1), in_doubt=True) == 1
    # a later try that surely did nothing says nothing about the earlier one
    claim = hub.claim("warehouse", limit=1)
    assert claim.items[0].in_doubt
    settle_all(hub, claim, Retry(reason="too fast", after=0))
    claim = hub.claim("warehouse", limit=1)
    assert claim.items[0].in_doubt
    assert hub.release(claim) == 1
    # and a newer state inherits the doubt
    hub.record_orders("shop", [edited(an_order(), "new")])
    assert [item.in_doubt for item in hub.claim("warehouse", limit=1).items] == [True]


def test_two_runs_never_share_an_order(opened):
    # given orders that change all the time, and four runs that claim them
    opened().subscribe("warehouse", "shop", ["order"], "state")
    opened().subscribe("marketing", "shop", ["order"], "events")
    busy: Counter[tuple[str, str]] = Counter()
    guard, over, shared = threading.Lock(), threading.Event(), []

    def record() -> None:
        ledger = opened()
        for minutes in range(12):
            ledger.record_orders("shop", [edited(an_order(number), str(minutes), minutes) for number in range(25)])
        over.set()

    def work(name: str) -> None:
        ledger = opened()
        while True:
            ended = over.is_set()
            claim = ledger.claim(name, limit=7)
            keys = [(name, item.subject) for item in claim.items]
            with guard:
                busy.update(keys)
                shared.extend(key for key in keys if busy[key] > 1)
            time.sleep(0.001)
            with guard:
                busy.subtract(keys)
            settle_all(ledger, claim)
            if ended and not claim.items:
                return

    together(record, *[lambda name=name: work(name) for name in ("warehouse", "marketing") * 2])
    assert shared == []
    assert [(row.waiting, row.retry, row.unknown) for row in opened().status()] == [(0, 0, 0), (0, 0, 0)]
    history = Counter(line.destination for line in opened().trace("#7").history)
    assert history["marketing"] == 12


def test_leases_go_by_the_clock_of_the_database(opened):
    ledger = opened(clock=None)
    ledger.subscribe("warehouse", "shop", ["order"], "state")
    ledger.record_orders("shop", [an_order()])
    ledger.claim("warehouse", limit=1, lease=0.05)
    time.sleep(0.1)
    assert ledger.claim("warehouse", limit=1).items[0].in_doubt
