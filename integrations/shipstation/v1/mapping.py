"""Between the hub's values and V1's: an order out, a parcel in. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from commerce.allocation import WantedShipment
from commerce.errors import Unmappable
from commerce.money import Money
from commerce.orders import Address, Line, Order
from commerce.parcels import Parcel, ParcelLine
from integrations.shipstation import keys
from integrations.shipstation.mapping import WITHOUT_POSTAL_CODES, number, requested_service
from integrations.shipstation.v1.schemas import V1Fulfillment, V1Label, V1Order, units_of
from integrations.shipstation.v1.times import same_time, wall

HOLD_UNTIL = "2099-12-31"
"""V1 has no endless hold either, so a held order waits for a day that nobody will see."""

DISCOUNT = "discount"
"""The `lineItemKey` of the line that takes off what the shopper did not have to pay."""

DATES = ("orderDate", "paymentDate", "shipByDate")
ONCE = ("storeId", "source")
"""Advanced options that can be set only when the order is made."""

STAFF_KEEPS = ("pending_fulfillment",)
"""Open states that staff have put an order into and that an update must not undo."""


def to_order(
    order: Order,
    wanted: WantedShipment,
    *,
    warehouse_id: str,
    store_id: str | None = None,
    fallback_phone: str = "",
    with_money: bool = True,
    held: bool = False,
) -> dict[str, Any]:
    """What V1 is to show of one location's share of an order, without the keys it is created under.

    `with_money` puts the order's payment on it; one order there carries it, the others carry none. Raises Unmappable
    for an address that nothing can be sent to.
    """
    # https://docs.shipstation.com/apis/shipstation-v1/docs/models/order
    to = to_address(order, fallback_phone)
    bill = order.bill_to
    options: dict[str, Any] = {"warehouseId": int(warehouse_id), "source": order.source}
    if store_id:
        options["storeId"] = int(store_id)
    return {
        "orderDate": wall(order.created_at),
        "paymentDate": wall(
            min((each.at for each in order.payments if each.kind != "refund"), default=order.created_at)
        ),
        "shipByDate": wall(wanted.ship_by) if wanted.ship_by else None,
        "orderStatus": "on_hold" if held else "awaiting_shipment",
        "customerUsername": order.email or None,
        "customerEmail": order.email or None,
        "billTo": _address(bill, bill.phone) if bill and _name(bill) else {"name": to["name"]},
        "shipTo": to,
        "items": _items(order, wanted.units),
        **_money_paid(order, with_money),
        "customerNotes": order.note or None,
        "requestedShippingService": requested_service(order, wanted) or None,
        "advancedOptions": options,
    }


def to_create(body: Mapping[str, Any], *, key: str, number: str) -> dict[str, Any]:
    """An entry of `POST /orders/createorders`."""
    return {"orderNumber": number, "orderKey": key, **body}


def to_update(there: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The whole order that `POST /orders/createorder` wants: what is there, with our part of it replaced.

    Whatever is not sent is cleared, so that what people set in ShipStation goes back as it came: tags, notes, weight,
    the chosen service, customs, custom fields, items that no hub wrote. A hold is kept; it is lifted by its own call.
    """
    theirs = [item for item in _dicts(there.get("items")) if not item.get("lineItemKey")]
    known = {item["lineItemKey"]: item for item in _dicts(there.get("items")) if item.get("lineItemKey")}
    ours = [{**known.get(item["lineItemKey"], {}), **item} for item in body["items"]]
    options = {name: value for name, value in body["advancedOptions"].items() if name not in ONCE}
    status = there.get("orderStatus")
    return {
        **there,
        **body,
        "orderStatus": status if status in ("on_hold", *STAFF_KEEPS) else body["orderStatus"],
        "items": [*ours, *theirs],
        "advancedOptions": {**(there.get("advancedOptions") or {}), **options},
    }


def to_cancelled(there: Mapping[str, Any]) -> dict[str, Any]:
    """The whole order, called off."""
    return {**there, "orderStatus": "cancelled"}


def says(there: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether V1 shows everything of `body`; its state aside, which has calls of its own."""
    items = [item for item in _dicts(there.get("items")) if item.get("lineItemKey")]
    options = {name: value for name, value in body["advancedOptions"].items() if name not in ONCE}
    wanted = {**body, "advancedOptions": options}
    return all(
        _same(name, {**there, "items": items}.get(name), value)
        for name, value in wanted.items()
        if name != "orderStatus"
    )


def _same(name: str, there: Any, said: Any) -> bool:
    if isinstance(said, Mapping):
        return isinstance(there, Mapping) and all(_same(each, there.get(each), value) for each, value in said.items())
    if isinstance(said, list):
        pairs = zip(there, said, strict=True) if isinstance(there, list) and len(there) == len(said) else None
        return pairs is not None and all(_same("", one, other) for one, other in pairs)
    if name in DATES and there and said:
        return same_time(there, said)
    return there == said or (there in (None, "") and said in (None, ""))


def on_hold_by_us(order: V1Order) -> bool:
    """Whether it is our own hold, which a release in the storefront lifts; one of the staff's stays."""
    return order.order_status == "on_hold" and order.hold_until.startswith(HOLD_UNTIL)


def to_address(order: Order, fallback_phone: str) -> dict[str, Any]:
    """V1's address. Raises Unmappable naming what is missing; never quotes the address itself."""
    address = order.ship_to
    if address is None:
        raise Unmappable("ship_to", f"order {order.number} has no shipping address", hint="add one in the storefront")
    codeless = WITHOUT_POSTAL_CODES.fullmatch(address.country)
    required = {
        "name": _name(address),
        "street1": address.line1,
        "city": address.city,
        "postalCode": address.postal_code or ("none" if codeless else ""),
        "country": address.country,
    }
    missing = [name for name, value in required.items() if not value.strip()]
    if missing:
        raise Unmappable(
            "ship_to",
            f"the shipping address of order {order.number} lacks {', '.join(missing)}",
            hint="complete the address in the storefront",
        )
    return _address(address, address.phone or order.phone or fallback_phone)


def _address(address: Address, phone: str) -> dict[str, Any]:
    # Nothing is said as null, so that an update clears what the shopper took out.
    return {
        "name": _name(address),
        "company": address.company or None,
        "street1": address.line1 or None,
        "street2": address.line2 or None,
        "street3": None,
        "city": address.city or None,
        "state": address.province_code or address.province or None,
        "postalCode": address.postal_code or None,
        "country": address.country or None,
        "phone": phone or None,
    }


def _name(address: Address) -> str:
    return address.name or f"{address.first_name} {address.last_name}".strip() or address.company


def _items(order: Order, units: Counter[str]) -> list[dict[str, Any]]:
    """The goods at their list price, and one line that takes the discounts off."""
    lines = [(_line(order, line_id), quantity) for line_id, quantity in units.items()]
    goods = [_item(order, line, quantity) for line, quantity in lines]
    off = sum((_discount(line, quantity) for line, quantity in lines), order.zero())
    return [*goods, _reduction(order, off)] if off.amount > 0 else goods


def _line(order: Order, line_id: str) -> Line:
    line = order.line(line_id)
    if line is None:
        raise Unmappable("items", f"order {order.number} is to ship line {line_id}, which it does not have")
    return line


def _item(order: Order, line: Line, quantity: int) -> dict[str, Any]:
    item: dict[str, Any] = {
        "lineItemKey": line.id,
        "sku": line.sku or None,
        "name": line.title,
        "quantity": quantity,
        "unitPrice": number(line.unit_price),
        "taxAmount": number(_unit_tax(order, line)),
        "adjustment": False,
    }
    if line.variant_title:
        item["options"] = [{"name": "Variant", "value": line.variant_title}]
    return item


def _unit_tax(order: Order, line: Line) -> Money:
    """The tax on one unit, as V1 means it; none where the price contains it, for V1 adds it to the total."""
    if order.taxes_included or line.quantity <= 0:
        return order.zero()
    return _cents(line.tax, line.tax.amount / line.quantity)


def _discount(line: Line, quantity: int) -> Money:
    """What `quantity` units of the line cost less than their list price."""
    if line.quantity <= 0:
        return line.discount * 0
    return _cents(line.discount, line.discount.amount * quantity / line.quantity)


def _reduction(order: Order, off: Money) -> dict[str, Any]:
    """No goods: V1 takes negative prices on adjustments only."""
    return {
        "lineItemKey": DISCOUNT,
        "sku": None,
        "name": " ".join(("Discount", *order.discount_codes))[:200],
        "quantity": 1,
        "unitPrice": number(off * -1),
        "adjustment": True,
    }


def _cents(like: Money, amount: Decimal) -> Money:
    step = Decimal(1).scaleb(-like.digits)
    return Money(amount=amount.quantize(step, rounding=ROUND_HALF_UP), currency=like.currency)


def _money_paid(order: Order, with_money: bool) -> dict[str, Any]:
    """What the shopper has paid of what is left of the order. Tax that prices contain is not said again: V1 adds the
    order's total up from items, tax and shipping."""
    paid = {
        "amountPaid": order.current_total - order.outstanding,
        "taxAmount": order.zero() if order.taxes_included else order.current_tax,
        "shippingAmount": order.current_shipping,
    }
    return {name: max(0.0, number(money)) if with_money else 0.0 for name, money in paid.items()}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def parcel_of(
    source: str, sent: V1Label | V1Fulfillment, order: V1Order | None, order_key: str, location_id: str
) -> Parcel:
    """A label or a mark as a parcel. Ids are written as V2 writes them, so that a parcel stays the same when the
    merchant goes over to V2. `order_key` is the hub's own key, empty for an order that no hub brought.
    """
    keyed = keys.is_ours(order_key)
    key, keyed_location = keys.order_and_location(order_key) if keyed else ("", "")
    units = sent.units if isinstance(sent, V1Label) else Counter[tuple[str, str]]()
    units = units or (units_of(order.items) if order else units)
    return Parcel(
        source=source,
        id=f"{sent.kind}-se-{sent.id}",
        order_key=key,
        shipment_id=f"se-{sent.order_id}" if sent.order_id else "",
        carrier=sent.carrier,
        service=sent.service,
        tracking_numbers=(sent.tracking_number,) if sent.tracking_number else (),
        location_id=keyed_location or location_id,
        shipped_at=sent.shipped_at,
        updated_at=sent.voided_at or sent.created_at,
        voided=sent.is_void,
        lines=_lines(units),
    )


def _lines(units: Mapping[tuple[str, str], int]) -> tuple[ParcelLine, ...]:
    return tuple(ParcelLine(line_id=line_id, sku=sku, quantity=count) for (line_id, sku), count in units.items())
