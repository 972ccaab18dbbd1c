"""What only a file needs: it survives a power cut, is its owner's alone, and finds work by index."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from commerce.errors import NotConfigured
from ledger import Ledger
from ledger.claims import due_facts
from ledger.engine import _became_writer, _to_wal


@pytest.fixture
def file(tmp_path: Path):
    ledger = Ledger(f"sqlite:///{tmp_path / 'deep' / 'ledger.db'}")
    ledger.migrate()
    yield ledger
    ledger.close()


def test_commits_survive_a_power_cut(file):
    with file.reading() as db:
        pragmas = {name: db.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}  # 2 is FULL


def test_its_sqlite_is_free_of_the_bug_that_loses_commits(file):
    finding = file.check()
    assert finding.ok, finding
    assert finding.message.startswith("SQLite 3.")


def test_an_old_sqlite_is_told(file, monkeypatch):
    monkeypatch.setattr("ledger.store.is_sqlite_safe", lambda: False)
    finding = file.check()
    assert not finding.ok
    assert "3.51.3 or newer" in finding.hint


def test_the_file_is_for_its_owner_only(file):
    path = Path(file.engine.url.database)
    for each in path.parent.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600, each


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "nonsense"])
def test_what_cannot_keep_a_ledger_is_refused(url):
    with pytest.raises(NotConfigured, match=r"hub\.ledger: "):
        Ledger(url)


@pytest.mark.parametrize(("history", "early"), [(True, False), (False, False), (True, True)])
@pytest.mark.parametrize("keeps", ["state", "events"])
def test_due_work_is_found_by_index_however_much_there_is(file, keeps, history, early):
    query = due_facts("warehouse", keeps, 0, history=history, early=early).limit(100)
    with file.reading() as db:
        words = str(query.compile(db, compile_kwargs={"literal_binds": True}))
        plan = [row[3] for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}")]
    assert plan[0].startswith("SEARCH due USING INDEX deliveries_ready"), plan
    assert plan[-1].startswith("SEARCH other USING INDEX deliveries_subject (subject=? AND destination=?"), plan
    assert not [step for step in plan if "SCAN" in step or "TEMP B-TREE" in step], plan


class BusyFile:
    """A connection to a file that another process has just now."""

    def __init__(self, refusals: int, words: str = "database is locked") -> None:
        self.refusals, self.words = refusals, words

    def execute(self, _: str) -> None:
        if self.refusals:
            self.refusals -= 1
            raise sqlite.OperationalError(self.words)


def test_processes_that_open_a_new_file_together_wait_for_each_other():
    busy = BusyFile(refusals=3)
    _to_wal(busy)
    assert busy.refusals == 0


def test_a_writer_waits_for_its_turn_and_for_nothing_else():
    busy = BusyFile(refusals=3)
    assert _became_writer(busy)
    assert busy.refusals == 0
    full = BusyFile(refusals=1, words="database or disk is full")
    assert not _became_writer(full)
    assert full.refusals == 0
