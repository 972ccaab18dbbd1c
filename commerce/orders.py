"""An order as every app sees it: what was bought, what is left of it, what was paid, what has to be shipped."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from commerce.money import Exact, Money, total
from commerce.values import Frozen, Moment


class Financial(StrEnum):
    """How much of the order's money is in."""

    PENDING = "pending"
    AUTHORISED = "authorised"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def paid(self) -> bool:
        """Whether the shopper has paid in full at some time; refunds do not make an order unpaid."""
        return self in (Financial.PAID, Financial.PARTIALLY_REFUNDED, Financial.REFUNDED)


class Address(Frozen):
    """A postal address; every part can be missing. `country` is ISO 3166 alpha-2."""

    first_name: str = ""
    last_name: str = ""
    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    province: str = ""
    province_code: str = ""
    postal_code: str = ""
    country: str = ""
    country_name: str = ""
    phone: str = ""


class Tax(Frozen):
    """One tax on one line. `rate` is a fraction (0.19). `remitted_by_channel`: a marketplace pays it, not the shop."""

    title: str
    rate: Exact | None = None
    amount: Money
    remitted_by_channel: bool = False


class Line(Frozen):
    """One thing bought. Money is in shop currency and valid for `quantity` units as ordered.

    `quantity` is as ordered, `current` after refunds and edits. `discount` is every share of every discount that
    landed here. With taxes included, `unit_price` and `discount` contain tax.
    """

    id: str
    sku: str = ""
    title: str
    variant_title: str = ""
    product_id: str = ""
    variant_id: str = ""
    vendor: str = ""
    quantity: int
    current: int
    unit_price: Money
    discount: Money
    taxes: tuple[Tax, ...] = ()
    requires_shipping: bool = True
    gift_card: bool = False
    taxable: bool = True

    @property
    def gross(self) -> Money:
        """List price of the units as ordered, before discounts."""
        return self.unit_price * self.quantity

    @property
    def net(self) -> Money:
        """After discounts; contains tax when the order's taxes are included."""
        return self.gross - self.discount

    @property
    def tax(self) -> Money:
        """All taxes of the line."""
        return total((tax.amount for tax in self.taxes), self.unit_price.currency)


class ShippingCharge(Frozen):
    """What the shopper pays for one way of delivery. `price` is before `discount`."""

    title: str
    code: str = ""
    price: Money
    discount: Money
    taxes: tuple[Tax, ...] = ()
    removed: bool = False

    @property
    def net(self) -> Money:
        """After discounts; contains tax when the order's taxes are included."""
        return self.price - self.discount

    @property
    def tax(self) -> Money:
        """All taxes of the charge."""
        return total((tax.amount for tax in self.taxes), self.price.currency)


class Payment(Frozen):
    """Money that moved, always positive; `kind` gives the direction. Only what succeeded is here."""

    id: str
    kind: str
    """"sale", "capture" or "refund"."""
    gateway: str
    amount: Money
    at: Moment

    @property
    def by_gift_card(self) -> bool:
        """Whether a gift card paid, which draws down a liability and is not cash."""
        return self.gateway == "gift_card"


class RefundLine(Frozen):
    """Units given back. `subtotal` contains tax when the order's taxes are included; `tax` is its tax."""

    line_id: str
    quantity: int
    subtotal: Money
    tax: Money
    restocked: bool = False


class Refund(Frozen):
    """One refund: revenue given back by line, shipping and adjustment, and the money that went with it."""

    id: str
    at: Moment
    note: str = ""
    lines: tuple[RefundLine, ...] = ()
    shipping: Money
    shipping_tax: Money
    adjustment: Money
    """What was refunded beyond (positive) or below (negative) lines and shipping."""
    adjustment_tax: Money
    payments: tuple[Payment, ...] = ()
    total: Money
    """Money given back in all, as the storefront states it."""


class Sale(Frozen):
    """One signed row of an agreement: negative takes back. `amount` contains `tax`, whatever the order's prices do.

    `kind` is "product", "gift_card", "shipping", "tip", "duty", "fee", "additional_fee", "adjustment" or another word.
    """

    kind: str
    line_id: str = ""
    """The order line, for products."""
    quantity: int | None = None
    amount: Money
    tax: Money
    taxes: tuple[Tax, ...] = ()


class Agreement(Frozen):
    """What shop and shopper agreed on at one moment; it never changes.

    `reason` is "order", "order_edit", "refund", "return" or another word.
    """

    id: str
    at: Moment
    reason: str
    sales: tuple[Sale, ...] = ()

    @property
    def of_sale(self) -> bool:
        """Whether it says what was sold: the order itself, or an edit of it."""
        return self.reason in ("order", "order_edit")


class FulfilmentLine(Frozen):
    """Units of an order line within one fulfilment order. `remaining` excludes fulfilled and removed units."""

    id: str
    line_id: str
    sku: str = ""
    quantity: int
    remaining: int
    requires_shipping: bool = True


class FulfilmentOrder(Frozen):
    """What one location has to ship. The storefront may replace it, so its id is not a key."""

    id: str
    status: str
    """"open", "in_progress", "scheduled", "on_hold", "closed", "cancelled", "incomplete" or another word."""
    location_id: str = ""
    location: str = ""
    delivery: str = "shipping"
    """"shipping", "pick_up", "pickup_point", "local", "retail", "none" or another word."""
    method: str = ""
    ship_by: Moment | None = None
    hold_reasons: tuple[str, ...] = ()
    fulfillable: bool = True
    lines: tuple[FulfilmentLine, ...] = ()


class Fulfilment(Frozen):
    """What has left, as the storefront knows it."""

    id: str
    status: str
    at: Moment
    tracking_numbers: tuple[str, ...] = ()
    carrier: str = ""
    tracking_url: str = ""
    quantities: dict[str, int] = Field(default_factory=dict)
    """Units by order line id."""


class Customer(Frozen):
    """Who bought, if known. `accepts_marketing` is what the storefront says, never a consent of ours."""

    id: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    accepts_marketing: bool = False


class Order(Frozen):
    """The full state of an order at one revision. Money is in shop currency unless it says otherwise.

    `id` is the storefront's own, `key` is unique over all connections. `total` is what the shopper was charged for
    the order with additions of edits, removals and refunds not subtracted; `current_total` is what is left.
    `agreements` is the storefront's ledger of the order, oldest first; it may be left out while the order is still
    what was sold at first.
    """

    source: str
    id: str
    number: str
    url: str = ""
    created_at: Moment
    updated_at: Moment
    processed_at: Moment
    cancelled_at: Moment | None = None
    cancel_reason: str = ""
    test: bool = False
    edited: bool = False
    financial: Financial
    fulfilment: str = "unfulfilled"
    currency: str
    presentment_currency: str
    presentment_total: Money
    taxes_included: bool = False
    email: str = ""
    phone: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()
    channel: str = ""
    gateways: tuple[str, ...] = ()
    discount_codes: tuple[str, ...] = ()
    customer: Customer | None = None
    ship_to: Address | None = None
    bill_to: Address | None = None
    lines: tuple[Line, ...]
    shipping: tuple[ShippingCharge, ...] = ()
    payments: tuple[Payment, ...] = ()
    refunds: tuple[Refund, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    fulfilment_orders: tuple[FulfilmentOrder, ...] = ()
    fulfilments: tuple[Fulfilment, ...] = ()
    subtotal: Money
    shipping_total: Money
    tax_total: Money
    duties: Money
    fees: Money
    tip: Money
    cash_rounding: Money
    refund_rounding: Money | None = None
    """What cash refunds were rounded by, in all."""
    total: Money
    current_subtotal: Money
    current_shipping: Money
    current_tax: Money
    current_total: Money
    refunded: Money
    outstanding: Money
    on_hold: bool = False

    @property
    def key(self) -> str:
        """Unique over all connections and stable for ever, e.g. "shop:5501"; fits every vendor's key slot."""
        return f"{self.source}:{self.id}"

    @property
    def cancelled(self) -> bool:
        """Whether the storefront has cancelled it."""
        return self.cancelled_at is not None

    def line(self, line_id: str) -> Line | None:
        """The line with this id, if the order has it."""
        return next((line for line in self.lines if line.id == line_id), None)

    def zero(self) -> Money:
        """Nothing, in shop currency."""
        return Money(amount=Decimal(0), currency=self.currency)
