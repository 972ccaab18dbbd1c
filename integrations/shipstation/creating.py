"""Making shipments so that each exists once: post, and what ShipStation already has under our key is ours.

There is no upsert and no idempotency key; ShipStation refuses a repeated `external_shipment_id` instead.
https://docs.shipstation.com/orders/external-identifiers
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from commerce.errors import HubError, OutcomeUnknown, Rejected, UnexpectedAnswer
from commerce.orders import Order
from integrations.shipstation import keys
from integrations.shipstation.client import Api, Raw
from integrations.shipstation.imported import AlreadyImported, Imported
from integrations.shipstation.mapping import shipment_number, to_create
from integrations.shipstation.refusals import KEY_CODES, VENDOR
from integrations.shipstation.schemas import CreatedShipment
from integrations.shipstation.wish import Part, digest, service_of

TAKEN = re.compile(r"exist|unique|duplicate|already|conflict|taken|in use", re.IGNORECASE)
NUMBER = re.compile(r"(shipment|order)[_ ]?number", re.IGNORECASE)
KEY = re.compile(r"external[_ ]?(shipment[_ ]?)?(id|key)", re.IGNORECASE)
MOST_REPLACEMENTS = 20


@dataclass(frozen=True)
class Draft:
    """A shipment to be made."""

    order: Order
    location: str
    key: str
    position: int
    body: Mapping[str, Any]
    to: str
    with_source: bool = False

    @property
    def entry(self) -> dict[str, Any]:
        """As `POST /v2/shipments` wants it."""
        return to_create(self.body, external_id=self.key, number=self.number)

    @property
    def number(self) -> str:
        """What people are to call it."""
        return shipment_number(self.order, self.position, with_source=self.with_source)

    def made(self, shipment_id: str, number: str) -> Part:
        """The part that this draft has become."""
        return Part(
            location=self.location,
            external_id=self.key,
            shipment_id=shipment_id,
            number=number,
            fingerprint=digest(self.body),
            to=self.to,
            service=service_of(self.body),
        )

    def found(self, raw: Raw) -> Part:
        """The part that an earlier try of ours has made; its payload counts as ours only if it says the same."""
        same = says(raw, self.body)
        return Part(
            location=self.location,
            external_id=self.key,
            shipment_id=str(raw.get("shipment_id")),
            number=str(raw.get("shipment_number") or ""),
            fingerprint=digest(self.body) if same else "",
            to=self.to if same else "",
            service=service_of(self.body) if same else "",
        )


@dataclass(frozen=True)
class Made:
    """A draft's shipment. `adopted`: it was there already, so its state is unknown."""

    part: Part
    adopted: bool = False


class Creator:
    """Makes shipments in batches, and one by one where a batch cannot say which of them is wrong."""

    def __init__(self, api: Api, imported: Imported | None = None) -> None:
        self._api = api
        self._imported = imported

    def create(self, drafts: Sequence[Draft]) -> Iterator[tuple[Draft, Made | HubError]]:
        """Make them with one call; an outcome for each.

        Raises OutcomeUnknown when the call got no answer (then nothing was yielded), TemporarilyUnavailable and
        NotAuthorised as the call does.
        """
        try:
            answer = self._api.create_shipments([draft.entry for draft in drafts])
        except UnexpectedAnswer as error:
            raise OutcomeUnknown(VENDOR, f"an answer that we cannot read: {error}") from error
        except Rejected as error:
            yield from self._in_halves(drafts, error)
            return
        results = _by_key(drafts, answer.shipments)
        # What was made is told first: looking up the others takes calls that may fail.
        for draft in sorted(drafts, key=lambda draft: not _was_made(results.get(draft.key))):
            yield draft, self._result(draft, results.get(draft.key))

    def look(self, draft: Draft) -> Made | None:
        """What an earlier try has made of this draft, None when nothing. Passes by what has been cancelled."""
        for _ in range(MOST_REPLACEMENTS):
            raw = self._api.shipment_by_key(draft.key)
            if raw is None:
                return None
            if raw.get("shipment_status") != "cancelled":
                return Made(draft.found(raw), adopted=True)
            draft = replace(draft, key=keys.following(draft.key))
        return None

    def _in_halves(self, drafts: Sequence[Draft], refusal: Rejected) -> Iterator[tuple[Draft, Made | HubError]]:
        """The whole call was refused: find out whose fault it is, or whether it was too many at once."""
        if len(drafts) == 1:
            yield drafts[0], self._refused(drafts[0], str(refusal), refusal)
            return
        middle = len(drafts) // 2
        for half in (drafts[:middle], drafts[middle:]):
            try:
                yield from self.create(half)
            except OutcomeUnknown as error:
                yield from ((draft, error) for draft in half)

    def ensure(self, draft: Draft) -> Made | HubError:
        """Make one on its own; a call without an answer is an OutcomeUnknown in the result."""
        try:
            return next(result for _, result in self.create([draft]))
        except OutcomeUnknown as error:
            return error

    def _result(self, draft: Draft, created: CreatedShipment | None) -> Made | HubError:
        if created is None:
            return OutcomeUnknown(VENDOR, f"did not say what became of {draft.key}")
        if created.shipment_id:
            number = created.shipment_number or draft.number
            return Made(draft.made(created.shipment_id, number))
        words = created.words or "no reason given"
        return self._refused(draft, words, Rejected(VENDOR, words))

    def _refused(self, draft: Draft, words: str, refusal: Rejected) -> Made | HubError:
        """The key exists: ours. The number exists: another storefront's, so ours gets a prefix. Else a person looks.

        How a repeated key is refused is not documented, so what ShipStation has under it is asked for in any case.
        """
        try:
            raw = self._api.shipment_by_key(draft.key)
        except (Rejected, UnexpectedAnswer) as error:
            return OutcomeUnknown(VENDOR, f"{words}; and looking up {draft.key}: {error}")
        if raw is not None and raw.get("shipment_status") != "cancelled":
            return Made(draft.found(raw), adopted=True)
        if raw is not None:
            return self.ensure(replace(draft, key=keys.following(draft.key)))
        taken = TAKEN.search(words) is not None
        if refusal.code in KEY_CODES or (taken and KEY.search(words)):
            return OutcomeUnknown(VENDOR, f"says that {draft.key} exists, and does not show it yet: {words}")
        if taken and NUMBER.search(words) and not draft.with_source:
            try:
                if self._imported:
                    self._imported.refuse(draft.order, sure=True)
            except AlreadyImported as imported:
                return imported
            return self.ensure(replace(draft, with_source=True))
        return refusal


def says(raw: Any, body: Any) -> bool:
    """Whether everything that `body` says is in `raw`, which may say more. Nothing and empty text are the same."""
    if isinstance(body, Mapping):
        return isinstance(raw, Mapping) and all(says(raw.get(name), value) for name, value in body.items())
    if isinstance(body, list):
        return isinstance(raw, list) and len(raw) == len(body) and all(map(says, raw, body))
    return raw == body or (raw in (None, "") and body in (None, ""))


def _was_made(created: CreatedShipment | None) -> bool:
    return created is not None and bool(created.shipment_id)


def _by_key(drafts: Sequence[Draft], results: Sequence[CreatedShipment]) -> dict[str, CreatedShipment]:
    """The answer's entries by our key, and by position where an entry does not repeat it."""
    known = {draft.key for draft in drafts}
    found = {result.external_shipment_id: result for result in results if result.external_shipment_id in known}
    if len(results) == len(drafts):
        for draft, result in zip(drafts, results, strict=True):
            if not result.external_shipment_id:
                found.setdefault(draft.key, result)
    return found
