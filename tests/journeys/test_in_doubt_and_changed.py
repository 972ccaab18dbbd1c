"""An order that changes while nobody knows what became of a try: whatever the try has made is found, also where the
order no longer leads to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from commerce.errors import HubError
from integrations.simulator import Simulator
from tasks import delivering
from tests.journeys.house import House
from tests.journeys.test_without_an_answer import (
    WRITES,
    come_to_rest,
    knows_little,
    loses_answers,
    one_try,
    opened,
    wrong,
)
from tests.small_house import order

TWO_LINES = [{"sku": sku, "quantity": 2, "price": "25.00"} for sku in ("MUG-RED", "MUG-BLUE")]


def moves(shop: Any, number: str) -> None:
    """What East was to ship is shipped from Main after all."""
    one = next(each for each in shop.store.order(number).fulfillment_orders if each.location.name == "East")
    one.location, one.updated = shop.store.location("Main"), shop.moment()
    shop.changed(one.order, ("fulfillment_orders/moved", one))


def is_refunded(shop: Any, number: str) -> None:
    shop.act("refund", {"order": number, "lines": [{"line": 1, "quantity": 2, "restock": True}]})


def is_cancelled(shop: Any, number: str) -> None:
    shop.act("cancel", {"order": number})


def is_held(shop: Any, number: str) -> None:
    shop.act("hold", {"order": number})


CHANGES = [moves, is_refunded, is_cancelled, is_held]


def packed_wrongly(house: House) -> list[str]:
    """Labels of what is on hold, once the warehouse has packed all it knows."""
    house.vendors["warehouse"].act("buy_labels", {})
    held = [one["name"] for one in house.vendors["shop"].state()["orders"] if one["on_hold"]]
    return [f"{held[0]} left: {one['tracking']}" for one in labels(house)] if held else []


def labels(house: House) -> list[dict[str, str]]:
    state = house.vendors["warehouse"].state()
    return [{"tracking": str(one.get("tracking_number") or one.get("trackingNumber"))} for one in state["labels"]]


@pytest.mark.parametrize("place", ["warehouse", "warehouse over v1"])
@pytest.mark.parametrize(("known", "change"), [(False, moves), *((True, change) for change in CHANGES)])
def test_a_shipment_of_a_second_place_is_found(
    tmp_path: Path, place: str, known: bool, change: Callable[[Any, str], None]
) -> None:
    # given an order of which East ships a part, whose shipment there is made without an answer and is shown late
    house, name = opened(tmp_path, place)
    knows_little(house, place)
    shop = house.vendors["shop"]
    number = order(house, lines=TWO_LINES)
    house.clock.sleep(5)
    if known:
        come_to_rest(house, name)
        house.clock.sleep(120)
    shop.act("move", {"order": number, "to": "East", "parts": {"MUG-BLUE": 2}})
    house.clock.sleep(5)
    taken = loses_answers(house, name, WRITES[place], ["dropped"] * 4)
    one_try(house, name)
    assert taken
    # when the order changes before the next try
    change(shop, number)
    house.clock.sleep(2)
    come_to_rest(house, name)
    # then what waits in the warehouse is what the storefront asks for, and nothing else
    assert packed_wrongly(house) == [] if change is is_held else wrong(house) == []


@pytest.mark.parametrize("place", ["warehouse", "warehouse over v1"])
def test_an_order_that_has_to_be_paid_once_more_is_not_forgotten(tmp_path: Path, place: str) -> None:
    # given a new order that was taken without an answer, and that an edit makes dearer
    house, name = opened(tmp_path, place)
    shop = house.vendors["shop"]
    number = order(house, lines=TWO_LINES)
    house.clock.sleep(5)
    taken = loses_answers(house, name, WRITES[place], ["dropped"] * 4)
    one_try(house, name)
    assert taken
    shop.act("edit", {"order": number, "quantities": {"0": 3}})
    house.clock.sleep(2)
    come_to_rest(house, name)
    # when it is paid, and held back
    shop.act("pay", {"order": number})
    shop.act("hold", {"order": number})
    house.clock.sleep(2)
    come_to_rest(house, name)
    # then nothing of it leaves
    assert packed_wrongly(house) == []


def test_a_receipt_of_an_order_that_has_to_be_paid_once_more_is_not_forgotten(tmp_path: Path) -> None:
    # given books that give their own numbers and are not asked before a posting, and an order that was posted unheard
    house, name = opened(tmp_path, "books")
    frugal = house.hub.stack.connection(name).model_copy(update={"look_before_posting": False})
    house.hub.stack = house.hub.stack.model_copy(update={"connections": {**house.hub.stack.connections, name: frugal}})
    house.hub._clients.clear()
    house.vendors[name].act("preferences", {"custom_numbers": False, "duplicate_warning": False})
    number = order(house, lines=TWO_LINES)
    house.clock.sleep(5)
    taken = loses_answers(house, name, WRITES[name], ["dropped"] * 4)
    one_try(house, name)
    assert taken
    # when an edit makes it dearer, which is no sale before it is paid, a day later
    house.vendors["shop"].act("edit", {"order": number, "quantities": {"0": 3}})
    house.clock.sleep(60)
    come_to_rest(house, name)
    assert [one["TotalAmt"] for one in house.vendors[name].state()["documents"]] == ["105.00"]
    house.clock.sleep(90_000)
    house.vendors["shop"].act("pay", {"order": number})
    house.clock.sleep(5)
    come_to_rest(house, name)
    # then the receipt that is there is corrected
    assert wrong(house) == []


def ends_in_the_middle(vendor: Simulator, on: str, answers: dict[int, httpx.Response]) -> None:
    """Of the calls that look like `on`, those with these numbers are answered so, and not done."""
    answer, numbers = vendor.answer, count(1)

    def answered(request: httpx.Request) -> httpx.Response:
        said = f"{request.method} {request.url.path} {request.content.decode()}"
        odd = answers.get(next(numbers)) if re.search(on, said, re.DOTALL) else None
        return odd or answer(request)

    vendor.answer = answered  # type: ignore[method-assign]


SLOW_DOWN = httpx.Response(429, headers={"retry-after": "60"}, json={})
REFUSED = httpx.Response(401, json={})


@pytest.mark.parametrize("no", [SLOW_DOWN, REFUSED], ids=["throttled", "refused"])
def test_half_of_a_new_order_is_held_back_with_the_order(tmp_path: Path, no: httpx.Response) -> None:
    # given an order for two places, whose call is refused as a whole, and of whose halves only the first gets through
    house, name = opened(tmp_path, "warehouse")
    number = order(house, lines=TWO_LINES)
    house.vendors["shop"].act("move", {"order": number, "to": "East", "parts": {"MUG-BLUE": 2}})
    house.clock.sleep(5)
    house.record()
    refusal = {"errors": [{"error_type": "validation", "error_code": "invalid_field_value", "message": "no"}]}
    ends_in_the_middle(house.vendors[name], WRITES["warehouse"], {1: httpx.Response(400, json=refusal), 3: no})
    with suppress(HubError):
        delivering.deliver_batch(house.hub, name)
    assert len(house.vendors[name].state()["shipments"]) == 1
    # when the order is put on hold
    house.hub.ledger.resume(name)
    is_held(house.vendors["shop"], number)
    house.clock.sleep(90)
    come_to_rest(house, name)
    # then nothing of it leaves
    assert packed_wrongly(house) == []


AFTERWARDS = {"crm": "POST /crm/v4/associations", "books": r'POST .*/batch .*"operation".*"RefundReceipt"'}
"""The call that follows the one that changes something."""


@pytest.mark.parametrize("no", [SLOW_DOWN, REFUSED], ids=["throttled", "refused"])
@pytest.mark.parametrize("place", AFTERWARDS)
def test_a_change_that_was_brought_in_part_and_then_undone_is_undone_there(
    tmp_path: Path, place: str, no: httpx.Response
) -> None:
    # given an order that is there, then an edit and a refund, of which only the edit gets through
    house, name = opened(tmp_path, place)
    shop = house.vendors["shop"]
    number = order(house, lines=[{"sku": "MUG-RED", "quantity": 2, "price": "25.00"}])
    house.clock.sleep(5)
    house.record()
    house.deliver(name)
    shop.act("edit", {"order": number, "quantities": {"0": 3}})
    shop.act("pay", {"order": number})
    if place == "books":
        shop.act("refund", {"order": number, "shipping": "5.00"})
    house.clock.sleep(5)
    house.record()
    odd = dict.fromkeys(range(1, 9), no)
    ends_in_the_middle(house.vendors[name], AFTERWARDS[place], odd)
    with suppress(HubError):
        delivering.deliver_batch(house.hub, name)
    # when the edit is undone before the next try
    shop.act("edit", {"order": number, "quantities": {"0": 2}})
    house.clock.sleep(90)
    odd.clear()
    house.hub.ledger.resume(name)
    come_to_rest(house, name)
    # then what is there is what is so
    assert wrong(house) == []
