"""A storefront that is connected inside ShipStation as well: its orders are there already, and must not be doubled."""

from __future__ import annotations

from typing import Any

import pytest

from commerce.orders import Order
from commerce.outcomes import Done, Held
from tests.builders import an_address, an_order
from tests.integrations.shipstation.conftest import EAST, World


def imports(world: World, order: Order, **fields: Any) -> str:
    """ShipStation's own connection to the storefront brings the order in."""
    address = order.ship_to
    assert address is not None
    to = {
        "name": address.name,
        "phone": address.phone,
        "address_line1": address.line1,
        "city_locality": address.city,
        "state_province": address.province_code,
        "postal_code": address.postal_code,
        "country_code": address.country,
        "address_residential_indicator": "unknown",
    }
    items = [
        {"name": line.title, "sku": line.sku, "quantity": line.quantity, "order_source_code": "shopify"}
        for line in order.lines
    ]
    shipment = {
        "warehouse_id": EAST,
        "shipment_number": order.number.lstrip("#"),
        "store_id": "se-77",
        "order_source_code": "shopify",
        "ship_to": to,
        "items": items,
        **fields,
    }
    return world.sim.do_type_in(shipment)


EVIDENCE: dict[str, dict[str, Any]] = {
    "by its address": {},
    "by its id": {"external_order_id": "51001"},
    "with another number form": {"shipment_number": "#1001"},
}


@pytest.mark.parametrize("fields", EVIDENCE.values(), ids=EVIDENCE.keys())
@pytest.mark.parametrize("unique", [True, False])
def test_an_order_that_the_storefront_brought_itself_is_held(fields: dict[str, Any], unique: bool) -> None:
    # given an order that is there through ShipStation's own connection
    world = World(unique_numbers=unique)
    there = imports(world, an_order(1001), **fields)
    # when the hub brings it too, beside one that is not there
    first, second = world.deliver(an_order(1001), an_order(1002))
    # then it is not doubled, and people are told what to do
    assert isinstance(first, Held)
    assert first.cause == "imported_by_shipstation"
    assert there in first.reason
    assert "Selling Channels" in first.hint
    assert isinstance(second, Done)
    assert len(world.shipments) == 2


@pytest.mark.parametrize("unique", [True, False])
def test_another_shops_order_with_the_same_number_is_none_of_it(unique: bool) -> None:
    world = World(unique_numbers=unique)
    imports(world, an_order(1001, ship_to=an_address(line1="9 Other Road", postal_code="10001")))
    (outcome,) = world.deliver(an_order(1001))
    assert isinstance(outcome, Done)
    assert len(world.shipments) == 2


def test_a_number_that_is_taken_by_an_import_is_looked_at_even_when_none_was_expected(world: World) -> None:
    # given an account without imports, which was looked at a moment ago
    world.deliver(an_order(1000))
    # when the storefront is connected there
    imports(world, an_order(1001))
    (outcome,) = world.deliver(an_order(1001))
    assert isinstance(outcome, Held)
    assert outcome.cause == "imported_by_shipstation"


def test_an_account_without_imports_is_looked_at_once_an_hour(world: World) -> None:
    for n in range(5):
        world.deliver(an_order(1000 + n))
    assert world.sim.do_calls() == {"GET 200": 1, "POST 200": 5}
    world.time.now += 3600
    world.deliver(an_order(1100))
    assert world.sim.do_calls() == {"GET 200": 2, "POST 200": 6}


def test_the_check_says_that_orders_come_from_elsewhere(world: World) -> None:
    world.connect(fallback_phone="+1 555 0100")
    world.deliver(an_order(1000))
    assert all(finding.ok for finding in world.shipstation.check())
    imports(world, an_order(1001))
    (finding,) = [each for each in world.shipstation.check() if not each.ok]
    assert finding.subject == "selling channels"
    assert "1 of the newest 100 shipments come from elsewhere (store se-77)" in finding.message
    assert "Selling Channels" in finding.hint
