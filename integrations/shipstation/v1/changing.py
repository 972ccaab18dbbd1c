"""Bringing an order that V1 already has to what we wish now."""

from __future__ import annotations

from typing import Any

from commerce.errors import Rejected
from integrations.shipstation import changing
from integrations.shipstation.changing import Work
from integrations.shipstation.client import VENDOR, Raw
from integrations.shipstation.planning import Standing, Update
from integrations.shipstation.v1.client import Api
from integrations.shipstation.v1.creating import Creator
from integrations.shipstation.v1.mapping import HOLD_UNTIL, on_hold_by_us, says, to_cancelled, to_update
from integrations.shipstation.v1.reading import alive, read_order, standings
from integrations.shipstation.v1.schemas import V1Order
from integrations.shipstation.wish import ON_HOLD, carries_money, digest, service_of


class Changer(changing.Changer):
    """Reads what V1 holds of an order, then takes the steps that are missing."""

    def __init__(self, api: Api, creator: Creator) -> None:
        super().__init__(api, creator)  # type: ignore[arg-type]  # V1's api and creator, asked for the same things
        self._v1 = api

    def seen(self, work: Work) -> list[Standing]:
        """What V1 holds of the order now."""
        return standings(self._v1, work.wish.order, alive(self._v1, work.wish.order, work.parts))

    def _update(self, step: Update, work: Work) -> None:
        """Content first and the hold after it, so that nothing old is shipped in between."""
        wish, part, raw = work.wish, step.standing.part, step.standing.raw
        with_money = carries_money(wish, work.parts, part.external_id, step.location)
        body = wish.body(step.location, step.units, with_money=with_money, held=step.held)
        if not says(raw, body):
            put = self._put(step.standing, to_update(raw, body), work)
            if put is None:
                return
            raw = put
            work.changed = True
        if not self._hold_or_free(raw, work, held=step.held):
            return
        now = {"location": step.location, "fingerprint": digest(body), "to": wish.to, "service": service_of(body)}
        work.put(part.model_copy(update=now))

    def _hold_or_free(self, raw: Raw, work: Work, *, held: bool) -> bool:
        """Hold it, or lift our own hold. False when it turns out not to be as it was seen: plan again.

        What is not on hold cannot be restored, so a call that is repeated because its answer was lost is refused
        although the first has done it. Raises Rejected when nothing but V1's words explains the refusal.
        """
        order = read_order(raw)
        if on_hold_by_us(order) == held:
            return True
        try:
            if held:
                self._v1.hold_until(order.order_id, HOLD_UNTIL)
            else:
                self._v1.restore_from_hold(order.order_id)
        except Rejected as refusal:
            if self._stands_as(order):
                step = "put it on hold" if held else "restore it from hold"
                refusal.hint = f"look at order {order.order_id} in ShipStation and {step} by hand, then release"
                raise
            work.changed = work.surprised = True  # the change may be that of our own first try
            return False
        work.changed = True
        return True

    def _stands_as(self, order: V1Order) -> bool:
        """Whether V1 still shows this state and this hold."""
        raw = self._v1.order(order.order_id)
        if raw is None:
            return False
        now = read_order(raw)
        return (now.order_status, now.hold_until) == (order.order_status, order.hold_until)

    def _hold(self, standing: Standing, work: Work) -> None:
        self._hold_or_free(standing.raw, work, held=True)
        # Pieces share a part: it counts as held when every one of them is.
        work.put(standing.part.model_copy(update={"fingerprint": "" if work.surprised else ON_HOLD}))

    def _call_off(self, standing: Standing, work: Work) -> None:
        now = self._put(standing, to_cancelled(standing.raw), work)
        if now is None:
            return
        if now.get("orderStatus") != "cancelled":
            raise Rejected(VENDOR, f"left order {standing.shipment.shipment_id} as {now.get('orderStatus')}")
        work.changed = True
        work.called_off.append(standing.shipment.shipment_id)
        if standing.shipment.shipment_id == standing.part.shipment_id:
            work.drop(standing.part)

    def _put(self, standing: Standing, whole: dict[str, Any], work: Work) -> Raw | None:
        """Replace it. None when it turns out to have been shipped, cancelled or deleted meanwhile: plan again.

        Raises Rejected for what V1 does not take, and when it made another order instead.
        """
        order_id = standing.shipment.shipment_id
        try:
            now = self._v1.put_order(whole)
        except Rejected:
            there = self._v1.order(order_id)
            if there is not None and there.get("orderStatus") == standing.raw.get("orderStatus"):
                raise
            if there is None or not there.get("orderStatus") == whole["orderStatus"] == "cancelled":
                work.surprised = True
                return None
            now = there  # called off already, by a first try whose answer was lost or by staff
        if str(now.get("orderId")) != order_id:
            raise Rejected(
                VENDOR,
                f"answered order {now.get('orderId')} when order {order_id} was to be changed",
                hint="look at both orders in ShipStation and cancel the one that is not wanted, then release",
            )
        if now.get("orderStatus") in ("shipped", "cancelled") and whole["orderStatus"] != now.get("orderStatus"):
            work.surprised = True
            return None
        return now
