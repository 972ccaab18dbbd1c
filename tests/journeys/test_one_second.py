"""Many things in one second: storefronts stamp whole ones, so the stamp alone does not say what came last."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from commerce.ports import OrderSource
from tasks.recording import record_orders_by_id
from tests.journeys.house import House
from tests.journeys.test_bad_days import another_hub
from tests.small_house import ADDRESS, SMALL_SHOP, a_small_house, order


def wrong(house: House) -> list[str]:
    """What is not as it should be, apart from stock: nobody tells this shop's inventory app of its orders."""
    return [one for one in house.judge(SMALL_SHOP).wrong if not one.startswith("stock:")]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return a_small_house(tmp_path)


def test_two_readers_that_record_one_second_the_wrong_way_round_end_with_what_is_so(
    house: House, tmp_path: Path
) -> None:
    # given a reader that saw an order of two mugs and is slow to record it
    name = order(house, lines=[{"sku": "MUG-RED", "quantity": 2, "price": "25.00"}])
    number = house.vendors["shop"].state()["orders"][0]["id"].rsplit("/", 1)[-1]
    [slow] = house.hub.playing("shop", OrderSource).orders_by_id([number])
    # and one mug that is refunded within the same second, which another reader sees and records first
    house.vendors["shop"].act("refund", {"order": name, "lines": [{"line": 0, "quantity": 1, "restock": True}]})
    [quick] = house.hub.playing("shop", OrderSource).orders_by_id([number])
    assert quick.orders[0].updated_at == slow.orders[0].updated_at
    record_orders_by_id(another_hub(house, tmp_path).hub, "shop", [number])
    house.hub.ledger.record_orders("shop", slow.orders, asked=house.hub.ledger.moment_now())
    # when the polls go on as ever
    for _ in range(3):
        house.clock.sleep(60)
        house.settle_down()
    # then every place has what is so
    assert wrong(house) == []
    [shipment] = house.vendors["warehouse"].state()["shipments"]
    assert [item["quantity"] for item in shipment["items"]] == [1]


def test_a_change_that_is_undone_within_its_second_is_undone_everywhere(house: House) -> None:
    # given an order that is read, moves, is read again, and moves back, all within one second
    name = order(house)
    house.record()
    for street in ("1 New Street", ADDRESS["address1"]):
        house.vendors["shop"].act("edit", {"order": name, "address": {**ADDRESS, "address1": street}})
        house.orders_everywhere()
    # when the polls go on as ever
    for _ in range(3):
        house.clock.sleep(60)
        house.settle_down()
    # then it goes where the shopper wants it
    [shipment] = house.vendors["warehouse"].state()["shipments"]
    assert shipment["ship_to"]["address_line1"] == ADDRESS["address1"]
    assert wrong(house) == []


def test_fifty_orders_of_one_second_are_read_while_pages_shift(house: House) -> None:
    # given fifty orders of one second, in the middle of which the watermark stands, and a search of short pages
    for _ in range(25):
        order(house)
    house.record()
    for _ in range(25):
        order(house)
    answer, pages = house.vendors["shop"].answer, iter(range(1001, 1051))

    def shifting(request: httpx.Request) -> httpx.Response:
        if b"OrdersChanged" not in request.content:
            return answer(request)
        told = answer(with_body(request, request.content.replace(b"first: 250", b"first: 7")))
        # of which each changes the place of one that was shown, and of one to come
        if number := next(pages, None):
            house.vendors["shop"].act("touch", {"order": f"#{number}", "tag": f"{number}"})
            house.vendors["shop"].act("touch", {"order": f"#{2051 - number}", "tag": f"{number}"})
        return told

    house.vendors["shop"].answer = shifting  # type: ignore[method-assign]
    # when they are read and brought
    for _ in range(3):
        house.clock.sleep(20)
        house.settle_down()
    # then each is everywhere, once
    assert next(pages) > 1010
    assert len(house.vendors["warehouse"].state()["shipments"]) == 50
    assert wrong(house) == []


def with_body(request: httpx.Request, body: bytes) -> httpx.Request:
    """The same request, asking for something else."""
    headers = {name: value for name, value in request.headers.items() if name != "content-length"}
    return httpx.Request(request.method, request.url, headers=headers, content=body)
