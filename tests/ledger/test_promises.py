"""Work is claimed live before history and oldest promise first, over all batches, whatever changes meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commerce.orders import Order
from commerce.promises import HANDLING
from ledger import Ledger
from tests.builders import NOON, a_fulfilment_order, a_line, a_parcel, after, an_order, changed
from tests.ledger.contract import ENGINES, Clock, a_file, done, emptied

TEA = a_line("TEA")


@pytest.fixture
def hub(ledger):
    """A ledger with a warehouse that keeps state and a marketing tool that keeps events."""
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    ledger.subscribe("marketing", "shop", ["order"], "events", live_from=NOON)
    return ledger


def due(number: int, days: float | None, **fields: Any) -> Order:
    """An order that has to leave in so many days; None: its storefront names no day."""
    promise = None if days is None else after(days=days)
    return an_order(number, lines=(TEA,), fulfilment_orders=(a_fulfilment_order([TEA], ship_by=promise),), **fields)


def left(order: Order, **fields: Any) -> Order:
    """All of it has left."""
    over = tuple(changed(each, status="closed") for each in order.fulfilment_orders)
    return changed(order, fulfilment="fulfilled", fulfilment_orders=over, **fields)


def later(order: Order, minutes: float, **fields: Any) -> Order:
    """Its state some minutes after noon."""
    return changed(order, updated_at=after(minutes=minutes), note=f"{minutes}", **fields)


def drained(ledger: Ledger, name: str, limit: int = 2) -> list[int]:
    """The numbers of the orders in the order in which they are claimed, batch by batch."""
    found: list[int] = []
    while (claim := ledger.claim(name, limit=limit)).items:
        found += [int(item.newest.data["number"].lstrip("#")) for item in claim.items]
        ledger.settle(claim, [(item, done()) for item in claim.items])
    return found


@pytest.mark.parametrize("name", ["warehouse", "marketing"])
def test_what_was_promised_first_is_claimed_first_over_all_batches(hub, name):
    # given orders with promises that have nothing to do with the order in which they came, and older ones as history
    hub.record_orders("shop", [due(1, 1), due(2, 9)], historical=True)
    hub.record_orders("shop", [due(3, 4), due(4, 2), due(5, 9), due(6, 3), due(7, 0.5)])
    hub.record_orders("shop", [due(8, 3.5), due(9, 2)])
    # when they are claimed two by two, then live ones come first, and of one promise the older one does
    assert drained(hub, name) == [7, 4, 9, 6, 8, 3, 5, 1, 2]


def test_an_order_without_a_promise_neither_overtakes_nor_starves(hub):
    hub.record_orders("shop", [due(1, None), due(2, 0.5), due(3, 2), due(4, None, processed_at=after(hours=1))])
    assert drained(hub, "warehouse") == [2, 1, 4, 3]


def test_a_newer_state_brings_its_own_promise_earlier_or_later(hub):
    # given three orders that wait, of which one is to leave earlier by now and one later
    first, second, third = due(1, 2), due(2, 3), due(3, 4)
    hub.record_orders("shop", [first, second, third])
    hub.record_orders("shop", [later(due(1, 9), 1), later(due(3, 1), 2)])
    assert drained(hub, "warehouse", limit=1) == [3, 2, 1]


def test_news_of_what_has_left_go_by_their_age_and_are_never_put_off(hub):
    # given an order of last week that has left, and an order of today
    old = left(due(1, -7, processed_at=after(days=-9)))
    hub.record_orders("shop", [old], historical=True)
    assert drained(hub, "warehouse") == [1]
    hub.record_orders("shop", [due(2, None)])
    # when the old one changes again and again
    for minutes in (1, 2, 3):
        hub.record_orders("shop", [later(old, minutes)])
        hub.record_orders("shop", [due(10 + minutes, None, processed_at=after(minutes=minutes + 0.5))])
    # then its news are behind what was waiting, and before what came after the first of them
    assert drained(hub, "warehouse") == [2, 1, 11, 12, 13]


def test_a_call_off_is_as_urgent_as_the_order_was(hub):
    hub.record_orders("shop", [due(1, None)])
    assert drained(hub, "warehouse") == [1]
    hub.record_orders("shop", [due(2, 2), due(3, None, processed_at=after(hours=2))])
    hub.record_orders("shop", [later(due(1, None), 180, cancelled_at=after(hours=3))])
    assert drained(hub, "warehouse") == [1, 3, 2]


def test_the_facts_of_one_order_stay_in_their_order(hub):
    # given an order that is to leave earlier with each state
    for minutes, days in enumerate((9, 5, 1)):
        hub.record_orders("shop", [later(due(1, days), minutes)])
    hub.record_orders("shop", [due(2, 7)])
    seen = []
    while (claim := hub.claim("marketing", limit=1)).items:
        seen += [(item.newest.data["number"], item.newest.data["note"]) for item in claim.items]
        hub.settle(claim, [(item, done()) for item in claim.items])
    assert seen == [("#2", ""), ("#1", "0"), ("#1", "1"), ("#1", "2")]


def test_parcels_go_by_their_age(ledger):
    ledger.subscribe("shop", "warehouse", ["parcel"], "state", live_from=NOON)
    hours = {"a": 5, "b": 3, "c": 4}
    parcels = [
        a_parcel(name, an_order(n), shipped_at=after(hours=n), updated_at=after(hours=n)) for name, n in hours.items()
    ]
    ledger.record_parcels("warehouse", parcels)
    claims = [ledger.claim("shop", limit=1) for _ in hours]
    assert [claim.items[0].subject for claim in claims] == ["warehouse:b", "warehouse:c", "warehouse:a"]


def test_who_subscribes_later_gets_what_waits_for_it_by_promise_too(hub):
    hub.record_orders("shop", [due(1, 4), due(2, 2), due(3, None), left(due(4, 1, processed_at=after(hours=1)))])
    hub.subscribe("crm", "shop", ["order"], "state", live_from=NOON)
    assert drained(hub, "crm") == [3, 4, 2, 1]


def test_what_is_replayed_goes_as_history_by_age(hub):
    hub.record_orders("shop", [due(1, 9), due(2, 1, processed_at=after(hours=1))])
    assert drained(hub, "warehouse") == [2, 1]
    hub.record_orders("shop", [due(3, 20)])
    hub.replay("warehouse")
    assert drained(hub, "warehouse") == [3, 1, 2]


# --- whatever happens


@dataclass
class Row:
    """A fact that waits, and its place."""

    number: int
    lane: int
    place: datetime
    happened: datetime
    at: int

    @property
    def turn(self) -> tuple[int, datetime, datetime, int]:
        """Who goes first."""
        return self.lane, self.place, self.happened, self.at


@dataclass
class Queue:
    """The rule, in words of its own."""

    keeps: str
    rows: list[Row] = field(default_factory=list)

    def turn(self, number: int) -> tuple[int, datetime, datetime, int]:
        """When it is the order's turn."""
        mine = [row for row in self.rows if row.number == number]
        if self.keeps == "events":
            return min(mine, key=lambda row: row.at).turn
        lane = min(row.lane for row in mine)
        return max((row for row in mine if row.lane == lane), key=lambda row: row.at).turn

    def in_turn(self) -> list[int]:
        """All orders that wait."""
        return sorted({row.number for row in self.rows}, key=self.turn)

    def took(self, numbers: Sequence[int]) -> None:
        """They were brought: all of each order's facts, or its first one."""
        for number in numbers:
            mine = sorted((row for row in self.rows if row.number == number), key=lambda row: row.at)
            for row in mine if self.keeps == "state" else mine[:1]:
                self.rows.remove(row)

    def add(self, number: int, days: float | None, over: bool, lane: int, happened: datetime, at: int) -> None:
        """A new state of an order, which was made at noon."""
        place = NOON + HANDLING if days is None else after(days=days)
        if over:
            waits = [row.place for row in self.rows if row.number == number]
            place = min([happened + HANDLING, *waits])
        self.rows.append(Row(number, lane, place, happened, at))


States = st.tuples(
    st.integers(1, 5),
    st.sampled_from([None, 0.5, 1, 2, 3]),
    st.sampled_from(["to ship", "to ship", "left"]),
    st.sampled_from(["live", "live", "history"]),
)
Stories = st.lists(st.one_of(States, st.integers(1, 4)), min_size=2, max_size=25)
"""States of orders, and claims of so many."""


@pytest.fixture(params=ENGINES)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Ledger]]:
    """Opens an empty ledger as often as it is called."""
    names, opened = itertools.count(), list[Ledger]()

    def one() -> Ledger:
        if request.param == "sqlite":
            folder = tmp_path / f"{next(names)}"
            folder.mkdir()
            url = a_file(folder, request.getfixturevalue("migrated_file"))
        else:
            url = emptied(request.getfixturevalue("migrated_schema"))
        opened.append(Ledger(url, clock=Clock()))
        return opened[-1]

    yield one
    for ledger in opened:
        ledger.close()


@pytest.mark.parametrize("keeps", ["state", "events"])
def test_whatever_comes_claims_are_in_the_order_of_the_rule(fresh, keeps):
    many = 25 if fresh().on_sqlite else 8
    tried = settings(max_examples=many, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    tried(given(story=Stories)(lambda story: comes_in_turn(fresh(), keeps, story)))()


def comes_in_turn(ledger: Ledger, keeps: Any, story: Sequence[Any]) -> None:
    """Each claim takes those whose turn it is, and of each order everything comes once and in its own order."""
    queue, seen, told = Queue(keeps), dict[int, list[str]](), dict[int, list[str]]()
    ledger.subscribe("place", "shop", ["order"], keeps, live_from=NOON)

    def claims(many: int) -> int:
        claim = ledger.claim("place", limit=many)
        numbers = [int(item.newest.data["number"].lstrip("#")) for item in claim.items]
        assert numbers == queue.in_turn()[: len(numbers)]
        assert bool(numbers) == bool(queue.rows)
        for number, item in zip(numbers, claim.items, strict=True):
            seen.setdefault(number, []).extend(event.data["note"] for event in item.events)
        ledger.settle(claim, [(item, done()) for item in claim.items])
        queue.took(numbers)
        return len(numbers)

    for at, step in enumerate(story, start=1):
        if isinstance(step, int):
            claims(step)
            continue
        number, days, ships, lane = step
        order = later(due(number, days), at)
        ledger.record_orders("shop", [left(order) if ships == "left" else order], historical=lane == "history")
        happened = NOON + timedelta(minutes=at) if number in told else NOON
        queue.add(number, days, ships == "left", int(lane == "history"), happened, at)
        told.setdefault(number, []).append(str(at))
    while claims(2):
        pass
    assert seen == told
