"""A new subscriber gets its share of the past; none falls between."""

from __future__ import annotations

from tests.builders import NOON, after, an_order, changed
from tests.ledger.contract import done, together


def claimed(ledger, destination, limit=1000):
    """(number, historical) of everything that is due, batch by batch."""
    found = []
    while items := ledger.claim(destination, limit=limit).items:
        found += [(item.newest.data["number"], item.newest.historical) for item in items]
    return found


def test_a_new_subscriber_gets_what_the_log_already_has(ledger):
    ledger.record_orders("shop", [an_order(1001), an_order(1002)])
    ledger.record_orders("other", [an_order(2001, source="other")])
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    assert claimed(ledger, "warehouse") == [("#1001", False), ("#1002", False)]


def test_subscribing_again_enrols_nothing_twice(ledger):
    for _ in range(2):
        ledger.subscribe("warehouse", "shop", ["order"], "state")
        ledger.record_orders("shop", [an_order(1001)])
    assert [row.waiting for row in ledger.status()] == [1]


def test_what_was_before_a_destination_is_history_there(ledger):
    # given one order from before the start and one from after it
    ledger.subscribe("marketing", "shop", ["order"], "events", live_from=NOON)
    ledger.subscribe("books", "shop", ["order"], "state", live_from=NOON)
    early = an_order(1001, processed_at=after(minutes=-1))
    ledger.record_orders("shop", [early, an_order(1002)])
    # then the live one goes first, and both are told that the other one is history
    assert claimed(ledger, "marketing") == [("#1002", False), ("#1001", True)]
    assert claimed(ledger, "books") == [("#1002", False), ("#1001", True)]


def test_without_a_start_everything_before_the_first_subscription_is_history(ledger, clock):
    ledger.record_orders("shop", [an_order(1001)])
    ledger.subscribe("marketing", "shop", ["order"], "events")
    clock.pass_by(60)
    ledger.subscribe("marketing", "shop", ["order"], "events")  # the first one counts
    ledger.record_orders("shop", [an_order(1002, processed_at=after(hours=1, seconds=30))])
    assert claimed(ledger, "marketing") == [("#1002", False), ("#1001", True)]


def test_history_goes_when_nothing_live_waits_and_only_where_it_may(ledger):
    # given four old orders and then two live ones
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    ledger.record_orders("shop", [an_order(number) for number in range(1001, 1005)], historical=True)
    ledger.record_orders("shop", [an_order(1005), an_order(1006)])

    def numbers(**how):
        return [item.newest.data["number"] for item in ledger.claim("warehouse", limit=3, **how).items]

    # then live ones go by themselves, although there is room for one more
    assert numbers() == ["#1005", "#1006"]
    # and who has no time for history is given none of it
    assert numbers(history=False) == []
    assert numbers() == ["#1001", "#1002", "#1003"]
    # and an old order that changes is no history any more
    ledger.record_orders("shop", [changed(an_order(1004), note="red, please", updated_at=after(hours=1))])
    assert numbers(history=False) == ["#1004"]


def test_a_subscriber_of_another_topic_gets_none_of_it(ledger):
    ledger.subscribe("shop", "warehouse", ["parcel"], "state")
    ledger.record_orders("warehouse", [an_order(source="warehouse")])
    assert claimed(ledger, "shop") == []


def test_unsubscribing_drops_what_waits_and_keeps_what_may_have_been_sent(ledger, clock):
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    ledger.record_orders("shop", [an_order(1001), an_order(1002)])
    ledger.claim("warehouse", limit=1)
    ledger.unsubscribe("warehouse", "shop")
    assert claimed(ledger, "warehouse") == []
    # when it subscribes again after the run with the other one died
    clock.pass_by(100)
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    items = {
        item.newest.data["number"]: item.in_doubt for _ in "12" for item in ledger.claim("warehouse", limit=9).items
    }
    assert items == {"#1001": True, "#1002": False}


def test_none_is_missed_by_a_subscriber_that_joins_while_others_record(opened):
    numbers = range(1000, 1060)

    def record() -> None:
        ledger = opened()
        for number in numbers:
            ledger.record_orders("shop", [an_order(number)])

    def subscribe() -> None:
        for name in ("a", "b", "c", "d"):
            opened().subscribe(name, "shop", ["order"], "state")

    together(record, subscribe)
    assert {row.destination: row.waiting for row in opened().status()} == dict.fromkeys("abcd", len(numbers))


def test_a_settled_delivery_is_not_brought_again_by_subscribing_again(ledger):
    ledger.subscribe("warehouse", "shop", ["order"], "state")
    ledger.record_orders("shop", [an_order()])
    claim = ledger.claim("warehouse", limit=1)
    ledger.settle(claim, [(item, done()) for item in claim.items])
    ledger.unsubscribe("warehouse", "shop")
    ledger.record_orders("shop", [changed(an_order(), note="meanwhile", updated_at=after(minutes=1))])
    ledger.subscribe("warehouse", "shop", ["order"], "state")
    [item] = ledger.claim("warehouse", limit=9).items
    assert [event.kind for event in item.events] == ["order.updated"]
