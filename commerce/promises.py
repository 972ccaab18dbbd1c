"""By when an order has to leave: what its storefront promised, or what its shopper may expect without a word."""

from __future__ import annotations

from datetime import datetime, timedelta

from commerce.allocation import still_to_leave
from commerce.orders import Order

HANDLING = timedelta(days=1)
"""How long packing may take where the storefront names no day: shoppers are used to goods that leave the day after.

Any fixed time starves nobody, as only what has to leave earlier goes before. With none, an order without a promise
would overtake what has to leave today; with a week, it would let everything pass that was promised for the weekend.
"""


def promise_of(order: Order) -> datetime | None:
    """The earliest moment by which anything of the order that is still to be shipped has to leave.

    Where the storefront names none, its own time and `HANDLING`, also when it is to be called off: it was to leave by
    then. None when all of it has left: its news hurry nobody.
    """
    told = [each.ship_by for each in still_to_leave(order) if each.ship_by]
    if told:
        return min(told)
    return None if order.fulfilment == "fulfilled" else order.processed_at + HANDLING
