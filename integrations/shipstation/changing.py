"""Bringing an order that ShipStation already has to what we wish now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from commerce.errors import HubError, Rejected
from commerce.outcomes import Done, Outcome
from commerce.ports import Item
from integrations.shipstation import keys
from integrations.shipstation.client import Api, Raw, Unsupported
from integrations.shipstation.creating import Creator, Draft, says
from integrations.shipstation.mapping import HOLD_UNTIL, to_update
from integrations.shipstation.planning import CallOff, Create, Hold, Plan, Standing, Step, Update, plan
from integrations.shipstation.reading import alive, standings
from integrations.shipstation.wish import (
    ON_HOLD,
    Part,
    Wish,
    binding_of,
    carries_money,
    digest,
    parts_of,
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
        for _ in range(MOST_ROUNDS):
            problem = self._round(work)
            if problem is not None:
                return problem
            if not work.surprised:
                break
        vendor_id = item.binding.vendor_id if item.binding else next((part.shipment_id for part in known), "")
        note = f"called off: {wish.allocation.reason}" if work.called_off else wish.allocation.reason
        binding = binding_of(wish, work.parts, work.spent, vendor_id)
        return Done(binding=binding, changed=work.changed, note=note)

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
        made = (self._creator.look(draft) if work.in_doubt else None) or self._creator.ensure(draft)
        if isinstance(made, HubError):
            raise made
        work.put(made.part)
        work.changed = True
        work.surprised |= made.adopted and made.part.fingerprint != digest(body)

    def _update(self, step: Update, work: Work) -> None:
        wish, part = work.wish, step.standing.part
        with_money = carries_money(wish, work.parts, part.external_id, step.location)
        body = wish.body(step.location, step.units, with_money=with_money, held=step.held)
        if not says(step.standing.raw, body):
            try:
                self._api.update_shipment(part.shipment_id, to_update(step.standing.raw, body))
            except Unsupported:
                self._cancel(step.standing, work)
                # Where shipments cannot be edited, another takes its place under a new key, after a release if held.
                if not step.held:
                    self._create(Create(step.location, step.units), work, instead_of=part.external_id)
                return
            work.changed = True
        work.put(part.model_copy(update={"location": step.location, "fingerprint": digest(body), "to": wish.to}))

    def _hold(self, standing: Standing, work: Work) -> None:
        whole: Raw = {**standing.raw, "hold_until_date": HOLD_UNTIL}
        try:
            self._api.update_shipment(standing.shipment.shipment_id, whole)
        except Unsupported:
            self._cancel(standing, work)
            return
        work.changed = True
        work.put(standing.part.model_copy(update={"fingerprint": ON_HOLD}))

    def _call_off(self, standing: Standing, work: Work) -> None:
        self._cancel(standing, work)
        work.called_off.append(standing.shipment.shipment_id)

    def _cancel(self, standing: Standing, work: Work) -> None:
        shipment_id = standing.shipment.shipment_id
        try:
            self._api.cancel_shipment(shipment_id)
        except Rejected:
            now = self._api.shipment(shipment_id)
            if now and now.get("shipment_status") != "cancelled":
                raise
        work.changed = True
        if shipment_id == standing.part.shipment_id:
            work.drop(standing.part)
