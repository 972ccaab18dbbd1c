"""What we want V1 to hold of one order: V2's wish in V1's words."""

from __future__ import annotations

from integrations.shipstation.v1.mapping import to_order
from integrations.shipstation.wish import Wish


class V1Wish(Wish):
    """One order's wanted shipments; its payloads are V1 orders."""

    to_body = staticmethod(to_order)
