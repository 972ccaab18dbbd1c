"""What each kind of destination must hold of an order, judged by the order alone as its storefront has it now.

Says nothing about how it gets there: these rules and the delivering code can disagree, and then one of them is wrong.
"""

from __future__ import annotations

from collections import Counter

from commerce.allocation import FAILED, Verdict, WantedShipment, shipments_wanted
from commerce.audits import Duties, Expected
from commerce.errors import Unmappable
from commerce.orders import Financial, Order
from commerce.posting import refunds, sale

LOST = (Financial.REFUNDED, Financial.VOIDED, Financial.EXPIRED)


def expected_of(order: Order, duties: Duties) -> list[Expected]:
    """What the destination must or may hold of the order. Empty when it must hold nothing."""
    if duties.keeps == "shipments":
        return [_shipment(order, duties)]
    if duties.keeps == "documents":
        return _documents(order, duties)
    if duties.keeps == "deals":
        return [] if order.test else [_deal(order)]
    return [] if order.test else [_placed(order)]


def _shipment(order: Order, duties: Duties) -> Expected:
    """One expectation for all of an order's shipments: the units that must be on their way, wherever from."""
    base = Expected(subject=order.key, label=order.number, slot="shipment", told=_told(order), needed=False)
    try:
        wanted = shipments_wanted(order, duties.payment)
    except Unmappable as error:
        return base.model_copy(update={"reason": str(error)})
    if wanted.verdict in (Verdict.WAIT, Verdict.ASK_AGAIN):
        return base.model_copy(update={"reason": wanted.reason})
    if wanted.verdict is Verdict.STOP:
        return base.model_copy(update={"units": {}, "most": {}, "over": wanted.reason, "reason": wanted.reason})
    now = _units(wanted.shipments)
    later = _units(wanted.waiting)
    return base.model_copy(
        update={"units": dict(now), "most": dict(now + later), "needed": bool(now), "reason": wanted.reason}
    )


def _told(order: Order) -> tuple[str, ...]:
    numbers = (n for each in order.fulfilments if each.status not in FAILED for n in each.tracking_numbers)
    return tuple(sorted(set(filter(None, numbers))))


def _units(shipments: tuple[WantedShipment, ...]) -> Counter[str]:
    return sum((each.units for each in shipments), Counter[str]())


def _documents(order: Order, duties: Duties) -> list[Expected]:
    """A receipt of what was sold and a refund receipt for each refund of money, to the cent."""
    if order.test:
        return []
    receipt = Expected(subject=order.key, label=order.number, slot="receipt", states=("posted",))
    if not order.financial.paid:
        unpaid = order.cancelled or order.financial is Financial.VOIDED
        if unpaid and not order.total:  # one that costs nothing counts as paid until it is cancelled
            return [receipt.model_copy(update={"needed": False, "amount": order.total})]
        if unpaid:
            return []
        if not duties.unpaid_too:
            return [receipt.model_copy(update={"needed": False, "reason": "not paid yet"})]
    try:
        sold = sale(order, rounding_limit=duties.rounding_limit)
        back = refunds(order, rounding_limit=duties.rounding_limit)
    except Unmappable as error:
        return [receipt.model_copy(update={"reason": str(error)})]
    return [
        receipt.model_copy(update={"amount": sold.total}),
        *(
            receipt.model_copy(update={"slot": f"refund {one.id}", "states": ("refunded",), "amount": one.total})
            for one in back
        ),
    ]


def _deal(order: Order) -> Expected:
    """A deal worth what is left of the order."""
    lost = order.cancelled or order.financial in LOST
    return Expected(
        subject=order.key,
        label=order.number,
        slot="deal",
        states=("cancelled",) if lost else ("paid",) if order.financial.paid else ("open",),
        amount=order.current_total,
    )


def _placed(order: Order) -> Expected:
    """That it was placed. What an edit added or refunds took off came later, so only an untouched total is compared."""
    email = order.email or (order.customer.email if order.customer else "")
    return Expected(
        subject=order.key,
        label=order.number,
        slot="placed",
        states=("told",),
        amount=None if order.edited else order.total,
        needed=bool(email),
        reason="" if email else "nobody left an e-mail address",
    )
