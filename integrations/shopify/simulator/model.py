"""What the shop holds. Compact objects; how they read as GraphQL or as webhook bodies is written elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from integrations.shopify.simulator.money import NOTHING, Bag, Exchange, total
from integrations.shopify.simulator.stock import Location, Variant


def gid(kind: str, number: int) -> str:
    """gid("Order", 1) -> "gid://shopify/Order/1"."""
    return f"gid://shopify/{kind}/{number}"


class Tax(NamedTuple):
    """One tax on a line or on shipping."""

    title: str
    rate: str
    amount: Bag


class Allocation(NamedTuple):
    """The share of a discount that landed on a line."""

    application: int
    amount: Bag


def sum_of(parts: Sequence[Tax] | Sequence[Allocation]) -> Bag:
    """What several taxes or allocations come to; mostly there is one or none."""
    if len(parts) == 1:
        return parts[0].amount
    return total(one.amount for one in parts) if parts else NOTHING


class Application(NamedTuple):
    """A discount of an order."""

    number: int
    type_name: str
    code: str | None
    title: str
    value: Bag
    target: str
    method: str


@dataclass(slots=True)
class Customer:
    """Who bought."""

    TYPE: ClassVar[str] = "Customer"
    id: int
    email: str | None
    first_name: str | None
    last_name: str | None
    accepts_marketing: bool
    created: int
    updated: int
    orders: int = 0
    spent: int = 0
    address: dict[str, Any] | None = None
    phone: str | None = None


@dataclass(slots=True)
class Line:
    """A line of an order. Amounts are for the quantity as ordered, additions by edits included."""

    TYPE: ClassVar[str] = "LineItem"
    id: int
    order: Order
    sku: str | None
    title: str
    quantity: int
    unit: Bag
    requires_shipping: bool
    gift_card: bool
    taxable: bool
    variant: Variant | None
    location: Location
    allocations: tuple[Allocation, ...] = ()
    taxes: tuple[Tax, ...] = ()
    current: int = 0
    fulfilled: int = 0
    unfulfilled: int = 0

    @property
    def gross(self) -> Bag:
        """Before discounts."""
        return self.unit.times(self.quantity)

    @property
    def discount(self) -> Bag:
        """Every share of a discount that landed here."""
        return sum_of(self.allocations)

    @property
    def net(self) -> Bag:
        """After all discounts; contains the tax where the order's prices do."""
        return self.gross.minus(self.discount) if self.allocations else self.gross

    @property
    def tax(self) -> Bag:
        """All taxes of the line."""
        return sum_of(self.taxes)

    @property
    def tax_left(self) -> Bag:
        """The taxes that are left; each is shared out by itself, as refunds do it."""
        return self.tax if self.current == self.quantity else total(self.still(one.amount) for one in self.taxes)

    def share(self, amount: Bag, start: int, end: int) -> Bag:
        """The part of a line amount that belongs to its units `start` to `end`."""
        return self.order.exchange.share(amount, start, end, self.quantity)

    def still(self, amount: Bag) -> Bag:
        """The part of a line amount that is left after removals and refunds."""
        removed = self.quantity - self.current
        return self.share(amount, removed, self.quantity) if removed else amount


@dataclass(slots=True)
class Shipping:
    """A shipping line; `refunded` is before tax where prices are."""

    TYPE: ClassVar[str] = "ShippingLine"
    id: int
    order: Order
    title: str
    code: str | None
    price: Bag
    allocations: tuple[Allocation, ...] = ()
    taxes: tuple[Tax, ...] = ()
    refunded: Bag = NOTHING
    refunded_tax: Bag = NOTHING

    @property
    def discounted(self) -> Bag:
        """After discounts."""
        return self.price.minus(sum_of(self.allocations))

    @property
    def tax(self) -> Bag:
        """All taxes of shipping."""
        return sum_of(self.taxes)


@dataclass(slots=True)
class Transaction:
    """Money that moved, or was promised. Always positive."""

    TYPE: ClassVar[str] = "OrderTransaction"
    id: int
    order: Order
    kind: str
    status: str
    gateway: str
    amount: Bag
    at: int
    parent: Transaction | None = None


@dataclass(slots=True)
class RefundLine:
    """Units of a line that were given back."""

    TYPE: ClassVar[str] = "RefundLineItem"
    id: int
    line: Line
    quantity: int
    restock: str
    location: Location | None
    subtotal: Bag
    tax: Bag
    taxes: tuple[Tax, ...] = ()


@dataclass(slots=True)
class Refund:
    """A refund. `adjustment` is signed as Shopify signs it: negative when more went back than lines and shipping."""

    TYPE: ClassVar[str] = "Refund"
    id: int
    order: Order
    at: int
    note: str | None
    lines: list[RefundLine]
    shipping: list[tuple[int, Shipping, Bag, Bag]]
    adjustment: tuple[int, str, Bag] | None
    transactions: list[Transaction] = field(default_factory=list)


@dataclass(slots=True)
class FulfillmentOrderLine:
    """Units of a line that one location is to send."""

    TYPE: ClassVar[str] = "FulfillmentOrderLineItem"
    id: int
    line: Line
    total: int
    remaining: int


@dataclass(slots=True)
class FulfillmentOrder:
    """What one location is to send of one order."""

    TYPE: ClassVar[str] = "FulfillmentOrder"
    id: int
    order: Order
    location: Location
    method: str
    lines: list[FulfillmentOrderLine]
    created: int
    updated: int
    status: str = "OPEN"
    request: str = "UNSUBMITTED"
    holds: list[dict[str, Any]] = field(default_factory=list)
    split_off: FulfillmentOrder | None = None
    fulfill_at: int | None = None


@dataclass(slots=True)
class Fulfillment:
    """What was sent."""

    TYPE: ClassVar[str] = "Fulfillment"
    id: int
    order: Order
    location: Location
    name: str
    lines: list[tuple[int, FulfillmentOrderLine, int]]
    sources: list[FulfillmentOrder]
    tracking: list[dict[str, Any]]
    created: int
    updated: int
    status: str = "SUCCESS"


@dataclass(slots=True)
class Order:
    """An order and all that belongs to it. Moments are whole seconds since the epoch.

    `adjusted`: whether adjustments of refunds lower what is left of the order; Shopify does not say.
    """

    TYPE: ClassVar[str] = "Order"
    id: int
    name: str
    number: int
    exchange: Exchange
    created: int
    updated: int
    taxes_included: bool
    spec: dict[str, Any]
    customer: Customer | None
    tip: Bag = NOTHING
    duties: Bag = NOTHING
    fees: Bag = NOTHING
    cash_rounding: Bag = NOTHING
    adjusted: bool = True
    lines: list[Line] = field(default_factory=list)
    shipping: list[Shipping] = field(default_factory=list)
    applications: list[Application] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    fulfillment_orders: list[FulfillmentOrder] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    agreements: list[dict[str, Any]] | None = None
    original_total: Bag = NOTHING
    cancelled: int | None = None
    cancel_reason: str | None = None
    edited: bool = False
    routed_at: int = 0
    known: Any = None
