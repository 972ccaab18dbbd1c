"""The part of Shopify's answers that the hub reads. Everything else is ignored; unknown words stay words.

https://shopify.dev/docs/api/admin-graphql/2026-10/objects/Order
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from commerce.money import Exact


def _short(value: Any) -> Any:
    return value.rpartition("/")[2].partition("?")[0] if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _exact_rate(value: Any) -> Any:
    """A JSON number by its digits: 0.19 is 0.19 and not the binary fraction next to it."""
    return Decimal(str(value)) if isinstance(value, float) else value


def _text(value: Any) -> Any:
    return "" if value is None else value


ShortId = Annotated[str, BeforeValidator(_short)]
"""The number of a gid."""
Word = Annotated[str, BeforeValidator(_lower)]
"""An enum value in lower case; Shopify adds new ones at any time."""
Text = Annotated[str, BeforeValidator(_text)]
"""Text that may be null."""
Rate = Annotated[Decimal, BeforeValidator(_exact_rate)]


class Seen(BaseModel):
    """An object of Shopify's: camelCase there, snake_case here, fields that we do not know ignored."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore")


Node = TypeVar("Node")


class Nodes(Seen, Generic[Node]):
    """A connection of which every page has been read."""

    nodes: tuple[Node, ...]


class Ref(Seen):
    """Something named by its id only."""

    id: ShortId


class MoneyV2(Seen):
    """An amount as Shopify writes it: a string of no fixed scale, e.g. "10.0"."""

    amount: Exact
    currency_code: str


class Bag(Seen):
    """One amount in shop currency."""

    shop_money: MoneyV2


class BothBag(Bag):
    """One amount in shop currency and as the shopper saw it."""

    presentment_money: MoneyV2


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


class Action(Seen):
    """Something that can be done with a fulfilment order now."""

    action: Word


class AssignedLocation(Seen):
    """Where it ships from; `location` is null once deleted."""

    name: str
    location: Ref | None = None


class DeliveryMethod(Seen):
    """How it gets to the shopper."""

    method_type: Word
    presented_name: Text = ""
    service_code: Text = ""


class Hold(Seen):
    """Why it must wait."""

    reason: Word


class ToShipLine(Seen):
    """Units of one line within a fulfilment order; `gid` is its own full id."""

    id: str
    total_quantity: int
    remaining_quantity: int
    sku: Text = ""
    requires_shipping: bool = True
    line_item: Ref


class ToShip(Seen):
    """A fulfilment order; `id` is the full gid, because it is written back and never kept."""

    id: str
    status: Word
    fulfill_by: datetime | None = None
    supported_actions: tuple[Action, ...] = ()
    assigned_location: AssignedLocation
    delivery_method: DeliveryMethod | None = None
    fulfillment_holds: tuple[Hold, ...] = ()
    line_items: Nodes[ToShipLine]

    @property
    def fulfillable(self) -> bool:
        """Whether Shopify would take a fulfilment of it now."""
        return any(one.action == "create_fulfillment" for one in self.supported_actions)

    @property
    def location_id(self) -> str:
        """The location's number, empty once it is deleted."""
        return self.assigned_location.location.id if self.assigned_location.location else ""


class Tracking(Seen):
    """One tracking number."""

    company: Text = ""
    number: Text = ""
    url: Text = ""


class ShippedLine(Seen):
    """Units that left."""

    quantity: int | None = None
    line_item: Ref


class Shipped(Seen):
    """A fulfilment; `id` is the full gid."""

    id: str
    legacy_resource_id: str
    status: Word
    created_at: datetime
    tracking_info: tuple[Tracking, ...] = ()
    fulfillment_line_items: Nodes[ShippedLine]

    @property
    def numbers(self) -> frozenset[str]:
        """Its tracking numbers."""
        return frozenset(one.number for one in self.tracking_info if one.number)

    @property
    def cancelled(self) -> bool:
        """Whether it was taken back. Shopify spells the word in two ways."""
        return self.status in ("cancelled", "canceled")


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
    display_financial_status: str | None = None
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
    fulfillment_orders: Nodes[ToShip]
    fulfillments: tuple[Shipped, ...] = ()


class OrderToFulfil(Seen):
    """What a fulfilment needs to know of an order."""

    legacy_resource_id: str
    name: str
    cancelled_at: datetime | None = None
    fulfillment_orders: Nodes[ToShip]
    fulfillments: tuple[Shipped, ...] = ()


class Level(Seen):
    """What one location holds of an item."""

    is_active: bool
    quantities: tuple[Quantity, ...] = ()


class Quantity(Seen):
    """One named quantity."""

    name: str
    quantity: int


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


class Location(Seen):
    """A place that holds stock."""

    legacy_resource_id: str
    name: str
    is_active: bool


class Subscription(Seen):
    """A webhook subscription of this app; `id` is the full gid."""

    id: str
    topic: str
    uri: str
