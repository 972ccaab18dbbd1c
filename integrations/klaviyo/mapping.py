"""From a fact of the log to Klaviyo's events: metric, unique_id, value and properties."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from commerce.errors import Unmappable
from commerce.events import Event, Kind
from commerce.money import Money, total
from commerce.orders import Address, Fulfilment, Line, Order, Refund
from integrations.klaviyo.people import identity, to_profile

METRICS = {
    Kind.ORDER_PLACED: "Placed Order",
    Kind.ORDER_CANCELLED: "Cancelled Order",
    Kind.ORDER_REFUNDED: "Refunded Order",
    Kind.ORDER_FULFILLED: "Fulfilled Order",
}
"""The names that Klaviyo's analytics look for, to the letter."""

PRODUCT = "Ordered Product"
"""Comes with "Placed Order", once for each line."""

Properties = dict[str, Any]


@dataclass(frozen=True)
class MetricEvent:
    """One event of one metric. `attributes` are the event's own, without its profile."""

    profile: dict[str, Any] = field(repr=False)
    attributes: dict[str, Any] = field(repr=False)

    @property
    def unique_id(self) -> str:
        """Our key: Klaviyo keeps one event per profile, metric and unique_id."""
        return str(self.attributes["unique_id"])

    def without(self, names: Collection[str]) -> MetricEvent:
        """The same event, with these parts of its profile left as Klaviyo has them."""
        left = {name: value for name, value in self.profile.items() if name not in names}
        return MetricEvent(left, self.attributes)

    @property
    def key(self) -> tuple[str, str, str]:
        """What Klaviyo tells a repeat by: profile, metric, unique_id."""
        return identity(self.profile), self.attributes["metric"]["data"]["attributes"]["name"], self.unique_id


def reason_to_skip(event: Event, order: Order) -> str:
    """Why marketing is not told of this fact; empty when it is. Raises Unmappable for a bad e-mail address."""
    if event.kind not in METRICS:
        return "nothing that marketing needs"
    if order.test:
        return "test order"
    if event.kind == Kind.ORDER_REFUNDED and not refund_of(event, order).total:
        return "refund without money"
    return "" if to_profile(order) else "guest without e-mail"


def to_metric_events(event: Event, order: Order, *, backfill: bool) -> list[MetricEvent]:
    """The fact's events, the main one first; "Placed Order" brings one "Ordered Product" for each line.

    `backfill` records them without triggering flows. Raises Unmappable.
    """
    profile = to_profile(order, history=backfill)
    described = [_described(event, order), *_products(event, order)]
    return [
        MetricEvent(profile, _attributes(event, metric, unique_id, value, properties, backfill=backfill))
        for metric, unique_id, value, properties in described
    ]


def refund_of(event: Event, order: Order) -> Refund:
    """The refund that the fact is about. Raises Unmappable when the order does not have it."""
    found = next((refund for refund in order.refunds if refund.id == event.part), None)
    if found is None:
        raise Unmappable("refunds", f"order {order.number} has no refund {event.part or 'named in the event'}")
    return found


def fulfilment_of(event: Event, order: Order) -> Fulfilment:
    """The fulfilment that the fact is about. Raises Unmappable when the order does not have it."""
    found = next((one for one in order.fulfilments if one.id == event.part), None)
    if found is None:
        raise Unmappable("fulfilments", f"order {order.number} has no fulfilment {event.part or 'named in the event'}")
    return found


def _described(event: Event, order: Order) -> tuple[str, str, Money, Properties]:
    """Metric, unique_id, value and properties of the fact's main event."""
    metric, properties = METRICS[event.kind], to_order_properties(order)
    if event.kind == Kind.ORDER_CANCELLED:
        reason = _known({"Reason": order.cancel_reason})
        return metric, f"{order.source}:cancelled:{order.id}", order.total, {**properties, **reason}
    if event.kind == Kind.ORDER_REFUNDED:
        refund = refund_of(event, order)
        unique_id = f"{order.source}:refunded:{order.id}:{refund.id}"
        return metric, unique_id, refund.total, {**properties, **_known({"Reason": refund.note})}
    if event.kind == Kind.ORDER_FULFILLED:
        parcel = fulfilment_of(event, order)
        tracking = {
            "TrackingNumber": ", ".join(parcel.tracking_numbers),
            "TrackingUrl": parcel.tracking_url,
            "Carrier": parcel.carrier,
        }
        unique_id = f"{order.source}:fulfilled:{order.id}:{parcel.id}"
        return metric, unique_id, order.total, {**properties, **_known(tracking)}
    return metric, f"{order.source}:placed:{order.id}", order.total, properties


def _products(event: Event, order: Order) -> Iterator[tuple[str, str, Money, Properties]]:
    """One "Ordered Product" for each line of an order that was placed.

    Each needs its own unique_id: without, Klaviyo keeps one event per profile, metric and second.
    """
    for line in order.lines if event.kind == Kind.ORDER_PLACED else ():
        yield PRODUCT, f"{order.source}:ordered:{order.id}:{line.id}", line.net, to_product(order, line)


def to_order_properties(order: Order) -> Properties:
    """Properties of every metric about a whole order. What merchants segment on is at the top level."""
    # https://developers.klaviyo.com/en/docs/guide_to_integrating_a_platform_without_a_pre_built_klaviyo_integration
    discounts = [line.discount for line in order.lines] + [charge.discount for charge in order.shipping]
    return {
        "OrderId": order.id,
        "OrderNumber": order.number,
        "ItemNames": _unique(line.title for line in order.lines),
        "ItemCount": sum(line.quantity for line in order.lines),
        "DiscountValue": number(total(discounts, order.currency)),
        "Items": [to_item(line) for line in order.lines],
        **_known(
            {
                "Brands": _unique(line.vendor for line in order.lines),
                "DiscountCode": ", ".join(order.discount_codes),
                "DiscountCodes": list(order.discount_codes),
                "BillingAddress": to_address(order.bill_to),
                "ShippingAddress": to_address(order.ship_to),
            }
        ),
    }


def to_item(line: Line) -> Properties:
    """One entry of `Items`, which is for showing in a message."""
    return {
        **_known({"ProductID": line.product_id, "VariantID": line.variant_id, "SKU": line.sku}),
        "ProductName": line.title,
        "Quantity": line.quantity,
        "ItemPrice": number(line.unit_price),
        "RowTotal": number(line.net),
        **_known({"VariantName": line.variant_title, "Brand": line.vendor}),
    }


def to_product(order: Order, line: Line) -> Properties:
    """Properties of "Ordered Product"."""
    return {
        "OrderId": order.id,
        **_known({"ProductID": line.product_id, "VariantID": line.variant_id, "SKU": line.sku}),
        "ProductName": line.title,
        "Quantity": line.quantity,
        **_known({"VariantName": line.variant_title, "ProductBrand": line.vendor}),
    }


def to_address(address: Address | None) -> Properties:
    """An address as Klaviyo's templates name its parts. The phone number belongs in the profile and nowhere else."""
    if address is None:
        return {}
    return _known(
        {
            "FirstName": address.first_name,
            "LastName": address.last_name,
            "Company": address.company,
            "Address1": address.line1,
            "Address2": address.line2,
            "City": address.city,
            "Region": address.province,
            "RegionCode": address.province_code,
            "Country": address.country_name,
            "CountryCode": address.country,
            "Zip": address.postal_code,
        }
    )


def number(amount: Money) -> float:
    """A JSON number in major units, to the currency's smallest: the only place where money becomes a float."""
    return float(amount.rounded().amount)


def _attributes(
    event: Event, metric: str, unique_id: str, value: Money, properties: Properties, *, backfill: bool
) -> Properties:
    return {
        "unique_id": unique_id,
        "time": event.occurred_at.isoformat(timespec="seconds"),
        "value": number(value),
        "value_currency": value.currency,
        "backfill": backfill,
        "properties": properties,
        "metric": {"data": {"type": "metric", "attributes": {"name": metric}}},
    }


def _known(values: Properties) -> Properties:
    """Without what is empty: nothing is told about what is not known."""
    return {name: value for name, value in values.items() if value not in ("", None, [], {})}


def _unique(words: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(word for word in words if word))
