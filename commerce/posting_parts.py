"""The parts of a sale and of a refund: units, shipping and adjustments at list price, with their discount and taxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from commerce.money import Money
from commerce.orders import Line, Order, Refund, RefundLine, ShippingCharge, Tax

LineKind = Literal[
    "goods",
    "gift_card_sold",
    "shipping",
    "discount",
    "tax",
    "tip",
    "duty",
    "fee",
    "adjustment",
    "rounding",
    "gift_card_redeemed",
]


class Part(NamedTuple):
    """A thing sold or taken back. With taxes included, `gross` and `discount` contain tax."""

    kind: LineKind
    description: str
    quantity: int | None
    gross: Money
    discount: Money
    taxes: tuple[Tax, ...]


def sold_parts(
    order: Order, removed: Mapping[str, int], exact: Mapping[str, Sequence[Part]] = MappingProxyType({})
) -> list[Part]:
    """Goods and shipping of the sale without the `removed` units; their discount and tax go with them, by the cent.

    `exact` are parts that are known better, by line id.
    """
    goods: list[Part] = []
    for line in order.lines:
        goods += exact.get(line.id) or (
            [] if line.id in exact else [_sold_part(order, line, line.quantity - removed.get(line.id, 0))]
        )
    shipping = [_shipping_part(charge) for charge in order.shipping if not charge.removed]
    return [part for part in goods if part.quantity or part.gross] + [
        part for part in shipping if part.gross or part.taxes
    ]


def is_tip(order: Order, line: Line) -> bool:
    """Whether the line is the order's tip, which the storefront names in its sums as well."""
    return bool(order.tip) and not line.sku and line.title.lower() == "tip" and line.net == order.tip


def _sold_part(order: Order, line: Line, units: int) -> Part:
    shares = [units, line.quantity - units]
    kind: LineKind = "tip" if is_tip(order, line) else "gift_card_sold" if line.gift_card else "goods"
    return Part(
        kind=kind,
        description=name_of(line),
        quantity=units,
        gross=line.unit_price * units,
        discount=_share(line.discount, shares),
        taxes=tuple(tax.model_copy(update={"amount": _share(tax.amount, shares)}) for tax in line.taxes),
    )


def _share(amount: Money, shares: list[int]) -> Money:
    return amount.split(shares)[0] if shares[1] else amount


def _shipping_part(charge: ShippingCharge) -> Part:
    return Part("shipping", charge.title or "Shipping", None, charge.price, charge.discount, charge.taxes)


def taken_back_parts(order: Order, refund: Refund, *, tax_beside: bool = False) -> list[Part]:
    """What a refund takes back: units, shipping, and what was given beyond or held back below them.

    Money for nothing that is named is given beyond them.

    `tax_beside`: shipping and adjustment do not contain their tax although the order's prices contain it.
    """
    nothing = order.zero()
    parts = [_returned_part(order, back) for back in refund.lines if back.subtotal or back.tax]
    shipping_taxes = _spread(refund.shipping_tax, [tax for charge in order.shipping for tax in charge.taxes])
    adjustment_taxes = _spread(refund.adjustment_tax, [tax for line in order.lines for tax in line.taxes])
    inside = refund.shipping_tax if tax_beside else nothing
    if refund.shipping or refund.shipping_tax:
        parts.append(Part("shipping", "Shipping", None, refund.shipping + inside, nothing, shipping_taxes))
    inside = refund.adjustment_tax if tax_beside else nothing
    if refund.adjustment or refund.adjustment_tax:
        parts.append(Part("adjustment", "Adjustment", None, refund.adjustment + inside, nothing, adjustment_taxes))
    if is_bare(refund):
        parts.append(Part("adjustment", "Adjustment", None, refund.total, nothing, ()))
    return parts


def is_bare(refund: Refund) -> bool:
    """Whether a refund is money only, and says of nothing what it is for."""
    named = (refund.shipping, refund.shipping_tax, refund.adjustment, refund.adjustment_tax)
    return not refund.lines and not any(named)


def _returned_part(order: Order, back: RefundLine) -> Part:
    line = order.line(back.line_id)
    if line is None:
        return Part("goods", "Returned", back.quantity, back.subtotal, order.zero(), _spread(back.tax, []))
    gross = line.unit_price * back.quantity
    if gross.amount < back.subtotal.amount:  # more was given back than the list price: no discount to take back
        gross = back.subtotal
    kind: LineKind = "gift_card_sold" if line.gift_card else "goods"
    return Part(kind, name_of(line), back.quantity, gross, gross - back.subtotal, _spread(back.tax, line.taxes))


def _spread(amount: Money, like: Sequence[Tax]) -> tuple[Tax, ...]:
    """`amount` over the taxes that were charged, in their proportion."""
    if not amount:
        return ()
    if not like:
        return (Tax(title="Tax", amount=amount),)
    parts = amount.split([abs(tax.amount.amount) for tax in like])
    return tuple(tax.model_copy(update={"amount": part}) for tax, part in zip(like, parts, strict=True))


def name_of(line: Line) -> str:
    """Title, variant and SKU, e.g. "Mug, red (MUG-RED)"."""
    name = ", ".join(part for part in (line.title, line.variant_title) if part) or "Item"
    return f"{name} ({line.sku})" if line.sku else name
