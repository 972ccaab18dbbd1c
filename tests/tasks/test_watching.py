"""The watch: each problem is told once, and told again when it is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from commerce.ports import Tokens
from deployments.checking import ensure_webhooks
from tasks.alerting import send_waiting, tell
from tasks.tally import Tally
from tasks.watching import missed_schedule, paused_alert, watch
from tests.builders import NOON
from tests.journeys.house import House
from tests.small_house import order, with_route


def told(house: House) -> list[str]:
    """First lines of the messages in the channel, in their order."""
    return [message["text"].splitlines()[0] for message in house.vendors["alerts"].state()["messages"]]


def looks(house: House, times: int = 1) -> Tally:
    """Watch so many times, a minute apart; the last tally."""
    tally = Tally()
    for _ in range(times):
        tally = watch(house.hub)
        house.clock.sleep(60)
    return tally


def late(house: House) -> Callable[[], None]:
    house.hub.ledger.route_finished("orders-to-shipping", True, {})
    house.clock.sleep(61 * 60)
    return lambda: house.hub.ledger.route_finished("orders-to-shipping", True, {})


def held(house: House) -> Callable[[], None]:
    order(house, shipping_address=None)
    order(house, shipping_address=None)
    house.record()
    house.deliver("warehouse")
    ids = [record.id for record in house.hub.ledger.held("warehouse")]
    assert len(ids) == 2
    return lambda: house.hub.ledger.dismiss_held(ids, "picked up in person")


def paused(house: House) -> Callable[[], None]:
    house.hub.ledger.pause("books", "quickbooks: the token is revoked", "connect again")
    return lambda: house.hub.ledger.resume("books")


def token(house: House) -> Callable[[], None]:
    store = house.hub.ledger.tokens("books")
    known = Tokens(access="a", refresh="r", expires_at=NOON + timedelta(hours=1))
    ends = NOON + timedelta(days=13)
    store.save(known.model_copy(update={"refresh_expires_at": ends}))
    return lambda: store.save(known.model_copy(update={"refresh_expires_at": ends + timedelta(days=80)})) and None


def waiting(house: House) -> Callable[[], None]:
    ensure_webhooks(house.hub)
    house.hub.ledger.store_hint("shop", "1", "orders/create", [{"topic": "order", "id": "1"}])
    house.clock.sleep(16 * 60)
    return lambda: house.hub.ledger.hints_done([row.id for row in house.hub.ledger.take_hints(10, lease=1)])


PROBLEMS = {
    late: "orders-to-shipping is late",
    held: "warehouse: 2 held",
    paused: "books: paused until somebody sees to it",
    token: "books: access ends 2026-12-03",
    waiting: "webhooks are waiting",
}


@pytest.mark.parametrize(("happens", "title"), PROBLEMS.items(), ids=[one.__name__ for one in PROBLEMS])
def test_a_problem_is_told_once_and_again_when_it_is_over(house: House, happens: Any, title: str) -> None:
    # given a house in which all is well
    assert (looks(house).says(), told(house)) == ("nothing to do", [])
    # when something is wrong, and we look three times
    mend = happens(house)
    tally = looks(house, times=3)
    # then it was told once
    [message] = told(house)
    assert title in message
    assert (tally.counts["known"], tally.counts["new"], tally.counts["sent"]) == (1, 0, 0)
    # and when it is mended, that is told, once as well
    mend()
    looks(house, times=3)
    assert len(told(house)) == 2
    assert title in told(house)[1]
    assert house.hub.ledger.open_alerts() == []


def test_the_same_problem_again_is_told_again(house: House) -> None:
    for _ in range(2):
        mend = paused(house)
        looks(house, times=2)
        mend()
        looks(house, times=2)
    assert len(told(house)) == 4


def test_each_cause_of_held_records_is_one_message_however_many_there_are(house: House) -> None:
    held(house)
    looks(house)
    order(house, shipping_address=None)
    house.record()
    house.deliver("warehouse")
    looks(house)
    assert len(told(house)) == 1
    # the open alert has the newest count, for whoever looks
    [alert] = house.hub.ledger.open_alerts()
    assert "warehouse: 3 held" in alert.alert.title


def test_a_late_route_says_since_when_and_why(house: House) -> None:
    late(house)
    house.hub.ledger.route_finished("orders-to-shipping", False, {}, "NotAuthorised: shipstation: 401")
    looks(house)
    [alert] = house.hub.ledger.open_alerts()
    assert alert.alert.what == (
        "orders-to-shipping (orders from shop to warehouse) has not finished well since 2026-11-20 12:01 UTC; "
        "last error: NotAuthorised: shipstation: 401"
    )


def test_a_route_whose_first_run_goes_on_is_not_late_yet(house: House) -> None:
    house.hub.ledger.route_started("orders-to-shipping")
    assert looks(house).says() == "nothing to do"
    # but one that hangs is
    house.clock.sleep(60 * 60)
    assert looks(house).counts["new"] == 1


def test_a_route_whose_first_run_failed_is_told_at_once(house: House) -> None:
    house.hub.ledger.route_started("orders-to-shipping")
    house.hub.ledger.route_finished("orders-to-shipping", False, {}, "no such warehouse")
    assert looks(house).counts["new"] == 1
    [alert] = house.hub.ledger.open_alerts()
    assert "has never finished well; last error: no such warehouse" in alert.alert.what


@pytest.mark.parametrize(("days", "severity"), [(61, None), (13, "warning"), (0, "critical")])
def test_a_token_warns_two_weeks_ahead(house: House, days: int, severity: str | None) -> None:
    ends = NOON + timedelta(days=days)
    tokens = Tokens(access="a", refresh="r", expires_at=NOON, refresh_expires_at=ends)
    house.hub.ledger.tokens("books").save(tokens)
    looks(house)
    assert [alert.alert.severity for alert in house.hub.ledger.open_alerts()] == ([severity] if severity else [])


def test_a_schedule_that_did_not_run_is_told_and_over_when_it_runs(house: House) -> None:
    missed = [missed_schedule("sync-inventory", "2026-11-20 11:40 UTC")]
    watch(house.hub, missed)
    watch(house.hub, missed)
    [message] = told(house)
    assert "sync-inventory did not run" in message
    watch(house.hub)
    assert len(told(house)) == 2


def test_what_was_told_elsewhere_is_not_told_by_the_watch(house: House) -> None:
    # given a pause that the delivery itself told
    house.hub.ledger.pause("books", "revoked", "connect again")
    tell(house.hub, paused_alert("books", "revoked", "connect again"))
    looks(house, times=2)
    assert len(told(house)) == 1


def test_an_alert_of_another_kind_is_not_cleared_by_the_watch(house: House) -> None:
    removed = paused_alert("x", "y", "z").model_copy(update={"fingerprint": "removed:books:77"})
    tell(house.hub, removed)
    looks(house, times=2)
    assert [alert.alert.fingerprint for alert in house.hub.ledger.open_alerts()] == ["removed:books:77"]


def test_a_channel_that_takes_nothing_gets_its_messages_later(house: House) -> None:
    # given two problems while Slack asks us to wait
    paused(house)
    late(house)
    slack = house.vendors["alerts"]
    slack.act("fault", {"on": "services", "status": 429, "headers": {"retry-after": "30"}, "times": 100})
    tally = looks(house)
    # then the watch itself is well, and does not try each message on such a channel
    assert (tally.counts["new"], tally.counts["sent"], told(house)) == (2, 0, [])
    assert tally.paused.startswith("2 messages wait, no channel takes them")
    assert len(slack.calls) == 1
    # and when Slack takes messages again, both are told, once
    slack.faults.clear()
    assert looks(house).counts["sent"] == 2
    looks(house, times=2)
    assert len(told(house)) == 2


def test_a_message_that_the_channel_refuses_does_not_stop_the_others(house: House) -> None:
    paused(house)
    late(house)
    house.vendors["alerts"].act("fault", {"on": "services", "status": 400, "body": "user_not_found"})
    looks(house)
    assert len(told(house)) == 1
    looks(house)
    assert len(told(house)) == 2


def test_a_problem_that_came_and_went_while_the_channel_was_down_is_not_told(house: House) -> None:
    mend = paused(house)
    house.vendors["alerts"].act("break", {})
    looks(house)
    mend()
    house.vendors["alerts"].act("mend", {})
    looks(house, times=2)
    assert told(house) == []


def test_without_a_channel_alerts_are_for_the_health_page_only(house: House) -> None:
    house.hub._clients["alerts"] = object()
    paused(house)
    looks(house)
    assert [alert.alert.fingerprint for alert in house.hub.ledger.open_alerts()] == ["paused:books"]
    assert send_waiting(house.hub) == 0


class Worried:
    """A vendor whose allowance is nearly used."""

    worried = True

    def concerns(self):
        if self.worried:
            yield paused_alert("x", "80 % of the month's reads are used", "take a larger plan").model_copy(
                update={"fingerprint": "concern:books:allowance", "title": "books: reads are running out"}
            )


def test_what_a_connection_worries_about_is_told_once_and_told_when_it_is_over(house: House) -> None:
    # given a connection that knows that something will be wrong soon
    vendor = house.hub._clients["books"] = Worried()
    looks(house, times=2)
    assert len(told(house)) == 1
    # when nobody can ask it, then it is still so
    house.hub.ledger.pause("books", "revoked", "connect again")
    looks(house)
    assert "concern:books:allowance" in {one.alert.fingerprint for one in house.hub.ledger.open_alerts()}
    # and when it is well, then it is over
    house.hub.ledger.resume("books")
    vendor.worried = False
    looks(house)
    assert house.hub.ledger.open_alerts() == []


def whole_messages(house: House) -> list[str]:
    """Everything that people were told, with all its blocks."""
    return [str(message) for message in house.vendors["alerts"].state()["messages"]]


def fresh(house: House) -> None:
    """Every route has just ended well."""
    for name in house.hub.stack.routes:
        house.hub.ledger.route_finished(name, True, {})


def test_an_order_without_an_outcome_is_told_although_no_call_failed(house: House) -> None:
    # given an order that was recorded, and runs that end well without ever bringing it to the warehouse
    order(house)
    house.record()
    with_route(house.hub, "orders-to-shipping", owner="Maria")
    house.deliver("books")
    house.deliver("marketing")
    house.clock.sleep(119 * 60)
    fresh(house)
    looks(house)
    assert told(house) == []
    # when its deadline has passed
    house.clock.sleep(2 * 60)
    fresh(house)
    looks(house, times=2)
    # then it is told once, by number, with who is asked
    [message] = whole_messages(house)
    assert "warehouse: 1 without an outcome" in message
    assert "#1001" in message
    assert "Maria" in message
    # and it is over once the order is there
    house.deliver("warehouse")
    looks(house)
    assert len(told(house)) == 2


def test_a_fact_that_was_given_to_nobody_is_told_too(house: House) -> None:
    # given a fault of ours: an order's delivery to the books was never written
    order(house)
    house.record()
    for name in ("warehouse", "books", "marketing"):
        house.deliver(name)
    with house.hub.ledger.writing() as db:
        db.exec_driver_sql("DELETE FROM deliveries WHERE destination = 'books'")
    house.clock.sleep(121 * 60)
    fresh(house)
    looks(house)
    [message] = whole_messages(house)
    assert "books: 1 without an outcome" in message
    assert "given to nobody" in message


def test_a_route_that_is_late_speaks_for_all_its_records(house: House) -> None:
    order(house)
    house.record()
    house.clock.sleep(3 * 3600)
    late(house)
    looks(house)
    found = {one.alert.fingerprint for one in house.hub.ledger.open_alerts()}
    assert "late:orders-to-shipping" in found
    assert "overdue:warehouse" not in found
