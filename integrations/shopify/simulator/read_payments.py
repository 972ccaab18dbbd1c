"""How payments and refunds read. https://shopify.dev/docs/api/admin-graphql/latest/objects/OrderTransaction"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from integrations.shopify.simulator.clock import stamp
from integrations.shopify.simulator.model import Refund, RefundLine, Shipping, Transaction, gid
from integrations.shopify.simulator.money import NOTHING, Bag, total
from integrations.shopify.simulator.plan import GETTERS
from integrations.shopify.simulator.read_orders import empty, nothing

MANUAL = {"manual", "cash", "bank_deposit", "cash_on_delivery", "money_order"}

TRANSACTION: dict[str, Callable[[Transaction], Any]] = {
    "id": lambda one: gid("OrderTransaction", one.id),
    "kind": attrgetter("kind"),
    "status": attrgetter("status"),
    "gateway": attrgetter("gateway"),
    "formattedGateway": lambda one: one.gateway.replace("_", " ").title(),
    "manualPaymentGateway": lambda one: one.gateway in MANUAL,
    "test": lambda one: one.order.spec.get("test", False),
    "createdAt": lambda one: stamp(one.at),
    "processedAt": lambda one: stamp(one.at),
    "paymentId": lambda one: f"{one.order.name}.{one.order.transactions.index(one) + 1}",
    "errorCode": nothing,
    "accountNumber": nothing,
    "amountSet": lambda one: one.order.exchange.record(one.amount),
    "settlementCurrency": lambda one: one.order.exchange.shop if one.gateway == "shopify_payments" else None,
    "settlementCurrencyRate": lambda one: "1.0" if one.gateway == "shopify_payments" else None,
    "parentTransaction": attrgetter("parent"),
    "order": attrgetter("order"),
    "fees": empty,
}

REFUND: dict[str, Callable[[Refund], Any]] = {
    "id": lambda one: gid("Refund", one.id),
    "legacyResourceId": lambda one: str(one.id),
    "createdAt": lambda one: stamp(one.at),
    "processedAt": lambda one: stamp(one.at),
    "updatedAt": lambda one: stamp(one.at),
    "note": attrgetter("note"),
    "order": attrgetter("order"),
    "totalRefundedSet": lambda one: one.order.exchange.record(refunded_money(one)),
    "refundLineItems": attrgetter("lines"),
    "refundShippingLines": lambda one: [refund_shipping(one, *row) for row in one.shipping],
    "orderAdjustments": lambda one: [refund_adjustment(one)] if one.adjustment else [],
    "transactions": attrgetter("transactions"),
}


def refunded_money(refund: Refund) -> Bag:
    """The total amount across all transactions, as Shopify's page says: those that failed as well."""
    return total(one.amount for one in refund.transactions if one.kind == "REFUND")


def refund_shipping(refund: Refund, number: int, _: Shipping, amount: Bag, tax: Bag) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/objects/RefundShippingLine"""
    record = refund.order.exchange.record
    identity = {"__typename": "RefundShippingLine", "id": gid("RefundShippingLine", number)}
    return {**identity, "subtotalAmountSet": record(amount), "taxAmountSet": record(tax)}


def refund_adjustment(refund: Refund) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/objects/OrderAdjustment"""
    assert refund.adjustment is not None
    number, reason, amount = refund.adjustment
    record = refund.order.exchange.record
    identity = {"__typename": "OrderAdjustment", "id": gid("OrderAdjustment", number), "reason": reason}
    return {**identity, "amountSet": record(amount), "taxAmountSet": record(NOTHING)}


REFUND_LINE: dict[str, Callable[[RefundLine], Any]] = {
    "id": lambda one: gid("RefundLineItem", one.id),
    "quantity": attrgetter("quantity"),
    "restockType": attrgetter("restock"),
    "restocked": lambda one: one.restock != "NO_RESTOCK",
    "location": attrgetter("location"),
    "lineItem": attrgetter("line"),
    "priceSet": lambda one: one.line.order.exchange.record(one.line.unit),
    "subtotalSet": lambda one: one.line.order.exchange.record(one.subtotal),
    "totalTaxSet": lambda one: one.line.order.exchange.record(one.tax),
}

GETTERS.update({"OrderTransaction": TRANSACTION, "Refund": REFUND, "RefundLineItem": REFUND_LINE})
