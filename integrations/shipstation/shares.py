"""Whose goods are in a shipment: usually one order's, several orders' when staff have combined them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.shipstation import keys
from integrations.shipstation.schemas import Shipment, ShipmentItem


@dataclass(frozen=True)
class Share:
    """One order's part of a shipment. `order_key` is empty for an order that no hub brought."""

    order_key: str
    location: str
    items: tuple[ShipmentItem, ...]


def shares(shipment: Shipment | None) -> tuple[Share, ...]:
    """One for each order; the one that the shipment's key names comes first.

    The second half of an order that staff split has no key of ours, but the items still name their order.
    """
    if shipment is None:
        return (Share("", "", ()),)
    source, order_id, location = _named_by_its_key(shipment)
    ids = [id for id in shipment.order_ids if id]
    if not source:
        source = shipment.advanced_options.custom_field1
        if not (ids and keys.CONNECTION.match(source)):
            return (Share("", "", shipment.items),)
        order_id = ids[0]
    others = [id for id in ids if id != order_id]
    own = tuple(item for item in shipment.items if _order_in(item) not in others)
    combined = tuple(
        Share(f"{source}:{id}", "", tuple(item for item in shipment.items if _order_in(item) == id)) for id in others
    )
    first = (Share(f"{source}:{order_id}", location, own),)
    return (*first, *combined) if own or not combined else combined


def needs_its_family(shipment: Shipment) -> bool:
    """Whether its items are an order's, and only the shipment that it was split from could tell whose."""
    known = shares(shipment)[0].order_key
    return not known and bool(shipment.order_ids and shipment.shipment_number) and not shipment.order_source_code


def is_family(shipment: Shipment, other: Shipment) -> bool:
    """Whether `other` is a hub's, of the same order."""
    return keys.is_ours(other.external_shipment_id) and bool(set(shipment.order_ids) & set(other.order_ids))


def _named_by_its_key(shipment: Shipment) -> tuple[str, str, str]:
    if not keys.is_ours(shipment.external_shipment_id):
        return "", "", ""
    order_key, location = keys.order_and_location(shipment.external_shipment_id)
    source, _, order_id = order_key.partition(":")
    return source, order_id, location


def _order_in(item: ShipmentItem) -> str:
    """The order of an item that a hub wrote."""
    return item.external_order_id if item.external_order_item_id else ""
