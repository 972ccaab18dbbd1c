"""What the simulator refuses of stock, in Shopify's own codes and words."""

from __future__ import annotations

from typing import Any

import pytest

from . import sheet_documents as sheet
from .story import Story
from .test_simulator_stock import codes, location, row, write

UNKNOWN_ITEM = "gid://shopify/InventoryItem/404404"
UNKNOWN_PLACE = "gid://shopify/Location/404404"
OWN_DOCUMENT = "gid://hub/Count/1"
ADJUST = """
mutation Adjust($input: InventoryAdjustQuantitiesInput!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { changes { name delta } }
    userErrors { field message code }
  }
}"""
ACTIVATE = """
mutation A($item: ID!, $place: ID!, $available: Int, $onHand: Int, $key: String!) {
  inventoryActivate(inventoryItemId: $item, locationId: $place, available: $available, onHand: $onHand)
    @idempotent(key: $key) {
    inventoryLevel { isActive quantities(names: ["available", "on_hand"]) { quantity } }
    userErrors { field message }
  }
}"""
REASONS = (
    "correction, cycle_count_available, damaged, movement_canceled, movement_created, movement_received, "
    "movement_updated, other, promotion, quality_control, received, reservation_created, reservation_deleted, "
    "reservation_updated, restock, safety_stock, shrinkage"
)
ROW = ["input", "quantities", "0"]


def hat(story: Story, **changes: Any) -> dict[str, Any]:
    """A row that sets the hats to 7, changed."""
    return {**row(story, "HAT", 7, None), **changes}


@pytest.mark.parametrize(
    ("row_changes", "changes", "expected"),
    [
        (
            {"changeFromQuantity": 9},
            {},
            (
                [*ROW, "changeFromQuantity"],
                "The changeFromQuantity value does not match persisted value.",
                "CHANGE_FROM_QUANTITY_STALE",
            ),
        ),
        (
            {"inventoryItemId": UNKNOWN_ITEM},
            {},
            (
                [*ROW, "inventoryItemId"],
                "The specified inventory item could not be found.",
                "INVALID_INVENTORY_ITEM",
            ),
        ),
        (
            {"locationId": UNKNOWN_PLACE},
            {},
            ([*ROW, "locationId"], "The specified location could not be found.", "INVALID_LOCATION"),
        ),
        (
            {},
            {"name": "committed"},
            (["input", "name"], "The quantity name must be either 'available' or 'on_hand'.", "INVALID_NAME"),
        ),
        (
            {},
            {"reason": "because"},
            (
                ["input", "reason"],
                f"The specified reason is invalid. Valid values are: {REASONS}.",
                "INVALID_REASON",
            ),
        ),
        (
            {"quantity": -1},
            {"name": "on_hand"},
            ([*ROW, "quantity"], "The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE"),
        ),
        (
            {"quantity": 1_000_000_001},
            {},
            ([*ROW, "quantity"], "The quantity can't be higher than 1,000,000,000.", "INVALID_QUANTITY_TOO_HIGH"),
        ),
        (
            {"quantity": -1_000_000_001},
            {},
            ([*ROW, "quantity"], "The quantity can't be lower than -1,000,000,000.", "INVALID_QUANTITY_TOO_LOW"),
        ),
        (
            {},
            {"referenceDocumentUri": "run 5"},
            (
                ["input", "referenceDocumentUri"],
                "The specified reference document is invalid.",
                "INVALID_REFERENCE_DOCUMENT",
            ),
        ),
    ],
)
def test_a_wrong_row_is_refused_in_these_words_and_nothing_is_written(row_changes, changes, expected):
    story = Story()
    given = {"name": "available", "reason": "correction", "quantities": [hat(story, **row_changes)], **changes}
    payload = story.data(sheet.INVENTORY_SET, key="k", input=given)["inventorySetQuantities"]
    found = [(one["field"], one["message"], one["code"]) for one in payload["userErrors"]]
    assert (payload["inventoryAdjustmentGroup"], found) == (None, [expected])
    assert story.level("HAT")["available"] == 10


def test_bundles_cannot_be_set():
    story = Story()
    made = story.sim.do_create_products([{"sku": "SET", "bundle": True, "levels": {"Main": 1}}])
    payload = write(story, hat(story, inventoryItemId=made["SET"]["inventory_item"]))
    assert codes(payload) == ["NON_MUTABLE_INVENTORY_ITEM"]


def test_available_may_be_negative_and_the_bounds_themselves_are_taken():
    story = Story()
    for key, quantity in (("a", -5), ("b", 1_000_000_000), ("c", -1_000_000_000)):
        assert write(story, hat(story, quantity=quantity), key=key)["userErrors"] == []
        assert story.level("HAT")["available"] == quantity


def test_rows_without_effect_are_not_among_the_changes():
    story = Story()
    payload = write(story, row(story, "HAT", 10, 10), row(story, "MUG-RED", 9, 10))
    names = [(one["name"], one["item"]["sku"]) for one in payload["inventoryAdjustmentGroup"]["changes"]]
    assert names == [("available", "MUG-RED"), ("on_hand", "MUG-RED")]


@pytest.mark.parametrize("key", ["", "  "])
def test_a_blank_key_is_none(key):
    story = Story()
    given = {"name": "available", "reason": "correction", "quantities": [hat(story)]}
    body = story.ask(sheet.INVENTORY_SET, key=key, input=given)
    assert body["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("field", ["ignoreCompareQuantity", "setQuantities"])
def test_fields_of_older_versions_are_unknown(field):
    story = Story()
    given = {"name": "available", "reason": "correction", "quantities": [hat(story)], field: True}
    error = story.ask(sheet.INVENTORY_SET, key="k", input=given)["errors"][0]
    of = "InventorySetQuantitiesInput"
    assert error["message"] == (
        f"Variable $input of type {of}! was provided invalid value for {field} (Field is not defined on {of})"
    )
    assert error["extensions"]["code"] == "INVALID_VARIABLE"
    assert error["extensions"]["problems"] == [{"path": [field], "explanation": f"Field is not defined on {of}"}]


def test_the_directive_belongs_on_the_field():
    story = Story()
    document = sheet.INVENTORY_SET.replace(" @idempotent(key: $key)", "").replace(
        "$key: String!)", "$key: String!) @idempotent(key: $key)"
    )
    given = {"name": "available", "reason": "correction", "quantities": [hat(story)]}
    body = story.ask(document, key="k", input=given)
    assert body["errors"][0]["extensions"]["code"] == "directiveCannotBeApplied"
    assert "data" not in body


def test_251_rows_are_too_many():
    story = Story()
    given = {"name": "available", "reason": "correction", "quantities": [hat(story)] * 251}
    error = story.ask(sheet.INVENTORY_SET, key="k", input=given)["errors"][0]
    assert error["message"] == "The input array size of 251 is greater than the maximum allowed of 250."


class TestKeys:
    """https://shopify.dev/docs/api/usage/idempotent-requests"""

    def test_a_key_is_forgotten_after_a_day(self):
        # given a write, and a sale since
        story = Story()
        write(story, hat(story, quantity=7), key="one")
        story.place(lines=[{"sku": "HAT", "quantity": 1, "price": "20.00"}])
        # when the same call comes within the day, and after it
        story.clock.now += 86_400
        write(story, hat(story, quantity=7), key="one")
        assert story.level("HAT")["available"] == 6
        story.clock.now += 1
        write(story, hat(story, quantity=7), key="one")
        # then the last one is a new one
        assert story.level("HAT")["available"] == 7

    def test_a_call_that_still_runs_says_so(self):
        story = Story(switches={"busy_seconds": 5})
        write(story, hat(story, quantity=7), key="one")
        busy = write(story, hat(story, quantity=7), key="one")
        assert busy["userErrors"] == [
            {
                "field": None,
                "message": "This request is currently in progress, please try again.",
                "code": "IDEMPOTENCY_CONCURRENT_REQUEST",
            }
        ]
        story.clock.now += 5
        assert write(story, hat(story, quantity=7), key="one")["userErrors"] == []

    def test_another_body_says_so_whatever_became_of_the_first(self):
        story = Story()
        write(story, hat(story), key="one")
        assert write(story, hat(story, quantity=8), key="one")["userErrors"] == [
            {
                "field": None,
                "message": "The same idempotency key cannot be used with different operation parameters.",
                "code": "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
            }
        ]

    def test_a_failed_key_is_spent_or_says_the_same_again(self):
        for setting, code in (
            ("spent", "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"),
            ("replays", "CHANGE_FROM_QUANTITY_STALE"),
        ):
            story = Story(switches={"failed_key": setting})
            stale = hat(story, changeFromQuantity=9)
            assert codes(write(story, stale, key="one")) == ["CHANGE_FROM_QUANTITY_STALE"]
            story.sim.do_set_levels({"HAT": {"Main": 9}})
            assert codes(write(story, stale, key="one")) == [code]

    def test_a_throttled_call_does_not_use_its_key_up(self):
        story = Story()
        story.sim.bucket.level = 0
        given = {"name": "available", "reason": "correction", "quantities": [hat(story)]}
        body = story.ask(sheet.INVENTORY_SET, key="one", input=given)
        assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
        story.clock.now += 10
        write(story, hat(story), key="one")
        assert story.level("HAT")["available"] == 7

    def test_a_key_is_of_its_mutation(self):
        story = Story()
        write(story, hat(story), key="one")
        values = {"item": story.products["HAT"]["inventory_item"], "place": location(story, "East")}
        assert story.data(ACTIVATE, key="one", **values)["inventoryActivate"]["userErrors"] == []


class TestInactive:
    """Levels that are not active keep their numbers, and sell nothing."""

    def test_a_number_set_where_nothing_is_stocked_is_kept_and_not_sold(self):
        # given hats that are not stocked in the east
        story = Story()
        payload = write(story, row(story, "HAT", 4, 0, "East"))
        assert payload["userErrors"] == []
        assert self.seen(story) == (10, False, 4)
        # when the place is activated
        values = {"item": story.products["HAT"]["inventory_item"], "place": location(story, "East")}
        made = story.data(ACTIVATE, key="a", **values)["inventoryActivate"]["inventoryLevel"]
        # then the number is as it was, and is sold
        assert (made["isActive"], made["quantities"]) == (True, [{"quantity": 4}, {"quantity": 4}])
        assert self.seen(story) == (14, True, 4)

    def seen(self, story: Story) -> tuple[int, bool, int]:
        """The sum that is sold, and the eastern level."""
        document = """
        query Q($place: ID!) {
          productVariants(first: 1, query: "sku:HAT") { nodes {
            inventoryQuantity
            inventoryItem {
              inventoryLevel(locationId: $place, includeInactive: true) {
                isActive quantities(names: ["available"]) { quantity }
              }
            }
          } }
        }"""
        (node,) = story.data(document, place=location(story, "East"))["productVariants"]["nodes"]
        level = node["inventoryItem"]["inventoryLevel"]
        return node["inventoryQuantity"], level["isActive"], level["quantities"][0]["quantity"]

    def test_unticking_keeps_the_number_and_hides_the_level(self):
        story = Story()
        story.sim.do_unstock("MUG-RED", "East")
        document = """
        query Q($id: ID!, $place: ID!) { inventoryItem(id: $id) { inventoryLevel(locationId: $place) { id } } }"""
        values = {"id": story.products["MUG-RED"]["inventory_item"], "place": location(story, "East")}
        assert story.data(document, **values)["inventoryItem"]["inventoryLevel"] is None
        assert story.level("MUG-RED", "East")["available"] == 5

    def test_activating_refuses_what_shopify_refuses(self):
        story = Story()
        item = story.products["HAT"]["inventory_item"]
        east, main = location(story, "East"), location(story)

        def said(key: str, place: str, **given: Any) -> list[tuple[str, str]]:
            payload = story.data(ACTIVATE, key=key, item=item, place=place, **given)["inventoryActivate"]
            return [(one["field"][0], one["message"]) for one in payload["userErrors"]]

        both = (
            "The product couldn't be stocked at East because not allowed to set available and on_hand quantities "
            "at the same time."
        )
        assert said("a", east, available=1, onHand=1) == [("available", both), ("onHand", both)]
        bounds = (
            "The product couldn't be stocked at East because the quantity needs to be between -1 billion and 1 billion."
        )
        assert said("b", east, onHand=1_000_000_001) == [("onHand", bounds)]
        already = "Not allowed to set {} quantity when the item is already active at the location."
        assert said("c", main, available=1) == [("available", already.format("available"))]
        assert said("d", main, onHand=1) == [("onHand", already.format("an on_hand"))]
        assert said("e", main) == []


class TestAdjusting:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/inventoryAdjustQuantities"""

    def adjust(self, story: Story, name: str, delta: int, key: str = "k", **more: Any) -> dict[str, Any]:
        change = {key: value for key, value in hat(story).items() if key != "quantity"}
        given = {"name": name, "reason": "correction", "changes": [{**change, "delta": delta, **more}]}
        found: dict[str, Any] = story.data(ADJUST, key=key, input=given)["inventoryAdjustQuantities"]
        return found

    @pytest.mark.parametrize(
        ("name", "more", "code"),
        [
            ("on_hand", {}, "INVALID_QUANTITY_NAME"),
            ("committed", {}, "INVALID_QUANTITY_NAME"),
            ("damaged", {}, "INVALID_QUANTITY_DOCUMENT"),
            ("available", {"ledgerDocumentUri": OWN_DOCUMENT}, "INVALID_AVAILABLE_DOCUMENT"),
            ("damaged", {"ledgerDocumentUri": "gid://shopify/Order/1"}, "INTERNAL_LEDGER_DOCUMENT"),
            ("damaged", {"ledgerDocumentUri": "count 1"}, "INVALID_LEDGER_DOCUMENT"),
            ("available", {"changeFromQuantity": 9}, "CHANGE_FROM_QUANTITY_STALE"),
            ("available", {"inventoryItemId": UNKNOWN_ITEM}, "INVALID_INVENTORY_ITEM"),
        ],
    )
    def test_what_is_refused(self, name, more, code):
        story = Story()
        assert codes(self.adjust(story, name, 1, **more)) == [code]
        assert story.level("HAT") == {"available": 10, "on_hand": 10, "committed": 0}

    def test_a_document_of_ones_own_makes_it_good(self):
        story = Story()
        payload = self.adjust(story, "damaged", 2, ledgerDocumentUri=OWN_DOCUMENT)
        changes = [(one["name"], one["delta"]) for one in payload["inventoryAdjustmentGroup"]["changes"]]
        assert changes == [("damaged", 2), ("on_hand", 2)]

    def test_all_changes_are_of_one_document(self):
        story = Story()
        change = {key: value for key, value in hat(story).items() if key != "quantity"}
        changes = [
            {**change, "delta": 1, "ledgerDocumentUri": f"{OWN_DOCUMENT}{n}", "locationId": location(story, place)}
            for n, place in enumerate(("Main", "East"))
        ]
        given = {"name": "damaged", "reason": "damaged", "changes": changes}
        assert codes(story.data(ADJUST, key="k", input=given)["inventoryAdjustQuantities"]) == [
            "MAX_ONE_LEDGER_DOCUMENT"
        ]

    def test_the_sum_has_bounds_of_its_own_and_nothing_added_is_no_change(self):
        story = Story()
        assert self.adjust(story, "available", 2_000_000_000, key="a")["userErrors"][0]["message"] == (
            "The quantity can't be higher than 2,000,000,000."
        )
        assert self.adjust(story, "available", 0, key="b") == {"inventoryAdjustmentGroup": None, "userErrors": []}


def test_places_of_a_service_are_listed_only_when_asked_for():
    story = Story()
    story.sim.do_setup(locations=[{"name": "3PL", "service": "Parcel People"}])
    for legacy, names in ((True, ["3PL", "East", "Main"]), (False, ["East", "Main"])):
        document = f"{{ locations(first: 9, includeLegacy: {str(legacy).lower()}) {{ nodes {{ name }} }} }}"
        assert sorted(one["name"] for one in story.data(document)["locations"]["nodes"]) == names
