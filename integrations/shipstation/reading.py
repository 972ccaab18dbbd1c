"""What ShipStation holds of one order now: our shipments, those split from them, and what has left."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from commerce.orders import Order
from integrations.shipstation import keys
from integrations.shipstation.client import Api, Raw, parsed
from integrations.shipstation.planning import Standing, known_to_the_storefront
from integrations.shipstation.schemas import Label, Shipment
from integrations.shipstation.wish import Part


def alive(api: Api, order: Order, parts: Sequence[Part]) -> list[tuple[Part, Raw]]:
    """The order's shipments that nobody has cancelled, each with the part that it is, or was split from."""
    found: dict[str, tuple[Part, Raw]] = {}
    for part in parts:
        family = _family(api, order, part)
        if all(raw.get("shipment_status") == "cancelled" for raw in family):
            family = [*family, *_combined(api, order)]
        for raw in family:
            found.setdefault(str(raw.get("shipment_id")), (part, raw))
    own = {part.shipment_id: part for part in parts}
    pairs = [(own.get(shipment_id, part), raw) for shipment_id, (part, raw) in found.items()]
    return [(part, raw) for part, raw in pairs if raw.get("shipment_status") != "cancelled"]


def _family(api: Api, order: Order, part: Part) -> list[Raw]:
    """A part's shipment and those that staff split off: they keep the number and the order's items.

    https://docs.shipstation.com/orders/shipment-numbers
    """
    listed = list(api.shipments(shipment_number=part.number)) if part.number else []
    own = next((raw for raw in listed if raw.get("shipment_id") == part.shipment_id), None)
    family = [raw for raw in listed if raw is own or _split_off(raw, order, own)]
    if any(raw.get("shipment_id") == part.shipment_id for raw in family):
        return family
    # Somebody changed the number in ShipStation, or deleted the shipment.
    itself = api.shipment(part.shipment_id)
    return [*family, itself] if itself else family


def _combined(api: Api, order: Order) -> list[Raw]:
    """Shipments of others that hold this order's items: staff have combined what goes to the same person."""
    name = order.ship_to.name if order.ship_to else ""
    listed = api.shipments(ship_to_name=name) if name else iter(())
    return [
        raw
        for raw in listed
        if (raw.get("advanced_options") or {}).get("custom_field1") == order.source
        and keys.order_and_location(str(raw.get("external_shipment_id") or ""))[0] != order.key
        and any(str(item.get("external_order_id") or "") == order.id for item in raw.get("items") or [])
    ]


def _split_off(raw: Raw, order: Order, own: Raw | None) -> bool:
    """Whether it is a piece of this order that has no key of its own.

    Where the split took our field away, the items must be this order's lines and go where the rest goes.
    """
    if str(raw.get("external_shipment_id") or "").startswith(f"{order.source}:"):
        return False
    items = [item for item in raw.get("items") or [] if str(item.get("external_order_id") or "") == order.id]
    field = (raw.get("advanced_options") or {}).get("custom_field1")
    if field:
        return bool(items) and field == order.source
    lines = {line.id for line in order.lines}
    same_lines = bool(items) and all(item.get("external_order_item_id") in lines for item in items)
    return same_lines and own is not None and _door(raw) == _door(own)


def _door(raw: Raw) -> tuple[Any, ...]:
    to = raw.get("ship_to") or {}
    return tuple(to.get(name) for name in ("name", "address_line1", "postal_code"))


def standings(api: Api, order: Order, pairs: Sequence[tuple[Part, Raw]]) -> list[Standing]:
    """The same with what is known of their labels and fulfillments: two calls each, none if the shop knows it all.

    Of a cancelled order people want to know what its labels have cost.
    """
    shipments = [parsed(Shipment, raw).only(order.id) for _, raw in pairs]
    if not order.cancelled and known_to_the_storefront(order, shipments):
        everything = frozenset(number for each in order.fulfilments for number in each.tracking_numbers)
        return [
            Standing(part, shipment, raw, shipped=True, tracking=everything, combined=_is_combined(raw))
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
    return Standing(part, shipment, raw, shipped, frozenset(numbers), _is_combined(raw), _postage(outgoing))


def _postage(labels: Sequence[Label]) -> str:
    """What they have cost, by currency: "14.80 USD"."""
    costs: dict[str, Decimal] = {}
    for label in labels:
        if label.shipment_cost:
            currency = label.shipment_cost.currency
            costs[currency] = costs.get(currency, Decimal(0)) + label.shipment_cost.amount
    return " and ".join(f"{amount:.2f} {currency}".strip() for currency, amount in sorted(costs.items()))


def _is_combined(raw: Raw) -> bool:
    return len(parsed(Shipment, raw).order_ids) > 1
