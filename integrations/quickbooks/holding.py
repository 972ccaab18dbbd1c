"""What the books hold of our orders: receipts and refund receipts that carry our marker, with their amounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta

from commerce.audits import Duties, Found
from commerce.errors import Unmappable
from commerce.money import money
from commerce.orders import Order
from commerce.posting import refunds, sale
from integrations.quickbooks.client import Books
from integrations.quickbooks.looking import Booked, booked, documents_between, find
from integrations.quickbooks.mapping import Entity, document_number
from integrations.quickbooks.schemas import MARKER
from integrations.quickbooks.settings import QuickBooksSettings

A_DAY = timedelta(days=1)
ENTITIES: tuple[Entity, ...] = ("SalesReceipt", "RefundReceipt")


def duties_of(settings: QuickBooksSettings) -> Duties:
    """A receipt for each sale, a refund receipt for each refund."""
    return Duties(keeps="documents", unpaid_too=settings.post_unpaid, rounding_limit=settings.rounding_limit)


class Holding:
    """One company's documents, for comparing. Amounts are in the order's currency."""

    def __init__(self, books: Books, settings: QuickBooksSettings, home_currency: Callable[[], str]) -> None:
        """`home_currency` is asked for when a document's order is not one of those that are compared."""
        self._books = books
        self._settings = settings
        self._home_currency = home_currency

    def found(self, source: str, since: datetime, until: datetime, orders: Sequence[Order]) -> Iterator[Found]:
        """See `Auditable.audit`. Days are read whole; what they do not show is asked for by its number."""
        first, last = _days(since, until, orders)
        known = {(one.kind, one.id): one for one in documents_between(self._books, first, last) if one.marker}
        shown = {one.marker for one in known.values()}
        for entity, numbers in self._missing(orders, shown).items():
            for document in find(self._books, entity, numbers):
                if document.marker:
                    known[entity, document.id] = booked(document, entity)
        currencies = {order.key: order.currency for order in orders}
        for one in known.values():
            connection, order, *_ = [*one.marker.removeprefix(MARKER).split(":"), ""]
            if connection == source:
                yield self._as_found(one, f"{connection}:{order}", currencies)

    def _missing(self, orders: Sequence[Order], shown: set[str]) -> dict[Entity, list[str]]:
        """Numbers of documents that were not dated as they should be: a bookkeeper may have moved them."""
        limit = self._settings.rounding_limit
        numbers: dict[Entity, list[str]] = {}
        for order in orders:
            try:
                postings = [sale(order, rounding_limit=limit), *refunds(order, rounding_limit=limit)]
            except Unmappable:
                continue
            for posting in postings:
                if f"{MARKER}{order.key}:{posting.kind}:{posting.id}" not in shown:
                    entity = ENTITIES[0] if posting.kind == "sale" else ENTITIES[1]
                    numbers.setdefault(entity, []).append(document_number(posting, self._settings.prefix))
        return numbers

    def _as_found(self, one: Booked, subject: str, currencies: dict[str, str]) -> Found:
        _, _, _, id, *_ = [*one.marker.removeprefix(MARKER).split(":"), "", "", "", ""]
        sold = one.kind == "SalesReceipt"
        page = "salesreceipt" if sold else "refundreceipt"
        return Found(
            subject=subject,
            slot="receipt" if sold else f"refund {id}",
            vendor_id=one.id,
            name=one.number,
            state="posted" if sold else "refunded",
            amount=money(one.total, currencies.get(subject) or self._home_currency()),
            made_at=_noon(one.date),
            url=f"{self._settings.app_url.rstrip('/')}/app/{page}?txnId={one.id}",
        )


def _noon(day: str) -> datetime | None:
    """The middle of a day, which is all that a document tells."""
    try:
        return datetime.combine(datetime.fromisoformat(day), time(12), UTC)
    except ValueError:
        return None


def _days(since: datetime, until: datetime, orders: Sequence[Order]) -> tuple[str, str]:
    """The days within which the documents are dated: from the first sale to the last refund.

    Orders from before are left out of it, or a refund of a year-old order would have a year read.
    """
    moments = [since, until]
    for order in orders:
        if order.created_at < since:
            continue
        moments += [order.processed_at, *(refund.at for refund in order.refunds)]
    return (min(moments) - A_DAY).date().isoformat(), (max(moments) + A_DAY).date().isoformat()
