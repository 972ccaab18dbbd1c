"""Reading orders: a light search for what changed, then the whole orders by id.

https://shopify.dev/docs/api/admin-graphql/2026-10/queries/orders
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from commerce.errors import UnexpectedAnswer
from commerce.orders import Order
from commerce.ports import Page, Unreadable
from integrations.shopify import documents
from integrations.shopify.bulk import BulkOperations, NoBulk
from integrations.shopify.documents import Document
from integrations.shopify.graphql import VENDOR, GraphQL, long_id, whole_seconds
from integrations.shopify.history import AT_ONCE, pages, spooled
from integrations.shopify.settings import ShopifySettings
from integrations.shopify.whole import WholeOrders

log = logging.getLogger(__name__)

BATCH = 50
"""Whole orders per call; halved when Shopify finds a call too costly."""
UNSETTLED = timedelta(minutes=15)
"""How long Shopify's search may take to see a change; it gives no figure."""
SEARCH_PAGE = 250
LOOKS_AT_BULK = 20
"""Counting, starting, looking and fetching: a guess, Shopify does not tell how long an operation takes."""
LONGEST_SEARCH = 20_000
"""Rows after which a search starts anew from where it is: Shopify pages no list beyond 25,000."""


class Row(NamedTuple):
    """What the light search says of one order: its gid, and when it changed or was created."""

    id: str
    at: datetime


class Stamp:
    """The newest stamp of rows up to a moment, and whose it is."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.ids: list[str] = []

    def see(self, row: Row, until: datetime) -> None:
        """Take a row into account unless it is newer than `until`."""
        if row.at > until or row.at < self.at:
            return
        if row.at > self.at:
            self.at, self.ids = row.at, []
        self.ids.append(row.id)


@dataclass
class Reach:
    """Up to when a search goes. For changes it is known, by Shopify's own clock, once the first page is there."""

    until: datetime


class Orders:
    """The store as an OrderSource."""

    graphql: GraphQL
    settings: ShopifySettings
    bulk: BulkOperations
    _reader: WholeOrders | None = None

    def changed_orders(self, since: datetime) -> Iterator[Page]:
        """Orders changed since then, up to now by Shopify's own clock, oldest change first."""
        yield from self._changed(since)

    def orders_created(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Orders created within [since, until), oldest first; many of them with a bulk operation.

        Nothing has been handed out yet when Shopify gives none, so they are read page by page then.
        """
        since, until = next_whole_second(since), next_whole_second(until)
        count = self._counted(since, until).get("count") if self.settings.bulk_orders else None
        if isinstance(count, int) and count >= self.settings.bulk_orders:
            try:
                search = between("created_at", since, until, "<")
                with spooled(self.bulk, search, since, until, count) as spool:
                    yield from (page_of(found, None) for found in pages(spool, self._whole))
                return
            except NoBulk as reason:
                log.warning("shopify: history is read page by page, for want of a bulk operation: %s", reason)
        rows = self._search(documents.ORDERS_CREATED, "created_at", since, until, "<")
        yield from self._read(rows, Reach(until))

    def older_orders(self, since: datetime) -> Iterator[Page]:
        """Orders created before `since` that changed since then, up to now by Shopify's own clock."""
        yield from self._changed(since, f" AND created_at:<'{whole_seconds(since)}'")

    def calls_for(self, orders: int) -> int:
        """About how many calls `orders_created` takes for so many orders."""
        if self.settings.bulk_orders and orders >= self.settings.bulk_orders:
            return LOOKS_AT_BULK + math.ceil(orders / AT_ONCE)
        return 1 + math.ceil(orders / SEARCH_PAGE) + math.ceil(orders / BATCH)

    def _counted(self, since: datetime, until: datetime) -> dict[str, Any]:
        query = between("created_at", since, until, "<")
        count = self.graphql.ask(documents.ORDERS_COUNT, query=query).get("ordersCount")
        return count if isinstance(count, dict) else {}

    def count_created(self, since: datetime, until: datetime) -> int:
        """How many orders were created within [since, until)."""
        since, until = next_whole_second(since), next_whole_second(until)
        count = self._counted(since, until)
        if count.get("precision") == "EXACT" and isinstance(count.get("count"), int):
            return int(count["count"])
        return sum(1 for _ in self._search(documents.ORDERS_CREATED, "created_at", since, until, "<"))

    def orders_by_id(self, ids: Sequence[str]) -> Iterator[Page]:
        """These orders as they are now; ids are numbers or gids. What is deleted or no order at all is left out."""
        wanted = dict.fromkeys(long_id("Order", one) for one in ids if is_order_id(one))
        remaining = iter(wanted)
        while batch := list(islice(remaining, self._whole.batch)):
            yield self._page(batch, None)

    @property
    def _whole(self) -> WholeOrders:
        if self._reader is None:
            self._reader = WholeOrders(self.graphql, self.settings, BATCH)
        return self._reader

    def _changed(self, since: datetime, besides: str = "") -> Iterator[Page]:
        reach = Reach(since)
        yield from self._read(self._changes(since, besides, reach), reach)

    def _changes(self, since: datetime, besides: str, reach: Reach) -> Iterator[Row]:
        """Ids of orders that changed, and how far that reaches.

        The first page has no end, so that no clock of ours hides anything. Where more follow, the search begins anew
        and ends where Shopify's time was then: else what changes meanwhile could keep it going for ever.
        """
        document = documents.ORDERS_CHANGED
        query = f"updated_at:>='{whole_seconds(since)}'{besides}"
        first = next(self.graphql.pages(document, "orders", query=query))
        rows = [asked_for(document, node, since, None) for node in first["nodes"]]
        told = self.graphql.answered_at or self.graphql.now()  # an answer without its date breaks HTTP
        reach.until = max([told, *(row.at for row in rows)])
        yield from rows
        if first["pageInfo"]["hasNextPage"]:
            known = {row.id for row in rows}
            found = self._search(document, "updated_at", since, reach.until, "<=", besides)
            yield from (row for row in found if row.id not in known)

    def _read(self, rows: Iterator[Row], reach: Reach) -> Iterator[Page]:
        """Whole orders in batches, each with how far everything has been read.

        A row is found where the search last saw it, but tells when it really changed: one that changed within
        UNSETTLED may stand far before its place, and says nothing about the rows behind it until all are read.
        """
        mark: datetime | None = None
        newest: datetime | None = None
        batch = list(islice(rows, self._whole.batch))
        until = reach.until
        settled = until - UNSETTLED
        while batch:
            following = list(islice(rows, self._whole.batch))
            stamps = [row.at for row in batch]
            newest = max([one for one in stamps if one <= until] + ([newest] if newest else []), default=None)
            mark = max([one for one in stamps if one <= settled] + ([mark] if mark else []), default=None)
            yield self._page([row.id for row in batch], mark if following else newest)
            batch = following

    def _search(
        self, document: Document, field: str, since: datetime, until: datetime, below: str, besides: str = ""
    ) -> Iterator[Row]:
        """Ids in the order of `field`; a long search starts anew before Shopify stops paging. `besides`: more filters.

        It goes on from the newest stamp that is surely a row's place, see `_read`; some rows may come twice.
        """
        start, end, known = since, until if below == "<" else None, frozenset[str]()
        settled = until if below == "<" else until - UNSETTLED
        while True:
            newest, surely = Stamp(start), Stamp(start)
            found = self._search_once(document, between(field, start, until, below) + besides, start, end)
            for row in islice((row for row in found if row.id not in known), LONGEST_SEARCH):
                yield row
                newest.see(row, until)
                surely.see(row, settled)
            if next(found, None) is None:
                return
            reached = surely if surely.at > start else newest
            if reached.at == start:
                raise UnexpectedAnswer(VENDOR, f"more than {LONGEST_SEARCH} orders with the same {field}, {start}")
            start, known = reached.at, frozenset(reached.ids)

    def _search_once(self, document: Document, query: str, since: datetime, end: datetime | None) -> Iterator[Row]:
        for page in self.graphql.pages(document, "orders", query=query):
            for node in page["nodes"]:
                yield asked_for(document, node, since, end)

    def _page(self, gids: Sequence[str], watermark: datetime | None) -> Page:
        return page_of(self._whole.read(gids), watermark)


def page_of(read: Iterable[Order | Unreadable], watermark: datetime | None) -> Page:
    """A page of what was read."""
    orders: list[Order] = []
    unreadable: list[Unreadable] = []
    for one in read:
        if isinstance(one, Order):
            orders.append(one)
        else:
            unreadable.append(one)
    return Page(orders=tuple(orders), unreadable=tuple(unreadable), watermark=watermark)


def asked_for(document: Document, node: Any, since: datetime, end: datetime | None) -> Row:
    """One row of the light search. Raises UnexpectedAnswer for one that was not asked for."""
    row = read_row(document, node)
    refuse_unasked(document, row, since, end)
    return row


def read_row(document: Document, node: Any) -> Row:
    """One row of the light search. Raises UnexpectedAnswer for what names no order and no moment."""
    try:
        at = datetime.fromisoformat(node["at"])
        return Row(str(node["id"]), at if at.tzinfo else at.replace(tzinfo=UTC))
    except (KeyError, TypeError, ValueError) as wrong:
        raise UnexpectedAnswer(VENDOR, f"{document.name}: answered with a row that names no order") from wrong


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
