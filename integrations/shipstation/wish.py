"""What we want ShipStation to hold of one order, and what we remember of what it holds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from commerce.allocation import Allocation, Verdict, WantedLine, WantedShipment
from commerce.errors import Unmappable
from commerce.orders import Order
from commerce.outcomes import Binding
from commerce.values import Frozen, fingerprint
from integrations.shipstation import keys
from integrations.shipstation.mapping import requested_service, street, to_shipment
from integrations.shipstation.settings import ShipStationSettings

ON_HOLD = "held"
"""The fingerprint of a part of which we hold a piece that staff split off; no payload has it."""


class Part(Frozen):
    """What one location ships: a shipment of ours in ShipStation.

    `fingerprint` is that of the last accepted payload, empty when we found the shipment and do not know. `to` is the
    digest of the address it goes to, `service` the delivery method that the shopper was promised.
    """

    location: str
    external_id: str
    shipment_id: str
    number: str = ""
    fingerprint: str = ""
    to: str = ""
    service: str = ""


def parts_of(binding: Binding | None) -> tuple[Part, ...]:
    """The parts that a binding remembers."""
    return tuple(Part.model_validate(part) for part in binding.data.get("parts", ())) if binding else ()


def spent_keys(binding: Binding | None) -> tuple[str, ...]:
    """Keys of shipments that we have cancelled; ShipStation never gives a key free again."""
    return tuple(binding.data.get("spent", ())) if binding else ()


@dataclass(frozen=True)
class Wish:
    """One order's wanted shipments, in our words and in ShipStation's."""

    order: Order
    allocation: Allocation
    settings: ShipStationSettings

    @property
    def ships(self) -> bool:
        """Whether anything is to be shipped now."""
        return self.allocation.verdict is Verdict.SHIP

    @property
    def to(self) -> str:
        """A digest of the address, to see that it has changed after the label was bought."""
        return fingerprint(*street(self.order.ship_to))

    def goes_elsewhere(self, part: Part) -> bool:
        """Whether the part goes to another address than the order now; no address is none, as when its person was
        forgotten."""
        return bool(part.to) and self.order.ship_to is not None and part.to != self.to

    def service(self, location_id: str) -> str:
        """The delivery method that the shopper is promised, for what this location ships."""
        return requested_service(self.order, self.routed(location_id))

    @cached_property
    def fingerprint(self) -> str:
        """The same for every revision that asks the same of ShipStation. Raises Unmappable."""
        bodies = [self.body(each.location_id, each.units, with_money=True) for each in self.allocation.shipments]
        waiting = [each.model_dump(mode="json") for each in self.allocation.waiting]
        reason = "" if self.ships else self.allocation.reason
        return fingerprint(self.allocation.verdict, reason, _canonical(bodies), _canonical(waiting))

    to_body = staticmethod(to_shipment)
    """What the API calls one of the order's shipments; another version has another word."""

    def body(self, location_id: str, units: Counter[str], *, with_money: bool, held: bool = False) -> dict[str, Any]:
        """ShipStation's view of `units` shipped by this location, not before a release if `held`. Raises Unmappable."""
        routed = self.routed(location_id)
        lines = tuple(WantedLine(line_id=line_id, quantity=quantity) for line_id, quantity in units.items())
        return self.to_body(
            self.order,
            routed.model_copy(update={"lines": lines}),
            warehouse_id=self.warehouse(routed),
            store_id=self.settings.store_id,
            fallback_phone=self.settings.fallback_phone,
            with_money=with_money,
            held=held,
        )

    def routed(self, location_id: str) -> WantedShipment:
        """What is known of this location's share."""
        known = (*self.allocation.shipments, *self.allocation.waiting)
        found = next((each for each in known if each.location_id == location_id), None)
        return found or WantedShipment(location_id=location_id, lines=())

    def warehouse(self, routed: WantedShipment) -> str:
        """ShipStation's id for where it ships from. Raises Unmappable."""
        warehouse = self.settings.warehouse_of(routed.location_id, routed.location)
        if warehouse is None:
            place = routed.location or routed.location_id or "without a name"
            raise Unmappable(
                "warehouses",
                f"order {self.order.number} ships from location {place} ({routed.location_id}), "
                "which has no ShipStation warehouse",
                hint="add the location to `warehouses` of this connection in stack.toml, or set default_warehouse",
            )
        return warehouse


def digest(body: Mapping[str, Any]) -> str:
    """The fingerprint of one shipment's payload."""
    return fingerprint(_canonical(body))


def service_of(body: Mapping[str, Any]) -> str:
    """The delivery method that a shipment's payload asks for."""
    return str(body.get("requested_shipment_service") or body.get("requestedShippingService") or "")


def carries_money(wish: Wish, parts: Sequence[Part], key: str, location: str) -> bool:
    """Whether the shipment `key` shows the order's payment: the one with the order's own key, else the first."""
    if "/" not in key:
        return True
    if any("/" not in part.external_id for part in parts):
        return False
    first = next((each.location_id for each in wish.allocation.shipments), None)
    return location == first


def binding_of(wish: Wish, parts: Sequence[Part], spent: Sequence[str], vendor_id: str = "") -> Binding:
    """What to remember. `vendor_id` is kept when no shipment is left."""
    ordered = sorted(parts, key=lambda part: ("/" in part.external_id, part.external_id))
    return Binding(
        vendor_id=ordered[0].shipment_id if ordered else vendor_id,
        fingerprint=wish.fingerprint,
        data={"parts": [part.model_dump() for part in ordered], "spent": list(dict.fromkeys(spent))},
    )


def possible_keys(order: Order, *earlier: Order) -> list[str]:
    """Every key that an earlier try may have used for this order, apart from replacements."""
    places = sorted({each.location_id or each.location for one in (order, *earlier) for each in one.fulfilment_orders})
    further = [f"{order.key}/{place}" for place in places] if len(places) > 1 else []
    return [key for key in (order.key, *further) if len(key) <= keys.LONGEST]


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
