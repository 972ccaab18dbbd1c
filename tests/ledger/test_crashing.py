"""Dying at any commit loses nothing and doubles nothing. The moments are found in the code."""

from __future__ import annotations

import multiprocessing
import os
import re
from pathlib import Path

import pytest

import ledger as package
from commerce.failpoints import CRASH_AT, KILLED
from ledger import Ledger
from tests.builders import NOON, an_order
from tests.ledger.contract import done

MOMENTS = sorted(
    name
    for path in Path(package.__file__).parent.glob("*.py")
    for name in re.findall(r'reached\("([\w-]+)"\)', path.read_text())
    if "migrate" not in name
)
DESTINATIONS = ("warehouse", "marketing")


def test_every_commit_that_matters_has_its_two_moments():
    wanted = [
        f"{side}-{what}-commit" for side in ("after", "before") for what in ("claim", "record", "redact", "settle")
    ]
    assert wanted == MOMENTS


def a_day_at_the_hub(ledger: Ledger, sent: list[tuple[str, str, bool]]) -> None:
    """Record one order, bring it to everyone, forget its person; `sent` notes who was given it, in doubt or not."""
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    ledger.subscribe("marketing", "shop", ["order"], "events", live_from=NOON)
    ledger.record_orders("shop", [an_order()], cursor=("orders", NOON))
    for name in DESTINATIONS:
        claim = ledger.claim(name, limit=5, lease=60)
        sent += [(name, item.newest.key, item.in_doubt) for item in claim.items]
        ledger.settle(claim, [(item, done(item.newest.key)) for item in claim.items])
    ledger.redact("shop", [an_order().key])


def die_at(moment: str, url: str, clock) -> None:
    os.environ[CRASH_AT] = moment
    a_day_at_the_hub(Ledger(url, clock=clock), [])
    os._exit(0)  # a fork of the test process must not run what that does at its end


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("moment", MOMENTS)
def test_dying_there_loses_nothing_and_doubles_nothing(moment, nth, url, opened, clock):
    # given a process that is killed at the moment, for the first or the second time it comes
    process = multiprocessing.get_context("fork").Process(target=die_at, args=(f"{moment}:{nth}", url, clock))
    process.start()
    process.join()
    if ("record" in moment or "redact" in moment) and nth == 2:
        assert process.exitcode == 0  # there is only one page, and one person
    else:
        assert process.exitcode == KILLED
    # when the day is gone through again after its lease has ended
    clock.pass_by(61)
    sent: list[tuple[str, str, bool]] = []
    ledger = opened()
    a_day_at_the_hub(ledger, sent)
    # then each destination has the order once, and the log has it once
    assert [event.kind for event in ledger.trace("#1001").events] == ["order.placed"]
    assert {row.destination: row.done for row in ledger.status()} == dict.fromkeys(DESTINATIONS, 1)
    assert [line.outcome for line in ledger.trace("#1001").history] == ["done", "done"]
    assert ledger.cursor("shop", "orders") == NOON
    assert [data["email"] for data in ledger.newest_data(["shop:51001"])] == [""]
    # and what may have been sent before is in doubt
    doubted = [name for name, _, in_doubt in sent if in_doubt]
    dying = DESTINATIONS[nth - 1]
    assert doubted == ([dying] if moment in ("after-claim-commit", "before-settle-commit") else [])
