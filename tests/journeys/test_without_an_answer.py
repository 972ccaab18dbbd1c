"""Every destination takes a write and its answer is lost: one by one and in bulk, on any try, for a moment or a month.

Each vendor keeps our key in a slot of its own (a unique id, an upsert, a request id, the tracking number itself), and
some forget it after a while. Whatever they do, there is one of everything in the end, as the storefront has it by then.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from commerce.errors import TemporarilyUnavailable
from tasks import delivering
from tests.integrations.hubspot.test_subscribing import add_crm
from tests.journeys.house import House
from tests.journeys.test_v1_warehouse import a_v1_house
from tests.small_house import SMALL_SHOP, a_small_house, order

WRITES = {
    "warehouse": r"POST /v2/shipments ",
    "warehouse over v1": r"POST /orders/createorders ",
    "books": r'POST .*/batch .*"operation"',
    "marketing": r"POST /api/event",
    "crm": r"POST .*/deals/batch/upsert ",
    "shop": r"POST .*fulfillmentCreate",
}
"""The call that makes something, at each place."""

TRIES = {
    "first try": ["dropped"],
    "second try": ["refused", "dropped"],
    "last try": ["refused", "refused", "refused", "dropped"],
    "every try": ["dropped"] * 4,
    "every try, 500": ["500"] * 4,
    "every try, too late": ["late"] * 4,
}
HOUR, DAY = 3600, 24 * 3600


def opened(home: Path, place: str) -> tuple[House, str]:
    """A house with that place in it, and the connection's name."""
    house = a_v1_house(home) if place == "warehouse over v1" else a_small_house(home)
    if place == "crm":
        house.vendors["crm"] = add_crm(house, home)
    return house, place.partition(" ")[0]


def knows_little(house: House, place: str) -> None:
    """Look-ups are a minute and a half behind, and keys are forgotten after a minute."""
    vendor: Any = house.vendors[place.partition(" ")[0]]
    if place == "warehouse":
        vendor.shipments.habits = replace(vendor.shipments.habits, seen_after=90.0)
    if place == "warehouse over v1":
        vendor.lag = 90.0
    if place == "books":
        vendor.habits.set(request_ids_kept=60.0)


def loses_answers(house: House, name: str, write: str, how: list[str]) -> list[str]:
    """The next such writes are refused for now, or taken and answered with 500, too late, or not at all; those that
    were taken."""
    vendor = house.vendors[name]
    answer, left, taken = vendor.answer, list(how), list[str]()

    def answered(request: httpx.Request) -> httpx.Response:
        said = f"{request.method} {request.url.path} {request.content.decode()}"
        if not left or not re.search(write, said, re.DOTALL):
            return answer(request)
        kind = left.pop(0)
        if kind == "refused":
            return httpx.Response(503, text="busy")
        taken.append(kind)
        answer(request)
        if kind == "500":
            return httpx.Response(500, text="Internal Server Error")
        if kind == "late":
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)

    vendor.answer = answered  # type: ignore[method-assign]
    return taken


def one_try(house: House, name: str) -> None:
    """What one run does."""
    house.tracking() if name == "shop" else house.record()
    with suppress(TemporarilyUnavailable):
        delivering.deliver_batch(house.hub, name)


def come_to_rest(house: House, name: str) -> None:
    """Run all routes until nothing is on its way any more."""
    for _ in range(30):
        house.orders_everywhere()
        house.tracking()
        house.deliver(name)
        if not house.on_their_way():
            return
        house.clock.sleep(61)
    raise AssertionError(f"still on their way: {house.hub.ledger.status()}")


def wrong(house: House) -> list[str]:
    """What is not as it should be anywhere; nobody tells this shop's inventory app of its orders."""
    found = [one for one in house.judge(SMALL_SHOP).wrong if not one.startswith("stock:")]
    if "crm" in house.vendors:
        there = Counter(
            (deal["properties"]["dealname"], deal["properties"]["amount"])
            for deal in house.vendors["crm"].state()["deals"]
        )
        truth = Counter((f"Order {one['name']}", one["total"]) for one in house.vendors["shop"].state()["orders"])
        found += [f"crm: {one}" for one in (there - truth) + (truth - there)]
    return found + [f"held: {one.label} {one.reason}" for one in house.hub.ledger.held()]


def sent_wrongly(house: House) -> list[str]:
    """Orders of which the storefront has anything sent but one mug, once."""
    orders = house.vendors["shop"].state()["orders"]
    sent = {one["name"]: [line["quantity"] for each in one["fulfillments"] for line in each["lines"]] for one in orders}
    return [f"{name}: {units}" for name, units in sent.items() if units != [1]]


@pytest.mark.parametrize("many", [1, 60])
@pytest.mark.parametrize("place", WRITES)
@pytest.mark.parametrize("tries", TRIES)
def test_it_is_there_once(tmp_path: Path, place: str, many: int, tries: str) -> None:
    its_story(tmp_path, place, many, TRIES[tries], away=0)


@pytest.mark.parametrize("many", [1, 60])
@pytest.mark.parametrize("place", WRITES)
@pytest.mark.parametrize("away", [25 * HOUR, 31 * DAY], ids=["25 hours", "31 days"])
def test_it_is_there_once_although_the_hub_was_away_until_its_key_may_be_forgotten(
    tmp_path: Path, place: str, many: int, away: int
) -> None:
    its_story(tmp_path, place, many, TRIES["every try"], away=away)


def half_of_each_leaves(house: House) -> None:
    """One mug of each order has a label: what the storefront would send a second time, if it was told so."""
    warehouse = house.vendors["warehouse"]
    made = warehouse.state()["shipments"]
    for one in made:
        line = one["items"][0]["external_order_item_id"]
        warehouse.act("split", {"shipment_id": one["shipment_id"], "quantities": {line: 1}})
    warehouse.act("buy_labels", {"shipment_ids": [one["shipment_id"] for one in made]})
    house.clock.sleep(5)


def its_story(home: Path, place: str, many: int, tries: list[str], *, away: int) -> None:
    """Orders, or parcels of orders, to a place that takes them without our hearing of it."""
    # given orders that wait to be brought
    house, name = opened(home, place)
    knows_little(house, place)
    for _ in range(many):
        order(house, lines=[{"sku": "MUG-RED", "quantity": 2, "price": "25.00"}])
    house.clock.sleep(5)
    if name == "shop":
        come_to_rest(house, "shop")
        half_of_each_leaves(house)
    # when they are taken, and no answer says so
    taken = loses_answers(house, name, WRITES[place], tries)
    one_try(house, name)
    # and meanwhile shoppers give a mug back, so that the next try has something else to say
    house.clock.sleep(away)
    if name != "shop":
        for one in house.vendors["shop"].state()["orders"][::2]:
            give_back = {"line": 0, "quantity": 1, "restock": True}
            house.vendors["shop"].act("refund", {"order": one["name"], "lines": [give_back]})
        house.clock.sleep(5)
    come_to_rest(house, name)
    assert taken
    # then each is there once, as it is now, and nobody got two mails about one parcel
    assert (sent_wrongly(house) if name == "shop" else wrong(house)) == []
    assert house.vendors["shop"].state()["emails_sent"] == (many if name == "shop" else 0)
