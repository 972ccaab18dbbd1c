"""Webhook hints become readings: what they point at is read again, the way the poll does."""

from __future__ import annotations

import pytest

from commerce.ports import Page, Unreadable
from deployments.checking import ensure_webhooks
from integrations.simulator import Fault
from ledger.records import InboxWaiting
from tasks import recording
from tasks.inbox import read_hinted
from tests.builders import an_order
from tests.journeys.house import House
from tests.journeys.test_bad_days import take_in
from tests.small_house import order


@pytest.fixture(autouse=True)
def _subscribed(house: House) -> None:
    ensure_webhooks(house.hub)


def arrive(house: House, connection: str = "shop") -> int:
    """What the vendor has sent so far is taken in; how many."""
    outbox, count = house.vendors[connection].outbox, 0
    while outbox:
        take_in(house, connection, outbox.popleft())
        count += 1
    return count


def left(house: House) -> InboxWaiting:
    """What nobody has read yet."""
    return house.hub.ledger.inbox_waiting()


def test_what_webhooks_point_at_is_recorded_once_however_many_there_are(house: House) -> None:
    # given an order that was announced, changed and announced again
    order(house)
    house.vendors["shop"].act("edit", {"order": "#1001", "quantities": {"0": 2}})
    assert arrive(house) > 3
    # when they are read
    tally, read = read_hinted(house.hub)
    # then the order was read once, as it is now
    assert (tally.counts["recorded"], tally.counts["read"], read) == (1, 1, ["shop"])
    [known] = house.hub.ledger.latest("shop", "order")
    assert known["lines"][0]["quantity"] == 2
    assert left(house).count == 0
    # and the poll finds nothing new
    assert house.record().counts["recorded"] == 0


def test_an_old_hint_changes_nothing(house: House) -> None:
    order(house)
    arrive(house)
    read_hinted(house.hub)
    house.vendors["shop"].act("redeliver", {"count": 1})
    house.clock.sleep(40 * 24 * 3600)
    house.hub.ledger.prune()
    arrive(house)
    assert read_hinted(house.hub)[0].counts["recorded"] == 0


def test_a_hint_of_an_order_that_is_gone_is_done(house: House) -> None:
    house.hub.ledger.store_hint("shop", "1", "orders/delete", [{"topic": "order", "id": "999999"}])
    tally, _ = read_hinted(house.hub)
    assert (tally.counts["hints"], tally.counts["read"], left(house).count) == (1, 0, 0)


def test_a_label_brings_its_parcel(house: House) -> None:
    order(house)
    arrive(house)
    read_hinted(house.hub)
    house.deliver("warehouse")
    house.vendors["warehouse"].act("subscribe", {"url": "http://127.0.0.1:8720/hooks/warehouse"})
    house.vendors["warehouse"].act("buy_labels", {})
    arrive(house, "warehouse")
    tally, read = read_hinted(house.hub)
    assert (tally.counts["recorded"], read) == (1, ["warehouse"])
    assert house.deliver("shop").counts["done"] == 1


def test_a_vendor_that_is_down_keeps_its_hints_and_the_others_go_on(house: House) -> None:
    # given hints of two vendors, one of which does not answer
    order(house)
    arrive(house)
    house.hub.ledger.store_hint("warehouse", "1", "label_created_v2", [{"topic": "parcel", "id": ""}])
    house.vendors["shop"].faults.append(Fault(on="graphql", times=99))
    tally, read = read_hinted(house.hub)
    # then the other one's are done
    assert (read, tally.counts["retry"], left(house).count) == (["warehouse"], 2, 2)
    assert "shopify" in tally.rows[0]["why"]
    # and a minute later nothing is lost
    house.vendors["shop"].faults.clear()
    assert read_hinted(house.hub)[1] == []
    house.clock.sleep(61)
    tally, read = read_hinted(house.hub)
    assert (tally.counts["recorded"], read, left(house).count) == (1, ["shop"], 0)


def test_code_that_breaks_stops_its_own_connection_only(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.hub.ledger.store_hint("shop", "1", "orders/create", [{"topic": "order", "id": "1"}])
    house.hub.ledger.store_hint("warehouse", "1", "label_created_v2", [{"topic": "parcel", "id": ""}])

    def breaks(ids: object) -> None:
        raise KeyError("ada@example.com")

    monkeypatch.setattr(house.hub.client("shop"), "orders_by_id", breaks)
    tally, read = read_hinted(house.hub)
    assert (read, left(house).count) == (["warehouse"], 1)
    assert "KeyError at tasks/test_inbox.py:" in tally.rows[0]["why"]
    assert "ada@example.com" not in str(tally.rows)


def test_a_refused_credential_pauses_and_its_hints_wait(house: House) -> None:
    order(house)
    arrive(house)
    house.vendors["shop"].faults.append(Fault(status=403, on="graphql", times=99))
    read_hinted(house.hub)
    assert [pause.connection for pause in house.hub.ledger.paused()] == ["shop"]
    assert len(house.vendors["alerts"].state()["messages"]) == 1
    # given it is fixed, they are read after the connection goes on, not before
    house.vendors["shop"].faults.clear()
    house.clock.sleep(3600)
    assert read_hinted(house.hub)[1] == []
    house.hub.ledger.resume("shop")
    assert read_hinted(house.hub)[1] == ["shop"]


def test_a_document_that_somebody_deleted_is_told_and_not_posted_again(house: House) -> None:
    # given a posted order
    order(house)
    arrive(house)
    read_hinted(house.hub)
    house.deliver("books")
    # when somebody deletes it in the books
    document = house.hub.ledger.trace("#1001").bindings["books"].vendor_id
    for event in ("books-1", "books-2"):
        hint = {"topic": "document", "id": document, "action": "salesreceipt.deleted"}
        house.hub.ledger.store_hint("books", event, "document", [hint])
    tally, _ = read_hinted(house.hub)
    # then that is told once, and the hub does nothing
    assert tally.counts["removed"] == 2
    [message] = house.vendors["alerts"].state()["messages"]
    assert "a document of ours was deleted" in str(message)
    assert house.deliver("books").claimed == 0


def test_a_document_that_is_not_ours_is_nobodys_business(house: House) -> None:
    hint = {"topic": "document", "id": "4711", "action": "salesreceipt.deleted"}
    house.hub.ledger.store_hint("books", "1", "document", [hint])
    tally, _ = read_hinted(house.hub)
    assert (tally.counts["removed"], left(house).count) == (0, 0)
    assert house.vendors["alerts"].state()["messages"] == []


def test_a_parcel_that_cannot_be_read_is_held_as_a_parcel(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a page of parcels with nothing but one that cannot be read
    bad = Unreadable(subject="warehouse:label-1", label="label-1", reason="no tracking number")
    pages = iter([Page(unreadable=(bad,), watermark=house.clock.moment())])
    monkeypatch.setattr(house.hub.client("warehouse"), "changed_parcels", lambda since: pages)
    assert recording.record_changed_parcels(house.hub, "warehouse").counts["unreadable"] == 1
    # when it is released
    assert house.hub.ledger.release_held() == 1
    # then it is the parcels that are read again
    [row] = house.hub.ledger.take_hints(10, lease=0)
    assert row.hints == [{"topic": "parcel", "id": "label-1", "action": "released"}]


def test_many_hints_are_read_handful_by_handful(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def by_id(ids: list[str]) -> list[Page]:
        asked.append(len(ids))
        return [Page(orders=tuple(an_order(number) for number in ids))]

    monkeypatch.setattr(house.hub.client("shop"), "orders_by_id", by_id)
    for number in range(300):
        house.hub.ledger.store_hint("shop", f"{number}", "orders/create", [{"topic": "order", "id": f"{number}"}])
    tally, _ = read_hinted(house.hub)
    assert (asked, tally.counts["hints"], tally.counts["recorded"]) == ([250, 50], 300, 300)


def test_an_app_that_was_uninstalled_pauses_the_storefront_at_once_and_is_told(house: House) -> None:
    # given a merchant who removes the app, of which Shopify's last webhook tells
    house.vendors["shop"].act("uninstall", {})
    assert arrive(house) == 1
    # when it is read
    read_hinted(house.hub)
    # then the connection is paused, and people know, before any poll has failed
    assert [pause.connection for pause in house.hub.ledger.paused()] == ["shop"]
    assert any("shop" in str(message) for message in house.vendors["alerts"].state()["messages"])


def test_an_old_word_of_an_uninstalled_app_stops_nothing(house: House) -> None:
    house.hub.ledger.store_hint("shop", "1", "app/uninstalled", [{"topic": "access", "id": "", "action": "x"}])
    order(house)
    tally, read = read_hinted(house.hub)
    assert (tally.counts["recorded"], read, house.hub.ledger.paused()) == (1, ["shop"], [])
