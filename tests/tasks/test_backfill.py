"""History on purpose: a plan first, then page by page, for the chosen destinations, mailing nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from commerce.errors import NotAuthorised, NotConfigured
from commerce.ports import Estimating
from integrations.simulator import Fault
from tasks.backfill import Plan, plan, record_history
from tasks.tally import Tally
from tests.builders import NOON
from tests.journeys.house import House
from tests.small_house import order

SPRING, SUMMER = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def old(house: House) -> House:
    """A house that was connected this week, over a shop that has sold since spring."""
    week = house.hub.stack.hub.model_copy(update={"start": NOON - timedelta(days=7)})
    house.hub.stack = house.hub.stack.model_copy(update={"hub": week})
    for day in range(1, 6):
        order(house, created_at=f"2026-04-0{day}T10:00:00Z")
    order(house, created_at="2026-07-01T10:00:00Z")
    return house


def spring(house: House, *destinations: str) -> Plan:
    """Bring the spring to these."""
    return plan(house.hub, "shop", SPRING, SUMMER, destinations)


def run(house: House, todo: Plan) -> Tally:
    """Record it all."""
    tally = Tally()
    for page in record_history(house.hub, todo):
        tally += page
    return tally


def test_a_plan_counts_orders_and_calls_and_writes_nothing(old: House) -> None:
    todo = spring(old)
    assert todo == Plan(
        source="shop",
        since=SPRING,
        until=SUMMER,
        destinations=("warehouse", "books", "marketing"),
        orders=5,
        calls=todo.calls,
    )
    assert set(todo.calls) == {"shop", "warehouse", "books", "marketing"}
    assert min(todo.calls.values()) >= 1
    assert todo.rows()[0] == {"what": "orders", "how many": "5", "where": "shop"}
    assert {row["where"] for row in todo.rows()[1:]} == set(todo.calls)
    assert list(old.hub.ledger.latest("shop", "order")) == []


def test_a_plan_says_how_many_calls_the_storefront_itself_expects(old: House) -> None:
    todo = spring(old)
    before = len(old.vendors["shop"].calls)
    run(old, todo)
    made = len(old.vendors["shop"].calls) - before
    assert todo.calls["shop"] == old.hub.playing("shop", Estimating).calls_for(5)
    # what changed lately is read as well, which is no history
    assert todo.calls["shop"] <= made <= todo.calls["shop"] + 5


def test_an_unknown_destination_is_named_before_anything_is_read(old: House) -> None:
    with pytest.raises(NotConfigured, match="'inventory' takes no orders of shop; known: warehouse, books, marketing"):
        spring(old, "books", "inventory")


def test_a_source_of_no_orders_is_named(old: House) -> None:
    with pytest.raises(NotConfigured, match=r"connections\.inventory: katana cannot be used as OrderSource"):
        plan(old.hub, "inventory", SPRING, SUMMER, [])
    with pytest.raises(NotConfigured, match=r"connections\.nobody: not in stack\.toml"):
        plan(old.hub, "nobody", SPRING, SUMMER, [])


def test_a_source_without_a_route_is_named(old: House) -> None:
    routes = {name: route for name, route in old.hub.stack.routes.items() if route.carries != "orders"}
    old.hub.stack = old.hub.stack.model_copy(update={"routes": routes})
    with pytest.raises(NotConfigured, match=r"no route of stack\.toml carries orders of shop"):
        spring(old)


def test_days_the_wrong_way_round_are_refused(old: House) -> None:
    with pytest.raises(NotConfigured, match="since: is after the last day"):
        plan(old.hub, "shop", SUMMER, SPRING, [])


def test_only_the_chosen_destination_gets_the_days_asked_for(old: House) -> None:
    tally = run(old, spring(old, "books"))
    assert (tally.counts["read"], tally.counts["recorded"]) == (5, 5)
    waiting = {row.destination: row.waiting for row in old.hub.ledger.status()}
    assert waiting == {"books": 5, "marketing": 0, "shop": 0, "warehouse": 0}
    assert old.deliver("books").counts["done"] == 5
    assert {event.historical for event in old.hub.ledger.trace("#1001").events} == {True}


def test_history_starts_no_flow_at_marketing(old: House) -> None:
    run(old, spring(old, "marketing"))
    old.deliver("marketing")
    state = old.vendors["marketing"].state()
    assert len(state["events"]) > 0
    assert (state["flows_triggered"], state["subscribed"]) == (0, 0)


def test_twice_changes_nothing(old: House) -> None:
    run(old, spring(old, "books"))
    old.deliver("books")
    before = old.vendors["books"].state()
    tally = run(old, spring(old, "books"))
    assert (tally.counts["recorded"], old.deliver("books").claimed) == (0, 0)
    assert old.vendors["books"].state() == before


def test_another_destination_can_be_chosen_later(old: House) -> None:
    run(old, spring(old, "books"))
    run(old, spring(old, "warehouse"))
    waiting = {row.destination: row.waiting for row in old.hub.ledger.status()}
    assert (waiting["books"], waiting["warehouse"], waiting["marketing"]) == (5, 5, 0)


def test_a_run_that_was_killed_is_continued(old: House) -> None:
    pages = record_history(old.hub, spring(old, "books"))
    next(pages)
    pages.close()
    assert run(old, spring(old, "books")).counts["read"] == 5
    assert next(row.waiting for row in old.hub.ledger.status() if row.destination == "books") == 5


def test_an_order_of_this_minute_is_no_history(old: House) -> None:
    # given an order that no poll has seen yet, and a window that reaches into the future
    order(old)
    todo = plan(old.hub, "shop", SPRING, NOON + timedelta(days=1), ["books"])
    # when history is brought to the books
    run(old, todo)
    # then the new order goes to everyone, and is news
    waiting = {row.destination: row.waiting for row in old.hub.ledger.status()}
    assert waiting == {"books": 7, "marketing": 1, "shop": 0, "warehouse": 1}
    events = {event.subject: event.historical for event in old.hub.ledger.trace("#1007").events}
    assert list(events.values()) == [False]


def test_a_refused_credential_pauses_the_source(old: House) -> None:
    todo = spring(old)
    old.vendors["shop"].faults.append(Fault(status=403, on="graphql", times=99))
    with pytest.raises(NotAuthorised):
        run(old, todo)
    assert [pause.connection for pause in old.hub.ledger.paused()] == ["shop"]
