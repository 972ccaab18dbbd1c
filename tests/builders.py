"""Canonical values for tests. Every builder makes a sound value; name only what your story is about.

`an_order()` is order #1001 of the connection "shop": two red mugs and a tea, 49.80 USD with shipping and no tax, paid.
Its totals are sums of its lines, shipping and refunds unless you give them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from commerce.events import Event, Kind
from commerce.money import Money, money, total
from commerce.orders import (
    Address,
    Customer,
    Financial,
    Fulfilment,
    FulfilmentLine,
    FulfilmentOrder,
    Line,
    Order,
    Payment,
    Refund,
    RefundLine,
    ShippingCharge,
    Tax,
)
from commerce.parcels import Parcel, ParcelLine
from commerce.stock import StockLevel, StockTarget
from commerce.values import Frozen

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
"""When orders of the tests are placed, unless they say otherwise."""

UNPAID = (Financial.PENDING, Financial.AUTHORISED, Financial.EXPIRED, Financial.VOIDED)

Value = TypeVar("Value", bound=Frozen)


def usd(amount: str | int | Decimal) -> Money:
    """US dollars: `usd("19.90")`."""
    return money(amount, "USD")


def eur(amount: str | int | Decimal) -> Money:
    """Euros: `eur("19.90")`."""
    return money(amount, "EUR")


def after(*, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
    """A moment after noon, e.g. `after(minutes=5)`."""
    return NOON + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def changed(value: Value, **changes: Any) -> Value:
    """The same value with some fields changed, validated again."""
    return type(value).model_validate({**dict(value), **changes})


def an_address(**fields: Any) -> Address:
    """Ada Lovelace in Portland, Oregon."""
    return Address(
        **{
            "first_name": "Ada",
            "last_name": "Lovelace",
            "name": "Ada Lovelace",
            "line1": "12 Analytical Way",
            "line2": "Apt 3",
            "city": "Portland",
            "province": "Oregon",
            "province_code": "OR",
            "postal_code": "97201",
            "country": "US",
            "country_name": "United States",
            "phone": "+15035550123",
            **fields,
        }
    )


def a_customer(**fields: Any) -> Customer:
    """Ada, who buys mugs."""
    return Customer(
        **{"id": "9001", "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", **fields}
    )


def a_tax(amount: str | Money = "1.00", *, title: str = "Sales tax", rate: str | None = "0.05", **fields: Any) -> Tax:
    """One tax on a line or a shipping charge."""
    return Tax(title=title, rate=None if rate is None else Decimal(rate), amount=_money(amount), **fields)


def a_line(sku: str = "MUG-RED", quantity: int = 1, price: str | Money = "19.90", **fields: Any) -> Line:
    """Units of one thing: `a_line("TEA", 2, "5.00", discount=usd("1"))`. Its id comes from the SKU."""
    unit_price = _money(price)
    return Line(
        **{
            "id": f"line-{sku or 'none'}",
            "sku": sku,
            "title": sku.replace("-", " ").capitalize() or "Something",
            "product_id": f"product-{sku}",
            "variant_id": f"variant-{sku}",
            "quantity": quantity,
            "current": quantity,
            "unit_price": unit_price,
            "discount": unit_price * 0,
            **fields,
        }
    )


def a_shipping_charge(price: str | Money = "5.00", **fields: Any) -> ShippingCharge:
    """Standard delivery."""
    amount = _money(price)
    return ShippingCharge(
        **{"title": "Standard", "code": "standard", "price": amount, "discount": amount * 0, **fields}
    )


def a_payment(amount: str | Money = "49.80", *, kind: str = "sale", gateway: str = "bogus", **fields: Any) -> Payment:
    """Money that came in, or with kind="refund" went out."""
    return Payment(
        **{"id": f"pay-{kind}", "kind": kind, "gateway": gateway, "amount": _money(amount), "at": NOON, **fields}
    )


def a_refund_line(line: Line, quantity: int = 1, **fields: Any) -> RefundLine:
    """Units of `line` given back, in proportion to what they cost."""
    share = Decimal(quantity) / line.quantity
    return RefundLine(
        **{
            "line_id": line.id,
            "quantity": quantity,
            "subtotal": (line.net * share).rounded(),
            "tax": (line.tax * share).rounded(),
            **fields,
        }
    )


def a_refund(*lines: RefundLine, id: str = "refund-1", amount: str | Money | None = None, **fields: Any) -> Refund:
    """Money given back an hour after noon. Without `amount` it is what the lines come to, with their tax on top."""
    currency = lines[0].subtotal.currency if lines else "USD"
    nothing = money(0, currency)
    worth = total((line.subtotal + line.tax for line in lines), currency)
    back = worth if amount is None else _money(amount)
    at = fields.get("at", after(hours=1))
    return Refund(
        **{
            "id": id,
            "at": at,
            "lines": lines,
            "shipping": nothing,
            "shipping_tax": nothing,
            "adjustment": back - worth,
            "adjustment_tax": nothing,
            "payments": (a_payment(back, kind="refund", id=f"pay-{id}", at=at),) if back else (),
            "total": back,
            **fields,
        }
    )


def a_fulfilment_order(lines: Sequence[Line | FulfilmentLine], *, id: str = "fo-1", **fields: Any) -> FulfilmentOrder:
    """What the warehouse "loc-1" has to ship: everything on `lines`, or just these fulfilment lines."""
    return FulfilmentOrder(
        **{
            "id": id,
            "status": "open",
            "location_id": "loc-1",
            "location": "Warehouse",
            "lines": tuple(
                line if isinstance(line, FulfilmentLine) else a_fulfilment_line(line)
                for line in lines
                if line.requires_shipping
            ),
            **fields,
        }
    )


def a_fulfilment_line(line: Line, **fields: Any) -> FulfilmentLine:
    """All units of `line`, none of them shipped yet."""
    return FulfilmentLine(
        **{
            "id": f"fo-{line.id}",
            "line_id": line.id,
            "sku": line.sku,
            "quantity": line.quantity,
            "remaining": line.current,
            **fields,
        }
    )


def a_fulfilment(id: str = "ful-1", **fields: Any) -> Fulfilment:
    """A parcel as the storefront knows it, two hours after noon."""
    return Fulfilment(
        **{
            "id": id,
            "status": "success",
            "at": after(hours=2),
            "tracking_numbers": ("1Z999AA10123456784",),
            "carrier": "UPS",
            **fields,
        }
    )


def an_order(number: int | str = 1001, **fields: Any) -> Order:
    """A paid order: `an_order(1002, lines=(a_line("TEA"),), refunds=(…,))`. Whatever you name wins over the sums.

    Its id is "5" with the number ("51001"), its key "shop:51001", its number "#1001".
    """
    lines = tuple(fields.get("lines", (a_line("MUG-RED", 2), a_line("TEA", 1, "5.00"))))
    currency = fields.get("currency") or (lines[0].unit_price.currency if lines else "USD")
    nothing = money(0, currency)
    charges = tuple(fields.get("shipping", (_standard(currency),)))
    base: dict[str, Any] = {
        "source": "shop",
        "id": f"5{number}",
        "number": f"#{number}",
        "url": f"https://shop.example/admin/orders/5{number}",
        "created_at": NOON,
        "updated_at": NOON,
        "processed_at": NOON,
        "financial": Financial.PAID,
        "currency": currency,
        "presentment_currency": currency,
        "email": "ada@example.com",
        "phone": "+15035550123",
        "channel": "web",
        "gateways": ("bogus",),
        "customer": a_customer(),
        "ship_to": an_address(),
        "bill_to": an_address(),
        "lines": lines,
        "shipping": charges,
        "fulfilment_orders": (a_fulfilment_order(lines),) if any(line.requires_shipping for line in lines) else (),
        **dict.fromkeys(("duties", "fees", "tip", "cash_rounding"), nothing),
        **fields,
    }
    base = {**base, **_sums(base, currency), **fields}
    payments = () if base["outstanding"] else (a_payment(base["total"]),)
    return Order(**{"payments": payments, "presentment_total": base["total"], **base})


def _sums(order: dict[str, Any], currency: str) -> dict[str, Money]:
    """Totals as a storefront states them: refunds reduce only the current ones."""
    included = order.get("taxes_included", False)
    refunds = order.get("refunds", ())
    subtotal = total((line.net for line in order["lines"]), currency)
    shipping = total((charge.net for charge in order["shipping"] if not charge.removed), currency)
    tax = total((each.tax for each in (*order["lines"], *order["shipping"])), currency)
    extras = order["duties"] + order["fees"] + order["tip"] + order["cash_rounding"]
    refunded = total((refund.total for refund in refunds), currency)
    back = [line for refund in refunds for line in refund.lines]
    whole = subtotal + shipping + extras + (money(0, currency) if included else tax)
    return {
        "subtotal": subtotal,
        "shipping_total": shipping,
        "tax_total": tax,
        "total": whole,
        "current_subtotal": subtotal - total((line.subtotal for line in back), currency),
        "current_shipping": shipping - total((refund.shipping for refund in refunds), currency),
        "current_tax": tax - total((line.tax for line in back), currency),
        "current_total": whole - refunded,
        "refunded": refunded,
        "outstanding": whole if order["financial"] in UNPAID else money(0, currency),
    }


def a_parcel(id: str = "label-1", order: Order | None = None, **fields: Any) -> Parcel:
    """A UPS label for `order` (order #1001 without one), two hours after noon, with everything in it."""
    order = order or an_order()
    return Parcel(
        **{
            "source": "warehouse",
            "id": id,
            "order_key": order.key,
            "shipment_id": f"shipment-{order.id}",
            "carrier": "ups",
            "service": "ups_ground",
            "tracking_numbers": ("1Z999AA10123456784",),
            "tracking_url": "https://www.ups.com/track?tracknum=1Z999AA10123456784",
            "location_id": "loc-1",
            "shipped_at": after(hours=2),
            "updated_at": after(hours=2),
            "lines": tuple(
                ParcelLine(sku=line.sku, line_id=line.id, quantity=line.current)
                for line in order.lines
                if line.requires_shipping
            ),
            **fields,
        }
    )


def a_level(sku: str = "MUG-RED", available: str | int = 10, **fields: Any) -> StockLevel:
    """What the connection "inventory" says of one SKU at its location "1" at noon. Nothing is committed."""
    quantity = Decimal(available)
    return StockLevel(
        **{
            "source": "inventory",
            "sku": sku,
            "location": "1",
            "on_hand": quantity,
            "committed": Decimal(0),
            "available": quantity,
            "as_of": NOON,
            **fields,
        }
    )


def a_target(sku: str = "MUG-RED", quantity: int = 10, **fields: Any) -> StockTarget:
    """What the storefront should show of one SKU at "loc-1"."""
    return StockTarget(**{"sku": sku, "location_id": "loc-1", "quantity": quantity, "because": "test", **fields})


def an_event(value: Order | Parcel | StockLevel | None = None, kind: Kind | None = None, **fields: Any) -> Event:
    """One fact about `value` (order #1001 without one) with its whole state; placed, shipped or changed by default."""
    value = value or an_order()
    default = {Order: Kind.ORDER_PLACED, Parcel: Kind.PARCEL_SHIPPED, StockLevel: Kind.STOCK_CHANGED}[type(value)]
    revision = value.as_of if isinstance(value, StockLevel) else value.updated_at
    chosen = kind or default
    part = fields.get("part", "")
    return Event(
        **{
            "key": f"{value.source}|{value.key}|{revision.isoformat()}|{chosen}|{part}",
            "source": value.source,
            "kind": chosen,
            "subject": value.key,
            "revision": revision,
            "occurred_at": revision,
            "data": value.model_dump(mode="json"),
            **fields,
        }
    )


def _standard(currency: str) -> ShippingCharge:
    return a_shipping_charge(money("5.00", currency), taxes=())


def _money(amount: str | int | Decimal | Money) -> Money:
    return amount if isinstance(amount, Money) else usd(amount)
