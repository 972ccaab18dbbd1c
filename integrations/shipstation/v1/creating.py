"""Making orders so that each exists once: V1 looks for `orderKey` and updates what has it.

An upsert cannot change what is shipped or cancelled, so a refusal is looked into: what is there under our key is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from commerce.errors import HubError, OutcomeUnknown, Rejected, UnexpectedAnswer
from commerce.orders import Order
from integrations.shipstation import keys
from integrations.shipstation.client import VENDOR, Raw
from integrations.shipstation.creating import MOST_REPLACEMENTS, Draft, Made
from integrations.shipstation.mapping import shipment_number
from integrations.shipstation.v1.client import Api
from integrations.shipstation.v1.faults import CLOSED, PASSING
from integrations.shipstation.v1.mapping import says, to_create
from integrations.shipstation.v1.reading import family, first_with_key, read_order
from integrations.shipstation.v1.schemas import Upserted, V1Order
from integrations.shipstation.wish import Part, digest, service_of


class Creator:
    """Makes orders in batches; where a batch is refused as a whole, halves of it tell which order is to blame."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def create(self, drafts: Sequence[Draft]) -> Iterator[tuple[Draft, Made | HubError]]:
        """Make them with one call; an outcome for each.

        Raises OutcomeUnknown when the call got no answer (then nothing was yielded), TemporarilyUnavailable and
        NotAuthorised as the call does.
        """
        try:
            answer = self._api.create_orders([entry_of(draft) for draft in drafts])
        except UnexpectedAnswer as error:
            raise OutcomeUnknown(VENDOR, f"an answer that we cannot read: {error}") from error
        except Rejected as error:
            yield from self._halves(drafts, error)
            return
        results = by_key(drafts, answer.results)
        # What was made is told first: looking up the others takes calls that may fail.
        for draft in sorted(drafts, key=lambda draft: not was_made(results.get(draft.key))):
            yield draft, self._result(draft, results.get(draft.key))

    def ensure(self, draft: Draft) -> Made | HubError:
        """Make one on its own; a call without an answer is an OutcomeUnknown in the result."""
        try:
            return next(result for _, result in self.create([draft]))
        except OutcomeUnknown as error:
            return error

    def look(self, draft: Draft) -> Made | None:
        """What an earlier try has made of this draft, None when nothing is seen. Passes by what has been cancelled."""
        there = family(self._api, draft.order)
        for _ in range(MOST_REPLACEMENTS):
            raw = first_with_key(there, draft.key)
            if raw is None:
                return None
            order = read_order(raw)
            if order.order_status != "cancelled":
                return Made(found(draft, order, raw), adopted=True)
            draft = replace(draft, key=keys.following(draft.key))
        return None

    def _halves(self, drafts: Sequence[Draft], refusal: Rejected) -> Iterator[tuple[Draft, Made | HubError]]:
        """The whole call was refused, which one unreadable entry is enough for: find out whose fault it is."""
        if len(drafts) == 1:
            yield drafts[0], self._refused(drafts[0], str(refusal))
            return
        middle = len(drafts) // 2
        for half in (drafts[:middle], drafts[middle:]):
            try:
                yield from self.create(half)
            except OutcomeUnknown as error:
                yield from ((draft, error) for draft in half)

    def _result(self, draft: Draft, result: Upserted | None) -> Made | HubError:
        if result is None or (result.success and not result.order_id):
            return OutcomeUnknown(VENDOR, f"did not say what became of {draft.key}")
        if result.success is not False and result.order_id:
            return Made(made(draft, result.order_id))
        return self._refused(draft, result.error_message or "no reason given")

    def _refused(self, draft: Draft, words: str) -> Made | HubError:
        """There already and closed: ours, or its place is spent. In passing: try again. Else a person looks."""
        if PASSING.search(words):
            return OutcomeUnknown(VENDOR, words)
        if not CLOSED.search(words):
            return Rejected(VENDOR, words)
        raw = first_with_key(family(self._api, draft.order), draft.key)
        if raw is None:
            return Rejected(VENDOR, words)
        order = read_order(raw)
        if order.order_status == "cancelled":
            return self.ensure(replace(draft, key=keys.following(draft.key)))
        return Made(found(draft, order, raw), adopted=True) if order.closed else Rejected(VENDOR, words)


def entry_of(draft: Draft) -> dict[str, object]:
    """As `POST /orders/createorders` wants it."""
    return to_create(draft.body, key=draft.key, number=shipment_number(draft.order, draft.position))


def made(draft: Draft, order_id: str) -> Part:
    """The part that this draft has become."""
    return Part(
        location=draft.location,
        external_id=draft.key,
        shipment_id=order_id,
        number=shipment_number(draft.order, draft.position),
        fingerprint=digest(draft.body),
        to=draft.to,
        service=service_of(draft.body),
    )


def found(draft: Draft, order: V1Order, raw: Raw) -> Part:
    """The part that an earlier try of ours has made; its payload counts as ours only if it says the same."""
    same = says(raw, draft.body)
    part = Part(location=draft.location, external_id=draft.key, shipment_id=order.order_id, number=order.order_number)
    ours = {"fingerprint": digest(draft.body), "to": draft.to, "service": service_of(draft.body)}
    return part.model_copy(update=ours) if same else part


def was_made(result: Upserted | None) -> bool:
    """Whether the vendor says so."""
    return result is not None and result.success is not False and bool(result.order_id)


def by_key(drafts: Sequence[Draft], results: Sequence[Upserted]) -> dict[str, Upserted]:
    """The answer's entries by our key, and by position where an entry does not repeat it."""
    known = {draft.key for draft in drafts}
    named = {result.order_key: result for result in results if result.order_key in known}
    if len(results) == len(drafts):
        for draft, result in zip(drafts, results, strict=True):
            if not result.order_key:
                named.setdefault(draft.key, result)
    return named


def parts_there(api: Api, order: Order) -> list[Part]:
    """What V1 has under the order's keys, apart from what is cancelled; one for each key."""
    there = [read_order(raw) for raw in family(api, order)]
    open_ones = [each for each in there if each.order_status != "cancelled"]
    first: dict[str, V1Order] = {}
    for each in sorted(open_ones, key=lambda one: (bool(one.options.parent_id), int(one.order_id))):
        if keys.order_and_location(each.order_key)[0] == order.key:
            first.setdefault(each.order_key, each)
    return [
        Part(location="", external_id=key, shipment_id=each.order_id, number=each.order_number)
        for key, each in first.items()
    ]
