"""What a comparison must not let slip: what was skipped by mistake, old orders with new money, days that move on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest

from commerce.audits import Report
from commerce.errors import IntegrationError
from tasks.reconciling import MOVED, reconcile
from tests.journeys.house import House
from tests.small_house import order
from tests.tasks.test_reconciling import act, alert_of, compared, seen_until_now, wrong

A_DAY = 86400


def weekly(house: House, *, only: Sequence[str] = ("books",), repair: bool = False) -> Report:
    """The report of the daily run over the last seven days, of the first destination."""
    house.clock.sleep(600)
    return reconcile(house.hub, "shop", only, 7, 1, repair=repair)[0]


def document(house: House, number: str) -> str:
    """Its id in the books."""
    return next(one["Id"] for one in house.vendors["books"].state()["documents"] if one["DocNumber"] == number)


def numbers(house: House) -> list[str]:
    return sorted(one["DocNumber"] for one in house.vendors["books"].state()["documents"])


def delete(house: House, number: str) -> None:
    house.vendors["books"].act("delete_document", {"id": document(house, number)})


def an_old_order_with_a_new_refund(house: House) -> None:
    """#1001 is twenty days old, and part of it was refunded yesterday; #1002 is of the day before yesterday."""
    order(house, lines=[{"sku": "HAT", "quantity": 2, "price": "20.00"}])
    house.settle_down()
    house.clock.sleep(18 * A_DAY)
    order(house)
    house.settle_down()
    house.clock.sleep(A_DAY)
    house.vendors["shop"].act("refund", {"order": "#1001", "lines": [{"line": 0, "quantity": 1}]})
    house.clock.sleep(60)
    house.settle_down()
    house.clock.sleep(A_DAY)


def test_a_refund_of_an_older_order_is_compared_when_its_money_moved_in_the_window(house: House) -> None:
    # given an order from before the window with a refund within it, all of it in the books
    an_old_order_with_a_new_refund(house)
    assert numbers(house) == ["R-1001-1", "S-1001", "S-1002"]
    report = weekly(house)
    assert (report.clean, report.orders, report.older) == (True, 1, 1)
    assert report.found_amounts == report.expected_amounts
    # when the refund receipt is gone from the books
    refund = refund_id(house)
    delete(house, "R-1001-1")
    # then it is missing, and comes back once when that is asked for
    assert wrong(weekly(house)) == [("missing", "#1001", f"refund {refund}")]
    assert "#1001" in alert_of(house, "books")
    assert weekly(house, repair=True).repaired == 1
    house.settle_down()
    assert weekly(house, repair=True).clean
    house.settle_down()
    assert numbers(house) == ["R-1001-1", "S-1001", "S-1002"]


def refund_id(house: House) -> str:
    [receipt] = [one for one in house.vendors["books"].state()["documents"] if one["DocNumber"] == "R-1001-1"]
    return str(receipt["PrivateNote"]).split(":")[4].split()[0]


def test_a_refund_that_nobody_told_of_is_found_though_its_order_is_old(house: House) -> None:
    # given a refund of an old order that neither a webhook nor a poll brought
    order(house, lines=[{"sku": "HAT", "quantity": 2, "price": "20.00"}])
    house.settle_down()
    house.clock.sleep(18 * A_DAY)
    house.vendors["shop"].act("refund", {"order": "#1001", "lines": [{"line": 0, "quantity": 1}]})
    house.clock.sleep(3 * A_DAY)
    seen_until_now(house)
    house.settle_down()
    assert numbers(house) == ["S-1001"]
    # when the week is compared, it is recorded and brought
    weekly(house)
    house.settle_down()
    assert numbers(house) == ["R-1001-1", "S-1001"]
    assert weekly(house).clean


def test_old_orders_make_nobody_read_back_to_their_day(house: House) -> None:
    # given an order of long ago with money of this week
    an_old_order_with_a_new_refund(house)
    real, asked = house.vendors["books"].transport(), list[str]()

    def noting(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params.get("query") or request.content.decode())
        return real.handle_request(request)

    house.hub._clients.clear()
    house.hub.transports = {**house.hub.transports, "books": httpx.MockTransport(noting)}
    # when the week is compared
    weekly(house)
    # then the books are asked for the days of the window, and for the old receipt by its number
    days = re.findall(r"TxnDate >= '([-0-9]+)'", " ".join(asked))
    assert days
    assert min(days) >= (house.clock.moment() - timedelta(days=9)).date().isoformat()
    assert any("'S-1001'" in query for query in asked)


def test_money_of_orders_from_before_the_hub_is_left_alone(house: House) -> None:
    # given an order that the log never had
    order(house)
    house.clock.sleep(20 * A_DAY)
    seen_until_now(house)
    house.vendors["shop"].act("refund", {"order": "#1001", "lines": [{"line": 0, "quantity": 1}]})
    house.clock.sleep(2 * A_DAY)
    seen_until_now(house)
    report = weekly(house)
    assert (report.orders, report.older, report.clean) == (0, 0, True)
    assert not house.hub.ledger.trace("#1001").events


def test_what_was_skipped_though_it_should_be_there_is_a_surprise(house: House) -> None:
    # given an unpaid order that had nothing to do in the books
    order(house, payment="pending")
    house.settle_down()
    house.clock.sleep(A_DAY)
    assert weekly(house).clean
    # when the merchant wants unpaid orders in the books from now on
    connections = dict(house.hub.stack.connections)
    connections["books"] = connections["books"].model_copy(update={"post_unpaid": True})
    house.hub.stack = house.hub.stack.model_copy(update={"connections": connections})
    house.hub._clients.clear()
    # then its receipt is missing, with what was done instead, and a repair brings it
    report = weekly(house)
    assert wrong(report) == [("missing", "#1001", "receipt")]
    assert "skipped: not paid yet" in report.differences[0].found
    assert weekly(house, repair=True).repaired == 1
    house.settle_down()
    assert weekly(house).clean


def test_a_difference_is_not_over_because_its_day_left_the_window(house: House) -> None:
    # given an order whose receipt is gone, found by the daily comparison
    order(house)
    house.settle_down()
    house.clock.sleep(7 * A_DAY)
    delete(house, "S-1001")
    assert wrong(weekly(house)) == [("missing", "#1001", "receipt")]
    # when the window has moved on, and nobody did anything
    house.clock.sleep(2 * A_DAY)
    later = weekly(house)
    assert (later.clean, later.orders) == (True, 0)
    # then people still know of it
    assert "#1001" in alert_of(house, "books")
    # until these days are compared again and are right
    assert reconcile(house.hub, "shop", ["books"], 20, 1, repair=True)[0].repaired == 1
    house.settle_down()
    assert reconcile(house.hub, "shop", ["books"], 20, 1)[0].clean
    assert alert_of(house, "books") == ""


def test_a_signature_ends_what_no_comparison_can_see_any_more(house: House) -> None:
    # given a receipt that a bookkeeper deleted for a good reason
    order(house)
    house.settle_down()
    house.clock.sleep(7 * A_DAY)
    delete(house, "S-1001")
    report = weekly(house)
    house.clock.sleep(2 * A_DAY)
    weekly(house)
    assert alert_of(house, "books")
    # when the report is signed
    house.hub.ledger.sign_report(report.id, "Ada", "sold in the shop next door")
    # then the next comparison ends it
    weekly(house)
    assert alert_of(house, "books") == ""


def test_a_storefront_that_answers_nonsense_half_way_is_told(house: House) -> None:
    # given a storefront whose list of the window breaks off
    order(house)
    house.settle_down()
    house.clock.sleep(A_DAY)
    house.hub._clients.clear()
    real = house.vendors["shop"].transport()

    def broken(request: httpx.Request) -> httpx.Response:
        if b"created_at" in request.content:
            return httpx.Response(200, json={"data": {"orders": {"nodes": [{"id": "no order"}]}}})
        return real.handle_request(request)

    house.hub.transports = {**house.hub.transports, "shop": httpx.MockTransport(broken)}
    # when the days are compared, nothing was compared, and somebody is told so
    with pytest.raises(IntegrationError):
        weekly(house)
    [told] = [one.alert for one in house.hub.ledger.open_alerts() if one.alert.fingerprint == "reconcile:shop"]
    assert "not compared" in told.title
    # and it is over with the next one that is
    house.hub._clients.clear()
    house.hub.transports = {**house.hub.transports, "shop": real}
    assert weekly(house).clean
    assert not [one for one in house.hub.ledger.open_alerts() if one.alert.fingerprint == "reconcile:shop"]


def test_repairs_that_overlap_each_other_and_live_work_bring_each_thing_once(house: House) -> None:
    # given two receipts that are gone, and a refund of one of them that was recorded just now
    for _ in range(3):
        order(house)
    house.settle_down()
    house.clock.sleep(A_DAY)
    for number in ("S-1001", "S-1002"):
        delete(house, number)
    house.vendors["shop"].act("refund", {"order": "#1001", "lines": [{"line": 0, "quantity": 1}]})
    house.clock.sleep(60)
    house.record()
    # when two repairs run before anything is brought, while the refund of #1001 waits for its turn
    for _ in range(2):
        weekly(house, repair=True)
    house.settle_down()
    # then #1002 is there once; #1001 was explained by what waited, and by nothing more once that has arrived
    assert numbers(house) == ["R-1001-1", "S-1002", "S-1003"]
    for repaired in (1, 0):
        assert weekly(house, repair=True).repaired == repaired
        house.settle_down()
    # and each document is there once in the end
    assert weekly(house).clean
    assert numbers(house) == ["R-1001-1", "S-1001", "S-1002", "S-1003"]


@pytest.mark.parametrize("what", ["refund", "cancel", "edit"])
@pytest.mark.parametrize("destination", ["warehouse", "books"])
def test_an_order_that_changes_between_the_two_readings_alarms_nobody(
    house: House, destination: str, what: str
) -> None:
    # given two orders that are everywhere, of which somebody deletes the second at the destination
    order(house, lines=[{"sku": "MUG-RED", "quantity": 2, "price": "25.00"}])
    order(house)
    house.settle_down()
    arguments: dict[str, Any] = {"refund": {"lines": [{"line": 0, "quantity": 1}]}, "edit": {"quantities": {"0": 1}}}
    client = house.hub.client(destination)
    audit = client.audit

    # and the first one changed once the storefront was read, and brought before the destination is asked
    def later(*asked: Any) -> Any:
        house.vendors["shop"].act(what, {"order": "#1001", **arguments.get(what, {})})
        house.clock.sleep(60)
        house.settle_down()
        gone = house.hub.ledger.trace("#1002").bindings[destination].vendor_id
        if destination == "warehouse":
            act(house, "warehouse", "delete", shipment_id=gone)
        else:
            act(house, "books", "delete_document", id=gone)
        return audit(*asked)

    client.audit = later
    # when they are compared
    report = compared(house, only=[destination])[destination]
    # then only what is really missing is a surprise
    assert [label for _, label, _ in wrong(report)] == ["#1002"]
    assert {one.explained for one in report.differences if one.label == "#1001"} == {MOVED}


def test_an_order_that_costs_nothing_is_nobodys_problem_when_it_is_cancelled(house: House) -> None:
    # given a free order that is everywhere
    order(house, lines=[{"sku": "MUG-RED", "quantity": 2, "price": "0.00"}], shipping=[])
    house.settle_down()
    assert [one["TotalAmt"] for one in house.vendors["books"].state()["documents"]] == ["0.00"]
    # when it is cancelled, which makes it unpaid
    act(house, "shop", "cancel", order="#1001")
    house.clock.sleep(60)
    house.settle_down()
    # then its receipt over nothing stays, no person has to see to it, and no comparison minds
    assert house.hub.ledger.held() == []
    assert {name: report.says for name, report in compared(house).items()} == dict.fromkeys(
        ("warehouse", "books", "marketing"), "everything is there"
    )
