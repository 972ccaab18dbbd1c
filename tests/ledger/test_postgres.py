"""What only PostgreSQL needs: its planner guesses from what ANALYZE saw last, which may be long ago."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from ledger import Ledger
from ledger.claims import due_facts, in_their_order
from tests.builders import NOON, an_order
from tests.ledger.contract import done, emptied

pytestmark = pytest.mark.postgres


@pytest.fixture
def server(migrated_schema: str) -> Iterator[Ledger]:
    """A ledger on a server that has analysed nothing."""
    ledger = Ledger(emptied(migrated_schema))
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    yield ledger
    ledger.close()


def record(ledger: Ledger, first: int, many: int) -> None:
    """So many orders, in pages."""
    for start in range(first, first + many, 250):
        at = NOON + timedelta(seconds=start)
        ledger.record_orders("shop", [an_order(number, processed_at=at) for number in range(start, start + 250)])


def test_a_burst_is_not_sorted_for_each_claim_before_anybody_counted_it(server: Ledger) -> None:
    # given a quiet day on which hardly anything waits when PostgreSQL counts, and then a burst
    record(server, 0, 500)
    while len((claim := server.claim("warehouse", limit=97)).items) == 97:
        server.settle(claim, [(item, done()) for item in claim.items])
    server.release(claim)
    with server.writing() as db:
        db.execute(text("ANALYZE deliveries"))
    record(server, 1000, 1000)
    # when work is claimed, then it is read by its index until there are enough
    for keeps, early in itertools.product(("state", "events"), (False, True)):
        query = due_facts("warehouse", keeps, 10**16, history=True, early=early).limit(100)
        with server.writing() as db:
            words = str(query.compile(db, compile_kwargs={"literal_binds": True}))
            believed = db.exec_driver_sql(f"EXPLAIN {words}").scalars().all()
            in_their_order(db)
            plan = db.exec_driver_sql(f"EXPLAIN {words}").scalars().all()
        assert [step for step in believed if "Sort" in step], believed
        assert not [step for step in plan if "Sort" in step], plan
        assert [step for step in plan if "Index Scan using deliveries_ready" in step], plan


def test_no_plan_is_kept_from_when_the_tables_were_empty(server: Ledger) -> None:
    for _ in range(12):
        server.claim("warehouse", limit=1)
    with server.reading() as db:
        assert db.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 0
