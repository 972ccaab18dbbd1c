"""From Shopify's amounts, payments, refunds and ledger to ours. Values in, values out; everything in shop currency."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from commerce import orders as hub
from commerce.money import Money, total
from integrations.shopify import schemas
from integrations.shopify.scalars import Bag, MoneyV2

MONEY_KINDS = ("sale", "capture", "refund")


def to_money(amount: MoneyV2) -> Money:
    """With as many digits as the currency has, unless that would lose something."""
    exact = Money(amount=amount.amount, currency=amount.currency_code)
    rounded = exact.rounded()
    return rounded if rounded.amount == exact.amount else exact


def in_shop(bag: Bag) -> Money:
    """The amount in shop currency."""
    return to_money(bag.shop_money)


def to_taxes(raw: Iterable[schemas.Tax]) -> tuple[hub.Tax, ...]:
    """Taxes of a line. An unknown liability counts as the shop's own."""
    return tuple(
        hub.Tax(
            title=tax.title, rate=tax.rate, amount=in_shop(tax.price_set), remitted_by_channel=bool(tax.channel_liable)
        )
        for tax in raw
    )


def to_payments(raw: Sequence[schemas.Transaction]) -> tuple[hub.Payment, ...]:
    """Money that moved. Cash change that was handed back makes the payment it belongs to smaller."""
    moved = [one for one in raw if one.status == "success"]
    change: dict[str, Money] = {}
    for one in moved:
        if one.kind == "change":
            parent = one.parent_transaction.id if one.parent_transaction else _paid_in_cash(moved, one.gateway)
            given = in_shop(one.amount_set)
            change[parent] = change[parent] + given if parent in change else given
    return tuple(to_payment(one, change.get(one.id)) for one in moved if one.kind in MONEY_KINDS)


def _paid_in_cash(moved: Iterable[schemas.Transaction], gateway: str) -> str:
    return next((one.id for one in moved if one.kind == "sale" and one.gateway == gateway), "")


def to_payment(raw: schemas.Transaction, change: Money | None) -> hub.Payment:
    """One payment, without the change that was given."""
    amount = in_shop(raw.amount_set)
    return hub.Payment(
        id=raw.id,
        kind=raw.kind,
        gateway=raw.gateway,
        amount=amount - change if change else amount,
        at=raw.processed_at or raw.created_at,
    )


def to_refund(raw: schemas.Refund, currency: str) -> hub.Refund:
    """One refund. Shopify's adjustments are negative when more was given back; ours are positive then.

    Its total is the money that really went back: a transaction may be pending, or have failed.
    """
    shipping, adjustments = raw.refund_shipping_lines.nodes, raw.order_adjustments.nodes
    payments = to_payments(raw.transactions.nodes)
    returned = total((one.amount for one in payments if one.kind == "refund"), currency)
    return hub.Refund(
        id=raw.legacy_resource_id,
        at=raw.processed_at,
        note=raw.note,
        lines=tuple(to_refund_line(line) for line in raw.refund_line_items.nodes),
        shipping=total((in_shop(one.subtotal_amount_set) for one in shipping), currency),
        shipping_tax=total((in_shop(one.tax_amount_set) for one in shipping), currency),
        adjustment=-total((in_shop(one.amount_set) for one in adjustments), currency),
        adjustment_tax=-total((in_shop(one.tax_amount_set) for one in adjustments), currency),
        payments=payments,
        total=returned if raw.transactions.nodes else in_shop(raw.total_refunded_set),
    )


def to_refund_line(raw: schemas.RefundLine) -> hub.RefundLine:
    """Units given back."""
    return hub.RefundLine(
        line_id=raw.line_item.id,
        quantity=raw.quantity,
        subtotal=in_shop(raw.subtotal_set),
        tax=in_shop(raw.total_tax_set),
        restocked=raw.restocked,
    )


def to_agreement(raw: schemas.Agreement) -> hub.Agreement:
    """One agreement of the ledger."""
    return hub.Agreement(
        id=raw.id, at=raw.happened_at, reason=raw.reason, sales=tuple(to_sale(one) for one in raw.sales.nodes)
    )


def to_sale(raw: schemas.Sale) -> hub.Sale:
    """One signed row; Shopify's amounts contain the tax, with prices before tax as well."""
    return hub.Sale(
        kind=raw.line_type,
        line_id=raw.line_item.id if raw.line_item else "",
        quantity=raw.quantity,
        amount=in_shop(raw.total_amount),
        tax=in_shop(raw.total_tax_amount),
        taxes=tuple(
            hub.Tax(
                title=one.tax_line.title,
                rate=one.tax_line.rate,
                amount=in_shop(one.amount),
                remitted_by_channel=bool(one.tax_line.channel_liable),
            )
            for one in raw.taxes
        ),
    )
