"""Shopify's simulator as a caller meets it: tokens, versions, errors, cost, search, pages."""

from __future__ import annotations

import pytest
from graphql import GraphQLObjectType, get_named_type, is_abstract_type, is_leaf_type

from integrations.shopify.simulator.plan import GETTERS, RESOLVERS
from integrations.shopify.simulator.schema import admin_schema

from . import sheet_documents as sheet
from .story import NOON, Story

DAY = 86_400
EVERYTHING = ""


def test_without_a_valid_token_nothing_is_told():
    # given a shop
    story = Story()
    # when somebody calls with a wrong token
    answer = story.post(sheet.SHOP_AND_SCOPES, headers={"X-Shopify-Access-Token": "wrong"})
    # then the answer is Shopify's, and says nothing more
    assert answer.status_code == 401
    assert answer.json() == {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}


@pytest.mark.parametrize("as_json", [True, False])
def test_client_credentials_give_a_token_for_a_day(as_json):
    # given an app that trades its credentials for a token
    story = Story()
    form = {"grant_type": "client_credentials", "client_id": "sim-client", "client_secret": "sim-secret"}
    body = {"json": form} if as_json else {"data": form}
    token = story.http.post("/admin/oauth/access_token", **body).json()
    assert token["expires_in"] == 86399
    assert "write_inventory" in token["scope"].split(",")
    # when it is used at once, and again a day later
    headers = {"X-Shopify-Access-Token": token["access_token"]}
    fresh = story.post(sheet.SHOP_AND_SCOPES, headers=headers)
    story.clock.now += DAY
    late = story.post(sheet.SHOP_AND_SCOPES, headers=headers)
    # then only the first call is let in
    assert (fresh.status_code, late.status_code) == (200, 401)


def test_a_shop_of_another_organization_is_refused():
    story = Story()
    story.sim.tokens.permitted = False
    form = {"grant_type": "client_credentials", "client_id": "sim-client", "client_secret": "sim-secret"}
    answer = story.http.post("/admin/oauth/access_token", data=form, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (400, "shop_not_permitted")


def test_a_refresh_token_can_be_repeated_until_its_successor_is_used():
    # given an answer that got lost
    story = Story()
    form = {"client_id": "sim-client", "client_secret": "sim-secret", "grant_type": "refresh_token"}
    old = story.sim.do_refresh_token()["refresh_token"]
    story.http.post("/admin/oauth/access_token", json={**form, "refresh_token": old})
    # when it is asked for again, and the new pair is used
    second = story.http.post("/admin/oauth/access_token", json={**form, "refresh_token": old}).json()
    assert story.post(sheet.SHOP_AND_SCOPES, headers={"X-Shopify-Access-Token": second["access_token"]}).is_success
    # then the old one is dead
    third = story.http.post("/admin/oauth/access_token", json={**form, "refresh_token": old})
    assert (third.status_code, third.json()["error"]) == (401, "invalid_request")


def test_an_old_version_is_served_by_the_oldest_supported_one():
    story = Story()
    headers = {"X-Shopify-Access-Token": "shpat_sim"}
    answer = story.http.post("/admin/api/2024-01/graphql.json", json={"query": "{ shop { name } }"}, headers=headers)
    assert answer.headers["X-Shopify-API-Version"] == "2026-01"
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{ shop { nmae } }", "undefinedField"),
        ("{ orders(first: 1, filter: 2) { nodes { id } } }", "argumentNotAccepted"),
        ("{ order { id } }", "missingRequiredArguments"),
        ("{ shop }", "selectionMismatch"),
        ("query Q($a: Int) { shop { name } }", "variableNotUsed"),
        ("{ shop { name }", "PARSE_ERROR"),
        ('mutation M @idempotent(key: "k") { tagsAdd(id: "x", tags: []) { node { id } } }', "directiveCannotBeApplied"),
        ('mutation { webhookSubscriptionDelete(id: "x") { userErrors { code } } }', "undefinedField"),
    ],
)
def test_a_document_that_does_not_validate_answers_errors_only(document, code):
    body = Story().ask(document)
    assert [one["extensions"]["code"] for one in body["errors"]] == [code]
    assert "data" not in body


def test_a_wrong_variable_is_explained():
    given = {"name": "available", "reason": "x", "quantities": [], "ignoreCompareQuantity": True}
    body = Story().ask(sheet.INVENTORY_SET, key="k", input=given)
    error = body["errors"][0]
    assert error["extensions"]["code"] == "INVALID_VARIABLE"
    assert error["message"] == (
        "Variable $input of type InventorySetQuantitiesInput! was provided invalid value for "
        "ignoreCompareQuantity (Field is not defined on InventorySetQuantitiesInput)"
    )


def test_a_missing_scope_takes_its_field_and_leaves_the_rest():
    # given an app that may not read customers, nor fulfillment orders
    story = Story(scopes={"read_orders", "read_all_orders"})
    order = story.place()
    # when it asks for an order with its customer
    body = story.ask("query Q($id: ID!) { order(id: $id) { name customer { id } } }", id=order)
    # then the customer is null and the error says which scope it takes
    assert body["data"] == {"order": {"name": "#1001", "customer": None}}
    assert body["errors"][0]["path"] == ["order", "customer"]
    assert body["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    # and the fulfillment orders are silently missing
    found = story.data(
        "query Q($id: ID!) { order(id: $id) { fulfillmentOrders(first: 5) { nodes { id } } } }", id=order
    )
    assert found["order"]["fulfillmentOrders"]["nodes"] == []


@pytest.mark.parametrize(
    ("document", "variables", "points"),
    [
        (sheet.ORDERS_PAGE, {"first": 20, "query": EVERYTHING}, 337),
        (sheet.ORDERS_PAGE, {"first": 50, "query": EVERYTHING}, 471),
        (sheet.ORDERS_PAGE, {"first": 100, "query": EVERYTHING}, 605),
        (sheet.ORDERS_PAGE, {"first": 250, "query": EVERYTHING}, 739),
        (sheet.ORDER_FINANCIALS, {"id": "gid://shopify/Order/1"}, 47),
        (sheet.ORDER_AGREEMENTS, {"id": "gid://shopify/Order/1"}, 189),
        (sheet.ORDER_FULFILLMENT_ORDERS, {"id": "gid://shopify/Order/1"}, 136),
        (sheet.ORDERS_BY_IDS, {"ids": []}, 1),
        (sheet.VARIANTS_BY_SKU, {"query": "sku:'MUG-RED'"}, 29),
        (sheet.INVENTORY_ITEMS_BY_SKU, {"query": "sku:HAT", "locationId": "gid://shopify/Location/1"}, 23),
        (sheet.LEVELS_AT_LOCATION, {"locationId": "gid://shopify/Location/1", "query": EVERYTHING}, 36),
        (sheet.CUSTOMERS_CONSENT, {"first": 50, "query": EVERYTHING}, 30),
        (sheet.FULFILLMENT_CREATE, {"fulfillment": {"lineItemsByFulfillmentOrder": []}}, 27),
        (sheet.WEBHOOK_CREATE, {"topic": "ORDERS_CREATE", "sub": {"uri": "https://hub.example.com/x"}}, 11),
        (sheet.INVENTORY_SET, {"key": "k", "input": {"name": "available", "reason": "other", "quantities": []}}, 13),
    ],
)
def test_documents_cost_what_was_recorded(document, variables, points):
    assert Story().ask(document, **variables)["extensions"]["cost"]["requestedQueryCost"] == points


def test_an_empty_bucket_throttles_until_it_is_full_enough():
    # given a caller who reads large empty pages; what a page did not need is given back
    story = Story()
    story.sim.bucket.level = 400
    # when the next page asks for more than is there
    body = story.ask(sheet.ORDERS_PAGE, first=50, query=EVERYTHING)
    # then nothing runs, with HTTP 200
    assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in body
    cost = body["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (471, None)
    assert cost["throttleStatus"] == {"maximumAvailable": 2000, "currentlyAvailable": 400, "restoreRate": 100}
    # and one second later it does
    story.clock.now += 1
    assert story.data(sheet.ORDERS_PAGE, first=50, query=EVERYTHING)["orders"]["nodes"] == []
    assert story.sim.bucket.available() == 500 - 2


def test_a_query_over_the_limit_never_runs():
    lines = "lineItems(first: 250) { nodes { id } }"
    document = f"{{ orders(first: 250) {{ nodes {{ fulfillmentOrders(first: 250) {{ nodes {{ {lines} }} }} }} }} }}"
    error = Story().ask(document)["errors"][0]
    assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert error["extensions"]["cost"] > 1000


def test_searching_with_an_unquoted_time_finds_everything_and_warns():
    # given an order of today
    story = Story()
    story.place()
    # when orders of the last century are searched without quotes
    body = story.ask(sheet.ORDERS_PAGE, first=5, query="updated_at:<1900-01-01T00:00:00Z")
    # then it comes back, with a warning only
    assert len(body["data"]["orders"]["nodes"]) == 1
    assert body["extensions"]["search"] == [
        {
            "path": ["orders"],
            "query": "updated_at:<1900-01-01T00:00:00Z",
            "parsed": {
                "and": [{"field": "updated_at", "range": {"lt": "1900-01-01T00"}}, {"field": "00", "match_all": "00Z"}]
            },
            "warnings": [{"field": "00", "message": "Invalid search field for this query.", "code": "invalid_field"}],
        }
    ]
    # and with quotes it does not
    assert story.data(sheet.ORDERS_PAGE, first=5, query="updated_at:<'1900-01-01T00:00:00Z'")["orders"]["nodes"] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name:#1001", ["#1001"]),
        ("tag:vip", ["#1002"]),
        ("-tag:vip", ["#1001", "#1003"]),
        ("NOT tag:vip test:false", ["#1001", "#1003"]),
        ("financial_status:pending OR tag:vip", ["#1002", "#1003"]),
        ("(tag:vip OR name:1001) financial_status:paid", ["#1001", "#1002"]),
        ("created_at:>='2026-11-02T00:00:00Z' AND created_at:<='2026-11-02T23:59:59Z'", ["#1002"]),
        ("email:jo@example.com", ["#1001", "#1002", "#1003"]),
        ("sku:mug", ["#1001", "#1002", "#1003"]),
    ],
)
def test_search_grammar(query, found):
    story = Story()
    story.place(created_at="2026-11-01T12:00:00Z")
    story.place(created_at="2026-11-02T12:00:00Z", tags=["vip"])
    story.place(created_at="2026-11-03T12:00:00Z", payment="pending")
    body = story.ask("query Q($q: String) { orders(first: 9, query: $q, sortKey: ID) { nodes { name } } }", q=query)
    assert "search" not in body["extensions"]
    assert [one["name"] for one in body["data"]["orders"]["nodes"]] == found


def test_a_wrong_word_is_a_warning_and_a_wrong_date_is_an_error():
    story = Story()
    document = "query Q($q: String) { orders(first: 9, query: $q) { nodes { name } } }"
    warned = story.ask(document, q="financial_status:PAYED")
    assert warned["extensions"]["search"][0]["warnings"][0]["code"] == "invalid_value"
    refused = story.ask(document, q="created_at:>'yesterday evening'")
    assert refused["errors"][0]["message"] == "Invalid timestamp for query filter `created_at`."


def test_pages_follow_the_sort_value_so_that_a_moved_row_comes_again():
    # given four orders, changed a minute apart
    story = Story()
    orders = [story.place(created_at=f"2026-11-20T10:0{n}:00Z") for n in range(4)]
    first = story.data(sheet.ORDERS_PAGE, first=2, query=EVERYTHING)["orders"]
    assert [one["name"] for one in first["nodes"]] == ["#1001", "#1002"]
    assert first["pageInfo"]["hasNextPage"] is True
    # when one that was read changes while paging
    story.sim.do_touch(orders[0])
    second = story.data(sheet.ORDERS_PAGE, first=5, after=first["pageInfo"]["endCursor"], query=EVERYTHING)["orders"]
    # then nothing is skipped and it is there again, at the end
    assert [one["name"] for one in second["nodes"]] == ["#1003", "#1004", "#1001"]


def test_a_cursor_belongs_to_its_sort_key():
    story = Story()
    story.place()
    cursor = story.data(sheet.ORDERS_PAGE, first=1, query=EVERYTHING)["orders"]["pageInfo"]["endCursor"]
    document = "query Q($after: String) { orders(first: 1, after: $after, sortKey: ID) { nodes { id } } }"
    body = story.ask(document, after=cursor)
    assert body["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert body["data"] is None


def test_backwards_and_reversed_pages():
    story = Story()
    for n in range(4):
        story.place(created_at=f"2026-11-20T10:0{n}:00Z")
    document = "{ orders(%s, sortKey: CREATED_AT) { nodes { name } pageInfo { hasPreviousPage hasNextPage } } }"
    last = story.data(document % "last: 2")["orders"]
    assert [one["name"] for one in last["nodes"]] == ["#1003", "#1004"]
    assert last["pageInfo"] == {"hasPreviousPage": True, "hasNextPage": False}
    newest = story.data(document % "first: 2, reverse: true")["orders"]
    assert [one["name"] for one in newest["nodes"]] == ["#1004", "#1003"]


def test_one_of_first_and_last_is_needed():
    body = Story().ask("{ orders { nodes { id } } }")
    assert body["errors"][0]["message"] == "you must provide one of first or last"


def test_the_search_index_lags_behind_and_direct_reads_do_not():
    story = Story(index_lag=30)
    order = story.place()
    assert story.data(sheet.ORDERS_PAGE, first=5, query=EVERYTHING)["orders"]["nodes"] == []
    assert story.data(sheet.ORDERS_BY_IDS, ids=[order])["nodes"][0]["id"] == order
    story.clock.now += 31
    assert len(story.data(sheet.ORDERS_PAGE, first=5, query=EVERYTHING)["orders"]["nodes"]) == 1


def test_unknown_ids_are_null_and_malformed_ones_an_error():
    story = Story()
    order = story.place()
    found = story.data(sheet.ORDERS_BY_IDS, ids=["gid://shopify/Order/1", order])["nodes"]
    assert [one and one["name"] for one in found] == [None, "#1001"]
    body = story.ask('{ order(id: "1001") { id } }')
    assert (body["data"], body["errors"][0]["extensions"]["code"]) == ({"order": None}, "RESOURCE_NOT_FOUND")


def test_orders_older_than_sixty_days_take_another_scope():
    story = Story(scopes={"read_orders"})
    story.place(created_at="2026-08-01T00:00:00Z")
    recent = story.place(created_at="2026-11-01T00:00:00Z")
    nodes = story.data("{ orders(first: 5) { nodes { id } } }")["orders"]["nodes"]
    assert [one["id"] for one in nodes] == [recent]


def test_moments_are_whole_seconds_in_utc_and_big_numbers_are_text():
    story = Story()
    order = story.place()
    found = story.data("query Q($id: ID!) { order(id: $id) { updatedAt legacyResourceId } }", id=order)["order"]
    assert found == {"updatedAt": "2026-11-23T12:00:00Z", "legacyResourceId": order.rsplit("/", 1)[1]}
    assert int(story.clock()) == NOON


def test_aliases_fragments_and_conditions_work_as_everywhere():
    story = Story()
    order = story.place()
    document = """
    query Q($id: ID!, $more: Boolean!) {
      one: node(id: $id) { __typename ... on Order { number: name ...Rest note @include(if: $more) } }
    }
    fragment Rest on Order { lineItems(first: 1) { edges { cursor node { sku } } } }
    """
    found = story.data(document, id=order, more=False)["one"]
    assert (found["__typename"], found["number"], "note" in found) == ("Order", "#1001", False)
    assert found["lineItems"]["edges"][0]["node"] == {"sku": "MUG-RED"}
    assert "note" in story.data(document, id=order, more=True)["one"]


def test_every_field_of_the_schema_can_be_read():
    """Each type that has a table reads every one of its fields; a new field in the schema cannot be forgotten."""
    for name, table in GETTERS.items():
        known = set(table) | {field for of, field in RESOLVERS if of == name}
        assert set(admin_schema().type_map[name].fields) - known == set(), name


def everything(of: GraphQLObjectType, depth: int) -> str:
    """A selection of all fields without required arguments."""
    parts = []
    for name, field in of.fields.items():
        inner = get_named_type(field.type)
        needed = [one for one, argument in field.args.items() if str(argument.type).endswith("!")]
        if needed or is_abstract_type(inner):
            continue
        first = "(first: 2)" if inner.name.endswith("Connection") else ""
        if is_leaf_type(inner):
            parts.append(name)
        elif depth:
            parts.append(f"{name}{first} {{ __typename {everything(inner, depth - 1)} }}")
    return " ".join(parts)


KINDS = ["order", "fulfillmentOrder", "fulfillment", "refund", "inventoryItem", "productVariant", "customer"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_promised_field_is_missing(kind):
    # given an order with everything in it
    story = Story(limits=False)
    order = story.place(order_discount={"code": "FIVE", "amount": "5.00"})
    document = "query Q($id: ID!) { order(id: $id) { fulfillmentOrders(first: 1) { nodes { id } } } }"
    waiting = story.data(document, id=order)["order"]["fulfillmentOrders"]["nodes"][0]["id"]
    story.data(sheet.FULFILLMENT_CREATE, fulfillment={"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": waiting}]})
    refund = story.sim.do_refund(order, lines=[{"line": 0, "quantity": 1}], shipping="1.00")["id"]
    ids = {
        "order": order,
        "fulfillmentOrder": waiting,
        "fulfillment": f"gid://shopify/Fulfillment/{next(iter(story.sim.store.fulfillments))}",
        "refund": refund,
        "inventoryItem": story.products["HAT"]["inventory_item"],
        "productVariant": story.products["HAT"]["variant"],
        "customer": f"gid://shopify/Customer/{next(iter(story.sim.store.customers))}",
    }
    # when all of a thing is selected
    of = admin_schema().query_type.fields[kind].type
    found = story.ask(f"query Q($id: ID!) {{ {kind}(id: $id) {{ {everything(of, 2)} }} }}", id=ids[kind])
    # then nothing that cannot be null is
    assert missing(of, found["data"][kind]) == []


def missing(of: GraphQLObjectType, record: dict) -> list[str]:
    """Promised fields that are null."""
    wrong = []
    for name, value in record.items():
        if name == "__typename":
            continue
        field = of.fields[name]
        if value is None and str(field.type).endswith("!"):
            wrong.append(f"{of.name}.{name}")
        inner = get_named_type(field.type)
        rows = value if isinstance(value, list) else [value]
        if not is_leaf_type(inner):
            wrong += [one for row in rows if row is not None for one in missing(inner, row)]
    return wrong
