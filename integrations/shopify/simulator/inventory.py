"""Writing stock. https://shopify.dev/docs/api/admin-graphql/latest/mutations/inventorySetQuantities

A request is applied as a whole or not at all, is compared with what the writer believed, and is repeatable by its key.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from integrations.shopify.simulator.clock import stamp
from integrations.shopify.simulator.errors import FieldError
from integrations.shopify.simulator.model import gid
from integrations.shopify.simulator.plan import Request, resolves
from integrations.shopify.simulator.stock import Item, Level, Location

MOST_ROWS = 250
BILLION = 1_000_000_000
REASONS = [
    "correction",
    "cycle_count_available",
    "damaged",
    "movement_canceled",
    "movement_created",
    "movement_received",
    "movement_updated",
    "other",
    "promotion",
    "quality_control",
    "received",
    "reservation_created",
    "reservation_deleted",
    "reservation_updated",
    "restock",
    "safety_stock",
    "shrinkage",
]
ADJUSTABLE = ("available", "damaged", "incoming", "quality_control", "reserved", "safety_stock")
MISMATCH = "The same idempotency key cannot be used with different operation parameters."
FAILED = "The previous attempt with this idempotency key failed."

Errors = list[dict[str, Any]]


def user_error(field: list[str] | None, message: str, code: str | None = None) -> dict[str, Any]:
    """One entry of `userErrors`."""
    return {"field": field, "message": message, "code": code}


def once(request: Request, name: str, args: Mapping[str, Any], do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run `do` once per idempotency key. https://shopify.dev/docs/api/usage/idempotent-requests"""
    given = request.directive("idempotent")
    if given is None or not str(given["key"]).strip():
        raise FieldError("The @idempotent directive is required for this mutation but was not provided.", "BAD_REQUEST")
    key, fingerprint = (name, given["key"]), json.dumps(args, sort_keys=True)
    known = request.sim.idempotency.get(key)
    if known is not None:
        return _replayed(fingerprint, *known)
    answer = do()
    request.sim.idempotency[key] = (fingerprint, answer)
    return answer


def _replayed(fingerprint: str, before: str, answer: dict[str, Any]) -> dict[str, Any]:
    empty: dict[str, Any] = {key: [] if key == "userErrors" else None for key in answer}
    if fingerprint != before:
        return {**empty, "userErrors": [user_error(None, MISMATCH, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH")]}
    if answer["userErrors"]:
        return {**empty, "userErrors": [user_error(None, FAILED, "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")]}
    return answer


@resolves("Mutation", "inventorySetQuantities")
def set_quantities(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/inventorySetQuantities"""
    request.sim.demand("inventorySetQuantities", "write_inventory")
    given = args["input"]
    _demand_rows(given["quantities"], "InventoryQuantityInput")
    return once(request, "inventorySetQuantities", args, lambda: _set(request, given))


def _set(request: Request, given: Mapping[str, Any]) -> dict[str, Any]:
    errors = _document_errors(given)
    if given["name"] not in ("available", "on_hand"):
        text = "The quantity name must be either 'available' or 'on_hand'."
        errors.append(user_error(["input", "name"], text, "INVALID_NAME"))
    errors += _duplicate_errors(given["quantities"], "quantities")
    changes = []
    for n, row in enumerate(given["quantities"]):
        field = ["input", "quantities", str(n)]
        level = _find(request, row, field, errors)
        errors += _bound_errors(given["name"], row["quantity"], field)
        if level is not None:
            before = _quantity(level, given["name"])
            errors += _stale_errors(row, before, field)
            changes.append((level, given["name"], row["quantity"] - before))
    return _apply(request, given, changes, errors)


@resolves("Mutation", "inventoryAdjustQuantities")
def adjust_quantities(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/inventoryAdjustQuantities"""
    request.sim.demand("inventoryAdjustQuantities", "write_inventory")
    given = args["input"]
    _demand_rows(given["changes"], "InventoryChangeInput")
    return once(request, "inventoryAdjustQuantities", args, lambda: _adjust(request, given))


def _adjust(request: Request, given: Mapping[str, Any]) -> dict[str, Any]:
    errors = _document_errors(given)
    if given["name"] not in ADJUSTABLE:
        text = f"The specified quantity name is invalid. Valid values are: {', '.join(ADJUSTABLE)}."
        errors.append(user_error(["input", "name"], text, "INVALID_QUANTITY_NAME"))
    changes = []
    for n, row in enumerate(given["changes"]):
        field = ["input", "changes", str(n)]
        level = _find(request, row, field, errors)
        if level is not None:
            errors += _stale_errors(row, _quantity(level, given["name"]), field)
            changes.append((level, given["name"], row["delta"]))
    return _apply(request, given, changes, errors)


Target = tuple[Item, Location]


def _quantity(target: Target, name: str) -> int:
    item, location = target
    level = item.levels.get(location.id)
    return level.quantity(name) if level else 0


def _apply(
    request: Request, given: Mapping[str, Any], changes: list[tuple[Target, str, int]], errors: Errors
) -> dict[str, Any]:
    if errors:
        return {"inventoryAdjustmentGroup": None, "userErrors": errors}
    rows = []
    for (item, location), name, delta in changes:
        if delta:
            rows += _change(request, request.sim.store.level(item, location, request.sim.moment()), name, delta)
    if not rows:
        return {"inventoryAdjustmentGroup": None, "userErrors": []}
    group = {
        "__typename": "InventoryAdjustmentGroup",
        "id": gid("InventoryAdjustmentGroup", request.sim.store.ids.next("InventoryAdjustmentGroup")),
        "createdAt": stamp(request.sim.moment()),
        "reason": given["reason"],
        "referenceDocumentUri": given.get("referenceDocumentUri"),
        "changes": rows,
    }
    return {"inventoryAdjustmentGroup": group, "userErrors": []}


def _change(request: Request, level: Level, name: str, delta: int) -> list[dict[str, Any]]:
    level.move(name, delta)
    request.sim.level_changed(level)
    names = (
        [name] if name == "incoming" else list(dict.fromkeys(["available" if name == "on_hand" else name, "on_hand"]))
    )
    row = {"delta": delta, "quantityAfterChange": None, "item": level.item, "location": level.location}
    return [{"name": one, **row} for one in names]


def _demand_rows(rows: list[dict[str, Any]], of: str) -> None:
    if len(rows) > MOST_ROWS:
        text = f"The input array size of {len(rows)} is greater than the maximum allowed of {MOST_ROWS}."
        raise FieldError(text, "MAX_INPUT_SIZE_EXCEEDED")
    if any("changeFromQuantity" not in row for row in rows):
        text = f"{of} must include the following argument: changeFromQuantity."
        raise FieldError(text, "INVALID_FIELD_ARGUMENTS")


def _find(request: Request, row: Mapping[str, Any], field: list[str], errors: Errors) -> Target | None:
    store = request.sim.store
    item = store.items.get(request.sim.number("InventoryItem", row["inventoryItemId"]))
    location = store.locations.get(request.sim.number("Location", row["locationId"]))
    if item is None:
        text = "The specified inventory item could not be found."
        errors.append(user_error([*field, "inventoryItemId"], text, "INVALID_INVENTORY_ITEM"))
    elif item.variant is not None and item.variant.bundle:
        text = "The specified inventory item is not allowed to be adjusted."
        errors.append(user_error([*field, "inventoryItemId"], text, "NON_MUTABLE_INVENTORY_ITEM"))
    if location is None:
        errors.append(
            user_error([*field, "locationId"], "The specified location could not be found.", "INVALID_LOCATION")
        )
    return None if item is None or location is None else (item, location)


def _document_errors(given: Mapping[str, Any]) -> Errors:
    errors = []
    if given["reason"] not in REASONS:
        text = f"The specified reason is invalid. Valid values are: {', '.join(REASONS)}."
        errors.append(user_error(["input", "reason"], text, "INVALID_REASON"))
    document = given.get("referenceDocumentUri")
    if document is not None and not (urlsplit(document).scheme and urlsplit(document).netloc):
        text = "The specified reference document is invalid."
        errors.append(user_error(["input", "referenceDocumentUri"], text, "INVALID_REFERENCE_DOCUMENT"))
    return errors


def _duplicate_errors(rows: list[dict[str, Any]], name: str) -> Errors:
    seen = Counter((row["inventoryItemId"], row["locationId"]) for row in rows)
    text = "The combination of inventoryItemId and locationId must be unique."
    code = "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"
    return [
        user_error(["input", name, str(n), "locationId"], text, code)
        for n, row in enumerate(rows)
        if seen[row["inventoryItemId"], row["locationId"]] > 1
    ]


def _bound_errors(name: str, quantity: int, field: list[str]) -> Errors:
    where = [*field, "quantity"]
    if name == "on_hand" and quantity < 0:
        return [user_error(where, "The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE")]
    if quantity > BILLION:
        return [user_error(where, "The quantity can't be higher than 1,000,000,000.", "INVALID_QUANTITY_TOO_HIGH")]
    if quantity < -BILLION:
        return [user_error(where, "The quantity can't be lower than -1,000,000,000.", "INVALID_QUANTITY_TOO_LOW")]
    return []


def _stale_errors(row: Mapping[str, Any], before: int, field: list[str]) -> Errors:
    believed = row["changeFromQuantity"]
    if believed is None or believed == before:
        return []
    text = "The changeFromQuantity value does not match persisted value."
    return [user_error([*field, "changeFromQuantity"], text, "CHANGE_FROM_QUANTITY_STALE")]


@resolves("Mutation", "inventoryActivate")
def activate(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/inventoryActivate"""
    request.sim.demand("inventoryActivate", "write_inventory")
    return once(request, "inventoryActivate", args, lambda: _activate(request, args))


def _activate(request: Request, args: Mapping[str, Any]) -> dict[str, Any]:
    errors: Errors = []
    target = _find(request, args, [], errors)
    if target is None:
        return {"inventoryLevel": None, "userErrors": errors}
    item, location = target
    known, wanted = item.levels.get(location.id), args.get("available")
    if wanted is not None and args.get("onHand") is not None:
        text = "Cannot set both available and on_hand."
        return {"inventoryLevel": None, "userErrors": [user_error(["available"], text)]}
    if known is not None and known.active and wanted is not None:
        text = "Not allowed to set available quantity when the item is already active at the location."
        return {"inventoryLevel": None, "userErrors": [user_error(["available"], text)]}
    level = request.sim.store.level(item, location, request.sim.moment())
    level.active = True
    if known is None and (wanted or args.get("onHand")):
        level.move("available", wanted or args["onHand"])
    request.sim.level_changed(level)
    return {"inventoryLevel": level, "userErrors": []}
