"""Writing stock. https://shopify.dev/docs/api/admin-graphql/latest/mutations/inventorySetQuantities

A request is applied as a whole or not at all, is compared with what the writer believed, and is repeatable by its key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from integrations.shopify.simulator.clock import stamp
from integrations.shopify.simulator.errors import FieldError
from integrations.shopify.simulator.idempotency import once, user_error
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
LEDGER = {
    code: (text, code)
    for code, text in {
        "INVALID_AVAILABLE_DOCUMENT": "A ledger document URI is not allowed when adjusting available.",
        "INVALID_QUANTITY_DOCUMENT": "A ledger document URI is required except when adjusting available.",
        "INTERNAL_LEDGER_DOCUMENT": "Internal (gid://shopify/) ledger documents "
        "are not allowed to be adjusted via API.",
        "INVALID_LEDGER_DOCUMENT": "The specified ledger document is invalid.",
        "MAX_ONE_LEDGER_DOCUMENT": "All changes must have the same ledger document URI or, in the case of adjusting "
        "available, no ledger document URI.",
    }.items()
}
"""(message, code) by code."""
FIXED = (
    "The specified inventory item is not allowed to be adjusted via API. "
    "Example: if the inventory item is a parent bundle."
)

Errors = list[dict[str, Any]]


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
    name, errors = given["name"], _document_errors(given)
    if name not in ADJUSTABLE:
        text = f"The specified quantity name is invalid. Valid values are: {', '.join(ADJUSTABLE)}."
        errors.append(user_error(["input", "name"], text, "INVALID_QUANTITY_NAME"))
    else:
        errors += _ledger_errors(given)
    changes = []
    for n, row in enumerate(given["changes"]):
        field = ["input", "changes", str(n)]
        target = _find(request, row, field, errors)
        if target is not None:
            before = _quantity(target, name)
            errors += _stale_errors(row, before, field) + _total_errors(before + row["delta"], field)
            changes.append((target, name, row["delta"]))
    return _apply(request, given, changes, errors)


def _total_errors(total: int, field: list[str]) -> Errors:
    where = [*field, "delta"]
    if total > 2 * BILLION:
        return [user_error(where, "The quantity can't be higher than 2,000,000,000.", "INVALID_QUANTITY_TOO_HIGH")]
    if total < -2 * BILLION:
        return [user_error(where, "The quantity can't be lower than -2,000,000,000.", "INVALID_QUANTITY_TOO_LOW")]
    return []


def _ledger_errors(given: Mapping[str, Any]) -> Errors:
    """Everything but `available` is counted against one document of the caller's own."""
    errors: Errors = []
    for n, row in enumerate(given["changes"]):
        where, document = ["input", "changes", str(n), "ledgerDocumentUri"], row.get("ledgerDocumentUri")
        if given["name"] == "available" and document is not None:
            errors.append(user_error(where, *LEDGER["INVALID_AVAILABLE_DOCUMENT"]))
        elif given["name"] != "available" and document is None:
            errors.append(user_error(where, *LEDGER["INVALID_QUANTITY_DOCUMENT"]))
        elif document is not None and document.startswith("gid://shopify/"):
            errors.append(user_error(where, *LEDGER["INTERNAL_LEDGER_DOCUMENT"]))
        elif document is not None and not is_uri(document):
            errors.append(user_error(where, *LEDGER["INVALID_LEDGER_DOCUMENT"]))
    if not errors and len({row.get("ledgerDocumentUri") for row in given["changes"]}) > 1:
        errors.append(user_error(["input", "changes"], *LEDGER["MAX_ONE_LEDGER_DOCUMENT"]))
    return errors


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
            rows += _change(request, _kept_at(request, item, location), name, delta)
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


def _kept_at(request: Request, item: Item, location: Location) -> Level:
    """The level to write to. Where the item is not stocked Shopify keeps the number, and sells nothing from it."""
    new = location.id not in item.levels
    level: Level = request.sim.store.level(item, location, request.sim.moment())
    level.active = level.active and not new
    return level


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
        errors.append(user_error([*field, "inventoryItemId"], FIXED, "NON_MUTABLE_INVENTORY_ITEM"))
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
    if document is not None and not is_uri(document):
        text = "The specified reference document is invalid."
        errors.append(user_error(["input", "referenceDocumentUri"], text, "INVALID_REFERENCE_DOCUMENT"))
    return errors


def is_uri(text: str) -> bool:
    """Whether it names its system: scheme and host at least."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc)


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
