"""The documents of a bulk operation, and the query it runs.

https://shopify.dev/docs/api/usage/bulk-operations/queries
"""

from __future__ import annotations

import json
import re

from integrations.shopify.document import document
from integrations.shopify.fragments import (
    ADDRESS,
    ADJUSTMENT,
    MONEY_MOVED,
    ORDER_HEAD,
    ORDER_LINE,
    ORDER_REST,
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

BULK_RUN = document(
    """
    mutation BulkRun($query: String!) {
      bulkOperationRunQuery(query: $query, groupObjects: false) {
        bulkOperation { id status }
        userErrors { field message code }
      }
    }
    """,
    cost=10,
)

BULK_POLL = document(
    """
    query BulkPoll($id: ID!) {
      bulkOperation(id: $id) { id status errorCode objectCount rootObjectCount url partialDataUrl }
    }
    """,
    cost=1,
)

BULK_CANCEL = document(
    """
    mutation BulkCancel($id: ID!) {
      bulkOperationCancel(id: $id) { bulkOperation { id status } userErrors { field message } }
    }
    """,
    cost=10,
)

ORDER_RESTS = document(
    f"""
    query OrderRests($ids: [ID!]!) {{
      nodes(ids: $ids) {{ __typename ... on Order {{ id updatedAt {ORDER_REST} }} }}
    }}
    """,
    *(ORDER_SHIPPING, TAX, MONEY_MOVED, REFUND_LINE, REFUND_SHIPPING, ADJUSTMENT),
    *(TO_SHIP, TO_SHIP_LINE, SHIPPED, SHIPPED_LINE, SHOP_MONEY),
    cost=180,
)

FRAGMENT = re.compile(r"fragment (\w+) on \w+ \{(.*)\}", re.DOTALL)
SPREAD = re.compile(r"\.\.\.(\w+)")
PARTS = {
    found[1]: found[2] for found in map(FRAGMENT.search, (ADDRESS, MONEY_MOVED, ORDER_LINE, SHOP_MONEY, TAX)) if found
}


def bulk_orders(search: str) -> str:
    """The query for every order that `search` finds, with its lines: connections by edges, not deeper than two.

    Fragments and variables have no place in it, so they are written out.
    """
    text = f"""
    {{
      orders(query: {json.dumps(search)}) {{
        edges {{
          node {{
            subtotalLineItemsQuantity
            {ORDER_HEAD}
            lineItems {{ edges {{ node {{ ...OrderLine }} }} }}
          }}
        }}
      }}
    }}
    """
    while SPREAD.search(text):
        text = SPREAD.sub(lambda found: PARTS[found[1]], text)
    return " ".join(text.split())
