"""Orders that ShipStation has imported by itself, seen in V1's list of the newest ones.

One call an hour tells whether other stores bring orders in; where they do, it is made anew every ten minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from commerce.orders import Order
from integrations.shipstation import keys
from integrations.shipstation.client import Raw
from integrations.shipstation.imported import HINT, LOOK_AGAIN, AlreadyImported, Imported
from integrations.shipstation.refusals import VENDOR
from integrations.shipstation.v1.client import PAGE_SIZE, Api

LOOK_AGAIN_SOON = 600.0
"""Seconds until the list is looked at again where other stores bring orders in."""


class V1Imported(Imported):
    """What one account's other stores have brought in lately."""

    def __init__(self, api: Api, clock: Callable[[], float]) -> None:
        super().__init__(api, clock)  # type: ignore[arg-type]  # both questions to it are asked here
        self._v1 = api

    def foreign(self) -> list[Raw]:
        """Of the newest orders, those that no hub brought."""
        newest = islice(self._v1.orders(sortBy="CreateDate", sortDir="DESC"), PAGE_SIZE)
        return [raw for raw in newest if not _is_a_hubs(raw)]

    def refuse(self, order: Order, *, sure: bool = False) -> None:
        """Raise AlreadyImported when ShipStation has the order by itself."""
        now = self._clock()
        pause = LOOK_AGAIN_SOON if self._foreign else LOOK_AGAIN
        if self._looked_at is None or not 0 <= now - self._looked_at < pause:
            self._foreign, self._looked_at = self.foreign(), now
        for raw in self._foreign:
            if _is_same(raw, order):
                words = f"has order {order.number} from the storefront itself, as {raw.get('orderId')}"
                raise AlreadyImported(VENDOR, words, hint=HINT)


def _is_a_hubs(raw: Raw) -> bool:
    """Whether a hub made it, or staff split it from another order, which may be such a one."""
    options = raw.get("advancedOptions")
    parent = options.get("parentId") if isinstance(options, dict) else None
    return bool(parent) or keys.is_ours(str(raw.get("orderKey") or ""))


def _is_same(raw: Raw, order: Order) -> bool:
    """Whether it has the order's number and goes to the same door, or has its lines."""
    if raw.get("orderStatus") == "cancelled" or _plain(raw.get("orderNumber")) != _plain(order.number):
        return False
    lines = {line.id for line in order.lines}
    items = raw.get("items")
    if any(isinstance(each, dict) and each.get("lineItemKey") in lines for each in items or []):
        return True
    to, address = raw.get("shipTo"), order.ship_to
    if not isinstance(to, dict) or address is None or not address.line1:
        return False
    there = (_plain(to.get("postalCode")), _plain(to.get("street1")))
    return there == (_plain(address.postal_code), _plain(address.line1))


def _plain(text: object) -> str:
    return "".join(str(text or "").lower().lstrip("#").split())
