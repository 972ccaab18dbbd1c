"""Webhook bodies, in the shape of the old REST API. https://shopify.dev/docs/api/webhooks?reference=toml

Ids are ints, money is a string of two decimals, moments carry the shop's offset, words are lower case.
"""

from __future__ import annotations

from typing import Any

from integrations.shopify.simulator.clock import local_stamp
from integrations.shopify.simulator.model import (
    Fulfillment,
    Order,
    Refund,
    Transaction,
    gid,
)
from integrations.shopify.simulator.money import NOTHING, total
from integrations.shopify.simulator.payload_parts import (
    address,
    bare_line,
    both,
    cents,
    line_body,
    money_set,
    shipping_body,
    tax_lines,
)
from integrations.shopify.simulator.read_orders import gateways
from integrations.shopify.simulator.read_stock import level_gid
from integrations.shopify.simulator.stock import Level
from integrations.shopify.simulator.totals import financial_status, fulfillment_status, taxes_of, totals

FULFILLMENT_WORDS = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial"}


def order_body(order: Order, timezone: str) -> dict[str, Any]:
    """`orders/*`."""
    spec = order.spec
    codes = [one for one in order.applications if one.code]
    return {
        "id": order.id,
        "admin_graphql_api_id": gid("Order", order.id),
        "name": order.name,
        "number": order.number - 1000,
        "order_number": order.number,
        "created_at": local_stamp(order.created, timezone),
        "updated_at": local_stamp(order.updated, timezone),
        "processed_at": local_stamp(order.created, timezone),
        "cancelled_at": local_stamp(order.cancelled, timezone) if order.cancelled is not None else None,
        "closed_at": None,
        "cancel_reason": order.cancel_reason.lower() if order.cancel_reason else None,
        "confirmed": True,
        "test": spec.get("test", False),
        "currency": order.exchange.shop,
        "presentment_currency": order.exchange.presentment,
        "taxes_included": order.taxes_included,
        "tax_exempt": spec.get("tax_exempt", False),
        "tags": ", ".join(order.tags),
        "email": spec.get("email"),
        "contact_email": spec.get("email"),
        "phone": spec.get("phone"),
        "note": spec.get("note"),
        "po_number": spec.get("po_number"),
        "source_name": spec.get("source_name", "web"),
        "financial_status": financial_status(order).lower(),
        "fulfillment_status": FULFILLMENT_WORDS.get(fulfillment_status(order)),
        "payment_gateway_names": gateways(order),
        **_sums(order),
        "customer": _customer(order),
        "billing_address": address(spec.get("billing_address")),
        "shipping_address": address(spec.get("shipping_address")),
        "line_items": [line_body(line) for line in order.lines],
        "shipping_lines": [shipping_body(one) for one in order.shipping],
        "tax_lines": tax_lines(order, taxes_of(order)),
        "discount_codes": [
            {"code": one.code, "amount": cents(one.value.shop), "type": "fixed_amount"} for one in codes
        ],
        "note_attributes": [],
        "fulfillments": [fulfillment_body(one, timezone) for one in order.fulfillments],
        "refunds": [refund_body(one, timezone) for one in order.refunds],
    }


def _sums(order: Order) -> dict[str, Any]:
    sums = totals(order)
    named = {
        "subtotal_price": sums.subtotal,
        "total_price": sums.total,
        "total_tax": sums.tax,
        "total_discounts": sums.discounts,
        "total_line_items_price": total(line.gross for line in order.lines),
        "current_subtotal_price": sums.current_subtotal,
        "current_total_price": sums.current_total,
        "current_total_tax": sums.current_tax,
        "current_total_discounts": sums.current_discounts,
    }
    fields = {key: value for name, amount in named.items() for key, value in both(order, name, amount).items()}
    return {
        **fields,
        "total_outstanding": cents(sums.outstanding.shop),
        "total_tip_received": cents(order.tip.shop),
        "total_shipping_price_set": money_set(order, sums.shipping_price),
        "current_shipping_price_set": money_set(order, sums.current_shipping),
    }


def _customer(order: Order) -> dict[str, Any] | None:
    who = order.customer
    if who is None:
        return None
    return {
        "id": who.id,
        "email": who.email,
        "first_name": who.first_name,
        "last_name": who.last_name,
        "phone": who.phone,
    }


def fulfillment_body(one: Fulfillment, timezone: str) -> dict[str, Any]:
    """`fulfillments/*`."""
    numbers = [row["number"] for row in one.tracking if row["number"]]
    urls = [row["url"] for row in one.tracking if row["url"]]
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("Fulfillment", one.id),
        "order_id": one.order.id,
        "name": one.name,
        "status": one.status.lower(),
        "tracking_company": one.tracking[0]["company"] if one.tracking else None,
        "tracking_number": numbers[0] if numbers else None,
        "tracking_numbers": numbers,
        "tracking_url": urls[0] if urls else None,
        "tracking_urls": urls,
        "shipment_status": None,
        "location_id": one.location.id,
        "line_items": [{**bare_line(row.line), "quantity": quantity} for _, row, quantity in one.lines],
        "created_at": local_stamp(one.created, timezone),
        "updated_at": local_stamp(one.updated, timezone),
    }


def refund_body(refund: Refund, timezone: str) -> dict[str, Any]:
    """`refunds/create`; there is no total in it."""
    order = refund.order
    at = local_stamp(refund.at, timezone)
    return {
        "id": refund.id,
        "admin_graphql_api_id": gid("Refund", refund.id),
        "order_id": order.id,
        "created_at": at,
        "processed_at": at,
        "note": refund.note,
        "restock": any(one.restock != "NO_RESTOCK" for one in refund.lines),
        "user_id": None,
        "refund_line_items": [_refund_line(order, one) for one in refund.lines],
        "refund_shipping_lines": [
            {"id": number, "subtotal_amount_set": money_set(order, amount), "tax_amount_set": money_set(order, tax)}
            for number, _, amount, tax in refund.shipping
        ],
        "order_adjustments": _adjustments(refund),
        "transactions": [transaction_body(one, timezone) for one in refund.transactions],
        "duties": [],
        "return": None,
    }


def _refund_line(order: Order, one: Any) -> dict[str, Any]:
    return {
        "id": one.id,
        "line_item_id": one.line.id,
        "line_item": bare_line(one.line),
        "quantity": one.quantity,
        "restock_type": one.restock.lower(),
        "location_id": one.location.id if one.location else None,
        "subtotal": one.subtotal.shop / 100,
        "total_tax": one.tax.shop / 100,
        "subtotal_set": money_set(order, one.subtotal),
        "total_tax_set": money_set(order, one.tax),
    }


def _adjustments(refund: Refund) -> list[dict[str, Any]]:
    if refund.adjustment is None:
        return []
    number, reason, amount = refund.adjustment
    words = {"kind": reason.lower(), "reason": reason.replace("_", " ").capitalize()}
    order = refund.order
    return [{"id": number, **words, **both(order, "amount", amount), **both(order, "tax_amount", NOTHING)}]


def transaction_body(one: Transaction, timezone: str) -> dict[str, Any]:
    """`transactions[]`."""
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("OrderTransaction", one.id),
        "order_id": one.order.id,
        "kind": one.kind.lower(),
        "status": one.status.lower(),
        "amount": cents(one.amount.shop),
        "currency": one.order.exchange.shop,
        "gateway": one.gateway,
        "parent_id": one.parent.id if one.parent else None,
        "processed_at": local_stamp(one.at, timezone),
        "test": one.order.spec.get("test", False),
    }


def level_body(level: Level, timezone: str) -> dict[str, Any]:
    """`inventory_levels/update`."""
    return {
        "inventory_item_id": level.item.id,
        "location_id": level.location.id,
        "available": level.quantity("available"),
        "updated_at": local_stamp(level.updated, timezone),
        "admin_graphql_api_id": level_gid(level),
    }


def fulfillment_order_body(number: int, status: str) -> dict[str, Any]:
    """`fulfillment_orders/*`: no order id in it."""
    return {"fulfillment_order": {"id": gid("FulfillmentOrder", number), "status": status.lower()}}


def order_edit_body(order: Order, deltas: dict[int, int], timezone: str) -> dict[str, Any]:
    """`orders/edited`: only what was added and removed."""
    at = local_stamp(order.updated, timezone)
    changes = {
        "additions": [{"id": line, "delta": delta} for line, delta in deltas.items() if delta > 0],
        "removals": [{"id": line, "delta": -delta} for line, delta in deltas.items() if delta < 0],
    }
    edit = {"id": order.id, "order_id": order.id, "created_at": at, "committed_at": at, "notify_customer": False}
    return {"order_edit": {**edit, "staff_note": None, "user_id": None, "line_items": changes}}
