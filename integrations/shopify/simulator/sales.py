"""The ledger of an order: what was agreed when it was placed, edited and refunded, in signed rows.

https://shopify.dev/docs/api/admin-graphql/latest/interfaces/SalesAgreement
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.shopify.simulator.clock import stamp
from integrations.shopify.simulator.model import Line, Order, Refund, RefundLine, Shipping, Tax, gid
from integrations.shopify.simulator.money import NOTHING, Bag, total
from integrations.shopify.simulator.plan import Request, resolves


@resolves("Order", "agreements")
def agreements(order: Order, _: Mapping[str, Any], request: Request) -> list[dict[str, Any]]:
    """Oldest first."""
    return ledger(order)


def ledger(order: Order) -> list[dict[str, Any]]:
    """The order's agreements: those frozen by edits, and those of its refunds."""
    placed = order.agreements if order.agreements is not None else [placed_agreement(order)]
    return sorted([*placed, *map(refund_agreement, order.refunds)], key=lambda one: str(one["happenedAt"]))


def placed_agreement(order: Order) -> dict[str, Any]:
    """What the buyer agreed to first."""
    rows = [line_sale(line, line.net, line.discount, line.taxes, line.quantity, "ORDER") for line in order.lines]
    rows += [shipping_sale(one, one.discounted, one.taxes, "ORDER") for one in order.shipping]
    extras = (
        ("TipSale", "TIP", order.tip),
        ("DutySale", "DUTY", order.duties),
        ("AdditionalFeeSale", "ADDITIONAL_FEE", order.fees),
    )
    charged = (one for one in extras if one[2] != NOTHING)
    rows += [sale(order, name, kind, "ORDER", order.id, None, bag, NOTHING, ()) for name, kind, bag in charged]
    return agreement(order, "OrderAgreement", "ORDER", order.created, order.id, rows)


Change = tuple[Line, int, Bag, Sequence[Tax]]
"""(line, units, net, taxes) of an edit, all signed."""


def edit_agreement(order: Order, at: int, changes: Sequence[Change]) -> dict[str, Any]:
    """What an edit changed."""
    rows = [line_sale(line, net, NOTHING, taxes, units, "UPDATE") for line, units, net, taxes in changes]
    return agreement(order, "OrderEditAgreement", "ORDER_EDIT", at, order.id * 10 + len(order.agreements or ()), rows)


def refund_agreement(refund: Refund) -> dict[str, Any]:
    """What a refund took back."""
    order = refund.order
    rows = [_refund_sale(one) for one in refund.lines]
    for _, shipping, amount, tax in refund.shipping:
        taxes = [Tax(one.title, one.rate, NOTHING.minus(tax)) for one in shipping.taxes[:1]]
        rows.append(shipping_sale(shipping, NOTHING.minus(amount), taxes, "RETURN"))
    if refund.adjustment is not None:
        number, _, amount = refund.adjustment
        rows.append(sale(order, "AdjustmentSale", "ADJUSTMENT", "RETURN", number, None, amount, NOTHING, ()))
    return agreement(order, "RefundAgreement", "REFUND", refund.at, refund.id, rows)


def _refund_sale(one: RefundLine) -> dict[str, Any]:
    taxes = [negative(tax) for tax in one.taxes]
    return line_sale(one.line, NOTHING.minus(one.subtotal), NOTHING, taxes, -one.quantity, "RETURN")


def negative(tax: Tax) -> Tax:
    """The same tax, taken back."""
    return Tax(tax.title, tax.rate, NOTHING.minus(tax.amount))


def agreement(order: Order, kind: str, reason: str, at: int, number: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One agreement."""
    return {
        "__typename": kind,
        "id": gid(kind, number),
        "happenedAt": stamp(at),
        "reason": reason,
        "sales": rows,
    }


def line_sale(line: Line, net: Bag, discount: Bag, taxes: Sequence[Tax], quantity: int, action: str) -> dict[str, Any]:
    """Goods or a gift card."""
    kind, line_type = ("GiftCardSale", "GIFT_CARD") if line.gift_card else ("ProductSale", "PRODUCT")
    return {**sale(line.order, kind, line_type, action, line.id, quantity, net, discount, taxes), "lineItem": line}


def shipping_sale(one: Shipping, net: Bag, taxes: Sequence[Tax], action: str) -> dict[str, Any]:
    """Delivery."""
    return sale(one.order, "ShippingLineSale", "SHIPPING", action, one.id, None, net, NOTHING, taxes)


def sale(
    order: Order,
    kind: str,
    line_type: str,
    action: str,
    number: int,
    quantity: int | None,
    net: Bag,
    discount: Bag,
    taxes: Sequence[Tax],
) -> dict[str, Any]:
    """One row. `totalAmount` contains the tax."""
    record = order.exchange.record
    tax = total(one.amount for one in taxes)
    return {
        "__typename": kind,
        "id": gid(kind, number),
        "actionType": action,
        "lineType": line_type,
        "quantity": quantity,
        "totalAmount": record(net if order.taxes_included else net.plus(tax)),
        "totalTaxAmount": record(tax),
        "totalDiscountAmountBeforeTaxes": record(discount),
        "totalDiscountAmountAfterTaxes": record(discount),
        "taxes": [{"amount": record(one.amount), "taxLine": (order, one)} for one in taxes],
    }
