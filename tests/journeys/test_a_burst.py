"""A sale brings 5,000 orders to a warehouse that takes 40 calls a minute: what has to leave first goes first."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from commerce.orders import Order
from commerce.promises import HANDLING
from tasks import delivering, steps
from tasks.hub import installed
from tests.builders import NOON, a_fulfilment_order, a_line, an_order, changed
from tests.journeys.house import House
from tests.journeys.test_v1_warehouse import a_v1_house

MANY = 5000
HISTORY = range(1, 21)
BURST = range(10_000, 10_000 + MANY)
LATE = range(20_000, 20_050)

MUG = a_line("MUG-RED")
MODEL = an_order(1, lines=(MUG,), fulfilment_orders=(a_fulfilment_order([MUG], location="Main"),))


def sold(number: int) -> datetime:
    """An order every tenth of a second, two minutes after the hub began."""
    return NOON + timedelta(minutes=3, seconds=number % 10_000 / 10)


def promised(number: int) -> datetime | None:
    """Some moment of the next two weeks; every fifth order is promised for no day."""
    return None if number % 5 == 0 else NOON + timedelta(minutes=number * 7919 % (14 * 24 * 60))


def place_of(house: House) -> str:
    """The first location that has a warehouse."""
    warehouses = house.hub.stack.connections["warehouse"].warehouses  # type: ignore[attr-defined]
    return str(next(iter(warehouses)))


def an_order_for(house: House, number: int, promise: datetime | None, later: timedelta = timedelta()) -> Order:
    """One mug from the main location; `later`, its state so long after it was sold."""
    [route] = MODEL.fulfilment_orders
    at = sold(number)
    return MODEL.model_copy(
        update={
            "id": f"5{number}",
            "number": f"#{number}",
            "fulfilment_orders": (changed(route, location_id=place_of(house), ship_by=promise),),
            "created_at": at,
            "processed_at": at,
            "updated_at": at + later,
        }
    )


def in_turn(promises: dict[int, datetime | None]) -> list[int]:
    """Their numbers, oldest promise first; without one, they are to leave within a day."""
    return sorted(promises, key=lambda number: (promises[number] or sold(number) + HANDLING, sold(number)))


def there(house: House) -> list[int]:
    """What the warehouse got, in the order in which it got it."""
    return [int(one["orderNumber"].lstrip("#")) for one in house.vendors["warehouse"].state()["orders"]]


def test_five_thousand_orders_go_oldest_promise_first_within_the_limit(tmp_path: Path) -> None:
    # given a sale, and some history
    house = a_v1_house(tmp_path, limits=True, pace=True)
    house.clock.sleep(3600)
    ledger, began = house.hub.ledger, house.clock()
    ledger.record_orders("shop", [an_order_for(house, number, NOON) for number in HISTORY], historical=True)
    promises = {number: promised(number) for number in BURST}
    for start in range(0, MANY, 250):
        page = [an_order_for(house, number, promises[number]) for number in BURST[start : start + 250]]
        ledger.record_orders("shop", page)
    # when half of it was brought
    with installed(house.hub):
        for _ in range(25):
            delivering.deliver_batch(house.hub, "warehouse")
    # and more is sold, some of which is to leave at once, and others are promised anew
    half = in_turn(promises)[: MANY // 2]
    left = {number: promises[number] for number in set(promises) - set(half)}
    first, last = in_turn(left)[0], in_turn(left)[-1]
    left |= {first: NOON + timedelta(days=30), last: NOON} | {number: promised(number) for number in LATE}
    news = [an_order_for(house, number, left[number], timedelta(minutes=30)) for number in (first, last)]
    ledger.record_orders("shop", [*news, *(an_order_for(house, number, left[number]) for number in LATE)])
    with installed(house.hub):
        steps.deliver_all("warehouse")
    # then first came the half that had to leave first, then what is left in its turn, and history last
    assert there(house) == [*half, *in_turn(left), *HISTORY]
    # within two minutes, by 52 calls and one look for orders of other stores, of which none was too much
    calls = [call.status for call in house.vendors["warehouse"].calls]
    assert calls == [200] * len(calls)
    assert len(calls) == 52 + 1
    assert house.clock() - began < 120
