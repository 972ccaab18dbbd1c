"""A webhook is kept once, durably, until what it points at was read."""

from __future__ import annotations

from datetime import timedelta

from ledger import InboxWaiting
from tests.ledger.contract import together

HINT = {"topic": "order", "id": "51001", "action": "orders/create"}


def test_a_repeated_delivery_is_kept_once(ledger):
    assert ledger.store_hint("shop", "d-1", "orders/create", [HINT]) is True
    assert ledger.store_hint("shop", "d-1", "orders/create", [HINT]) is False
    assert ledger.store_hint("other", "d-1", "orders/create", [HINT]) is True
    assert ledger.inbox_waiting().count == 2


def test_a_repeated_delivery_is_known_even_when_it_was_read(ledger, clock):
    ledger.store_hint("shop", "d-1", "orders/create", [HINT])
    [row] = ledger.take_hints(9, lease=60)
    assert (row.connection, row.topic, row.hints) == ("shop", "orders/create", [HINT])
    ledger.hints_done([row.id])
    clock.pass_by(timedelta(days=29).total_seconds())
    ledger.prune()
    assert ledger.store_hint("shop", "d-1", "orders/create", [HINT]) is False
    # after 30 days no sender repeats it any more
    clock.pass_by(timedelta(days=2).total_seconds())
    assert ledger.prune() == 1
    assert ledger.store_hint("shop", "d-1", "orders/create", [HINT]) is True


def test_hints_come_back_from_a_reader_that_died(ledger, clock):
    ledger.store_hint("shop", "d-1", "orders/create", [HINT])
    assert len(ledger.take_hints(9, lease=60)) == 1
    assert ledger.take_hints(9, lease=60) == []
    clock.pass_by(61)
    assert len(ledger.take_hints(9, lease=60)) == 1


def test_hints_that_could_not_be_read_wait_and_stay_counted(ledger, clock):
    ledger.store_hint("shop", "d-1", "orders/create", [HINT])
    [row] = ledger.take_hints(9, lease=60)
    ledger.hints_failed([row.id], "503", after=300)
    clock.pass_by(100)
    assert ledger.take_hints(9, lease=60) == []
    assert ledger.inbox_waiting() == InboxWaiting(count=1, oldest_seconds=100.0)
    clock.pass_by(201)
    assert len(ledger.take_hints(9, lease=60)) == 1


def test_hints_of_a_paused_connection_wait(ledger):
    ledger.store_hint("shop", "d-1", "orders/create", [HINT])
    ledger.pause("shop", "401")
    assert ledger.take_hints(9, lease=60) == []
    ledger.resume("shop")
    assert len(ledger.take_hints(9, lease=60)) == 1


def test_two_readers_never_take_the_same_hint(opened):
    ledger = opened()
    for number in range(60):
        ledger.store_hint("shop", f"d-{number}", "orders/create", [HINT])
    taken: list[int] = []

    def read() -> None:
        reader = opened()
        while rows := reader.take_hints(5, lease=60):
            taken.extend(row.id for row in rows)

    together(read, read)
    assert len(taken) == len(set(taken)) == 60


def test_an_empty_inbox_waits_for_nothing(ledger):
    assert ledger.inbox_waiting() == InboxWaiting(count=0, oldest_seconds=0.0)
