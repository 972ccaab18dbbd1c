"""The root of reading. https://shopify.dev/docs/api/admin-graphql/latest/objects/QueryRoot"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from integrations.shopify.simulator import filters
from integrations.shopify.simulator.clock import seconds
from integrations.shopify.simulator.errors import FieldError
from integrations.shopify.simulator.model import Order
from integrations.shopify.simulator.paging import Page, Row, keyset_page, page_of
from integrations.shopify.simulator.plan import Request, resolves
from integrations.shopify.simulator.search import BadTimestamp, Filter, Search, compile_search
from integrations.shopify.simulator.stock import Item, Level
from integrations.shopify.simulator.store import Store
from integrations.shopify.simulator.totals import financial_status, fulfillment_status, totals

MOST_IDS = 250
VISIBLE_SECONDS = 60 * 86_400
FAR = 2**62

ORDER_SORTS: dict[str, Callable[[Order], Any]] = {
    "CREATED_AT": lambda one: one.created,
    "PROCESSED_AT": lambda one: one.created,
    "ID": lambda one: one.id,
    "ORDER_NUMBER": lambda one: one.number,
    "RELEVANCE": lambda one: one.id,
    "TOTAL_PRICE": lambda one: totals(one).total.shop,
    "CURRENT_TOTAL_PRICE": lambda one: totals(one).current_total.shop,
    "FINANCIAL_STATUS": financial_status,
    "FULFILLMENT_STATUS": fulfillment_status,
    "TOTAL_ITEMS_QUANTITY": lambda one: sum(line.current for line in one.lines),
    "CUSTOMER_NAME": lambda one: (one.customer.last_name or "") if one.customer else "",
    "DESTINATION": lambda one: (one.spec.get("shipping_address") or {}).get("city") or "",
    "PO_NUMBER": lambda one: one.spec.get("po_number") or "",
}


def search(request: Request, field: str, args: Mapping[str, Any], known: Mapping[str, Filter]) -> Search:
    """The compiled `query:` argument; what there is to say about it ends up in `extensions.search`."""
    query = args.get("query")
    try:
        found = compile_search(query, known)
    except BadTimestamp as wrong:
        raise FieldError(str(wrong), "BAD_REQUEST") from wrong
    if query and (found.warnings or request.debug_search):
        request.searches.append(found.report([field], query))
    return found


def page_of_rows(
    rows: Mapping[int, Any], found: Search, order: str, args: Mapping[str, Any], key: Callable[[Any], Any]
) -> Page:
    """A page of what was found among `rows` (by id), sorted by `key`."""
    chosen: Iterable[Any] = rows.values()
    if found.candidates is not None:
        chosen = [rows[one] for one in found.candidates if one in rows]
    ordered: list[Row] = sorted((key(one), one.id, one) for one in chosen)
    return keyset_page(ordered, order, args, found.keep)


@resolves("QueryRoot", "orders")
def orders(_: Any, args: Mapping[str, Any], request: Request) -> Page:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/orders"""
    request.sim.demand("orders", "read_orders")
    store: Store = request.sim.store
    rows = store.index.current()
    found = search(request, "orders", args, filters.order_filters(store, request.sim.timezone, request.sim.now))
    keep, order = _visible(request, found), args["sortKey"]
    if found.candidates is not None:
        key = (lambda one: store.index.seen[one.id]) if order == "UPDATED_AT" else ORDER_SORTS[order]
        few = (store.orders[one] for one in found.candidates if one in store.index.seen)
        return keyset_page(sorted((key(one), one.id, one) for one in few), order, args, keep)
    if order == "UPDATED_AT":
        return keyset_page(rows, order, args, keep, _bounds(found, request))
    sort = ORDER_SORTS[order]
    return keyset_page(sorted((sort(one), number, one) for _, number, one in rows), order, args, keep)


def _visible(request: Request, found: Search) -> Callable[[Order], bool] | None:
    """Without read_all_orders only the last 60 days are there."""
    oldest = _oldest(request)
    if oldest is None:
        return found.keep
    keep = found.keep
    return lambda one: one.created >= oldest and (keep is None or keep(one))


def _oldest(request: Request) -> float | None:
    return None if request.sim.allows("read_all_orders") else request.sim.now() - VISIBLE_SECONDS


def _bounds(found: Search, request: Request) -> tuple[int | None, int | None]:
    low: int | None = None
    high: int | None = None
    for op, value in found.bounds("updated_at"):
        at = int(request.sim.now()) if value == "now" else seconds(value, request.sim.timezone)
        if op.startswith(">"):
            low = at if low is None else max(low, at)
        else:
            high = at if high is None else min(high, at)
    return low, high


@resolves("QueryRoot", "ordersCount")
def orders_count(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/ordersCount"""
    request.sim.demand("ordersCount", "read_orders")
    known = filters.order_filters(request.sim.store, request.sim.timezone, request.sim.now)
    found = search(request, "ordersCount", args, known)
    number = sum(1 for _, _, one in request.sim.store.index.current() if found.keep is None or found.keep(one))
    return _count(number, args)


def _count(number: int, args: Mapping[str, Any]) -> dict[str, Any]:
    limit = args.get("limit")
    if limit is not None and number > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": number, "precision": "EXACT"}


@resolves("QueryRoot", "productVariantsCount")
def variants_count(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/productVariantsCount"""
    return _count(len(request.sim.store.variants), args)


@resolves("QueryRoot", "webhookSubscriptionsCount")
def subscriptions_count(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/webhookSubscriptionsCount"""
    return _count(len(request.sim.store.subscriptions), args)


@resolves("QueryRoot", "order")
def order(_: Any, args: Mapping[str, Any], request: Request) -> Order | None:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/order"""
    request.sim.demand("order", "read_orders")
    return _seen(request.sim.store.orders.get(request.sim.number("Order", args["id"])), request)


@resolves("QueryRoot", "orderByIdentifier")
def order_by_identifier(_: Any, args: Mapping[str, Any], request: Request) -> Order | None:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/orderByIdentifier"""
    given = args["identifier"].get("id")
    return order(_, {"id": given}, request) if given else None


def _seen(one: Order | None, request: Request) -> Order | None:
    oldest = _oldest(request)
    return None if one is None or (oldest is not None and one.created < oldest) else one


@resolves("QueryRoot", "nodes")
def nodes(_: Any, args: Mapping[str, Any], request: Request) -> list[Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/nodes"""
    if len(args["ids"]) > MOST_IDS:
        text = f"The input array size of {len(args['ids'])} is greater than the maximum allowed of {MOST_IDS}."
        raise FieldError(text, "MAX_INPUT_SIZE_EXCEEDED")
    return [_node(one, request) for one in args["ids"]]


@resolves("QueryRoot", "node")
def node(_: Any, args: Mapping[str, Any], request: Request) -> Any:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/node"""
    return _node(args["id"], request)


def _node(reference: str, request: Request) -> Any:
    kind, number = request.sim.parse_gid(reference)
    tables = request.sim.tables()
    if kind not in tables:
        return None
    scope, rows = tables[kind]
    if scope and not request.sim.allows(scope):
        request.sim.demand("nodes", scope)
    found = rows.get(number)
    return _seen(found, request) if kind == "Order" else found


def _by_id(field: str, kind: str) -> None:
    @resolves("QueryRoot", field)
    def resolve(_: Any, args: Mapping[str, Any], request: Request) -> Any:
        scope, rows = request.sim.tables()[kind]
        if scope:
            request.sim.demand(field, scope)
        return rows.get(request.sim.number(kind, args["id"]))


for _field, _kind in (
    ("customer", "Customer"),
    ("fulfillment", "Fulfillment"),
    ("fulfillmentOrder", "FulfillmentOrder"),
    ("inventoryItem", "InventoryItem"),
    ("inventoryLevel", "InventoryLevel"),
    ("productVariant", "ProductVariant"),
    ("refund", "Refund"),
    ("webhookSubscription", "WebhookSubscription"),
):
    _by_id(_field, _kind)


@resolves("QueryRoot", "location")
def location(_: Any, args: Mapping[str, Any], request: Request) -> Any:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/location"""
    request.sim.demand("location", "read_locations")
    rows = request.sim.store.locations
    return rows.get(request.sim.number("Location", args["id"])) if args.get("id") else next(iter(rows.values()), None)


@resolves("QueryRoot", "locations")
def locations(_: Any, args: Mapping[str, Any], request: Request) -> Page:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/locations"""
    request.sim.demand("locations", "read_locations")
    store = request.sim.store
    rows = {
        one.id: one
        for one in store.locations.values()
        if (one.active or args.get("includeInactive")) and (one.service is None or args.get("includeLegacy"))
    }
    found = search(request, "locations", args, filters.location_filters(store, request.sim.timezone, request.sim.now))
    by_id = args["sortKey"] == "ID"
    return page_of_rows(rows, found, args["sortKey"], args, lambda one: one.id if by_id else one.name)


@resolves("QueryRoot", "productVariants")
def product_variants(_: Any, args: Mapping[str, Any], request: Request) -> Page:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/productVariants"""
    request.sim.demand("productVariants", "read_products")
    store, order_by = request.sim.store, args["sortKey"]
    found = search(
        request, "productVariants", args, filters.variant_filters(store, request.sim.timezone, request.sim.now)
    )
    sorts: dict[str, Callable[[Any], Any]] = {"SKU": lambda one: one.sku or "", "TITLE": lambda one: one.title}
    return page_of_rows(store.variants, found, order_by, args, sorts.get(order_by, lambda one: one.id))


@resolves("QueryRoot", "inventoryItems")
def inventory_items(_: Any, args: Mapping[str, Any], request: Request) -> Page:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/inventoryItems"""
    request.sim.demand("inventoryItems", "read_inventory")
    store = request.sim.store
    found = search(request, "inventoryItems", args, filters.item_filters(store, request.sim.timezone, request.sim.now))
    return page_of_rows(store.items, found, "ID", args, _item_id)


def _item_id(one: Item) -> int:
    return one.id


def search_levels(levels: list[Level], args: Mapping[str, Any], request: Request) -> Page:
    """A page of `levels`, active ones unless asked otherwise."""
    rows = {one.id: one for one in levels if one.active or args.get("includeInactive")}
    known = filters.level_filters(request.sim.store, request.sim.timezone, request.sim.now)
    found = search(request, "inventoryLevels", args, known)
    return page_of_rows(rows, found, "ID", args, lambda one: one.id)


@resolves("QueryRoot", "fulfillmentOrders")
def fulfillment_orders(_: Any, args: Mapping[str, Any], request: Request) -> Page:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/fulfillmentOrders"""
    store, now = request.sim.store, request.sim.now
    everything = args.get("includeClosed")
    known = [one for one in store.fulfillment_orders.values() if one.order.routed_at <= now() and request.sim.sees(one)]
    rows = {one.id: one for one in known if everything or one.status not in ("CLOSED", "CANCELLED")}
    found = search(
        request, "fulfillmentOrders", args, filters.fulfillment_order_filters(store, request.sim.timezone, now)
    )
    by_id = args["sortKey"] == "ID"
    return page_of_rows(rows, found, args["sortKey"], args, lambda one: one.id if by_id else one.updated)


@resolves("QueryRoot", "customers")
def customers(_: Any, args: Mapping[str, Any], request: Request) -> Page:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/customers"""
    request.sim.demand("customers", "read_customers")
    store, order_by = request.sim.store, args["sortKey"]
    found = search(request, "customers", args, filters.customer_filters(store, request.sim.timezone, request.sim.now))
    sorts: dict[str, Callable[[Any], Any]] = {
        "UPDATED_AT": lambda one: one.updated,
        "CREATED_AT": lambda one: one.created,
    }
    return page_of_rows(store.customers, found, order_by, args, sorts.get(order_by, lambda one: one.id))


@resolves("Order", "customer")
def order_customer(one: Order, _: Mapping[str, Any], request: Request) -> Any:
    """Needs its own scope."""
    if one.customer is not None:
        request.sim.demand("customer", "read_customers")
    return one.customer


@resolves("QueryRoot", "webhookSubscriptions")
def webhook_subscriptions(_: Any, args: Mapping[str, Any], request: Request) -> Page:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/webhookSubscriptions"""
    rows = request.sim.store.subscriptions.values()
    topics, uri = args.get("topics"), args.get("uri") or args.get("callbackUrl")
    return page_of([one for one in rows if (not topics or one["topic"] in topics) and uri in (None, one["uri"])], args)
