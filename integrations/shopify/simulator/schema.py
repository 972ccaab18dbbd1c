"""The part of Shopify's Admin schema 2026-10 that the simulator serves, in `schema/*.graphql`: names and
types as published, without their descriptions, kept by hand.

Names, nullability, arguments and enum values follow https://shopify.dev/docs/api/admin-graphql/2026-10. Connections all
look alike, so they are made here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from graphql import GraphQLSchema, build_schema

FOLDER = Path(__file__).with_name("schema")

CONNECTIONS = (
    "BulkOperation",
    "Customer",
    "DiscountApplication",
    "FulfillmentLineItem",
    "FulfillmentOrder",
    "FulfillmentOrderLineItem",
    "InventoryItem",
    "InventoryLevel",
    "LineItem",
    "Location",
    "Order",
    "OrderAdjustment",
    "OrderTransaction",
    "ProductVariant",
    "RefundLineItem",
    "RefundShippingLine",
    "Sale",
    "SalesAgreement",
    "ShippingLine",
    "ShopifyPaymentsBalanceTransaction",
    "ShopifyPaymentsPayout",
    "TenderTransaction",
    "WebhookSubscription",
)

CONNECTION = """
type {name}Connection {{
  edges: [{name}Edge!]!
  nodes: [{name}!]!
  pageInfo: PageInfo!
}}

type {name}Edge {{
  cursor: String!
  node: {name}!
}}
"""


@cache
def admin_schema() -> GraphQLSchema:
    """The schema, built once per process (about 50 ms)."""
    parts = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.graphql"))]
    return build_schema("\n".join(parts + [CONNECTION.format(name=name) for name in CONNECTIONS]))
