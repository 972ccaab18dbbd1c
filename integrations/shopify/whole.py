"""Whole orders by id: every nested page read to its end, and what is wrong with one order held to that order.

https://shopify.dev/docs/api/admin-graphql/2026-10/queries/nodes
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from pydantic import ValidationError

from commerce.errors import Rejected, UnexpectedAnswer, Unmappable
from commerce.orders import Order
from commerce.ports import Unreadable
from integrations.shopify import documents, schemas
from integrations.shopify.documents import Document
from integrations.shopify.graphql import (
    TOO_COSTLY,
    VENDOR,
    FailedWithin,
    GraphQL,
    RefusedWithin,
    connection_at,
    short_id,
)
from integrations.shopify.ledger import agreements_of
from integrations.shopify.mapping import to_order
from integrations.shopify.scalars import tidy
from integrations.shopify.settings import ShopifySettings

log = logging.getLogger(__name__)

IN_ORDER = ("lineItems", "shippingLines", "fulfillmentOrders")
IN_REFUND = ("refundLineItems", "refundShippingLines", "orderAdjustments", "transactions")
AGAIN = "report it with the order's number; the order is read again when it changes"

MISSHAPEN = (KeyError, TypeError, AttributeError)
"""What a null or another shape where Shopify promises an object leads to."""

LONGEST_LABEL = 100

Raw = dict[str, Any]


class WholeOrders:
    """Reads orders as they are now, in calls of at most `batch`."""

    def __init__(self, graphql: GraphQL, settings: ShopifySettings, batch: int) -> None:
        self.batch = batch
        self._graphql, self._settings = graphql, settings

    def read(self, gids: Sequence[str]) -> Iterator[Order | Unreadable]:
        """The orders, mapped. What is deleted or no order is left out; what cannot be read says why."""
        whole: list[Raw] = []
        for gid, found in self.nodes(documents.ORDERS_BY_ID, gids):
            if isinstance(found, Unreadable):
                yield found
            elif found.get("__typename") == "Order":
                spoilt = self.completed(gid, found)
                if spoilt is None:
                    whole.append(found)
                else:
                    yield spoilt
        yield from self.finished(whole)

    def finished(self, whole: Sequence[Raw]) -> Iterator[Order | Unreadable]:
        """Complete raw orders with their ledgers where they need one, mapped."""
        changed = {str(one.get("id")): one for one in whole if needs_ledger(one)}
        spoilt: dict[str, Unreadable] = {}
        try:
            for gid, found in self.nodes(documents.LEDGERS_BY_ID, list(changed)):
                bad = found if isinstance(found, Unreadable) else self._with_ledger(gid, changed[gid], found)
                if bad:
                    spoilt[gid] = bad
        except Rejected as refused:
            log.warning("shopify: shows no ledger of sales, so changed orders are told from their lines: %s", refused)
        for one in whole:
            yield spoilt.get(str(one.get("id"))) or self.mapped(one)

    def nodes(
        self, document: Document, gids: Sequence[str], at_once: int = 0
    ) -> Iterator[tuple[str, Raw | Unreadable]]:
        """What `document` says of each; asked for in halves when Shopify finds them too costly or fails at one."""
        remaining = iter(gids)
        while batch := list(islice(remaining, at_once or self.batch)):
            yield from self._nodes(document, batch)

    def _nodes(self, document: Document, gids: Sequence[str]) -> Iterator[tuple[str, Raw | Unreadable]]:
        try:
            nodes = self._graphql.ask(document, ids=list(gids)).get("nodes")
            if not isinstance(nodes, list) or len(nodes) != len(gids):
                raise UnexpectedAnswer(VENDOR, f"answered {document.name} with other nodes than asked for")
        except (FailedWithin, RefusedWithin) as error:
            if len(gids) == 1:
                yield gids[0], self._unreadable(gids[0], {}, str(error), "it is read again when it changes")
                return
        except Rejected as refused:
            if refused.code != TOO_COSTLY or len(gids) == 1:
                raise
            self.batch = max(1, min(self.batch, len(gids)) // 2)
        except UnexpectedAnswer:  # too long, or cut off on its way: shorter ones may get through
            if len(gids) == 1:
                raise
        else:
            yield from ((gid, node) for gid, node in zip(gids, nodes, strict=True) if isinstance(node, dict))
            return
        yield from self._nodes(document, gids[: len(gids) // 2])
        yield from self._nodes(document, gids[len(gids) // 2 :])

    def completed(self, gid: str, raw: Raw) -> Unreadable | None:
        """Read every further page of everything nested in a raw order, in place; why it cannot be read, if so."""
        try:
            complete(self._graphql, raw)
        except MISSHAPEN as wrong:
            return self._unreadable(gid, raw, f"a list has another shape than promised ({wrong})", AGAIN)
        except (Rejected, UnexpectedAnswer) as error:
            return self._unreadable(gid, raw, str(error), error.hint or AGAIN)
        return None

    def _with_ledger(self, gid: str, raw: Raw, ledger: Raw) -> Unreadable | None:
        try:
            raw["agreements"] = agreements_of(self._graphql, ledger)
        except (*MISSHAPEN, ValueError) as wrong:
            return self._unreadable(gid, raw, f"its ledger has another shape than promised ({wrong})", AGAIN)
        except (Rejected, UnexpectedAnswer) as error:
            return self._unreadable(gid, raw, str(error), error.hint or AGAIN)
        return None

    def mapped(self, raw: Raw) -> Order | Unreadable:
        """The order, or why it cannot be read; without the values, which may be personal."""
        gid = str(raw.get("id", ""))
        try:
            read = schemas.Order.model_validate(tidy(raw))
            url = self._settings.order_url(read.legacy_resource_id)
            return to_order(read, source=self._settings.name, url=url)
        except Unmappable as error:
            return self._unreadable(gid, raw, str(error), error.hint or AGAIN)
        except ValidationError as error:
            return self._unreadable(gid, raw, brief(error), AGAIN)
        except ValueError as error:  # amounts in two currencies
            return self._unreadable(gid, raw, str(error), AGAIN)

    def _unreadable(self, gid: str, raw: Raw, reason: str, hint: str) -> Unreadable:
        name = raw.get("name")
        label = str(tidy(name))[:LONGEST_LABEL] if isinstance(name, str) and name else short_id(gid)
        words = reason if label in reason else f"Shopify's order {label}: {reason}"
        return Unreadable(subject=f"{self._settings.name}:{short_id(gid)}", label=label, reason=words, hint=hint)


def needs_ledger(raw: Raw) -> bool:
    """Whether the order is no longer what was sold at first, so that only its agreements say what was sold."""
    if raw.get("edited") or raw.get("refunds"):
        return True
    sold, left = (raw.get(name) or {} for name in ("totalPriceSet", "currentTotalPriceSet"))
    return bool(sold.get("shopMoney") != left.get("shopMoney")) if isinstance(sold, dict) else False


def complete(graphql: GraphQL, order: Raw) -> None:
    """Read the further pages of everything nested in a raw order, in place."""
    for field in IN_ORDER:
        if field in order:  # an order that is only to be fulfilled comes without its lines
            fill(graphql, "Order", order, field)
    for one in order["fulfillmentOrders"]["nodes"]:
        fill(graphql, "FulfillmentOrder", one, "lineItems")
    for one in order["fulfillments"]:
        fill(graphql, "Fulfillment", one, "fulfillmentLineItems")
    for one in order.get("refunds", ()):
        for field in IN_REFUND:
            fill(graphql, "Refund", one, field)


def fill(graphql: GraphQL, kind: str, owner: Raw, field: str) -> None:
    """Read the further pages of one nested connection, in place."""
    connection, nodes, seen = owner[field], list(owner[field]["nodes"]), {None}
    while connection["pageInfo"]["hasNextPage"]:
        document, after = documents.MORE[kind, field], connection["pageInfo"]["endCursor"]
        if after in seen:
            raise UnexpectedAnswer(VENDOR, f"{document.name}: pagination comes back to the same cursor")
        seen.add(after)
        connection = connection_at(graphql.ask(document, id=owner["id"], after=after), ("node", field), document)
        nodes += connection["nodes"]
    owner[field] = {"nodes": nodes, "pageInfo": connection["pageInfo"]}


def brief(error: ValidationError) -> str:
    """Where and what, without the values: they may be personal."""
    found: Iterable[Any] = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(str(step) for step in one['loc'])}: {one['msg']}" for one in islice(found, 3))
