"""Rows of invoices, as the "Online Retail" data set has them, sorted into sales, returns and what is neither.

The format and every rule: docs/order-files.md. https://doi.org/10.24432/C5BW33
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import IO, NamedTuple
from zoneinfo import ZoneInfo

from deployments.shop.plan import Spec

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
LONDON = ZoneInfo("Europe/London")
MOST_UNITS = 1_000_000
MOST_MONEY = Decimal(10_000_000)

SHIPPING = {"POST": "Postage", "DOT": "Dotcom postage", "C2": "Carriage"}
FEES = frozenset({"M", "D", "S", "B", "CRUK", "PADS", "AMAZONFEE", "BANK CHARGES"})
VOUCHER = "GIFT_"

SOLD, FREE, VOUCHERS, CHARGES = "sold", "given away", "gift vouchers sold", "shipping charges"
RETURNED, UNMATCHED = "returned", "returns without a sale"
ADJUSTMENTS, NO_PRODUCT, CORRECTIONS = "adjustments", "fees and manual entries", "stock corrections"
SHIPPING_BACK, UNREADABLE = "shipping given back", "unreadable or contradictory"
LONELY = "shipping charges without goods"


class Row(NamedTuple):
    """One row, tidied up: `price` has two decimals, `at` is UTC, `customer` is empty for a guest."""

    invoice: str
    code: str
    title: str
    quantity: int
    at: datetime
    price: str
    customer: str
    country: str


@dataclass(slots=True)
class Invoice:
    """What was sold under one number."""

    number: str
    at: datetime
    customer: str
    country: str
    lines: list[Spec] = field(default_factory=list)
    shipping: list[Spec] = field(default_factory=list)


@dataclass(slots=True)
class Product:
    """Something with a stock code. `price` is the last one paid."""

    title: str = ""
    price: str = "0.00"
    sold: int = 0
    voucher: bool = False


class Books:
    """All rows of a file. `counts` says what became of them; every row is counted once."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.invoices: dict[str, Invoice] = {}
        self.returns: list[Row] = []
        self.products: dict[str, Product] = {}

    def enter(self, row: Row | None) -> None:
        """Take in one row; None is one that cannot be read."""
        kind = UNREADABLE if row is None else kind_of(row)
        if row is not None:
            if kind in (SOLD, FREE, VOUCHERS):
                self._sell(row, kind)
            elif kind == CHARGES:
                price = f"{Decimal(row.price) * row.quantity:.2f}"
                self._invoice(row).shipping.append({"title": SHIPPING[row.code], "code": row.code, "price": price})
            elif kind == RETURNED:
                self.returns.append(row)
                return  # counted when it has found its sale, or has not
        self.counts[kind] += 1

    def _sell(self, row: Row, kind: str) -> None:
        product = self.products.setdefault(row.code, Product(voucher=kind == VOUCHERS))
        if kind != FREE:
            product.price = row.price
        if row.title and (not product.title or kind != FREE):
            product.title = row.title
        product.sold += row.quantity
        line = {"sku": row.code, "title": row.title or row.code, "quantity": row.quantity, "price": row.price}
        if kind == VOUCHERS:
            line |= {"gift_card": True, "requires_shipping": False, "taxable": False}
        self._invoice(row).lines.append(line)

    def _invoice(self, row: Row) -> Invoice:
        found = self.invoices.get(row.invoice)
        if found is None:
            found = self.invoices[row.invoice] = Invoice(row.invoice, row.at, row.customer, row.country)
        return found

    def close(self) -> list[Invoice]:
        """The invoices that sold something, oldest first. Charges of the others are counted apart."""
        for one in self.invoices.values():
            if not one.lines:
                self.counts[CHARGES] -= len(one.shipping)
                self.counts[LONELY] += len(one.shipping)
        sold = [one for one in self.invoices.values() if one.lines]
        return sorted(sold, key=lambda one: (one.at, one.number))


def kind_of(row: Row) -> str:
    """What a row is; docs/order-files.md has the same list in words."""
    if row.invoice.startswith("A"):
        return ADJUSTMENTS
    if row.code in FEES:
        return NO_PRODUCT
    if row.code in SHIPPING:
        positive = row.quantity > 0 and Decimal(row.price) > 0
        return CHARGES if positive and not row.invoice.startswith("C") else SHIPPING_BACK
    if row.invoice.startswith("C"):
        return RETURNED if row.quantity < 0 else UNREADABLE
    if row.price == "0.00":
        return FREE if row.quantity > 0 and not row.code.startswith(VOUCHER) else CORRECTIONS
    if row.quantity <= 0 or row.price.startswith("-"):
        return UNREADABLE
    return VOUCHERS if row.code.startswith(VOUCHER) else SOLD


def read_books(path: Path) -> Books:
    """All rows of a CSV or CSV.GZ file, read as a stream. Raises ValueError when a column is missing."""
    books = Books()
    with opened(path) as file:
        for row in rows(csv.reader(file), path):
            books.enter(row)
    return books


def opened(path: Path) -> IO[str]:
    """The file as text. Bytes that are no UTF-8 become "\N{REPLACEMENT CHARACTER}"."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


def rows(table: Iterator[list[str]], path: Path) -> Iterator[Row | None]:
    """Each row, or None for one that cannot be read. Columns may come in any order; others are ignored."""
    header = [name.strip() for name in next(table, [])]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise ValueError(f"{path.name} has no column {', '.join(missing)}; see docs/order-files.md")
    places = [header.index(name) for name in COLUMNS]
    for cells in table:
        try:
            yield tidy(*(cells[place] for place in places))
        except (IndexError, ValueError, InvalidOperation):
            yield None


def tidy(invoice: str, code: str, title: str, units: str, at: str, price: str, customer: str, country: str) -> Row:
    """The row of these cells. Raises ValueError or InvalidOperation for a cell that makes no sense."""
    invoice, code, quantity = invoice.strip().upper(), code.strip().upper(), int(units)
    if not invoice or not code or abs(quantity) > MOST_UNITS or quantity == 0:
        raise ValueError("no invoice, no code, or too many units")
    name = " ".join(title.split())
    if name.lower() == "nan":
        name = ""
    return Row(
        invoice, code, name, quantity, moment(at), two_decimals(price), customer_number(customer), country.strip()
    )


@lru_cache(maxsize=20_000)
def two_decimals(text: str) -> str:
    """ "3.75" for "3.75", "0.00" for "0.001". Raises InvalidOperation or ValueError."""
    amount = Decimal(text.strip())
    if not abs(amount) <= MOST_MONEY:
        raise ValueError(f"{text} is out of bounds")
    rounded = f"{amount:.2f}"
    return "0.00" if rounded == "-0.00" else rounded


@lru_cache(maxsize=50_000)
def moment(text: str) -> datetime:
    """A UK local time as UTC: "2010-12-01 08:26:00", or "12/1/2010 8:26" as the original sheet has it.

    Of an hour that comes twice in autumn it is the first.
    """
    try:
        local = datetime.fromisoformat(text.strip())
    except ValueError:
        local = datetime.strptime(text.strip(), "%m/%d/%Y %H:%M")
    return local.replace(tzinfo=LONDON).astimezone(UTC)


@lru_cache(maxsize=20_000)
def customer_number(text: str) -> str:
    """ "17850" for "17850.0"; empty for nobody."""
    number = text.strip().removesuffix(".0")
    return "" if number.lower() == "nan" else number
