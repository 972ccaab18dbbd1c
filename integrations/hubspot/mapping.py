"""From the hub's order to a contact and a deal. Pure: values in, plain dicts out."""

from __future__ import annotations

from commerce.orders import Financial, Order
from integrations.hubspot.settings import Stages

Properties = dict[str, str]
"""HubSpot takes every property as text."""

LOST = (Financial.REFUNDED, Financial.VOIDED, Financial.EXPIRED)


def to_contact(order: Order) -> Properties | None:
    """Who bought, found again by e-mail; None when nobody left one. Says nothing about consent or marketing.

    Names are sent only when known, so that what a colleague typed in stays.
    """
    email = contact_key(order.email or (order.customer.email if order.customer else ""))
    if not email:
        return None
    person = order.customer or order.bill_to or order.ship_to
    names = {"firstname": person.first_name, "lastname": person.last_name} if person else {}
    return {"email": email, **{name: value for name, value in names.items() if value}}


def contact_key(email: str) -> str:
    """The address as HubSpot keeps it."""
    return email.strip().lower()


def to_deal(order: Order, key_property: str, pipeline: str, stages: Stages) -> Properties:
    """The order as a deal worth what is left of it. `key_property` makes the call repeatable."""
    return {
        key_property: order.key,
        "dealname": f"Order {order.number}",
        "amount": f"{order.current_total.amount:.2f}",
        "deal_currency_code": order.current_total.currency,
        "pipeline": pipeline,
        "dealstage": stage(order, stages),
        # Whole milliseconds, as text.
        "closedate": str(int(order.processed_at.timestamp()) * 1000),
    }


def stage(order: Order, stages: Stages) -> str:
    """Where the order stands."""
    if order.cancelled or order.financial in LOST:
        return stages.lost
    return stages.paid if order.financial.paid else stages.open
