"""Orders that ShipStation has imported by itself, because the same storefront is connected there as a selling channel.

Such an order must not be brought a second time: it would be shipped twice, and ShipStation writes its tracking back
alone. Where an account's newest shipments show no such thing, nothing more is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from commerce.errors import Rejected
from commerce.orders import Order
from integrations.shipstation import keys
from integrations.shipstation.client import Api, Raw
from integrations.shipstation.mapping import shipment_number
from integrations.shipstation.refusals import VENDOR

NEWEST = 100
"""Shipments that tell whether other stores bring orders in; one page."""

LOOK_AGAIN = 3600.0
"""Seconds until they are looked at again."""

HINT = (
    "end the storefront's own connection in ShipStation (Settings > Selling Channels), or this route in stack.toml; "
    "then release or dismiss"
)


class AlreadyImported(Rejected):
    """ShipStation has the order from the storefront itself."""


class Imported:
    """What one account's other stores have brought in."""

    def __init__(self, api: Api, clock: Callable[[], float]) -> None:
        self._api = api
        self._clock = clock
        self._looked_at: float | None = None
        self._foreign: list[Raw] = []

    def foreign(self) -> list[Raw]:
        """Of the newest shipments, those of orders that no hub brought."""
        newest = islice(self._api.shipments(sort_by="created_at", sort_dir="desc"), NEWEST)
        return [raw for raw in newest if not _is_a_hubs(raw) and _names_an_order(raw)]

    def refuse(self, order: Order, *, sure: bool = False) -> None:
        """Raise AlreadyImported when ShipStation has the order by itself.

        Asks about this order only where other stores bring orders in, or when `sure` that its number is taken.
        """
        if not sure and not self._expected():
            return
        numbers = dict.fromkeys((shipment_number(order, 1), order.number))
        for number in numbers:
            for raw in self._api.shipments(shipment_number=number):
                if _is_same(raw, order):
                    words = f"has order {order.number} from the storefront itself, as {raw.get('shipment_id')}"
                    raise AlreadyImported(VENDOR, words, hint=HINT)

    def _expected(self) -> bool:
        now = self._clock()
        if self._looked_at is None or not 0 <= now - self._looked_at < LOOK_AGAIN:
            self._foreign = self.foreign()
            self._looked_at = now
        return bool(self._foreign)


def _is_a_hubs(raw: Raw) -> bool:
    """Whether a hub made it, or staff split it from such a one."""
    if keys.is_ours(str(raw.get("external_shipment_id") or "")):
        return True
    field = (raw.get("advanced_options") or {}).get("custom_field1")
    return bool(field) and keys.CONNECTION.match(str(field)) is not None


def _names_an_order(raw: Raw) -> bool:
    return bool(raw.get("order_source_code") or _order_ids(raw))


def _order_ids(raw: Raw) -> set[str]:
    """What it says of the storefront's order, by itself and by its items."""
    named = [raw.get("external_order_id"), *(item.get("external_order_id") for item in _items(raw))]
    return {str(each) for each in named if each}


def _items(raw: Raw) -> list[Raw]:
    return [item for item in raw.get("items") or [] if isinstance(item, dict)]


def _is_same(raw: Raw, order: Order) -> bool:
    """Whether a shipment with the order's number is that order: by its ids, or because it goes to the same door."""
    if _is_a_hubs(raw) or raw.get("shipment_status") == "cancelled":
        return False
    lines = {line.id for line in order.lines}
    if order.id in _order_ids(raw) or lines & {str(item.get("external_order_item_id")) for item in _items(raw)}:
        return True
    to, address = raw.get("ship_to") or {}, order.ship_to
    return (
        address is not None
        and bool(address.postal_code)
        and _door(to)
        == (
            _plain(address.postal_code),
            _plain(address.line1),
        )
    )


def _door(to: Raw) -> tuple[str, str]:
    return _plain(to.get("postal_code")), _plain(to.get("address_line1"))


def _plain(text: object) -> str:
    return "".join(str(text or "").lower().split())
