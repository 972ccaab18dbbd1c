"""What a query costs. https://shopify.dev/docs/api/usage/limits#graphql-admin-api-rate-limits

Shopify documents only the outline; the sizes of connections follow a rule fitted to recorded answers.
"""

from __future__ import annotations

from collections.abc import Callable
from math import floor, log
from typing import Any

from integrations.shopify.simulator.plan import Field, Request, Selections

FREE = {"MoneyBag", "MoneyV2", "MailingAddress", "PageInfo"}
MUTATION = 10
ROOT_COUNT = 10
MOST = 1000

Size = Callable[[Field], int]
"""How many nodes a connection has: asked for, or really returned."""


def size_factor(n: int) -> int:
    """Connections grow with the logarithm of their size: 10 nodes count as 4, 250 as 11."""
    return n if n < 2 else floor(2 * log(n))


def requested_cost(root: Selections, request: Request) -> int:
    """The points that must be there before the query runs."""

    def asked(field: Field) -> int:
        args = field.args(request)
        return int(args.get("first") or args.get("last") or 0)

    return _root_cost(root, asked)


def actual_cost(root: Selections, request: Request) -> int:
    """The points that the answer was worth; the rest is given back."""
    return _root_cost(root, lambda field: request.sizes.get(id(field), 0))


def too_expensive(cost: int) -> dict[str, Any]:
    """The error of a query that no bucket could ever pay."""
    text = f"Query cost is {cost}, which exceeds the single query max cost limit ({MOST}). "
    text += (
        "See https://shopify.dev/concepts/about-apis/rate-limits for more information on how the cost is calculated."
    )
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": MOST}
    return {"message": text, "extensions": {**extensions, "documentation": "https://shopify.dev/api/usage/rate-limits"}}


def _root_cost(root: Selections, size: Size) -> int:
    (name, selection), *_ = root.by_type.items()
    if name == "Mutation":
        return sum(MUTATION + _payload_cost(field, size) for field in selection.fields)
    return sum(ROOT_COUNT if field.returns == "Count" else _field_cost(field, size) for field in selection.fields)


def _payload_cost(mutation: Field, size: Size) -> int:
    """A payload's own objects and its user errors are free; what hangs below them is not."""
    if mutation.inner is None or mutation.inner.only is None:
        return 0
    fields = (one for one in mutation.inner.only.fields if one.name != "userErrors")
    return sum(_selections_cost(one.inner, size) for one in fields)


def _field_cost(field: Field, size: Size) -> int:
    if field.kind == "leaf" or field.returns in FREE:
        return 0
    if field.kind != "connection":
        return 1 + _selections_cost(field.inner, size)
    chosen = [one for one in (field.inner, field.edges) if one is not None]
    return 2 + size_factor(size(field)) * sum(1 + _selections_cost(one, size) for one in chosen)


def _selections_cost(selections: Selections | None, size: Size) -> int:
    if selections is None:
        return 0
    return max(sum(_field_cost(field, size) for field in one.fields) for one in selections.by_type.values())


def per_field(root: Selections, request: Request) -> list[dict[str, Any]]:
    """`extensions.cost.fields`: what each root field was asked to cost."""

    def asked(field: Field) -> int:
        args = field.args(request)
        return int(args.get("first") or args.get("last") or 0)

    rows = []
    for field in next(iter(root.by_type.values())).fields:
        whole = _field_cost(field, asked)
        own = 0 if field.kind == "leaf" else 1
        row = {"path": [field.key], "definedCost": own, "requestedTotalCost": whole}
        rows.append({**row, "requestedChildrenCost": whole - own})
    return rows
