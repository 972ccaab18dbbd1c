"""Fulfillment orders that are held, moved, split, merged, scheduled or shipped by others."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.shopify.simulator.core import ALL_SCOPES

from . import sheet_documents as sheet
from .story import Story
from .test_simulator_fulfilment import send, waiting

HOLD = """
mutation Hold($id: ID!, $hold: FulfillmentOrderHoldInput!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
    fulfillmentHold { id handle reason displayReason heldByRequestingApp }
    fulfillmentOrder { id status supportedActions { action } }
    remainingFulfillmentOrder { id status }
    userErrors { field message code }
  }
}"""
RELEASE = """
mutation Release($id: ID!, $holdIds: [ID!]) {
  fulfillmentOrderReleaseHold(id: $id, holdIds: $holdIds) {
    fulfillmentOrder { id status fulfillmentHolds { handle } }
    userErrors { field message code }
  }
}"""
THREE = [{"sku": "MUG-RED", "quantity": 3, "price": "25.00"}]


def hold(story: Story, one: dict[str, Any], **given: Any) -> dict[str, Any]:
    found: dict[str, Any] = story.data(HOLD, id=one["id"], hold={"reason": "OTHER", **given})["fulfillmentOrderHold"]
    return found


def told(payload: dict[str, Any]) -> list[tuple[Any, str, str]]:
    return [(one["field"], one["message"], one["code"]) for one in payload["userErrors"]]


def names(one: dict[str, Any]) -> list[str]:
    return [row["action"] for row in one["supportedActions"]]


def left(one: dict[str, Any]) -> list[tuple[int, int]]:
    return [(row["totalQuantity"], row["remainingQuantity"]) for row in one["lineItems"]["nodes"]]


class TestHolds:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentOrderHold"""

    def test_a_handle_is_used_once_by_an_app_and_others_have_their_own(self):
        story = Story()
        order = story.place()
        (one,) = waiting(story, order)
        assert told(hold(story, one, handle="fraud")) == []
        assert told(hold(story, one, handle="fraud")) == [
            (
                ["fulfillmentHold", "handle"],
                "The handle provided for the fulfillment hold is already in use by this app "
                "for another hold on this fulfillment order.",
                "DUPLICATE_FULFILLMENT_HOLD_HANDLE",
            )
        ]
        # a hold of another app is in nobody's way
        other = story.sim.store.order(order).fulfillment_orders[0].holds[0]
        other["heldByRequestingApp"] = False
        assert told(hold(story, one, handle="fraud")) == []

    def test_an_app_has_ten_holds_at_most(self):
        story = Story()
        order = story.place()
        (one,) = waiting(story, order)
        for n in range(10):
            made = hold(story, one, handle=f"h{n}")
        assert names(made["fulfillmentOrder"]) == ["RELEASE_HOLD", "MOVE"]
        assert told(hold(story, one, handle="h10")) == [
            (
                ["id"],
                "The maximum number of fulfillment holds for this fulfillment order has been reached for this app. "
                "An app can only have up to 10 holds on a single fulfillment order at any one time.",
                "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED",
            )
        ]

    @pytest.mark.parametrize(
        ("rows", "words", "code"),
        [
            ([0], "You must select at least one item to place on partial hold.", "GREATER_THAN_ZERO"),
            ([1, 1], "must contain unique line item ids", "DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS"),
            ([9], "The fulfillment order line item quantity is invalid.", "INVALID_LINE_ITEM_QUANTITY"),
        ],
    )
    def test_units_that_cannot_be_held(self, rows, words, code):
        story = Story()
        (one,) = waiting(story, story.place(lines=THREE))
        line = one["lineItems"]["nodes"][0]["id"]
        payload = hold(story, one, fulfillmentOrderLineItems=[{"id": line, "quantity": units} for units in rows])
        assert [row[1:] for row in told(payload)] == [(words, code)]

    def test_what_is_held_cannot_be_held_in_part(self):
        story = Story()
        (one,) = waiting(story, story.place(lines=THREE))
        hold(story, one)
        rows = [{"id": one["lineItems"]["nodes"][0]["id"], "quantity": 1}]
        assert told(hold(story, one, fulfillmentOrderLineItems=rows)) == [
            (
                ["fulfillmentHold", "fulfillmentOrderLineItems"],
                "The fulfillment order is not in a splittable state.",
                "FULFILLMENT_ORDER_NOT_SPLITTABLE",
            )
        ]

    def test_the_last_release_opens_it(self):
        # given two holds
        story = Story()
        order = story.place()
        (one,) = waiting(story, order)
        first = hold(story, one, handle="a", reason="AWAITING_RETURN_ITEMS")["fulfillmentHold"]
        assert first["displayReason"] == "Exchange items awaiting return delivery"
        hold(story, one, handle="b")
        # when they are released one by one
        after_one = story.data(RELEASE, id=one["id"], holdIds=[first["id"]])["fulfillmentOrderReleaseHold"]
        assert after_one["fulfillmentOrder"]["status"] == "ON_HOLD"
        assert after_one["fulfillmentOrder"]["fulfillmentHolds"] == [{"handle": "b"}]
        after_all = story.data(RELEASE, id=one["id"])["fulfillmentOrderReleaseHold"]
        assert after_all["fulfillmentOrder"]["status"] == "OPEN"

    def test_what_is_not_there_cannot_be_held_or_released(self):
        story = Story()
        nobody = {"id": "gid://shopify/FulfillmentOrder/404404"}
        assert told(hold(story, nobody))[0][2] == "FULFILLMENT_ORDER_NOT_FOUND"
        payload = story.data(RELEASE, id=nobody["id"])["fulfillmentOrderReleaseHold"]
        assert told(payload)[0][2] == "FULFILLMENT_ORDER_NOT_FOUND"

    def test_unknown_reasons_are_no_reasons(self):
        story = Story()
        (one,) = waiting(story, story.place())
        body = story.ask(HOLD, id=one["id"], hold={"reason": "BORED"})
        assert body["errors"][0]["extensions"]["code"] == "INVALID_VARIABLE"


class TestPlaces:
    """Ids that change, and ids that do not."""

    def test_moving_everything_keeps_the_id_and_moving_a_part_does_not(self):
        story = Story()
        order = story.place(lines=THREE)
        (before,) = waiting(story, order)
        story.sim.do_move(order, "East", {"MUG-RED": 1})
        stayed, moved = waiting(story, order)
        assert (stayed["id"], left(stayed), left(moved)) == (before["id"], [(2, 2)], [(1, 1)])
        assert [one["assignedLocation"]["name"] for one in (stayed, moved)] == ["Main", "East"]
        story.sim.do_move(order, "East")
        assert [one["assignedLocation"]["name"] for one in waiting(story, order)] == ["East", "East"]
        assert waiting(story, order)[0]["id"] == before["id"]

    def test_splitting_and_merging(self):
        story = Story()
        order = story.place(lines=THREE)
        assert "MERGE" not in names(waiting(story, order)[0])
        story.sim.do_split(order, {"MUG-RED": 1})
        first, second = waiting(story, order)
        assert (left(first), left(second)) == ([(2, 2)], [(1, 1)])
        assert (names(first)[-2:], names(second)[-1]) == (["SPLIT", "MERGE"], "MERGE")
        # two groups of one location are one fulfillment
        story.sim.do_merge(order)
        first, second = waiting(story, order)
        assert [(one["status"], left(one)) for one in (first, second)] == [("OPEN", [(3, 3)]), ("CLOSED", [(0, 0)])]

    def test_two_groups_of_one_location_are_one_fulfillment(self):
        story = Story()
        order = story.place(lines=THREE)
        story.sim.do_split(order, {"MUG-RED": 1})
        made = send(story, *waiting(story, order))["fulfillment"]
        assert sum(row["quantity"] for row in made["fulfillmentLineItems"]["nodes"]) == 3

    def test_a_cancelled_fulfillment_order_hands_its_lines_over(self):
        story = Story()
        order = story.place()
        (before,) = waiting(story, order)
        story.sim.do_cancel_fulfillment_order(order)
        old, new = waiting(story, order)
        assert (old["id"], old["status"], left(old)) == (before["id"], "CLOSED", [])
        assert (new["status"], left(new)) == ("OPEN", [(2, 2)])
        assert new["lineItems"]["nodes"][0]["id"] == before["lineItems"]["nodes"][0]["id"]
        assert "unfulfillable status= closed" in send(story, old)["userErrors"][0]["message"]

    @pytest.mark.parametrize("status", ["IN_PROGRESS", "OPEN"])
    def test_after_a_part_was_sent(self, status):
        story = Story(switches={"after_part": status})
        order = story.place()
        send(story, *waiting(story, order), quantity=1)
        (one,) = waiting(story, order)
        assert one["status"] == status
        assert "CREATE_FULFILLMENT" in names(one)

    def test_what_is_scheduled_cannot_be_sent_yet(self):
        story = Story()
        order = story.place()
        story.sim.do_schedule(order, "2027-01-01T00:00:00Z")
        (one,) = waiting(story, order)
        assert (one["status"], one["fulfillAt"]) == ("SCHEDULED", "2027-01-01T00:00:00Z")
        assert "unfulfillable status= scheduled" in send(story, one)["userErrors"][0]["message"]


class TestServices:
    """Places that another app ships from."""

    SCOPES = ("read_third_party_fulfillment_orders", "write_third_party_fulfillment_orders")

    def at_a_service(self, *scopes: str) -> tuple[Story, str]:
        story = Story(scopes={*ALL_SCOPES, *scopes})
        story.sim.do_setup(locations=[{"name": "3PL", "service": "Parcel People"}])
        return story, story.place(lines=[{"sku": "HAT", "quantity": 2, "price": "20.00", "location": "3PL"}])

    def test_without_the_scope_of_its_kind_nothing_is_there(self):
        story, order = self.at_a_service()
        assert waiting(story, order) == []
        number = story.sim.store.order(order).fulfillment_orders[0].id
        payload = send(story, {"id": f"gid://shopify/FulfillmentOrder/{number}"})
        assert payload["userErrors"][0]["message"] == "Fulfillment order does not exist."

    @pytest.mark.parametrize(
        ("request_status", "status", "actions"),
        [
            ("UNSUBMITTED", "OPEN", ["REQUEST_FULFILLMENT", "CREATE_FULFILLMENT", "HOLD", "SPLIT", "MOVE"]),
            ("SUBMITTED", "OPEN", ["CANCEL_FULFILLMENT_ORDER"]),
            ("ACCEPTED", "IN_PROGRESS", ["CREATE_FULFILLMENT", "REQUEST_CANCELLATION"]),
            ("CLOSED", "INCOMPLETE", ["REQUEST_FULFILLMENT", "CREATE_FULFILLMENT", "HOLD", "SPLIT", "MOVE"]),
        ],
    )
    def test_what_can_be_done_follows_what_was_asked_and_answered(self, request_status, status, actions):
        story, order = self.at_a_service(*self.SCOPES)
        story.sim.do_request(order, request_status)
        (one,) = waiting(story, order)
        assert (one["requestStatus"], one["status"], names(one)) == (request_status, status, actions)
        assert bool(send(story, one)["userErrors"]) == ("CREATE_FULFILLMENT" not in actions)

    def test_without_any_of_the_scopes_the_mutation_is_denied(self):
        story = Story(scopes=["write_orders", "read_merchant_managed_fulfillment_orders"])
        (one,) = waiting(story, story.place())
        body = story.ask(
            sheet.FULFILLMENT_CREATE, fulfillment={"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": one["id"]}]}
        )
        assert body["data"] == {"fulfillmentCreate": None}
        assert body["errors"][0]["message"] == (
            "Access denied for fulfillmentCreate field. Required access: "
            "`write_assigned_fulfillment_orders` access scope, "
            "`write_merchant_managed_fulfillment_orders` access scope or "
            "`write_third_party_fulfillment_orders` access scope."
        )


def test_the_code_of_a_plain_user_error_does_not_exist():
    story = Story()
    document = "mutation C($id: ID!) { fulfillmentCancel(id: $id) { userErrors { code } } }"
    body = story.ask(document, id="gid://shopify/Fulfillment/1")
    assert body["errors"][0]["message"] == "Field 'code' doesn't exist on type 'UserError'"
    assert body["errors"][0]["extensions"]["code"] == "undefinedField"
    assert "data" not in body


def test_tracking_of_a_cancelled_fulfillment_can_still_be_changed():
    story = Story()
    made = send(story, *waiting(story, story.place()))["fulfillment"]
    story.data(sheet.FULFILLMENT_CANCEL, id=made["id"])
    payload = story.data(sheet.TRACKING_UPDATE, id=made["id"], tracking={"number": "X"})[
        "fulfillmentTrackingInfoUpdate"
    ]
    assert payload["userErrors"] == []
    assert [one["number"] for one in payload["fulfillment"]["trackingInfo"]] == ["X"]
    unknown = story.data(sheet.FULFILLMENT_CANCEL, id="gid://shopify/Fulfillment/1")["fulfillmentCancel"]
    assert unknown["userErrors"] == [{"field": ["id"], "message": "Fulfillment not found."}]
