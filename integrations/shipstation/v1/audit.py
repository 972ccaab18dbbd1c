"""What ShipStation holds of our orders over V1, as its own lists show it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from commerce.audits import Found, State
from commerce.errors import UnexpectedAnswer
from commerce.orders import Order
from integrations.shipstation import keys
from integrations.shipstation.audit import USUALLY_MADE_WITHIN
from integrations.shipstation.client import Raw, parsed
from integrations.shipstation.v1.client import Api
from integrations.shipstation.v1.reading import family, parent_of, read_order
from integrations.shipstation.v1.schemas import Sent, V1Fulfillment, V1Label, V1Order
from integrations.shipstation.v1.times import AMBIGUITY, moment, wall

STATES: dict[str, State] = {"pending": "open", "label_purchased": "shipped", "cancelled": "cancelled"}


class Audit:
    """One account's orders, for comparing."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def found(self, source: str, since: datetime, until: datetime, orders: Sequence[Order]) -> Iterator[Found]:
        """See `Auditable.audit`. An order that the lists do not show is asked for by its number."""
        start, end = wall(since - AMBIGUITY), wall(until + USUALLY_MADE_WITHIN + AMBIGUITY)
        listed = list(self._api.orders(createDateStart=start, createDateEnd=end))
        known = {str(raw.get("orderId")): raw for raw in listed}
        owners = {line.id: order.key for order in orders for line in order.lines}
        shown = {subject for raw in listed for subject in _subjects(raw, owners)}
        for order in orders:
            if order.key not in shown:
                known |= {str(raw["orderId"]): raw for raw in family(self._api, order)}
        numbers = self._tracking(start)
        for raw in known.values():
            key = str(raw.get("orderKey") or "")
            if not keys.is_ours(key) and parent_of(raw) in known:
                key = str(known[parent_of(raw)].get("orderKey") or "")
            if keys.is_ours(key) and key.startswith(f"{source}:"):
                yield from _as_found(read_order(raw), keys.order_and_location(key)[0], raw, owners, numbers)

    def _tracking(self, start: str) -> dict[str, set[str]]:
        """Tracking numbers by ShipStation's order."""
        numbers: dict[str, set[str]] = defaultdict(set)
        for sent in self._sent(start):
            if not sent.is_void and sent.tracking_number:
                numbers[sent.order_id].add(sent.tracking_number)
        return numbers

    def _sent(self, start: str) -> Iterator[Sent]:
        kinds: tuple[tuple[type[Sent], Iterable[Raw]], ...] = (
            (V1Label, self._api.labels(createDateStart=start)),
            (V1Fulfillment, self._api.fulfillments(createDateStart=start)),
        )
        for model, listed in kinds:
            for raw in listed:
                try:
                    yield parsed(model, raw)
                except UnexpectedAnswer:  # a label that cannot be read says nothing; the order's status still does
                    continue


def _subjects(raw: Raw, owners: dict[str, str]) -> set[str]:
    """The order of its key, and those whose goods staff have merged into it."""
    there = read_order(raw)
    merged = {owners.get(item.line_item_key, "") for item in there.items} if there.merged else set()
    return {keys.order_and_location(there.order_key)[0], *merged}


def _as_found(
    there: V1Order, subject: str, raw: Raw, owners: dict[str, str], numbers: dict[str, set[str]]
) -> Iterator[Found]:
    """One for each order whose goods are in it: several where staff have merged them."""
    goods: dict[str, Counter[str]] = {subject: Counter()}
    for item in there.items:
        if item.goods and item.line_item_key:
            owner = owners.get(item.line_item_key, subject) if there.merged else subject
            goods.setdefault(owner, Counter())[item.line_item_key] += item.quantity
    for owner, units in goods.items():
        yield Found(
            subject=owner,
            slot="shipment",
            vendor_id=there.order_id,
            name=there.order_number,
            state=STATES.get(there.as_shipment().shipment_status, "unknown"),
            units=dict(units),
            tracking=tuple(sorted(numbers.get(there.order_id, ()))),
            made_at=_made_at(raw),
        )


def _made_at(raw: Raw) -> datetime | None:
    try:
        return moment(str(raw.get("createDate")))
    except ValueError:
        return None
