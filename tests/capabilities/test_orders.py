"""What an order may go through between the storefront, the warehouse and the books."""

from __future__ import annotations

from typing import Any

import pytest

from commerce.orders import Financial
from commerce.outcomes import Done, Held
from commerce.ports import Destination
from tasks import delivering
from tasks.recording import record_changed_parcels
from tests.builders import a_line, a_refund, a_refund_line, a_tax, after, an_order, changed
from tests.integrations.quickbooks.conftest import World
from tests.journeys.house import House
from tests.small_house import ADDRESS, order

TWO_MUGS = [{"sku": "MUG-RED", "quantity": 2, "price": "25.00"}]


def shipments(house: House) -> list[dict[str, Any]]:
    """What the warehouse has and nobody cancelled."""
    return [one for one in house.vendors["warehouse"].state()["shipments"] if one["shipment_status"] != "cancelled"]


def units(shipment: dict[str, Any]) -> dict[str, int]:
    """Units by SKU."""
    return {item["sku"]: item["quantity"] for item in shipment["items"]}


def bring(house: House, destination: str = "warehouse") -> dict[str, int]:
    """A second goes by, orders are read, and one destination gets them; counts by outcome."""
    house.clock.sleep(1)
    house.record()
    return dict(house.deliver(destination).counts)


def story(house: House, label: str, destination: str) -> list[tuple[str, str]]:
    """What the trace says became of the order at one destination: outcome and reason."""
    history = house.hub.ledger.trace(label).history
    return [(line.outcome, line.reason) for line in history if line.destination == destination]


@pytest.mark.parametrize("hold", ["HIGH_RISK_OF_FRAUD", "INCORRECT_ADDRESS"])
def test_what_is_on_hold_stays_out_of_the_warehouse_until_it_is_released(house: House, hold: str) -> None:
    # given an order that the storefront holds, for fraud or for its address
    name = order(house, lines=TWO_MUGS)
    house.vendors["shop"].act("hold", {"order": name, "reason": hold})
    # when the route runs again and again
    for _ in range(3):
        bring(house)
    # then nothing of it is there, not even an empty shipment, and the trace says why
    assert house.vendors["warehouse"].state()["shipments"] == []
    assert story(house, name, "warehouse") == [("skipped", f"on hold: {hold.lower()}")]
    # and when it is released, all of it is
    house.vendors["shop"].act("release", {"order": name})
    bring(house)
    assert [units(one) for one in shipments(house)] == [{"MUG-RED": 2}]


@pytest.mark.parametrize("payment", ["pending", "authorized"])
def test_what_is_not_paid_stays_out_of_the_warehouse_until_it_is(house: House, payment: str) -> None:
    # given an order whose money is not in
    name = order(house, lines=TWO_MUGS, payment=payment)
    bring(house)
    assert house.vendors["warehouse"].state()["shipments"] == []
    assert story(house, name, "warehouse") == [("skipped", "waiting for payment")]
    # when it comes, then all of it is there
    house.vendors["shop"].act("pay", {"order": name})
    bring(house)
    assert [units(one) for one in shipments(house)] == [{"MUG-RED": 2}]


def test_an_order_edited_after_it_was_exported_is_edited_in_the_warehouse(house: House) -> None:
    # given an order that the warehouse has
    name = order(house, lines=TWO_MUGS)
    bring(house)
    [before] = shipments(house)
    # when a mug goes, a hat comes, the shopper moves, and is in a hurry
    hat = {"sku": "HAT", "quantity": 1, "price": "20.00"}
    house.vendors["shop"].act("edit", {"order": name, "quantities": {"0": 1}, "add": [hat]})
    house.vendors["shop"].act("edit", {"order": name, "address": {**ADDRESS, "address1": "1 New Street"}})
    house.vendors["shop"].store.orders_by_name[name].shipping[0].title = "Express"  # type: ignore[attr-defined]
    bring(house)
    # then the same shipment says so
    [shipment] = shipments(house)
    assert shipment["shipment_id"] == before["shipment_id"]
    assert units(shipment) == {"MUG-RED": 1, "HAT": 1}
    assert shipment["ship_to"]["address_line1"] == "1 New Street"
    assert (before["requested_shipment_service"], shipment["requested_shipment_service"]) == ("Standard", "Express")


def test_a_run_that_dies_after_it_told_the_storefront_mails_nobody_twice(house: House) -> None:
    # given two parcels that the log has
    for _ in range(2):
        order(house)
    bring(house)
    house.vendors["warehouse"].act("buy_labels", {})
    house.clock.sleep(5)
    record_changed_parcels(house.hub, "warehouse")
    # and a run that tells the storefront of them, and dies before it can write that down
    claim = house.hub.ledger.claim("shop", limit=10)
    told = list(house.hub.playing("shop", Destination).deliver(claim.items))
    assert [outcome.state for _, outcome in told] == ["done", "done"]
    # when its lease has ended and the route runs twice more
    house.clock.sleep(delivering.LEASE + 1)
    for _ in range(2):
        house.tracking()
    # then each order has one fulfilment, and each shopper one mail
    state = house.vendors["shop"].state()
    assert [len(one["fulfillments"]) for one in state["orders"]] == [1, 1]
    assert state["emails_sent"] == 2


def test_a_refund_of_a_sale_in_a_closed_month_is_posted_in_the_month_in_which_it_was_made() -> None:
    # given a sale of November in the books, which were closed since
    world = World()
    mug = a_line("MUG-RED", 2)
    world.deliver(an_order(lines=(mug,)))
    world.sim.do_close_books("2026-11-30")
    # when a mug is given back in December
    refund = a_refund(a_refund_line(mug, 1), at=after(days=15))
    back = an_order(
        lines=(changed(mug, current=1),),
        refunds=(refund,),
        financial=Financial.PARTIALLY_REFUNDED,
        updated_at=after(days=15),
    )
    (outcome,) = world.deliver(back)
    # then December has it, and November is as it was
    assert isinstance(outcome, Done)
    assert [(one["TxnDate"], one["TotalAmt"]) for one in world.documents("RefundReceipt")] == [("2026-12-05", "19.90")]
    assert [(one["TxnDate"], one["SyncToken"]) for one in world.documents("SalesReceipt")] == [("2026-11-20", "0")]


def test_a_tax_that_nobody_mapped_holds_the_orders_that_have_it_and_no_other() -> None:
    # given books in which only one state's tax has its own item
    world = World()
    world.connect(unmapped_tax="hold", tax_items={"CA State Tax": "California tax"})

    def taxed(number: int, title: str) -> Any:
        return an_order(number, lines=(a_line("MUG-RED", 1, taxes=(a_tax("1.00", title=title),)),))

    # when orders with its tax and with two others come
    outcomes = world.deliver(taxed(1001, "CA State Tax"), taxed(1002, "NY State Tax"), taxed(1003, "Oz County Tax"))
    # then what is mapped is posted, and the others say which order lacks which tax, before anything was sent
    assert isinstance(outcomes[0], Done)
    held = [one for one in outcomes if isinstance(one, Held)]
    assert {one.cause for one in held} == {"unmapped_tax"}
    assert ["#1002" in held[0].reason, "NY State Tax" in held[0].reason] == [True, True]
    assert ["#1003" in held[1].reason, "Oz County Tax" in held[1].reason] == [True, True]
    assert list(world.totals()) == ["S-1001"]
