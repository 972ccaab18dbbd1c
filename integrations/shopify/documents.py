"""The GraphQL documents we send, checked against the schema of API version 2026-10.

https://shopify.dev/docs/api/admin-graphql/2026-10
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

from integrations.shopify.fragments import (
    ADDRESS,
    ADJUSTMENT,
    MONEY_MOVED,
    ORDER_FULL,
    ORDER_LINE,
    ORDER_SHIPPING,
    REFUND_LINE,
    REFUND_SHIPPING,
    SHIPPED,
    SHIPPED_LINE,
    SHOP_MONEY,
    TAX,
    TO_SHIP,
    TO_SHIP_LINE,
)


@dataclass(frozen=True)
class Document:
    """One operation. `cost` is our estimate in Shopify's points, used until Shopify has told the real one."""

    name: str
    text: str
    cost: int

    @property
    def writes(self) -> bool:
        """Whether it is a mutation."""
        return self.text.startswith("mutation")


def _document(text: str, *fragments: str, cost: int) -> Document:
    words = dedent(text).strip()
    name = words.split("(")[0].split("{")[0].split()[1]
    return Document(name, "\n\n".join([words, *(dedent(one).strip() for one in fragments)]), cost)


PLAIN_LIST = 250
"""How many entries of a plain list (transactions, refunds, fulfillments) we ask for; it cannot be paged on."""

ORDERS_CHANGED = _document(
    """
    query OrdersChanged($query: String!, $after: String) {
      orders(first: 250, after: $after, query: $query, sortKey: UPDATED_AT) {
        pageInfo { hasNextPage endCursor } nodes { id at: updatedAt }
      }
    }
    """,
    cost=13,
)

ORDERS_CREATED = _document(
    """
    query OrdersCreated($query: String!, $after: String) {
      orders(first: 250, after: $after, query: $query, sortKey: CREATED_AT) {
        pageInfo { hasNextPage endCursor } nodes { id at: createdAt }
      }
    }
    """,
    cost=13,
)

ORDERS_COUNT = _document(
    "query OrdersCount($query: String!) { ordersCount(query: $query, limit: null) { count precision } }", cost=10
)

ORDERS_BY_ID = _document(
    "query OrdersById($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Order { ...OrderFull } } }",
    *(ORDER_FULL, ORDER_LINE, ORDER_SHIPPING, MONEY_MOVED, REFUND_LINE, REFUND_SHIPPING, ADJUSTMENT),
    *(TO_SHIP, TO_SHIP_LINE, SHIPPED, SHIPPED_LINE, ADDRESS, TAX, SHOP_MONEY),
    cost=260,
)


def _more(owner: str, field: str, fragment: str, *fragments: str, cost: int, arguments: str = "") -> Document:
    """The following pages of one nested connection, read from its owner."""
    name = f"More{owner}{field[0].upper()}{field[1:]}"
    text = f"""
    query {name}($id: ID!, $after: String) {{
      node(id: $id) {{
        ... on {owner} {{
          {field}(first: 50, after: $after{arguments}) {{
            pageInfo {{ hasNextPage endCursor }}
            nodes {{ ...{fragment} }}
          }}
        }}
      }}
    }}
    """
    return _document(text, *fragments, cost=cost)


MORE: dict[tuple[str, str], Document] = {
    ("Order", "lineItems"): _more("Order", "lineItems", "OrderLine", ORDER_LINE, TAX, SHOP_MONEY, cost=38),
    ("Order", "shippingLines"): _more(
        *("Order", "shippingLines", "OrderShipping", ORDER_SHIPPING, TAX, SHOP_MONEY),
        cost=17,
        arguments=", includeRemovals: true",
    ),
    ("Order", "fulfillmentOrders"): _more("Order", "fulfillmentOrders", "ToShip", TO_SHIP, TO_SHIP_LINE, cost=157),
    ("FulfillmentOrder", "lineItems"): _more("FulfillmentOrder", "lineItems", "ToShipLine", TO_SHIP_LINE, cost=17),
    ("Fulfillment", "fulfillmentLineItems"): _more(
        "Fulfillment", "fulfillmentLineItems", "ShippedLine", SHIPPED_LINE, cost=17
    ),
    ("Refund", "refundLineItems"): _more("Refund", "refundLineItems", "RefundLine", REFUND_LINE, SHOP_MONEY, cost=17),
    ("Refund", "refundShippingLines"): _more(
        "Refund", "refundShippingLines", "RefundShipping", REFUND_SHIPPING, SHOP_MONEY, cost=10
    ),
    ("Refund", "orderAdjustments"): _more("Refund", "orderAdjustments", "Adjustment", ADJUSTMENT, SHOP_MONEY, cost=10),
    ("Refund", "transactions"): _more("Refund", "transactions", "MoneyMoved", MONEY_MOVED, SHOP_MONEY, cost=17),
}
"""How to page on, by the owner's type and its field."""

SHOP_AND_SCOPES = _document(
    """
    query ShopAndScopes {
      shop { name myshopifyDomain currencyCode plan { publicDisplayName } }
      currentAppInstallation { accessScopes { handle } }
      publicApiVersions { handle supported }
    }
    """,
    cost=5,
)

RECENT_ADDRESSES = _document(
    """
    query RecentAddresses {
      orders(first: 10, sortKey: CREATED_AT, reverse: true) {
        nodes { requiresShipping shippingAddress { name address1 } }
      }
    }
    """,
    cost=6,
)

LOCATIONS = _document(
    """
    query Locations($after: String) {
      locations(first: 100, after: $after, includeInactive: false, includeLegacy: true) {
        pageInfo { hasNextPage endCursor }
        nodes { id legacyResourceId name isActive }
      }
    }
    """,
    cost=12,
)

VARIANTS_BY_SKU = _document(
    """
    query VariantsBySku($query: String!, $after: String, $locationId: ID!, $names: [String!]!) {
      productVariants(first: 100, after: $after, query: $query) {
        pageInfo { hasNextPage endCursor }
        nodes {
          id
          sku
          requiresComponents
          inventoryItem {
            id
            tracked
            duplicateSkuCount
            inventoryLevel(locationId: $locationId, includeInactive: true) {
              isActive
              quantities(names: $names) { name quantity }
            }
          }
        }
      }
    }
    """,
    cost=38,
)

GIFT_CARDS = _document(
    """
    query GiftCards($query: String!, $after: String) {
      productVariants(first: 250, after: $after, query: $query) {
        pageInfo { hasNextPage endCursor } nodes { sku }
      }
    }
    """,
    cost=13,
)

INVENTORY_SET = _document(
    """
    mutation InventorySet($input: InventorySetQuantitiesInput!, $key: String!) {
      inventorySetQuantities(input: $input) @idempotent(key: $key) {
        inventoryAdjustmentGroup { id }
        userErrors { field message code }
      }
    }
    """,
    cost=10,
)

ORDERS_TO_FULFIL = _document(
    """
    query OrdersToFulfil($ids: [ID!]!) {
      nodes(ids: $ids) {
        __typename
        ... on Order {
          id
          legacyResourceId
          name
          cancelledAt
          fulfillmentOrders(first: 20) { pageInfo { hasNextPage endCursor } nodes { ...ToShip } }
          fulfillments(first: 250) { ...Shipped }
        }
      }
    }
    """,
    *(TO_SHIP, TO_SHIP_LINE, SHIPPED, SHIPPED_LINE),
    cost=132,
)

FULFILLMENT_CREATE = _document(
    """
    mutation FulfillmentCreate($fulfillment: FulfillmentInput!) {
      fulfillmentCreate(fulfillment: $fulfillment) {
        fulfillment { id status }
        userErrors { field message }
      }
    }
    """,
    cost=10,
)

TRACKING_UPDATE = _document(
    """
    mutation TrackingUpdate($id: ID!, $tracking: FulfillmentTrackingInput!, $notify: Boolean) {
      fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $tracking, notifyCustomer: $notify) {
        fulfillment { id status }
        userErrors { field message }
      }
    }
    """,
    cost=10,
)

FULFILLMENT_CANCEL = _document(
    """
    mutation FulfillmentCancel($id: ID!) {
      fulfillmentCancel(id: $id) { fulfillment { id status } userErrors { field message } }
    }
    """,
    cost=10,
)

WEBHOOK_LIST = _document(
    """
    query WebhookList($after: String) {
      webhookSubscriptions(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor } nodes { id topic uri }
      }
    }
    """,
    cost=11,
)

WEBHOOK_CREATE = _document(
    """
    mutation WebhookCreate($topic: WebhookSubscriptionTopic!, $sub: WebhookSubscriptionInput!) {
      webhookSubscriptionCreate(topic: $topic, webhookSubscription: $sub) {
        webhookSubscription { id topic uri }
        userErrors { field message }
      }
    }
    """,
    cost=10,
)

WEBHOOK_UPDATE = _document(
    """
    mutation WebhookUpdate($id: ID!, $sub: WebhookSubscriptionInput!) {
      webhookSubscriptionUpdate(id: $id, webhookSubscription: $sub) {
        webhookSubscription { id topic uri }
        userErrors { field message }
      }
    }
    """,
    cost=10,
)

EVERY: tuple[Document, ...] = tuple(one for one in list(globals().values()) if isinstance(one, Document)) + tuple(
    MORE.values()
)
"""All of them, for the test that validates each against the schema."""
