"""Dying at any commit loses nothing and doubles nothing. The moments are found in the code."""

from __future__ import annotations

import multiprocessing
import os
import re
from pathlib import Path

import pytest

import ledger as package
from commerce.failpoints import CRASH_AT, KILLED
from commerce.ports import Tokens
from ledger import Ledger
from tests.builders import NOON, an_order
from tests.ledger.conftest import KEY
from tests.ledger.contract import done

MOMENTS = sorted(
    name
    for path in Path(package.__file__).parent.glob("*.py")
    for name in re.findall(r'reached\("([\w-]+)"\)', path.read_text())
    if "migrate" not in name
)
DESTINATIONS = ("warehouse", "marketing", "books")
ONCE = ("cursor", "hints", "inbox", "record", "redact", "release", "tokens")
"""What happens once in the day, so that nobody can die of its second time."""


def test_every_commit_that_matters_has_its_two_moments():
    commits = sorted([*ONCE, "claim", "settle"])
    assert [f"{side}-{what}-commit" for side in ("after", "before") for what in commits] == MOMENTS


def a_day_at_the_hub(ledger: Ledger, sent: list[tuple[str, str, bool]]) -> None:
    """Keep a token, hear of one order, read it, bring it to everyone (the books are busy at first), forget its person;
    `sent` notes who was given it, in doubt or not."""
    ledger.tokens("shop").save(Tokens(access="secret", expires_at=NOON))
    for name, keeps in zip(DESTINATIONS, ("state", "events", "state"), strict=True):
        ledger.subscribe(name, "shop", ["order"], keeps, live_from=NOON)
    ledger.store_hint("shop", "delivery-1", "orders/create", [{"order": "51001"}])
    for hint in ledger.take_hints(5, lease=60):
        ledger.record_orders("shop", [an_order()], cursor=("orders", NOON))
        ledger.hints_done([hint.id])
    ledger.set_cursor("shop", "read again", NOON)
    for name in DESTINATIONS:
        claim = ledger.claim(name, limit=5, lease=60)
        if name == "books" and claim.items and not claim.items[0].in_doubt:
            ledger.release(claim)
            claim = ledger.claim(name, limit=5, lease=60)
        sent += [(name, item.newest.key, item.in_doubt) for item in claim.items]
        ledger.settle(claim, [(item, done(item.newest.key)) for item in claim.items])
    ledger.redact("shop", [an_order().key])


def die_at(moment: str, url: str, clock) -> None:
    os.environ[CRASH_AT] = moment
    a_day_at_the_hub(Ledger(url, token_keys=[KEY], clock=clock), [])
    os._exit(0)  # a fork of the test process must not run what that does at its end


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("moment", MOMENTS)
def test_dying_there_loses_nothing_and_doubles_nothing(moment, nth, url, opened, clock):
    # given a process that is killed at the moment, for the first or the second time it comes
    process = multiprocessing.get_context("fork").Process(target=die_at, args=(f"{moment}:{nth}", url, clock))
    process.start()
    process.join()
    if nth == 2 and moment.split("-")[1] in ONCE:
        assert process.exitcode == 0
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
    assert [line.outcome for line in ledger.trace("#1001").history] == ["done"] * 3
    assert ledger.cursor("shop", "orders") == ledger.cursor("shop", "read again") == NOON
    # and the webhook was read, and the token is there
    assert ledger.inbox_waiting().count == 0
    assert ledger.tokens("shop").load().access == "secret"
    assert [data["email"] for data in ledger.newest_data(["shop:51001"])] == [""]
    # and what may have been sent before is in doubt
    doubted = [name for name, _, in_doubt in sent if in_doubt]
    dying = "books" if "release" in moment else DESTINATIONS[nth - 1]
    certain = "release" in moment and nth == 2
    doubtful = moment in ("after-claim-commit", "before-settle-commit", "before-release-commit")
    assert doubted == ([dying] if doubtful and not certain else [])
