"""The tables come up to date whatever happened before, and a newer database is left alone."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from commerce.errors import NotConfigured
from commerce.failpoints import CRASH_AT, KILLED
from commerce.orders import Order
from ledger import Ledger, migrating
from ledger.tables import metadata
from tests.builders import NOON, a_fulfilment_order, a_line, after, an_order, changed
from tests.ledger.contract import ENGINES, a_schema, done, together

TEA = a_line("TEA")


@pytest.fixture(params=ENGINES)
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that has nothing in it yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'var' / 'new.db'}"
        return
    with a_schema() as url:
        yield url


@pytest.fixture
def new(new_url: str) -> Iterator[Ledger]:
    ledger = Ledger(new_url)
    yield ledger
    ledger.close()


def test_the_migrations_make_the_tables_that_the_code_expects(new):
    new.migrate()
    with new.reading() as db:
        assert compare_metadata(MigrationContext.configure(db, opts={"compare_type": True}), metadata) == []


def test_partial_indexes_are_those_that_the_code_expects(new):
    new.migrate()
    with new.reading() as db:
        made = {index["name"] for table in metadata.tables for index in inspect(db).get_indexes(table)}
    assert {index.name for table in metadata.tables.values() for index in table.indexes} <= made


def test_migrating_again_changes_nothing(new):
    new.migrate()
    new.record_orders("shop", [an_order()])
    new.migrate()
    assert len(new.trace("#1001").events) == 1


def test_a_newer_database_is_refused_and_left_alone(new):
    new.migrate()
    with new.writing() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NotConfigured, match="at revision 9999, this release knows none newer") as refused:
        new.migrate()
    assert "upgrade backroom" in refused.value.hint


def test_processes_that_start_together_migrate_once(new_url):
    def start() -> None:
        ledger = Ledger(new_url)
        ledger.migrate()
        ledger.close()

    together(*[start] * 4)


def migrate_and_die(url: str) -> None:
    os.environ[CRASH_AT] = "before-migrate-commit"
    Ledger(url).migrate()


def test_a_migration_that_was_killed_never_happened(new_url):
    # given a migration that is killed when its tables are made, and not yet committed
    process = multiprocessing.get_context("fork").Process(target=migrate_and_die, args=(new_url,))
    process.start()
    process.join()
    assert process.exitcode == KILLED
    ledger = Ledger(new_url)
    with ledger.reading() as db:
        assert migrating.revision_of(db) is None
    # when it is started again
    ledger.migrate()
    # then everything is there
    assert ledger.record_orders("shop", [an_order()]).new_events == 1
    ledger.close()


def columns_of(db: Connection) -> dict[str, set[str]]:
    """The columns of each table that is there."""
    looked = inspect(db)
    return {table: {one["name"] for one in looked.get_columns(table)} for table in looked.get_table_names()}


def indexes_of(db: Connection) -> dict[str, str]:
    """The indexes of deliveries, each with the words that make it."""
    if db.dialect.name == "sqlite":
        known = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'deliveries' AND sql <> ''"
    else:
        mine = "tablename = 'deliveries' AND schemaname = current_schema()"
        known = f"SELECT indexname, indexdef FROM pg_indexes WHERE {mine}"
    return {name: words for name, words in db.execute(text(known)) if not name.endswith("_pkey")}


def older_revisions() -> list[str]:
    """Every revision before the newest, oldest first: each new one is tried from the day on which it is written."""
    known = ScriptDirectory(str(migrating.FOLDER)).walk_revisions()
    return [script.revision for script in known if script.revision != migrating.NEWEST][::-1]


def columns_of_ledger(ledger: Ledger) -> dict[str, set[str]]:
    """The same of a ledger that is not migrated."""
    with ledger.reading() as db:
        return columns_of(db)


def as_a_release_left_it(url: str, revision: str, waiting: Sequence[Order] = ()) -> None:
    """A database with the tables of that revision: one order that is on its way, one that is done, others that wait."""
    from alembic import command

    ledger = Ledger(url)
    with ledger.writing() as db:
        command.upgrade(migrating.config_for(db), revision)
        first, indexes = columns_of(db), indexes_of(db)
    ledger.migrate()  # today's code fills today's tables
    ledger.subscribe("warehouse", "shop", ["order"], "state")
    ledger.record_orders("shop", [an_order(1), an_order(2)])
    claim = ledger.claim("warehouse", limit=1)
    ledger.settle(claim, [(claim.items[0], done())])
    ledger.claim("warehouse", limit=1, lease=0.0)  # its run died
    ledger.record_orders("shop", waiting)
    with ledger.writing() as db:
        changed = {name for name, words in indexes_of(db).items() if indexes.get(name) != words}
        for name in changed:
            db.execute(text(f"DROP INDEX {name}"))
        for table, columns in columns_of(db).items():
            if table not in first:
                db.execute(text(f"DROP TABLE {table}"))
            for column in columns - first.get(table, columns):
                db.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        for name in changed & set(indexes):
            db.execute(text(indexes[name]))
        db.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
    ledger.close()


@pytest.mark.parametrize("revision", older_revisions())
def test_a_ledger_of_an_older_release_is_migrated_with_work_in_flight_also_when_killed_half_way(new_url, revision):
    # given a ledger of an older release, with an order on its way
    as_a_release_left_it(new_url, revision)
    # when the migration is killed, and started again
    process = multiprocessing.get_context("fork").Process(target=migrate_and_die, args=(new_url,))
    process.start()
    process.join()
    assert process.exitcode == KILLED
    ledger = Ledger(new_url)
    ledger.migrate()
    # then nothing is lost: the order that was on its way comes back, in doubt, and the other one does not
    assert [(item.subject, item.in_doubt) for item in ledger.claim("warehouse", limit=9).items] == [("shop:52", True)]
    assert ledger.trace("#1").deliveries[0].state == "done"
    # and what is new in this release works
    assert ledger.budgets("shop").windows("calls", [(1, 60.0)]).take() == 0.0
    assert ledger.privacy_requests() == []
    assert ledger.alerts_to_send() == []
    ledger.close()


def test_what_is_open_in_an_older_ledger_gets_its_promise(new_url):
    # given a ledger of the last release without promises, with orders that have to leave on different days
    def due(number: int, days: float | None) -> Order:
        routed = a_fulfilment_order([TEA], ship_by=None if days is None else after(days=days))
        return an_order(number, lines=(TEA,), fulfilment_orders=(routed,))

    left = an_order(8, lines=(TEA,), fulfilment="fulfilled", fulfilment_orders=())
    as_a_release_left_it(new_url, "0006", [due(3, 5), due(4, 2), due(5, None), due(6, 9), due(7, 0.5), left])
    ledger = Ledger(new_url)
    assert "promise" not in columns_of_ledger(ledger)["deliveries"]
    # when it is migrated, and one of them is promised later than it was
    ledger.migrate()
    ledger.record_orders("shop", [changed(due(4, 7), updated_at=after(minutes=1))])
    # then they are claimed by promise, also by who subscribes now
    ledger.subscribe("crm", "shop", ["order"], "state", live_from=NOON)
    for name in ("warehouse", "crm"):
        claims = [ledger.claim(name, limit=1) for _ in range(8)]
        numbers = [item.newest.data["number"] for claim in claims for item in claim.items]
        assert [number for number in numbers if number not in ("#1", "#2")] == ["#7", "#5", "#8", "#3", "#4", "#6"]
    ledger.close()


def test_the_newest_migration_is_the_one_that_the_release_names():
    assert ScriptDirectory(str(migrating.FOLDER)).get_heads() == [migrating.NEWEST]
