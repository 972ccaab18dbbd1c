"""Storage that fails: a locked file, a full disk, a power cut, and connections that are lost at any statement."""

from __future__ import annotations

import random
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pysqlite3 import dbapi2 as sqlite
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, OperationalError

from ledger import Ledger
from ledger.tables import metadata
from tests.builders import NOON, an_order
from tests.ledger.contract import SERVER, Clock, done

FRAME = 24 + 4096
"""Bytes of one page in the WAL, with its header: https://sqlite.org/fileformat2.html#walformat"""


@pytest.fixture
def file(tmp_path: Path, migrated_file: Path) -> Path:
    shutil.copy(migrated_file, tmp_path / "ledger.db")
    return tmp_path / "ledger.db"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are waited for only shortly."""
    monkeypatch.setattr("ledger.engine.BUSY_SECONDS", 0.05)


# A file that somebody else holds


def test_a_file_that_is_locked_for_too_long_changes_nothing_and_is_used_again_afterwards(
    file: Path, impatient: None
) -> None:
    # given a ledger with an order to bring, and a backup program that holds the file for longer than anyone waits
    ledger = Ledger(f"sqlite:///{file}", clock=Clock())
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    ledger.record_orders("shop", [an_order()])
    other = sqlite.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    # when the hub records and claims
    for job in (lambda: ledger.record_orders("shop", [an_order(2)]), lambda: ledger.claim("warehouse", limit=5)):
        with pytest.raises(OperationalError, match="locked"):
            job()
    # then nothing was half done, and reading goes on meanwhile
    assert [row.waiting for row in ledger.status()] == [1]
    # and when the file is free, so does writing, in the same process
    other.execute("ROLLBACK")
    assert ledger.record_orders("shop", [an_order(2)]).new_events == 1
    assert len(ledger.claim("warehouse", limit=5).items) == 2


# A full disk


@contextmanager
def no_larger_than(size: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def whole(file: Path) -> bool:
    """Whether SQLite finds nothing wrong with the file."""
    with sqlite.connect(file) as db:
        return bool(db.execute("PRAGMA integrity_check").fetchall() == [("ok",)])


@pytest.mark.parametrize("room", [0, 1, FRAME - 1, FRAME, 3 * FRAME + 7, 9 * FRAME])
def test_a_full_disk_takes_all_of_a_transaction_or_nothing_and_is_used_again_when_there_is_room(
    file: Path, room: int
) -> None:
    # given a ledger that has taken in some orders, on a disk with hardly any room left
    ledger = Ledger(f"sqlite:///{file}", clock=Clock())
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    ledger.record_orders("shop", [an_order(1)])
    log = file.with_name("ledger.db-wal")
    taken = [1]
    # when more come in than there is room for
    with no_larger_than(log.stat().st_size + room):
        for number in range(2, 7):
            with suppress(OperationalError):
                ledger.record_orders("shop", [an_order(number)])
                taken.append(number)
        if room < FRAME:  # then nothing can be claimed either, and so nothing is sent that could not be noted
            with pytest.raises(OperationalError, match=r"disk|full|I/O"):
                ledger.claim("warehouse", limit=9)
    # then the file is sound, and holds just what it said that it had taken
    assert len(taken) < 6
    assert numbers(ledger) == taken
    assert whole(file)
    # and with room again, the same process goes on
    ledger.record_orders("shop", [an_order(number) for number in range(1, 7)])
    assert len(ledger.claim("warehouse", limit=9).items) == 6
    assert whole(file)


def numbers(ledger: Ledger) -> list[int]:
    """The orders that the log has."""
    return [number for number in range(1, 10) if ledger.trace(f"shop:5{number}").events]


# A power cut


def test_after_a_power_cut_everything_acknowledged_is_there_wherever_the_log_was_cut(
    file: Path, tmp_path: Path
) -> None:
    # given a ledger that acknowledged two orders, and is writing a third when the power goes
    ledger = Ledger(f"sqlite:///{file}", clock=Clock())
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    ledger.record_orders("shop", [an_order(1)])
    ledger.record_orders("shop", [an_order(2)])
    log = file.with_name("ledger.db-wal")
    acknowledged = log.stat().st_size
    ledger.record_orders("shop", [an_order(3)])
    whole_log = log.read_bytes()
    dice = random.Random(7)
    edges = range(acknowledged, len(whole_log) + 1, FRAME)
    cuts = {near for edge in edges for near in (edge - 1, edge, edge + 1, edge + 24)}
    cuts |= {dice.randrange(acknowledged, len(whole_log)) for _ in range(20)}
    seen = set()
    for cut in sorted(one for one in cuts if acknowledged <= one <= len(whole_log)):
        # when it comes back with the log cut at any byte; behind it is nothing, or zeros, or what the disk had there
        behind = len(whole_log) - cut
        rest = dice.choice((b"", bytes(behind), dice.randbytes(behind)))
        # then it is sound, and has all that was acknowledged
        found = after_a_cut(tmp_path / "after", file.read_bytes(), whole_log[:cut] + rest)
        assert found[:2] == [1, 2], cut
        seen.add(len(found))
    # and of the third there is all or nothing
    assert seen == {2, 3}
    # and the hub goes on with it
    after_a_cut(tmp_path / "after", file.read_bytes(), whole_log[: acknowledged + FRAME])
    again = Ledger(f"sqlite:///{tmp_path / 'after' / 'ledger.db'}", clock=Clock())
    again.record_orders("shop", [an_order(3)])
    assert len(again.claim("warehouse", limit=9).items) == 3
    again.close()


def after_a_cut(folder: Path, database: bytes, log: bytes) -> list[int]:
    """The orders in a file that comes back so, after SQLite has found nothing wrong with it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "ledger.db").write_bytes(database)
    (folder / "ledger.db-wal").write_bytes(log)
    with closing(sqlite.connect(folder / "ledger.db")) as db:
        db.execute("PRAGMA synchronous=OFF")  # the cut is over; this only looks
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        subjects = db.execute("SELECT subject FROM subjects ORDER BY subject").fetchall()
    return [int(subject.removeprefix("shop:5")) for (subject,) in subjects]


def test_a_power_cut_at_any_moment_of_a_day_keeps_what_was_acknowledged(file: Path, tmp_path: Path) -> None:
    # given a day at the hub, and copies of its files at every statement and before every commit, as a cut leaves them
    ledger = Ledger(f"sqlite:///{file}", clock=Clock())
    log = file.with_name("ledger.db-wal")
    copies: list[tuple[int, bytes, bytes]] = []
    taken = 0

    def cut(*_: Any) -> None:
        copies.append((taken, file.read_bytes(), log.read_bytes() if log.exists() else b""))

    event.listen(ledger.engine, "before_cursor_execute", cut)
    event.listen(ledger.engine, "commit", cut)
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    for number in range(1, 5):
        ledger.record_orders("shop", [an_order(number)])
        taken = number
    claim = ledger.claim("warehouse", limit=2)
    ledger.release(claim)
    # when the power comes back after each of them
    assert len(copies) > 40
    for acknowledged, database, written in copies:
        # then it is sound and knows all it had said yes to
        assert after_a_cut(tmp_path / "after", database, written) == list(range(1, acknowledged + 1))


# Connections that are lost


class Cutting:
    """Ends the connection's own backend at the nth statement, before the nth commit, or right after it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.countdown, self.after_commit = ledger, -1, -1
        self.seen = self.commits = 0
        event.listen(ledger.engine, "before_cursor_execute", self.statement)
        event.listen(ledger.engine, "commit", self.commit)
        self.really = ledger.engine.dialect.do_commit
        ledger.engine.dialect.do_commit = self.then  # type: ignore[method-assign]

    def statement(self, connection: Any, *_: Any) -> None:
        self.moment(connection)

    def commit(self, connection: Any) -> None:
        self.moment(connection)

    def moment(self, connection: Any) -> None:
        """One statement, or one commit that is about to be sent."""
        self.seen += 1
        if self.seen == self.countdown:
            end(connection.connection.dbapi_connection.info.backend_pid)

    def then(self, connection: Any) -> None:
        """The commit itself; its answer may be lost."""
        self.really(connection)
        self.commits += 1
        if self.commits == self.after_commit:
            end(connection.dbapi_connection.info.backend_pid)
            raise psycopg.OperationalError("server closed the connection unexpectedly")


def end(*backends: int) -> None:
    """What an administrator, a fail-over or a restart does to connections."""
    with psycopg.connect(SERVER, autocommit=True) as server:
        for one in backends:
            server.execute("SELECT pg_terminate_backend(%s, 5000)", (one,))


def a_day_at_the_hub(ledger: Ledger, sent: list[bool]) -> None:
    """Record one order and bring it to the warehouse; `sent` notes whether what it was given was in doubt."""
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    ledger.record_orders("shop", [an_order()], cursor=("orders", NOON))
    claim = ledger.claim("warehouse", limit=5, lease=60)
    sent += [item.in_doubt for item in claim.items]
    ledger.settle(claim, [(item, done(item.newest.key)) for item in claim.items])


def cleared(url: str) -> str:
    """The same URL, with nothing in its tables; for few rows this is much faster than truncating them."""
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as server:
        for table in reversed(metadata.sorted_tables):
            server.execute(f"DELETE FROM {table.name}")
    return url


def a_day_with(url: str, cut: Callable[[Cutting], None]) -> Cutting:
    """A day whose connection is cut once, and the same day again in the same process, over the same pool."""
    clock = Clock()
    ledger = Ledger(cleared(url), clock=clock)
    cutting = Cutting(ledger)
    cut(cutting)
    sent: list[bool] = []
    again: list[bool] = []
    try:
        with suppress(DBAPIError, psycopg.Error):
            a_day_at_the_hub(ledger, sent)
        clock.pass_by(61)
        a_day_at_the_hub(ledger, again)
        # the destination has the order once, the log has it once, and what may have been sent before was in doubt
        assert [one.kind for one in ledger.trace("#1001").events] == ["order.placed"]
        assert [row.done for row in ledger.status()] == [1]
        assert ledger.cursor("shop", "orders") == NOON
        assert False not in again or not sent
    finally:
        ledger.close()
    return cutting


@pytest.fixture(scope="session")
def quick_schema(migrated_schema: str) -> str:
    """The URL of the ledger, whose commits do not wait for a disk: here connections fail, the machine does not."""
    return f"{migrated_schema}%20-csynchronous_commit%3Doff"


@pytest.mark.postgres
def test_a_connection_lost_at_any_statement_is_as_if_the_process_had_died(quick_schema: str) -> None:
    # given how many statements and commits a day has
    moments = a_day_with(quick_schema, lambda cutting: None).seen // 2
    assert moments > 20
    # when the connection is lost at each of them, and the day is gone through again; then nothing is lost or doubled
    for nth in range(1, moments + 1):
        a_day_with(quick_schema, lambda cutting, nth=nth: setattr(cutting, "countdown", nth))


@pytest.mark.postgres
def test_a_commit_whose_answer_is_lost_is_as_if_the_process_had_died_after_it(quick_schema: str) -> None:
    commits = a_day_with(quick_schema, lambda cutting: None).commits // 2
    for nth in range(1, commits + 1):
        a_day_with(quick_schema, lambda cutting, nth=nth: setattr(cutting, "after_commit", nth))


@pytest.mark.postgres
def test_a_database_that_restarts_between_two_runs_is_not_even_noticed(quick_schema: str) -> None:
    # given a pool of open connections
    ledger = Ledger(cleared(quick_schema), clock=Clock())
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    held = [ledger.engine.connect() for _ in range(4)]
    backends = [one.connection.dbapi_connection.info.backend_pid for one in held]
    for one in held:
        one.close()
    # when the database ends all of them
    end(*backends)
    # then the next run works at once
    assert ledger.record_orders("shop", [an_order()]).new_events == 1
    assert len(ledger.claim("warehouse", limit=1).items) == 1
    ledger.close()
