"""The orders behind parcels, asked for by the hundred where there are many: every call is one of 40 in a minute."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from commerce.errors import UnexpectedAnswer
from integrations.shipstation import keys
from integrations.shipstation.client import Raw
from integrations.shipstation.v1.client import PAGE_SIZE, Api
from integrations.shipstation.v1.reading import read_order
from integrations.shipstation.v1.schemas import V1Order
from integrations.shipstation.v1.times import AMBIGUITY, wall

WORTH_A_LIST = 3
"""Fewer orders than this are asked for one by one."""

EARLIER = timedelta(hours=1)
"""An order changes when it is marked as shipped, but not at the very same moment."""

MOST_LISTED = 4 * PAGE_SIZE
"""A list that is longer than this is not read on: a busy account's orders are then asked for one by one."""


class Orders:
    """Orders by id, each asked for once."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[str, Raw | None] = {}

    def fetch(self, wanted: Iterable[tuple[str, datetime]]) -> None:
        """Read ahead the orders (id, and since when it may have changed) that are not known yet."""
        missing = {order_id: at for order_id, at in wanted if order_id and order_id not in self._known}
        if len(missing) < WORTH_A_LIST:
            return
        start = wall(min(missing.values()) - EARLIER - AMBIGUITY)
        left = set(missing)
        for count, raw in enumerate(self._api.orders(modifyDateStart=start, sortBy="ModifyDate", sortDir="ASC"), 1):
            order_id = str(raw.get("orderId"))
            self._known.setdefault(order_id, raw)
            left.discard(order_id)
            if not left or count >= MOST_LISTED:
                return

    def order(self, order_id: str) -> V1Order | None:
        """The order, None when there is none. Raises UnexpectedAnswer for one that cannot be read."""
        if not order_id:
            return None
        if order_id not in self._known:
            self._known[order_id] = self._api.order(order_id)
        raw = self._known[order_id]
        return None if raw is None else read_order(raw)

    def key_of(self, order: V1Order | None) -> str:
        """The hub's key of an order, or of the one that staff split it from; empty when no hub brought it."""
        if order is None:
            return ""
        if keys.is_ours(order.order_key) or not order.options.parent_id:
            return order.order_key
        try:
            parent = self.order(order.options.parent_id)
        except UnexpectedAnswer:
            return ""
        return parent.order_key if parent else ""
