"""The part of Shopify's answers that the hub reads. Everything else is ignored; unknown words stay words.

https://shopify.dev/docs/api/admin-graphql/2026-10/objects/Order
"""

from __future__ import annotations

from datetime import datetime

from integrations.shopify.scalars import Bag, BothBag, Nodes, Rate, Ref, Seen, ShortId, Text, Word
from integrations.shopify.schemas_fulfilment import Shipped, ToShip


class Tax(Seen):
    """One tax. `channel_liable` null means that Shopify does not know."""

    title: str
    rate: Rate | None = None
    channel_liable: bool | None = None
    price_set: Bag


class Allocation(Seen):
    """The share of one discount that landed here."""

    allocated_amount_set: Bag


class Address(Seen):
    """A postal address; protected parts may be null."""

    first_name: Text = ""
    last_name: Text = ""
    name: Text = ""
    company: Text = ""
    address1: Text = ""
    address2: Text = ""
    city: Text = ""
    province: Text = ""
    province_code: Text = ""
    zip: Text = ""
    country: Text = ""
    country_code_v2: Text = ""
    phone: Text = ""


class Line(Seen):
    """A line item. `variant` and `product` are null once deleted."""

    id: ShortId
    title: str
    variant_title: Text = ""
    sku: Text = ""
    vendor: Text = ""
    quantity: int
    current_quantity: int
    requires_shipping: bool
    taxable: bool
    is_gift_card: bool
    variant: Ref | None = None
    product: Ref | None = None
    original_unit_price_set: Bag
    discount_allocations: tuple[Allocation, ...] = ()
    tax_lines: tuple[Tax, ...] = ()


class Shipping(Seen):
    """A shipping line."""

    title: str
    code: Text = ""
    is_removed: bool = False
    original_price_set: Bag
    discounted_price_set: Bag
    tax_lines: tuple[Tax, ...] = ()


class Transaction(Seen):
    """Money asked for, authorised or moved; amounts are positive."""

    id: ShortId
    kind: Word
    status: Word
    gateway: Text = ""
    created_at: datetime
    processed_at: datetime | None = None
    amount_set: Bag
    parent_transaction: Ref | None = None


class RefundLine(Seen):
    """Units given back."""

    quantity: int
    restock_type: Word = ""
    restocked: bool = False
    line_item: Ref
    subtotal_set: Bag
    total_tax_set: Bag


class RefundShipping(Seen):
    """Shipping given back."""

    subtotal_amount_set: Bag
    tax_amount_set: Bag


class Adjustment(Seen):
    """A difference between what was calculated and what was refunded; negative when more was given back."""

    amount_set: Bag
    tax_amount_set: Bag


class Refund(Seen):
    """One refund; it may hold no money, or money that did not arrive."""

    legacy_resource_id: str
    created_at: datetime | None = None
    processed_at: datetime
    note: Text = ""
    total_refunded_set: Bag
    refund_line_items: Nodes[RefundLine]
    refund_shipping_lines: Nodes[RefundShipping]
    order_adjustments: Nodes[Adjustment]
    transactions: Nodes[Transaction]


class SaleTaxLine(Seen):
    """Which tax a share of a sale's tax belongs to."""

    title: str
    rate: Rate | None = None
    channel_liable: bool | None = None


class SaleTax(Seen):
    """A share of a sale's tax, signed."""

    amount: Bag
    tax_line: SaleTaxLine


class Sale(Seen):
    """One signed row of the ledger. `total_amount` contains the tax; `line_item` is there for products."""

    id: ShortId
    action_type: Word = "unknown"
    line_type: Word = "unknown"
    quantity: int | None = None
    total_amount: Bag
    total_tax_amount: Bag
    taxes: tuple[SaleTax, ...] = ()
    line_item: Ref | None = None


class Agreement(Seen):
    """What was agreed at one moment."""

    id: ShortId
    happened_at: datetime
    reason: Word = "unknown"
    sales: Nodes[Sale]


class Email(Seen):
    """The customer's address and what the shop knows of consent."""

    email_address: str
    marketing_state: Word = ""


class Customer(Seen):
    """Who bought."""

    id: ShortId
    first_name: Text = ""
    last_name: Text = ""
    default_email_address: Email | None = None


class CashRounding(Seen):
    """What cash payments were rounded by."""

    payment_set: Bag
    refund_set: Bag | None = None


class Order(Seen):
    """An order with everything below it."""

    legacy_resource_id: str
    name: str
    created_at: datetime
    updated_at: datetime
    processed_at: datetime
    cancelled_at: datetime | None = None
    cancel_reason: Text = ""
    test: bool
    edited: bool = False
    display_financial_status: Word | None = None
    display_fulfillment_status: Word = "unfulfilled"
    currency_code: str
    presentment_currency_code: str
    taxes_included: bool
    email: Text = ""
    phone: Text = ""
    note: Text = ""
    tags: tuple[str, ...] = ()
    source_name: Text = ""
    payment_gateway_names: tuple[str, ...] = ()
    discount_codes: tuple[str, ...] = ()
    customer: Customer | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    subtotal_price_set: Bag | None = None
    total_tax_set: Bag | None = None
    total_tip_received_set: Bag
    total_price_set: BothBag
    total_refunded_set: Bag
    total_outstanding_set: Bag
    original_total_duties_set: Bag | None = None
    original_total_additional_fees_set: Bag | None = None
    current_subtotal_price_set: Bag
    current_shipping_price_set: Bag
    current_total_tax_set: Bag
    current_total_price_set: Bag
    total_cash_rounding_adjustment: CashRounding
    line_items: Nodes[Line]
    shipping_lines: Nodes[Shipping]
    transactions: tuple[Transaction, ...] = ()
    refunds: tuple[Refund, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    fulfillment_orders: Nodes[ToShip]
    fulfillments: tuple[Shipped, ...] = ()


class Quantity(Seen):
    """One named quantity."""

    name: str
    quantity: int


class Level(Seen):
    """What one location holds of an item."""

    is_active: bool
    quantities: tuple[Quantity, ...] = ()


class InventoryItem(Seen):
    """What stock is counted of; `id` is the full gid."""

    id: str
    tracked: bool
    duplicate_sku_count: int = 0
    inventory_level: Level | None = None


class Variant(Seen):
    """A sellable thing. `requires_components`: a bundle, whose stock follows from its parts."""

    sku: Text = ""
    requires_components: bool = False
    inventory_item: InventoryItem


class FulfillmentService(Seen):
    """An app that ships from a place of its own."""

    service_name: Text = ""


class Location(Seen):
    """A place that holds stock; `fulfillment_service` ships from it, when that is not the merchant."""

    legacy_resource_id: str
    name: str
    is_active: bool
    fulfillment_service: FulfillmentService | None = None


class Subscription(Seen):
    """A webhook subscription of this app; `id` is the full gid. Only what we ask for makes it ours (`whole`)."""

    id: str
    topic: str
    uri: str
    format: str = "JSON"
    filter: Text = ""
    include_fields: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every delivery comes, as JSON, with all its fields."""
        return self.format == "JSON" and not self.filter and not self.include_fields
