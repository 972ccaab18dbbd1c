"""The GraphQL documents we send, checked against the schema of API version 2026-10.

https://shopify.dev/docs/api/admin-graphql/2026-10
"""

from __future__ import annotations

from integrations.shopify.document import Document
from integrations.shopify.document import document as _document
from integrations.shopify.documents_bulk import BULK_CANCEL, BULK_POLL, BULK_RUN, ORDER_RESTS
from integrations.shopify.documents_orders import (
    LEDGERS_BY_ID,
    MORE,
    MORE_AGREEMENTS,
    MORE_SALES,
    ORDERS_BY_ID,
    ORDERS_CHANGED,
    ORDERS_COUNT,
    ORDERS_CREATED,
    PLAIN_LIST,
)
from integrations.shopify.fragments import (
    SHIPPED,
    SHIPPED_LINE,
    TO_SHIP,
    TO_SHIP_LINE,
)

__all__ = [
    "BULK_CANCEL",
    "BULK_POLL",
    "BULK_RUN",
    "LEDGERS_BY_ID",
    "MORE",
    "MORE_AGREEMENTS",
    "MORE_SALES",
    "ORDERS_BY_ID",
    "ORDERS_CHANGED",
    "ORDERS_COUNT",
    "ORDERS_CREATED",
    "ORDER_RESTS",
    "PLAIN_LIST",
    "Document",
]

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
        nodes { id legacyResourceId name isActive fulfillmentService { serviceName } }
      }
    }
    """,
    cost=20,
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
        pageInfo { hasNextPage endCursor } nodes { id topic uri format filter includeFields }
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

WEBHOOK_DELETE = _document(
    """
    mutation WebhookDelete($id: ID!) {
      webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } }
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
