"""The ledger of one order, `agreements`, read to its end: what was agreed when it was placed, edited and refunded.

https://shopify.dev/docs/api/admin-graphql/2026-10/interfaces/SalesAgreement
"""

from __future__ import annotations

from typing import Any

from commerce.errors import UnexpectedAnswer
from integrations.shopify import documents
from integrations.shopify.graphql import VENDOR, GraphQL, connection_at

Raw = dict[str, Any]


def agreements_of(graphql: GraphQL, order: Raw) -> list[Raw]:
    """Every agreement of a raw order as `LEDGERS_BY_ID` reads it, each with all its sales, oldest first.

    Raises UnexpectedAnswer when the pages do not fit together, and KeyError or TypeError for another shape.
    """
    edges = list(order["agreements"]["edges"])
    info, seen = order["agreements"]["pageInfo"], {None}
    while info["hasNextPage"]:
        after = _unseen(info["endCursor"], seen)
        data = graphql.ask(documents.MORE_AGREEMENTS, id=order["id"], after=after)
        page = _agreements(data)
        edges, info = edges + page["edges"], page["pageInfo"]
    before = None
    for edge in edges:
        _complete(graphql, order["id"], edge["node"], before)
        before = edge["cursor"]
    return [edge["node"] for edge in edges]


def _complete(graphql: GraphQL, order_id: str, agreement: Raw, before: str | None) -> None:
    sales = agreement["sales"]
    nodes, seen = list(sales["nodes"]), {None}
    while sales["pageInfo"]["hasNextPage"]:
        after = _unseen(sales["pageInfo"]["endCursor"], seen)
        data = graphql.ask(documents.MORE_SALES, id=order_id, before=before, after=after)
        (same,) = _agreements(data)["nodes"]
        if same["id"] != agreement["id"]:
            raise UnexpectedAnswer(VENDOR, "MoreSales: answered with another agreement than asked for")
        sales = connection_at(same, ("sales",), documents.MORE_SALES)
        nodes += sales["nodes"]
    agreement["sales"] = {"nodes": nodes}


def _agreements(data: Any) -> Raw:
    order = data.get("order")
    if not isinstance(order, dict) or not isinstance(order.get("agreements"), dict):
        raise UnexpectedAnswer(VENDOR, "shows no ledger of an order that it showed a moment ago")
    agreements: Raw = order["agreements"]
    return agreements


def _unseen(cursor: Any, seen: set[Any]) -> Any:
    if cursor in seen:
        raise UnexpectedAnswer(VENDOR, "the pages of a ledger come back to the same cursor")
    seen.add(cursor)
    return cursor
