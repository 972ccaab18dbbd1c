"""What has to be done so that ShipStation holds what we wish. Pure: shipments seen in, steps or a problem out.

Three things may happen to an order between two of its revisions: the shop changes what it wants, the warehouse ships,
and the storefront hears of it. Remaining units drop in the last case just as they do after a refund, so units are
counted: what has left and is known to the storefront is over; what has left and is not is in flight, and covers what
the storefront still asks for; the rest must be waiting in ShipStation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from commerce.allocation import FAILED, Verdict, fulfilled_units
from commerce.orders import Order
from commerce.outcomes import Held, Retry
from integrations.shipstation.client import Raw
from integrations.shipstation.schemas import Shipment
from integrations.shipstation.wish import ON_HOLD, Part, Wish, carries_money, digest

LABEL_IN_THE_MAKING = 120.0
"""Seconds after which a label that is being bought is there or has failed."""

STILL_STOPPABLE = timedelta(days=3)
"""How long after its tracking number is known a parcel can still be stopped or sent elsewhere."""


@dataclass(frozen=True)
class Standing:
    """One shipment of the order that ShipStation holds and nobody has cancelled.

    `part` is ours, or that of the shipment which staff split this one from or combined with this one. `shipment` shows
    this order's items only; `combined`: there are another order's too.
    """

    part: Part
    shipment: Shipment
    raw: Raw
    shipped: bool
    tracking: frozenset[str] = frozenset()
    combined: bool = False
    postage: str = ""
    """What its labels have cost, for people."""

    @property
    def units(self) -> Counter[str]:
        """Units by the storefront's line id."""
        return self.shipment.units


@dataclass(frozen=True)
class Create:
    """Make a shipment for a location."""

    location: str
    units: Counter[str]


@dataclass(frozen=True)
class Update:
    """Make a waiting shipment what `location` is to ship, now or (`held`) once the storefront releases it."""

    standing: Standing
    location: str
    units: Counter[str]
    held: bool = False


@dataclass(frozen=True)
class Hold:
    """Keep a piece that staff split off from being shipped, whatever is in it."""

    standing: Standing


@dataclass(frozen=True)
class CallOff:
    """Cancel a waiting shipment."""

    standing: Standing


Step = Create | Update | Hold | CallOff


@dataclass(frozen=True)
class Plan:
    """Steps to take, and what a person must be told or what must be waited for once they are taken."""

    steps: tuple[Step, ...] = ()
    problem: Held | Retry | None = None


@dataclass(frozen=True)
class Needs:
    """Units that must be waiting in ShipStation, by location: to be shipped `now`, or `later` after a release."""

    now: dict[str, Counter[str]]
    later: dict[str, Counter[str]]


def plan(wish: Wish, seen: Sequence[Standing], parts: Sequence[Part], *, in_doubt: bool = False) -> Plan:
    """The steps from what ShipStation holds to what we wish.

    `parts` are those that we remember, with the cancelled ones. `in_doubt` means that we may have cancelled those
    ourselves in a try that we do not remember.
    """
    needs = _needs(wish, seen)
    steps = [step for place in _places(wish, seen, parts) for step in _steps_at(place, wish, seen, needs, parts)]
    steps = _moved(steps, needs)
    touched = (step.standing for step in steps if not isinstance(step, Create))
    if any(standing.shipment.shipment_status == "processing" for standing in touched):
        words = f"a label of order {wish.order.number} is being bought in ShipStation"
        return Plan(problem=Retry(reason=words, after=LABEL_IN_THE_MAKING))
    problem = _left_wrongly(wish, seen) or _combined_by_staff(wish, steps) or _split_by_staff(wish, seen, needs)
    if problem is None and not in_doubt:
        problem = _cancelled_by_staff(wish, seen, parts, steps)
    if problem and wish.ships:
        return Plan(problem=problem)
    if problem:
        return Plan(steps=tuple(step for step in steps if _stops(step)), problem=problem)
    return Plan(steps=tuple(steps))


def _stops(step: Step) -> bool:
    """Whether it keeps this order's goods, and no other's, from leaving, which is right whatever else is wrong."""
    if _stops_others_too(step):
        return False
    return isinstance(step, CallOff | Hold) or (isinstance(step, Update) and step.held)


def _stops_others_too(step: Step) -> bool:
    return isinstance(step, CallOff | Hold | Update) and step.standing.combined


def known_to_the_storefront(order: Order, seen: Iterable[Shipment]) -> bool:
    """Whether all these shipments have labels and the storefront says that all their units have left."""
    left: Counter[str] = Counter()
    for shipment in seen:
        if shipment.shipment_status != "label_purchased":
            return False
        left.update(shipment.units)
    return left <= fulfilled_units(order)


def _places(wish: Wish, seen: Sequence[Standing], parts: Sequence[Part]) -> list[str]:
    wished = (each.location_id for each in wish.allocation.shipments)
    return sorted({*wished, *(standing.part.location for standing in seen)})


def _in_flight(order: Order, seen: Iterable[Standing]) -> list[Standing]:
    """Shipments that have left without the storefront knowing their tracking numbers."""
    told = {
        number for each in order.fulfilments if each.status not in FAILED for number in each.tracking_numbers if number
    }
    return [standing for standing in seen if standing.shipped and not standing.tracking & told]


def _fulfilled_by_others(order: Order, seen: Iterable[Standing]) -> Counter[str]:
    """Units that the storefront says have left, by shipments that are not ours."""
    ours = frozenset[str]().union(*(standing.tracking for standing in seen if standing.shipped))
    others = (each for each in order.fulfilments if not ours & set(each.tracking_numbers))
    return sum((Counter(each.quantities) for each in others if each.status not in FAILED), Counter[str]())


def _sum(standings: Iterable[Standing]) -> Counter[str]:
    return sum((standing.units for standing in standings), Counter[str]())


def _needs(wish: Wish, seen: Sequence[Standing]) -> Needs:
    """Units that must be waiting in ShipStation: what is wanted less what is in flight.

    What left from another location than the storefront now asks for counts too: it is the same goods.
    """
    flying = _in_flight(wish.order, seen)
    now, surplus = {}, Counter[str]()
    for each in wish.allocation.shipments:
        here = _sum(standing for standing in flying if standing.part.location == each.location_id)
        now[each.location_id] = each.units - here
        surplus += here - each.units
    surplus += _sum(standing for standing in flying if standing.part.location not in now)
    later = {each.location_id: each.units for each in wish.allocation.waiting}
    for units in (now, later):
        for place, need in units.items():
            units[place] = need - surplus
            surplus -= need
    return Needs(now, later)


def _steps_at(place: str, wish: Wish, seen: Sequence[Standing], needs: Needs, parts: Sequence[Part]) -> list[Step]:
    units = needs.now.get(place, Counter())
    pending = _pending_at(place, seen)
    if not pending:
        return [Create(place, units)] if units else []
    held = not units
    if held:
        units = needs.later.get(place, Counter())
        if not units:
            return [CallOff(standing) for standing in pending]
    if _divided(pending, seen):
        return [Hold(standing) for standing in pending if standing.part.fingerprint != ON_HOLD] if held else []
    part = pending[0].part
    body = wish.body(place, units, with_money=carries_money(wish, parts, part.external_id, place), held=held)
    return [] if digest(body) == part.fingerprint else [Update(pending[0], place, units, held)]


def _pending_at(place: str, seen: Sequence[Standing]) -> list[Standing]:
    return [standing for standing in seen if standing.part.location == place and not standing.shipped]


def _divided(pending: Sequence[Standing], seen: Sequence[Standing]) -> bool:
    """Whether it cannot be said which shipment a change concerns."""
    return len(pending) > 1 or any(_is_split(standing, seen) or _is_elsewhere(standing) for standing in pending)


def _is_elsewhere(standing: Standing) -> bool:
    """Whether the goods are no longer in the shipment that we made."""
    return standing.shipment.shipment_id != standing.part.shipment_id


def _is_split(standing: Standing, seen: Sequence[Standing]) -> bool:
    """Whether staff made several shipments of one of ours."""
    return sum(each.part.external_id == standing.part.external_id for each in seen) > 1


def _moved(steps: list[Step], needs: Needs) -> list[Step]:
    """Where an order has moved to another location as a whole, change its shipment instead of replacing it.

    Only the one that has the order's own key: the others' keys name their location.
    """
    leaving = next((s for s in steps if isinstance(s, CallOff) and "/" not in s.standing.part.external_id), None)
    arriving = next((s for s in steps if isinstance(s, Create)), None)
    if leaving is None or arriving is None or leaving.standing.part.location in needs.now:
        return steps
    rest = [step for step in steps if step not in (leaving, arriving)]
    return [*rest, Update(leaving.standing, arriving.location, arriving.units)]


def _left_wrongly(wish: Wish, seen: Sequence[Standing]) -> Held | None:
    """Goods that are gone, or have a label, although the shop has since changed its mind."""
    shipped = [standing for standing in seen if standing.shipped]
    if not shipped:
        return None
    if wish.order.cancelled:
        return _too_late(wish, shipped, "was cancelled")
    flying = _in_flight(wish.order, seen)
    wanted = sum((each.units for each in wish.allocation.shipments), Counter[str]())
    if _sum(flying) - wanted - _fulfilled_by_others(wish.order, seen):
        return _too_late(wish, flying, "wants fewer units")
    places = {each.location_id for each in wish.allocation.shipments}
    sent = [standing for standing in flying if standing.part.to and standing.part.location in places]
    if any(wish.goes_elsewhere(standing.part) for standing in sent):
        return _too_late(wish, sent, "goes to another address")
    other = [each for each in flying if each.part.service and each.part.location in places]
    other = [each for each in other if each.part.service != wish.service(each.part.location)]
    return _too_late(wish, other, "goes by another delivery method") if other else None


def changed_too_late(wish: Wish, parts: Sequence[Part]) -> Held | None:
    """Another address on an order that the storefront counts as shipped, while the parcel may still be stopped."""
    order = wish.order
    left = [each.at for each in order.fulfilments if each.status not in FAILED]
    if wish.allocation.verdict is not Verdict.STOP or order.cancelled or not left:
        return None
    if order.updated_at - max(left) > STILL_STOPPABLE:
        return None
    elsewhere = [part for part in parts if wish.goes_elsewhere(part)]
    if not elsewhere:
        return None
    names = ", ".join(part.shipment_id for part in elsewhere)
    numbers = ", ".join(sorted({number for each in order.fulfilments for number in each.tracking_numbers}))
    return _at_risk(wish, "goes to another address", names, numbers)


def _too_late(wish: Wish, standings: Sequence[Standing], change: str) -> Held:
    names = ", ".join(standing.shipment.shipment_id for standing in standings)
    numbers = ", ".join(sorted({number for standing in standings for number in standing.tracking}))
    postage = " and ".join(standing.postage for standing in standings if standing.postage)
    return _at_risk(wish, change, names, numbers, postage)


def _at_risk(wish: Wish, change: str, names: str, numbers: str, postage: str = "") -> Held:
    tracked = f" (tracking {numbers})" if numbers else ""
    cost = f"postage of {postage}" if postage else "postage"
    return Held(
        cause="changed_after_shipping",
        reason=f"order {wish.order.number} {change} after shipment {names} was shipped or labelled{tracked}: "
        f"goods of an order over {wish.order.current_total} and {cost} are at risk",
        hint="stop the parcel or void its label in ShipStation, or settle it with the shopper; then release or dismiss",
    )


def _combined_by_staff(wish: Wish, steps: Sequence[Step]) -> Held | None:
    """A change to a shipment that holds another order's goods as well: it would change or stop those too."""
    touched = [step.standing for step in steps if not isinstance(step, Create) and _stops_others_too(step)]
    if not touched:
        return None
    names = ", ".join(standing.shipment.shipment_id for standing in touched)
    return Held(
        cause="combined_in_shipstation",
        reason=f"order {wish.order.number} has changed, and ShipStation has it in one shipment with another ({names})",
        hint="make the change in ShipStation by hand, then dismiss this",
    )


def _split_by_staff(wish: Wish, seen: Sequence[Standing], needs: Needs) -> Held | None:
    """A change to an order whose shipment staff have divided: we cannot know which half it concerns."""
    for place in sorted({*needs.now, *needs.later}):
        pending, need = _pending_at(place, seen), needs.now.get(place, Counter())
        same = _sum(pending) == need and not any(wish.goes_elsewhere(standing.part) for standing in pending)
        held_back = not need and _sum(pending) <= needs.later.get(place, Counter())
        if pending and _divided(pending, seen) and not same and not held_back:
            names = ", ".join(standing.shipment.shipment_id for standing in pending)
            return Held(
                cause="split_in_shipstation",
                reason=f"order {wish.order.number} has changed, and ShipStation has it in several shipments ({names})",
                hint="make the change in ShipStation by hand, then dismiss this",
            )
    return None


def _cancelled_by_staff(
    wish: Wish, seen: Sequence[Standing], parts: Sequence[Part], steps: Sequence[Step]
) -> Held | None:
    """A shipment that is gone from ShipStation although the shop still wants it and we did not cancel it."""
    alive = {standing.part.external_id for standing in seen}
    made = {step.location for step in steps if isinstance(step, Create)}
    gone = [part for part in parts if part.external_id not in alive and part.location in made]
    if not gone:
        return None
    names = ", ".join(part.shipment_id for part in gone)
    return Held(
        cause="cancelled_in_shipstation",
        reason=f"shipment {names} of order {wish.order.number} was cancelled or deleted in ShipStation, "
        "and the storefront still wants it shipped",
        hint="cancel the order in the storefront, or restore the shipment in ShipStation, then release",
    )
