"""What ShipStation holds of one order now: our shipments, those split from them, and what has left."""

from __future__ import annotations

from collections.abc import Sequence

from commerce.orders import Order
from integrations.shipstation.client import Api, Raw, parsed
from integrations.shipstation.planning import Standing, known_to_the_storefront
from integrations.shipstation.schemas import Shipment
from integrations.shipstation.wish import Part


def alive(api: Api, order: Order, parts: Sequence[Part]) -> list[tuple[Part, Raw]]:
    """The order's shipments that nobody has cancelled, each with the part that it is, or was split from."""
    found: dict[str, tuple[Part, Raw]] = {}
    for part in parts:
        for raw in _family(api, order, part):
            found.setdefault(str(raw.get("shipment_id")), (part, raw))
    own = {part.shipment_id: part for part in parts}
    pairs = [(own.get(shipment_id, part), raw) for shipment_id, (part, raw) in found.items()]
    return [(part, raw) for part, raw in pairs if raw.get("shipment_status") != "cancelled"]


def _family(api: Api, order: Order, part: Part) -> list[Raw]:
    """A part's shipment and those that staff split off: they keep the number and the order's items.

    https://docs.shipstation.com/orders/shipment-numbers
    """
    listed = list(api.shipments(shipment_number=part.number)) if part.number else []
    family = [raw for raw in listed if raw.get("shipment_id") == part.shipment_id or _split_off(raw, order)]
    if any(raw.get("shipment_id") == part.shipment_id for raw in family):
        return family
    # Somebody changed the number in ShipStation, or deleted the shipment.
    itself = api.shipment(part.shipment_id)
    return [*family, itself] if itself else family


def _split_off(raw: Raw, order: Order) -> bool:
    """Whether it is a piece of this order that has no key of its own."""
    if str(raw.get("external_shipment_id") or "").startswith(f"{order.source}:"):
        return False
    items = raw.get("items") or []
    field = (raw.get("advanced_options") or {}).get("custom_field1")
    return field == order.source and any(item.get("external_order_id") == order.id for item in items)


def standings(api: Api, order: Order, pairs: Sequence[tuple[Part, Raw]]) -> list[Standing]:
    """The same with what is known of their labels and fulfillments: two calls each, none if the shop knows it all."""
    shipments = [parsed(Shipment, raw).only(order.id) for _, raw in pairs]
    if known_to_the_storefront(order, shipments):
        everything = frozenset(number for each in order.fulfilments for number in each.tracking_numbers)
        return [
            Standing(part, shipment, raw, shipped=True, tracking=everything)
            for (part, raw), shipment in zip(pairs, shipments, strict=True)
        ]
    return [_standing(api, part, shipment, raw) for (part, raw), shipment in zip(pairs, shipments, strict=True)]


def _standing(api: Api, part: Part, shipment: Shipment, raw: Raw) -> Standing:
    """Whether it has left cannot be told from its status alone: an order marked as shipped stays "pending"."""
    labels = api.labels_of(shipment.shipment_id)
    fulfillments = [each for each in api.fulfillments_of(shipment.shipment_id) if not each.is_void]
    outgoing = [label for label in labels if label.ships]
    voided = any(label.is_void for label in labels)
    by_status = shipment.shipment_status == "label_purchased" and not voided
    numbers = {number for label in outgoing for number in label.tracking_numbers}
    numbers |= {each.tracking_number for each in fulfillments if each.tracking_number}
    shipped = bool(outgoing or fulfillments) or by_status
    return Standing(part, shipment, raw, shipped=shipped, tracking=frozenset(numbers))
