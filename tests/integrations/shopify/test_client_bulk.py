"""History by bulk operation: the same orders as page by page, or page by page when Shopify gives none to rely on."""

from __future__ import annotations

import gzip
import json
import logging
from datetime import timedelta
from typing import Any

import httpx
import pytest

from commerce.errors import TemporarilyUnavailable
from commerce.orders import Order
from commerce.ports import Page
from integrations.shopify.documents_bulk import bulk_orders
from integrations.shopify.simulator.bulk_rows import problem
from integrations.shopify.simulator.core import ALL_SCOPES

from .connected import AT_NOON, EPOCH, Connected, orders_of
from .story import CITY_TAX, STATE_TAX

GOOGLE = "https://storage.googleapis.com/shopify-bulk"
MANY = {"bulk_orders": 5}
MINUTE = timedelta(minutes=1)


def a_history(settings: dict[str, Any] | None = None, **options: Any) -> Connected:
    """A shop with twelve orders a minute apart, to which all kinds of things happened."""
    shop = Connected(settings={**MANY, **(settings or {})}, **options)
    for n in range(12):
        lines = [{"sku": "MUG-RED", "quantity": 2, "price": "25.00", "taxes": [STATE_TAX, CITY_TAX]}]
        lines += [{"sku": f"S{m}", "quantity": 1, "price": "1.11"} for m in range(n)]
        shop.place(lines=lines, **({"shipping": []} if n == 3 else {}))
        shop.clock.now += 60
    shop.sim.do_refund("#1002", lines=[{"line": 0, "quantity": 1}], adjustment="1.00")
    shop.sim.do_edit("#1003", quantities={"0": 1}, add=[{"sku": "HAT", "quantity": 1, "price": "20.00"}])
    shop.sim.do_cancel("#1004")
    shop.sim.do_hold("#1005")
    return shop


def history(shop: Connected) -> list[Page]:
    return list(shop.client.orders_created(EPOCH, shop.now()))


def told(pages: list[Page]) -> list[Order]:
    return [order for page in pages for order in page.orders]


def asked(shop: Connected) -> list[str]:
    """From now on: what is asked for, by operation or by path."""
    answer, names = shop.sim.answer, list[str]()

    def keep(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if b'"query"' in request.content else {}
        names.append(body.get("operationName") or request.url.path.split("/")[-1])
        return answer(request)

    shop.sim.answer = keep  # type: ignore[method-assign]
    return names


def test_a_long_history_is_read_with_one_bulk_operation_and_is_the_same_as_page_by_page():
    # given a shop with a history, and a client for which it is a long one
    shop = a_history()
    page_by_page = told(list(shop.another_client(bulk_orders=0).orders_created(EPOCH, shop.now())))
    names = asked(shop)
    # when it is read
    pages = history(shop)
    # then by bulk operation, oldest first, and nothing is another than when read page by page
    assert told(pages) == page_by_page
    assert orders_of(pages) == [f"#{n}" for n in range(1001, 1013)]
    assert names[1:3] == ["OrdersCount", "BulkRun"]
    assert "OrdersById" not in names
    assert (names.count("OrderRests"), names.count("LedgersById")) == (1, 1)
    assert names.count("BulkPoll") <= 6
    assert shop.slept == [1, 2, 4]


def test_a_short_history_is_read_page_by_page():
    shop = a_history(settings={"bulk_orders": 13})
    names = asked(shop)
    assert len(told(history(shop))) == 12
    assert "BulkRun" not in names


def test_bulk_operations_can_be_switched_off():
    shop = a_history(settings={"bulk_orders": 0})
    names = asked(shop)
    assert len(told(history(shop))) == 12
    assert {"BulkRun", "OrdersCount"}.isdisjoint(names)


@pytest.mark.parametrize("root_counts", [True, False])
def test_our_bulk_query_keeps_shopifys_rules_however_levels_are_counted(root_counts):
    shop = Connected()
    shop.sim.bulk.root_counts = root_counts
    assert problem(shop.sim, bulk_orders("created_at:>='2026-01-01T00:00:00Z'")) is None


def test_only_the_window_is_read_the_end_left_out():
    shop = a_history()
    pages = list(shop.client.orders_created(AT_NOON + MINUTE, AT_NOON + 8 * MINUTE))
    assert orders_of(pages) == [f"#{n}" for n in range(1002, 1009)]


def test_the_storage_host_is_called_without_our_token():
    # given results that lie with Google
    shop = a_history(bulk_results=GOOGLE)
    answer, seen = shop.sim.answer, list[httpx.Request]()

    def keep(request: httpx.Request) -> httpx.Response:
        if request.url.host == "storage.googleapis.com":
            seen.append(request)
            request = httpx.Request("GET", str(request.url).replace("/shopify-bulk", ""), headers=request.headers)
        return answer(request)

    shop.sim.answer = keep  # type: ignore[method-assign]
    # when the history is read
    assert len(told(history(shop))) == 12
    # then the file was fetched, and nothing that proves us was sent along
    (fetched,) = seen
    assert (fetched.method, fetched.url.scheme) == ("GET", "https")
    assert {"x-shopify-access-token", "authorization", "cookie"}.isdisjoint(fetched.headers)


@pytest.mark.parametrize(
    ("results", "hosts", "scheme_kept"),
    [
        ("https://files.evil.example", ("storage.googleapis.com",), False),
        ("https://storage.googleapis.com.evil.example", ("storage.googleapis.com",), False),
        ("https://files.example", ("files.example",), True),
        ("ftp://storage.googleapis.com", ("storage.googleapis.com",), False),
    ],
)
def test_only_hosts_that_the_settings_name_are_called(results, hosts, scheme_kept, caplog):
    # given results that lie elsewhere
    shop = a_history(settings={"bulk_hosts": hosts}, bulk_results=results)
    names = asked(shop)
    # when the history is read
    assert len(told(history(shop))) == 12
    # then from there only when the merchant says so, and page by page otherwise
    assert any(name.endswith(".jsonl") for name in names) is scheme_kept
    assert ("OrdersById" not in names) is scheme_kept


def refuse(shop: Connected) -> None:
    running = """mutation { bulkOperationRunQuery(query: "{ orders { edges { node { id } } } }") {
      bulkOperation { id } userErrors { code } } }"""
    for _ in range(5):
        shop.data(running)


def lose_the_end(shop: Connected) -> None:
    shop.sim.do_lose_bulk_lines()


def fail(shop: Connected) -> None:
    shop.sim.do_fail_bulk("INTERNAL_SERVER_ERROR")


def time_out(shop: Connected) -> None:
    shop.sim.do_fail_bulk("TIMEOUT", late=5)


def deny(shop: Connected) -> None:
    shop.sim.scopes = set(ALL_SCOPES - {"read_customers"})


def lag(shop: Connected) -> None:
    shop.sim.bulk.seconds = 4000


def other_answer(operation: str, body: Any) -> Any:
    """Shopify answers so to one operation."""

    def spoil(shop: Connected) -> None:
        answer = shop.sim.answer

        def spoilt(request: httpx.Request) -> httpx.Response:
            if operation.encode() in request.content or operation in request.url.path:
                return body if isinstance(body, httpx.Response) else httpx.Response(200, json=body)
            return answer(request)

        shop.sim.answer = spoilt  # type: ignore[method-assign]

    return spoil


def file_of(content: bytes, **headers: str) -> Any:
    return other_answer(".jsonl", httpx.Response(200, content=content, headers=headers))


def payload(**changes: Any) -> Any:
    one = {"id": "gid://shopify/BulkOperation/7", "errorCode": None, "objectCount": "0", "url": None, **changes}
    return other_answer("BulkPoll", {"data": {"bulkOperation": one}})


@pytest.mark.parametrize(
    "how",
    [
        refuse,
        lose_the_end,
        fail,
        time_out,
        deny,
        lag,
        payload(status="CANCELED"),
        payload(status="CANCELING"),
        payload(status="EXPIRED"),
        payload(status="PONDERING"),
        payload(status="COMPLETED"),
        other_answer("BulkPoll", {"data": {"bulkOperation": None}}),
        other_answer("BulkRun", {"data": {"bulkOperationRunQuery": None}}),
        other_answer("BulkRun", {"data": {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": []}}}),
        other_answer("BulkRun", {"errors": [{"message": "no", "extensions": {"code": "ACCESS_DENIED"}}]}),
        other_answer("BulkRun", {"errors": [{"message": "what?", "extensions": {"code": "undefinedField"}}]}),
        other_answer("BulkRun", httpx.Response(502, text="<html>")),
        file_of(b""),
        file_of(b"<html>sorry"),
        file_of(b'{"id": "gid://shopify/Order/1", "createdAt": "2026-'),
        file_of(b'["a list"]\n'),
        file_of(b'{"no": "id"}\n'),
        file_of(gzip.compress(b"{}", mtime=0)),
        other_answer(".jsonl", httpx.Response(403, text="<Error>expired</Error>")),
        other_answer(".jsonl", httpx.Response(404)),
        other_answer(".jsonl", httpx.Response(302, headers={"location": "https://evil.example"})),
        other_answer(".jsonl", httpx.Response(503)),
    ],
)
def test_without_a_bulk_result_to_rely_on_history_is_read_page_by_page(how, caplog):
    # given a shop that gives none
    shop = a_history()
    how(shop)
    # when the history is read
    with caplog.at_level(logging.WARNING):
        pages = history(shop)
    # then it is all there all the same, each order once, and somebody can read why
    assert orders_of(pages) == [f"#{n}" for n in range(1001, 1013)]
    assert "page by page" in caplog.text


def test_an_operation_that_takes_too_long_is_cancelled_so_that_it_keeps_no_place():
    shop = a_history(settings={"bulk_minutes": 2}, bulk_seconds=4000)
    assert len(told(history(shop))) == 12
    assert [one.status for one in shop.sim.bulk.known.values()] in (["CANCELING"], ["CANCELED"])


def test_an_outage_while_waiting_is_told_and_the_next_run_starts_anew():
    # given an outage that lasts longer than our patience
    shop = a_history()
    names = asked(shop)
    other_answer("BulkPoll", httpx.Response(503))(shop)
    with pytest.raises(TemporarilyUnavailable):
        history(shop)
    # then the operation is not left behind, and the next run reads everything
    assert names[-1] == "BulkCancel"
    shop = a_history()
    assert len(told(history(shop))) == 12


def test_a_run_that_was_killed_is_started_again_and_reads_everything():
    # given a run that died behind its first page
    shop = a_history()
    pages = shop.client.orders_created(EPOCH, shop.now())
    first = next(pages)
    pages.close()
    # when another one reads the same window
    again = list(shop.another_client(**MANY).orders_created(EPOCH, shop.now()))
    # then it finds the same orders
    assert told(again)[: len(first.orders)] == list(first.orders)
    assert len(told(again)) == 12


def test_an_address_that_expired_is_asked_for_anew():
    # given a storage host that refuses the first address
    shop = a_history()
    answer, times = shop.sim.answer, [None]

    def once(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(".jsonl") and times:
            times.pop()
            return httpx.Response(403, text="<Error>ExpiredToken</Error>")
        return answer(request)

    shop.sim.answer = once  # type: ignore[method-assign]
    names = asked(shop)
    # when the history is read
    assert len(told(history(shop))) == 12
    # then from the second one
    assert "OrdersById" not in names


def test_a_download_that_breaks_off_is_begun_anew():
    shop = a_history()
    answer, times = shop.sim.answer, [None]

    def torn() -> Any:
        yield b'{"id": "gid://shopify/Order/1"}\n'
        raise httpx.ReadError("reset")

    def once(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(".jsonl") and times:
            times.pop()
            return httpx.Response(200, content=torn())
        return answer(request)

    shop.sim.answer = once  # type: ignore[method-assign]
    names = asked(shop)
    assert len(told(history(shop))) == 12
    assert "OrdersById" not in names


def test_an_order_that_changed_since_the_operation_is_read_as_it_is_now():
    # given an order that is edited and one that is deleted between the operation and the reading of the rest
    shop = a_history()
    answer = shop.sim.answer

    def meanwhile(request: httpx.Request) -> httpx.Response:
        if b"OrderRests" in request.content and not shop.sim.store.order("#1006").edited:
            shop.clock.now += 60
            shop.sim.do_edit("#1006", quantities={"0": 1})
            del shop.sim.store.orders[shop.sim.store.order("#1007").id]
        return answer(request)

    shop.sim.answer = meanwhile  # type: ignore[method-assign]
    # when the history is read
    orders = {order.number: order for order in told(history(shop))}
    # then the one as it is now, and the other not at all
    assert orders["#1006"].lines[0].current == 1
    assert orders["#1006"] == shop.read(f"gid://shopify/Order/{orders['#1006'].id}")
    assert "#1007" not in orders


def test_a_line_that_shopify_dropped_unseen_is_read_by_id():
    # given a file that lacks a line which Shopify did not count either
    shop = a_history()
    answer = shop.sim.answer

    def lacking(request: httpx.Request) -> httpx.Response:
        good = answer(request)
        if request.url.path.endswith(".jsonl"):
            return httpx.Response(200, content=b"\n".join(good.content.splitlines()[:-1]))
        if b"BulkPoll" in request.content:
            body = good.json()
            one = body["data"]["bulkOperation"]
            one["objectCount"] = str(max(0, int(one["objectCount"]) - 1))
            return httpx.Response(200, json=body)
        return good

    shop.sim.answer = lacking  # type: ignore[method-assign]
    names = asked(shop)
    # then its order is whole all the same
    assert [len(order.lines) for order in told(history(shop))] == [1, 2, 4, 4, *range(5, 13)]
    assert names.count("OrdersById") == 1


def test_an_order_of_the_file_that_cannot_be_read_holds_only_itself():
    shop = a_history()
    answer = shop.sim.answer

    def spoilt(request: httpx.Request) -> httpx.Response:
        good = answer(request)
        if not request.url.path.endswith(".jsonl"):
            return good
        lines = [json.loads(line) for line in good.content.splitlines()]
        for one in lines:
            if one.get("name") == "#1003":
                one["totalPriceSet"] = "much\x00"
        return httpx.Response(200, content=b"\n".join(json.dumps(one).encode() for one in lines))

    shop.sim.answer = spoilt  # type: ignore[method-assign]
    pages = history(shop)
    assert len(told(pages)) == 11
    (bad,) = [one for page in pages for one in page.unreadable]
    assert (bad.label, "totalPriceSet" in bad.reason) == ("#1003", True)


def test_rows_outside_of_the_filter_are_no_history(caplog):
    # given a shop that runs the query without its filter, and tells nobody
    shop = a_history()
    answer = shop.sim.answer

    def unfiltered(request: httpx.Request) -> httpx.Response:
        if b"BulkRun" in request.content:
            text = request.content.replace(b"created_at:", b"test:false OR created_at:")
            request = httpx.Request(request.method, request.url, headers=request.headers, content=text)
        return answer(request)

    shop.sim.answer = unfiltered  # type: ignore[method-assign]
    pages = list(shop.client.orders_created(AT_NOON + MINUTE, AT_NOON + 8 * MINUTE))
    assert orders_of(pages) == [f"#{n}" for n in range(1002, 1009)]
    assert "outside of the filter" in caplog.text


def test_a_plan_counts_the_calls_of_either_way():
    shop = Connected(settings={"bulk_orders": 1000})
    assert shop.client.calls_for(0) == 1
    assert shop.client.calls_for(999) == 1 + 4 + 20
    assert shop.client.calls_for(100_000) == 20 + 1000


def test_a_plan_is_not_below_what_is_done():
    shop = a_history()
    names = asked(shop)
    history(shop)
    assert len(names) <= shop.client.calls_for(12)
