"""What an order and its refunds mean in the books, whatever program keeps them.

A sale is what was sold at first, without units that an order edit took away; a refund takes back part of it. Both add
up to the cent to what the storefront says, or are refused: the books never hold a sum that nobody can explain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal

from commerce.errors import Unmappable
from commerce.money import Exact, Money, money, total
from commerce.orders import Order, Refund, Tax
from commerce.posting_ledger import Sold, edited_lines, of_refund, owed, parts_of, sold
from commerce.posting_parts import LineKind, Part, is_bare, is_tip, sold_parts, taken_back_parts
from commerce.values import Frozen, Moment

ROUNDING_LIMIT = Decimal("0.05")
"""The most that one document may put on its rounding line, unless the merchant says otherwise."""

CENT_PER_LINE = Decimal("0.01")


class PostingLine(Frozen):
    """One line of a document. A positive `amount` raises the document's total; discounts and tenders are negative.

    `quantity` and `unit_price` are given when they multiply to `amount` exactly; `quantity` alone when they do not.
    A tax line has the tax's `title` and `rate` (a fraction).
    """

    kind: LineKind
    description: str
    amount: Money
    quantity: int | None = None
    unit_price: Money | None = None
    title: str = ""
    rate: Exact | None = None


class Posting(Frozen):
    """One document for the books, in shop currency.

    `id` is the storefront's id of the order or refund, `position` counts an order's refunds from 1. `total` is what
    moves through the clearing account: `order_total`, what the storefront states, less what gift cards paid and what
    the channel kept as tax. The amounts of `lines` add up to `total`.
    """

    kind: Literal["sale", "refund"]
    id: str
    number: str
    position: int = 0
    at: Moment
    lines: tuple[PostingLine, ...]
    total: Money
    order_total: Money


def sale(order: Order, *, rounding_limit: Decimal = ROUNDING_LIMIT) -> Posting:
    """The order as it was sold, dated when the storefront processed it.

    Raises Unmappable("total") when the lines do not add up to what the storefront says.
    """
    ledger = sold(order)
    parts = (
        sold_parts(order, {}, edited_lines(order, ledger)) if ledger else sold_parts(order, units_edited_away(order))
    )
    lines = [*lines_of(parts, order.taxes_included, _codes(order)), *_extras(order)]
    stated = _nearest(total_of(lines, order.currency), _stated_totals(order, ledger))
    try:
        lines = balanced(lines, stated, limit=rounding_limit, parts=len(parts))
    except Unmappable:
        if ledger is None:
            raise
        parts, stated = parts_of(order, ledger.rows), ledger.total
        lines = balanced(
            lines_of(parts, order.taxes_included, _codes(order)), stated, limit=rounding_limit, parts=len(parts)
        )
    lines += _kept_by_channel(parts)
    paid_by_card = total(
        (paid.amount for paid in order.payments if paid.by_gift_card and _in(paid.kind)), order.currency
    )
    lines += _by_gift_card(paid_by_card, total_of(lines, order.currency), "Paid by gift card")
    return Posting(
        kind="sale",
        id=order.id,
        number=order.number,
        at=order.processed_at,
        lines=tuple(lines) or (_nothing(order),),
        total=total_of(lines, order.currency),
        order_total=stated,
    )


def refunds(order: Order, *, rounding_limit: Decimal = ROUNDING_LIMIT) -> list[Posting]:
    """One posting for each refund that gave money back, oldest first; a mere restocking is no business of the books.

    Neither is money that only settles what an edit took away: the sale already is without it. Raises
    Unmappable("total") when lines and money of one do not agree.
    """
    oldest_first = sorted(order.refunds, key=lambda refund: (refund.at, refund.id))
    unsettled = _taken_away(order)
    postings = []
    for position, refund in enumerate(oldest_first, start=1):
        settled = _settled(order, refund, unsettled, rounding_limit)
        unsettled, stated = unsettled - settled, refund.total - settled
        if stated:
            left = refund.model_copy(update={"total": stated})
            postings.append(_refund(order, left, position, rounding_limit))
    return postings


def _settled(order: Order, refund: Refund, unsettled: Money, limit: Decimal) -> Money:
    """How much of a refund's money is for nothing that it names, and settles what edits took away."""
    named = order.zero()
    if not is_bare(refund):
        named = total_of(lines_of(taken_back_parts(order, refund), order.taxes_included, ""), order.currency)
    gap = min(refund.total.amount - named.amount, unsettled.amount)
    return money(gap, order.currency) if gap > limit else order.zero()


def _taken_away(order: Order) -> Money:
    """What edits took away without a refund of it."""
    ledger = sold(order)
    if ledger:
        return owed(order, ledger)
    whole, left = (_worth(order, sold_parts(order, without)) for without in ({}, units_edited_away(order)))
    return whole - left


def _refund(order: Order, refund: Refund, position: int, rounding_limit: Decimal) -> Posting:
    parts = taken_back_parts(order, refund)
    lines = lines_of(parts, order.taxes_included, "")
    if order.taxes_included and total_of(lines, order.currency) != refund.total:
        # Whether the tax of shipping and adjustments is inside their amounts is not told: the refund's total decides.
        beside = lines_of(taken_back_parts(order, refund, tax_beside=True), order.taxes_included, "")
        lines = beside if total_of(beside, order.currency) == refund.total else lines
    lines += _rounded_cash(refund.total - total_of(lines, order.currency), order)
    try:
        lines = balanced(lines, refund.total, limit=rounding_limit, parts=len(parts))
    except Unmappable:
        agreed = of_refund(order, refund) if sold(order) else None
        if agreed is None:
            raise
        parts = parts_of(order, agreed.sales, back=True)
        lines = lines_of(parts, order.taxes_included, "")
        lines = balanced(lines, refund.total, limit=rounding_limit, parts=len(parts))
    lines += _kept_by_channel(parts)
    to_card = total((paid.amount for paid in refund.payments if paid.by_gift_card), order.currency)
    lines += _by_gift_card(to_card, total_of(lines, order.currency), "Given back on a gift card")
    return Posting(
        kind="refund",
        id=refund.id,
        number=order.number,
        position=position,
        at=refund.at,
        lines=tuple(lines),
        total=total_of(lines, order.currency),
        order_total=refund.total,
    )


def _rounded_cash(gap: Money, order: Order) -> list[PostingLine]:
    """What a refund in cash was rounded by, when that is just what is missing."""
    rounding = order.refund_rounding
    if not rounding or abs(gap.amount) != abs(rounding.amount):
        return []
    return [PostingLine(kind="rounding", description="Cash rounding", amount=gap)]


def units_edited_away(order: Order) -> dict[str, int]:
    """Units by line id that an order edit removed without a refund of them.

    None when the order was cancelled as a whole, and none when refunds gave back the removed units' worth as an
    adjustment: in both cases the sale stays as it was and the refund takes it back.
    """
    refunded: Counter[str] = Counter()
    for refund in order.refunds:
        for back in refund.lines:
            refunded[back.line_id] += back.quantity
    if order.cancelled and not refunded:
        return {}
    removed = {line.id: max(0, line.quantity - line.current - refunded[line.id]) for line in order.lines}
    removed = {line_id: units for line_id, units in removed.items() if units}
    return {} if _given_back_as_adjustment(order, removed) else removed


def _given_back_as_adjustment(order: Order, removed: dict[str, int]) -> bool:
    if not removed:
        return False
    adjusted = total((refund.adjustment + refund.adjustment_tax for refund in order.refunds), order.currency)
    whole, left = (_worth(order, sold_parts(order, without)) for without in ({}, removed))
    return adjusted.amount >= (whole - left).amount > 0


def _worth(order: Order, parts: Sequence[Part]) -> Money:
    return total_of(lines_of(parts, order.taxes_included, ""), order.currency)


def lines_of(parts: Sequence[Part], taxes_included: bool, codes: str) -> list[PostingLine]:
    """Parts at list price without tax, one line of discounts, one line for each tax."""
    lines, discount = [], None
    for part in parts:
        gross, off = without_tax(part) if taxes_included else (part.gross, part.discount)
        lines.append(_priced(part, gross))
        discount = off if discount is None else discount + off
    if discount:
        lines.append(PostingLine(kind="discount", description=f"Discounts{codes}", amount=-discount))
    return lines + _tax_lines(tax for part in parts for tax in part.taxes)


def without_tax(part: Part) -> tuple[Money, Money]:
    """List price and discount of a part whose prices contain tax, less that tax; their difference is exact."""
    tax = total((tax.amount for tax in part.taxes), part.gross.currency)
    net = part.gross - part.discount
    if not tax or not net:
        return part.gross - tax, part.discount
    discount = (part.discount * ((net.amount - tax.amount) / net.amount)).rounded()
    return net - tax + discount, discount


def _priced(part: Part, amount: Money) -> PostingLine:
    """A line with a unit price where quantity times price gives the amount exactly."""
    price = money(amount.amount / part.quantity, amount.currency).rounded() if part.quantity else None
    exact = price is not None and price * (part.quantity or 0) == amount
    return PostingLine(
        kind=part.kind,
        description=part.description,
        amount=amount,
        quantity=part.quantity,
        unit_price=price if exact else None,
    )


def _tax_lines(taxes: Iterable[Tax]) -> list[PostingLine]:
    """One line for each title and rate, in the order they first appear."""
    sums: dict[tuple[str, Decimal | None], Money] = {}
    for tax in taxes:
        known = sums.get((tax.title, tax.rate))
        sums[tax.title, tax.rate] = tax.amount if known is None else known + tax.amount
    return [
        PostingLine(kind="tax", description=_tax_name(title, rate), amount=amount, title=title, rate=rate)
        for (title, rate), amount in sums.items()
        if amount
    ]


def _kept_by_channel(parts: Sequence[Part]) -> list[PostingLine]:
    """Taxes that a marketplace pays itself go out again where they came in: they are no liability of the shop."""
    remitted = (tax for part in parts for tax in part.taxes if tax.remitted_by_channel)
    return [
        line.model_copy(update={"amount": -line.amount, "description": f"{line.description}, paid by the channel"})
        for line in _tax_lines(remitted)
    ]


def _extras(order: Order) -> list[PostingLine]:
    """Duties, fees, tip, their tax, and cash rounding, where there are any."""
    known_tax = total([*(line.tax for line in order.lines), *(charge.tax for charge in order.shipping)], order.currency)
    untold = order.tax_total - known_tax
    taxed = (order.duties or order.fees) and not order.taxes_included and untold.amount > 0
    lines: list[tuple[LineKind, str, Money]] = [
        ("duty", "Duties", order.duties),
        ("fee", "Fees", order.fees),
        ("tip", "Tip", order.zero() if any(is_tip(order, line) for line in order.lines) else order.tip),
        ("tax", "Tax on duties and fees", untold if taxed else order.zero()),
        ("rounding", "Cash rounding", order.cash_rounding),
    ]
    return [PostingLine(kind=kind, description=words, amount=amount) for kind, words, amount in lines if amount]


def _by_gift_card(paid: Money, due: Money, words: str) -> list[PostingLine]:
    """A gift card is a tender, not a discount: it takes its part out of what moves through clearing."""
    part = min(paid.amount, due.amount)
    if part <= 0:
        return []
    return [PostingLine(kind="gift_card_redeemed", description=words, amount=-money(part, paid.currency))]


def balanced(lines: list[PostingLine], stated: Money, *, limit: Decimal, parts: int) -> list[PostingLine]:
    """The lines, with a rounding line for at most a cent per part and `limit` in all.

    Raises Unmappable("total") with both sums when more is missing.
    """
    summed = total_of(lines, stated.currency)
    gap = stated - summed
    if not gap:
        return lines
    if abs(gap.amount) > min(limit, CENT_PER_LINE * max(1, parts)):
        raise Unmappable(
            "total",
            f"the lines add up to {summed}, the storefront says {stated}",
            hint="compare the order's lines, taxes, shipping and refunds in the storefront; nothing was posted",
        )
    return [*lines, PostingLine(kind="rounding", description="Rounding", amount=gap)]


def total_of(lines: Iterable[PostingLine], currency: str) -> Money:
    """What the lines add up to."""
    return total((line.amount for line in lines), currency)


def _stated_totals(order: Order, ledger: Sold | None) -> list[Money]:
    """What the storefront says was sold.

    Its ledger, or its total, or, after an edit took things away, what is left plus what was given back. Whether
    adjustments lower `current_total`, and whether a total contains cash rounding, differs between storefronts, so both
    readings count.
    """
    removed = bool(units_edited_away(order)) or any(charge.removed for charge in order.shipping)
    left = order.current_total + total((_given_back(order, refund) for refund in order.refunds), order.currency)
    adjusted = total((refund.adjustment + refund.adjustment_tax for refund in order.refunds), order.currency)
    after_edit = [left, left + adjusted]
    stated = after_edit if removed else [order.total, *(after_edit if order.edited else [])]
    stated = [ledger.total, *stated] if ledger else stated
    return stated + [one + order.cash_rounding for one in stated if order.cash_rounding]


def _given_back(order: Order, refund: Refund) -> Money:
    lines = total((line.subtotal for line in refund.lines), order.currency) + refund.shipping
    taxes = total((line.tax for line in refund.lines), order.currency) + refund.shipping_tax
    return lines if order.taxes_included else lines + taxes


def _nearest(summed: Money, stated: list[Money]) -> Money:
    return min(stated, key=lambda one: abs(one.amount - summed.amount))


def _nothing(order: Order) -> PostingLine:
    return PostingLine(kind="goods", description="Nothing is left of this order", amount=order.zero())


def _in(kind: str) -> bool:
    return kind in ("sale", "capture")


def _codes(order: Order) -> str:
    return f" ({', '.join(order.discount_codes)})" if order.discount_codes else ""


def _tax_name(title: str, rate: Decimal | None) -> str:
    return f"{title} {rate * 100:.4f}".rstrip("0").rstrip(".") + " %" if rate is not None else title
