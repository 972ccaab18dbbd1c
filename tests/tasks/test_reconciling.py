"""Every order is compared over all apps, by what the apps say themselves; repaired only when somebody asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from commerce.audits import Difference, Report
from commerce.errors import NotConfigured
from tasks.reconciling import reconcile
from tests.journeys.house import House
from tests.small_house import order


def compared(house: House, *, repair: bool = False, only: Sequence[str] = ()) -> dict[str, Report]:
    """The reports over yesterday and today, by destination."""
    house.clock.sleep(600)  # an event is read back a little later
    reports = reconcile(house.hub, "shop", only, 1, 0, repair=repair)
    return {report.destination: report for report in reports}


def wrong(report: Report) -> list[tuple[str, str, str]]:
    """Verdict, order and slot of what nothing explains."""
    return [(one.verdict, one.label, one.slot) for one in report.differences if not one.explained]


def the_one(report: Report) -> Difference:
    assert len(report.differences) == 1, report
    return report.differences[0]


def alert_of(house: House, destination: str) -> str:
    """What people are told of it; empty when nothing is open."""
    fingerprint = f"reconcile:shop:{destination}"
    return "".join(one.alert.what for one in house.hub.ledger.open_alerts() if one.alert.fingerprint == fingerprint)


def an_honest_week(house: House) -> None:
    """Orders of every kind, all where they belong."""
    order(house)
    order(house, lines=[{"sku": "HAT", "quantity": 2, "price": "20.00"}])
    order(house, payment="pending")
    order(house, lines=[{"sku": "MUG-RED", "quantity": 7, "price": "25.00"}])
    house.settle_down()
    house.vendors["shop"].act("refund", {"order": "#1002", "lines": [{"line": 0, "quantity": 1}]})
    house.vendors["shop"].act("cancel", {"order": "#1004"})
    house.clock.sleep(60)
    house.settle_down()


def act(house: House, vendor: str, action: str, **arguments: object) -> object:
    return house.vendors[vendor].act(action, arguments)


def seen_until_now(house: House) -> None:
    """The polls believe that they have seen everything."""
    for name in ("orders", "orders-read-again"):
        house.hub.ledger.set_cursor("shop", name, datetime.fromtimestamp(house.clock(), UTC))


def test_where_everything_is_right_the_reports_are_clean(house: House) -> None:
    # given orders that are everywhere, one of them shipped, one refunded in part, one cancelled
    an_honest_week(house)
    act(house, "warehouse", "buy_labels", limit=1)
    house.tracking()
    house.settle_down()
    # when they are compared
    reports = compared(house)
    # then each destination has what it should, to the cent
    assert {name: report.says for name, report in reports.items()} == {
        "warehouse": "everything is there",
        "books": "everything is there",
        "marketing": "everything is there",
    }
    books = reports["books"]
    assert (books.orders, books.expected, books.found) == (4, 5, 5)  # three receipts and two refunds
    assert books.expected_amounts == books.found_amounts
    assert reports["marketing"].found == 4
    assert [one.id for one in house.hub.ledger.reports()] == [3, 2, 1]
    assert not [one for one in house.hub.ledger.open_alerts() if one.alert.fingerprint.startswith("reconcile:")]


def test_a_shipment_that_somebody_deleted_is_missing_and_comes_back_when_repaired(house: House) -> None:
    an_honest_week(house)
    gone = house.vendors["warehouse"].state()["shipments"][0]
    act(house, "warehouse", "delete", shipment_id=gone["shipment_id"])
    # when it is compared, nothing is changed
    report = compared(house)["warehouse"]
    assert wrong(report) == [("missing", "#1001", "shipment")]
    assert report.repaired == 0
    assert "#1001" in alert_of(house, "warehouse")
    # when it is repaired, it is there again once, however often that is asked for
    assert compared(house, repair=True)["warehouse"].repaired == 1
    house.settle_down()
    for _ in range(2):
        again = compared(house, repair=True)["warehouse"]
        assert again.clean, again
        assert again.repaired == 0
        house.settle_down()
    shipments = house.vendors["warehouse"].state()["shipments"]
    alive = [one for one in shipments if one["shipment_status"] != "cancelled"]
    assert sum(one["shipment_number"].startswith("1001") for one in alive) == 1
    assert alert_of(house, "warehouse") == ""


def test_a_cancellation_that_nobody_told_of_is_recorded_and_carried_out(house: House) -> None:
    # given a cancellation that neither a webhook nor a poll brought
    order(house)
    house.settle_down()
    act(house, "shop", "cancel", order="#1001")
    house.clock.sleep(3 * 86400)
    seen_until_now(house)
    house.settle_down()
    assert [one["shipment_status"] for one in house.vendors["warehouse"].state()["shipments"]] == ["pending"]
    # when the days are compared
    report = reconcile(house.hub, "shop", ["warehouse"], 5, 0)[0]
    # then the open shipment is told, with what is known of it, and is called off
    found = the_one(report)
    assert (found.verdict, found.expected, found.explained) == (
        "different",
        "nothing open: cancelled",
        "waiting: on its way",
    )
    house.settle_down()
    assert [one["shipment_status"] for one in house.vendors["warehouse"].state()["shipments"]] == ["cancelled"]


def test_an_amount_that_somebody_changed_in_the_books_is_different(house: House) -> None:
    an_honest_week(house)
    document = house.vendors["books"].state()["documents"][0]
    act(house, "books", "edit_document", id=document["Id"], amount="1.00")
    report = compared(house)["books"]
    found = the_one(report)
    assert (found.verdict, found.label, found.expected, found.found) == (
        "different",
        "#1001",
        "30.00 USD posted",
        "31.00 USD posted",
    )
    assert found.url.endswith(f"txnId={document['Id']}")
    assert Decimal(report.found_amounts["USD"]) - Decimal(report.expected_amounts["USD"]) == 1
    # when it is repaired, together with a receipt that somebody deleted
    other = next(one for one in house.vendors["books"].state()["documents"] if one["DocNumber"] == "S-1004")
    act(house, "books", "delete_document", id=other["Id"])
    assert compared(house, repair=True)["books"].repaired == 2
    house.settle_down()
    # then both are as they should be, in the documents that were right besides
    again = compared(house)["books"]
    assert again.clean
    assert again.found_amounts == again.expected_amounts


def test_a_receipt_that_is_there_twice_is_extra_and_never_deleted(house: House) -> None:
    an_honest_week(house)
    first = house.vendors["books"].state()["documents"][0]
    act(house, "books", "add_document", kind="SalesReceipt", number="COPY", amount="30.00", note=first["PrivateNote"])
    before = len(house.vendors["books"].state()["documents"])
    report = compared(house, repair=True)["books"]
    assert wrong(report) == [("extra", "#1001", "receipt")]
    assert report.repaired == 0
    house.settle_down()
    assert len(house.vendors["books"].state()["documents"]) == before


def test_a_receipt_of_an_order_that_the_shop_does_not_have_is_extra(house: House) -> None:
    an_honest_week(house)
    note = "backroom:shop:424242:sale:424242"
    act(house, "books", "add_document", kind="SalesReceipt", number="S-9", amount="9.00", note=note)
    act(house, "books", "add_document", kind="SalesReceipt", number="X-1", amount="9.00", note="somebody else's")
    assert wrong(compared(house)["books"]) == [("extra", "shop:424242", "receipt")]


def test_an_order_that_was_never_recorded_is_found_recorded_and_brought(house: House) -> None:
    # given a poll that went past an order whose webhook was lost, too
    order(house)
    house.settle_down()
    order(house)
    house.clock.sleep(3 * 86400)
    seen_until_now(house)
    house.settle_down()
    assert not house.hub.ledger.trace("#1002").events
    # when the days are compared
    reports = reconcile(house.hub, "shop", ["warehouse", "books"], 5, 0)
    # then it is told as missing although it is on its way by now, and the next comparison is clean
    for report in reports:
        assert wrong(report)[0][:2] == ("missing", "#1002"), report
        assert report.recorded == 1 or report.destination != "warehouse"
        assert alert_of(house, report.destination)
    house.settle_down()
    for report in reconcile(house.hub, "shop", ["warehouse", "books"], 5, 0):
        assert report.clean, report
        assert report.recorded == 0
        assert not alert_of(house, report.destination)


def test_what_is_held_or_waits_is_shown_and_is_no_surprise(house: House) -> None:
    # given an order that waits for a person and one that is on its way
    order(house, shipping_address=None)
    house.settle_down()
    assert [one.destination for one in house.hub.ledger.held()] == ["warehouse"]
    order(house)
    house.record()
    # then both are shown with what is known of them, and nobody is woken
    reports = compared(house)
    assert sorted(one.explained.partition(":")[0] for one in reports["warehouse"].differences) == ["held", "waiting"]
    assert reports["warehouse"].clean
    assert alert_of(house, "warehouse") == ""
    # until it has waited for longer than its route may take
    house.clock.sleep(3 * 3600)
    late = compared(house)["warehouse"]
    assert wrong(late) == [("missing", "#1002", "shipment")]
    # and what is held is not pushed past its person
    assert compared(house, repair=True)["warehouse"].repaired == 1
    assert [one.label for one in house.hub.ledger.held()] == ["#1001"]


def test_an_event_that_marketing_lost_is_missing(house: House) -> None:
    act(house, "marketing", "lose_events", count=1)
    order(house)
    house.settle_down()
    assert wrong(compared(house)["marketing"]) == [("missing", "#1001", "placed")]
    assert compared(house, repair=True)["marketing"].repaired == 1
    house.settle_down()
    assert compared(house)["marketing"].clean


def test_a_destination_that_is_down_gives_a_report_that_says_so(house: House) -> None:
    an_honest_week(house)
    act(house, "warehouse", "fault", on="/v2/shipments", times=50)
    reports = compared(house)
    assert reports["warehouse"].problem
    assert not reports["warehouse"].clean
    assert reports["warehouse"].differences == ()
    assert reports["books"].clean
    assert "not compared" in alert_of(house, "warehouse")
    house.vendors["warehouse"].faults.clear()
    assert compared(house)["warehouse"].clean
    assert alert_of(house, "warehouse") == ""


def test_a_paused_destination_is_not_called(house: House) -> None:
    an_honest_week(house)
    house.hub.ledger.pause("books", "the access ended")
    calls = len(house.vendors["books"].calls)
    assert "the access ended" in compared(house)["books"].problem
    assert len(house.vendors["books"].calls) == calls


def test_comparing_writes_nothing_anywhere(house: House) -> None:
    an_honest_week(house)
    states = {name: vendor.state() for name, vendor in house.vendors.items() if name != "alerts"}
    compared(house)
    assert {name: vendor.state() for name, vendor in house.vendors.items() if name != "alerts"} == states


def test_who_cannot_be_compared_is_named(house: House) -> None:
    with pytest.raises(NotConfigured, match="takes no orders"):
        reconcile(house.hub, "shop", ["inventory"])
    with pytest.raises(NotConfigured, match="no route"):
        reconcile(house.hub, "books")
    with pytest.raises(NotConfigured, match="since_days"):
        reconcile(house.hub, "shop", [], 1, 2)


def test_a_hub_that_began_today_has_nothing_to_compare_yet(house: House) -> None:
    def begins(at: float) -> None:
        settings = house.hub.stack.hub.model_copy(update={"start": datetime.fromtimestamp(at, UTC)})
        house.hub.stack = house.hub.stack.model_copy(update={"hub": settings})

    # given a hub that began today, and an order since then
    begins(house.clock())
    order(house)
    house.clock.sleep(60)
    house.settle_down()
    # then there is nothing of yesterday, and one order of today
    assert reconcile(house.hub, "shop") == []
    assert [report.orders for report in reconcile(house.hub, "shop", [], 1, 0)] == [1, 1, 1]
    # and what was created before its start was left out on purpose
    begins(house.clock())
    house.clock.sleep(600)
    assert [report.orders for report in reconcile(house.hub, "shop", [], 1, 0)] == [0, 0, 0]


def test_before_the_first_reading_nothing_is_called_missing(house: House) -> None:
    order(house)
    house.clock.sleep(600)
    assert reconcile(house.hub, "shop", [], 1, 0) == []
    assert not house.hub.ledger.trace("#1001").events
    house.record()
    assert len(reconcile(house.hub, "shop", [], 1, 0)) == 3


def test_it_leaves_live_work_its_share_of_every_budget(house: House) -> None:
    # given vendors that note whether their callers give way
    an_honest_week(house)
    seen: set[tuple[str, bool]] = set()

    class Noting(httpx.BaseTransport):
        def __init__(self, name: str) -> None:
            self.name, self.inner = name, house.vendors[name].transport()

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            seen.add((self.name, self.name in house.hub._patient))
            return self.inner.handle_request(request)

    house.hub._clients.clear()
    house.hub.transports = {name: Noting(name) for name in house.vendors}
    # when all is compared, every call gives way, and nobody does afterwards
    compared(house)
    assert seen == {(name, True) for name in ("shop", "warehouse", "books", "marketing")}
    assert not house.hub._patient


def test_an_event_that_went_with_its_person_is_no_surprise_and_is_not_brought_again(house: House) -> None:
    # given a shopper who was forgotten by marketing and by the log
    order(house)
    house.settle_down()
    marketing: Any = house.vendors["marketing"]
    marketing.account.events.clear()
    assert house.hub.ledger.redact("shop", house.hub.ledger.trace("#1001").subjects)
    report = compared(house, repair=True)["marketing"]
    assert [one.explained.partition(":")[0] for one in report.differences] == ["forgotten"]
    assert (report.clean, report.repaired) == (True, 0)
