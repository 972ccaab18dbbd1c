"""What staff do in ShipStation is its work and no difference, over either version of its API, until goods are amiss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from commerce.audits import Report
from tasks.reconciling import reconcile
from tests.journeys.house import House
from tests.journeys.test_v1_warehouse import a_v1_house
from tests.small_house import a_small_house, order

HATS = [{"sku": "HAT", "quantity": 2, "price": "20.00"}]


@dataclass
class Screens:
    """ShipStation as its staff see it, whichever API the hub uses."""

    house: House
    v1: bool

    def ids(self) -> list[Any]:
        """Everything that is not cancelled, oldest first."""
        rows = self.house.vendors["warehouse"].state()["orders" if self.v1 else "shipments"]
        status, id = ("orderStatus", "orderId") if self.v1 else ("shipment_status", "shipment_id")
        return [row[id] for row in rows if row[status] != "cancelled" and row.get("active", True)]

    def act(self, action: str, id: Any = None, **arguments: Any) -> Any:
        key = "order_id" if self.v1 else "shipment_id"
        given = arguments if id is None else {key: id, **arguments}
        return self.house.vendors["warehouse"].act(action, given)

    def put_together(self, one: Any, other: Any) -> None:
        """Two orders of one person in one box."""
        if self.v1:
            self.act("merge", one, other_id=other)
        else:
            self.act("combine", shipment_ids=[one, other])

    def buy_label(self, id: Any) -> Any:
        return self.act("buy_labels", **{"order_ids" if self.v1 else "shipment_ids": [id]})[0]

    def void(self, label: Any) -> None:
        self.act("void_label", label_id=label)

    def line(self) -> str:
        """The storefront's id of the first line."""
        rows = self.house.vendors["warehouse"].state()["orders" if self.v1 else "shipments"]
        return str(rows[0]["items"][0]["lineItemKey" if self.v1 else "external_order_item_id"])

    def report(self) -> Report:
        """The warehouse compared."""
        self.house.clock.sleep(60)
        return reconcile(self.house.hub, "shop", ["warehouse"], 1, 0)[0]

    def wrong(self) -> list[tuple[str, str, str]]:
        report = self.report()
        assert not report.problem
        return [(one.verdict, one.label, one.found) for one in report.differences if not one.explained]


@pytest.fixture(params=["v2", "v1"])
def screens(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Screens]:
    """An empty house, over each API."""
    v1 = request.param == "v1"
    house = a_v1_house(tmp_path) if v1 else a_small_house(tmp_path)
    yield Screens(house, v1)
    house.hub.close()


def test_pieces_of_a_split_order_are_the_order(screens: Screens) -> None:
    # given two hats, in two boxes
    order(screens.house, lines=HATS)
    screens.house.settle_down()
    [whole] = screens.ids()
    piece = screens.act("split", whole, quantities={screens.line(): 1})
    assert screens.wrong() == []
    # when one box is deleted, half is missing
    screens.act("delete", piece)
    assert screens.wrong() == [("different", "#1001", "1 unit there")]


def test_two_orders_in_one_box_are_both_there(screens: Screens) -> None:
    order(screens.house)
    order(screens.house, lines=HATS)
    screens.house.settle_down()
    screens.put_together(*screens.ids())
    assert screens.wrong() == []


def test_what_has_left_is_right_before_and_after_the_storefront_knows(screens: Screens) -> None:
    # given an order with a label and one that was marked as shipped
    order(screens.house)
    order(screens.house, lines=HATS)
    screens.house.settle_down()
    first, second = screens.ids()
    screens.buy_label(first)
    screens.act("mark_shipped", second, tracking="778")
    assert screens.wrong() == []
    # when the storefront hears of it
    screens.house.clock.sleep(60)
    screens.house.tracking()
    screens.house.settle_down()
    assert screens.wrong() == []


def test_a_label_that_was_taken_back_leaves_the_order_open(screens: Screens) -> None:
    order(screens.house)
    screens.house.settle_down()
    [shipment] = screens.ids()
    screens.void(screens.buy_label(shipment))
    assert screens.wrong() == []


def test_what_staff_cancel_is_missing(screens: Screens) -> None:
    order(screens.house)
    screens.house.settle_down()
    [shipment] = screens.ids()
    screens.act("cancel", shipment)
    assert screens.wrong() == [("missing", "#1001", f"{shipment} is cancelled")]


def test_what_was_made_late_is_asked_for_by_its_key(screens: Screens) -> None:
    # given an order that reached the warehouse days after it was placed
    order(screens.house)
    screens.house.record()
    screens.house.clock.sleep(6 * 86400)
    screens.house.settle_down()
    # then it is found although the window's lists do not show it
    [report] = reconcile(screens.house.hub, "shop", ["warehouse"], 7, 5)
    assert (report.orders, report.expected, report.found) == (1, 1, 1)
    assert report.clean
