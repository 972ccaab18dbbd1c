"""Orders to ShipStation: one shipment per location, made once, kept up to date until it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from pydantic import ValidationError

from commerce.allocation import Verdict, shipments_wanted
from commerce.errors import (
    HubError,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    TemporarilyUnavailable,
    UnexpectedAnswer,
    Unmappable,
)
from commerce.orders import Order
from commerce.outcomes import Done, Held, Outcome, Retry, Skipped, Unknown
from commerce.ports import Item
from commerce.promises import promise_of
from integrations.shipstation import keys
from integrations.shipstation.changing import Changer
from integrations.shipstation.client import Api
from integrations.shipstation.creating import Creator, Draft, Made
from integrations.shipstation.departed import Departed
from integrations.shipstation.imported import AlreadyImported, Imported
from integrations.shipstation.planning import changed_too_late
from integrations.shipstation.settings import ShipStationSettings
from integrations.shipstation.tried import forgotten, may_be_unseen, states_tried
from integrations.shipstation.versions import item_in
from integrations.shipstation.wish import Part, Wish, binding_of, parts_of, possible_keys, spent_keys

POST_SIZE = 20
"""Shipments in one call; the schema names no maximum."""

ROUTING_WAIT = 60.0
LONGEST_ROUTING_WAIT = 3600.0

SHOWN_AFTER = 120.0
LOOKS = 3
"""ShipStation may show late what it has made; an order that must not leave (now) is looked for more than once."""

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Job:
    """One item and what it asks for."""

    item: Item
    wish: Wish

    @cached_property
    def drafts(self) -> list[Draft]:
        """The shipments that the order wants. Raises Unmappable for what cannot be said."""
        return [
            Draft(
                order=self.order,
                location=wanted.location_id,
                key=keys.external_id(self.order, wanted.location_id, first=position == 1),
                position=position,
                body=self.wish.body(wanted.location_id, wanted.units, with_money=position == 1),
                to=self.wish.to,
            )
            for position, wanted in enumerate(self.wish.allocation.shipments, start=1)
        ]

    @property
    def order(self) -> Order:
        """The order that it is about."""
        return self.wish.order

    @cached_property
    def tried(self) -> list[Order]:
        """The order in each state that a try without an answer may have brought."""
        return states_tried(self.item, self.order)

    @property
    def urgency(self) -> tuple[bool, datetime, datetime]:
        """What happens now goes before history, and what was promised first goes first."""
        return self.item.newest.historical, promise_of(self.order) or NEVER, self.order.created_at


class Deliveries:
    """Brings orders to ShipStation; what another version of its API does otherwise is a method to replace."""

    post_size = POST_SIZE

    def __init__(self, api: Api, settings: ShipStationSettings, imported: Imported | None = None) -> None:
        self._api = api
        self._settings = settings
        self._imported = imported
        self._creator = Creator(api, imported)
        self._changer = Changer(api, self._creator)

    def wish(self, order: Order) -> Wish:
        """What the order asks of ShipStation."""
        return Wish(order, shipments_wanted(order, self._settings.payment), self._settings)

    def departed(self, asked: Sequence[tuple[Item, Wish]]) -> Departed:
        """What a list says of orders that have left."""
        return Departed(self._api, asked)

    def look(self, order: Order, *earlier: Order) -> list[Part]:
        """What ShipStation has under the order's keys, now or in an earlier state, apart from what is cancelled."""
        return [part for part in map(self._look, possible_keys(order, *earlier)) if part]

    def deliver(self, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        """See `Destination.deliver`. New orders are made in calls of 20, changed ones one by one."""
        fresh: list[Job] = []
        asked = [(item, self._job(item_in(self._settings.api, item))) for item in items]
        departed = self.departed([(job.item, job.wish) for _, job in asked if isinstance(job, Job)])
        for item, job in asked:
            outcome = self._settled(job, fresh, departed) if isinstance(job, Job) else job
            if outcome is not None:
                yield item, outcome
        for jobs in _calls(sorted(fresh, key=lambda job: job.urgency), self.post_size):
            yield from self._made(jobs)

    def _job(self, item: Item) -> Job | Outcome:
        """What the item asks for, or why it cannot be read."""
        try:
            order = Order.model_validate(item.newest.data)
            return Job(item, self.wish(order))
        except ValidationError as error:
            fields = ", ".join(sorted({".".join(map(str, each["loc"])) for each in error.errors()}))
            return Held(cause="unreadable_order", reason=f"{item.subject} cannot be read: {fields}")
        except Unmappable as error:
            return _outcome_of(error, item)

    def _settled(self, job: Job, fresh: list[Job], departed: Departed) -> Outcome | None:
        """The outcome of everything but a new order, which is put on `fresh`."""
        try:
            return self._known(job, departed) or (None if job.item.binding else self._new(job, fresh))
        except (Unmappable, Rejected, UnexpectedAnswer, OutcomeUnknown) as error:
            return _outcome_of(error, job.item)

    def _known(self, job: Job, departed: Departed) -> Outcome | None:
        """The outcome for an order that ShipStation has, None for one that it does not have."""
        if job.item.binding is None:
            return self._found(job) if self._may_be_there(job) else None
        verdict, reason = job.wish.allocation.verdict, job.wish.allocation.reason
        if verdict is Verdict.ASK_AGAIN:
            return _ask_again(job)
        if job.item.in_doubt:
            return self._doubted(job, parts_of(job.item.binding))
        if verdict is Verdict.WAIT:
            return Done(binding=job.item.binding, changed=False, note=reason)
        too_late = changed_too_late(job.wish, parts_of(job.item.binding))
        if too_late is not None:
            return too_late
        if job.wish.fingerprint == job.item.binding.fingerprint:
            return Done(binding=job.item.binding, changed=False)
        if departed.just_left(job.item, job.wish):
            known = binding_of(job.wish, parts_of(job.item.binding), spent_keys(job.item.binding))
            return Done(binding=known, changed=False, note=reason)
        return self._changer.change(job.wish, job.item)

    def _may_be_there(self, job: Job) -> bool:
        """Whether an earlier try may have left something behind, although nothing is remembered.

        An order that is to be stopped is looked up in any case: a try that ended halfway must not be shipped.
        """
        if job.wish.allocation.verdict is Verdict.ASK_AGAIN:
            return False
        stopped = job.order.cancelled or job.wish.allocation.reason.startswith(("payment", "refunded"))
        return job.item.in_doubt or (job.wish.allocation.verdict is Verdict.STOP and stopped and not job.order.test)

    def _found(self, job: Job) -> Outcome | None:
        """Take what ShipStation has under our keys as ours and change it; None when it has nothing."""
        parts = _located(self.look(job.order, *job.tried), job.wish)
        if not parts:
            return _look_again(job) if job.item.in_doubt else None
        return self._adopted(job, parts)

    def _doubted(self, job: Job, known: Sequence[Part]) -> Outcome:
        """Change what is remembered, together with what an earlier try may have made besides."""
        too_late = changed_too_late(job.wish, known)
        if too_late is not None:
            return too_late
        more = forgotten(self.look(job.order, *job.tried), known)
        return self._adopted(job, [*known, *_located(more, job.wish, known)])

    def _adopted(self, job: Job, parts: Sequence[Part]) -> Outcome:
        """Change these; as long as another one may not be shown yet that nobody wants any more, look again."""
        if job.wish.allocation.verdict is Verdict.WAIT:
            known = binding_of(job.wish, parts, spent_keys(job.item.binding))
            outcome: Outcome = Done(binding=known, changed=False, note=job.wish.allocation.reason)
        else:
            outcome = self._changer.change(job.wish, job.item, parts)
        unseen = job.item.in_doubt and may_be_unseen(job.tried, self._settings.payment, job.wish, parts)
        if isinstance(outcome, Done) and unseen and job.item.attempt <= LOOKS:
            return _not_shown_yet(job)
        return outcome

    def _look(self, key: str) -> Part | None:
        for _ in range(POST_SIZE):
            raw = self._api.shipment_by_key(key)
            if raw is None:
                return None
            number = str(raw.get("shipment_number") or "")
            if raw.get("shipment_status") != "cancelled":
                return Part(location="", external_id=key, shipment_id=str(raw["shipment_id"]), number=number)
            key = keys.following(key)
        return None

    def _new(self, job: Job, fresh: list[Job]) -> Outcome | None:
        allocation = job.wish.allocation
        if allocation.verdict is Verdict.ASK_AGAIN:
            return _ask_again(job)
        if allocation.verdict is not Verdict.SHIP:
            return Skipped(reason=allocation.reason)
        if job.drafts:  # made here, so that what cannot be said is held before anything is sent
            if self._imported:
                self._imported.refuse(job.order)
            fresh.append(job)
        return None

    def _made(self, jobs: Sequence[Job]) -> Iterator[tuple[Item, Outcome]]:
        """Post the shipments of several orders in one call. What is made of an order in part counts as in doubt."""
        owner = {draft.key: job for job in jobs for draft in job.drafts}
        results: dict[str, list[Made | HubError]] = {job.order.key: [] for job in jobs}
        try:
            for draft, result in self._creator.create([draft for job in jobs for draft in job.drafts]):
                job = owner[draft.key]
                results[job.order.key].append(result)
                if len(results[job.order.key]) == len(job.drafts):
                    yield job.item, self._outcome(job, results.pop(job.order.key))
        except OutcomeUnknown as error:
            for job in jobs:
                if job.order.key in results:
                    yield job.item, Unknown(reason=str(error))
        except (TemporarilyUnavailable, NotAuthorised) as error:
            for job in jobs:
                if results.get(job.order.key):
                    yield job.item, Unknown(reason=f"order {job.order.number}: made in part, then {error}")
            raise

    def _outcome(self, job: Job, results: Sequence[Made | HubError]) -> Outcome:
        errors = [result for result in results if isinstance(result, HubError)]
        if errors:
            return _outcome_of(errors[0], job.item, job.order)
        made = [result for result in results if isinstance(result, Made)]
        parts = [each.part for each in made]
        if any(each.adopted for each in made):
            try:
                return self._changer.change(job.wish, job.item, parts)
            except (Unmappable, Rejected, UnexpectedAnswer, OutcomeUnknown) as error:
                return _outcome_of(error, job.item, job.order)
        return Done(binding=binding_of(job.wish, parts, ()), note=job.wish.allocation.reason)


def _located(parts: Sequence[Part], wish: Wish, known: Sequence[Part] = ()) -> list[Part]:
    """Parts that were found, each with its location: the key says it, or it is the first that is left."""
    named = [part.model_copy(update={"location": keys.order_and_location(part.external_id)[1]}) for part in parts]
    taken = {part.location for part in (*known, *named)}
    wanted = (*wish.allocation.shipments, *wish.allocation.waiting)
    free = (each.location_id for each in wanted if each.location_id not in taken)
    return [part if part.location else part.model_copy(update={"location": next(free, "")}) for part in named]


def _calls(jobs: Sequence[Job], size: int) -> Iterator[list[Job]]:
    """Orders that go together in one call; an order's shipments are never divided."""
    call: list[Job] = []
    for job in jobs:
        if call and sum(len(each.drafts) for each in call) + len(job.drafts) > size:
            yield call
            call = []
        call.append(job)
    if call:
        yield call


def _look_again(job: Job) -> Retry | None:
    """An order to be stopped whose earlier try is not shown: making it anew would find it, stopping it has to wait."""
    stopped = job.wish.allocation.verdict in (Verdict.STOP, Verdict.HOLD, Verdict.WAIT)
    was_ours = not job.order.test and any(line.requires_shipping for line in job.order.lines)
    return _not_shown_yet(job) if stopped and was_ours and job.item.attempt <= LOOKS else None


def _not_shown_yet(job: Job) -> Retry:
    what = f"is not to leave ({job.wish.allocation.reason or 'not as it was'})"
    words = f"order {job.order.number} {what}, and ShipStation may not show yet what an earlier try has made"
    return Retry(reason=words, after=SHOWN_AFTER)


def _ask_again(job: Job) -> Retry:
    wait = min(ROUTING_WAIT * 2 ** min(job.item.attempt - 1, 10), LONGEST_ROUTING_WAIT)
    return Retry(reason=f"order {job.order.number} is {job.wish.allocation.reason}", after=wait)


CAUSES = {
    "ship_to": "missing_address",
    "phone": "missing_phone",
    "warehouses": "unmapped_location",
    "external_shipment_id": "key_too_long",
}


def _outcome_of(error: HubError, item: Item, order: Order | None = None) -> Outcome:
    name = f"order {order.number}" if order else item.subject
    if isinstance(error, OutcomeUnknown):
        return Unknown(reason=str(error))
    if isinstance(error, Unmappable):
        return Held(cause=CAUSES.get(error.field, f"unmappable_{error.field}"), reason=str(error), hint=error.hint)
    if isinstance(error, Rejected):
        return Held(
            cause="imported_by_shipstation" if isinstance(error, AlreadyImported) else "refused",
            reason=f"ShipStation refuses {name}: {error}",
            hint=error.hint or "correct the order in the storefront, then release",
        )
    return Held(cause="unreadable_answer", reason=f"{name}: {error}", hint=error.hint)
