"""Orders that are edited up and down, paid and refunded in any order, and called off in the end: to the cent."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.small_house import SMALL_SHOP, a_small_house, order

LINES = [{"sku": "MUG-BLUE", "quantity": 2, "price": "20.00"}, {"sku": "HAT", "quantity": 1, "price": "20.00"}]
BACK = {"lines": [{"line": 0, "quantity": 1, "restock": True}], "shipping": "1.00"}
STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    "three": ("edit", {"quantities": {"0": 3}}),
    "two": ("edit", {"quantities": {"0": 2}}),
    "one": ("edit", {"quantities": {"0": 1}}),
    "refund": ("refund", BACK),
}


@pytest.mark.parametrize("cancelled", [False, True], ids=["kept", "cancelled"])
def test_the_books_say_what_is_left(tmp_path: Path, cancelled: bool) -> None:
    # given orders that go through every three such steps, each paid for what it lacks
    house = a_small_house(tmp_path)
    shop = house.vendors["shop"]
    lives: dict[str, tuple[str, ...]] = {}
    for steps in product(STEPS, repeat=3):
        if steps.count("refund") > 1:
            continue
        number = order(house, lines=LINES)
        lives[number] = steps
        for step in steps:
            action, arguments = STEPS[step]
            shop.act(action, {"order": number, **arguments})
            shop.act("pay", {"order": number})
        if cancelled:
            shop.act("cancel", {"order": number, "refund": True})
    house.clock.sleep(60)
    # when they are brought to the books
    house.record()
    house.deliver("books")
    # then no order waits for a person, and each comes to what is left of it
    assert {one.label: (lives[one.label], one.reason) for one in house.hub.ledger.held()} == {}
    assert [one for one in house.judge(SMALL_SHOP).wrong if one.startswith("books")] == []
