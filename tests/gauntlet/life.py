"""What people do meanwhile: they order, change their minds, and the warehouse packs. All of it falls from the seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from deployments.shop import catalogue
from deployments.shop.catalogue import prices
from deployments.shop.made_up import COUNTRIES, everyday_order
from deployments.shop.people import a_person
from deployments.world import World

EDITED, REFUNDED, CANCELLED = 0.05, 0.03, 0.02
"""Shares of the orders that are changed after they were placed, mostly after they were exported."""

NOW = "2026-01-01T00:00:00Z"
"""Replaced: an order without a moment happens when it is placed."""


@dataclass(order=True)
class Happening:
    """Something to do at the moment `at` (a share of the whole life, 0 to 1)."""

    at: float
    number: int
    do: Callable[[World], object] = field(compare=False)


@dataclass
class Life:
    """The orders of a run and what becomes of them."""

    seed: int
    orders: int
    changed: set[str] = field(default_factory=set)
    """Names of the orders that somebody changes; the warehouse sends them last."""
    specs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was ordered, by the order's name."""
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.seed}/life")

    def happenings(self) -> list[Happening]:
        """All of it, in order."""
        found: list[Happening] = []
        for at, action in self._moments():
            found.append(Happening(at, len(found), action))
        return sorted(found)

    def _moments(self) -> Iterator[tuple[float, Callable[[World], object]]]:
        chance = self.chance
        crowd = [a_person(f"{self.seed}-{number}", chance.choice(COUNTRIES)) for number in range(1 + self.orders // 2)]
        for number in range(self.orders):
            spec = everyday_order(chance, chance.choice(crowd), NOW)
            del spec["created_at"]
            spec = {"name": f"#{number + 1001}", **spec}
            self.specs[spec["name"]] = spec
            at = chance.uniform(0.0, 0.9)
            yield at, _placing(spec)
            change = self._change(spec)
            if change:
                self.changed.add(spec["name"])
                yield min(1.0, at + chance.uniform(0.0, 0.3)), change
        for number in range(max(4, self.orders // 20)):
            yield chance.uniform(0.1, 1.0), self._counting()
            if number % 2:
                yield chance.uniform(0.2, 0.9), self._packing(0.3)

    def _change(self, spec: dict[str, Any]) -> Callable[[World], object] | None:
        dice, kind = self.chance.random(), ""
        if dice < EDITED:
            kind, change = "edited", edit(spec, self.chance)
        elif dice < EDITED + REFUNDED:
            kind, change = "refunded", refund(spec, self.chance)
        elif dice < EDITED + REFUNDED + CANCELLED:
            kind, change = "cancelled", cancel(spec)
        else:
            return None
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return change

    def untouched(self, world: World) -> list[str]:
        """Names of the orders that nobody has changed or will change, and that nobody has begun to send."""
        return [name for name in self.unsent(world) if name not in self.changed]

    def unsent(self, world: World) -> list[str]:
        """Names of the orders that somebody waits for, and that nobody has begun to send."""
        begun = {
            one["external_shipment_id"].split(":")[1].split("/")[0]
            for one in world.state("warehouse")["shipments"]
            if one["shipment_status"] not in ("pending", "cancelled")
        }
        return [
            one["name"]
            for one in world.act("shop", "orders_summary")
            if one["remaining"] and not one["fulfillments"] and not one["cancelled"]
            if one["id"].rsplit("/", 1)[-1] not in begun
        ]

    def _counting(self) -> Callable[[World], object]:
        """Somebody counts a shelf."""
        sku = self.chance.choice(list(prices()))
        place, amount = self.chance.choice([catalogue.WEST, catalogue.EAST]), str(self.chance.randint(0, 90))
        if sku == catalogue.TWICE:
            sku = "MUG-RED"
        arguments = {"sku": sku, "location": place, "in_stock": amount}
        return lambda world: world.act("inventory", "set_stock", **arguments)

    def _packing(self, share: float) -> Callable[[World], object]:
        """The warehouse sends a share of what it has, but nothing that somebody will change."""
        dice = random.Random(self.chance.random())
        return lambda world: pack(world, share, dice, leave=self.changed)


def refund(spec: dict[str, Any], chance: random.Random) -> Callable[[World], object]:
    """One unit of the first line is given back, or some money."""
    order = {"order": spec["name"]}
    if chance.random() < 0.7:
        return _acts(("refund", {**order, "lines": [{"line": 0, "quantity": 1}], "note": "changed my mind"}))
    return _acts(("refund", {**order, "adjustment": "1.00", "note": "sorry for the delay"}))


def cancel(spec: dict[str, Any]) -> Callable[[World], object]:
    """All of it."""
    return _acts(("cancel", {"order": spec["name"]}))


def edit(spec: dict[str, Any], chance: random.Random, kind: str = "") -> Callable[[World], object]:
    """Another "address", a line "more" that is paid at once, or a unit "less" where there are two."""
    order, kind = spec["name"], kind or chance.choice(["address", "more", "less"])
    first = spec["lines"][0]["quantity"]
    if kind == "less" and first > 1:
        return _acts(("edit", {"order": order, "quantities": {"0": first - 1}}))
    if kind == "more":
        title, price = prices()[sku := chance.choice(list(prices()))]
        line = {"sku": sku, "title": title, "quantity": 1, "price": price, "taxes": []}
        return _acts(("edit", {"order": order, "add": [line]}), ("pay", {"order": order}))
    address = {**spec["shipping_address"], "address1": f"{chance.randint(1, 999)} New Street"}
    return _acts(("edit", {"order": order, "address": address}))


def pack(world: World, share: float, dice: random.Random, leave: set[str]) -> None:
    """Buy labels for a share of what waits; orders named in `leave` stay."""
    names = {one["id"].rsplit("/", 1)[-1]: one["name"] for one in world.act("shop", "orders_summary")}
    waiting = [
        one["shipment_id"]
        for one in world.state("warehouse")["shipments"]
        if one["shipment_status"] == "pending"
        and names.get(one["external_shipment_id"].split(":")[1].split("/")[0]) not in leave
    ]
    chosen = [key for key in waiting if dice.random() < share]
    if chosen:
        world.act("warehouse", "buy_labels", shipment_ids=chosen)


def open_shop(world: World, seed: int) -> tuple[list[dict[str, Any]], Any, dict[str, str]]:
    """Shop, shelves and warehouses as they are before the first order; the ids that stack.toml needs."""
    shop = {"name": "Clay & Leaf", "currency": "USD", "timezone": "America/New_York", "taxes_included": False}
    made = world.act("shop", "setup", shop=shop, locations=catalogue.LOCATIONS)
    world.act("shop", "create_products", products=catalogue.products(seed, {}))
    inventory = world.act("inventory", "setup", **catalogue.inventory(seed))
    world.act("books", "preferences", home_currency="USD")
    names = [place["name"] for place in catalogue.LOCATIONS]
    warehouses = dict(zip(names, world.act("warehouse", "warehouses", names=names), strict=True))
    return made["locations"], inventory, warehouses


def _placing(spec: dict[str, Any]) -> Callable[[World], object]:
    return lambda world: world.act("shop", "place_orders", orders=[spec])


def _acts(*actions: tuple[str, dict[str, Any]]) -> Callable[[World], object]:
    def do(world: World) -> None:
        for action, arguments in actions:
            world.act("shop", action, **arguments)

    return do
