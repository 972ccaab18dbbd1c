"""What tries of an order whose answers were lost may have made: every state that was tried counts, not only the last.

An order may have left a location, be called off or be refunded since a shipment was made there that nobody remembers.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from pydantic import ValidationError

from commerce.allocation import PaymentPolicy, shipments_wanted
from commerce.errors import Unmappable
from commerce.orders import Order
from commerce.ports import Item
from integrations.shipstation.wish import Part, Wish


def states_tried(item: Item, order: Order) -> list[Order]:
    """The order in each state that no try has settled, newest last; only that one when there is no doubt."""
    states = []
    for event in item.events[:-1] if item.in_doubt else ():
        with suppress(ValidationError):  # recorded by another version
            states.append(Order.model_validate(event.data))
    return [*states, order]


def forgotten(there: Sequence[Part], known: Sequence[Part]) -> list[Part]:
    """Those that nobody remembers."""
    ids = {part.shipment_id for part in known}
    return [part for part in there if part.shipment_id not in ids]


def may_be_unseen(tried: Sequence[Order], payment: PaymentPolicy, wish: Wish, parts: Sequence[Part]) -> bool:
    """Whether one of these tries may have made a shipment that is neither among `parts` nor wished now.

    What is wished is made again, and then found; what is not would wait there for good.
    """
    places = {place for order in tried for place in _places(order, payment)}
    places -= {each.location_id for each in wish.allocation.shipments}
    places -= {part.location for part in parts}
    return len(places) > sum(not part.location for part in parts)


def _places(order: Order, payment: PaymentPolicy) -> list[str]:
    try:
        return [each.location_id for each in shipments_wanted(order, payment).shipments]
    except Unmappable:
        return []
