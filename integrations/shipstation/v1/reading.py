"""What V1 holds of one order now: our orders there, those that staff split from them, and what has left."""

from __future__ import annotations

from collections.abc import Sequence

from commerce.orders import Order
from integrations.shipstation import keys
from integrations.shipstation.client import Raw, parsed
from integrations.shipstation.mapping import shipment_number
from integrations.shipstation.planning import Standing, known_to_the_storefront
from integrations.shipstation.schemas import Shipment
from integrations.shipstation.v1.client import Api
from integrations.shipstation.v1.schemas import V1Fulfillment, V1Label, V1Order
from integrations.shipstation.wish import Part


def read_order(raw: Raw) -> V1Order:
    """The part of an order that we read. Raises UnexpectedAnswer naming the fields."""
    return parsed(V1Order, raw)


def family(api: Api, order: Order) -> list[Raw]:
    """What V1 lists under the order's number and has one of its keys, or is a piece of one that has.

    V1 cannot be asked for a key. Its filter by number finds every number that begins with it: "1001" finds the order's
    own further parts, and "10010" of somebody else, too.
    """
    listed = [raw for raw in api.orders(orderNumber=shipment_number(order, 1)) if raw.get("orderId") is not None]
    ours = [raw for raw in listed if has_key_of(raw, order)]
    ids = {str(raw["orderId"]) for raw in ours}
    pieces = [raw for raw in listed if raw not in ours and parent_of(raw) in ids]
    return [*ours, *pieces]


def has_key_of(raw: Raw, order: Order) -> bool:
    """Whether it was made under one of the order's keys."""
    return keys.order_and_location(str(raw.get("orderKey") or ""))[0] == order.key


def parent_of(raw: Raw) -> str:
    """The order that staff split it from; empty for a whole one."""
    return str((raw.get("advancedOptions") or {}).get("parentId") or "")


def first_with_key(there: Sequence[Raw], key: str) -> Raw | None:
    """The order with this key; of several pieces that share it, the one that the others were split from."""
    found = [raw for raw in there if raw.get("orderKey") == key]
    return min(found, key=lambda raw: (bool(parent_of(raw)), str(raw.get("orderId"))), default=None)


def alive(api: Api, order: Order, parts: Sequence[Part]) -> list[tuple[Part, Raw]]:
    """The order's V1 orders that nobody has cancelled, each with the part that it is, or was split from."""
    by_id = {part.shipment_id: part for part in parts}
    by_key = {part.external_id: part for part in parts}
    found: dict[str, tuple[Part, Raw]] = {}
    for raw in family(api, order):
        order_id = str(raw["orderId"])
        part = by_id.get(order_id) or by_id.get(parent_of(raw)) or by_key.get(str(raw.get("orderKey") or ""))
        if part:
            found[order_id] = (part, raw)
    for part in parts:
        if part.shipment_id not in found:
            # Somebody changed the number in ShipStation or deleted the order, or the list does not show it yet.
            itself = api.order(part.shipment_id)
            if itself:
                found[part.shipment_id] = (part, itself)
    return [(part, raw) for part, raw in found.values() if raw.get("orderStatus") != "cancelled"]


def standings(api: Api, order: Order, pairs: Sequence[tuple[Part, Raw]]) -> list[Standing]:
    """The same with their tracking numbers: two calls for each that has left, none if the shop knows it all.

    V1's status says whether an order has left, by a label or by being marked as shipped.
    """
    orders = [read_order(raw) for _, raw in pairs]
    shipments = [_own_goods(each, order) for each in orders]
    if known_to_the_storefront(order, shipments):
        everything = frozenset(number for each in order.fulfilments for number in each.tracking_numbers)
        return [
            Standing(part, shipment, raw, shipped=True, tracking=everything)
            for (part, raw), shipment in zip(pairs, shipments, strict=True)
        ]
    found = zip(pairs, shipments, orders, strict=True)
    return [_standing(api, part, shipment, raw, merged=each.merged) for (part, raw), shipment, each in found]


def _own_goods(there: V1Order, order: Order) -> Shipment:
    """The order as planning sees it, without the goods of what staff have merged into it."""
    shipment = there.as_shipment()
    if not there.merged:
        return shipment
    lines = {line.id for line in order.lines}
    own = tuple(item for item in shipment.items if item.external_order_item_id in lines)
    return shipment.model_copy(update={"items": own})


def _standing(api: Api, part: Part, shipment: Shipment, raw: Raw, *, merged: bool) -> Standing:
    if shipment.shipment_status != "label_purchased":
        return Standing(part, shipment, raw, shipped=False, combined=merged)
    order_id = shipment.shipment_id
    labels = [parsed(V1Label, each) for each in api.labels(orderId=order_id)]
    marks = [parsed(V1Fulfillment, each) for each in api.fulfillments(orderId=order_id)]
    left = [each for each in labels if not each.is_void and not each.is_return]
    sent = [*left, *(each for each in marks if not each.is_void)]
    numbers = frozenset(each.tracking_number for each in sent if each.tracking_number)
    return Standing(part, shipment, raw, shipped=True, tracking=numbers, combined=merged)
