"""What machines saw of vendors' clocks: the newest of each, and nothing of machines that are gone."""

from __future__ import annotations

from datetime import timedelta

from ledger.clocks import SeenClock
from tests.builders import NOON

HOUR = timedelta(hours=1)


def test_the_newest_of_each_machine_and_vendor_is_kept(opened):
    ledger = opened()
    ahead = SeenClock("shop", "m1", NOON, NOON + HOUR)
    right = SeenClock("shop", "m1", NOON + HOUR, NOON + HOUR)
    other = SeenClock("shop", "clock ours m2", NOON, NOON)
    for seen in (ahead, other, right, SeenClock("books", "m1", NOON, NOON)):
        ledger.note_clock(seen)
    assert ledger.seen_clock("shop", "m1") == right
    assert ledger.seen_clock("shop", "m3") is None
    assert set(opened().seen_clocks()) == {right, other, SeenClock("books", "m1", NOON, NOON)}
    # and watermarks are no clocks
    ledger.set_cursor("shop", "orders", NOON)
    assert len(ledger.seen_clocks()) == 3


def test_a_machine_that_was_not_seen_for_a_day_is_forgotten(opened):
    ledger = opened()
    ledger.note_clock(SeenClock("shop", "container-1", NOON, NOON))
    ledger.note_clock(SeenClock("shop", "container-2", NOON + 25 * HOUR, NOON))
    assert [one.machine for one in ledger.seen_clocks()] == ["container-2"]
    assert ledger.cursor("shop", "clock ours container-1") is None
