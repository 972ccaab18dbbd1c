"""Nothing that a real receiver acknowledged is lost when it is killed under load."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.receiver_load import Load, run
from ledger import Ledger
from tests.ledger.contract import ENGINES, a_schema


@pytest.mark.parametrize("engine", ENGINES)
def test_what_was_acknowledged_is_in_the_inbox_although_the_receiver_was_killed(engine: str, tmp_path: Path) -> None:
    # given a receiver, a database that is busy with deliveries, and a hundred webhooks a second
    if engine == "sqlite":
        load = loaded(f"sqlite:///{tmp_path / 'ledger.db'}", engine)
    else:
        with a_schema() as url:
            load = loaded(url, engine)
    # when it is killed half way and started again, then some were acknowledged before and after, and all of them kept
    assert load.down_seconds > 0
    assert len(load.acknowledged) > load.rate
    assert load.answers["200"] + sum(count for word, count in load.answers.items() if word != "200") == load.sent
    assert (load.missing, load.without_retry_after) == (0, 0)
    assert load.deliveries > 0


def loaded(url: str, engine: str) -> Load:
    """Six seconds of load. Migrated first, as the command does when it starts."""
    ledger = Ledger(url)
    ledger.migrate()
    ledger.close()
    return run(url, Load(rate=100, seconds=6.0, engine=engine))
