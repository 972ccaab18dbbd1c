"""From a source into the log: what changed since the watermark, less an overlap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from commerce.ports import OrderSource, Page, ParcelSource
from ledger.held import UNREADABLE
from tasks.alerting import pausing
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

ANY_CLOCK = timedelta(days=1)
"""By how much a clock that was set right afterwards may have been wrong."""

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
        since, until = window(hub, source, ORDERS)
        again = hub.ledger.cursor(source, READ_AGAIN)
        reread = again is None or began - again >= AGAIN_EVERY
        if reread and hub.ledger.cursor(source, ORDERS) is not None:
            since = max(min(since, until - AGAIN_BACK), hub.stack.hub.start or since - AGAIN_BACK)
        tally = record_pages(hub, source, client.changed_orders(since, until), cursor=ORDERS, asked=began)
        hub.ledger.set_cursor(source, READ_BEGAN, began)
        if reread:
            hub.ledger.set_cursor(source, READ_AGAIN, began)
        return tally


def record_changed_parcels(hub: Hub, source: str, *, unread_too: bool = False) -> Tally:
    """Record the shipping app's parcels that were made or voided since the last time.

    Parcels cannot be asked for by id. With `unread_too`, the reading goes back to the oldest that could not be read.
    """
    client = hub.playing(source, ParcelSource)
    since, until = window(hub, source, PARCELS)
    began, again = hub.ledger.moment_now(), hub.ledger.cursor(source, PARCELS_AGAIN)
    reread = again is None or began - again >= PARCELS_EVERY
    if reread and hub.ledger.cursor(source, PARCELS) is not None:
        since = min(since, until - PARCELS_BACK)
    if unread_too:
        unread = (one.since - BEFORE_NOTICED for one in hub.ledger.held(source) if one.cause == UNREADABLE)
        since = min([since, *unread])
    tally = record_pages(hub, source, client.changed_parcels(since, until), cursor=PARCELS, asked=began)
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


def window(hub: Hub, source: str, cursor: str) -> tuple[datetime, datetime]:
    """From the watermark less the overlap, or from the start, to now.

    A clock that is behind what was read before has gone back. It must not hide what happens meanwhile: then the reading
    goes to whatever there is.
    """
    now = datetime.fromtimestamp(hub.clock(), UTC)
    mark = hub.ledger.cursor(source, cursor)
    began = READ_BEGAN if cursor == ORDERS else PARCELS_AGAIN
    seen = max((one for one in (mark, hub.ledger.cursor(source, began)) if one is not None), default=now)
    until = now if now >= seen else seen + ANY_CLOCK
    if mark is None:
        return hub.stack.hub.start or now - FIRST_READ, until
    return mark - timedelta(minutes=hub.stack.hub.overlap_minutes), until
