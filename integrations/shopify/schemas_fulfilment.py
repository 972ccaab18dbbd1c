"""The part of fulfilment orders and fulfilments that the hub reads.

https://shopify.dev/docs/api/admin-graphql/2026-10/objects/FulfillmentOrder
"""

from __future__ import annotations

from datetime import datetime

from integrations.shopify.scalars import Nodes, Ref, Seen, Text, Word


class Action(Seen):
    """Something that can be done with a fulfilment order now."""

    action: Word


class AssignedLocation(Seen):
    """Where it ships from; `location` is null once deleted."""

    name: str
    location: Ref | None = None


class DeliveryMethod(Seen):
    """How it gets to the shopper."""

    method_type: Word
    presented_name: Text = ""
    service_code: Text = ""


class Hold(Seen):
    """Why it must wait, in Shopify's word and perhaps in somebody's own."""

    reason: Word
    reason_notes: Text = ""


class ToShipLine(Seen):
    """Units of one line within a fulfilment order; `gid` is its own full id."""

    id: str
    total_quantity: int
    remaining_quantity: int
    sku: Text = ""
    requires_shipping: bool = True
    line_item: Ref


class ToShip(Seen):
    """A fulfilment order; `id` is the full gid, because it is written back and never kept."""

    id: str
    status: Word
    request_status: Word = "unsubmitted"
    fulfill_at: datetime | None = None
    fulfill_by: datetime | None = None
    supported_actions: tuple[Action, ...] = ()
    assigned_location: AssignedLocation
    delivery_method: DeliveryMethod | None = None
    fulfillment_holds: tuple[Hold, ...] = ()
    line_items: Nodes[ToShipLine]

    @property
    def fulfillable(self) -> bool:
        """Whether Shopify would take a fulfilment of it now."""
        return any(one.action == "create_fulfillment" for one in self.supported_actions)

    @property
    def location_id(self) -> str:
        """The location's number, empty once it is deleted."""
        return self.assigned_location.location.id if self.assigned_location.location else ""


class Tracking(Seen):
    """One tracking number."""

    company: Text = ""
    number: Text = ""
    url: Text = ""


def bare(number: str) -> str:
    """A tracking number as it is compared: people and carriers write some with spaces and in small letters."""
    return "".join(number.split()).upper()


class ShippedLine(Seen):
    """Units that left."""

    quantity: int | None = None
    line_item: Ref


class Shipped(Seen):
    """A fulfilment; `id` is the full gid."""

    id: str
    legacy_resource_id: str
    status: Word
    created_at: datetime
    tracking_info: tuple[Tracking, ...] = ()
    fulfillment_line_items: Nodes[ShippedLine]

    @property
    def numbers(self) -> frozenset[str]:
        """Its tracking numbers."""
        return frozenset(bare(one.number) for one in self.tracking_info if one.number)

    @property
    def cancelled(self) -> bool:
        """Whether it was taken back. Shopify spells the word in two ways."""
        return self.status in ("cancelled", "canceled")


class OrderToFulfil(Seen):
    """What a fulfilment needs to know of an order."""

    legacy_resource_id: str
    name: str
    cancelled_at: datetime | None = None
    fulfillment_orders: Nodes[ToShip]
    fulfillments: tuple[Shipped, ...] = ()
