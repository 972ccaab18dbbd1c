"""Stock in the simulator: what orders do to it, and how it is written."""

from __future__ import annotations

from typing import Any

import pytest

from . import sheet_documents as sheet
from .story import Story


def location(story: Story, name: str = "Main") -> str:
    """A location's gid."""
    return {one["name"]: one["id"] for one in story.sim.do_setup()["locations"]}[name]


def row(story: Story, sku: str, quantity: int, believed: int | None, place: str = "Main") -> dict[str, Any]:
    """One row of a write."""
    item = story.products[sku]["inventory_item"]
    where = location(story, place)
    return {"inventoryItemId": item, "locationId": where, "quantity": quantity, "changeFromQuantity": believed}


def write(story: Story, *rows: dict[str, Any], key: str = "k", name: str = "available") -> dict[str, Any]:
    """The payload of a set."""
    given = {"name": name, "reason": "correction", "quantities": list(rows)}
    found: dict[str, Any] = story.data(sheet.INVENTORY_SET, key=key, input=given)["inventorySetQuantities"]
    return found


def codes(payload: dict[str, Any]) -> list[str]:
    """The codes of the user errors."""
    return [one["code"] for one in payload["userErrors"]]


def test_an_order_commits_its_units_and_shipping_takes_them_away():
    # given ten mugs
    story = Story()
    # when two are ordered, one is sent and one is refunded
    order = story.place()
    assert story.level("MUG-RED") == {"available": 8, "on_hand": 10, "committed": 2}
    waiting = story.data(sheet.ORDER_FULFILLMENT_ORDERS, id=order)["order"]["fulfillmentOrders"]["nodes"][0]
    rows = [{"id": waiting["lineItems"]["nodes"][0]["id"], "quantity": 1}]
    group = {"fulfillmentOrderId": waiting["id"], "fulfillmentOrderLineItems": rows}
    story.data(sheet.FULFILLMENT_CREATE, fulfillment={"lineItemsByFulfillmentOrder": [group]})
    assert story.level("MUG-RED") == {"available": 8, "on_hand": 9, "committed": 1}
    story.sim.do_refund(order, lines=[{"line": 0, "quantity": 1}])
    # then it is back
    assert story.level("MUG-RED") == {"available": 9, "on_hand": 9, "committed": 0}
    # and so is the other one when it is returned
    story.sim.do_refund(order, lines=[{"line": 0, "quantity": 1}])
    assert story.level("MUG-RED") == {"available": 10, "on_hand": 10, "committed": 0}


def test_a_cancelled_order_gives_its_units_back():
    story = Story()
    story.sim.do_cancel(story.place())
    assert story.level("MUG-RED") == {"available": 10, "on_hand": 10, "committed": 0}


def test_an_unknown_product_moves_nothing():
    story = Story()
    story.place(lines=[{"sku": "MUG-RED", "quantity": 2, "price": "1.00", "known": False}])
    assert story.level("MUG-RED")["available"] == 10


def test_setting_available_moves_on_hand_with_it():
    story = Story()
    payload = write(story, row(story, "MUG-RED", 14, 10))
    assert payload["userErrors"] == []
    changes = payload["inventoryAdjustmentGroup"]["changes"]
    assert [(one["name"], one["delta"], one["quantityAfterChange"]) for one in changes] == [
        ("available", 4, None),
        ("on_hand", 4, None),
    ]
    assert story.level("MUG-RED") == {"available": 14, "on_hand": 14, "committed": 0}


def test_setting_on_hand_leaves_what_is_committed():
    story = Story()
    story.place()
    assert write(story, row(story, "MUG-RED", 7, 10), name="on_hand")["userErrors"] == []
    assert story.level("MUG-RED") == {"available": 5, "on_hand": 7, "committed": 2}


def test_writing_what_is_there_succeeds_with_a_null_group():
    story = Story()
    assert write(story, row(story, "HAT", 10, 10)) == {"inventoryAdjustmentGroup": None, "userErrors": []}


def test_one_stale_row_stops_all_of_them():
    # given an order that nobody told the writer about
    story = Story()
    story.place()
    # when two rows are written, one of them with an old belief
    payload = write(story, row(story, "HAT", 3, 10), row(story, "MUG-RED", 9, 10))
    # then neither is
    assert payload["inventoryAdjustmentGroup"] is None
    assert payload["userErrors"] == [
        {
            "field": ["input", "quantities", "1", "changeFromQuantity"],
            "message": "The changeFromQuantity value does not match persisted value.",
            "code": "CHANGE_FROM_QUANTITY_STALE",
        }
    ]
    assert story.level("HAT")["available"] == 10


def test_every_wrong_row_is_named():
    story = Story()
    nowhere = {**row(story, "HAT", 1, None), "locationId": "gid://shopify/Location/1"}
    nothing = {**row(story, "HAT", 1, None), "inventoryItemId": "gid://shopify/InventoryItem/1"}
    huge = row(story, "MUG-RED", 2_000_000_000, None)
    assert codes(write(story, nowhere, nothing, huge)) == [
        "INVALID_LOCATION",
        "INVALID_INVENTORY_ITEM",
        "INVALID_QUANTITY_TOO_HIGH",
    ]
    twice = row(story, "HAT", 1, None)
    assert codes(write(story, twice, twice, key="b")) == ["NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"] * 2
    assert codes(write(story, twice, key="c", name="committed")) == ["INVALID_NAME"]
    assert codes(write(story, row(story, "HAT", -1, None), key="d", name="on_hand")) == ["INVALID_QUANTITY_NEGATIVE"]


def test_a_repeated_key_applies_once():
    # given a write whose answer got lost, and an order since then
    story = Story()
    first = write(story, row(story, "HAT", 20, 10), key="one")
    story.place(lines=[{"sku": "HAT", "quantity": 1, "price": "20.00"}])
    # when it is repeated word by word
    again = write(story, row(story, "HAT", 20, 10), key="one")
    # then the first outcome comes back and nothing moves
    assert again == first
    assert story.level("HAT")["available"] == 19


def test_a_key_belongs_to_its_arguments_and_a_failed_one_is_spent():
    story = Story()
    write(story, row(story, "HAT", 20, 10), key="one")
    assert codes(write(story, row(story, "HAT", 21, 20), key="one")) == ["IDEMPOTENCY_KEY_PARAMETER_MISMATCH"]
    stale = row(story, "HAT", 5, 99)
    assert codes(write(story, stale, key="two")) == ["CHANGE_FROM_QUANTITY_STALE"]
    assert codes(write(story, stale, key="two")) == ["IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"]


def test_without_a_key_nothing_is_written():
    story = Story()
    document = sheet.INVENTORY_SET.replace(" @idempotent(key: $key)", "").replace(", $key: String!", "")
    given = {"name": "available", "reason": "correction", "quantities": [row(story, "HAT", 1, None)]}
    body = story.ask(document, input=given)
    assert body["data"] == {"inventorySetQuantities": None}
    error = body["errors"][0]
    assert error["message"] == "The @idempotent directive is required for this mutation but was not provided."
    assert (error["path"], error["extensions"]["code"]) == (["inventorySetQuantities"], "BAD_REQUEST")


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (
            lambda one: [{key: value for key, value in one.items() if key != "changeFromQuantity"}],
            "INVALID_FIELD_ARGUMENTS",
        ),
        (lambda one: [one] * 251, "MAX_INPUT_SIZE_EXCEEDED"),
    ],
)
def test_malformed_writes_are_refused_as_a_whole(rows, code):
    story = Story()
    given = {"name": "available", "reason": "correction", "quantities": rows(row(story, "HAT", 1, None))}
    error = story.ask(sheet.INVENTORY_SET, key="k", input=given)["errors"][0]
    assert error["extensions"]["code"] == code


def test_relative_changes():
    story = Story()
    document = """
    mutation Adjust($input: InventoryAdjustQuantitiesInput!, $key: String!) {
      inventoryAdjustQuantities(input: $input) @idempotent(key: $key) { userErrors { code } }
    }"""
    change = {key: value for key, value in row(story, "HAT", 0, None).items() if key != "quantity"}
    given = {"name": "available", "reason": "received", "changes": [{**change, "delta": -3}]}
    assert story.data(document, key="a", input=given)["inventoryAdjustQuantities"]["userErrors"] == []
    assert story.level("HAT")["available"] == 7
    wrong = story.data(document, key="b", input={**given, "name": "on_hand"})
    assert codes(wrong["inventoryAdjustQuantities"]) == ["INVALID_QUANTITY_NAME"]


def test_skus_are_found_by_their_words():
    # given MUG-RED and another mug
    story = Story()
    story.sim.do_create_products([{"sku": "mug-red-xl", "title": "Big mug", "price": "30.00"}])
    # when the sku is searched
    found = story.data(sheet.VARIANTS_BY_SKU, query="sku:'MUG-RED' OR sku:'HAT'")["productVariants"]["nodes"]
    # then similar ones come too: only the exact text counts
    assert [one["sku"] for one in found] == ["MUG-RED", "HAT", "mug-red-xl"]


def test_levels_that_changed_since_a_moment():
    story = Story()
    story.clock.now += 3600
    story.place()
    query = "updated_at:>='2026-11-23T12:30:00Z'"
    found = story.data(sheet.LEVELS_AT_LOCATION, locationId=location(story), query=query)["location"]
    assert [one["item"]["sku"] for one in found["inventoryLevels"]["nodes"]] == ["MUG-RED"]
    numbers = {one["name"]: one["quantity"] for one in found["inventoryLevels"]["nodes"][0]["quantities"]}
    assert numbers == {"available": 8, "on_hand": 10, "committed": 2}


def test_items_know_how_many_others_share_their_sku():
    story = Story()
    story.sim.do_create_products([{"sku": "HAT", "title": "Other hat", "price": "1.00", "tracked": False}])
    found = story.data(sheet.VARIANTS_BY_SKU, query="sku:HAT")["productVariants"]["nodes"]
    assert [one["inventoryItem"]["duplicateSkuCount"] for one in found] == [1, 1]
    assert [one["inventoryItem"]["tracked"] for one in found] == [True, False]


def test_a_new_place_is_activated():
    story = Story()
    document = """
    mutation A($item: ID!, $place: ID!, $available: Int, $key: String!) {
      inventoryActivate(inventoryItemId: $item, locationId: $place, available: $available) @idempotent(key: $key) {
        inventoryLevel { id isActive quantities(names: ["available"]) { quantity } }
        userErrors { field message }
      }
    }"""
    values = {"item": story.products["HAT"]["inventory_item"], "place": location(story, "East")}
    made = story.data(document, key="a", available=4, **values)["inventoryActivate"]
    assert made["inventoryLevel"]["quantities"] == [{"quantity": 4}]
    again = story.data(document, key="b", available=4, **values)["inventoryActivate"]
    assert "already active" in again["userErrors"][0]["message"]
