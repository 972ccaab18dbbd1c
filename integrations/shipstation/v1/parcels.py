"""Tracking from V1: labels that were bought, and orders that somebody marked as shipped.

Neither list has the other's records, and neither can be asked for what has changed since: voided labels have a filter
of their own, voided marks are found by reading the last days again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from commerce.errors import UnexpectedAnswer
from commerce.parcels import Parcel
from commerce.ports import Page, Unreadable
from integrations.shipstation import keys
from integrations.shipstation.client import Raw, parsed
from integrations.shipstation.settings import ShipStationSettings
from integrations.shipstation.v1.client import Api
from integrations.shipstation.v1.mapping import parcel_of
from integrations.shipstation.v1.orders import Orders
from integrations.shipstation.v1.schemas import V1Fulfillment, V1Label
from integrations.shipstation.v1.times import AMBIGUITY, wall

VOIDABLE_MARKS = timedelta(days=7)
PAGE = 100

Sent = TypeVar("Sent", V1Label, V1Fulfillment)


class Parcels:
    """Reads parcels of one account."""

    def __init__(self, api: Api, settings: ShipStationSettings) -> None:
        self._api = api
        self._settings = settings

    def changed(self, since: datetime) -> Iterator[Page]:
        """See `ParcelSource.changed_parcels`. The last page carries the watermark."""
        reading = _Reading(self._api, self._settings, since)
        yield from reading.pages()
        yield Page(watermark=reading.newest)  # none when nothing was read: the next reading begins where this did


class _Reading:
    """One run, which asks for each order once. It goes an hour further back than asked for, and has no end: what V1
    stamps later than we think it is must not be hidden."""

    def __init__(self, api: Api, settings: ShipStationSettings, since: datetime) -> None:
        self._api = api
        self._settings = settings
        self._since = since - AMBIGUITY
        self._orders = Orders(api)
        self.newest: datetime | None = None

    def pages(self) -> Iterator[Page]:
        for raws in _batches(self._labels()):
            yield self._page(V1Label, raws, "shipmentId")
        for raws in _batches(self._fulfillments()):
            yield self._page(V1Fulfillment, raws, "fulfillmentId")

    def _labels(self) -> Iterator[Raw]:
        """Those made since then, then those voided since then."""
        start = wall(self._since)
        yield from self._api.labels(
            createDateStart=start, includeShipmentItems="true", sortBy="CreateDate", sortDir="ASC"
        )
        yield from self._api.labels(voidDateStart=start, includeShipmentItems="true")

    def _fulfillments(self) -> Iterator[Raw]:
        start = wall(self._since - VOIDABLE_MARKS)
        return self._api.fulfillments(createDateStart=start, sortBy="CreateDate", sortDir="ASC")

    def _page(self, model: type[Sent], raws: Sequence[Raw], id_field: str) -> Page:
        """The parcels of what is shown; one that cannot be made is unreadable and stops nobody."""
        sent, bad = self._readable(model, raws, id_field)
        for each in sent:
            self.newest = max(self.newest or each.created_at, each.created_at)
        shown = [each for each in sent if self._shows(each)]
        self._orders.fetch((each.order_id, each.created_at) for each in shown if needs_order(each))
        parcels: list[Parcel] = []
        for each in shown:
            try:
                parcels.append(self._parcel(each))
            except (UnexpectedAnswer, ValueError) as error:
                bad.append(self._unreadable(each.kind, each.id, error))
        return Page(parcels=tuple(parcels), unreadable=tuple(bad))

    def _parcel(self, sent: V1Label | V1Fulfillment) -> Parcel:
        order = self._orders.order(sent.order_id) if needs_order(sent) else None
        key = self._orders.key_of(order) if order else sent.order_key if isinstance(sent, V1Label) else ""
        warehouse = sent.warehouse_id if isinstance(sent, V1Label) else ""
        place = self._settings.location_of(warehouse or (order.options.warehouse_id if order else "") or None)
        return parcel_of(self._settings.name, sent, order, key, place)

    def _readable(self, model: type[Sent], raws: Sequence[Raw], id_field: str) -> tuple[list[Sent], list[Unreadable]]:
        good: list[Sent] = []
        bad: list[Unreadable] = []
        for raw in raws:
            try:
                good.append(parsed(model, raw))
            except UnexpectedAnswer as error:
                kind = model.model_fields["kind"].default
                bad.append(self._unreadable(kind, raw.get(id_field) or "without an id", error))
        return good, bad

    def _unreadable(self, kind: str, name: object, error: Exception) -> Unreadable:
        words = str(error) if isinstance(error, UnexpectedAnswer) else "holds a value that is no date or number"
        return Unreadable(subject=f"{self._settings.name}:{kind}-se-{name}", label=f"{kind} {name}", reason=words)

    def _shows(self, sent: V1Label | V1Fulfillment) -> bool:
        """Whether it is a parcel that left, or one that was called back lately."""
        if isinstance(sent, V1Label) and sent.is_return:
            return False
        at = sent.voided_at if sent.is_void else sent.created_at
        return at is None or self._since <= at


def needs_order(sent: V1Label | V1Fulfillment) -> bool:
    """Whether its order has to be asked for: it does not name our key, or not what is in the parcel."""
    return isinstance(sent, V1Fulfillment) or not keys.is_ours(sent.order_key) or not sent.units


def _batches(raws: Iterable[Raw]) -> Iterator[list[Raw]]:
    rest = iter(raws)
    while batch := list(islice(rest, PAGE)):
        yield batch
