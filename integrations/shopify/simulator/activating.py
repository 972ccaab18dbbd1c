"""Stocking an item at a location. https://shopify.dev/docs/api/admin-graphql/latest/mutations/inventoryActivate"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.shopify.simulator.idempotency import once, user_error
from integrations.shopify.simulator.inventory import BILLION
from integrations.shopify.simulator.plan import Request, resolves
from integrations.shopify.simulator.stock import Level

GIVEN = {"available": "available", "onHand": "on_hand"}
"""The quantities that may be given, and what they are called elsewhere."""


@resolves("Mutation", "inventoryActivate")
def activate(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/inventoryActivate"""
    request.sim.demand("inventoryActivate", "write_inventory")
    return once(request, "inventoryActivate", args, lambda: _activate(request, args))


def _activate(request: Request, args: Mapping[str, Any]) -> dict[str, Any]:
    store = request.sim.store
    item = store.items.get(request.sim.number("InventoryItem", args["inventoryItemId"]))
    location = store.locations.get(request.sim.number("Location", args["locationId"]))
    if item is None:
        return refused(["inventoryItemId"], "The product couldn't be stocked because the product was deleted.")
    if location is None:
        return refused(["locationId"], "The product couldn't be stocked because the location was deleted.")
    wanted = {field: args[field] for field in GIVEN if args.get(field) is not None}
    known = item.levels.get(location.id)
    if known is not None and known.active:
        return _already_active(known, wanted)
    problem = _problem(wanted)
    if problem:
        text = f"The product couldn't be stocked at {location.name} because {problem}"
        return {"inventoryLevel": None, "userErrors": [user_error([field], text) for field in wanted]}
    level = store.level(item, location, request.sim.moment())
    level.active = True
    for field, quantity in wanted.items():
        level.move(GIVEN[field], quantity - level.quantity(GIVEN[field]))
    request.sim.level_changed(level)
    return {"inventoryLevel": level, "userErrors": []}


def _already_active(level: Level, wanted: Mapping[str, int]) -> dict[str, Any]:
    words = {
        "available": "Not allowed to set available quantity when the item is already active at the location.",
        "onHand": "Not allowed to set an on_hand quantity when the item is already active at the location.",
    }
    return {"inventoryLevel": level, "userErrors": [user_error([field], words[field]) for field in wanted]}


def _problem(wanted: Mapping[str, int]) -> str:
    if len(wanted) > 1:
        return "not allowed to set available and on_hand quantities at the same time."
    if any(abs(quantity) > BILLION for quantity in wanted.values()):
        return "the quantity needs to be between -1 billion and 1 billion."
    return ""


def refused(field: list[str], text: str) -> dict[str, Any]:
    """Nothing was stocked."""
    return {"inventoryLevel": None, "userErrors": [user_error(field, text)]}
