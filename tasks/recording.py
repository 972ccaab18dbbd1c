"""From a source into the log: what changed since the watermark, less an overlap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from commerce.ports import OrderSource, Page, ParcelSource
from ledger.held import UNREADABLE
from tasks.alerting import pausing
from tasks.due import is_due
from tasks.hub import Hub
from tasks.tally import Tally

READ_BEGAN = "orders-read-began"
"""The cursor that says when the last complete reading began, by the database's clock."""

READ_AGAIN, AGAIN_EVERY, AGAIN_BACK = "orders-read-again", timedelta(days=1), timedelta(days=2)
"""Once a day two days are read again, for what the search showed later than the overlap and no webhook told."""

PARCELS_AGAIN, PARCELS_EVERY, PARCELS_BACK = "parcels-read-again", timedelta(hours=1), timedelta(hours=2)
"""Once an hour two hours of parcels are read again: a list may show a label late, and no webhook need have told."""

FIRST_READ = timedelta(days=7)
"""How far back the very first read goes when stack.toml has no `hub.start`."""

BEFORE_NOTICED = timedelta(days=1)
"""How long a parcel may have been there before it was noticed that it cannot be read."""

ORDERS, PARCELS = "orders", "parcels"
"""Names of the watermarks."""


def record_changed_orders(hub: Hub, source: str) -> Tally:
    """Record the storefront's orders that changed since the last time. Repeating it records nothing twice.

    Several routes want the same orders: while one run reads, the others wait, and a reading that began after they
    asked serves them too.
    """
    client = hub.playing(source, OrderSource)
    with hub.ledger.only_one(f"reading:{source}:orders") as asked:
        began = hub.ledger.cursor(source, READ_BEGAN)
        now = hub.ledger.moment_now()
        if began is not None and asked < began <= now:  # one that began in the future began before the clock went back
            return Tally(Counter({"read by another run": 1}))
        began = now
        since, mark = reads_from(hub, source, ORDERS), hub.ledger.cursor(source, ORDERS)
        reread = is_due(hub.ledger.cursor(source, READ_AGAIN), began, AGAIN_EVERY)
        if reread and mark is not None:
            since = max(min(since, mark - AGAIN_BACK), hub.stack.hub.start or since - AGAIN_BACK)
        tally = record_pages(hub, source, client.changed_orders(since), cursor=ORDERS, asked=began)
        hub.ledger.set_cursor(source, READ_BEGAN, began)
        if reread:
            hub.ledger.set_cursor(source, READ_AGAIN, began)
        return tally


def record_changed_parcels(hub: Hub, source: str, *, unread_too: bool = False) -> Tally:
    """Record the shipping app's parcels that were made or voided since the last time.

    Parcels cannot be asked for by id. With `unread_too`, the reading goes back to the oldest that could not be read.
    """
    client = hub.playing(source, ParcelSource)
    since, mark = reads_from(hub, source, PARCELS), hub.ledger.cursor(source, PARCELS)
    began = hub.ledger.moment_now()
    reread = is_due(hub.ledger.cursor(source, PARCELS_AGAIN), began, PARCELS_EVERY)
    if reread and mark is not None:
        since = min(since, mark - PARCELS_BACK)
    if unread_too:
        unread = (one.since - BEFORE_NOTICED for one in hub.ledger.held(source) if one.cause == UNREADABLE)
        since = min([since, *unread])
    tally = record_pages(hub, source, client.changed_parcels(since), cursor=PARCELS, asked=began)
    if reread:
        hub.ledger.set_cursor(source, PARCELS_AGAIN, began)
    return tally


def record_orders_by_id(hub: Hub, source: str, ids: Sequence[str]) -> Tally:
    """Record these orders as they are now, whatever the watermark says."""
    asked = hub.ledger.moment_now()
    return record_pages(hub, source, hub.playing(source, OrderSource).orders_by_id(ids), cursor="", asked=asked)


def record_pages(
    hub: Hub,
    source: str,
    pages: Iterable[Page],
    *,
    cursor: str,
    historical: bool = False,
    only: Sequence[str] | None = None,
    asked: datetime | None = None,
) -> Tally:
    """Record page by page; events and the watermark `cursor` (none when empty) commit together.

    `asked` is a moment before the source was asked for the first of them, by the ledger's clock. A refused credential
    pauses the source; what was read before stays recorded.
    """
    tally = Tally()
    with pausing(hub, source):
        for page in pages:
            mark = (cursor, page.watermark) if cursor and page.watermark else None
            # A page of parcels may hold none but unreadable ones.
            if page.parcels or cursor == PARCELS:
                recorded = hub.ledger.record_parcels(
                    source, page.parcels, cursor=mark, unreadable=page.unreadable, asked=asked
                )
            else:
                recorded = hub.ledger.record_orders(
                    source,
                    page.orders,
                    historical=historical,
                    cursor=mark,
                    unreadable=page.unreadable,
                    only=only,
                    asked=asked,
                )
            tally.counts["recorded"] += recorded.changed
            tally.counts["read"] += len(page.orders) + len(page.parcels)
            tally.unreadable(page.unreadable)
    return tally


def reads_from(hub: Hub, source: str, cursor: str) -> datetime:
    """Where the next reading begins: at the watermark less the overlap, or at the start when nothing was read yet.

    Watermarks are the source's own stamps. There is no end: it would be by our clock, and hide what the source stamps
    later than that.
    """
    mark = hub.ledger.cursor(source, cursor)
    if mark is None:
        return hub.stack.hub.start or hub.time_at(source) - FIRST_READ
    return mark - timedelta(minutes=hub.stack.hub.overlap_minutes)
