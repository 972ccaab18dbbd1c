"""The parts that webhook bodies share: amounts, addresses, lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from integrations.shopify.simulator.model import Allocation, Line, Order, Shipping, Tax, gid
from integrations.shopify.simulator.money import Bag
from integrations.shopify.simulator.read_orders import line_discount, mailing_address


def cents(amount: int) -> str:
    """1990 -> "19.90"."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def money_set(order: Order, amount: Bag) -> dict[str, Any]:
    """`…_set`."""
    return {
        "shop_money": {"amount": cents(amount.shop), "currency_code": order.exchange.shop},
        "presentment_money": {"amount": cents(amount.presentment), "currency_code": order.exchange.presentment},
    }


def both(order: Order, name: str, amount: Bag) -> dict[str, Any]:
    """The plain amount in shop currency and its set."""
    return {name: cents(amount.shop), f"{name}_set": money_set(order, amount)}


def tax_lines(order: Order, taxes: Iterable[Tax]) -> list[dict[str, Any]]:
    """Taxes of a line, of shipping or of the order."""
    return [
        {"title": one.title, "rate": float(one.rate), "channel_liable": False, **both(order, "price", one.amount)}
        for one in taxes
    ]


def allocations(order: Order, parts: Iterable[Allocation]) -> list[dict[str, Any]]:
    """Shares of discounts."""
    return [{"discount_application_index": one.application, **both(order, "amount", one.amount)} for one in parts]


def address(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """An address."""
    record = mailing_address(given, 0)
    if record is None:
        return None
    plain = ("name", "company", "address1", "address2", "city", "province", "zip", "country", "phone")
    return {
        "first_name": record["firstName"],
        "last_name": record["lastName"],
        **{name: record[name] for name in plain},
        "province_code": record["provinceCode"],
        "country_code": record["countryCodeV2"],
        "latitude": None,
        "longitude": None,
    }


def line_body(line: Line) -> dict[str, Any]:
    """`line_items[]`."""
    order, variant = line.order, line.variant
    sent = "fulfilled" if line.fulfilled and not line.unfulfilled else "partial" if line.fulfilled else None
    return {
        "id": line.id,
        "admin_graphql_api_id": gid("LineItem", line.id),
        "variant_id": variant.id if variant else None,
        "product_id": variant.product if variant else None,
        "product_exists": variant is not None,
        "sku": line.sku,
        "title": line.title,
        "name": line.title,
        "variant_title": None,
        "vendor": "Demo",
        "quantity": line.quantity,
        "current_quantity": line.current,
        "fulfillable_quantity": line.unfulfilled,
        "fulfillment_status": sent,
        "fulfillment_service": "manual",
        **both(order, "price", line.unit),
        **both(order, "total_discount", line_discount(line)),
        "discount_allocations": allocations(order, line.allocations),
        "tax_lines": tax_lines(order, line.taxes),
        "duties": [],
        "gift_card": line.gift_card,
        "grams": 0,
        "taxable": line.taxable,
        "requires_shipping": line.requires_shipping,
        "properties": [],
        "variant_inventory_management": "shopify" if variant and variant.item.tracked else None,
    }


def bare_line(line: Line) -> dict[str, Any]:
    """A line as fulfilments and refunds repeat it: without `current_quantity`, which orders alone have."""
    return {name: value for name, value in line_body(line).items() if name != "current_quantity"}


def shipping_body(one: Shipping) -> dict[str, Any]:
    """`shipping_lines[]`."""
    return {
        "id": one.id,
        "title": one.title,
        "code": one.code,
        "source": "shopify",
        **both(one.order, "price", one.price),
        **both(one.order, "discounted_price", one.discounted),
        "current_discounted_price_set": money_set(one.order, one.discounted.minus(one.refunded)),
        "is_removed": False,
        "carrier_identifier": None,
        "phone": None,
        "tax_lines": tax_lines(one.order, one.taxes),
        "discount_allocations": allocations(one.order, one.allocations),
    }
