"""What waits for a person can be seen, released and dismissed."""

from __future__ import annotations

import pytest

from commerce.outcomes import Held
from commerce.ports import Unreadable
from tests.builders import NOON, an_order

ADDRESS = Held(cause="no_address", reason="order has no address", hint="add one")
SKU = Held(cause="unknown_sku", reason="nobody knows TEA", hint="map it")


@pytest.fixture
def hub(ledger):
    """Orders #1 and #2 are held at the warehouse for two causes, #1 at marketing; #9 could not be read."""
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    ledger.subscribe("marketing", "shop", ["order"], "events", live_from=NOON)
    unread = Unreadable(subject="9", label="#9", reason="has no lines", hint="open it")
    ledger.record_orders("shop", [an_order(1), an_order(2)], unreadable=[unread])
    claim = ledger.claim("warehouse", limit=9)
    ledger.settle(claim, list(zip(claim.items, (ADDRESS, SKU), strict=True)))
    claim = ledger.claim("marketing", limit=1)
    ledger.settle(claim, [(claim.items[0], ADDRESS)])
    return ledger


def waiting(ledger, destination):
    return [item.newest.data["number"] for item in ledger.claim(destination, limit=9).items]


def test_everything_that_is_held_says_why_and_what_to_do(hub):
    assert [(one.destination, one.label, one.cause, one.reason, one.hint) for one in hub.held("warehouse")] == [
        ("warehouse", "#1", "no_address", "order has no address", "add one"),
        ("warehouse", "#2", "unknown_sku", "nobody knows TEA", "map it"),
    ]
    assert [(one.destination, one.subject, one.reason) for one in hub.held("shop")] == [
        ("shop", "shop:9", "has no lines")
    ]
    assert len({one.id for one in hub.held()}) == 4


def test_held_records_are_released_by_cause(hub):
    assert hub.release_held(cause="no_address", destination="warehouse") == 1
    assert waiting(hub, "warehouse") == ["#1"]
    assert [one.cause for one in hub.held("warehouse")] == ["unknown_sku"]
    assert hub.trace("#1").history[-1].outcome == "released"


def test_held_records_are_released_by_id_once(hub):
    ids = [one.id for one in hub.held("warehouse")]
    assert (hub.release_held(ids=ids), hub.release_held(ids=ids)) == (2, 0)
    assert waiting(hub, "warehouse") == ["#1", "#2"]
    assert hub.release_held(ids=["warehouse/999", "nonsense"]) == 0


def test_a_dismissed_record_is_never_sent_and_says_why(hub):
    [held] = hub.held("marketing")
    assert hub.dismiss_held([held.id], "was a test order") == 1
    assert waiting(hub, "marketing") == ["#2"]
    assert hub.held("marketing") == []
    assert hub.trace("#1").history[-1].reason == "was a test order"


def test_a_record_that_could_not_be_read_is_read_again_when_it_is_released(hub):
    [held] = hub.held("shop")
    assert hub.release_held(ids=[held.id]) == 1
    [row] = hub.take_hints(9, lease=60)
    assert (row.connection, row.hints) == ("shop", [{"topic": "order", "id": "9", "action": "released"}])
    # it stays in sight until it was read
    assert len(hub.held("shop")) == 1
    hub.record_orders("shop", [an_order(9, id="9")])
    assert hub.held("shop") == []


def test_a_record_that_could_not_be_read_can_be_dismissed_for_good(hub):
    [held] = hub.held("shop")
    assert hub.dismiss_held([held.id], "spam") == 1
    again = Unreadable(subject="shop:9", label="#9", reason="has no lines")
    hub.record_orders("shop", [], unreadable=[again])
    assert hub.held("shop") == []
