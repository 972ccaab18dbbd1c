"""Orders as they should not be: each holds only its own record, and nothing is lost without a word."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from commerce.errors import NotAuthorised, TemporarilyUnavailable, UnexpectedAnswer
from integrations.shopify.simulator.core import ALL_SCOPES

from .connected import EPOCH, Connected, orders_of
from .test_client_orders import spoil

Raw = dict[str, Any]


def first(order: Raw, *path: str) -> Any:
    """The first entry of a list somewhere in a raw order."""
    found: Any = order
    for step in path:
        found = found[step]
    return found["nodes"][0] if isinstance(found, dict) else found[0]


def wrong(shop: Connected, how: Callable[[httpx.Request, Raw], Any], operation: str = "OrdersById") -> None:
    """From now on somebody tampers with the shop's answers to `operation`."""
    answer = shop.sim.answer

    def tampered(request: httpx.Request) -> httpx.Response:
        good = answer(request)
        if operation.encode() not in request.content:
            return good
        body = json.loads(good.content)
        how(request, body)
        return httpx.Response(200, json=body)

    shop.sim.answer = tampered  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (lambda one: one.update(lineItems=None), "another shape"),
        (lambda one: one.update(refunds=None), "another shape"),
        (lambda one: one.update(fulfillmentOrders={"nodes": [None], "pageInfo": {"hasNextPage": False}}), "shape"),
        (lambda one: one.update(fulfillments="none"), "another shape"),
        (lambda one: one.update(createdAt="yesterday"), "createdAt"),
        (lambda one: one.update(createdAt="2026-11-23T09:15:42"), "time zone"),
        (lambda one: one.update(updatedAt=None), "updatedAt"),
        (lambda one: one.pop("currencyCode"), "currencyCode"),
        (lambda one: one.update(currencyCode="$"), "currency"),
        (lambda one: one.update(totalPriceSet={"shopMoney": None}), "totalPriceSet"),
        (lambda one: one["totalPriceSet"]["shopMoney"].update(amount="NaN"), "amount"),
        (lambda one: one["totalPriceSet"]["shopMoney"].update(amount="much"), "amount"),
        (lambda one: one["totalPriceSet"]["shopMoney"].update(amount=10.1), "float"),
        (lambda one: first(one, "lineItems").update(quantity="two"), "quantity"),
        (lambda one: first(one, "lineItems").update(quantity=1.5), "quantity"),
        (lambda one: first(one, "lineItems").update(id=None), "id"),
        (lambda one: first(one, "lineItems").update(taxLines={}), "taxLines"),
        (lambda one: first(one, "transactions").update(amountSet=None), "amountSet"),
        (lambda one: one.update(tags="a, b"), "tags"),
        (lambda one: one.update(customer=[]), "customer"),
        (lambda one: one.update(shippingAddress="Buffalo"), "shippingAddress"),
    ],
)
def test_a_wrong_shape_holds_its_own_order_only(how, reason):
    # given three orders, the second of which is spoilt
    shop = Connected()
    number = [shop.place() for _ in range(3)][1].rpartition("/")[2]
    spoil(shop, number, how)
    # when all are read
    (page,) = shop.client.changed_orders(EPOCH)
    # then two are there, one is named with what is wrong, and nothing about the shopper is said
    (bad,) = page.unreadable
    assert [order.number for order in page.orders] == ["#1001", "#1003"]
    assert (bad.subject, bad.label) == (f"shop:{number}", "#1002")
    assert reason in bad.reason
    assert "Buffalo" not in str(bad)


@pytest.mark.parametrize(
    "how",
    [
        lambda one: first(one, "lineItems").update(quantity="2", currentQuantity="2"),
        lambda one: first(one, "lineItems").update(variant=None, product=None, sku=None, vendor=None),
        lambda one: one.update(customer=None, shippingAddress=None, billingAddress=None, email=None, note=None),
        lambda one: one.update(displayFinancialStatus="HAGGLING", displayFulfillmentStatus="TELEPORTED"),
        lambda one: first(one, "transactions").update(kind="BARTER", gateway=None),
        lambda one: first(one, "fulfillmentOrders").update(status="ASLEEP", deliveryMethod=None),
        lambda one: one.update(somethingNew={"nobody": ["knows"]}),
        lambda one: one.update(tags=[], sourceName=None, cancelReason=None, subtotalPriceSet=None, totalTaxSet=None),
        lambda one: one["customer"].update(defaultEmailAddress=None, firstName=None),
    ],
)
def test_what_may_be_missing_or_new_is_an_order_all_the_same(how):
    shop = Connected()
    number = shop.place().rpartition("/")[2]
    spoil(shop, number, how)
    (page,) = shop.client.orders_by_id([number])
    assert page.unreadable == ()
    assert page.orders[0].lines[0].quantity == 2


def test_hostile_text_is_kept_as_far_as_it_can_be_written():
    # given a note with everything that breaks a database, XML or a screen
    shop = Connected()
    note = "a\x00b\x1b[31m\x7f\n<script>alert(1)</script> \u202eleft-to-right\u202c שלום \ud83d " + "x" * 10_000
    number = shop.place(note="plain").rpartition("/")[2]
    spoil(shop, number, lambda one: (one.update(note=note), first(one, "lineItems").update(title="T\x00" * 5_000)))
    # when it is read
    (page,) = shop.client.orders_by_id([number])
    (order,) = page.orders
    # then all of it is there but the characters that nobody can write, and it can be written
    assert order.note.startswith("ab[31m\n<script>alert(1)</script> \u202eleft-to-right\u202c שלום  xxx")
    assert order.note.endswith("x" * 10_000)
    assert order.lines[0].title == "T" * 5_000
    assert "\x00" not in order.model_dump_json()
    order.model_dump_json().encode()


def test_an_unreadable_order_with_an_endless_name_has_a_short_label():
    shop = Connected()
    number = shop.place().rpartition("/")[2]
    spoil(shop, number, lambda one: one.update(name="#\x00" + "9" * 10_000, test="perhaps"))
    (page,) = shop.client.orders_by_id([number])
    assert page.unreadable[0].label == "#" + "9" * 99


def test_without_the_scope_for_customers_orders_come_without_them():
    # given an app that may not see customers
    shop = Connected(scopes=ALL_SCOPES - {"read_customers"})
    shop.place()
    # when orders are read
    (page,) = shop.client.changed_orders(EPOCH)
    # then they are there, with the address they ship to
    (order,) = page.orders
    assert (order.customer, order.email) == (None, "jo@example.com")
    assert order.ship_to is not None


def test_without_the_scope_for_orders_the_connection_stops():
    shop = Connected(scopes=ALL_SCOPES - {"write_orders"})
    shop.place()
    with pytest.raises(NotAuthorised, match="read_orders"):
        list(shop.client.changed_orders(EPOCH))


@pytest.mark.parametrize(
    ("path", "customer"),
    [
        (["nodes", 1, "customer"], None),
        (["nodes", 1, "customer", "defaultEmailAddress", "emailAddress"], None),
        (["nodes", "customer"], None),
    ],
)
def test_a_personal_field_that_shopify_denies_takes_nothing_else_along(path, customer):
    shop = Connected()
    shop.place()
    shop.place()

    def deny(request: httpx.Request, body: Raw) -> None:
        body["data"]["nodes"][1]["customer"] = customer
        extensions = {"code": "ACCESS_DENIED", "documentation": "https://shopify.dev/"}
        message = "This app is not approved to use the customer field."
        body["errors"] = [{"message": message, "path": path, "extensions": extensions}]

    wrong(shop, deny)
    (page,) = shop.client.changed_orders(EPOCH)
    assert [order.customer is None for order in page.orders] == [False, True]


def test_a_denied_field_that_takes_the_order_along_is_no_deleted_order():
    # given an answer in which a denied field left nothing of one order
    shop = Connected()
    shop.place()
    shop.place()

    def deny(request: httpx.Request, body: Raw) -> None:
        body["data"]["nodes"][1] = None
        extensions = {"code": "ACCESS_DENIED"}
        body["errors"] = [{"message": "no", "path": ["nodes", 1, "lineItems"], "extensions": extensions}]

    wrong(shop, deny)
    # then it is an error and not silence
    with pytest.raises(NotAuthorised):
        list(shop.client.changed_orders(EPOCH))


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "SOMETHING_NEW", None])
def test_an_order_that_shopify_itself_cannot_show_holds_only_itself(code):
    # given five orders, at one of which Shopify always fails, with nothing left of it
    shop = Connected()
    ids = [shop.place() for _ in range(5)]

    def fail(request: httpx.Request, body: Raw) -> None:
        asked = json.loads(request.content)["variables"]["ids"]
        if ids[3] in asked:
            at = asked.index(ids[3])
            body["data"]["nodes"][at] = None
            extensions = {"extensions": {"code": code}} if code else {}
            body["errors"] = [{"message": "Internal error. Request ID: 1", "path": ["nodes", at, "refunds"]}]
            body["errors"][0].update(extensions)

    wrong(shop, fail)
    # when all are read
    (page,) = shop.client.changed_orders(EPOCH)
    # then four are there and the fifth is named
    assert [order.number for order in page.orders] == ["#1001", "#1002", "#1003", "#1005"]
    assert [bad.subject for bad in page.unreadable] == [f"shop:{ids[3].rpartition('/')[2]}"]
    assert "Internal error" in page.unreadable[0].reason


@pytest.mark.parametrize("nodes", [None, [], "none", [None] * 3])
def test_an_answer_that_leaves_orders_out_is_an_error_and_not_their_end(nodes):
    shop = Connected()
    shop.place()
    shop.place()
    wrong(shop, lambda request, body: body["data"].update(nodes=nodes))
    with pytest.raises(UnexpectedAnswer, match="other nodes than asked for"):
        list(shop.client.changed_orders(EPOCH))


def test_an_order_that_is_deleted_between_search_and_reading_is_left_out():
    shop = Connected()
    shop.place()
    gone = shop.place()
    del shop.sim.store.orders[int(gone.rpartition("/")[2])]
    (page,) = shop.client.changed_orders(EPOCH)
    assert ([order.number for order in page.orders], page.unreadable) == (["#1001"], ())


@pytest.mark.parametrize(
    ("content", "headers", "error"),
    [
        (b"<html>Bad gateway", {"content-type": "text/html"}, UnexpectedAnswer),
        (b'{"data": {"nodes": [{"__typename": "Ord', {"content-type": "application/json"}, UnexpectedAnswer),
        (
            gzip.compress(b'{"data": {}}', mtime=0)[:-9],
            {"content-encoding": "gzip"},
            (UnexpectedAnswer, TemporarilyUnavailable),
        ),
        (b"no gzip at all", {"content-encoding": "gzip"}, TemporarilyUnavailable),
        (b"", {}, UnexpectedAnswer),
        (b"[]", {}, UnexpectedAnswer),
        (b"\xff\xfe\x00", {}, UnexpectedAnswer),
    ],
)
def test_a_broken_body_is_an_error_and_no_empty_page(content, headers, error):
    shop = Connected()
    shop.place()
    answer = shop.sim.answer

    class Broken(httpx.SyncByteStream):
        def __iter__(self):
            yield content

    def broken(request: httpx.Request) -> httpx.Response:
        if b"OrdersById" in request.content:
            return httpx.Response(200, headers=headers, stream=Broken())
        return answer(request)

    shop.sim.answer = broken  # type: ignore[method-assign]
    with pytest.raises(error):
        list(shop.client.changed_orders(EPOCH))


def test_an_answer_that_is_too_long_comes_in_shorter_ones():
    # given answers that break off when they hold more than two orders
    shop = Connected()
    for _ in range(5):
        shop.place()
    answer = shop.sim.answer

    def short(request: httpx.Request) -> httpx.Response:
        good = answer(request)
        if b"OrdersById" in request.content and request.content.count(b"gid://shopify/Order/") > 2:
            return httpx.Response(200, content=good.content[:500])
        return good

    shop.sim.answer = short  # type: ignore[method-assign]
    (page,) = shop.client.changed_orders(EPOCH)
    assert [order.number for order in page.orders] == [f"#{n}" for n in range(1001, 1006)]


def test_nested_pages_that_go_round_in_circles_hold_their_order():
    # given an order whose second page of lines says that the first one follows
    shop = Connected()
    gid = shop.place(lines=[{"sku": f"S{n}", "quantity": 1, "price": "1.00"} for n in range(120)])
    shop.place()

    def circle(request: httpx.Request, body: Raw) -> None:
        after = json.loads(request.content)["variables"]["after"]
        body["data"]["node"]["lineItems"]["pageInfo"] = {"hasNextPage": True, "endCursor": after[::-1]}

    wrong(shop, circle, "MoreOrderLineItems")
    (page,) = shop.client.changed_orders(EPOCH)
    assert [order.number for order in page.orders] == ["#1002"]
    assert page.unreadable[0].subject == f"shop:{gid.rpartition('/')[2]}"


def test_an_order_whose_ledger_cannot_be_read_is_held():
    shop = Connected()
    gid = shop.place()
    shop.place()
    shop.sim.do_edit("#1001", quantities={"0": 1})
    wrong(shop, lambda request, body: body["data"]["nodes"][0].update(agreements={"edges": None}), "LedgersById")
    (page,) = shop.client.changed_orders(EPOCH)
    assert [order.number for order in page.orders] == ["#1002"]
    assert page.unreadable[0].subject == f"shop:{gid.rpartition('/')[2]}"
    assert "ledger" in page.unreadable[0].reason


def test_where_there_is_no_ledger_orders_are_told_from_their_lines():
    shop = Connected()
    gid = shop.place()
    shop.sim.do_edit("#1001", quantities={"0": 1})

    def without(request: httpx.Request, body: Raw) -> None:
        body.pop("data")
        path = ["query LedgersById", "nodes", "agreements"]
        message = "Field 'agreements' doesn't exist on type 'Order'"
        body["errors"] = [{"message": message, "path": path, "extensions": {"code": "undefinedField"}}]

    wrong(shop, without, "LedgersById")
    assert shop.read(gid).agreements == ()


def test_an_empty_page_does_not_end_a_search():
    # given a search whose first page is empty, although more follow
    shop = Connected()
    shop.place()
    answer, asked = shop.sim.answer, list[str]()

    def gap(request: httpx.Request) -> httpx.Response:
        if b"OrdersChanged" not in request.content:
            return answer(request)
        said = json.loads(request.content)
        asked.append(said["variables"].get("after"))
        if asked[-1]:
            said["variables"]["after"] = None
            headers = {name: value for name, value in request.headers.items() if name != "content-length"}
            return answer(httpx.Request("POST", request.url, headers=headers, json=said))
        page = {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": "gap"}}
        return httpx.Response(200, json={"data": {"orders": page}})

    shop.sim.answer = gap
    # when changes are read
    pages = list(shop.client.changed_orders(EPOCH))
    # then what follows is read
    assert (orders_of(pages), asked) == (["#1001"], [None, None, "gap"])
