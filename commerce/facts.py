"""What happened, told from two snapshots: the one the log knows and the one that was just read.

A snapshot is the whole state, so facts may be derived from any later one as well: nothing is lost when a change was
missed. `key` makes each fact unique: source, subject, the source's stamp, a digest of the content, kind and part. Two
changes within one second have different digests; the same snapshot read twice has the same keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from commerce.events import Event, Kind
from commerce.orders import Fulfilment, Order
from commerce.parcels import Parcel
from commerce.stock import StockLevel
from commerce.values import fingerprint

STAMPS = {Order: "updated_at", Parcel: "updated_at", StockLevel: "as_of"}
"""The field that says when a snapshot was true. It moves without anything having changed."""

Snapshot = Order | Parcel | StockLevel


def content_digest(snapshot: Snapshot) -> str:
    """A digest of everything but the stamp. Values that compare equal digest equally: 19.9 is 19.90."""
    content = snapshot.model_dump(exclude={STAMPS[type(snapshot)]})
    return fingerprint(json.dumps(content, default=_said_one_way, sort_keys=True, separators=(",", ":")))


def _said_one_way(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a snapshot cannot hold {type(value).__name__}")


def stamp_of(snapshot: Snapshot) -> datetime:
    """When the snapshot was true, as its source says."""
    moment: datetime = getattr(snapshot, STAMPS[type(snapshot)])
    return moment


def order_facts(before: Order | None, after: Order, *, historical: bool = False) -> list[Event]:
    """What happened to the order since `before`, oldest first; with None, everything that `after` tells of.

    Nothing when only the stamp differs, or when `after` is older than `before`. A change that is no refund, no
    fulfilment and no cancellation is one `order.updated`.
    """
    if before and (after.updated_at < before.updated_at or content_digest(before) == content_digest(after)):
        return []
    said = sorted(_news(before, after), key=lambda one: one[2])
    if before is None:
        said.insert(0, (Kind.ORDER_PLACED, "", after.processed_at))
    elif not said:
        said = [(Kind.ORDER_UPDATED, "", after.updated_at)]
    return _events(after, said, historical=historical)


def _news(before: Order | None, after: Order) -> Iterator[tuple[Kind, str, datetime]]:
    refunds = {refund.id for refund in before.refunds} if before else set()
    fulfilments = {each.id for each in before.fulfilments if succeeded(each)} if before else set()
    for refund in after.refunds:
        if refund.id not in refunds:
            yield Kind.ORDER_REFUNDED, refund.id, refund.at
    for each in after.fulfilments:
        if succeeded(each) and each.id not in fulfilments:
            yield Kind.ORDER_FULFILLED, each.id, each.at
    if after.cancelled_at and not (before and before.cancelled):
        yield Kind.ORDER_CANCELLED, "", after.cancelled_at


def succeeded(fulfilment: Fulfilment) -> bool:
    """Whether something really left: not planned, not cancelled, not failed."""
    return fulfilment.status.lower() == "success"


def parcel_facts(before: Parcel | None, after: Parcel, *, historical: bool = False) -> list[Event]:
    """`parcel.shipped` for a new parcel or one whose content or numbers changed, `parcel.voided` once.

    A parcel that is first seen when it is already void was never told of, and is told as void only.
    """
    if before and (after.updated_at < before.updated_at or content_digest(before) == content_digest(after)):
        return []
    if not after.voided:
        # A ship date is a day: the label that was bought this noon has left "at midnight".
        happened = after.updated_at if before else max(after.shipped_at, after.updated_at)
        return _events(after, [(Kind.PARCEL_SHIPPED, "", happened)], historical=historical)
    if before and before.voided:
        return []
    return _events(after, [(Kind.PARCEL_VOIDED, "", after.updated_at)], historical=historical)


def stock_facts(before: StockLevel | None, after: StockLevel, *, historical: bool = False) -> list[Event]:
    """`stock.changed` when a quantity differs. A snapshot that is older than the known one says nothing."""
    if before and (after.as_of < before.as_of or content_digest(before) == content_digest(after)):
        return []
    return _events(after, [(Kind.STOCK_CHANGED, "", after.as_of)], historical=historical)


def _events(snapshot: Snapshot, said: list[tuple[Kind, str, datetime]], *, historical: bool) -> list[Event]:
    if not said:
        return []
    data: dict[str, Any] = snapshot.model_dump(mode="json")
    revision = stamp_of(snapshot)
    stem = f"{snapshot.source}|{snapshot.key}|{revision.isoformat()}|{content_digest(snapshot)[:12]}"
    return [
        Event(
            key=f"{stem}|{kind}|{part}",
            source=snapshot.source,
            kind=kind,
            subject=snapshot.key,
            revision=revision,
            occurred_at=happened,
            part=part,
            historical=historical,
            data=data,
        )
        for kind, part, happened in said
    ]
