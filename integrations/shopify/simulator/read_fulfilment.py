"""How fulfillment orders and fulfillments read. https://shopify.dev/docs/api/admin-graphql/latest/objects/FulfillmentOrder"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from integrations.shopify.simulator.actions import actions
from integrations.shopify.simulator.clock import stamp
from integrations.shopify.simulator.model import Fulfillment, FulfillmentOrder, FulfillmentOrderLine, Order, gid
from integrations.shopify.simulator.plan import GETTERS, Request, resolves
from integrations.shopify.simulator.read_orders import nothing


def supported_actions(one: FulfillmentOrder) -> list[dict[str, str]]:
    """What can be done with it now."""
    return [{"action": name} for name in actions(one)]


def assigned_location(one: FulfillmentOrder) -> dict[str, Any]:
    """The sending address, copied as Shopify copies it."""
    place = one.location
    return {
        "name": place.name,
        "countryCode": place.country,
        "location": place,
        "address1": "1 Dock Road",
        "address2": None,
        "city": "Springfield",
        "zip": "12345",
        "province": None,
        "phone": None,
    }


def destination(one: FulfillmentOrder) -> dict[str, Any] | None:
    """Where to; null for orders without an address."""
    to = one.order.spec.get("shipping_address")
    if to is None:
        return None
    plain = ("company", "address1", "address2", "city", "province", "zip", "phone")
    return {
        "__typename": "FulfillmentOrderDestination",
        "id": gid("FulfillmentOrderDestination", one.id),
        "firstName": to.get("first_name"),
        "lastName": to.get("last_name"),
        "countryCode": to.get("country_code"),
        "email": one.order.spec.get("email"),
        **{name: to.get(name) for name in plain},
    }


def delivery_method(one: FulfillmentOrder) -> dict[str, Any]:
    """How it goes: by post, or not at all."""
    chosen = one.order.shipping[0] if one.order.shipping and one.method == "SHIPPING" else None
    return {
        "__typename": "DeliveryMethod",
        "id": gid("DeliveryMethod", one.id),
        "methodType": one.method,
        "presentedName": chosen.title if chosen else None,
        "serviceCode": chosen.code if chosen else None,
        "maxDeliveryDateTime": None,
    }


FULFILLMENT_ORDER: dict[str, Callable[[FulfillmentOrder], Any]] = {
    "id": lambda one: gid("FulfillmentOrder", one.id),
    "status": attrgetter("status"),
    "requestStatus": attrgetter("request"),
    "createdAt": lambda one: stamp(one.created),
    "updatedAt": lambda one: stamp(one.updated),
    "fulfillAt": lambda one: stamp(one.created if one.fulfill_at is None else one.fulfill_at),
    "fulfillBy": nothing,
    "supportedActions": supported_actions,
    "assignedLocation": assigned_location,
    "deliveryMethod": delivery_method,
    "destination": destination,
    "fulfillmentHolds": attrgetter("holds"),
    "lineItems": attrgetter("lines"),
    "order": attrgetter("order"),
    "orderId": lambda one: gid("Order", one.order.id),
    "orderName": attrgetter("order.name"),
    "orderProcessedAt": lambda one: stamp(one.order.created),
}

FULFILLMENT_ORDER_LINE: dict[str, Callable[[FulfillmentOrderLine], Any]] = {
    "id": lambda one: gid("FulfillmentOrderLineItem", one.id),
    "totalQuantity": attrgetter("total"),
    "remainingQuantity": attrgetter("remaining"),
    "sku": attrgetter("line.sku"),
    "requiresShipping": attrgetter("line.requires_shipping"),
    "lineItem": attrgetter("line"),
    "productTitle": attrgetter("line.title"),
    "variantTitle": nothing,
    "vendor": lambda _: "Demo",
    "inventoryItemId": lambda one: gid("InventoryItem", one.line.variant.item.id) if one.line.variant else None,
}

FULFILLMENT: dict[str, Callable[[Fulfillment], Any]] = {
    "id": lambda one: gid("Fulfillment", one.id),
    "legacyResourceId": lambda one: str(one.id),
    "name": attrgetter("name"),
    "status": attrgetter("status"),
    "displayStatus": lambda one: "FULFILLED" if one.status == "SUCCESS" else "CANCELED",
    "createdAt": lambda one: stamp(one.created),
    "updatedAt": lambda one: stamp(one.updated),
    "deliveredAt": nothing,
    "trackingInfo": attrgetter("tracking"),
    "totalQuantity": lambda one: sum(quantity for _, _, quantity in one.lines),
    "location": attrgetter("location"),
    "order": attrgetter("order"),
    "fulfillmentLineItems": lambda one: [fulfillment_line(*row) for row in one.lines],
}


def fulfillment_line(number: int, row: FulfillmentOrderLine, quantity: int) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/objects/FulfillmentLineItem"""
    line, exchange = row.line, row.line.order.exchange
    return {
        "__typename": "FulfillmentLineItem",
        "id": gid("FulfillmentLineItem", number),
        "quantity": quantity,
        "lineItem": line,
        "originalTotalSet": exchange.record(line.unit.times(quantity)),
        "discountedTotalSet": exchange.record(line.share(line.net, 0, quantity)),
    }


@resolves("Order", "fulfillmentOrders")
def fulfillment_orders(order: Order, _: Mapping[str, Any], request: Request) -> list[FulfillmentOrder]:
    """Silently without those that the scopes do not cover, and empty until Shopify's background job has run."""
    if request.sim.now() < order.routed_at:
        return []
    return [one for one in order.fulfillment_orders if request.sim.sees(one)]


GETTERS.update(
    {
        "FulfillmentOrder": FULFILLMENT_ORDER,
        "FulfillmentOrderLineItem": FULFILLMENT_ORDER_LINE,
        "Fulfillment": FULFILLMENT,
    }
)
