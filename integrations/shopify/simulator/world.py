"""What people and the world do in the shop: the simulator's `do_…` actions. Arguments and results are JSON-able."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from integrations.shopify.simulator import afterwards, payloads, placing
from integrations.shopify.simulator.bulk import Mishap
from integrations.shopify.simulator.clock import seconds
from integrations.shopify.simulator.fulfilment import FULFILLABLE
from integrations.shopify.simulator.holds import hold, release
from integrations.shopify.simulator.logistics import Logistics
from integrations.shopify.simulator.model import Order, gid
from integrations.shopify.simulator.money import NOTHING, hundredths
from integrations.shopify.simulator.payload_parts import cents
from integrations.shopify.simulator.stock import Item, Location, Variant
from integrations.shopify.simulator.totals import financial_status, fulfillment_status, totals
from integrations.shopify.simulator.webhooks import delivery


class World(Logistics):
    """The actions."""

    def do_setup(
        self, shop: Mapping[str, Any] | None = None, locations: Sequence[Mapping[str, Any]] = ()
    ) -> dict[str, Any]:
        """Name the shop and its locations. An untouched default location makes room for the first of them."""
        self.shop.update(shop or {})
        if locations and not self.store.levels and not self.store.orders:
            self.store.locations.clear()
        for one in locations:
            if one["name"] not in {known.name for known in self.store.locations.values()}:
                self._add_location(one["name"], one.get("country", "US"), one.get("service"))
        return {
            "locations": [{"name": one.name, "id": gid("Location", one.id)} for one in self.store.locations.values()]
        }

    def _add_location(self, name: str, country: str = "US", service: str | None = None) -> Location:
        one = Location(self.store.ids.next("Location"), name, country, created=self.moment(), service=service)
        self.store.locations[one.id] = one
        return one

    def do_create_products(self, products: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
        """Products of one variant each, with stock by location name."""
        made = [self._create_product(one) for one in products]
        return {
            str(one.sku): {
                "variant": gid("ProductVariant", one.id),
                "inventory_item": gid("InventoryItem", one.item.id),
            }
            for one in made
        }

    def _create_product(self, spec: Mapping[str, Any]) -> Variant:
        now, ids, gift_card = self.moment(), self.store.ids, bool(spec.get("gift_card"))
        ships = bool(spec.get("requires_shipping", not gift_card))
        item = Item(ids.next("InventoryItem"), spec.get("sku"), bool(spec.get("tracked", True)), ships, now, now)
        variant = Variant(
            id=ids.next("ProductVariant"),
            product=ids.next("Product"),
            item=item,
            sku=spec.get("sku"),
            title=spec.get("title") or str(spec.get("sku")),
            price=hundredths(spec.get("price") or "0"),
            gift_card=gift_card,
            created=now,
            policy=spec.get("inventory_policy", "DENY"),
            barcode=spec.get("barcode"),
            bundle=bool(spec.get("bundle")),
        )
        item.variant = variant
        self.store.add_variant(variant)
        for name, quantity in (spec.get("levels") or {}).items():
            self.store.level(item, self.store.location(name), now).move("available", int(quantity))
        return variant

    def do_place_orders(self, orders: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
        """Buyers order. An order with `created_at` happened then; `updated_at` may say that it changed later."""
        return [{"id": gid("Order", one.id), "name": one.name} for one in map(self._place, orders)]

    def _place(self, spec: Mapping[str, Any]) -> Order:
        at = seconds(spec["created_at"], self.timezone) if spec.get("created_at") else self.moment()
        updated = seconds(spec["updated_at"], self.timezone) if spec.get("updated_at") else at
        order = placing.build_order(self.store, self.shop, spec, at, updated)
        gateway = spec.get("gateway") or "shopify_payments"
        placing.pay(self.store, order, spec.get("payment", "paid"), gateway, spec.get("gift_card_payment") or "0", at)
        for line in order.lines:
            self.stock(line, line.location, available=-line.quantity, committed=line.quantity)
        placing.route(self.store, order, order.lines, at)
        order.routed_at = int(self.now() + self.routing_delay) if self.routing_delay else 0
        self.store.orders[order.id] = self.store.orders_by_name[order.name] = order
        self.store.index.touch(order)
        self._announce_order(order)
        return order

    def _announce_order(self, order: Order) -> None:
        if not self.store.subscriptions:
            return
        event = str(uuid.uuid4())
        topics = ["orders/create", "orders/updated"] + (["orders/paid"] if financial_status(order) == "PAID" else [])
        for topic in topics:
            self.tell(topic, lambda: payloads.order_body(order, self.timezone), event)
        for one in order.fulfillment_orders:
            body = payloads.fulfillment_order_body(one.id, one.status)
            self.tell("fulfillment_orders/order_routing_complete", lambda body=body: body, event)  # type: ignore[misc]

    def do_refund(
        self,
        order: str,
        lines: Sequence[Mapping[str, Any]] = (),
        shipping: str = "0.00",
        adjustment: str = "0.00",
        note: str | None = None,
        at: str | None = None,
        money: bool = True,
        status: str = "SUCCESS",
        settle: bool = False,
    ) -> dict[str, str]:
        """Refund units, shipping and `adjustment` more (or less, when negative). `money=False` only restocks.

        `status` is that of the transactions: "SUCCESS", "PENDING" or "FAILURE". `settle` gives back what is owed since
        an edit took something away, and nothing else.

        `at` dates the refund; the order itself changes now, or a reader of changes would never see it.
        """
        one, moment = self.store.order(order), seconds(at, self.timezone) if at else self.moment()
        wanted = [(one.lines[row["line"]], int(row["quantity"]), bool(row.get("restock", True))) for row in lines]
        extra, delivery_part = one.exchange.amount(adjustment), one.exchange.amount(shipping)
        made = afterwards.refund(self, one, wanted, delivery_part, extra, note, moment)
        if money:
            due = NOTHING.minus(totals(one).outstanding) if settle else afterwards.calculated(made)
            afterwards.return_money(self, made, due, moment, status)
        self.changed(one, ("refunds/create", made))
        return {"id": gid("Refund", made.id)}

    def do_cancel(self, order: str, refund: bool = True, reason: str = "CUSTOMER") -> dict[str, str | None]:
        """Cancel an order, with everything not yet given back put back to stock."""
        one = self.store.order(order)
        made = afterwards.cancel(self, one, refund, reason, self.moment())
        self.changed(one, ("orders/cancelled", one), *([("refunds/create", made)] if made else []))
        return {"refund": gid("Refund", made.id) if made else None}

    def do_edit(
        self,
        order: str,
        quantities: Mapping[str, int] | None = None,
        add: Sequence[Mapping[str, Any]] = (),
        address: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Set current quantities by line index, add lines, replace the shipping address."""
        one = self.store.order(order)
        wanted = {int(index): int(quantity) for index, quantity in (quantities or {}).items()}
        deltas = afterwards.edit(self, one, wanted, add, self.moment()) if wanted or add else {}
        if address is not None:
            one.spec["shipping_address"] = dict(address)
        self.changed(one, *([("orders/edited", (one, deltas))] if deltas else []))
        return {"id": gid("Order", one.id)}

    def do_pay(self, order: str) -> dict[str, str]:
        """Capture or receive what is due."""
        one = self.store.order(order)
        afterwards.pay(self, one, self.moment())
        self.changed(one, ("orders/paid", one))
        return {"financial": financial_status(one)}

    def do_hold(self, order: str, reason: str = "OTHER") -> dict[str, list[str]]:
        """Put everything that could be sent on hold."""
        waiting = [one for one in self.store.order(order).fulfillment_orders if one.status in FULFILLABLE]
        for one in waiting:
            hold(self, one, {"reason": reason, "requested": False})
        return {"held": [gid("FulfillmentOrder", one.id) for one in waiting]}

    def do_release(self, order: str) -> dict[str, list[str]]:
        """Release every hold."""
        held = [one for one in self.store.order(order).fulfillment_orders if one.status == "ON_HOLD"]
        for one in held:
            release(self, one)
        return {"released": [gid("FulfillmentOrder", one.id) for one in held]}

    def do_touch(self, order: str, tag: str = "touched") -> dict[str, str]:
        """Add a tag: nothing that matters changes, `updatedAt` does."""
        one = self.store.order(order)
        one.tags = list(dict.fromkeys([*one.tags, tag]))
        self.changed(one)
        return {"id": gid("Order", one.id)}

    def do_set_levels(self, levels: Mapping[str, Mapping[str, int]]) -> None:
        """Somebody counts by hand: {sku: {location name: available}}."""
        for sku, places in levels.items():
            item = self.store.variants_by_sku[sku].item
            for name, quantity in places.items():
                level = self.store.level(item, self.store.location(name), self.moment())
                level.move("available", int(quantity) - level.quantity("available"))
                self.level_changed(level)

    def do_fail_bulk(self, error_code: str = "INTERNAL_SERVER_ERROR", partial: bool = True, late: float = 0.0) -> None:
        """The next bulk operation fails, with half of its lines `late` seconds afterwards when `partial`."""
        self.bulk.mishaps.append(Mishap(error_code, partial, late))

    def do_lose_bulk_lines(self, count: int = 1) -> None:
        """The next bulk operation completes, but its file lacks its last lines."""
        self.bulk.losses = count

    def do_expire_tokens(self) -> None:
        """Every issued access token stops working."""
        self.tokens.expire_all()

    def do_refresh_token(self) -> dict[str, str]:
        """A first refresh token, as the authorization code grant with `expiring=1` gives one."""
        return {"refresh_token": self.tokens.first_refresh_token()}

    def do_redeliver(self, count: int = 1) -> int:
        """Shopify delivers the last webhooks once more, with the same ids."""
        again = list(self.delivered)[-count:]
        self.outbox.extend(again)
        return len(again)

    def do_forge_webhook(self, order: str, topic: str = "orders/updated") -> int:
        """Somebody who does not know the secret posts to every subscriber."""
        one, count = self.store.order(order), 0
        for subscription in self.store.subscriptions.values():
            request = delivery(self, subscription, topic, payloads.order_body(one, self.timezone), str(uuid.uuid4()))
            request.headers["X-Shopify-Hmac-Sha256"] = "Zm9yZ2VkIGZvcmdlZCBmb3JnZWQgZm9yZ2VkIGZvcmc="
            self.outbox.append(request)
            count += 1
        return count

    def do_orders_summary(self) -> list[dict[str, Any]]:
        """Every order in a few words."""
        return [summary(one) for one in self.store.orders.values()]

    def do_levels(self) -> dict[str, dict[str, dict[str, int]]]:
        """{sku: {location name: {available, on_hand, committed}}}"""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for level in self.store.levels.values():
            numbers = {name: level.quantity(name) for name in ("available", "on_hand", "committed")}
            found.setdefault(str(level.item.sku), {})[level.location.name] = numbers
        return found

    def state(self) -> dict[str, Any]:
        """The ground truth."""
        return {
            "shop": dict(self.shop),
            "orders": self.do_orders_summary(),
            "levels": self.do_levels(),
            "emails_sent": self.emails_sent,
            "webhook_subscriptions": list(self.store.subscriptions.values()),
        }


def money_moved(order: Order) -> dict[str, str]:
    """What came in, what went back, and how much of the difference gift cards bore."""

    def moved(*kinds: str, gateway: str = "") -> int:
        done = (one for one in order.transactions if one.status == "SUCCESS")
        found = (one for one in done if one.kind in kinds and gateway in ("", one.gateway))
        return sum(one.amount.shop for one in found)

    gift_card = moved("SALE", "CAPTURE", gateway="gift_card") - moved("REFUND", gateway="gift_card")
    return {
        "received": cents(moved("SALE", "CAPTURE")),
        "refunded": cents(moved("REFUND")),
        "gift_card": cents(gift_card),
    }


def door(address: Mapping[str, Any]) -> list[str]:
    """Street and postal code: where a parcel has to go."""
    return [address.get("address1") or "", address.get("zip") or ""]


def summary(order: Order) -> dict[str, Any]:
    """What an independent check needs of an order."""
    return {
        "id": gid("Order", order.id),
        "name": order.name,
        "test": bool(order.spec.get("test", False)),
        "cancelled": order.cancelled is not None,
        "financial": financial_status(order),
        "fulfillment": fulfillment_status(order),
        "total": cents(totals(order).current_total.shop),
        "currency": order.exchange.shop,
        "email": order.spec.get("email") or "",
        "door": door(order.spec.get("shipping_address") or {}),
        "paid": financial_status(order) in ("PAID", "PARTIALLY_REFUNDED", "REFUNDED"),
        "on_hold": any(one.status == "ON_HOLD" for one in order.fulfillment_orders),
        **money_moved(order),
        "refunds": [
            {"id": gid("Refund", one.id), "amount": cents(sum(paid.amount.shop for paid in one.transactions))}
            for one in order.refunds
        ],
        "remaining": [
            {"sku": row.line.sku, "quantity": row.remaining, "location": one.location.name}
            for one in order.fulfillment_orders
            for row in one.lines
            if one.status in FULFILLABLE and one.method == "SHIPPING" and row.remaining
        ],
        "lines": [
            {"sku": line.sku, "quantity": line.quantity, "current": line.current, "fulfillable": line.unfulfilled}
            for line in order.lines
        ],
        "fulfillments": [
            {
                "id": gid("Fulfillment", one.id),
                "status": one.status,
                "tracking": [row["number"] for row in one.tracking],
                "company": one.tracking[0]["company"] if one.tracking else None,
                "lines": [{"sku": row.line.sku, "quantity": quantity} for _, row, quantity in one.lines],
            }
            for one in order.fulfillments
        ],
    }
