"""Which sale a returned row belongs to, and what it makes of the order: a refund, or a cancellation."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from deployments.shop.invoices import UNMATCHED, Invoice, Row

REFUNDED, CANCELLED = "refunded", "cancelled"
OTHER_PRICE = "refunded at the sale's price"


@dataclass(slots=True)
class Sale:
    """A line that something may come back from. `left`: units that have not come back yet."""

    invoice: Invoice
    line: int
    price: str
    left: int


@dataclass(slots=True)
class Return:
    """What one cancellation invoice gives back of one order: units by the line's place."""

    invoice: Invoice
    number: str
    at: datetime
    units: Counter[int] = field(default_factory=Counter)
    kinds: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether every unit of the order comes back at once."""
        lines = self.invoice.lines
        return len(self.units) == len(lines) and all(
            self.units[at] == line["quantity"] for at, line in enumerate(lines)
        )


def match(invoices: Iterable[Invoice], returned: Sequence[Row], counts: Counter[str]) -> list[Return]:
    """The returns that have a sale, oldest first; counts each row.

    A sale matches that is not later, of the same customer and code, with enough units left: the newest at the same
    price, else the newest at any.
    """
    sales = sales_of(invoices, {(row.customer, row.code) for row in returned if row.customer})
    found: dict[tuple[str, str], Return] = {}
    for row in sorted(returned, key=lambda row: row.at):
        sale = the_sale(sales.get((row.customer, row.code), ()), row)
        if sale is None:
            counts[UNMATCHED] += 1
            continue
        sale.left += row.quantity
        key = (sale.invoice.number, row.invoice)
        back = found.setdefault(key, Return(sale.invoice, row.invoice, row.at))
        back.units[sale.line] -= row.quantity
        back.kinds.append(REFUNDED if sale.price == row.price else OTHER_PRICE)
    for back in found.values():
        counts.update([CANCELLED] * len(back.kinds) if back.whole else back.kinds)
    return list(found.values())


def sales_of(invoices: Iterable[Invoice], wanted: set[tuple[str, str]]) -> dict[tuple[str, str], list[Sale]]:
    """The lines of these customers and codes, oldest first as the invoices are."""
    sales: dict[tuple[str, str], list[Sale]] = defaultdict(list)
    for invoice in invoices:
        for at, line in enumerate(invoice.lines):
            key = (invoice.customer, line["sku"])
            if key in wanted:
                sales[key].append(Sale(invoice, at, line["price"], line["quantity"]))
    return sales


def the_sale(sales: Sequence[Sale], row: Row) -> Sale | None:
    """The sale that `row` takes back."""
    enough = [sale for sale in sales if sale.left >= -row.quantity and sale.invoice.at <= row.at]
    same = [sale for sale in enough if sale.price == row.price]
    best = same or enough
    return best[-1] if best else None
