"""How products, stock, locations and customers read. https://shopify.dev/docs/api/admin-graphql/latest/objects/InventoryItem"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from integrations.shopify.simulator.clock import stamp
from integrations.shopify.simulator.model import Customer, gid
from integrations.shopify.simulator.money import money_record
from integrations.shopify.simulator.paging import Page
from integrations.shopify.simulator.plan import GETTERS, Request, resolves
from integrations.shopify.simulator.read_orders import empty, mailing_address, no, nothing
from integrations.shopify.simulator.stock import NAMES, Item, Level, Location, Variant

VARIANT: dict[str, Callable[[Variant], Any]] = {
    "id": lambda one: gid("ProductVariant", one.id),
    "legacyResourceId": lambda one: str(one.id),
    "sku": attrgetter("sku"),
    "barcode": attrgetter("barcode"),
    "title": lambda _: "Default Title",
    "displayName": lambda one: f"{one.title} - Default Title",
    "price": lambda one: f"{one.price // 100}.{one.price % 100:02d}",
    "position": lambda _: 1,
    "taxable": lambda one: not one.gift_card,
    "inventoryPolicy": attrgetter("policy"),
    "inventoryQuantity": lambda one: one.item.sellable,
    "sellableOnlineQuantity": lambda one: one.item.sellable,
    "requiresComponents": attrgetter("bundle"),
    "createdAt": lambda one: stamp(one.created),
    "updatedAt": lambda one: stamp(one.created),
    "product": lambda one: one,
    "inventoryItem": attrgetter("item"),
}

PRODUCT: dict[str, Callable[[Variant], Any]] = {
    "id": lambda one: gid("Product", one.product),
    "legacyResourceId": lambda one: str(one.product),
    "title": attrgetter("title"),
    "handle": lambda one: one.title.lower().replace(" ", "-"),
    "vendor": lambda _: "Demo",
    "status": lambda _: "ACTIVE",
}

ITEM: dict[str, Callable[[Item], Any]] = {
    "id": lambda one: gid("InventoryItem", one.id),
    "legacyResourceId": lambda one: str(one.id),
    "sku": attrgetter("sku"),
    "tracked": attrgetter("tracked"),
    "requiresShipping": attrgetter("requires_shipping"),
    "createdAt": lambda one: stamp(one.created),
    "updatedAt": lambda one: stamp(one.updated),
    "unitCost": nothing,
    "harmonizedSystemCode": nothing,
    "countryCodeOfOrigin": nothing,
    "locationsCount": lambda one: {"count": len(one.levels), "precision": "EXACT"},
    "variants": lambda one: [one.variant] if one.variant else [],
}

LEVEL: dict[str, Callable[[Level], Any]] = {
    "id": lambda one: level_gid(one),
    "isActive": attrgetter("active"),
    "createdAt": lambda one: stamp(one.created),
    "updatedAt": lambda one: stamp(one.updated),
    "item": attrgetter("item"),
    "location": attrgetter("location"),
}

LOCATION: dict[str, Callable[[Location], Any]] = {
    "id": lambda one: gid("Location", one.id),
    "legacyResourceId": lambda one: str(one.id),
    "name": attrgetter("name"),
    "isActive": attrgetter("active"),
    "fulfillsOnlineOrders": lambda _: True,
    "shipsInventory": lambda _: True,
    "fulfillmentService": lambda one: fulfillment_service(one),
    "address": lambda one: {
        "address1": "1 Dock Road",
        "city": "Springfield",
        "provinceCode": None,
        "zip": "12345",
        "countryCode": one.country,
    },
    "createdAt": lambda one: stamp(one.created),
    "updatedAt": lambda one: stamp(one.created),
}

CUSTOMER: dict[str, Callable[[Customer], Any]] = {
    "id": lambda one: gid("Customer", one.id),
    "legacyResourceId": lambda one: str(one.id),
    "firstName": attrgetter("first_name"),
    "lastName": attrgetter("last_name"),
    "displayName": lambda one: customer_name(one),
    "email": attrgetter("email"),
    "verifiedEmail": lambda _: True,
    "locale": lambda _: "en",
    "note": nothing,
    "state": lambda _: "DISABLED",
    "tags": empty,
    "taxExempt": no,
    "createdAt": lambda one: stamp(one.created),
    "updatedAt": lambda one: stamp(one.updated),
    "numberOfOrders": lambda one: str(one.orders),
    "defaultEmailAddress": lambda one: email_address(one),
    "defaultPhoneNumber": lambda one: phone_number(one),
    "defaultAddress": lambda one: mailing_address(one.address, one.id),
}


def customer_name(one: Customer) -> str:
    """What the admin shows."""
    return " ".join(part for part in (one.first_name, one.last_name) if part) or one.email or "Unknown"


def email_address(one: Customer) -> dict[str, Any] | None:
    """The address and the consent that goes with it."""
    if not one.email:
        return None
    return {
        "emailAddress": one.email,
        "marketingState": "SUBSCRIBED" if one.accepts_marketing else "NOT_SUBSCRIBED",
        "marketingOptInLevel": "SINGLE_OPT_IN" if one.accepts_marketing else None,
        "marketingUpdatedAt": stamp(one.created) if one.accepts_marketing else None,
    }


def phone_number(one: Customer) -> dict[str, Any] | None:
    """A telephone number never agreed to marketing here."""
    if not one.phone:
        return None
    consent = {"state": "NOT_SUBSCRIBED", "optInLevel": None, "updatedAt": None}
    return {"phoneNumber": one.phone, "smsMarketingConsent": consent}


def fulfillment_service(location: Location) -> dict[str, Any] | None:
    """Who ships from there; null for the merchant's own places."""
    if location.service is None:
        return None
    handle = location.service.lower().replace(" ", "-")
    return {"__typename": "FulfillmentService", "handle": handle, "serviceName": location.service}


def level_gid(level: Level) -> str:
    """Level ids carry the item."""
    return f"{gid('InventoryLevel', level.id)}?inventory_item_id={level.item.id}"


@resolves("Customer", "amountSpent")
def amount_spent(customer: Customer, _: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """In the shop's currency."""
    return money_record(customer.spent, request.sim.shop["currency"])


@resolves("Customer", "orders")
def customer_orders(customer: Customer, args: Mapping[str, Any], request: Request) -> list[Any]:
    """All orders of one customer, oldest first."""
    return [one for one in request.sim.store.orders.values() if one.customer is customer]


@resolves("InventoryItem", "duplicateSkuCount")
def duplicate_skus(item: Item, _: Mapping[str, Any], request: Request) -> int:
    """How many items carry the same sku; nobody says whether this one counts."""
    others = sum(1 for one in request.sim.store.items_with_sku(item.sku) if one is not item)
    return others + int(request.sim.switches.twins_count_themselves)


@resolves("InventoryItem", "inventoryLevel")
def level_of_item(item: Item, args: Mapping[str, Any], request: Request) -> Level | None:
    """The level at one location, if it is active or inactive ones are asked for."""
    level = item.levels.get(request.sim.number("Location", args["locationId"]))
    return level if level and (level.active or args.get("includeInactive")) else None


@resolves("Location", "inventoryLevel")
def level_at_location(location: Location, args: Mapping[str, Any], request: Request) -> Level | None:
    """The level of one item here."""
    item = request.sim.store.items.get(request.sim.number("InventoryItem", args["inventoryItemId"]))
    return item.levels.get(location.id) if item else None


@resolves("Location", "hasActiveInventory")
def has_inventory(location: Location, _: Mapping[str, Any], request: Request) -> bool:
    """Whether anything is stocked here."""
    return any(one.location is location for one in request.sim.store.levels.values())


@resolves("InventoryLevel", "quantities")
def quantities(level: Level, args: Mapping[str, Any], request: Request) -> list[dict[str, Any]]:
    """The named quantities, in the order asked for."""
    made = stamp(level.updated)
    return [
        {
            "__typename": "InventoryQuantity",
            "id": f"gid://shopify/InventoryQuantity/{level.id}?inventory_item_id={level.item.id}&name={name}",
            "name": name,
            "quantity": level.quantity(name),
            "updatedAt": None if name in ("on_hand", "incoming") else made,
        }
        for name in args["names"]
        if name in NAMES
    ]


@resolves("InventoryItem", "inventoryLevels")
def levels_of_item(item: Item, args: Mapping[str, Any], request: Request) -> Page:
    """https://shopify.dev/docs/api/admin-graphql/latest/objects/InventoryItem#connection-inventoryLevels"""
    found: Page = request.sim.search_levels(list(item.levels.values()), args, request)
    return found


@resolves("Location", "inventoryLevels")
def levels_at_location(location: Location, args: Mapping[str, Any], request: Request) -> Page:
    """https://shopify.dev/docs/api/admin-graphql/latest/objects/Location#connection-inventoryLevels"""
    here = [one for one in request.sim.store.levels.values() if one.location is location]
    found: Page = request.sim.search_levels(here, args, request)
    return found


GETTERS.update(
    {
        "ProductVariant": VARIANT,
        "Product": PRODUCT,
        "InventoryItem": ITEM,
        "InventoryLevel": LEVEL,
        "Location": LOCATION,
        "Customer": CUSTOMER,
    }
)
