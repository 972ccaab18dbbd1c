"""Orders that have just left: told from a list, by the hundred, instead of one call each.

Once tracking is at the storefront, each order comes back as a new revision with nothing left to ship. Nearly all of
them need nothing: their labels are bought, and the storefront says that just those units have left. A list of shipments
changed lately shows that for a hundred orders in one call; whatever does not fit goes the careful way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from commerce.allocation import FAILED, Verdict, fulfilled_units
from commerce.ports import Item
from integrations.shipstation.client import Api, moment, parsed
from integrations.shipstation.schemas import Shipment
from integrations.shipstation.wish import Wish, parts_of

WORTH_A_LIST = 3
"""Fewer orders than this are asked for one by one."""

PER_ORDER = 10
"""At most so many listed shipments are read for each order; a busier account goes the careful way."""

NONE_AMONG = 300
"""When none of them is among so many listed ones, the list is not worth reading on."""

EARLIER = timedelta(days=1)
"""How long before the storefront knew of it a label may have been bought."""


class Departed:
    """What a list says of orders that have left, read when it is first asked about one."""

    def __init__(self, api: Api, asked: Sequence[tuple[Item, Wish]]) -> None:
        self._api = api
        self._asked = [(item, wish) for item, wish in asked if _may_have_left(item, wish)]
        self._listed: dict[str, Shipment] | None = None

    def just_left(self, item: Item, wish: Wish) -> bool:
        """Whether all its shipments have labels, for exactly the units that the storefront says have left."""
        if len(self._asked) < WORTH_A_LIST or not _may_have_left(item, wish):
            return False
        if self._listed is None:
            self._listed = self._list()
        left: Counter[str] = Counter()
        for part in parts_of(item.binding):
            shipment = self._listed.get(part.shipment_id)
            if shipment is None or shipment.shipment_status != "label_purchased":
                return False
            left.update(shipment.only(wish.order.id).units)
        return bool(left) and left == fulfilled_units(wish.order)

    def changed(self, since: datetime) -> Iterator[tuple[str, Callable[[], Shipment]]]:
        """Shipments changed since then, latest first: the id, and how to read the rest."""
        for raw in self._api.shipments(modified_at_start=moment(since), sort_by="modified_at", sort_dir="desc"):
            yield str(raw.get("shipment_id")), partial(parsed, Shipment, raw)

    def _list(self) -> dict[str, Shipment]:
        wanted = {part.shipment_id for item, _ in self._asked for part in parts_of(item.binding)}
        told = [each.at for _, wish in self._asked for each in wish.order.fulfilments if each.status not in FAILED]
        found: dict[str, Shipment] = {}
        for count, (shipment_id, read) in enumerate(self.changed(min(told) - EARLIER)):
            if shipment_id in wanted:
                found[shipment_id] = read()
            hopeless = not found and count >= NONE_AMONG
            if len(found) == len(wanted) or hopeless or count >= PER_ORDER * len(wanted):
                break
        return found


def _may_have_left(item: Item, wish: Wish) -> bool:
    known = item.binding is not None and not item.in_doubt and wish.allocation.verdict is Verdict.STOP
    return known and not wish.order.cancelled and bool(fulfilled_units(wish.order))
