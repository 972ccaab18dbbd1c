"""The documents that read orders, checked against the schema of API version 2026-10.

https://shopify.dev/docs/api/admin-graphql/2026-10/objects/Order
"""

from __future__ import annotations

from integrations.shopify.document import Document, document
from integrations.shopify.fragments import (
    ADDRESS,
    ADJUSTMENT,
    AGREEMENT,
    MONEY_MOVED,
    ORDER_FULL,
    ORDER_LINE,
    ORDER_SHIPPING,
    REFUND_LINE,
    REFUND_SHIPPING,
    SALE_ROW,
    SHIPPED,
    SHIPPED_LINE,
    SHOP_MONEY,
    TAX,
    TO_SHIP,
    TO_SHIP_LINE,
)

PERSONAL = frozenset({"customer", "email", "phone", "billingAddress", "shippingAddress"})
"""What Shopify may deny to an app without access to protected customer data; an order is an order without it."""


PLAIN_LIST = 250
"""How many entries of a plain list (transactions, refunds, fulfillments) we ask for; it cannot be paged on."""

ORDERS_CHANGED = document(
    """
    query OrdersChanged($query: String!, $after: String) {
      orders(first: 250, after: $after, query: $query, sortKey: UPDATED_AT) {
        pageInfo { hasNextPage endCursor } nodes { id at: updatedAt }
      }
    }
    """,
    cost=13,
)

ORDERS_CREATED = document(
    """
    query OrdersCreated($query: String!, $after: String) {
      orders(first: 250, after: $after, query: $query, sortKey: CREATED_AT) {
        pageInfo { hasNextPage endCursor } nodes { id at: createdAt }
      }
    }
    """,
    cost=13,
)

ORDERS_COUNT = document(
    "query OrdersCount($query: String!) { ordersCount(query: $query, limit: null) { count precision } }", cost=10
)

ORDERS_BY_ID = document(
    "query OrdersById($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Order { ...OrderFull } } }",
    *(ORDER_FULL, ORDER_LINE, ORDER_SHIPPING, MONEY_MOVED, REFUND_LINE, REFUND_SHIPPING, ADJUSTMENT),
    *(TO_SHIP, TO_SHIP_LINE, SHIPPED, SHIPPED_LINE, ADDRESS, TAX, SHOP_MONEY),
    cost=260,
    spares=PERSONAL,
)


LEDGERS_BY_ID = document(
    """
    query LedgersById($ids: [ID!]!) {
      nodes(ids: $ids) {
        __typename
        ... on Order {
          id
          agreements(first: 25) { pageInfo { hasNextPage endCursor } edges { cursor node { ...AgreementRow } } }
        }
      }
    }
    """,
    *(AGREEMENT, SALE_ROW, SHOP_MONEY),
    cost=200,
)

MORE_AGREEMENTS = document(
    """
    query MoreAgreements($id: ID!, $after: String) {
      order(id: $id) {
        agreements(first: 25, after: $after) {
          pageInfo { hasNextPage endCursor } edges { cursor node { ...AgreementRow } }
        }
      }
    }
    """,
    *(AGREEMENT, SALE_ROW, SHOP_MONEY),
    cost=200,
)

MORE_SALES = document(
    """
    query MoreSales($id: ID!, $before: String, $after: String) {
      order(id: $id) {
        agreements(first: 1, after: $before) {
          nodes { id sales(first: 250, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...SaleRow } } }
        }
      }
    }
    """,
    *(SALE_ROW, SHOP_MONEY),
    cost=50,
)
"""An agreement is no node: it is found again as the one behind the cursor of the one before."""


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
    return document(text, *fragments, cost=cost)


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
