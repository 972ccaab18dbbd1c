"""Call counts, freshness of routes, status of destinations."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.exc import OperationalError

from commerce.outcomes import Held
from ledger import CallStat, RouteState, StatusRow
from tests.builders import NOON, after, an_order


def test_calls_are_counted_by_operation_and_hour(opened, clock):
    ledger = opened()
    for status in (200, 200, 429, 500, 0):
        ledger.calls("shop").called("orders", status, 0.5)
    ledger.calls("shop").called("products", 200, 0.25)
    assert opened().call_stats(NOON) == []  # still in the memory of the other process
    ledger.flush_calls()
    expected = CallStat("shop", "orders", count=5, errors=2, throttled=1, seconds=2.5)
    assert opened().call_stats(NOON) == [expected, CallStat("shop", "products", 1, 0, 0, 0.25)]
    # the next hour adds up
    clock.pass_by(3600)
    ledger.calls("shop").called("orders", 200, 0.5)
    assert ledger.call_stats(NOON)[0].count == 6
    assert ledger.call_stats(datetime.fromtimestamp(clock(), UTC))[0].count == 1


def test_a_connection_knows_how_often_it_has_called_over_all_processes(opened, clock):
    # given two processes that call one vendor, and another vendor
    one, other = opened(), opened()
    for ledger in (one, other, other):
        ledger.calls("books").called("query", 200, 0.1)
        ledger.calls("shop").called("query", 200, 0.1)
    other.flush_calls()
    # then each knows of all calls of its own connection, by operation
    assert one.calls("books").counted(NOON) == {"query": 3}
    # and only since the hour that it asks about
    clock.pass_by(3600)
    one.calls("books").called("create", 200, 0.1)
    assert one.calls("books").counted(datetime.fromtimestamp(clock(), UTC)) == {"create": 1}


def test_call_counts_outlive_the_month_they_are_billed_in(opened, clock):
    ledger = opened()
    ledger.calls("books").called("query", 200, 0.1)
    ledger.flush_calls()
    clock.pass_by(61 * 24 * 3600)
    ledger.prune()
    assert ledger.calls("books").counted(NOON) == {"query": 1}
    clock.pass_by(2 * 24 * 3600)
    ledger.prune()
    assert ledger.calls("books").counted(NOON) == {}


def test_calls_that_cannot_be_written_now_are_written_later(ledger, monkeypatch):
    calls = ledger.calls("shop")
    calls.called("orders", 200, 0.5)

    def full(_):
        raise OperationalError("disk full", None, Exception())

    monkeypatch.setattr(calls, "_write", full)
    calls.flush()
    monkeypatch.undo()
    calls.called("orders", 200, 0.5)
    assert ledger.call_stats(NOON) == [CallStat("shop", "orders", 2, 0, 0, 1.0)]


def test_closing_writes_what_was_counted(opened):
    ledger = opened()
    ledger.calls("shop").called("orders", 200, 0.5)
    ledger.close()
    assert opened().call_stats(NOON)[0].count == 1


def test_a_route_says_when_it_last_ended_well(ledger, clock):
    ledger.route_started("orders-to-books")
    clock.pass_by(60)
    ledger.route_finished("orders-to-books", True, {"done": 3})
    clock.pass_by(60)
    ledger.route_finished("orders-to-books", False, {}, error="boom")
    [route] = ledger.routes()
    assert route == RouteState(
        route="orders-to-books",
        last_started=after(hours=1),
        last_finished=after(hours=1, minutes=2),
        last_ok=after(hours=1, minutes=1),
        last_error="boom",
        counts={},
    )
    ledger.route_finished("orders-to-books", True, {"done": 1})
    assert (ledger.routes()[0].last_error, ledger.routes()[0].counts) == ("", {"done": 1})


def test_status_counts_what_became_of_everything(ledger, clock):
    ledger.subscribe("warehouse", "shop", ["order"], "state")
    ledger.subscribe("books", "shop", ["order"], "state")
    ledger.subscribe("nobody", "elsewhere", ["order"], "state")
    ledger.record_orders("shop", [an_order(1), an_order(2)])
    clock.pass_by(60)
    ledger.record_orders("shop", [an_order(3)])
    claim = ledger.claim("books", limit=2)
    ledger.settle(claim, [(claim.items[0], Held(cause="c", reason="r"))])
    assert ledger.status() == [
        StatusRow("books", waiting=2, held=1, oldest_waiting_at=after(hours=1, minutes=1)),
        StatusRow("nobody"),
        StatusRow("warehouse", waiting=3, oldest_waiting_at=after(hours=1)),
    ]
