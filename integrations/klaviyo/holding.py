"""What Klaviyo holds of our orders: the "Placed Order" events of a window, which can be listed but not searched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from commerce.audits import Found
from commerce.events import Kind
from commerce.money import money
from commerce.orders import Order
from integrations.klaviyo.client import KlaviyoApi
from integrations.klaviyo.mapping import METRICS
from integrations.klaviyo.schemas import PastEvent

PLACED = METRICS[Kind.ORDER_PLACED]
A_SECOND = timedelta(seconds=1)


def placed(api: KlaviyoApi, source: str, since: datetime, until: datetime, orders: Sequence[Order]) -> Iterator[Found]:
    """The events of the time in which the orders were placed, a thousand for each call; those with our key.

    There is no filter by `unique_id`, and no other metric is asked for: it would cost a list of its own each.
    """
    moments = [since, until, *(order.processed_at for order in orders), *(o.processed_at + A_SECOND for o in orders)]
    currencies = {order.key: order.currency for order in orders}
    for metric in api.metrics():
        integration = metric.attributes.integration
        if metric.attributes.name == PLACED and (integration is None or integration.is_ours):
            for event in api.events(metric.id, min(moments) - A_SECOND, max(moments) + A_SECOND):
                subject = subject_of(event, source)
                if subject:
                    yield as_found(event, subject, currencies.get(subject, ""))


def subject_of(event: PastEvent, source: str) -> str:
    """Which of the source's orders it tells of, by our `unique_id`; empty for somebody else's event."""
    start = f"{source}:placed:"
    return f"{source}:{event.key.removeprefix(start)}" if event.key.startswith(start) else ""


def as_found(event: PastEvent, subject: str, currency: str) -> Found:
    """An event in our words. Its currency is not told again, so an order's own is taken."""
    value = event.attributes.event_properties.value
    return Found(
        subject=subject,
        slot="placed",
        vendor_id=event.id,
        state="told",
        amount=None if value is None or not currency else money(value, currency).rounded(),
        made_at=event.attributes.at,
    )
