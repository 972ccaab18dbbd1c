"""`backroom replay`, over all the real destinations: sent again, once or twice, nothing changes there."""

from __future__ import annotations

import pytest

from commerce.errors import HubError, NotConfigured
from deployments.replaying import replay_to
from integrations.simulator import Fault
from tests.journeys.house import House
from tests.small_house import order

KEYS = {
    "warehouse": ("shipments", "external_shipment_id"),
    "books": ("documents", "DocNumber"),
    "marketing": ("events", "unique_id"),
}
"""Where each vendor keeps what we brought, and our key there."""


def landed(house: House, name: str) -> list[str]:
    """Our keys of everything that the vendor holds."""
    kept, key = KEYS[name]
    return sorted(str(one[key]) for one in house.vendors[name].state()[kept])


@pytest.mark.parametrize("name", KEYS)
def test_a_replay_sends_again_and_twice_changes_nothing(house: House, name: str) -> None:
    # given two orders that are everywhere
    order(house)
    order(house, lines=[{"sku": "HAT", "quantity": 2, "price": "20.00"}])
    house.settle_down()
    before = landed(house, name)
    assert len(before) >= 2
    for _ in range(2):
        calls = len(house.vendors[name].calls)
        # when they are brought again
        assert replay_to(name, None, ["#1001", "#1002"], hub=house.hub) == 2
        house.settle_down()
        # then the vendor was asked, and holds what it held
        assert len(house.vendors[name].calls) > calls
        assert landed(house, name) == before


def documents(house: House) -> list[tuple[str, str]]:
    """Number and amount of everything in the books."""
    return sorted((one["DocNumber"], str(one["TotalAmt"])) for one in house.vendors["books"].state()["documents"])


def test_a_replay_posts_again_what_is_gone_and_corrects_what_was_changed(house: House) -> None:
    # given three receipts and a refund, of which a bookkeeper deleted two and changed one
    for _ in range(3):
        order(house)
    house.settle_down()
    house.vendors["shop"].act("refund", {"order": "#1001", "lines": [{"line": 0, "quantity": 1}]})
    house.clock.sleep(60)
    house.settle_down()
    right = documents(house)
    ids = {one["DocNumber"]: one["Id"] for one in house.vendors["books"].state()["documents"]}
    assert sorted(ids) == ["R-1001-1", "S-1001", "S-1002", "S-1003"]
    for number in ("R-1001-1", "S-1002"):
        house.vendors["books"].act("delete_document", {"id": ids[number]})
    house.vendors["books"].act("edit_document", {"id": ids["S-1003"], "amount": "5.00"})
    # when the orders are brought again, and once more
    for _ in range(2):
        assert replay_to("books", None, ["#1001", "#1002", "#1003"], hub=house.hub) == 3
        house.settle_down()
        # then each document is there once, with its amount, and what was right is the same as before
        assert documents(house) == right
    now = {one["DocNumber"]: one["Id"] for one in house.vendors["books"].state()["documents"]}
    assert (now["S-1001"], now["S-1003"]) == (ids["S-1001"], ids["S-1003"])
    # and what is deleted a second time is posted a second time, although QuickBooks knows our request
    house.vendors["books"].act("delete_document", {"id": now["S-1002"]})
    replay_to("books", None, ["#1002"], hub=house.hub)
    house.settle_down()
    assert documents(house) == right
    assert house.hub.ledger.held() == []


def test_what_a_bookkeeper_deleted_stays_deleted_unless_somebody_asks(house: House) -> None:
    # given a receipt that somebody deleted, and a refund whose posting gets no answer
    order(house)
    house.settle_down()
    [receipt] = house.vendors["books"].state()["documents"]
    house.vendors["books"].act("delete_document", {"id": receipt["Id"]})
    house.vendors["shop"].act("refund", {"order": "#1001", "lines": [{"line": 0, "quantity": 1}]})
    house.clock.sleep(60)
    house.vendors["books"].faults = [Fault(kind="drop_after", on="/batch", times=4)]
    house.record()
    assert house.deliver("books").counts["unknown"] == 1
    # when the doubt is over
    house.settle_down()
    # then the refund is there once, and the receipt is not posted again
    assert [number for number, _ in documents(house)] == ["R-1001-1"]


def test_a_replay_that_finds_the_books_down_proves_nothing(house: House) -> None:
    # given a receipt that is gone, and books that cannot be asked
    order(house)
    house.settle_down()
    [receipt] = house.vendors["books"].state()["documents"]
    house.vendors["books"].act("delete_document", {"id": receipt["Id"]})
    replay_to("books", None, ["#1001"], hub=house.hub)
    house.vendors["books"].act("fault", {"on": "/query", "times": 8})
    assert house.deliver("books").counts["unchanged"] == 0
    # then it still waits, and is posted when they can
    assert documents(house) == []
    house.vendors["books"].faults.clear()
    house.settle_down()
    assert [number for number, _ in documents(house)] == ["S-1001"]


def test_a_replay_needs_a_route_and_a_choice(house: House) -> None:
    with pytest.raises(NotConfigured, match="gets nothing from the log"):
        replay_to("inventory", None, ["#1001"], hub=house.hub)
    with pytest.raises(NotConfigured, match="since when"):
        replay_to("warehouse", None, None, hub=house.hub)
    with pytest.raises(HubError, match="nothing about '#77'"):
        replay_to("warehouse", None, ["#77"], hub=house.hub)
