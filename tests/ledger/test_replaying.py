"""A destination can be given again what it had: looked up first, as history, and only once on its way."""

from __future__ import annotations

import pytest

from commerce.outcomes import Held
from tests.builders import NOON, a_refund, a_refund_line, after, an_order
from tests.ledger.contract import done


@pytest.fixture
def hub(ledger):
    """Orders #1 and #2 are at the warehouse and at marketing; #2 was refunded two hours later."""
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    ledger.subscribe("marketing", "shop", ["order"], "events", live_from=NOON)
    two = an_order(2)
    refund = a_refund(a_refund_line(two.lines[0]), at=after(hours=2))
    ledger.record_orders("shop", [an_order(1), two])
    ledger.record_orders("shop", [an_order(2, refunds=(refund,), updated_at=after(hours=2))])
    for destination in ("warehouse", "marketing"):
        bring(ledger, destination)
    return ledger


def bring(ledger, destination):
    """What is due is done; the items."""
    items = []
    while claim := taken(ledger, destination):
        ledger.settle(claim, [(item, done(item.subject, fingerprint="f")) for item in claim.items])
        items += claim.items
    return items


def taken(ledger, destination):
    claim = ledger.claim(destination, limit=9)
    return claim if claim.items else None


def said(items):
    return [(item.subject, item.in_doubt, [str(event.kind) for event in item.events]) for item in items]


def test_a_state_is_brought_again_once_the_newest_in_doubt_and_as_history(hub):
    assert hub.replay("warehouse", since=NOON) == 2
    items = bring(hub, "warehouse")
    assert said(items) == [("shop:51", True, ["order.placed"]), ("shop:52", True, ["order.refunded"])]
    assert all(item.newest.historical for item in items)
    # and what was last accepted does not count as a reason to send nothing
    assert {item.binding.fingerprint for item in items} == {""}
    # and then all is quiet again, elsewhere it was all along
    assert bring(hub, "warehouse") == bring(hub, "marketing") == []


def test_every_fact_is_brought_again_in_order_to_one_that_keeps_events(hub):
    assert hub.replay("marketing", subjects=["shop:52"]) == 1
    assert said(bring(hub, "marketing")) == [
        ("shop:52", True, ["order.placed"]),
        ("shop:52", True, ["order.refunded"]),
    ]


def test_only_what_happened_since_is_brought_again(hub):
    assert hub.replay("marketing", since=after(hours=1)) == 1
    assert said(bring(hub, "marketing")) == [("shop:52", True, ["order.refunded"])]


def test_twice_before_it_is_brought_is_once(hub):
    hub.replay("warehouse", since=NOON)
    hub.replay("warehouse", since=NOON)
    assert len(bring(hub, "warehouse")) == 2


def test_what_is_on_its_way_is_left_to_its_run(hub):
    # given an order that a run has just claimed
    hub.replay("warehouse", subjects=["shop:51"])
    claim = hub.claim("warehouse", limit=9)
    # when it is replayed meanwhile
    hub.replay("warehouse", since=NOON)
    # then its run settles it, and only the other one is claimed
    assert [item.subject for item in hub.claim("warehouse", limit=9).items] == ["shop:52"]
    assert hub.settle(claim, [(claim.items[0], done())]) == 1


def test_a_held_record_goes_again_too(hub):
    hub.replay("warehouse", subjects=["shop:51"])
    claim = hub.claim("warehouse", limit=9)
    hub.settle(claim, [(claim.items[0], Held(cause="x", reason="y"))])
    hub.replay("warehouse", subjects=["shop:51"])
    assert hub.held("warehouse") == []
    assert [item.subject for item in bring(hub, "warehouse")] == ["shop:51"]


def test_a_dry_run_says_how_many_and_changes_nothing(hub):
    assert hub.replay("warehouse", since=NOON, dry_run=True) == 2
    assert bring(hub, "warehouse") == []


def test_a_destination_that_wants_nothing_gets_nothing(hub):
    assert hub.replay("nobody", since=NOON) == 0


def test_the_trace_tells_who_replayed(hub):
    hub.replay("warehouse", subjects=["shop:51"])
    assert ("replayed", "person") in [(line.outcome, line.by) for line in hub.trace("#1").history]


def test_what_waits_anyway_is_looked_up_as_well(hub):
    # given an order with a change that waits for its turn
    hub.record_orders("shop", [an_order(1, note="leave it at the door", updated_at=after(hours=3))])
    # when the order is replayed before that
    hub.replay("warehouse", subjects=["shop:51"])
    # then its turn finds out what is there, instead of what we remember
    assert [(item.subject, item.in_doubt) for item in bring(hub, "warehouse")] == [("shop:51", True)]
