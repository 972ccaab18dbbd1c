"""Reading orders: what changed, by id, and history."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from commerce.errors import UnexpectedAnswer
from commerce.money import total
from integrations.shopify import orders as reading
from tests.builders import usd

from .connected import AT_NOON, EPOCH, Connected, orders_of
from .story import CITY_TAX, STATE_TAX

MINUTE = timedelta(minutes=1)


def spoil(shop: Connected, number: str, how: Callable[[dict[str, Any]], Any]) -> None:
    """From now on Shopify answers with something else in this order."""
    answer = shop.sim.answer

    def spoilt(request: httpx.Request) -> httpx.Response:
        good = answer(request)
        if b"OrdersById" not in request.content:
            return good
        body = json.loads(good.content)
        for node in body["data"]["nodes"]:
            if node["legacyResourceId"] == number:
                how(node)
        return httpx.Response(200, content=json.dumps(body))

    shop.sim.answer = spoilt  # type: ignore[method-assign]


def short_pages(shop: Connected, rows: int) -> None:
    """From now on a page of a search shows so many rows."""
    answer = shop.sim.answer

    def shortened(request: httpx.Request) -> httpx.Response:
        body = request.content.replace(b"first: 250", f"first: {rows}".encode())
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        return answer(httpx.Request(request.method, request.url, headers=headers, content=body))

    shop.sim.answer = shortened  # type: ignore[method-assign]


def test_changed_orders_come_oldest_change_first_with_how_far_we_got():
    # given three orders a minute apart, the first of which changes last
    shop = Connected()
    for _ in range(3):
        shop.place()
        shop.clock.now += 60
    shop.sim.do_touch("#1001")
    # when everything until now is read
    pages = list(shop.client.changed_orders(EPOCH))
    # then in the order of the changes, and the watermark is Shopify's stamp of the last one
    assert orders_of(pages) == ["#1002", "#1003", "#1001"]
    assert pages[-1].watermark == AT_NOON + 3 * MINUTE


def test_nothing_changed_is_nothing_read():
    shop = Connected()
    assert list(shop.client.changed_orders(EPOCH)) == []


def test_reading_begins_with_the_moment_asked_for():
    shop = Connected()
    for _ in range(4):
        shop.place()
        shop.clock.now += 60
    pages = list(shop.client.changed_orders(AT_NOON + MINUTE))
    assert orders_of(pages) == ["#1002", "#1003", "#1004"]


def test_many_orders_come_in_batches_and_each_batch_says_how_far_it_got(monkeypatch):
    # given five orders, and batches of two
    shop = Connected()
    monkeypatch.setattr(reading, "BATCH", 2)
    for _ in range(5):
        shop.place()
        shop.clock.now += 60
    shop.clock.now += 900
    # when they are read
    pages = list(shop.client.changed_orders(EPOCH))
    # then a crash after any page loses nothing and repeats little
    assert [len(page.orders) for page in pages] == [2, 2, 1]
    assert [page.watermark for page in pages] == [AT_NOON + MINUTE, AT_NOON + 3 * MINUTE, AT_NOON + 4 * MINUTE]


def test_an_order_that_changes_while_we_read_does_not_hide_the_ones_behind_it(monkeypatch):
    # given two orders, the first of which changes between the search and the reading of its answer
    shop = Connected(index_lag=30)
    monkeypatch.setattr(reading, "BATCH", 1)
    shop.place()
    shop.clock.now += 60
    shop.place()
    shop.clock.now += 60
    # when both are read, and the first one changes as soon as Shopify has said what there is
    answer = shop.sim.answer

    def then_changed(request: httpx.Request) -> httpx.Response:
        told = answer(request)
        if b"OrdersChanged" in request.content:
            told.headers["date"] = formatdate(shop.clock(), usegmt=True)
            shop.clock.now += 5
            shop.sim.do_touch("#1001")
        return told

    shop.sim.answer = then_changed  # type: ignore[method-assign]
    pages = list(shop.client.changed_orders(EPOCH))
    # then its new stamp moves no watermark
    assert orders_of(pages) == ["#1001", "#1002"]
    assert [page.watermark for page in pages] == [None, AT_NOON + MINUTE]


def test_a_row_that_stands_where_the_search_last_saw_it_hides_nothing_behind_it(monkeypatch):
    # given three old orders, and a search that has not yet seen that the first of them changed a moment ago
    shop = Connected(index_lag=300)
    monkeypatch.setattr(reading, "BATCH", 1)
    for _ in range(3):
        shop.place()
        shop.clock.now += 3600
    shop.sim.do_touch("#1001")
    shop.clock.now += 60
    # when they are read
    pages = list(shop.client.changed_orders(EPOCH))
    # then a crash after the first page loses nothing: how far we got is told by the rows that are surely in place
    assert orders_of(pages) == ["#1001", "#1002", "#1003"]
    last = AT_NOON + timedelta(hours=3)
    assert [page.watermark for page in pages] == [None, AT_NOON + timedelta(hours=1), last]


def test_nothing_is_lost_when_orders_change_while_we_page_and_many_share_a_second(monkeypatch):
    # given more orders of one second than a page of the search shows
    shop = Connected()
    for n in range(600):
        shop.place()
        shop.clock.now += 1 if n % 300 == 299 else 0
    until = shop.now()
    asked = shop.sent("OrdersChanged")
    seen: list[str] = []
    # when one of those that were shown and one of those to come change with each page
    for number, page in enumerate(shop.client.changed_orders(EPOCH)):
        seen += [order.number for order in page.orders]
        shop.clock.now += 5
        shop.sim.do_touch(f"#{1001 + number}", tag=f"t{number}")
        shop.sim.do_touch(f"#{1600 - number}", tag=f"t{number}")
    # then whoever was not shown is shown by the next reading, from the watermark on
    behind = orders_of(list(shop.client.changed_orders(until)))
    assert set(seen) | set(behind) == {f"#{n}" for n in range(1001, 1601)}
    assert len(seen) == len(set(seen))
    # and what changed meanwhile does not lengthen the search: it ends at Shopify's time of its first answer
    assert "<=" not in asked[0]["query"]
    assert {variables["query"].partition("<=")[2] for variables in asked[1:4]} == {"'2026-11-23T12:00:02Z'"}


def test_a_row_from_before_the_window_is_an_error_and_not_an_order():
    # given a shop whose search answers with something we did not ask for
    shop = Connected()
    shop.client.locations()
    row = {"id": "gid://shopify/Order/1", "at": "2020-01-01T00:00:00Z"}
    page = {"nodes": [row], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    shop.fails("before", status=200, body={"data": {"orders": page}})
    # when changes are read
    with pytest.raises(UnexpectedAnswer, match="outside of the filter"):
        list(shop.client.changed_orders(EPOCH))


def test_a_search_starts_anew_before_shopify_stops_paging(monkeypatch):
    # given more orders than a search may page through, some with the same stamp
    shop = Connected()
    monkeypatch.setattr(reading, "LONGEST_SEARCH", 4)
    short_pages(shop, 2)
    for n in range(11):
        shop.place()
        shop.clock.now += 60 if n % 2 else 0
    # when they are read
    pages = list(shop.client.changed_orders(EPOCH))
    # then each exactly once
    assert orders_of(pages) == [f"#{n}" for n in range(1001, 1012)]


def test_more_orders_of_one_second_than_can_be_paged_are_an_error(monkeypatch):
    shop = Connected()
    monkeypatch.setattr(reading, "LONGEST_SEARCH", 4)
    short_pages(shop, 2)
    for _ in range(6):
        shop.place()
    with pytest.raises(UnexpectedAnswer, match="same updated_at"):
        list(shop.client.changed_orders(AT_NOON))


def test_orders_by_id_take_numbers_and_gids_and_leave_out_what_is_not_there():
    # given two orders
    shop = Connected()
    first, second = shop.place(), shop.place()
    ids = [first, second.rpartition("/")[2], second, "404404", "", "warehouse-7", "gid://shopify/Customer/1"]
    # when they are asked for in several ways, with some that never were
    pages = list(shop.client.orders_by_id(ids))
    # then each comes once
    assert orders_of(pages) == ["#1001", "#1002"]
    assert [page.watermark for page in pages] == [None]


def test_no_ids_no_call():
    shop = Connected()
    assert list(shop.client.orders_by_id([])) == []
    assert shop.calls() == 0


def test_batches_shrink_when_shopify_finds_them_too_costly():
    # given a shop that refuses more than two orders at once
    shop = Connected()
    ids = [shop.place() for _ in range(5)]
    answer = shop.sim.answer

    def dear(request):
        if b"OrdersById" in request.content and request.content.count(b"gid://shopify/Order/") > 2:
            error = {"message": "Query cost is 1002", "extensions": {"code": "MAX_COST_EXCEEDED"}}
            return httpx.Response(200, json={"errors": [error]})
        return answer(request)

    shop.sim.answer = dear
    # when five are read
    pages = list(shop.client.orders_by_id(ids))
    # then all five come
    assert sorted(orders_of(pages)) == [f"#{n}" for n in range(1001, 1006)]


def test_history_is_read_by_when_orders_were_placed_the_end_left_out():
    # given four orders a minute apart, all of which changed later
    shop = Connected()
    for _ in range(4):
        shop.place()
        shop.clock.now += 60
    for number in range(1001, 1005):
        shop.sim.do_touch(f"#{number}")
    window = AT_NOON + MINUTE, AT_NOON + 3 * MINUTE
    # when the middle of it is read
    pages = list(shop.client.orders_created(*window))
    # then the second and the third, as planned
    assert orders_of(pages) == ["#1002", "#1003"]
    assert shop.client.count_created(*window) == 2


def test_adjacent_windows_share_no_order_and_lose_none():
    # given an order every second, and windows cut at fractions of seconds
    shop = Connected()
    for _ in range(4):
        shop.place()
        shop.clock.now += 1
    half = AT_NOON + timedelta(seconds=1.5)
    # when both windows are read
    before = list(shop.client.orders_created(EPOCH, half))
    behind = list(shop.client.orders_created(half, shop.now()))
    # then every order is in one of them
    assert orders_of(before) == ["#1001", "#1002"]
    assert orders_of(behind) == ["#1003", "#1004"]


def test_a_count_that_shopify_gives_up_on_is_counted_by_us():
    shop = Connected()
    shop.place()
    shop.client.locations()
    shop.fails("before", status=200, body={"data": {"ordersCount": {"count": 10000, "precision": "AT_LEAST"}}})
    assert shop.client.count_created(EPOCH, shop.now() + MINUTE) == 1


def test_one_order_that_we_cannot_read_is_named_and_the_others_go_on():
    # given two orders, one of which comes without what we need
    shop = Connected()
    shop.place()
    number = shop.place().rpartition("/")[2]
    spoil(shop, number, lambda order: order.pop("totalPriceSet"))
    # when both are read
    (page,) = shop.client.changed_orders(EPOCH)
    # then the bad one says what is missing, without a word about the shopper
    (bad,) = page.unreadable
    assert [order.number for order in page.orders] == ["#1001"]
    assert (bad.subject, bad.label) == (f"shop:{number}", "#1002")
    assert "totalPriceSet: Field required" in bad.reason
    assert "jo@example.com" not in str(bad)
    assert page.watermark == AT_NOON


def test_an_order_with_two_currencies_in_one_line_is_unreadable():
    shop = Connected()
    number = shop.place(order_discount={"amount": "5.00", "code": "FIVE"}).rpartition("/")[2]

    def mix(order):
        allocation = order["lineItems"]["nodes"][0]["discountAllocations"][0]
        allocation["allocatedAmountSet"]["shopMoney"]["currencyCode"] = "EUR"

    spoil(shop, number, mix)
    (page,) = shop.client.orders_by_id([number])
    assert "cannot add EUR and USD" in page.unreadable[0].reason


def test_a_list_that_may_be_cut_off_is_unreadable():
    shop = Connected()
    number = shop.place().rpartition("/")[2]
    spoil(shop, number, lambda order: order.update(transactions=order["transactions"] * 250))
    (page,) = shop.client.orders_by_id([number])
    assert page.orders == ()
    assert "250 or more transactions" in page.unreadable[0].reason


def test_an_order_with_more_lines_than_one_page_is_read_to_the_end():
    # given an order with 120 lines, of which one page shows 50
    shop = Connected()
    gid = shop.place(lines=[{"sku": f"S{n}", "quantity": 1, "price": "1.00"} for n in range(120)])
    # when it is read
    order = shop.read(gid)
    # then all lines are there, what they sum up to, and what has to be shipped of them
    assert [line.sku for line in order.lines] == [f"S{n}" for n in range(120)]
    assert total((line.net for line in order.lines), "USD") == order.subtotal == usd("120.00")
    assert [len(one.lines) for one in order.fulfilment_orders] == [120]


def test_an_order_of_500_lines_is_read_to_the_end_with_its_refund_and_its_ledger():
    # given an order of 500 lines, which were all given back, and an edit that added one more
    shop = Connected()
    lines = [{"sku": f"S{n}", "quantity": 2, "price": "1.00", "taxes": [STATE_TAX, CITY_TAX]} for n in range(500)]
    gid = shop.place(lines=lines)
    shop.sim.do_edit("#1001", add=[{"sku": "HAT", "quantity": 1, "price": "20.00"}])
    shop.sim.do_refund("#1001", lines=[{"line": n, "quantity": 1} for n in range(500)])
    # when it is read
    order = shop.read(gid)
    # then nothing is missing anywhere
    assert len(order.lines) == 501
    assert [len(refund.lines) for refund in order.refunds] == [500]
    assert sum(len(one.lines) for one in order.fulfilment_orders) == 501
    assert [len(one.sales) for one in order.agreements] == [501, 1, 500]
    assert {len(line.taxes) for line in order.lines[:500]} == {2}
    assert total((sale.amount for one in order.agreements for sale in one.sales), "USD") == order.current_total


def test_a_refund_with_more_lines_than_one_page_is_read_to_the_end():
    shop = Connected()
    gid = shop.place(lines=[{"sku": f"S{n}", "quantity": 1, "price": "1.00"} for n in range(60)])
    shop.sim.do_refund("#1001", lines=[{"line": n, "quantity": 1} for n in range(60)])
    (refund,) = shop.read(gid).refunds
    assert len(refund.lines) == 60
    assert refund.total == usd("60.00")


def test_a_shopping_tour_through_everything_that_can_happen_to_an_order():
    # given an order of two mugs from Main and a hat from East, with a code and taxes
    shop = Connected()
    gid = shop.place(
        lines=[
            {"sku": "MUG-RED", "quantity": 2, "price": "25.00", "taxes": [{"title": "VAT", "rate": "0.10"}]},
            {"sku": "HAT", "quantity": 1, "price": "20.00", "location": "East"},
        ],
        order_discount={"code": "SEVEN", "amount": "7.00"},
    )
    order = shop.read(gid)
    # then it adds up
    assert order.total == order.subtotal + order.shipping_total + order.tax_total
    assert [line.discount for line in order.lines] == [usd("5.00"), usd("2.00")]
    assert [one.location for one in order.fulfilment_orders] == ["Main", "East"]
    assert order.discount_codes == ("SEVEN",)
    # when a mug comes back with a dollar for the trouble
    shop.sim.do_refund("#1001", lines=[{"line": 0, "quantity": 1}], adjustment="1.00")
    order = shop.read(gid)
    (refund,) = order.refunds
    # then the refund explains the money to the cent
    assert refund.adjustment == usd("1.00")
    given_back = total((line.subtotal + line.tax for line in refund.lines), "USD")
    assert refund.total == given_back + refund.adjustment == usd("25.75")
    assert [payment.kind for payment in refund.payments] == ["refund"]
    assert order.lines[0].current == 1
    assert order.current_subtotal == order.subtotal - usd("22.50")
    # when it is put on hold, released and cancelled
    shop.sim.do_hold("#1001", reason="INCORRECT_ADDRESS")
    held = shop.read(gid)
    assert held.on_hold
    assert {reason for one in held.fulfilment_orders for reason in one.hold_reasons} == {"incorrect_address"}
    assert not any(one.fulfillable for one in held.fulfilment_orders)
    shop.sim.do_release("#1001")
    shop.sim.do_cancel("#1001")
    over = shop.read(gid)
    # then it says so
    assert over.cancelled
    assert over.cancel_reason == "customer"
    assert over.financial == "refunded"
    assert {one.status for one in over.fulfilment_orders} == {"closed"}


def test_an_edited_order_keeps_what_was_ordered_and_says_what_is_left():
    shop = Connected()
    gid = shop.place()
    shop.sim.do_edit("#1001", quantities={"0": 1})
    order = shop.read(gid)
    assert order.edited
    assert (order.lines[0].quantity, order.lines[0].current) == (2, 1)
    assert order.total - order.current_total == usd("27.00")


def test_an_order_in_another_currency_is_kept_in_both():
    shop = Connected()
    gid = shop.place(presentment={"currency": "EUR", "rate": "0.9"})
    order = shop.read(gid)
    assert (order.currency, order.presentment_currency) == ("USD", "EUR")
    assert order.presentment_total.currency == "EUR"
    assert {line.unit_price.currency for line in order.lines} == {"USD"}
