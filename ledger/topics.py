"""What the log must know of a snapshot without reading it: its subject, its age, what people call it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from commerce.events import Event
from commerce.facts import content_digest, order_facts, parcel_facts, stamp_of, stock_facts
from commerce.orders import Order
from commerce.parcels import Parcel
from commerce.promises import promise_of
from commerce.stock import StockLevel
from ledger.store import clean, micros

OVER = frozenset({"closed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Seen:
    """A snapshot that was just read."""

    subject: str
    revision: int
    digest: str
    born: int
    value: Any
    label: str = ""
    related: str = ""
    unfinished: bool = False
    promise: int | None = None
    """By when it has to leave; None for what hurries nobody."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of snapshot, and how facts are told from two of them."""

    name: str
    model: Any
    seen: Callable[[Any], Seen]
    facts: Callable[..., list[Event]]


def seen_order(order: Order) -> Seen:
    """What the log must know of an order."""
    promise = promise_of(order)
    return Seen(
        subject=order.key,
        revision=micros(stamp_of(order)),
        digest=content_digest(order),
        born=micros(order.created_at),
        value=order,
        label=clean(order.number),
        unfinished=is_unfinished(order),
        promise=None if promise is None else micros(promise),
    )


def is_unfinished(order: Order) -> bool:
    """Whether units of it still have to leave, as far as its storefront says."""
    if order.test or order.cancelled:
        return False
    if not order.fulfilment_orders:
        return any(line.current for line in order.lines)
    return any(line.remaining for each in order.fulfilment_orders if each.status not in OVER for line in each.lines)


def seen_parcel(parcel: Parcel) -> Seen:
    """What the log must know of a parcel; one of several for an order is "shop:5501/2"."""
    return Seen(
        subject=parcel.key,
        revision=micros(stamp_of(parcel)),
        digest=content_digest(parcel),
        born=micros(parcel.shipped_at),
        value=parcel,
        label=clean(parcel.order_key or parcel.id),
        related=clean(parcel.order_key.split("/")[0]),
    )


def seen_level(level: StockLevel) -> Seen:
    """What the log must know of a stock level."""
    return Seen(
        subject=level.key,
        revision=micros(stamp_of(level)),
        digest=content_digest(level),
        born=micros(level.as_of),
        value=level,
        label=clean(level.sku),
    )


ORDERS = Topic("order", Order, seen_order, order_facts)
PARCELS = Topic("parcel", Parcel, seen_parcel, parcel_facts)
STOCK = Topic("stock", StockLevel, seen_level, stock_facts)
