"""Tracking from ShipStation: labels that were bought, and orders that somebody marked as shipped.

Neither list alone is complete, and neither can be asked for what has changed since: voids are found by reading the
voided ones of the last weeks again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from pydantic import ValidationError

from commerce.errors import UnexpectedAnswer
from commerce.parcels import Parcel
from commerce.ports import Page, Unreadable
from integrations.shipstation.client import Api, Model, Raw, moment, parsed
from integrations.shipstation.mapping import parcels_of_fulfillment, parcels_of_label
from integrations.shipstation.schemas import AdvancedOptions, Fulfillment, Label, Shipment
from integrations.shipstation.settings import ShipStationSettings
from integrations.shipstation.shares import is_family, needs_its_family

VOIDABLE_LABELS = timedelta(days=30)
"""How long carriers take labels back; USPS is the most patient with 28 days."""

VOIDABLE_FULFILLMENTS = timedelta(days=7)
UNFINISHED = timedelta(hours=6)
"""A label that is still being made when others were made so much later is stuck and does not stop the reading."""

PAGE = 100

Sent = TypeVar("Sent", Label, Fulfillment)


class BadShipment(Exception):
    """The shipment of one label cannot be read: that parcel is held, the others go on."""


class Parcels:
    """Reads parcels of one account."""

    def __init__(self, api: Api, settings: ShipStationSettings) -> None:
        self._api = api
        self._settings = settings

    def changed(self, since: datetime) -> Iterator[Page]:
        """See `ParcelSource.changed_parcels`. The last page carries the watermark."""
        reading = _Reading(self._api, self._settings, since)
        yield from reading.pages()
        yield Page(watermark=reading.watermark)  # none when nothing was read: the next reading begins where this did


class _Reading:
    """One run, which asks for each shipment once. It has no end: what ShipStation stamps later than we think it is must
    not be hidden."""

    def __init__(self, api: Api, settings: ShipStationSettings, since: datetime) -> None:
        self._api = api
        self._settings = settings
        self._since = since
        self._shipments: dict[str, Shipment | BadShipment | None] = {}
        self._newest: datetime | None = None
        self._unfinished: list[datetime] = []

    @property
    def watermark(self) -> datetime | None:
        """ShipStation's newest stamp that was read, never our own clock; None when nothing was."""
        if self._newest is None:
            return None
        young = [at for at in self._unfinished if self._newest - at < UNFINISHED]
        return min([self._newest, *(max(self._since, at) for at in young)])

    def _saw(self, created_at: datetime) -> None:
        if self._newest is None or created_at > self._newest:
            self._newest = created_at

    def pages(self) -> Iterator[Page]:
        for raws in _batches(self._labels()):
            yield self._page_of_labels(raws)
        for raws in _batches(self._voided_labels()):
            yield self._page_of_labels(raws)
        for raws in _batches(self._fulfillments()):
            yield self._page_of_fulfillments(raws)

    def _labels(self) -> Iterator[Raw]:
        return self._api.labels(
            created_at_start=moment(self._since),
            sort_by="created_at",
            sort_dir="asc",
        )

    def _voided_labels(self) -> Iterator[Raw]:
        return self._api.labels(
            label_status="voided",
            created_at_start=moment(self._since - VOIDABLE_LABELS),
            sort_by="created_at",
            sort_dir="asc",
        )

    def _fulfillments(self) -> Iterator[Raw]:
        return self._api.fulfillments(
            create_date_start=moment(self._since - VOIDABLE_FULFILLMENTS),
            sort_by="created_at",
            sort_dir="asc",
        )

    def _page_of_labels(self, raws: Sequence[Raw]) -> Page:
        labels, unreadable = _readable(Label, raws, "label", self._settings.name)
        self._wait_for_unfinished(labels)
        for label in labels:
            self._saw(label.created_at)
        shown = [label for label in labels if self._shows(label)]
        self._fetch_batches(shown)
        return self._page("label", unreadable, shown, lambda label: label.label_id, parcels_of_label)

    def _page_of_fulfillments(self, raws: Sequence[Raw]) -> Page:
        fulfillments, unreadable = _readable(Fulfillment, raws, "fulfillment", self._settings.name)
        for each in fulfillments:
            self._saw(each.created_at)
        shown = [each for each in fulfillments if self._within(each.voided_at if each.is_void else each.created_at)]
        return self._page("fulfillment", unreadable, shown, lambda each: each.fulfillment_id, parcels_of_fulfillment)

    def _page(
        self,
        kind: str,
        unreadable: Sequence[Unreadable],
        shown: Iterable[Sent],
        name_of: Callable[[Sent], str],
        to_parcels: Callable[[str, Sent, Shipment | None, str], Iterable[Parcel]],
    ) -> Page:
        """The parcels of what is shown; one that cannot be made is unreadable and stops nobody."""
        parcels: list[Parcel] = []
        bad = list(unreadable)
        for each in shown:
            try:
                shipment = self._shipment(each.shipment_id)
                parcels += to_parcels(self._settings.name, each, shipment, self._location(shipment))
            except (BadShipment, ValueError) as error:
                words = str(error) if isinstance(error, BadShipment) else "holds a value that is no date or number"
                name = name_of(each)
                subject = f"{self._settings.name}:{kind}-{name}"
                bad.append(Unreadable(subject=subject, label=f"{kind} {name}", reason=words))
        return Page(parcels=tuple(parcels), unreadable=tuple(bad))

    def _shows(self, label: Label) -> bool:
        """Whether it is a parcel that left, or one that was called back lately."""
        if label.is_return_label:
            return False
        return self._within(label.voided_at) if label.is_void else label.ships

    def _within(self, at: datetime | None) -> bool:
        """Whether it happened since then; what has no time is told once too often rather than never."""
        return at is None or self._since <= at

    def _wait_for_unfinished(self, labels: Iterable[Label]) -> None:
        """Ask for labels again that are still being made: they are not found by a later creation date."""
        self._unfinished += [label.created_at for label in labels if label.status == "processing"]

    def _fetch_batches(self, labels: Sequence[Label]) -> None:
        """Fetch shipments by the hundred where labels were bought together."""
        batches: dict[str, set[str]] = {}
        for label in labels:
            if label.batch_id and label.shipment_id not in self._shipments:
                batches.setdefault(label.batch_id, set()).add(label.shipment_id)
        for batch, wanted in batches.items():
            if len(wanted) > 1:
                for raw in self._api.shipments(batch_id=batch):
                    self._shipments.setdefault(str(raw.get("shipment_id")), _shipment_of(raw))

    def _shipment(self, shipment_id: str) -> Shipment | None:
        """The shipment, None when there is none. Raises BadShipment."""
        if shipment_id not in self._shipments:
            raw = self._api.shipment(shipment_id)
            self._shipments[shipment_id] = _shipment_of(raw) if raw else None
        found = self._shipments[shipment_id]
        if isinstance(found, BadShipment):
            raise found
        if found is not None and needs_its_family(found):
            found = self._shipments[shipment_id] = self._with_its_source(found)
        return found

    def _with_its_source(self, shipment: Shipment) -> Shipment:
        """A piece that staff split off without its custom fields: those of the shipment that it was split from."""
        for raw in self._api.shipments(shipment_number=shipment.shipment_number):
            other = _shipment_of(raw)
            if isinstance(other, Shipment) and is_family(shipment, other):
                source = AdvancedOptions(custom_field1=other.external_shipment_id.partition(":")[0])
                return shipment.model_copy(update={"advanced_options": source})
        # Nobody's, so that it is not asked for again in this reading.
        return shipment.model_copy(update={"shipment_number": ""})

    def _location(self, shipment: Shipment | None) -> str:
        return self._settings.location_of(shipment.warehouse_id) if shipment else ""


def _shipment_of(raw: Raw) -> Shipment | BadShipment:
    try:
        return parsed(Shipment, raw)
    except UnexpectedAnswer as error:
        return BadShipment(str(error))


def _batches(raws: Iterator[Raw]) -> Iterator[list[Raw]]:
    while batch := list(islice(raws, PAGE)):
        yield batch


def _readable(model: type[Model], raws: Sequence[Raw], kind: str, source: str) -> tuple[list[Model], list[Unreadable]]:
    good: list[Model] = []
    bad: list[Unreadable] = []
    for raw in raws:
        try:
            good.append(parsed(model, raw))
        except (UnexpectedAnswer, ValidationError) as error:
            name = str(raw.get(f"{kind}_id", "without an id"))
            subject = f"{source}:{kind}-{name}"
            bad.append(Unreadable(subject=subject, label=f"{kind} {name}", reason=str(error)))
    return good, bad
