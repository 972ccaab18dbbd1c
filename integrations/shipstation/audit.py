"""What ShipStation holds of our orders, as its own lists show it: shipments, split and combined ones among them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from commerce.audits import Found, State
from commerce.errors import UnexpectedAnswer
from commerce.orders import Order
from integrations.shipstation.client import Api, Raw, moment, parsed
from integrations.shipstation.schemas import Fulfillment, Label, Shipment
from integrations.shipstation.shares import Share, is_family, needs_its_family, shares
from integrations.shipstation.wish import possible_keys

USUALLY_MADE_WITHIN = timedelta(days=2)
"""Shipments that were made later than this after the window are asked for one by one."""


class Audit:
    """One account's shipments, for comparing."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def found(self, source: str, since: datetime, until: datetime, orders: Sequence[Order]) -> Iterator[Found]:
        """See `Auditable.audit`. Lists of 100; an order that they do not show is asked for by its keys."""
        start = moment(since)
        end = moment(until + USUALLY_MADE_WITHIN)
        listed = [raw for raw in self._api.shipments(created_at_start=start, created_at_end=end) if _readable(raw)]
        known = {str(raw.get("shipment_id")): raw for raw in listed}
        shown = {share.order_key for raw in listed for share in self._shares(raw, listed)}
        for order in orders:
            if order.key not in shown:
                known |= {str(raw.get("shipment_id")): raw for raw in self._by_key(order)}
        left = self._left(start)
        everything = list(known.values())
        for raw in everything:
            shipment = parsed(Shipment, raw)
            for share in self._shares(raw, everything):
                if share.order_key.startswith(f"{source}:"):
                    yield self._as_found(shipment, share, raw, left)

    def _shares(self, raw: Raw, listed: Sequence[Raw]) -> tuple[Share, ...]:
        """Whose goods are in it; a piece that staff split off is told by the shipment that it was split from."""
        shipment = parsed(Shipment, raw)
        if not needs_its_family(shipment):
            return shares(shipment)
        kin = (parsed(Shipment, each) for each in listed if each.get("shipment_number") == shipment.shipment_number)
        parent = next((each for each in kin if is_family(shipment, each)), None)
        named = shares(parent)[0].order_key
        return tuple(Share(named, "", each.items) for each in shares(shipment)) if named else shares(shipment)

    def _by_key(self, order: Order) -> Iterable[Raw]:
        for key in possible_keys(order):
            raw = self._api.shipment_by_key(key)
            if raw is not None and _readable(raw):
                yield raw

    def _left(self, start: str) -> _Left:
        """What has left since then, by labels and by being marked as shipped: the shipments themselves hardly tell."""
        left = _Left()
        for raw in self._api.labels(created_at_start=start):
            left.label(raw)
        for raw in self._api.fulfillments(create_date_start=start):
            left.fulfillment(raw)
        return left

    def _as_found(self, shipment: Shipment, share: Share, raw: Raw, left: _Left) -> Found:
        units: Counter[str] = Counter()
        for item in share.items:
            if item.external_order_item_id and item.quantity > 0:
                units[item.external_order_item_id] += item.quantity
        return Found(
            subject=share.order_key,
            slot="shipment",
            vendor_id=shipment.shipment_id,
            name=shipment.shipment_number,
            state=left.state(shipment),
            units=dict(units),
            tracking=tuple(sorted(left.numbers[shipment.shipment_id])),
            made_at=_made_at(raw),
        )


class _Left:
    """Labels and fulfillments by shipment."""

    def __init__(self) -> None:
        self.numbers: dict[str, set[str]] = defaultdict(set)
        self.sent: set[str] = set()
        self.voided: set[str] = set()

    def label(self, raw: Raw) -> None:
        """Note a label; one that cannot be read says nothing."""
        try:
            label = parsed(Label, raw)
        except UnexpectedAnswer:
            return
        if label.ships:
            self.sent.add(label.shipment_id)
            self.numbers[label.shipment_id].update(label.tracking_numbers)
        elif label.is_void:
            self.voided.add(label.shipment_id)

    def fulfillment(self, raw: Raw) -> None:
        """Note that somebody marked it as shipped."""
        try:
            mark = parsed(Fulfillment, raw)
        except UnexpectedAnswer:
            return
        if not mark.is_void:
            self.sent.add(mark.shipment_id)
            self.numbers[mark.shipment_id].update(filter(None, [mark.tracking_number]))

    def state(self, shipment: Shipment) -> State:
        """Its state in our words."""
        id, status = shipment.shipment_id, shipment.shipment_status
        if status == "cancelled":
            return "cancelled"
        if id in self.sent or (status == "label_purchased" and id not in self.voided):
            return "shipped"
        return "unknown" if status == "unknown" else "open"


def _readable(raw: Raw) -> bool:
    """Whether it is a shipment; of one that is not nothing can be said, and its order is told as missing."""
    try:
        parsed(Shipment, raw)
    except UnexpectedAnswer:
        return False
    return True


def _made_at(raw: Raw) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(raw.get("created_at")))
    except ValueError:
        return None
    return at if at.tzinfo else None
