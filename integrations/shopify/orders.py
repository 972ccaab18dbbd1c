"""Reading orders: a light search for what changed, then the whole orders by id.

https://shopify.dev/docs/api/admin-graphql/2026-10/queries/orders
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from pydantic import ValidationError

from commerce.errors import Rejected, UnexpectedAnswer, Unmappable
from commerce.orders import Order
from commerce.ports import Page, Unreadable
from integrations.shopify import documents, schemas
from integrations.shopify.documents import Document
from integrations.shopify.graphql import TOO_COSTLY, VENDOR, GraphQL, connection_at, long_id, whole_seconds
from integrations.shopify.mapping import to_order
from integrations.shopify.settings import ShopifySettings

BATCH = 50
"""Whole orders per call; halved when Shopify finds a call too costly."""
LONGEST_SEARCH = 20_000
"""Rows after which a search starts anew from where it is: Shopify pages no list beyond 25,000."""

IN_ORDER = ("lineItems", "shippingLines", "fulfillmentOrders")
IN_REFUND = ("refundLineItems", "refundShippingLines", "orderAdjustments", "transactions")


class Row(NamedTuple):
    """What the light search says of one order: its gid, and when it changed or was created."""

    id: str
    at: datetime


class Orders:
    """The store as an OrderSource."""

    graphql: GraphQL
    settings: ShopifySettings
    _batch = BATCH

    def changed_orders(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Orders changed within [since, until], oldest change first. `until` keeps rows that change meanwhile away."""
        yield from self._read(self._search(documents.ORDERS_CHANGED, "updated_at", since, until, "<="), until)

    def orders_created(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Orders created within [since, until), oldest first."""
        since, until = next_whole_second(since), next_whole_second(until)
        yield from self._read(self._search(documents.ORDERS_CREATED, "created_at", since, until, "<"), until)

    def count_created(self, since: datetime, until: datetime) -> int:
        """How many orders were created within [since, until)."""
        since, until = next_whole_second(since), next_whole_second(until)
        query = between("created_at", since, until, "<")
        count = self.graphql.ask(documents.ORDERS_COUNT, query=query).get("ordersCount") or {}
        if count.get("precision") == "EXACT":
            return int(count["count"])
        return sum(1 for _ in self._search(documents.ORDERS_CREATED, "created_at", since, until, "<"))

    def orders_by_id(self, ids: Sequence[str]) -> Iterator[Page]:
        """These orders as they are now; ids are numbers or gids. What is deleted or no order at all is left out."""
        wanted = dict.fromkeys(long_id("Order", one) for one in ids if is_order_id(one))
        remaining = iter(wanted)
        while batch := list(islice(remaining, self._batch)):
            yield self._page(batch, None)

    def _read(self, rows: Iterator[Row], until: datetime) -> Iterator[Page]:
        """Whole orders in batches. A row that changed after `until` says nothing about the rows behind it."""
        watermark: datetime | None = None
        while batch := list(islice(rows, self._batch)):
            stamps = [row.at for row in batch if row.at <= until]
            watermark = max([*stamps, *([watermark] if watermark else [])], default=None)
            yield self._page([row.id for row in batch], watermark)

    def _search(self, document: Document, field: str, since: datetime, until: datetime, below: str) -> Iterator[Row]:
        """Ids in the order of `field`; a long search starts anew before Shopify stops paging."""
        start, end, known = since, until if below == "<" else None, frozenset[str]()
        while True:
            newest, ids = start, list[str]()
            found = self._search_once(document, between(field, start, until, below), start, end)
            for row in islice((row for row in found if row.id not in known), LONGEST_SEARCH):
                yield row
                if newest < row.at <= until:
                    newest, ids = row.at, []
                ids.append(row.id)
            if next(found, None) is None:
                return
            if newest == start:
                raise UnexpectedAnswer(VENDOR, f"more than {LONGEST_SEARCH} orders with the same {field}, {start}")
            start, known = newest, frozenset(ids)

    def _search_once(self, document: Document, query: str, since: datetime, end: datetime | None) -> Iterator[Row]:
        for page in self.graphql.pages(document, "orders", query=query):
            for node in page["nodes"]:
                row = Row(node["id"], datetime.fromisoformat(node["at"]))
                refuse_unasked(document, row, since, end)
                yield row

    def _page(self, gids: Sequence[str], watermark: datetime | None) -> Page:
        orders: list[Order] = []
        unreadable: list[Unreadable] = []
        for raw in self._whole(gids):
            read = self._mapped(raw)
            if isinstance(read, Order):
                orders.append(read)
            else:
                unreadable.append(read)
        return Page(orders=tuple(orders), unreadable=tuple(unreadable), watermark=watermark)

    def _whole(self, gids: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The raw orders with every nested page; in halves when all of them cost too much."""
        try:
            nodes = self.graphql.ask(documents.ORDERS_BY_ID, ids=list(gids)).get("nodes") or []
        except Rejected as refused:
            if refused.code != TOO_COSTLY or len(gids) == 1:
                raise
            self._batch = max(1, min(self._batch, len(gids)) // 2)
            yield from self._whole(gids[: len(gids) // 2])
            yield from self._whole(gids[len(gids) // 2 :])
            return
        for node in nodes:
            if node and node.get("__typename") == "Order":
                complete(self.graphql, node)
                yield node

    def _mapped(self, raw: dict[str, Any]) -> Order | Unreadable:
        order_id, label = str(raw.get("legacyResourceId", "")), str(raw.get("name", ""))
        subject = f"{self.settings.name}:{order_id}"
        hint = "report it with the order's number; the order is read again when it changes"
        try:
            read = schemas.Order.model_validate(raw)
            return to_order(read, source=self.settings.name, url=self.settings.order_url(order_id))
        except Unmappable as error:
            return Unreadable(subject=subject, label=label, reason=str(error), hint=error.hint or hint)
        except ValidationError as error:
            return Unreadable(
                subject=subject, label=label, reason=f"Shopify's order {label}: {brief(error)}", hint=hint
            )
        except ValueError as error:  # amounts in two currencies
            return Unreadable(subject=subject, label=label, reason=f"Shopify's order {label}: {error}", hint=hint)


def between(field: str, since: datetime, until: datetime, below: str) -> str:
    """A search filter. Times are quoted: unquoted, Shopify reads their colons as filters and returns everything."""
    return f"{field}:>='{whole_seconds(since)}' AND {field}:{below}'{whole_seconds(until)}'"


def next_whole_second(moment: datetime) -> datetime:
    """Shopify's stamps are whole seconds: "before 12:00:00.5" is "before 12:00:01"."""
    return moment if moment.microsecond == 0 else moment.replace(microsecond=0) + timedelta(seconds=1)


def refuse_unasked(document: Document, row: Row, since: datetime, end: datetime | None) -> None:
    """A row outside of the filter means that the filter was ignored.

    For changes there is no upper check: an order may change again between the search and its answer.
    """
    if row.at < since.astimezone(UTC).replace(microsecond=0) or (end and row.at >= end):
        raise UnexpectedAnswer(VENDOR, f"{document.name}: answered with rows outside of the filter ({row.at})")


def is_order_id(text: str) -> bool:
    """A number, or the gid of an order."""
    number = text.removeprefix("gid://shopify/Order/")
    return number.isascii() and number.isdigit()


def complete(graphql: GraphQL, order: dict[str, Any]) -> None:
    """Read the further pages of everything nested in a raw order, in place."""
    for field in IN_ORDER:
        if field in order:  # an order that is only to be fulfilled comes without its lines
            fill(graphql, "Order", order, field)
    for one in order["fulfillmentOrders"]["nodes"]:
        fill(graphql, "FulfillmentOrder", one, "lineItems")
    for one in order["fulfillments"]:
        fill(graphql, "Fulfillment", one, "fulfillmentLineItems")
    for one in order.get("refunds", ()):
        for field in IN_REFUND:
            fill(graphql, "Refund", one, field)


def fill(graphql: GraphQL, kind: str, owner: dict[str, Any], field: str) -> None:
    """Read the further pages of one nested connection, in place."""
    connection = owner[field]
    while connection["pageInfo"]["hasNextPage"]:
        document, after = documents.MORE[kind, field], connection["pageInfo"]["endCursor"]
        page = connection_at(graphql.ask(document, id=owner["id"], after=after), ("node", field), document)
        if page["pageInfo"]["hasNextPage"] and page["pageInfo"]["endCursor"] == after:
            raise UnexpectedAnswer(VENDOR, f"{document.name}: pagination stays at the same cursor")
        connection = {"nodes": [*connection["nodes"], *page["nodes"]], "pageInfo": page["pageInfo"]}
    owner[field] = connection


def brief(error: ValidationError) -> str:
    """Where and what, without the values: they may be personal."""
    found: Iterable[Any] = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(str(step) for step in one['loc'])}: {one['msg']}" for one in islice(found, 3))
