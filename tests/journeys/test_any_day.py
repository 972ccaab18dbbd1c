"""Any day at all: orders, webhooks, vendors, clocks and processes behave as they like, in any order.

Hypothesis makes up the day. After each step no destination may hold anything twice or anything that nobody ordered;
when all is quiet again every destination must hold just what the storefront's last state asks for. Both are judged by
what the vendors hold, never by the hub's own tables.

More days than the usual few: `BACKROOM_ANY_DAYS=500 pytest tests/journeys/test_any_day.py`.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from commerce.errors import HubError
from deployments.checking import ensure_webhooks
from deployments.replaying import replay_to
from deployments.verdict import key_of, order_key, units_to_ship
from integrations.simulator import Fault
from tasks.inbox import read_hinted
from tests.journeys.house import ORDER_DESTINATIONS, House
from tests.journeys.mortal import Killed, reborn
from tests.journeys.test_bad_days import A_WRITE, take_in
from tests.small_house import ADDRESS, SMALL_SHOP, a_small_house, order

DAYS = int(os.environ.get("BACKROOM_ANY_DAYS", "20"))
STEPS = 25
PLACES = ("shop", "warehouse", "books", "marketing")
JOBS = ("record", *ORDER_DESTINATIONS, "inbox", "tracking", "stock")
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
SKUS = ("MUG-RED", "MUG-BLUE", "HAT")

Jobs, Places, Some = st.sampled_from(JOBS), st.sampled_from(PLACES), st.integers(0, 50)


class AnyDay(RuleBasedStateMachine):
    """A small shop, its vendors, and a hub that may be killed at any moment."""

    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory(dir=MEMORY)
        self.house: House = a_small_house(Path(self.folder.name))
        self.skew = 0.0
        self.life = reborn(self.house, self.hub_clock)
        ensure_webhooks(self.house.hub)
        self.house.vendors["shop"].outbox.clear()

    def hub_clock(self) -> float:
        """The time as the hub's machine has it."""
        return self.house.clock() + self.skew

    def teardown(self) -> None:
        if hasattr(self, "house"):
            try:
                self.comes_to_rest()
            finally:
                self.house.hub.close()
                self.folder.cleanup()

    # What happens in the shop

    @rule(sku=st.sampled_from(SKUS), quantity=st.integers(1, 3), mail=st.booleans(), paid=st.booleans())
    def somebody_orders(self, sku: str, quantity: int, mail: bool, paid: bool) -> None:
        lines = [{"sku": sku, "quantity": quantity, "price": "20.00"}, {"sku": "HAT", "quantity": 1, "price": "20.00"}]
        order(
            self.house,
            lines=lines,
            payment="paid" if paid else "pending",
            **({} if mail else {"email": None, "customer": None}),
        )
        self.house.clock.sleep(1)

    @rule(which=Some)
    def somebody_pays(self, which: int) -> None:
        for one in self.pick(which, lambda one: not one["paid"] and not one["cancelled"]):
            self.happens("pay", order=one["name"])

    @rule(which=Some, quantity=st.integers(1, 4))
    def somebody_edits(self, which: int, quantity: int) -> None:
        for one in self.pick(which, lambda one: self.may_change(one) and one["lines"][0]["fulfillable"]):
            self.happens("edit", order=one["name"], quantities={"0": quantity})
            self.happens("pay", order=one["name"])

    @rule(which=Some, house=st.integers(1, 99))
    def somebody_moves(self, which: int, house: int) -> None:
        for one in self.pick(which, lambda one: self.may_change(one)):
            self.happens("edit", order=one["name"], address={**ADDRESS, "address1": f"{house} New Street"})

    @rule(which=Some, shipping=st.booleans())
    def somebody_is_refunded(self, which: int, shipping: bool) -> None:
        for one in self.pick(which, lambda one: self.may_change(one) and one["lines"][0]["fulfillable"]):
            line = {"line": 0, "quantity": 1, "restock": True}
            self.happens("refund", order=one["name"], lines=[line], shipping="1.00" if shipping else "0.00")

    @rule(which=Some, refund=st.booleans())
    def somebody_cancels(self, which: int, refund: bool) -> None:
        for one in self.pick(which, lambda one: not one["cancelled"] and not self.labelled(one)):
            self.happens("cancel", order=one["name"], refund=refund or one["paid"])

    @rule(which=Some)
    def somebody_tags(self, which: int) -> None:
        for one in self.pick(which, lambda one: True):
            self.happens("touch", order=one["name"])

    @rule()
    def the_warehouse_ships_what_it_knows_rightly(self) -> None:
        orders = {key_of(one): one for one in self.orders()}
        state = self.house.vendors["warehouse"].state()
        known: dict[str, Counter[str]] = {}
        for one in self.active(state):
            units = known.setdefault(order_key(one["external_shipment_id"]), Counter())
            for item in one["items"]:  # two lines may have one SKU
                units[item["sku"]] += int(item["quantity"])
        ready = [
            one["shipment_id"]
            for one in self.active(state)
            if one["shipment_status"] == "pending"
            and units_to_ship(orders[key := order_key(one["external_shipment_id"])]) == known[key]
        ]
        if ready:
            self.house.vendors["warehouse"].act("buy_labels", {"shipment_ids": ready})

    # What becomes of webhooks

    @precondition(lambda self: self.house.vendors["shop"].outbox)
    @rule(which=Some, times=st.sampled_from((0, 1, 1, 2)))
    def a_webhook_comes(self, which: int, times: int) -> None:
        """Out of order, and lost, once or twice; those that are not picked come late or never."""
        outbox = self.house.vendors["shop"].outbox
        request = outbox[which % len(outbox)]
        outbox.remove(request)
        for _ in range(times):
            take_in(self.house, "shop", request)

    # What the hub does

    @rule(job=Jobs)
    def the_hub_works(self, job: str) -> None:
        self.does(job)

    @rule()
    def the_hub_does_all_its_rounds(self) -> None:
        for job in JOBS:
            self.does(job)

    @rule(job=Jobs, after=st.integers(1, 60))
    def the_hub_is_killed(self, job: str, after: int) -> None:
        self.life.left = after
        with suppress(Killed):
            self.does(job)
        self.life.dead = True
        self.life = reborn(self.house, self.hub_clock)

    @rule(place=st.sampled_from(ORDER_DESTINATIONS), nth=st.integers(1, 3))
    def the_hub_is_killed_before_it_can_note_what_it_wrote(self, place: str, nth: int) -> None:
        self.does("record")
        self.life.writes = nth
        with suppress(Killed):
            self.does(place)
        self.life.dead = True
        self.life = reborn(self.house, self.hub_clock)

    @rule(place=Places)
    def a_connection_pauses(self, place: str) -> None:
        self.house.hub.ledger.pause(place, "somebody looks at it")

    @rule(place=Places)
    def a_connection_goes_on(self, place: str) -> None:
        self.house.hub.ledger.resume(place)

    @rule(place=st.sampled_from(ORDER_DESTINATIONS))
    def somebody_replays(self, place: str) -> None:
        replay_to(place, self.house.clock.moment().replace(year=2025), None, hub=self.house.hub)

    # What the world does

    @rule(
        place=Places,
        kind=st.sampled_from(("before", "after", "drop", "drop_after", "timeout_after")),
        status=st.sampled_from((429, 500, 503)),
        on=st.sampled_from((A_WRITE, "")),
        times=st.integers(1, 4),
    )
    def a_vendor_has_a_bad_moment(self, place: str, kind: Any, status: int, on: str, times: int) -> None:
        self.house.vendors[place].faults.append(Fault(kind=kind, status=status, on=on, times=times))

    @rule(seconds=st.sampled_from((1, 61, 600, 4000, 90_000)))
    def time_passes(self, seconds: int) -> None:
        self.house.clock.sleep(seconds)

    @rule(skew=st.sampled_from((-3600.0, -600.0, 0.0, 600.0)))
    def the_hubs_clock_is_set(self, skew: float) -> None:
        self.skew = skew

    # What must be so at any time

    @invariant()
    def nothing_is_anywhere_twice_or_without_its_order(self) -> None:
        if not hasattr(self, "house"):
            return
        states = {name: self.house.vendors[name].state() for name in PLACES}
        known = {key_of(one) for one in states["shop"]["orders"]}
        there = {
            "warehouse": Counter(one["external_shipment_id"] for one in self.active(states["warehouse"])),
            "books": Counter(one["PrivateNote"] for one in states["books"]["documents"]),
            "marketing": Counter(f"{one['metric']} {one['unique_id']}" for one in states["marketing"]["events"]),
            "tracking": Counter(
                number
                for one in states["shop"]["orders"]
                for sent in one["fulfillments"]
                if sent["status"] == "SUCCESS"
                for number in sent["tracking"]
            ),
        }
        for place, keys in there.items():
            assert [key for key, times in keys.items() if times > 1] == [], f"twice in {place}"
        assert {order_key(key) for key in there["warehouse"]} <= known
        assert {":".join(key.split(":")[1:3]) for key in there["books"]} <= known

    @invariant()
    def a_record_is_with_one_run_at_a_time(self) -> None:
        if not hasattr(self, "house"):
            return
        with self.house.hub.ledger.reading() as db:
            twice = text(
                "SELECT destination, subject FROM deliveries WHERE state = 'claimed'"
                " GROUP BY destination, subject HAVING count(DISTINCT claim) > 1"
            )
            assert db.execute(twice).all() == []
            homeless = text("SELECT subject FROM events WHERE subject NOT IN (SELECT subject FROM subjects)")
            assert db.execute(homeless).all() == []

    # And when all is quiet

    def comes_to_rest(self) -> None:
        """Vendors are well, clocks right, connections on, held records released by a person: all arrives."""
        house, self.skew = self.house, 0.0
        for place in PLACES:
            house.vendors[place].faults.clear()
            house.hub.ledger.resume(place)
        house.vendors["shop"].outbox.clear()
        for _ in range(6):
            house.clock.sleep(7300)
            house.hub.ledger.release_held()
            for job in JOBS:
                self.does(job)
        house.settle_down()
        house.stock()
        assert house.judge(SMALL_SHOP).wrong == []

    # How it is done

    def does(self, job: str) -> None:
        """One job of the hub; what its flow would report as a failure of a vendor is no defect here."""
        house = self.house
        with suppress(HubError):
            if job == "inbox":
                read_hinted(house.hub)
            elif job in ORDER_DESTINATIONS:
                house.deliver(job)
            else:
                getattr(house, job)()

    def orders(self) -> list[dict[str, Any]]:
        """The storefront's truth."""
        found: list[dict[str, Any]] = self.house.vendors["shop"].state()["orders"]
        return found

    def pick(self, which: int, fits: Any) -> list[dict[str, Any]]:
        """One of the orders that fit, if any does."""
        found = [one for one in self.orders() if fits(one)]
        return [found[which % len(found)]] if found else []

    def may_change(self, one: dict[str, Any]) -> bool:
        """What has left, or is packed with a label, is changed by people and not by a hub."""
        return bool(one["paid"] and not one["cancelled"] and not self.labelled(one))

    def labelled(self, one: dict[str, Any]) -> bool:
        """Whether the warehouse has bought a label for it."""
        state = self.house.vendors["warehouse"].state()
        keys = {each["shipment_id"]: order_key(each["external_shipment_id"]) for each in state["shipments"]}
        return key_of(one) in {keys[label["shipment_id"]] for label in state["labels"]}

    def active(self, state: dict[str, Any]) -> list[dict[str, Any]]:
        """Shipments that are not cancelled."""
        return [one for one in state["shipments"] if one["shipment_status"] != "cancelled"]

    def happens(self, what: str, **arguments: Any) -> None:
        """Something happens in the shop; a second goes by, as its stamps have whole ones."""
        self.house.vendors["shop"].act(what, arguments)
        self.house.clock.sleep(1)


def test_any_day_ends_with_everything_in_its_place_once() -> None:
    limits = settings(
        max_examples=DAYS,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(AnyDay, settings=limits)
