"""Orders of the made-up shop in the storefront's own terms: lines, taxes, shipping, buyers."""

from __future__ import annotations

from typing import Any

from deployments.shop.catalogue import prices
from deployments.shop.people import Person
from deployments.shop.plan import Spec

TAXES: dict[str, list[Spec]] = {
    "OR": [],
    "NY": [
        {"title": "New York State Tax", "rate": "0.04"},
        {"title": "New York City Tax", "rate": "0.045"},
        {"title": "Metropolitan Commuter Tax", "rate": "0.00375"},
    ],
    "CO": [{"title": "Colorado State Tax", "rate": "0.029"}, {"title": "Denver City Tax", "rate": "0.0515"}],
    "WA": [{"title": "Washington State Tax", "rate": "0.065"}, {"title": "Seattle City Tax", "rate": "0.0385"}],
    "TX": [{"title": "Texas State Tax", "rate": "0.0625"}],
    "QC": [{"title": "GST", "rate": "0.05"}, {"title": "QST", "rate": "0.09975"}],
    "GB": [{"title": "VAT", "rate": "0.2"}],
    "DE": [{"title": "DE MwSt", "rate": "0.19"}],
    "FR": [{"title": "FR TVA", "rate": "0.2"}],
    "CZ": [{"title": "CZ DPH", "rate": "0.21"}],
    "JP": [{"title": "JP 消費税", "rate": "0.1"}],
}
"""By province in North America, by country elsewhere; what is not named is not taxed."""

INCLUDED = frozenset({"GB", "DE", "FR", "CZ", "JP"})
"""Countries whose shoppers see prices with tax."""


def taxes_for(who: Person) -> list[Spec]:
    """The taxes on what this person buys."""
    return TAXES.get(who.address["province_code"]) or TAXES.get(who.country) or []


def a_line(sku: str, quantity: int = 1, *, taxes: list[Spec] | None = None, **changes: Any) -> Spec:
    """`quantity` of something everyday at its price; `changes` overrule."""
    title, price = prices().get(sku, (sku.capitalize(), "10.00"))
    return {"sku": sku, "title": title, "quantity": quantity, "price": price, "taxes": taxes or [], **changes}


def an_order(
    who: Person,
    lines: list[Spec],
    at: str,
    *,
    shipping: str = "6.00",
    shipping_lines: list[Spec] | None = None,
    **changes: Any,
) -> Spec:
    """A paid order that `who` has sent home; lines without taxes of their own get those of the address.

    `shipping` is the price of the usual way; `shipping_lines` are other ways, [] for none.
    """
    taxes = taxes_for(who)
    taxed = [{**line, "taxes": line["taxes"] or taxes} if line.get("taxable", True) else line for line in lines]
    return {
        "created_at": at,
        "email": who.email,
        "customer": who.customer,
        "taxes_included": who.country in INCLUDED,
        "shipping_address": who.address,
        "billing_address": who.address,
        "lines": taxed,
        "shipping": [standard(shipping, taxes)] if shipping_lines is None else shipping_lines,
        "payment": "paid",
        "source_name": "web",
        "gateway": "shopify_payments",
        **changes,
    }


def standard(price: str, taxes: list[Spec]) -> Spec:
    """The usual way of delivery."""
    title = "Standard" if float(price) else "Free shipping"
    return {"title": title, "code": title.upper().replace(" ", "_"), "price": price, "discount": "0.00", "taxes": taxes}
