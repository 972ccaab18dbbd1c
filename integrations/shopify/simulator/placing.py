"""From an order as a buyer places it to the order as Shopify stores it: discounts allocated, taxes computed, paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from integrations.shopify.simulator.model import (
    Allocation,
    Application,
    Customer,
    FulfillmentOrder,
    FulfillmentOrderLine,
    Line,
    Order,
    Shipping,
    Tax,
    Transaction,
)
from integrations.shopify.simulator.money import NOTHING, Bag, Exchange
from integrations.shopify.simulator.store import Store
from integrations.shopify.simulator.totals import totals

KEPT = ("email", "phone", "note", "test", "tax_exempt", "shipping_address", "billing_address", "source_name", "gateway",
        "po_number", "source_identifier", "processed_at")  # fmt: skip
LINE = ("LINE_ITEM", "EACH")
WHOLE_ORDER = ("LINE_ITEM", "ACROSS")
DELIVERY = ("SHIPPING_LINE", "EACH")


def build_order(store: Store, shop: Mapping[str, Any], spec: Mapping[str, Any], at: int, updated: int) -> Order:
    """A new order, priced and allocated but not yet paid, routed or indexed."""
    number = 1001 + len(store.orders)
    shown = spec.get("presentment")
    exchange = Exchange(shop["currency"], shop["currency"])
    if shown:
        exchange = Exchange(shop["currency"], shown["currency"], Decimal(str(shown["rate"])))
    order = Order(
        id=store.ids.next("Order"),
        name=spec.get("name") or f"#{number}",
        number=number,
        exchange=exchange,
        created=at,
        updated=updated,
        taxes_included=spec.get("taxes_included", shop["taxes_included"]),
        spec={key: spec[key] for key in KEPT if spec.get(key) is not None},
        customer=_customer(store, spec, at),
        tip=exchange.amount(spec.get("tip") or "0"),
        duties=exchange.amount(spec.get("duties") or "0"),
        fees=exchange.amount(spec.get("fees") or "0"),
        cash_rounding=exchange.amount(spec.get("cash_rounding") or "0"),
        adjusted=bool(shop.get("adjustments_lower_current", True)),
        tags=list(spec.get("tags") or ()),
    )
    order.lines = [build_line(store, order, one) for one in spec["lines"]]
    _allocate_order_discount(order, spec.get("order_discount"))
    price_lines(order, order.lines, [one.get("taxes") or () for one in spec["lines"]])
    order.shipping = [_shipping(store, order, one) for one in spec.get("shipping") or ()]
    order.original_total = totals(order).total
    return order


def build_line(store: Store, order: Order, spec: Mapping[str, Any]) -> Line:
    """A line with its own discount; taxes come later, when all discounts are known."""
    sku = spec.get("sku")
    variant = store.variants_by_sku.get(sku) if sku and spec.get("known", True) else None
    quantity, gift_card = int(spec["quantity"]), bool(spec.get("gift_card"))
    line = Line(
        id=store.ids.next("LineItem"),
        order=order,
        sku=sku,
        title=spec.get("title") or (variant.title if variant else str(sku)),
        quantity=quantity,
        unit=order.exchange.amount(spec["price"])
        if "price" in spec
        else order.exchange.bag(variant.price if variant else 0),
        requires_shipping=bool(spec.get("requires_shipping", not gift_card)),
        gift_card=gift_card,
        taxable=bool(spec.get("taxable", True)) and not gift_card,
        variant=variant,
        location=store.location(spec.get("location")),
        current=quantity,
        unfulfilled=quantity,
    )
    discount = order.exchange.amount(spec.get("discount") or "0")
    if discount.shop:
        line.allocations = (Allocation(_apply(order, "Line discount", None, discount, LINE), discount),)
    return line


def price_lines(order: Order, lines: Sequence[Line], taxes: Sequence[Sequence[Mapping[str, Any]]]) -> None:
    """Compute the taxes of each line from what is left of it after discounts."""
    for line, listed in zip(lines, taxes, strict=True):
        if line.taxable and listed and not order.spec.get("tax_exempt"):
            line.taxes = _taxes(order, line.net, [(one["title"], str(one["rate"])) for one in listed])
    order.known = None


def retax(line: Line) -> None:
    """The same taxes on another quantity."""
    line.taxes = _taxes(line.order, line.net, [(one.title, one.rate) for one in line.taxes])


def _taxes(order: Order, net: Bag, listed: list[tuple[str, str]]) -> tuple[Tax, ...]:
    amounts = order.exchange.taxes(net, [rate for _, rate in listed], order.taxes_included)
    return tuple(Tax(title, rate, amount) for (title, rate), amount in zip(listed, amounts, strict=True))


def _apply(order: Order, title: str, code: str | None, value: Bag, where: tuple[str, str]) -> int:
    kind = "DiscountCodeApplication" if code else "AutomaticDiscountApplication"
    index = len(order.applications)
    order.applications.append(Application(index, kind, code, title, value, *where))
    return index


def _allocate_order_discount(order: Order, discount: Mapping[str, Any] | None) -> None:
    if not discount:
        return
    lines = [line for line in order.lines if not line.gift_card] or order.lines
    nets = [line.net for line in lines]
    value = order.exchange.bag(min(order.exchange.amount(discount["amount"]).shop, sum(net.shop for net in nets)))
    index = _apply(order, discount.get("title") or "Discount", discount.get("code"), value, WHOLE_ORDER)
    for line, part in zip(lines, order.exchange.split(value, nets), strict=True):
        if part != NOTHING:
            line.allocations = (*line.allocations, Allocation(index, part))


def _shipping(store: Store, order: Order, spec: Mapping[str, Any]) -> Shipping:
    exchange = order.exchange
    title, price = spec.get("title") or "Standard", exchange.amount(spec.get("price") or "0")
    one = Shipping(store.ids.next("ShippingLine"), order, title, spec.get("code"), price)
    discount = exchange.amount(spec.get("discount") or "0")
    if discount.shop:
        index = _apply(order, "Shipping discount", spec.get("discount_code"), discount, DELIVERY)
        one.allocations = (Allocation(index, discount),)
    if spec.get("taxes") and not order.spec.get("tax_exempt"):
        one.taxes = _taxes(order, one.discounted, [(tax["title"], str(tax["rate"])) for tax in spec["taxes"]])
    order.known = None
    return one


def _customer(store: Store, spec: Mapping[str, Any], at: int) -> Customer | None:
    who, email = spec.get("customer"), spec.get("email")
    if not who:
        return None
    found = store.customers_by_email.get(email) if email else None
    if found is None:
        found = Customer(
            id=store.ids.next("Customer"),
            email=email,
            first_name=who.get("first_name"),
            last_name=who.get("last_name"),
            accepts_marketing=bool(who.get("accepts_marketing")),
            created=at,
            updated=at,
            phone=who.get("phone"),
        )
        store.customers[found.id] = found
        if email:
            store.customers_by_email[email] = found
    found.address = spec.get("shipping_address") or found.address
    found.orders += 1
    found.updated = max(found.updated, at)
    return found


def pay(store: Store, order: Order, how: str, gateway: str, gift_card: str, at: int) -> None:
    """The first transactions: a redeemed gift card, then the rest by the gateway."""
    due = totals(order).total.plus(order.cash_rounding)
    card = order.exchange.amount(gift_card)
    if card.shop > due.shop:
        card = due
    rest = due.minus(card)
    if card.shop:
        transact(store, order, "SALE", "gift_card", card, at)
    if rest.shop and how != "pending":
        transact(store, order, "SALE" if how == "paid" else "AUTHORIZATION", gateway, rest, at)
    if order.customer is not None:
        order.customer.spent += totals(order).received.shop


def transact(
    store: Store,
    order: Order,
    kind: str,
    gateway: str,
    amount: Bag,
    at: int,
    parent: Transaction | None = None,
    status: str = "SUCCESS",
) -> Transaction:
    """Add a transaction, a successful one unless `status` says otherwise."""
    one = Transaction(store.ids.next("OrderTransaction"), order, kind, status, gateway, amount, at, parent)
    order.transactions.append(one)
    order.known = None
    return one


def route(store: Store, order: Order, lines: Sequence[Line], at: int) -> list[FulfillmentOrder]:
    """Fulfillment orders for `lines`, one per location and way of delivery."""
    groups: dict[tuple[int, bool], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.location.id, line.requires_shipping), []).append(line)
    made = []
    for (location, ships), members in groups.items():
        number = store.ids.next
        rows = [
            FulfillmentOrderLine(number("FulfillmentOrderLineItem"), one, one.unfulfilled, one.unfulfilled)
            for one in members
        ]
        made.append(open_fulfillment_order(store, order, location, "SHIPPING" if ships else "NONE", rows, at))
    return made


def open_fulfillment_order(
    store: Store, order: Order, location: int, method: str, rows: list[FulfillmentOrderLine], at: int
) -> FulfillmentOrder:
    """A new, open fulfillment order."""
    one = FulfillmentOrder(store.ids.next("FulfillmentOrder"), order, store.locations[location], method, rows, at, at)
    store.fulfillment_orders[one.id] = one
    order.fulfillment_orders.append(one)
    return one
