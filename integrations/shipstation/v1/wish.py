"""What we want V1 to hold of one order: V2's wish in V1's words."""

from __future__ import annotations

from collections import Counter
from typing import Any

from commerce.allocation import WantedLine
from integrations.shipstation.v1.mapping import to_order
from integrations.shipstation.wish import Wish


class V1Wish(Wish):
    """One order's wanted shipments; its payloads are V1 orders."""

    def body(self, location_id: str, units: Counter[str], *, with_money: bool, held: bool = False) -> dict[str, Any]:
        """V1's view of `units` shipped by this location, not before a release if `held`. Raises Unmappable."""
        routed = self.routed(location_id)
        lines = tuple(WantedLine(line_id=line_id, quantity=quantity) for line_id, quantity in units.items())
        return to_order(
            self.order,
            routed.model_copy(update={"lines": lines}),
            warehouse_id=self.warehouse(routed),
            store_id=self.settings.store_id,
            fallback_phone=self.settings.fallback_phone,
            with_money=with_money,
            held=held,
        )
