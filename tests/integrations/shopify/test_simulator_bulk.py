"""Bulk operations as Shopify runs them. https://shopify.dev/docs/api/usage/bulk-operations/queries"""

from __future__ import annotations

import json
from typing import Any

import pytest

from integrations.shopify.simulator.core import ALL_SCOPES

from .story import Story

RUN = """mutation BulkRun($query: String!) { bulkOperationRunQuery(query: $query, groupObjects: false) {
  bulkOperation { id status createdAt } userErrors { field message code } } }"""
POLL = """query BulkPoll($id: ID!) { bulkOperation(id: $id) {
  id status type errorCode createdAt completedAt objectCount rootObjectCount fileSize url partialDataUrl } }"""
RUNNING = """query { bulkOperations(first: 10, query: "status:running operation_type:query", sortKey: CREATED_AT,
  reverse: true) { nodes { id status createdAt objectCount } } }"""
CANCEL = (
    "mutation($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { id status } userErrors { field message } } }"
)
ORDERS = """{ orders(query: "updated_at:>='2026-01-01T00:00:00Z'") { edges { node { id name
  totalPriceSet { shopMoney { amount currencyCode } } lineItems { edges { node { id sku quantity } } } } } } }"""


def every(name: str, inner: str = "id") -> str:
    """A connection."""
    return f"{name} {{ edges {{ node {{ {inner} }} }} }}"


DEEP = every("fulfillmentOrders", "id " + every("lineItems"))


def start(shop: Story, query: str = ORDERS) -> dict[str, Any]:
    payload: dict[str, Any] = shop.data(RUN, query=query)["bulkOperationRunQuery"]
    return payload


def begun(shop: Story, query: str = ORDERS) -> str:
    payload = start(shop, query)
    assert payload["userErrors"] == []
    return str(payload["bulkOperation"]["id"])


def look(shop: Story, operation: str) -> dict[str, Any]:
    found: dict[str, Any] = shop.data(POLL, id=operation)["bulkOperation"]
    return found


def rows(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def test_an_operation_goes_from_created_to_a_file_of_lines():
    # given a shop with four orders of two lines
    shop = Story()
    lines = [{"sku": "MUG-RED", "quantity": 2, "price": "25.00"}, {"sku": "HAT", "quantity": 1, "price": "20.00"}]
    for _ in range(4):
        shop.place(lines=lines)
    # when a query is run in bulk
    operation = begun(shop)
    # then it is created, running, and completed in a while
    early = look(shop, operation)
    assert (early["status"], early["objectCount"], early["fileSize"], early["url"]) == ("CREATED", "0", None, None)
    shop.clock.now += 2
    assert look(shop, operation)["status"] == "RUNNING"
    assert [one["id"] for one in shop.data(RUNNING)["bulkOperations"]["nodes"]] == [operation]
    shop.clock.now += 5
    done = look(shop, operation)
    assert (done["status"], done["objectCount"], done["rootObjectCount"]) == ("COMPLETED", "12", "4")
    assert done["completedAt"] == "2026-11-23T12:00:05Z"
    # and its file has an object in each line, slashes escaped, children behind their parent but not next to it
    content = shop.http.get(done["url"]).content
    assert done["fileSize"] == str(len(content))
    assert b'"id":"gid:\\/\\/shopify\\/Order\\/' in content
    found = rows(content)
    assert [one.get("name", "-") for one in found] == ["#1001", "#1002", "#1003", *"------", "#1004", *"--"]
    assert found[0]["totalPriceSet"]["shopMoney"] == {"amount": "75.0", "currencyCode": "USD"}
    parents = [one["__parentId"] for one in found[3:9]]
    assert parents == [one["id"] for one in found[:3]] * 2
    assert list(found[3]) == ["id", "sku", "quantity", "__parentId"]


def test_nothing_found_is_a_completed_operation_without_a_file():
    shop = Story()
    operation = begun(shop)
    shop.clock.now += 6
    done = look(shop, operation)
    assert (done["status"], done["url"], done["objectCount"]) == ("COMPLETED", None, "0")


def test_the_file_needs_its_signature_knows_no_token_and_is_kept_for_a_week():
    shop = Story()
    shop.place()
    operation = begun(shop)
    shop.clock.now += 6
    address = look(shop, operation)["url"]
    assert shop.http.get(address).status_code == 200
    assert shop.http.get(address.split("?")[0]).status_code == 403
    assert shop.http.get(address, headers={"X-Shopify-Access-Token": "shpat_sim"}).status_code == 400
    shop.clock.now += 7 * 86_400
    assert shop.http.get(address).status_code == 400
    assert (look(shop, operation)["status"], look(shop, operation)["url"]) == ("EXPIRED", None)


def test_five_run_at_once_and_the_sixth_is_told_which():
    # given five running operations
    shop = Story()
    running = [begun(shop) for _ in range(5)]
    # when a sixth is wanted
    payload = start(shop)
    # then it is refused, with the names of the five
    text = f"A bulk query operation for this app and shop is already in progress: {', '.join(running)}."
    assert payload["bulkOperation"] is None
    assert payload["userErrors"] == [{"field": None, "message": text, "code": "OPERATION_IN_PROGRESS"}]
    # when one is cancelled
    cancelled = shop.data(CANCEL, id=running[0])["bulkOperationCancel"]
    assert cancelled["bulkOperation"]["status"] == "CANCELING"
    shop.clock.now += 2
    assert look(shop, running[0])["status"] == "CANCELED"
    # then there is room
    assert begun(shop)


def test_what_is_over_or_unknown_cannot_be_cancelled():
    shop = Story()
    operation = begun(shop)
    shop.clock.now += 10
    (error,) = shop.data(CANCEL, id=operation)["bulkOperationCancel"]["userErrors"]
    assert "completed" in error["message"]
    (error,) = shop.data(CANCEL, id="gid://shopify/BulkOperation/1")["bulkOperationCancel"]["userErrors"]
    assert error["field"] == ["id"]
    assert look(shop, "gid://shopify/BulkOperation/1") is None


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ shop { name } }", "Bulk queries must contain at least one connection."),
        ("{ orders { nodes { id } } }", "All connection fields in a bulk query must select their contents using"),
        ("mutation { tagsAdd(id: 1, tags: []) { node { id } } }", "Only `query` operations are supported."),
        ("query Q($q: String) { orders(query: $q) { edges { node { id } } } }", "variables"),
        ("{ orders { edges { node { id ", "Invalid bulk query"),
        ("{ orders { edges { node { colour } } } }", "Invalid bulk query: Field 'colour' doesn't exist"),
        ('{ nodes(ids: []) { id } orders { edges { node { id } } } }', "top-level node or nodes"),
        ("{ " + every("orders", f"id refunds {{ id {every('refundLineItems', 'quantity')} }}") + " }", "list field"),
        ("{ " + every("orders", f"key: id {every('lineItems')}") + " }", "without an alias"),
        ("{ " + every("orders", f"id {DEEP}") + " }", "nesting depth greater than 2"),
        ("{ " + " ".join(every(f"{name}: orders") for name in "abcdef") + " }", "more than 5 connections"),
        ("{ orders { edges { node { id } } } }" + " " * 65_536, "too long"),
    ],
)  # fmt: skip
def test_what_a_bulk_query_may_not_ask(query, message):
    payload = start(Story(), query)
    (error,) = payload["userErrors"]
    assert (payload["bulkOperation"], error["code"], error["field"]) == (None, "INVALID", ["query"])
    assert message in error["message"]


def test_whether_the_outermost_connection_counts_as_a_level_is_a_switch():
    shop = Story()
    shop.place()
    shop.sim.bulk.root_counts = False
    query = """{ orders { edges { node { id fulfillmentOrders { edges { node { id
      lineItems { edges { node { id remainingQuantity } } } } } } } } } }"""
    operation = begun(shop, query)
    shop.clock.now += 6
    order, piece, line = rows(shop.http.get(look(shop, operation)["url"]).content)
    assert (piece["__parentId"], line["__parentId"]) == (order["id"], piece["id"])


def test_a_failed_operation_may_show_what_it_has_a_little_later():
    # given an operation that will fail
    shop = Story()
    for _ in range(4):
        shop.place()
    shop.sim.do_fail_bulk("TIMEOUT", late=3)
    operation = begun(shop)
    shop.clock.now += 6
    # then the failure is told at once, and half of the lines are there in a while
    failed = look(shop, operation)
    assert (failed["status"], failed["errorCode"], failed["url"]) == ("FAILED", "TIMEOUT", None)
    assert failed["partialDataUrl"] is None
    shop.clock.now += 3
    assert len(rows(shop.http.get(look(shop, operation)["partialDataUrl"]).content)) == 4


def test_a_missing_scope_fails_the_operation_and_not_the_start():
    shop = Story(scopes=ALL_SCOPES - {"read_customers"})
    shop.place()
    operation = begun(shop, "{ orders { edges { node { id customer { id } } } } }")
    shop.clock.now += 6
    assert look(shop, operation)["errorCode"] == "ACCESS_DENIED"


def test_the_end_of_an_operation_is_announced():
    shop = Story()
    create = """mutation { webhookSubscriptionCreate(topic: BULK_OPERATIONS_FINISH, webhookSubscription:
      {uri: "https://hub.example.com/hooks"}) { userErrors { message } } }"""
    shop.data(create)
    operation = begun(shop)
    shop.clock.now += 6
    look(shop, operation)
    (told,) = shop.sim.outbox
    assert told.headers["x-shopify-topic"] == "bulk_operations/finish"
    assert json.loads(told.content) == {
        "admin_graphql_api_id": operation,
        "completed_at": "2026-11-23T12:00:05Z",
        "created_at": "2026-11-23T12:00:00Z",
        "error_code": None,
        "status": "completed",
        "type": "query",
    }
