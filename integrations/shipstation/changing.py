"""Bringing an order that ShipStation already has to what we wish now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from commerce.errors import HubError, NotAuthorised, OutcomeUnknown, Rejected, TemporarilyUnavailable
from commerce.outcomes import Done, Outcome, Retry
from commerce.ports import Item
from integrations.shipstation import keys
from integrations.shipstation.client import Api, Raw, Unsupported
from integrations.shipstation.creating import Creator, Draft, Made, says
from integrations.shipstation.mapping import HOLD_UNTIL, to_update
from integrations.shipstation.planning import (
    LABEL_IN_THE_MAKING,
    CallOff,
    Create,
    Hold,
    Plan,
    Standing,
    Step,
    Update,
    plan,
)
from integrations.shipstation.reading import alive, standings
from integrations.shipstation.refusals import VENDOR
from integrations.shipstation.wish import (
    ON_HOLD,
    Part,
    Wish,
    binding_of,
    carries_money,
    digest,
    parts_of,
    service_of,
    spent_keys,
)

MOST_ROUNDS = 3


@dataclass
class Work:
    """One order while it is being changed."""

    wish: Wish
    in_doubt: bool
    parts: list[Part]
    spent: list[str]
    changed: bool = False
    surprised: bool = False
    """Whether we came upon a shipment whose content we do not know, so that the plan has to be made again."""
    called_off: list[str] = field(default_factory=list)

    def put(self, part: Part) -> None:
        """Remember the part in place of what it was."""
        self.parts = [each for each in self.parts if each.external_id != part.external_id] + [part]

    def drop(self, part: Part) -> None:
        """Forget a part whose shipment is no more; its key is spent."""
        self.parts = [each for each in self.parts if each.external_id != part.external_id]
        self.spent.append(part.external_id)


class Changer:
    """Reads what ShipStation holds of an order, then takes the steps that are missing."""

    def __init__(self, api: Api, creator: Creator) -> None:
        self._api = api
        self._creator = creator

    def change(self, wish: Wish, item: Item, found: Sequence[Part] | None = None) -> Outcome:
        """Make ShipStation hold what we wish. `found` are shipments that nobody remembered.

        Raises Unmappable, Rejected and OutcomeUnknown; whatever was done by then is found again by the next try.
        """
        known = parts_of(item.binding) if found is None else found
        # A try whose answer was lost may have changed what we remember as accepted.
        parts = [part.model_copy(update={"fingerprint": ""}) for part in known] if item.in_doubt else list(known)
        work = Work(wish, item.in_doubt, parts, list(spent_keys(item.binding)))
        try:
            problem = self._rounds(work)
        except (TemporarilyUnavailable, NotAuthorised) as error:
            if work.changed:  # what is half done must be looked at, or our own cancelling looks like somebody else's
                raise OutcomeUnknown(VENDOR, f"changed in part, then {error}") from error
            raise
        if problem is not None:
            return problem
        vendor_id = item.binding.vendor_id if item.binding else next((part.shipment_id for part in known), "")
        note = f"called off: {wish.allocation.reason}" if work.called_off else wish.allocation.reason
        binding = binding_of(wish, work.parts, work.spent, vendor_id)
        return Done(binding=binding, changed=work.changed, note=note)

    def _rounds(self, work: Work) -> Outcome | None:
        for _ in range(MOST_ROUNDS):
            problem = self._round(work)
            if problem is not None or not work.surprised:
                return problem
        words = f"order {work.wish.order.number} changes in ShipStation while we change it"
        return Retry(reason=words, after=LABEL_IN_THE_MAKING)

    def seen(self, work: Work) -> list[Standing]:
        """What ShipStation holds of the order now."""
        return standings(self._api, work.wish.order, alive(self._api, work.wish.order, work.parts))

    def planned(self, work: Work, seen: Sequence[Standing]) -> Plan:
        """The steps to take from there."""
        return plan(work.wish, seen, work.parts, in_doubt=work.in_doubt)

    def _round(self, work: Work) -> Outcome | None:
        work.surprised = False
        seen = self.seen(work)
        planned = self.planned(work, seen)
        if planned.problem is None:
            standing = {each.part.external_id for each in seen}
            for gone in [part for part in work.parts if part.external_id not in standing]:
                work.drop(gone)
        for step in planned.steps:
            self._take(step, work)
        return planned.problem

    def _take(self, step: Step, work: Work) -> None:
        match step:
            case Create():
                self._create(step, work)
            case Update():
                self._update(step, work)
            case Hold():
                self._hold(step.standing, work)
            case CallOff():
                self._call_off(step.standing, work)

    def _create(self, step: Create, work: Work, instead_of: str = "") -> None:
        wish, taken = work.wish, {*work.spent, *(part.external_id for part in work.parts)}
        if instead_of:
            key = keys.replacement(wish.order, instead_of, taken)
        else:
            key = keys.external_id(wish.order, step.location, taken)
        with_money = carries_money(wish, work.parts, key, step.location)
        body = wish.body(step.location, step.units, with_money=with_money)
        draft = Draft(wish.order, step.location, key, position=len(taken) + 1, body=body, to=wish.to)
        made = (self._earlier(draft, work) if work.in_doubt else None) or self._creator.ensure(draft)
        if isinstance(made, HubError):
            raise made
        work.put(made.part)
        work.changed = True
        work.surprised |= made.adopted and made.part.fingerprint != digest(body)

    def _earlier(self, draft: Draft, work: Work) -> Made | None:
        """What a try that we do not remember has made: under this key, or in place of a shipment that is gone."""
        known = {part.shipment_id for part in work.parts}
        here = (key for key in work.spent if keys.order_and_location(key)[1] in ("", draft.location))
        for key in dict.fromkeys((draft.key, *here)):
            made = self._creator.look(replace(draft, key=key))
            if made and made.part.shipment_id not in known:
                return made
        return None

    def _update(self, step: Update, work: Work) -> None:
        wish, part = work.wish, step.standing.part
        with_money = carries_money(wish, work.parts, part.external_id, step.location)
        body = wish.body(step.location, step.units, with_money=with_money, held=step.held)
        if not says(step.standing.raw, body):
            try:
                self._api.update_shipment(part.shipment_id, to_update(step.standing.raw, body))
            except Unsupported:
                if not self._cancel(step.standing, work):
                    return
                # Where shipments cannot be edited, another takes its place under a new key, after a release if held.
                if not step.held:
                    self._create(Create(step.location, step.units), work, instead_of=part.external_id)
                return
            except Rejected as refusal:
                self._accept_surprise(step.standing, refusal, work)
                return
            work.changed = True
        now = {"location": step.location, "fingerprint": digest(body), "to": wish.to, "service": service_of(body)}
        work.put(part.model_copy(update=now))

    def _hold(self, standing: Standing, work: Work) -> None:
        whole: Raw = {**standing.raw, "hold_until_date": HOLD_UNTIL}
        try:
            self._api.update_shipment(standing.shipment.shipment_id, whole)
        except Unsupported:
            self._cancel(standing, work)
            return
        except Rejected as refusal:
            self._accept_surprise(standing, refusal, work)
            return
        work.changed = True
        work.put(standing.part.model_copy(update={"fingerprint": ON_HOLD}))

    def _call_off(self, standing: Standing, work: Work) -> None:
        if self._cancel(standing, work):
            work.called_off.append(standing.shipment.shipment_id)

    def _cancel(self, standing: Standing, work: Work) -> bool:
        """Cancel it; False when it has got a label meanwhile, so that the plan has to be made again."""
        shipment_id = standing.shipment.shipment_id
        try:
            self._api.cancel_shipment(shipment_id)
        except Rejected as refusal:
            now = self._api.shipment(shipment_id)
            if now and now.get("shipment_status") != "cancelled":
                self._accept_surprise(standing, refusal, work)
                return False
        work.changed = True
        if shipment_id == standing.part.shipment_id:
            work.drop(standing.part)
        return True

    def _accept_surprise(self, standing: Standing, refusal: Rejected, work: Work) -> None:
        """Make the plan again when the shipment is no longer what we saw; else raise the refusal on."""
        if self.is_as_seen(standing):
            raise refusal
        work.surprised = True

    def is_as_seen(self, standing: Standing) -> bool:
        """Whether nothing has happened to the shipment that would explain a refusal."""
        now = self._api.shipment(standing.shipment.shipment_id)
        return now is not None and now.get("shipment_status") == standing.raw.get("shipment_status")
