"""History by bulk operation: one query for all orders of a window, and what it cannot tell read by id.

https://shopify.dev/docs/api/usage/bulk-operations/queries
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from tempfile import TemporaryFile

from commerce.orders import Order
from commerce.ports import Unreadable
from integrations.shopify.bulk import BulkOperations, NoBulk, lines
from integrations.shopify.documents_bulk import ORDER_RESTS, bulk_orders
from integrations.shopify.spool import Raw, Spool
from integrations.shopify.whole import WholeOrders

AT_ONCE = 100
"""Orders whose rest is read in one call: far less than whole ones."""

REST = ("shippingLines", "refunds", "fulfillmentOrders", "fulfillments")


@contextmanager
def spooled(bulk: BulkOperations, search: str, since: datetime, until: datetime, expected: int) -> Iterator[Spool]:
    """All orders that `search` finds, on disk; at least `expected`.

    Raises NoBulk when the result is not complete, or not of what was asked for: Shopify tells nobody about a filter
    that it did not understand, and has been seen to drop rows.
    """

    def place(order: Raw) -> str:
        created = datetime.fromisoformat(order["createdAt"])
        if not since <= created < until:
            raise NoBulk(f"it answers with an order of {created}, outside of the filter")
        return created.astimezone(UTC).isoformat()

    with Spool() as spool:
        with TemporaryFile() as file:
            counted = bulk.run(bulk_orders(search), file)
            try:
                found = spool.load(lines(file), place)
            except (ValueError, KeyError, TypeError, AttributeError) as wrong:
                raise NoBulk(f"its result cannot be read ({type(wrong).__name__})") from wrong
        if found != counted or spool.orphans():
            raise NoBulk(f"its result has {found} objects, of {counted} that Shopify counted")
        if spool.parents() < expected:
            raise NoBulk(f"it found {spool.parents()} of {expected} orders")
        yield spool


def pages(spool: Spool, whole: WholeOrders) -> Iterator[list[Order | Unreadable]]:
    """The orders, oldest first, as they were when the operation ran, or as they are now when they changed since."""
    for families in spool.families(AT_ONCE):
        yield list(_told(families, whole))


def _told(families: Sequence[tuple[Raw, list[Raw]]], whole: WholeOrders) -> Iterator[Order | Unreadable]:
    heads = {str(order["id"]): with_lines(order, children) for order, children in families}
    ready: list[Raw] = []
    again: list[str] = []
    for gid, found in whole.nodes(ORDER_RESTS, list(heads), AT_ONCE):
        if isinstance(found, Unreadable):
            yield found
        elif same_order(heads[gid], found):
            heads[gid].update({name: found.get(name) for name in REST})
            spoilt = whole.completed(gid, heads[gid])
            if spoilt is None:
                ready.append(heads[gid])
            else:
                yield spoilt
        else:
            again.append(gid)
    yield from whole.finished(ready)
    yield from whole.read(again)


def with_lines(order: Raw, children: Sequence[Raw]) -> Raw:
    """An order with its lines where a query by id would show them."""
    return {**order, "lineItems": {"nodes": list(children), "pageInfo": {"hasNextPage": False, "endCursor": None}}}


def same_order(head: Mapping[str, Raw], rest: Mapping[str, Raw]) -> bool:
    """Whether both halves are of the same moment, and no line was dropped on the way."""
    units = sum(line.get("quantity") or 0 for line in head["lineItems"]["nodes"])
    return head.get("updatedAt") == rest.get("updatedAt") and units == head.get("subtotalLineItemsQuantity")
