"""What becomes of an order whose person was forgotten before it had left."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.inbox import read_hinted
from tests.journeys.house import House
from tests.small_house import ADDRESS, order
from tests.tasks.test_privacy import NAMES, asks, bought, people_at_klaviyo, remembered, state, subject_of

BLUE_MUG = {"sku": "MUG-BLUE", "title": "Blue mug", "quantity": 1, "price": "25.00", "taxes": []}


@pytest.fixture(params=["the storefront still has her", "the storefront has forgotten her too"])
def forgotten(house: House, request: pytest.FixtureRequest) -> House:
    """Ada's order #1001 was brought everywhere, and she was forgotten before it left."""
    number = bought(house)
    asks(house, "customers/redact", number)
    read_hinted(house.hub)
    assert (state(house), people_at_klaviyo(house)) == ("by hand", [])
    if request.param != "the storefront still has her":
        house.vendors["shop"].act("redact", {"order": "#1001"})
    house.clock.sleep(60)
    return house


def happens(house: House, action: str, **arguments: Any) -> None:
    """Something happens to the order in the storefront, and the hub runs until all of it is brought."""
    house.vendors["shop"].act(action, {"order": "#1001", **arguments})
    house.clock.sleep(5)
    house.settle_down()


def shipments(house: House) -> list[dict[str, Any]]:
    return [one for one in house.vendors["warehouse"].state()["shipments"] if one["shipment_status"] != "cancelled"]


def booked(house: House) -> list[tuple[str, str]]:
    documents = house.vendors["books"].state()["documents"]
    return [(one["kind"], one["TotalAmt"]) for one in documents]


def held(house: House) -> list[tuple[str, str, str]]:
    return [(one.destination, one.label, one.hint) for one in house.hub.ledger.held()]


def nobody_knows_her(house: House) -> bool:
    """Neither marketing nor the hub has a word of her; the warehouse keeps the address that it was given."""
    return people_at_klaviyo(house) == [] and not [name for name in NAMES if name in remembered(house)]


def test_a_cancelled_one_is_called_off_without_anybodys_help(forgotten: House) -> None:
    happens(forgotten, "cancel")
    assert (shipments(forgotten), held(forgotten)) == ([], [])
    assert booked(forgotten) == [("SalesReceipt", "30.00"), ("RefundReceipt", "30.00")]
    assert nobody_knows_her(forgotten)


def test_a_changed_one_waits_for_a_person_in_the_warehouse_alone_and_keeps_its_address_there(forgotten: House) -> None:
    # when a line is added to an order that has not left
    happens(forgotten, "edit", add=[BLUE_MUG])
    happens(forgotten, "pay")
    # then the warehouse has its shipment with the address that it was given, and a person is told why and what to do
    [shipment] = shipments(forgotten)
    assert shipment["ship_to"]["address_line1"] == ADDRESS["address1"]
    assert [item["sku"] for item in shipment["items"]] == ["MUG-RED"]
    [(destination, label, hint)] = held(forgotten)
    assert (destination, label) == ("warehouse", "#1001")
    assert hint.startswith("its person was forgotten")
    assert "see to it in warehouse" in hint
    # and the books have the change, once, and marketing has nobody
    assert booked(forgotten) == [("SalesReceipt", "55.00")]
    assert nobody_knows_her(forgotten)
    # and once the person has seen to it, all is quiet
    forgotten.hub.ledger.dismiss_held([one.id for one in forgotten.hub.ledger.held()], "changed in ShipStation")
    forgotten.settle_down()
    assert held(forgotten) == []


def test_one_that_leaves_is_told_to_the_storefront_and_alarms_nobody(forgotten: House) -> None:
    # when the warehouse ships it
    forgotten.vendors["warehouse"].act("buy_labels", {})
    forgotten.clock.sleep(5)
    forgotten.tracking()
    forgotten.clock.sleep(5)
    forgotten.settle_down()
    # and the order changes once more
    happens(forgotten, "touch")
    happens(forgotten, "refund", lines=[{"line": 0, "quantity": 1}])
    # then the storefront has the parcel's number, once, and nobody believes that the parcel goes to a wrong address
    [bought_one] = forgotten.vendors["shop"].state()["orders"]
    assert len(bought_one["fulfillments"]) == 1
    assert held(forgotten) == []
    assert nobody_knows_her(forgotten)


def test_one_that_the_warehouse_never_had_is_shipped_by_a_person(house: House) -> None:
    # given an order whose person is to be forgotten before the hub has read it
    order(house, note="call before noon")
    number = house.vendors["shop"].state()["orders"][0]["id"].rsplit("/", 1)[-1]
    asks(house, "customers/redact", number, customer=7)
    read_hinted(house.hub)
    # when it is read and brought
    house.settle_down()
    # then nothing can be shipped without an address, and somebody is told that it cannot come any more
    assert shipments(house) == []
    [(destination, _, hint)] = held(house)
    assert (destination, hint.partition(",")[0]) == ("warehouse", "its person was forgotten")
    assert nobody_knows_her(house)
    house.watch()
    [alert] = [
        one.alert for one in house.hub.ledger.open_alerts() if one.alert.fingerprint.startswith("held:warehouse")
    ]
    assert "its person was forgotten" in alert.todo
    assert subject_of(house, "#1001") == f"shop:{number}"
