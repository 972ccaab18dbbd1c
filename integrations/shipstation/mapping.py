"""Between the hub's values and ShipStation's: an order's shipment out, a parcel in. Pure functions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import ROUND_FLOOR, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from commerce.allocation import WantedShipment
from commerce.errors import Unmappable
from commerce.money import Money
from commerce.orders import Address, Line, Order
from commerce.parcels import Parcel, ParcelLine
from integrations.shipstation.schemas import Fulfillment, Label, Shipment, ShipmentItem
from integrations.shipstation.shares import Share, shares

PACIFIC = ZoneInfo("America/Los_Angeles")
"""Labels and fulfillments carry midnight in this zone as their ship date."""

HOLD_UNTIL = "2099-12-31T00:00:00Z"
"""ShipStation has no endless hold, so a held shipment waits for a day that nobody will see."""

FROM_ITS_WAREHOUSE = ("ship_from", "return_to")
"""Shown in full beside the warehouse's id: sent back unchanged they would contradict a new one."""

DOOR = ("name", "company_name", "address_line1", "address_line2", "city_locality", "postal_code", "country_code")
NUMBER_LENGTH = 50
CUSTOM_FIELD_LENGTH = 100


def to_shipment(
    order: Order,
    wanted: WantedShipment,
    *,
    warehouse_id: str,
    store_id: str | None = None,
    fallback_phone: str = "",
    with_money: bool = True,
    held: bool = False,
) -> dict[str, Any]:
    """What ShipStation is to show of one location's share of an order, without the keys it is created under.

    `held` keeps it out of the screens where labels are bought. `with_money` puts the order's payment on it; one
    shipment of an order carries it, the others carry none. Raises Unmappable for an address that ShipStation would
    refuse.
    """
    body: dict[str, Any] = {
        "warehouse_id": warehouse_id,
        "requested_shipment_service": requested_service(order, wanted),
        "notes_from_buyer": order.note,
        "ship_to": to_address(order, fallback_phone),
        "items": [_item(order, line_id, quantity) for line_id, quantity in wanted.units.items()],
        "advanced_options": {"custom_field1": order.source[:CUSTOM_FIELD_LENGTH]},
        **_money_paid(order, with_money),
        "ship_by_date": wanted.ship_by.strftime("%Y-%m-%dT%H:%M:%SZ") if wanted.ship_by else None,
        "hold_until_date": HOLD_UNTIL if held else None,
    }
    if store_id:
        body["store_id"] = store_id
    return body


def to_create(body: Mapping[str, Any], *, external_id: str, number: str) -> dict[str, Any]:
    """An entry of `POST /v2/shipments`. https://docs.shipstation.com/apis/openapi/shipments/create_shipments"""
    said = _without_nulls(body)
    return {
        "external_shipment_id": external_id,
        "shipment_number": number,
        "create_sales_order": True,
        "shipment_status": "pending",
        "validate_address": "no_validation",
        **said,
    }


def _without_nulls(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a new shipment does not have is left out."""
    return {
        name: _without_nulls(value) if isinstance(value, Mapping) else value
        for name, value in body.items()
        if value is not None
    }


def to_update(existing: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The whole object that `PUT /v2/shipments/{id}` wants: what is there, with our part of it replaced.

    Keeps what people set in ShipStation: packages, tags, notes of their own, items that no hub wrote, and those of
    another order where staff have combined two.
    """
    there = [item for item in existing.get("items") or [] if isinstance(item, dict)]
    orders = {str(item["external_order_id"]) for item in body["items"]}
    mine = [item for item in there if item.get("external_order_item_id") and _order_of(item) in ("", *orders)]
    known = {item["external_order_item_id"]: item for item in mine}
    ours = [{**known.get(item["external_order_item_id"], {}), **item} for item in body["items"]]
    theirs = [item for item in there if item not in mine]
    moved = existing.get("warehouse_id") != body.get("warehouse_id")
    return {
        **{name: value for name, value in existing.items() if not (moved and name in FROM_ITS_WAREHOUSE)},
        **body,
        "ship_to": _same_door(existing.get("ship_to"), body["ship_to"]),
        "items": [*ours, *theirs],
        "advanced_options": {**(existing.get("advanced_options") or {}), **body["advanced_options"]},
    }


def _same_door(there: Any, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """The wanted address, with what ShipStation and staff have found out about it as long as it stays the same."""
    ours = {name: value for name, value in wanted.items() if name != "address_residential_indicator"}
    known = there if isinstance(there, Mapping) else {}
    if any(
        (known.get(name) or None) != (value or None) for name, value in ours.items() if name not in ("email", "phone")
    ):
        return wanted
    return {**wanted, **known, **ours}


def _order_of(item: Mapping[str, Any]) -> str:
    return str(item.get("external_order_id") or "")


def shipment_number(order: Order, position: int, *, with_source: bool = False) -> str:
    """What people call it: "1001", "1001-2" for the order's second shipment; "SHOP-1001" where that is taken."""
    number = order.number.lstrip("#")
    prefix = f"{order.source.upper()}-" if with_source else ""
    return f"{prefix}{number}{f'-{position}' if position > 1 else ''}"[:NUMBER_LENGTH]


WITHOUT_POSTAL_CODES = re.compile(
    "AE AG AO AW BF BI BJ BO BS BW BZ CD CF CG CI CK CM DJ DM ER FJ GA GD GH GM GQ GY HK KI KM KN KP LC ML MO MR MW "
    "NR NU QA RW SB SC SL SR ST SY TD TF TG TK TL TO TV UG VU YE ZW".replace(" ", "|")
)
"""Countries whose post knows no codes (Universal Postal Union). ShipStation's schema wants one all the same, and five
zeros are what carriers' forms take there; not confirmed on a live account."""


def to_address(order: Order, fallback_phone: str) -> dict[str, Any]:
    """ShipStation's address. Raises Unmappable naming what is missing; never quotes the address itself."""
    address = order.ship_to
    if address is None:
        raise Unmappable("ship_to", f"order {order.number} has no shipping address", hint="add one in the storefront")
    phone = address.phone or order.phone or fallback_phone
    required = {
        "name": address.name or f"{address.first_name} {address.last_name}".strip() or address.company,
        "phone": phone,
        "address_line1": address.line1,
        "city_locality": address.city,
        # Required by ShipStation's schema, although most countries have no such thing.
        "state_province": address.province_code or address.province or address.city,
        "postal_code": address.postal_code or ("00000" if WITHOUT_POSTAL_CODES.fullmatch(address.country) else ""),
        "country_code": address.country,
    }
    _refuse_gaps(order, required)
    return {
        **required,
        # Nothing is said as null, so that an update clears what the shopper took out.
        "company_name": address.company or None,
        "address_line2": address.line2 or None,
        "address_line3": None,
        "email": order.email or None,
        "address_residential_indicator": "unknown",
    }


def _refuse_gaps(order: Order, required: Mapping[str, str]) -> None:
    missing = [name for name, value in required.items() if not value.strip()]
    if missing == ["phone"]:
        raise Unmappable(
            "phone",
            f"order {order.number} has no phone number, which ShipStation requires",
            hint="set fallback_phone for this connection in stack.toml",
        )
    if missing:
        raise Unmappable(
            "ship_to",
            f"the shipping address of order {order.number} lacks {', '.join(missing)}",
            hint="complete the address in the storefront",
        )


def requested_service(order: Order, wanted: WantedShipment) -> str:
    """What the shopper chose, in the storefront's words."""
    chosen = next((charge.title for charge in order.shipping if not charge.removed and charge.title), "")
    return chosen or wanted.method


def _item(order: Order, line_id: str, quantity: int) -> dict[str, Any]:
    line = order.line(line_id)
    if line is None:
        raise Unmappable("items", f"order {order.number} is to ship line {line_id}, which it does not have")
    item: dict[str, Any] = {
        "external_order_id": order.id,
        "external_order_item_id": line.id,
        "name": line.title,
        "sku": line.sku,
        "quantity": quantity,
        "unit_price": number(unit_price(line)),
    }
    if line.variant_title:
        item["options"] = [{"name": "Variant", "value": line.variant_title}]
    return item


def unit_price(line: Line) -> Money:
    """What one unit costs after discounts, rounded down: ShipStation refuses negative discount lines.

    The units may so come to some cents less than was paid; `amount_paid` carries the truth.
    """
    if line.quantity <= 0 or line.net.amount <= 0:
        return line.unit_price * 0
    each = line.net.amount / line.quantity
    step = Decimal(1).scaleb(-line.unit_price.digits)
    return Money(amount=each.quantize(step, rounding=ROUND_FLOOR), currency=line.unit_price.currency)


def _money_paid(order: Order, with_money: bool) -> dict[str, Any]:
    """What the shopper has paid of what is left of the order; ShipStation adds up what an order's shipments show."""
    paid = {
        "amount_paid": order.current_total - order.outstanding,
        "shipping_paid": order.current_shipping,
        "tax_paid": order.current_tax,
    }
    return {name: _amount(money if with_money else money * 0) for name, money in paid.items()}


def _amount(money: Money) -> dict[str, Any]:
    return {"currency": money.currency.lower(), "amount": number(max(money, money * 0, key=lambda each: each.amount))}


def number(money: Money) -> float:
    """A JSON number with the currency's digits, made from the Decimal at the last moment."""
    return float(money.rounded().amount)


def midnight(ship_date: str | None, otherwise: datetime) -> datetime:
    """The start of the day on which it ships, by ShipStation's Pacific calendar.

    "2026-08-12T07:00:00Z" is the 12th in Los Angeles, and so is the bare "2026-08-12".
    """
    if not ship_date:
        return otherwise
    if len(ship_date) == len("2026-08-12"):
        day = date.fromisoformat(ship_date)
    else:
        moment = datetime.fromisoformat(ship_date.replace("Z", "+00:00"))
        day = moment.astimezone(PACIFIC).date() if moment.tzinfo else moment.date()
    return datetime.combine(day, time(), PACIFIC)


def parcels_of_label(source: str, label: Label, shipment: Shipment | None, location_id: str) -> Iterator[Parcel]:
    """A bought label as a parcel, one for each order in it. `location_id` is where its warehouse is, for keys that do
    not say."""
    for id, share in _named(f"label-{label.label_id}", shipment):
        yield Parcel(
            source=source,
            id=id,
            order_key=share.order_key,
            shipment_id=label.shipment_id,
            carrier=label.carrier_code,
            service=label.service_code,
            tracking_numbers=label.tracking_numbers,
            tracking_url=label.tracking_url,
            location_id=share.location or location_id,
            shipped_at=midnight(label.ship_date, label.created_at),
            updated_at=label.voided_at or label.created_at,
            voided=label.is_void,
            lines=_parcel_lines(share.items),
        )


def parcels_of_fulfillment(
    source: str, fulfillment: Fulfillment, shipment: Shipment | None, location_id: str
) -> Iterator[Parcel]:
    """An order that was marked as shipped, as a parcel, one for each order in it."""
    for id, share in _named(f"fulfillment-{fulfillment.fulfillment_id}", shipment):
        yield Parcel(
            source=source,
            id=id,
            order_key=share.order_key,
            shipment_id=fulfillment.shipment_id,
            carrier=fulfillment.carrier,
            service=fulfillment.service,
            tracking_numbers=(fulfillment.tracking_number,) if fulfillment.tracking_number else (),
            location_id=share.location or location_id,
            shipped_at=midnight(fulfillment.ship_date, fulfillment.created_at),
            updated_at=fulfillment.voided_at or fulfillment.created_at,
            voided=fulfillment.is_void,
            lines=_parcel_lines(share.items),
        )


def _named(id: str, shipment: Shipment | None) -> Iterator[tuple[str, Share]]:
    """Each order's share with an id of its own; the first has the plain one."""
    first, *others = shares(shipment)
    yield id, first
    for share in others:
        yield f"{id}+{share.order_key.partition(':')[2]}", share


def _parcel_lines(items: Iterable[ShipmentItem]) -> tuple[ParcelLine, ...]:
    units: Counter[tuple[str, str]] = Counter()
    for item in items:
        units[(item.external_order_item_id, item.sku)] += max(0, item.quantity)
    return tuple(
        ParcelLine(line_id=line_id, sku=sku, quantity=quantity)
        for (line_id, sku), quantity in units.items()
        if quantity
    )


def street(address: Address | None) -> tuple[str, ...]:
    """What makes it another destination: everything printed on the label."""
    if address is None:
        return ()
    kept = address.model_dump(include={"name", "company", "line1", "line2", "city", "province_code", "postal_code"})
    return (*kept.values(), address.country)
