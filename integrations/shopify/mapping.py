"""From Shopify's order to ours. Values in, values out."""

from __future__ import annotations

from collections.abc import Sequence

from commerce import orders as hub
from commerce.errors import Unmappable
from commerce.money import Money, total
from integrations.shopify import schemas
from integrations.shopify.documents import PLAIN_LIST
from integrations.shopify.mapping_money import in_shop, to_agreement, to_money, to_payments, to_refund, to_taxes
from integrations.shopify.scalars import Bag
from integrations.shopify.schemas_fulfilment import Shipped, ToShip, ToShipLine

FINANCIAL: dict[str | None, hub.Financial] = {
    **{one.value: one for one in hub.Financial},
    "authorized": hub.Financial.AUTHORISED,
    None: hub.Financial.PENDING,  # an order made through the API without any payment
}


def to_order(raw: schemas.Order, *, source: str, url: str) -> hub.Order:
    """The order in shop currency. Raises Unmappable for a list that Shopify may have cut off."""
    refuse_cut_lists(raw)
    currency = raw.currency_code
    lines = tuple(to_line(line) for line in raw.line_items.nodes)
    shipping = tuple(to_shipping(line) for line in raw.shipping_lines.nodes)
    to_ship = tuple(to_fulfilment_order(one) for one in raw.fulfillment_orders.nodes)
    return hub.Order(
        source=source,
        id=raw.legacy_resource_id,
        number=raw.name,
        url=url,
        created_at=raw.created_at,
        updated_at=raw.updated_at,
        processed_at=raw.processed_at,
        cancelled_at=raw.cancelled_at,
        cancel_reason=raw.cancel_reason.lower(),
        test=raw.test,
        edited=raw.edited,
        financial=FINANCIAL.get(raw.display_financial_status, hub.Financial.UNKNOWN),
        fulfilment=raw.display_fulfillment_status,
        currency=currency,
        presentment_currency=raw.presentment_currency_code,
        presentment_total=to_money(raw.total_price_set.presentment_money),
        taxes_included=raw.taxes_included,
        email=raw.email,
        phone=raw.phone,
        note=raw.note,
        tags=raw.tags,
        channel=raw.source_name,
        gateways=raw.payment_gateway_names,
        discount_codes=raw.discount_codes,
        customer=to_customer(raw.customer),
        ship_to=to_address(raw.shipping_address),
        bill_to=to_address(raw.billing_address),
        lines=lines,
        shipping=shipping,
        payments=to_payments(raw.transactions),
        refunds=tuple(to_refund(one, currency) for one in raw.refunds),
        agreements=tuple(to_agreement(one) for one in raw.agreements),
        fulfilment_orders=to_ship,
        fulfilments=tuple(to_fulfilment(one) for one in raw.fulfillments),
        on_hold=raw.display_fulfillment_status == "on_hold" or any(one.status == "on_hold" for one in to_ship),
        **to_totals(raw, lines, shipping),
    )


def to_totals(
    raw: schemas.Order, lines: Sequence[hub.Line], shipping: Sequence[hub.ShippingCharge]
) -> dict[str, Money]:
    """The sums. total = subtotal + shipping + (tax unless included) + duties + fees + tip.

    Shipping is the sum of the charges after discounts: what Shopify's own `totalShippingPriceSet` does with discounts
    is not documented well enough to book from.
    """
    currency = raw.currency_code
    nothing = total((), currency)

    def shown(bag: Bag | None) -> Money:
        return in_shop(bag) if bag else nothing

    subtotal, refund_rounding = raw.subtotal_price_set, raw.total_cash_rounding_adjustment.refund_set
    return {
        "subtotal": in_shop(subtotal) if subtotal else total((line.net for line in lines), currency),
        "shipping_total": total((charge.net for charge in shipping), currency),
        "tax_total": shown(raw.total_tax_set),
        "duties": shown(raw.original_total_duties_set),
        "fees": shown(raw.original_total_additional_fees_set),
        "tip": in_shop(raw.total_tip_received_set),
        "cash_rounding": in_shop(raw.total_cash_rounding_adjustment.payment_set),
        "refund_rounding": in_shop(refund_rounding) if refund_rounding else nothing,
        "total": in_shop(raw.total_price_set),
        "current_subtotal": in_shop(raw.current_subtotal_price_set),
        "current_shipping": in_shop(raw.current_shipping_price_set),
        "current_tax": in_shop(raw.current_total_tax_set),
        "current_total": in_shop(raw.current_total_price_set),
        "refunded": in_shop(raw.total_refunded_set),
        "outstanding": in_shop(raw.total_outstanding_set),
    }


def refuse_cut_lists(raw: schemas.Order) -> None:
    """Shopify cannot page plain lists: a full one may lack its end, and half an order must not be booked."""
    for name, held in (
        ("transactions", raw.transactions),
        ("refunds", raw.refunds),
        ("fulfillments", raw.fulfillments),
    ):
        if len(held) >= PLAIN_LIST:
            raise Unmappable(name, f"order {raw.name} has {PLAIN_LIST} or more {name}, and Shopify shows no more")


def to_line(raw: schemas.Line) -> hub.Line:
    """A line. Its discount is every allocated share: `discountedTotalSet` leaves out codes and order discounts."""
    price = in_shop(raw.original_unit_price_set)
    return hub.Line(
        id=raw.id,
        sku=raw.sku,
        title=raw.title,
        variant_title=raw.variant_title,
        product_id=raw.product.id if raw.product else "",
        variant_id=raw.variant.id if raw.variant else "",
        vendor=raw.vendor,
        quantity=raw.quantity,
        current=raw.current_quantity,
        unit_price=price,
        discount=total((in_shop(one.allocated_amount_set) for one in raw.discount_allocations), price.currency),
        taxes=to_taxes(raw.tax_lines),
        requires_shipping=raw.requires_shipping,
        gift_card=raw.is_gift_card,
        taxable=raw.taxable,
    )


def to_shipping(raw: schemas.Shipping) -> hub.ShippingCharge:
    """A shipping charge; its discounts include those of the whole cart."""
    price = in_shop(raw.original_price_set)
    return hub.ShippingCharge(
        title=raw.title,
        code=raw.code,
        price=price,
        discount=price - in_shop(raw.discounted_price_set),
        taxes=to_taxes(raw.tax_lines),
        removed=raw.is_removed,
    )


def to_fulfilment_order(raw: ToShip) -> hub.FulfilmentOrder:
    """What one location has to ship."""
    way = raw.delivery_method
    ships = any(line.requires_shipping for line in raw.line_items.nodes)
    return hub.FulfilmentOrder(
        id=raw.id,
        status=raw.status,
        location_id=raw.location_id,
        location=raw.assigned_location.name,
        delivery=way.method_type if way else ("shipping" if ships else "none"),
        method=(way.presented_name or way.service_code) if way else "",
        ship_by=raw.fulfill_by,
        hold_reasons=tuple(hold.reason for hold in raw.fulfillment_holds),
        fulfillable=raw.fulfillable,
        lines=tuple(to_fulfilment_line(line) for line in raw.line_items.nodes),
    )


def to_fulfilment_line(raw: ToShipLine) -> hub.FulfilmentLine:
    """Units of a line that one location has to ship."""
    return hub.FulfilmentLine(
        id=raw.id.rpartition("/")[2],
        line_id=raw.line_item.id,
        sku=raw.sku,
        quantity=raw.total_quantity,
        remaining=raw.remaining_quantity,
        requires_shipping=raw.requires_shipping,
    )


def to_fulfilment(raw: Shipped) -> hub.Fulfilment:
    """What has left; a cancelled one keeps its status."""
    quantities: dict[str, int] = {}
    for line in raw.fulfillment_line_items.nodes:
        quantities[line.line_item.id] = quantities.get(line.line_item.id, 0) + (line.quantity or 0)
    tracked = raw.tracking_info
    return hub.Fulfilment(
        id=raw.legacy_resource_id,
        status=raw.status,
        at=raw.created_at,
        tracking_numbers=tuple(one.number for one in tracked if one.number),
        carrier=next((one.company for one in tracked if one.company), ""),
        tracking_url=next((one.url for one in tracked if one.url), ""),
        quantities=quantities,
    )


def to_address(raw: schemas.Address | None) -> hub.Address | None:
    """A postal address."""
    if raw is None:
        return None
    parts = raw.model_dump(exclude={"address1", "address2", "zip", "country", "country_code_v2"})
    return hub.Address(
        **parts,
        line1=raw.address1,
        line2=raw.address2,
        postal_code=raw.zip,
        country=raw.country_code_v2,
        country_name=raw.country,
    )


def to_customer(raw: schemas.Customer | None) -> hub.Customer | None:
    """Who bought."""
    if raw is None:
        return None
    email = raw.default_email_address
    return hub.Customer(
        id=raw.id,
        email=email.email_address if email else "",
        first_name=raw.first_name,
        last_name=raw.last_name,
        accepts_marketing=email is not None and email.marketing_state == "subscribed",
    )
