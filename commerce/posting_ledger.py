"""What the storefront's own ledger says of a sale or a refund, where an order keeps one and it adds up.

Edits show in it as rows of their own, to the cent, so that nothing has to be told from what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from commerce.errors import Unmappable
from commerce.money import Money, money, total
from commerce.orders import Agreement, Line, Order, Refund, Sale, Tax
from commerce.posting_parts import LineKind, Part, name_of

KINDS: dict[str, tuple[LineKind, str]] = {
    "product": ("goods", "Item"),
    "gift_card": ("gift_card_sold", "Gift card"),
    "shipping": ("shipping", "Shipping"),
    "tip": ("tip", "Tip"),
    "duty": ("duty", "Duties"),
    "fee": ("fee", "Fees"),
    "additional_fee": ("fee", "Fees"),
    "adjustment": ("adjustment", "Adjustment"),
}
GOODS = ("product", "gift_card")


class Sold(NamedTuple):
    """The rows of the order and of its edits, and what they come to."""

    rows: tuple[Sale, ...]
    total: Money


def sold(order: Order) -> Sold | None:
    """What was sold as the ledger says it; None without a ledger, or when it does not explain what is left.

    None as well when adjustments of refunds gave back what edits took away: the sale stays as it was placed then.
    """
    if not order.agreements or not _explains_what_is_left(order):
        return None
    rows = tuple(row for one in order.agreements if one.of_sale for row in one.sales)
    found = Sold(rows, worth(rows, order.currency))
    less = taken_away(order, found)
    adjusted = total((refund.adjustment + refund.adjustment_tax for refund in order.refunds), order.currency)
    return None if less and adjusted.amount >= less.amount else found


def _explains_what_is_left(order: Order) -> bool:
    rows = [row for one in order.agreements for row in one.sales]
    everything = worth(rows, order.currency)
    adjusted = worth((row for row in rows if row.kind == "adjustment"), order.currency)
    left = order.current_total
    # Whether adjustments and cash rounding are part of what is left differs between storefronts.
    sums = {one.amount for one in (everything, everything - adjusted)}
    return bool({left.amount, (left - order.cash_rounding).amount, (left + order.cash_rounding).amount} & sums)


def worth(rows: Iterable[Sale], currency: str) -> Money:
    """What rows come to."""
    return total((row.amount for row in rows), currency)


def edited_lines(order: Order, ledger: Sold) -> dict[str, list[Part]]:
    """Parts of the lines that an edit changed, by line id: only the ledger knows their discount and tax to the cent."""
    edits = (one for one in order.agreements if one.reason == "order_edit")
    changed = {row.line_id for one in edits for row in one.sales if row.line_id}
    return {each: parts_of(order, [row for row in ledger.rows if row.line_id == each]) for each in changed}


def taken_away(order: Order, ledger: Sold) -> Money:
    """What edits took away from the order as it was placed; nothing when they added."""
    placed = worth((row for one in order.agreements if one.reason == "order" for row in one.sales), order.currency)
    less = placed - ledger.total
    return less if less.amount > 0 else order.zero()


def owed(order: Order, ledger: Sold) -> Money:
    """What edits took away and has been paid for: less than was placed, or added, paid and taken away again.

    The latter is no more than edits took away, and no more than came in beyond what is sold.
    """
    edits = (one for one in order.agreements if one.reason == "order_edit")
    less = (row.amount for one in edits for row in one.sales if row.amount.amount < 0)
    came_in = (paid.amount for paid in order.payments if paid.kind in ("sale", "capture"))
    again = min(-total(less, order.currency).amount, (total(came_in, order.currency) - ledger.total).amount)
    return max(taken_away(order, ledger), money(max(again, Decimal(0)), order.currency), key=lambda one: one.amount)


def of_refund(order: Order, refund: Refund) -> Agreement | None:
    """The agreement of a refund: they come in the same order, when there are as many."""
    agreements = sorted((one for one in order.agreements if one.reason == "refund"), key=lambda one: one.at)
    oldest_first = sorted(order.refunds, key=lambda one: (one.at, one.id))
    place = [one.id for one in oldest_first].index(refund.id)
    return agreements[place] if len(agreements) == len(oldest_first) else None


def parts_of(order: Order, rows: Sequence[Sale], *, back: bool = False) -> list[Part]:
    """Rows as parts: one for each line, one for each other kind. `back`: they take back, so their signs turn.

    Raises Unmappable("total") for a row whose kind nobody knows.
    """
    groups: dict[tuple[str, str], list[Sale]] = {}
    for row in rows:
        if row.kind not in KINDS:
            raise Unmappable("total", f"the storefront's ledger has a row of the kind {row.kind!r}")
        groups.setdefault((row.kind, row.line_id), []).append(row)
    parts = [_part(order, kind, line_id, group, -1 if back else 1) for (kind, line_id), group in groups.items()]
    return [part for part in parts if part.gross or part.discount or part.taxes]


def _part(order: Order, kind: str, line_id: str, rows: Sequence[Sale], sign: int) -> Part:
    line = order.line(line_id)
    amount = worth(rows, order.currency) * sign
    taxes = tuple(_merged(rows, sign))
    net = amount if order.taxes_included else amount - total((one.amount for one in taxes), order.currency)
    units = sign * sum(row.quantity or 0 for row in rows)
    words, named = KINDS[kind]
    if kind not in GOODS or units <= 0:
        return Part(words, name_of(line) if line else named, None, net, order.zero(), taxes)
    return _units(words, line, named, units, net, taxes)


def _units(kind: LineKind, line: Line | None, named: str, units: int, net: Money, taxes: tuple[Tax, ...]) -> Part:
    gross = line.unit_price * units if line else net
    if gross.amount < net.amount:  # sold dearer than its list price: no discount
        gross = net
    return Part(kind, name_of(line) if line else named, units, gross, gross - net, taxes)


def _merged(rows: Sequence[Sale], sign: int) -> Iterable[Tax]:
    sums: dict[tuple[object, ...], Tax] = {}
    for row in rows:
        told = total((tax.amount for tax in row.taxes), row.amount.currency)
        untold = (Tax(title="Tax", amount=row.tax - told),) if row.tax != told else ()
        for tax in (*row.taxes, *untold):
            key = (tax.title, tax.rate, tax.remitted_by_channel)
            known = sums[key].amount if key in sums else tax.amount * 0
            sums[key] = tax.model_copy(update={"amount": known + tax.amount * sign})
    return (tax for tax in sums.values() if tax.amount)
