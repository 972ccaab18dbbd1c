"""From the inventory app to the storefront: what is offered is what is there and promised to nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from commerce.errors import NotAuthorised, TemporarilyUnavailable, UnexpectedAnswer
from integrations.simulator import Fault
from tasks.stocking import StockFeedRefused, sync_stock
from tasks.tally import Tally
from tests.journeys.house import House
from tests.small_house import order, with_route

ROUTE = "sync-inventory"


def sync(house: House, **options: Any) -> Tally:
    """One run."""
    return sync_stock(house.hub, house.hub.stack.route(ROUTE), **options)


def rules(house: House, **changes: Any) -> None:
    """What the merchant writes into the route's table."""
    with_route(house.hub, ROUTE, stock=changes)


def counted(house: House, sku: str, in_stock: Any, place: str = "Main", committed: Any = None) -> None:
    """Somebody counts in the inventory app."""
    house.vendors["inventory"].act(
        "set_stock", {"sku": sku, "location": place, "in_stock": in_stock, "committed": committed}
    )


def shown(house: House, sku: str, place: str = "Main") -> int:
    """What the storefront offers."""
    return int(house.vendors["shop"].act("levels", {})[sku][place]["available"])


def rows(tally: Tally, outcome: str) -> dict[str, str]:
    """Why, by SKU, of one outcome."""
    return {row["record"]: row["why"] for row in tally.rows if row["outcome"] == outcome}


def many(house: House, count: int, *, sold_too: bool = True) -> list[str]:
    """So many more products, ten of each, in the inventory app and, when `sold_too`, in the storefront."""
    skus = [f"CUP-{n:02}" for n in range(count)]
    for sku in skus:
        house.vendors["inventory"].act("add_variant", {"sku": sku, "stock": {"Main": {"in_stock": "10"}}})
    if sold_too:
        products = [{"sku": sku, "title": sku, "price": "5.00", "levels": {"Main": 10}} for sku in skus]
        house.vendors["shop"].act("create_products", {"products": products})
    return skus


def after_each_look(house: House, happens: Callable[[], Any], times: int = 1) -> None:
    """Something happens in the storefront just after we looked at its levels and before we write."""
    client = house.hub.client("shop")
    look, left = client.shown, [None] * times

    def look_and_then(wanted: Any) -> Any:
        found = look(wanted)
        if left:
            left.pop()
            happens()
        return found

    client.shown = look_and_then


def test_what_is_right_is_left_alone(house: House) -> None:
    tally = sync(house)
    assert (tally.says(), tally.rows) == ("5 recorded, 5 unchanged, 5 read", [])


def test_a_difference_is_written_with_the_sum_that_explains_it(house: House) -> None:
    counted(house, "MUG-RED", 7)
    tally = sync(house)
    assert shown(house, "MUG-RED") == 7
    assert rows(tally, "done") == {"MUG-RED": "10 -> 7: 7 available - 0 buffer - 0 not yet known = 7"}
    # and twice changes nothing
    assert sync(house).counts["unchanged"] == 5


def test_what_is_committed_is_not_offered(house: House) -> None:
    counted(house, "HAT", 10, committed=4)
    sync(house)
    assert shown(house, "HAT") == 6


def test_stock_below_zero_is_none_at_all(house: House) -> None:
    counted(house, "HAT", -3)
    sync(house)
    assert shown(house, "HAT") == 0


def test_a_fraction_is_rounded_down(house: House) -> None:
    counted(house, "HAT", "4.99")
    sync(house)
    assert shown(house, "HAT") == 4


def test_an_empty_feed_is_a_fault_and_no_sold_out_shop(house: House) -> None:
    sync(house)
    house.vendors["inventory"].act("empty", {})
    with pytest.raises(StockFeedRefused, match="sent no stock at all; nothing was changed") as refused:
        sync(house, allow_big_change=True)
    assert "check the inventory app" in refused.value.hint
    assert shown(house, "HAT") == 10


def test_a_feed_that_lost_most_of_its_rows_is_refused_until_somebody_allows_it(house: House) -> None:
    # given a shop with thirty products more, known to the hub
    rules(house, most_change=0.5)
    many(house, 30, sold_too=False)
    sync(house)
    # when the inventory app sends a third of them
    house.vendors["inventory"].act(
        "setup", {"locations": ["Main", "East"], "variants": [{"sku": "HAT", "stock": {"Main": {"in_stock": "3"}}}]}
    )
    with pytest.raises(StockFeedRefused, match="sent 1 levels where 35 are known") as refused:
        sync(house)
    assert shown(house, "HAT") == 10
    # then the hint is right: allowed, what is there is written, and what is not is left alone
    assert "allow_big_change" in refused.value.hint
    sync(house, allow_big_change=True)
    assert (shown(house, "HAT"), shown(house, "MUG-RED")) == (3, 10)


def test_a_feed_that_lost_a_third_of_its_rows_is_refused(house: House) -> None:
    # given a shop whose merchant lets every level change at once
    rules(house, most_change=1.0)
    skus = many(house, 30, sold_too=False)
    sync(house)
    # when a quarter is gone, that is believed; a third is not
    for sku in skus[:8]:
        house.vendors["inventory"].act("delete_variant", {"variant": number_of(house, sku)})
    house.clock.sleep(300)
    sync(house)
    house.clock.sleep(300)
    for sku in skus[8:18]:
        house.vendors["inventory"].act("delete_variant", {"variant": number_of(house, sku)})
    with pytest.raises(StockFeedRefused, match="sent 17 levels where 27 are known"):
        sync(house)


def number_of(house: House, sku: str) -> int:
    """The variant's id in the inventory app."""
    world = house.vendors["inventory"].world  # type: ignore[attr-defined]
    return int(world.variant_of(sku).id)


def told(house: House) -> list[str]:
    """What people were told so far."""
    return [str(message) for message in house.vendors["alerts"].state()["messages"]]


@pytest.mark.parametrize("how", ["last", "empty", "added"])
def test_a_list_that_stays_broken_changes_nothing_and_is_told_once(house: House, how: str) -> None:
    # given a count that differs, and an inventory app whose list never fits together
    many(house, 260)
    sync(house, allow_big_change=True)
    counted(house, "HAT", 4)
    house.vendors["inventory"].act("cut_pages", {"after": 1, "how": how, "times": 99})
    # when
    for _ in range(2):
        with pytest.raises((UnexpectedAnswer, TemporarilyUnavailable), match=r"cut short|changed while it was read"):
            sync(house)
    # then nothing was written; what time alone heals is left to the route's own lateness, the rest is told once
    assert shown(house, "HAT") == 10
    assert len(told(house)) == (0 if how == "added" else 1)
    # and when the list is whole again, it is over
    house.vendors["inventory"].lists.cut = None  # type: ignore[attr-defined]
    assert sync(house).counts["done"] == 1
    assert shown(house, "HAT") == 4
    assert [alert.alert.fingerprint for alert in house.hub.ledger.open_alerts()] == []


@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", '{"data": null}', '{"data": [', "{}"])
def test_an_answer_that_is_no_list_changes_nothing(house: House, body: str) -> None:
    counted(house, "HAT", 4)
    house.vendors["inventory"].faults.append(Fault(status=200, body=body, on="GET /inventory", times=99))
    with pytest.raises(UnexpectedAnswer):
        sync(house)
    assert shown(house, "HAT") == 10
    assert len(told(house)) == 1


def test_rows_that_cannot_be_read_are_left_as_they_were(house: House) -> None:
    # given an inventory app that says of one mug that there is "null", and of the hat that there are four
    counted(house, "HAT", 4)
    world = house.vendors["inventory"].world  # type: ignore[attr-defined]
    rows = list(world.stock_rows())
    rows[0]["quantity_in_stock"] = None
    facts = '{"total_records": "5", "total_pages": "1", "page": "1", "last_page": "true"}'
    house.vendors["inventory"].faults.append(
        Fault(status=200, body={"data": rows}, headers={"x-pagination": facts}, on="GET /inventory")
    )
    # when
    tally = sync(house)
    # then
    assert (shown(house, "MUG-RED"), shown(house, "HAT")) == (10, 4)
    assert "cannot be read: quantity_in_stock" in rows_of(tally)


def rows_of(tally: Tally) -> str:
    """All reasons."""
    return " ".join(row["why"] for row in tally.rows)


def test_less_than_nothing_is_told_once_and_when_it_is_over(house: House) -> None:
    counted(house, "HAT", -3)
    for _ in range(2):
        assert sync(house).counts["below zero"] == 1
    [message] = told(house)
    assert "HAT -3" in message
    # more promised than there is, is no mistake of counting
    counted(house, "HAT", 2, committed=5)
    assert sync(house).counts["below zero"] == 0
    assert shown(house, "HAT") == 0
    assert house.hub.ledger.open_alerts() == []


def test_what_is_on_hand_is_offered_less_our_own_orders_when_the_merchant_says_so(house: House) -> None:
    # given an app that learns of the storefront's orders and commits their units, which the log knows of as well
    order(house, lines=[{"sku": "MUG-RED", "quantity": 3, "price": "25.00"}])
    house.record()
    counted(house, "MUG-RED", 10, committed=3)
    # then what is available less the same order would be subtracted twice, and what is on hand is not
    assert rows(sync(house), "done")["MUG-RED"] == "7 -> 4: 7 available - 0 buffer - 3 not yet known = 4"
    rules(house, offer="on_hand")
    assert rows(sync(house), "done")["MUG-RED"] == "4 -> 7: 10 on hand - 0 buffer - 3 not yet known = 7"


def test_units_are_kept_back_by_location_and_by_sku(house: House) -> None:
    east = house.hub.stack.route(ROUTE).stock.locations["2"]
    rules(house, buffer=1, location_buffers={east: 2}, buffers={"MUG-BLUE": 4})
    sync(house)
    assert (shown(house, "MUG-RED"), shown(house, "MUG-RED", "East")) == (9, 3)
    assert (shown(house, "MUG-BLUE"), shown(house, "MUG-BLUE", "East")) == (6, 1)


def test_what_is_made_to_order_is_offered_at_least(house: House) -> None:
    counted(house, "HAT", 1)
    rules(house, floors={"HAT": 3}, buffer=1)
    tally = sync(house)
    assert shown(house, "HAT") == 3
    assert rows(tally, "done")["HAT"] == "10 -> 3: 1 available - 1 buffer - 0 not yet known = 0, at least 3"


def test_too_big_a_change_stops_and_asks(house: House) -> None:
    # given a fault upstream that halves most levels
    rules(house, most_change=0.5)
    skus = many(house, 30)
    for sku in skus[:20]:
        counted(house, sku, 5)
    with pytest.raises(StockFeedRefused, match="20 of 35 stock levels would change, more than 50%") as refused:
        sync(house)
    assert {shown(house, sku) for sku in skus} == {10}
    # when somebody says that it is right
    assert "allow_big_change" in refused.value.hint
    assert sync(house, allow_big_change=True).counts["done"] == 20


def test_just_as_much_as_allowed_is_written(house: House) -> None:
    rules(house, most_change=0.5)
    skus = many(house, 29)
    for sku in skus[:17]:
        counted(house, sku, 5)
    assert sync(house).counts["done"] == 17


def test_a_small_shop_is_believed(house: House) -> None:
    rules(house, most_change=0.1)
    for sku in ("MUG-RED", "MUG-BLUE", "HAT"):
        counted(house, sku, 1)
    assert sync(house).counts["done"] == 3


def test_a_location_that_nobody_decided_about_is_told_and_not_guessed(house: House) -> None:
    # given a location that is in no map
    main = next(key for key in house.hub.stack.route(ROUTE).stock.locations if key == "1")
    rules(house, locations={main: house.hub.stack.route(ROUTE).stock.locations[main]})
    counted(house, "MUG-RED", 1, "East")
    tally = sync(house)
    # then its levels are exceptions with the line to write
    assert tally.counts["unmapped"] == 2
    [row, _] = [row for row in tally.rows if row["outcome"] == "unmapped"]
    assert (row["record"], row["why"]) == ("MUG-RED", "inventory location 2 is mapped to no storefront location")
    assert row["what to do"] == ('add "2" to routes.sync-inventory.stock.locations or ignored_locations in stack.toml')
    assert shown(house, "MUG-RED", "East") == 5
    # and when somebody decided, it is quiet
    rules(house, ignored_locations=("2",))
    assert sync(house).counts["unmapped"] == 0


def test_a_sku_of_another_name_is_mapped(house: House) -> None:
    house.vendors["inventory"].act("add_variant", {"sku": "K-77", "stock": {"East": {"in_stock": "3"}}})
    rules(house, skus={"K-77": "MUG-RED"})
    sync(house)
    assert shown(house, "MUG-RED", "East") == 8


def test_a_sku_that_the_storefront_does_not_have_is_skipped_with_a_reason(house: House) -> None:
    house.vendors["inventory"].act("add_variant", {"sku": "PROTOTYPE", "stock": {"Main": {"in_stock": "3"}}})
    tally = sync(house)
    assert rows(tally, "skipped") == {"PROTOTYPE": "the storefront has no such SKU"}
    assert tally.counts["unchanged"] == 5


def test_units_are_kept_back(house: House) -> None:
    rules(house, buffer=2, buffers={"HAT": 11})
    tally = sync(house)
    assert (shown(house, "MUG-RED"), shown(house, "MUG-RED", "East"), shown(house, "HAT")) == (8, 3, 0)
    assert rows(tally, "done")["HAT"] == "10 -> 0: 10 available - 11 buffer - 0 not yet known = 0"


def test_places_that_serve_one_location_add_up(house: House) -> None:
    main = house.hub.stack.route(ROUTE).stock.locations["1"]
    rules(house, locations={"1": main, "2": main})
    tally = sync(house)
    assert rows(tally, "done")["MUG-RED"] == "10 -> 15: 15 available - 0 buffer - 0 not yet known = 15"
    assert shown(house, "MUG-RED") == 15


def test_two_halves_at_two_places_are_no_whole_one(house: House) -> None:
    main = house.hub.stack.route(ROUTE).stock.locations["1"]
    rules(house, locations={"1": main, "2": main})
    counted(house, "MUG-RED", "0.5")
    counted(house, "MUG-RED", "0.5", "East")
    sync(house)
    assert shown(house, "MUG-RED") == 0


def test_an_order_that_the_inventory_app_never_learns_of_is_kept_back_until_it_ships(house: House) -> None:
    # given an app that nobody tells of orders
    rules(house, order_lag_minutes=None)
    order(house, lines=[{"sku": "MUG-RED", "quantity": 3, "price": "25.00"}])
    house.record()
    house.clock.sleep(3 * 24 * 3600)
    # then days later its units are still promised
    tally = sync(house)
    assert (tally.counts["done"], shown(house, "MUG-RED")) == (0, 7)
    # and once they left, the next count is believed
    house.deliver("warehouse")
    house.vendors["warehouse"].act("buy_labels", {})
    house.tracking()
    counted(house, "MUG-RED", 7)
    sync(house)
    assert shown(house, "MUG-RED") == 7


def test_an_order_that_the_inventory_app_learns_of_is_kept_back_until_then(house: House) -> None:
    # given an app that knows of an order within the hour
    rules(house, order_lag_minutes=60)
    order(house)
    house.record()
    house.clock.sleep(59 * 60)
    sync(house)
    assert shown(house, "MUG-RED") == 9
    # when the hour is over, the app's own number is all that counts
    house.clock.sleep(120)
    counted(house, "MUG-RED", 10, committed=1)
    sync(house)
    assert shown(house, "MUG-RED") == 9


def test_an_order_that_has_no_location_yet_is_kept_back_everywhere(house: House) -> None:
    # given an order that the storefront has not assigned to a location yet
    house.vendors["shop"].routing_delay = 600.0  # type: ignore[attr-defined]
    order(house)
    house.record()
    assert list(house.hub.ledger.units_ordered_since("shop", None)) == [("MUG-RED", "")]
    sync(house)
    assert (shown(house, "MUG-RED"), shown(house, "MUG-RED", "East")) == (9, 4)
    # when it has one, the other location may sell again
    house.clock.sleep(601)
    house.vendors["shop"].act("touch", {"order": "#1001"})
    house.record()
    sync(house)
    assert (shown(house, "MUG-RED"), shown(house, "MUG-RED", "East")) == (9, 5)


def test_an_order_that_nobody_read_yet_is_kept_back(house: House) -> None:
    # given two units, one of them just sold
    counted(house, "MUG-RED", 2)
    order(house)
    # then one is offered, not two
    sync(house)
    assert shown(house, "MUG-RED") == 1


def test_a_sale_between_our_look_and_our_write_is_not_overwritten(house: House) -> None:
    counted(house, "MUG-RED", 7)
    after_each_look(house, lambda: order(house))
    tally = sync(house)
    assert rows(tally, "done") == {"MUG-RED": "9 -> 6: 7 available - 0 buffer - 1 not yet known = 6"}
    assert shown(house, "MUG-RED") == 6


def test_what_sells_faster_than_it_can_be_set_is_left_for_the_next_run(house: House) -> None:
    counted(house, "MUG-RED", 7)
    counted(house, "HAT", 4)
    after_each_look(house, lambda: order(house), times=3)
    tally = sync(house)
    # then it was not touched, and nothing else had to wait
    assert tally.counts["retry"] == 1
    assert "is being sold faster" in rows(tally, "retry")["MUG-RED"]
    assert (shown(house, "MUG-RED"), shown(house, "HAT")) == (7, 4)
    sync(house)
    assert shown(house, "MUG-RED") == 4


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(house: House) -> None:
    counted(house, "MUG-RED", 7)
    before = house.vendors["shop"].act("levels", {})
    tally = sync(house, dry_run=True)
    assert tally.counts["would change"] == 1
    assert rows(tally, "would change") == {"MUG-RED": "10 -> 7: 7 available - 0 buffer - 0 not yet known = 7"}
    assert house.vendors["shop"].act("levels", {}) == before


@pytest.mark.parametrize(("vendor", "on"), [("inventory", "inventory"), ("shop", "graphql")])
def test_a_refused_credential_pauses_whose_it_is_and_is_told(house: House, vendor: str, on: str) -> None:
    counted(house, "MUG-RED", 7)
    house.vendors[vendor].faults.append(Fault(status=403, on=on, times=99))
    with pytest.raises(NotAuthorised):
        sync(house)
    assert [pause.connection for pause in house.hub.ledger.paused()] == [vendor]
    assert len(house.vendors["alerts"].state()["messages"]) == 1
    assert shown(house, "MUG-RED") == 10


Step = tuple[str, int]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sell"), st.integers(1, 4)),
        st.tuples(st.just("sell while we write"), st.integers(1, 4)),
        st.tuples(st.just("cancel"), st.just(0)),
        st.tuples(st.just("cancel while we write"), st.just(0)),
        st.tuples(st.just("count"), st.integers(-2, 12)),
        st.tuples(st.just("hours go by"), st.integers(1, 50)),
        st.tuples(st.just("read orders"), st.just(0)),
    ),
    min_size=1,
    max_size=6,
)


class Shelf:
    """One product, what lies on its shelf, and who bought it."""

    def __init__(self, house: House, sku: str) -> None:
        self.house, self.sku, self.there, self.orders = house, sku, 10, list[tuple[str, int]]()
        product = {"sku": sku, "title": sku, "price": "5.00", "levels": {"Main": 10}}
        house.vendors["shop"].act("create_products", {"products": [product]})
        house.vendors["inventory"].act("add_variant", {"sku": sku, "stock": {"Main": {"in_stock": "10"}}})

    @property
    def promised(self) -> int:
        return sum(units for _, units in self.orders)

    def sell(self, units: int) -> None:
        """A shopper takes what the storefront offers, and no more."""
        taken = min(units, shown(self.house, self.sku))
        if taken > 0:
            line = {"sku": self.sku, "quantity": taken, "price": "5.00"}
            self.orders.append((order(self.house, lines=[line]), taken))

    def cancel(self) -> None:
        if self.orders:
            self.house.vendors["shop"].act("cancel", {"order": self.orders.pop()[0]})

    def take(self, step: Step) -> None:
        """What happens before the next run."""
        what, how_many = step
        if what == "sell":
            self.sell(how_many)
        elif what == "cancel":
            self.cancel()
        elif what == "count":
            self.there = how_many
            counted(self.house, self.sku, how_many)
        elif what == "hours go by":
            self.house.clock.sleep(how_many * 3600)
        elif what == "read orders":
            self.house.record()
        elif what == "sell while we write":
            after_each_look(self.house, lambda: self.sell(how_many))
        else:
            after_each_look(self.house, self.cancel)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
@example(steps=[("sell", 1), ("count", 0), ("cancel while we write", 0)])
def test_more_than_there_is_is_never_offered(house: House, steps: list[Step]) -> None:
    # given an inventory app that learns of no order
    rules(house, order_lag_minutes=None)
    shelf = Shelf(house, f"POT-{len(house.vendors['shop'].act('levels', {}))}")
    for step in steps:
        # when something happens, before a run or in the middle of it
        shelf.take(step)
        tally = sync(house)
        # then what is offered is there and promised to nobody
        offered = shown(house, shelf.sku)
        assert offered <= max(0, shelf.there - shelf.promised), (tally.rows, steps)
        # and nothing is held back without need
        assert offered == max(0, shelf.there - shelf.promised) or tally.counts["retry"]
