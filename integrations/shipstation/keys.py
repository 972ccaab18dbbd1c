"""Our key in ShipStation's slot for it: `external_shipment_id`, unique per account, 50 characters, immutable.

The first location of an order gets the order's own key ("shop:5501"), further ones the key with their location
("shop:5501/loc-2"). A shipment that replaces a cancelled one gets a number behind it ("shop:5501~2").

https://docs.shipstation.com/orders/external-identifiers
"""

from __future__ import annotations

import re
from collections.abc import Collection

from commerce.errors import Unmappable
from commerce.orders import Order

LONGEST = 50
"""ShipStation silently cuts what is longer, so that two long keys could become one."""

REPLACEMENT = re.compile(r"~\d+$")
OURS = re.compile(r"^[a-z][a-z0-9-]{0,19}:[^/~]+(/[^~]+)?(~\d+)?$")
CONNECTION = re.compile(r"^[a-z][a-z0-9-]{0,19}$")


def external_id(order: Order, location_id: str, taken: Collection[str] = (), *, first: bool = True) -> str:
    """A key for what `location_id` ships. `first` allows the order's own key; `taken` are keys already spent.

    Raises Unmappable when ShipStation would cut it.
    """
    if first and order.key not in taken:
        return _fitting(order.key, order)
    return _fitting(_free(f"{order.key}/{location_id}", taken), order)


def replacement(order: Order, key: str, taken: Collection[str]) -> str:
    """A key for the shipment that takes the place of `key`. Raises Unmappable when ShipStation would cut it."""
    return _fitting(_free(REPLACEMENT.sub("", key), {*taken, key}), order)


def _free(base: str, taken: Collection[str]) -> str:
    key, turn = base, 1
    while key in taken:
        turn += 1
        key = f"{base}~{turn}"
    return key


def _fitting(key: str, order: Order) -> str:
    if len(key) > LONGEST:
        raise Unmappable(
            "external_shipment_id",
            f"order {order.number} has a key of {len(key)} characters, ShipStation keeps {LONGEST}",
            hint="give the storefront's connection a shorter name in stack.toml",
        )
    return key


def following(key: str) -> str:
    """The key to try when `key` belongs to a cancelled shipment. Raises Unmappable when ShipStation would cut it."""
    base = REPLACEMENT.sub("", key)
    turn = int(key[len(base) + 1 :] or 1) + 1
    if len(f"{base}~{turn}") > LONGEST:
        raise Unmappable("external_shipment_id", f"{base}~{turn} is longer than the {LONGEST} characters there are")
    return f"{base}~{turn}"


def is_ours(key: str | None) -> bool:
    """Whether a hub gave this key, judged by its shape."""
    return OURS.match(key or "") is not None


def order_and_location(key: str) -> tuple[str, str]:
    """The order's key and the location behind it: "shop:5501/loc-2" gives ("shop:5501", "loc-2")."""
    order_key, _, location = REPLACEMENT.sub("", key).partition("/")
    return order_key, location
