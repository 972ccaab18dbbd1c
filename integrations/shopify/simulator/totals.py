"""An order's sums: `total…` as sold, `current…` as left after removals, returns and refunds.

https://shopify.dev/docs/api/admin-graphql/latest/objects/Order
"""

from __future__ import annotations

from dataclasses import dataclass

from integrations.shopify.simulator.model import Line, Order, Tax
from integrations.shopify.simulator.money import NOTHING, Bag, total

RECEIVED = ("SALE", "CAPTURE")


@dataclass(slots=True)
class Totals:
    """Everything an order's money fields need."""

    subtotal: Bag
    shipping_price: Bag
    shipping: Bag
    tax: Bag
    discounts: Bag
    total: Bag
    current_subtotal: Bag
    current_shipping: Bag
    current_tax: Bag
    current_discounts: Bag
    current_total: Bag
    received: Bag
    refunded: Bag
    refunded_shipping: Bag
    adjustments: Bag
    capturable: Bag
    rounding: Bag

    @property
    def net_payment(self) -> Bag:
        """What the shop keeps."""
        return self.received.minus(self.refunded)

    @property
    def outstanding(self) -> Bag:
        """What is still to be paid; negative when the shop owes."""
        return self.current_total.plus(self.rounding).minus(self.net_payment)


def totals(order: Order) -> Totals:
    """The order's sums, computed once per change."""
    if order.known is None:
        order.known = _compute(order)
    known: Totals = order.known
    return known


def _compute(order: Order) -> Totals:
    lines, shipping = order.lines, order.shipping
    subtotal = total(line.net for line in lines)
    delivery = total(one.discounted for one in shipping)
    tax = total(line.tax for line in lines).plus(total(one.tax for one in shipping))
    left = total(line.still(line.net) for line in lines)
    left_delivery = delivery.minus(total(one.refunded for one in shipping))
    left_tax = total(line.tax_left for line in lines)
    left_tax = left_tax.plus(total(one.tax.minus(one.refunded_tax) for one in shipping))
    adjustments = total(refund.adjustment[2] for refund in order.refunds if refund.adjustment)
    on_top = not order.taxes_included
    shipping_discount = total(part.amount for one in shipping for part in one.allocations)
    extras = order.tip.plus(order.duties).plus(order.fees)
    current = left.plus(left_delivery).plus(extras).plus(adjustments if order.adjusted else NOTHING)
    return Totals(
        subtotal=subtotal,
        shipping_price=total(one.price for one in shipping),
        shipping=delivery,
        tax=tax,
        discounts=total(line.discount for line in lines).plus(shipping_discount),
        total=subtotal.plus(delivery).plus(extras).plus(tax if on_top else NOTHING),
        current_subtotal=left,
        current_shipping=left_delivery,
        current_tax=left_tax,
        current_discounts=total(line.still(line.discount) for line in lines).plus(shipping_discount),
        current_total=current.plus(left_tax if on_top else NOTHING),
        received=_moved(order, *RECEIVED),
        refunded=_moved(order, "REFUND"),
        refunded_shipping=total(one.refunded for one in shipping),
        adjustments=adjustments,
        capturable=_capturable(order),
        rounding=order.cash_rounding,
    )


def _moved(order: Order, *kinds: str) -> Bag:
    return total(one.amount for one in order.transactions if one.kind in kinds and one.status == "SUCCESS")


def _capturable(order: Order) -> Bag:
    done = {id(one.parent) for one in order.transactions if one.kind in ("CAPTURE", "VOID")}
    return total(one.amount for one in order.transactions if one.kind == "AUTHORIZATION" and id(one) not in done)


def financial_status(order: Order) -> str:
    """`displayFinancialStatus`."""
    sums = totals(order)
    received, refunded = sums.received.shop, sums.refunded.shop
    if refunded:
        return "REFUNDED" if refunded >= received else "PARTIALLY_REFUNDED"
    if received:
        return "PARTIALLY_PAID" if sums.outstanding.shop > 0 else "PAID"
    if order.cancelled is not None:
        return "VOIDED"
    if sums.capturable.shop:
        return "AUTHORIZED"
    return "PAID" if sums.total.shop == 0 else "PENDING"


def fulfillment_status(order: Order) -> str:
    """`displayFulfillmentStatus`."""
    waiting, sent = sum(line.unfulfilled for line in order.lines), sum(line.fulfilled for line in order.lines)
    if not waiting:
        return "FULFILLED" if sent else "FULFILLMENT_NOT_REQUIRED"
    if sent:
        return "PARTIALLY_FULFILLED"
    return "ON_HOLD" if any(one.status == "ON_HOLD" for one in order.fulfillment_orders) else "UNFULFILLED"


def net_without_tax(line: Line) -> Bag:
    """What is left of the line after everything, tax excluded."""
    net = line.still(line.net)
    return net.minus(line.tax_left) if line.order.taxes_included else net


def taxes_of(order: Order, current: bool = False) -> list[Tax]:
    """The order's taxes, summed by title and rate."""
    sums: dict[tuple[str, str], Bag] = {}
    for line in order.lines:
        for tax in line.taxes:
            amount = line.still(tax.amount) if current else tax.amount
            sums[tax.title, tax.rate] = sums.get((tax.title, tax.rate), NOTHING).plus(amount)
    for one in order.shipping:
        for tax in one.taxes:
            sums[tax.title, tax.rate] = sums.get((tax.title, tax.rate), NOTHING).plus(tax.amount)
    return [Tax(title, rate, amount) for (title, rate), amount in sums.items()]
