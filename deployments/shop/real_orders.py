"""A shop from a file of real invoices; what they do not say is made up, the same each time. See docs/order-files.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from deployments.shop.invoices import Books, Invoice, Product, read_books
from deployments.shop.people import Person, a_person, dice
from deployments.shop.plan import Action, ShopPlan, Spec, stamp
from deployments.shop.returns import Return, match

SHOP = {"name": "Gifts from Nottingham", "currency": "GBP", "timezone": "Europe/London", "taxes_included": True}
WAREHOUSE, ANNEXE = "Warehouse", "Annexe"
LOCATIONS = [{"name": WAREHOUSE}, {"name": ANNEXE}]
VAT = [{"title": "VAT", "rate": "0.2"}]
FREE = [{"title": "Free shipping", "code": "FREE", "price": "0.00"}]
AGE_OF_NEWEST = timedelta(hours=3)
EVERY_FIFTH = 5
"""Of the refunds and cancellations, oldest first, one in so many happens after the hub has brought the orders."""

NAMES = {
    "United Kingdom": "GB", "Germany": "DE", "France": "FR", "EIRE": "IE", "Spain": "ES", "Netherlands": "NL",
    "Belgium": "BE", "Switzerland": "CH", "Portugal": "PT", "Australia": "AU", "Norway": "NO", "Italy": "IT",
    "Channel Islands": "JE", "Finland": "FI", "Cyprus": "CY", "Sweden": "SE", "Austria": "AT", "Denmark": "DK",
    "Japan": "JP", "Poland": "PL", "Israel": "IL", "USA": "US", "Hong Kong": "HK", "Singapore": "SG",
    "Iceland": "IS", "Canada": "CA", "Greece": "GR", "Malta": "MT", "United Arab Emirates": "AE", "RSA": "ZA",
    "Lebanon": "LB", "Lithuania": "LT", "Brazil": "BR", "Czech Republic": "CZ", "Bahrain": "BH",
    "Saudi Arabia": "SA", "European Community": "BE",
}  # fmt: skip
"""ISO 3166 alpha-2 by the file's name of a country; what is not named ("Unspecified") is taken for the UK."""


def read_orders(path: Path | str, *, now: datetime | None = None, shift_to_now: bool = True) -> ShopPlan:
    """The shop that a CSV or CSV.GZ file of invoices tells of; the half million rows of the whole set take seconds.

    `shift_to_now` moves all dates alike, so that the newest is three hours before `now` (default: this moment).
    Raises ValueError for a file without the columns, OSError when it cannot be read.
    """
    books = read_books(Path(path))
    invoices = books.close()
    returns = match(invoices, books.returns, books.counts)
    late = timedelta()
    if shift_to_now and invoices:
        newest = max([invoices[-1].at, *(back.at for back in returns)])
        late = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0) - AGE_OF_NEWEST - newest
    before, after = actions(returns, late)
    return ShopPlan(
        shop=SHOP,
        locations=LOCATIONS,
        products=[a_product(code, product) for code, product in sorted(books.products.items())],
        inventory={"locations": LOCATIONS, "variants": variants(books)},
        orders=[an_order(invoice, late) for invoice in invoices],
        events_before=before,
        events_after=after,
        counts={**dict(sorted(books.counts.items()))},
    )


def an_order(invoice: Invoice, late: timedelta) -> Spec:
    """The order of an invoice, `late` later. Changes the invoice's lines: they become the order's."""
    country = NAMES.get(invoice.country, "GB")
    who = buyer(invoice.customer or f"guest-{invoice.number}", country)
    if country == "GB":
        for charge in (*invoice.lines, *invoice.shipping):
            if not charge.get("gift_card"):
                charge["taxes"] = VAT
    return {
        "name": f"#{invoice.number}",
        "created_at": stamp(invoice.at + late),
        "email": who.email if invoice.customer else None,
        "customer": who.customer if invoice.customer else None,
        "taxes_included": True,
        "shipping_address": who.address,
        "billing_address": who.address,
        "lines": invoice.lines,
        "shipping": invoice.shipping or FREE,
        "payment": "paid",
        "source_name": "web",
        "gateway": "shopify_payments",
    }


@lru_cache(maxsize=100_000)
def buyer(key: str, country: str) -> Person:
    """Whoever the customer's number stands for."""
    return a_person(key, country)


def actions(returns: Sequence[Return], late: timedelta) -> tuple[list[Action], list[Action]]:
    """What happens to the orders before and after the hub's first run; of the later ones the date is left open."""
    before: list[Action] = []
    after: list[Action] = []
    for number, back in enumerate(sorted(returns, key=lambda back: (back.at, back.number)), 1):
        if number % EVERY_FIFTH:
            before.append(an_action(back, late))
        else:
            after.append(an_action(back, None))
    return before, after


def an_action(back: Return, late: timedelta | None) -> Action:
    """A cancellation when everything comes back at once, else a refund."""
    order = f"#{back.invoice.number}"
    if back.whole:
        return "cancel", {"order": order, "refund": True, "reason": "CUSTOMER"}
    lines = [{"line": at, "quantity": units, "restock": True} for at, units in sorted(back.units.items())]
    when: dict[str, Any] = {} if late is None else {"at": stamp(back.at + late)}
    return "refund", {"order": order, "lines": lines, "note": back.number, **when}


def a_product(code: str, product: Product) -> Spec:
    """A product as the storefront takes it, with levels that are a little off what the inventory app says."""
    levels = {}
    if not product.voucher:
        chance = dice("shown", code)
        levels = {
            WAREHOUSE: max(0, on_shelf(code) + chance.randint(-6, 6)) + product.sold,
            ANNEXE: chance.randint(0, 9),
        }
    return {
        "sku": code,
        "title": product.title or code,
        "price": product.price,
        "tracked": not product.voucher,
        "requires_shipping": not product.voucher,
        "gift_card": product.voucher,
        "levels": levels,
    }


def variants(books: Books) -> list[Spec]:
    """What the inventory app stocks: everything but vouchers."""
    goods: Iterable[tuple[str, Product]] = sorted(books.products.items())
    return [
        {"sku": code, "name": product.title or code, "type": "product", "stock": stock(code)}
        for code, product in goods
        if not product.voucher
    ]


def stock(code: str) -> Spec:
    """Plausible stock at both places."""
    spare = dice("annexe", code).randint(0, 9)
    return {
        WAREHOUSE: {"in_stock": f"{on_shelf(code)}.00000", "committed": "0.00000"},
        ANNEXE: {"in_stock": f"{spare}.00000", "committed": "0.00000"},
    }


def on_shelf(code: str) -> int:
    """Units in the warehouse, as the inventory app says."""
    return dice("shelf", code).randint(0, 480)
