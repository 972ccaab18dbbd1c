"""What HubSpot holds of our orders: one deal each, with its amount and stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from commerce.audits import Found, State
from commerce.money import Money, money
from commerce.orders import Order
from integrations.hubspot.api import HubSpotApi
from integrations.hubspot.schemas import Record
from integrations.hubspot.settings import HubSpotSettings

AT_ONCE = 100
PROPERTIES = ("dealname", "amount", "deal_currency_code", "dealstage")


def deals_of(api: HubSpotApi, settings: HubSpotSettings, orders: Sequence[Order]) -> Iterator[Found]:
    """The deals of these orders, a hundred for each call. Deals of other orders are not looked for."""
    key = settings.key_property
    if not orders or api.deal_property(key) is None:  # nothing was ever brought
        return
    for start in range(0, len(orders), AT_ONCE):
        keys = [order.key for order in orders[start : start + AT_ONCE]]
        for record in api.deals_by(key, keys, PROPERTIES):
            yield as_found(record, str(record.properties.get(key) or ""), settings)


def as_found(record: Record, subject: str, settings: HubSpotSettings) -> Found:
    """A deal in our words. Where a colleague moved it to another stage the hub does not judge."""
    stages = settings.stages
    states: dict[str, State] = {stages.open: "open", stages.paid: "paid", stages.lost: "cancelled"}
    return Found(
        subject=subject,
        slot="deal",
        vendor_id=record.id,
        name=record.properties.get("dealname") or "",
        state=states.get(record.properties.get("dealstage") or "", "unknown"),
        amount=amount_of(record),
    )


def amount_of(record: Record) -> Money | None:
    """What it is worth; None where that cannot be read."""
    try:
        return money(Decimal(record.properties.get("amount") or ""), record.properties.get("deal_currency_code") or "")
    except (InvalidOperation, ValueError):
        return None
