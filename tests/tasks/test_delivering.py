"""From the log to a destination: every record is settled on its own, whatever the connector does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import pytest
from sqlalchemy.exc import OperationalError

from commerce.errors import NotAuthorised, OutcomeUnknown, Rejected, TemporarilyUnavailable, UnexpectedAnswer
from commerce.outcomes import Binding, Done, Outcome, Retry
from commerce.ports import Item
from ledger.records import StatusRow
from tasks import delivering, steps
from tasks.delivering import ODD_ANSWERS, deliver_batch
from tasks.hub import installed
from tests.builders import an_order
from tests.journeys.house import House

Settled = Iterator[tuple[Item, Outcome]]
REFUSED = NotAuthorised("acme", "the key was revoked", hint="make a new key")


class Warehouse:
    """A destination that does as the story says; `seen` has the numbers of each call."""

    keeps: Literal["state", "events"] = "state"
    topics = frozenset({"order"})
    batch = 10

    def __init__(self, act: Callable[[Sequence[Item]], Settled]) -> None:
        self.act = act
        self.seen: list[list[str]] = []
        self.doubted: set[str] = set()

    def deliver(self, items: Sequence[Item]) -> Settled:
        self.seen.append([number(item) for item in items])
        self.doubted |= {number(item) for item in items if item.in_doubt}
        yield from self.act(items)


def number(item: Item) -> str:
    """What people call the order."""
    return str(item.newest.data["number"])


def well(item: Item) -> tuple[Item, Outcome]:
    """It is there now."""
    return item, Done(binding=Binding(vendor_id=f"w-{number(item)}"))


def all_well(items: Sequence[Item]) -> Settled:
    """A good day."""
    yield from map(well, items)


def breaks_at(bad: str, error: BaseException, *, then: Callable[[Sequence[Item]], Settled] = all_well) -> Any:
    """Goes well until the order `bad`."""

    def act(items: Sequence[Item]) -> Settled:
        for item in items:
            if number(item) == bad:
                raise error
            yield from then([item])

    return act


@pytest.fixture
def connect(house: House) -> Callable[[Any], Warehouse]:
    """Three orders that wait for a warehouse that does as it is told."""
    house.hub.ledger.record_orders("shop", [an_order(1001), an_order(1002), an_order(1003)])

    def connected(act: Any) -> Warehouse:
        opened = Warehouse(act)
        house.hub._clients["warehouse"] = opened
        return opened

    return connected


Connect = Callable[[Any], Warehouse]


def status(house: House) -> StatusRow:
    """How the warehouse's deliveries stand."""
    return next(row for row in house.hub.ledger.status() if row.destination == "warehouse")


def standing(house: House) -> dict[str, int]:
    """The same, without what is zero."""
    words = ("waiting", "retry", "unknown", "held", "done", "skipped")
    return {word: getattr(status(house), word) for word in words if getattr(status(house), word)}


def test_a_batch_is_brought_and_nothing_is_left(house: House, connect: Connect) -> None:
    warehouse = connect(all_well)
    tally = deliver_batch(house.hub, "warehouse")
    assert (tally.says(), warehouse.seen) == ("3 done", [["#1001", "#1002", "#1003"]])
    assert deliver_batch(house.hub, "warehouse").claimed == 0
    assert standing(house) == {"done": 3}


def test_a_record_that_breaks_the_connector_holds_only_itself(
    house: House, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    # given an order that the connector's code cannot stand
    warehouse = connect(breaks_at("#1002", KeyError("ada@example.com")))
    # when the batch is brought
    tally = deliver_batch(house.hub, "warehouse")
    # then the others are there, none of them sent twice, and looked for first if they may have been sent
    assert tally.says() == "2 done, 1 held"
    assert warehouse.seen == [["#1001", "#1002", "#1003"], ["#1002"], ["#1003"]]
    assert warehouse.doubted == {"#1002", "#1003"}
    # and the reason names the place in the code and no value
    [held] = house.hub.ledger.held("warehouse")
    assert (held.label, held.cause) == ("#1002", "hub_error_KeyError")
    assert "KeyError at tasks/test_delivering.py:" in held.reason
    assert "backroom held release" in held.hint
    assert "ada@example.com" not in held.reason + held.hint + str(tally.rows) + caplog.text
    assert "tests/tasks/test_delivering.py" in caplog.text


def test_answers_that_cannot_be_read_are_waited_out_before_a_record_is_held(house: House, connect: Connect) -> None:
    # given a vendor that answers nonsense, which may be a proxy's page and no record's fault
    connect(breaks_at("#1001", UnexpectedAnswer("acme", "answered a list where an object was expected")))
    # when it goes on for some tries
    for _ in range(ODD_ANSWERS - 1):
        assert deliver_batch(house.hub, "warehouse").says() == "3 unknown"
        house.clock.sleep(4400)
    # then the one record that it is about is held, with the vendor's words, and the others are there
    assert deliver_batch(house.hub, "warehouse").says() == "2 done, 1 held"
    [held] = house.hub.ledger.held("warehouse")
    assert (held.cause, held.reason) == ("unexpected_answer", "acme: answered a list where an object was expected")


def test_a_refusal_that_the_connector_let_go_is_quoted_too(house: House, connect: Connect) -> None:
    connect(breaks_at("#1003", Rejected("acme", "the name is too long", hint="shorten it")))
    assert deliver_batch(house.hub, "warehouse").says() == "2 done, 1 held"
    [held] = house.hub.ledger.held("warehouse")
    assert (held.cause, held.reason, held.hint) == ("rejected", "acme: the name is too long", "shorten it")


def test_a_record_that_is_settled_before_the_connector_breaks_is_not_held(house: House, connect: Connect) -> None:
    def act(items: Sequence[Item]) -> Settled:
        yield from map(well, items)
        raise RuntimeError("while tidying up")

    connect(act)
    assert deliver_batch(house.hub, "warehouse", limit=1).says() == "1 done"
    assert deliver_batch(house.hub, "warehouse").says() == "2 done"
    assert standing(house) == {"done": 3}


def test_a_refused_credential_pauses_keeps_the_work_and_tells_once(house: House, connect: Connect) -> None:
    # given a warehouse whose key is revoked while a batch is sent
    warehouse = connect(breaks_at("#1002", REFUSED))
    # when deliveries go on
    first, second = deliver_batch(house.hub, "warehouse"), deliver_batch(house.hub, "warehouse")
    # then the first run stops at once, the second does not even call, and both say why
    assert (first.says(), first.paused) == ("1 done", "acme: the key was revoked")
    assert (second.claimed, second.paused) == (0, "acme: the key was revoked")
    assert len(warehouse.seen) == 1
    # and nothing is burnt, and people are told once, with what to do
    assert standing(house) == {"waiting": 2, "done": 1}
    [message] = house.vendors["alerts"].state()["messages"]
    assert "warehouse: paused until somebody sees to it" in str(message)
    assert "make a new key" in str(message)
    # and when it is fixed, it goes on
    warehouse.act = all_well
    house.hub.ledger.resume("warehouse")
    assert deliver_batch(house.hub, "warehouse").says() == "2 done"


def test_one_paused_connection_does_not_pause_another(house: House, connect: Connect) -> None:
    connect(breaks_at("#1001", REFUSED))
    deliver_batch(house.hub, "warehouse")
    assert house.deliver("marketing").counts["done"] == 3


def test_a_vendor_that_is_down_gets_its_work_later(house: House, connect: Connect) -> None:
    # given a warehouse that is too busy after the first order
    warehouse = connect(breaks_at("#1002", TemporarilyUnavailable("acme", "busy", retry_after=90)))
    with pytest.raises(TemporarilyUnavailable):
        deliver_batch(house.hub, "warehouse")
    # then what it took is settled, and the rest is due when it said, not before
    assert standing(house) == {"done": 1, "retry": 2}
    warehouse.act = all_well
    house.clock.sleep(89)
    assert deliver_batch(house.hub, "warehouse").claimed == 0
    house.clock.sleep(2)
    assert deliver_batch(house.hub, "warehouse").says() == "2 done"
    # and not in doubt: nothing was sent
    assert warehouse.doubted == set()


def test_a_lost_answer_leaves_in_doubt_what_was_not_settled_and_nothing_else(house: House, connect: Connect) -> None:
    warehouse = connect(breaks_at("#1002", OutcomeUnknown("acme", "no answer to POST /orders")))
    assert deliver_batch(house.hub, "warehouse").says() == "1 done, 2 unknown"
    assert standing(house) == {"done": 1, "unknown": 2}
    # and the next try looks before it writes
    warehouse.act = all_well
    house.clock.sleep(61)
    assert deliver_batch(house.hub, "warehouse").says() == "2 done"
    assert warehouse.doubted == {"#1002", "#1003"}


def test_a_ledger_that_is_lost_in_the_middle_of_a_batch_is_no_records_fault(house: House, connect: Connect) -> None:
    # given a database that ends the session, whenever the connector asks for its budget
    gone = OperationalError("UPDATE windows", {}, Exception("server closed the connection unexpectedly"))
    warehouse = connect(breaks_at("#1002", gone))
    with pytest.raises(OperationalError):
        deliver_batch(house.hub, "warehouse")
    # then nothing is held, and what may have been sent is in doubt
    assert standing(house) == {"done": 1, "unknown": 2}
    # and when the database is back, all of it arrives
    warehouse.act = all_well
    house.clock.sleep(61)
    assert deliver_batch(house.hub, "warehouse").says() == "2 done"


def test_a_connector_that_says_nothing_of_a_record_leaves_it_in_doubt(house: House, connect: Connect) -> None:
    connect(lambda items: map(well, items[:1]))
    tally = deliver_batch(house.hub, "warehouse")
    assert tally.says() == "1 done, 2 unknown"
    assert {row["why"] for row in tally.rows if row["outcome"] == "unknown"} == {
        "the connector said nothing about this record"
    }


@pytest.mark.parametrize("end", [KeyboardInterrupt(), SystemExit(1)], ids=["interrupted", "ended"])
def test_a_run_that_is_ended_leaves_its_batch_in_doubt(house: House, connect: Connect, end: BaseException) -> None:
    warehouse = connect(breaks_at("#1002", end))
    with pytest.raises(type(end)):
        deliver_batch(house.hub, "warehouse")
    assert standing(house) == {"unknown": 3}
    warehouse.act = all_well
    assert deliver_batch(house.hub, "warehouse").says() == "3 done"
    assert warehouse.doubted == {"#1001", "#1002", "#1003"}


def test_a_slow_batch_keeps_its_lease(house: House, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a lease that would end before the batch is sent
    monkeypatch.setattr(delivering, "LEASE", 0.15)
    renewed = threading.Semaphore(0)
    renew = house.hub.ledger.renew

    def renew_and_tell(*arguments: Any) -> int:
        count = renew(*arguments)
        renewed.release()
        return count

    monkeypatch.setattr(house.hub.ledger, "renew", renew_and_tell)
    others: list[int] = []

    def slow(items: Sequence[Item]) -> Settled:
        for item in items:
            house.clock.sleep(0.1)
            assert renewed.acquire(timeout=5), "nobody renewed the lease"
            others.append(len(house.hub.ledger.claim("warehouse", limit=10).items))
            yield well(item)

    connect(slow)
    # then nobody else gets the batch meanwhile, and it is settled
    assert deliver_batch(house.hub, "warehouse").says() == "3 done"
    assert others == [0, 0, 0]
    assert standing(house) == {"done": 3}


def test_a_lease_that_cannot_be_renewed_now_is_renewed_later(
    house: House, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delivering, "LEASE", 0.03)
    tried = threading.Semaphore(0)

    def busy(*arguments: Any) -> int:
        tried.release()
        raise OSError("database is locked")

    monkeypatch.setattr(house.hub.ledger, "renew", busy)

    def slow(items: Sequence[Item]) -> Settled:
        for item in items[:2]:
            assert tried.acquire(timeout=5), "it was given up"
            yield well(item)
        yield from map(well, items[2:])

    connect(slow)
    with caplog.at_level(logging.WARNING):
        assert deliver_batch(house.hub, "warehouse").says() == "3 done"
    assert "a lease for warehouse could not be renewed: OSError" in caplog.text


def test_a_suspect_that_gets_no_answer_stops_nobody(house: House, connect: Connect) -> None:
    # given an order that was being sent when a run died, and that the vendor answers nothing about
    warehouse = connect(breaks_at("#1001", OutcomeUnknown("acme", "gave no answer")))
    warehouse.batch = 1
    house.hub.ledger.claim("warehouse", limit=1, lease=60)
    house.clock.sleep(61)
    # when the next run delivers what it can
    with installed(house.hub):
        tally = steps.deliver_all("warehouse")
    # then it is asked about once, in between, and everything else is there
    assert warehouse.seen == [["#1002"], ["#1001"], ["#1003"]]
    assert tally.says() == "2 done, 1 unknown"


def test_who_lost_the_lease_settles_nothing(house: House, connect: Connect) -> None:
    # given a run that stands still so long that another one takes its order over
    def stalls(items: Sequence[Item]) -> Settled:
        house.clock.sleep(delivering.LEASE + 1)
        other = house.hub.ledger.claim("warehouse", limit=1, by="the other run", suspects=True)
        house.hub.ledger.settle(other, [(item, Retry(reason="busy", after=300)) for item in other.items])
        yield from map(well, items)

    connect(stalls)
    deliver_batch(house.hub, "warehouse", limit=1)
    # then what the other run said stays
    assert standing(house) == {"retry": 1, "waiting": 2}
    assert house.hub.ledger.bindings("warehouse", ["shop:51001"]) == {}


def test_an_alert_that_breaks_its_channel_does_not_fail_the_delivery(
    house: House, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def tell(self, alert: Any) -> None:
            raise ValueError("ada@example.com")

    house.hub._clients["alerts"] = Broken()
    connect(breaks_at("#1001", REFUSED))
    assert deliver_batch(house.hub, "warehouse").paused == "acme: the key was revoked"
    [kept] = house.hub.ledger.untold_alerts()
    assert kept.heard == "not confirmed"
    assert "ada@example.com" not in caplog.text


def test_everything_is_delivered_batch_by_batch(house: House, connect: Connect) -> None:
    warehouse = connect(all_well)
    warehouse.batch = 1
    with installed(house.hub):
        assert steps.deliver_all("warehouse").says() == "3 done"
    assert warehouse.seen == [["#1001"], ["#1002"], ["#1003"]]


def test_a_connector_that_asks_for_another_try_at_once_does_not_spin(house: House, connect: Connect) -> None:
    warehouse = connect(lambda items: ((item, Retry(reason="not yet", after=0)) for item in items))
    with installed(house.hub):
        assert steps.deliver_all("warehouse").says() == "3 retry"
    assert len(warehouse.seen) == 1
