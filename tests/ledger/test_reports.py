"""Reports are kept as they were made, and signed off once."""

from __future__ import annotations

from datetime import timedelta

from commerce.audits import Difference, Report
from commerce.outcomes import Held
from tests.builders import NOON, an_order
from tests.ledger.contract import done


def a_report(**changes):
    fields = {
        "source": "shop",
        "destination": "books",
        "since": NOON - timedelta(days=7),
        "until": NOON,
        "made_at": NOON,
        "orders": 2,
        "expected": 2,
        "found": 1,
        "expected_amounts": {"USD": "60.00"},
        "found_amounts": {"USD": "30.00"},
        "counts": {"missing": 1},
        "differences": (Difference(verdict="missing", subject="shop:2", label="#2", slot="receipt"),),
    }
    return Report(**{**fields, **changes})


def test_a_report_comes_back_as_it_was_made_the_newest_first(ledger):
    first = ledger.keep_report(a_report())
    second = ledger.keep_report(a_report(destination="warehouse", counts={}, differences=()))
    assert ledger.reports() == [second, first]
    assert ledger.reports(destination="books") == [first]
    assert ledger.report(first.id) == a_report(id=first.id)
    assert not first.clean
    assert second.clean
    assert ledger.report(99) is None


def test_the_first_signature_stays(ledger):
    # given a report that nobody has seen
    kept = ledger.keep_report(a_report())
    # when two people sign it
    assert ledger.sign_report(kept.id, "Ada", "posted by hand")
    assert not ledger.sign_report(kept.id, "Grace", "me too")
    # then the first one's name stands there, with the time and what was compared untouched
    signed = ledger.report(kept.id)
    assert (signed.signed_by, signed.note) == ("Ada", "posted by hand")
    assert signed.signed_at == NOON + timedelta(hours=1)
    assert signed.differences == kept.differences
    assert not ledger.sign_report(99, "Ada")


def test_where_subjects_stand(ledger):
    # given three orders, of which one was delivered, one is held and one waits; another log knows none of them
    ledger.subscribe("books", "shop", ["order"], "state", live_from=NOON - timedelta(days=1))
    ledger.record_orders("shop", [an_order(id=id, number=f"#{id}") for id in ("1", "2", "3")])
    claim = ledger.claim("books", limit=2)
    first, second = claim.items
    ledger.settle(claim, [(first, done()), (second, Held(cause="total", reason="does not add up"))])
    # when they are asked for
    found = ledger.standings("books", ["shop:1", "shop:2", "shop:3", "shop:4"])
    # then each is told, and nothing is told of what the log does not have
    assert {subject: (one.state, one.reason) for subject, one in found.items()} == {
        "shop:1": ("done", ""),
        "shop:2": ("held", "total"),
        "shop:3": ("on its way", ""),
    }
    assert ledger.known(["shop:1", "shop:4"]) == {"shop:1"}
    assert ledger.standings("books", ["shop:1"], kind="order.refunded") == {}


def test_history_for_others_is_no_fault(ledger):
    ledger.subscribe("books", "shop", ["order"], "state")
    ledger.subscribe("crm", "shop", ["order"], "state")
    ledger.record_orders("shop", [an_order(id="1")], historical=True, only=["crm"])
    assert ledger.standings("books", ["shop:1"])["shop:1"].state == "elsewhere"


def test_whoever_is_forgotten_stays_so(ledger):
    ledger.subscribe("books", "shop", ["order"], "state", live_from=NOON - timedelta(days=1))
    ledger.record_orders("shop", [an_order(id="1")])
    claim = ledger.claim("books", limit=1)
    ledger.settle(claim, [(claim.items[0], done())])
    assert ledger.standings("books", ["shop:1"])["shop:1"].state == "done"
    assert ledger.redact("shop", ["shop:1"])
    assert ledger.standings("books", ["shop:1"])["shop:1"].state == "forgotten"
