"""Facts: what happened, once, in the shape of CloudEvents."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from commerce.values import Frozen, Moment


class Kind(StrEnum):
    """What a fact is about. The part before the dot is what a route carries."""

    ORDER_PLACED = "order.placed"
    ORDER_UPDATED = "order.updated"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_REFUNDED = "order.refunded"
    ORDER_FULFILLED = "order.fulfilled"
    PARCEL_SHIPPED = "parcel.shipped"
    PARCEL_VOIDED = "parcel.voided"
    STOCK_CHANGED = "stock.changed"

    @property
    def topic(self) -> str:
        """ "order", "parcel" or "stock"."""
        return self.value.split(".")[0]


class Event(Frozen):
    """A fact in the log.

    `subject` is what it is about ("shop:5501"), unique over all connections. `revision` is the source's own stamp of
    that state: of two facts about one subject the one with the newer revision wins, whatever order they arrived in.
    `data` is the whole state as JSON (an Order, a Parcel or a StockLevel). `part` names what is new within the state
    (a refund's or fulfilment's id) and is empty otherwise. `historical` facts are recorded for the record: nobody is
    to be mailed because of them.
    """

    key: str
    source: str
    kind: Kind
    subject: str
    revision: Moment
    occurred_at: Moment
    part: str = ""
    historical: bool = False
    data: dict[str, Any]
