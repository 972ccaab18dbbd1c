"""What all parts of the simulator share: the shop, the clock, scopes, ids, and telling about changes."""

from __future__ import annotations

import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import httpx

from integrations.shopify.simulator import payloads
from integrations.shopify.simulator.bulk import BulkOperations
from integrations.shopify.simulator.documents import Documents
from integrations.shopify.simulator.errors import FieldError, access_denied
from integrations.shopify.simulator.idempotency import Remembered
from integrations.shopify.simulator.model import FulfillmentOrder, Line, Order
from integrations.shopify.simulator.paging import Page
from integrations.shopify.simulator.plan import Request
from integrations.shopify.simulator.queries import search_levels
from integrations.shopify.simulator.schema import admin_schema
from integrations.shopify.simulator.stock import Level, Location
from integrations.shopify.simulator.store import Store
from integrations.shopify.simulator.switches import Switches
from integrations.shopify.simulator.tokens import Tokens
from integrations.shopify.simulator.webhooks import emit
from integrations.simulator import Bucket, Clock, Simulator

SHOP = {"name": "Demo", "currency": "USD", "timezone": "America/New_York", "taxes_included": False}
GID = re.compile(r"gid://shopify/(\w+)/(\d+)(\?.*)?")
BUCKET = (2000, 100)
ALL_SCOPES = frozenset(
    {
        "read_all_orders",
        "write_orders",
        "read_customers",
        "read_products",
        "write_inventory",
        "read_locations",
        "write_merchant_managed_fulfillment_orders",
        "read_fulfillments",
    }
)


class Core(Simulator):
    """A shop without its HTTP face."""

    vendor = "shopify"

    def __init__(
        self,
        *,
        base_url: str,
        clock: Clock = time.time,
        limits: bool = True,
        client_id: str = "sim-client",
        client_secret: str = "sim-secret",  # noqa: S107
        access_tokens: Iterable[str] = ("shpat_sim",),
        scopes: Iterable[str] = ALL_SCOPES,
        domain: str = "demo.myshopify.com",
        index_lag: float = 0.0,
        routing_delay: float = 0.0,
        loopback_webhooks: bool = True,
        bulk_seconds: float = 5.0,
        bulk_results: str = "",
        switches: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(base_url=base_url, clock=clock, limits=limits)
        self.schema = admin_schema()
        self.documents = Documents(self.schema)
        self.store = Store(self.now)
        self.store.index.lag = index_lag
        self.tokens = Tokens(self.now, client_id, client_secret, access_tokens)
        self.bucket = Bucket(*BUCKET, clock=clock)
        self.scopes = set(scopes)
        self.domain, self.routing_delay, self.loopback_webhooks = domain, routing_delay, loopback_webhooks
        self.bulk = BulkOperations(self, bulk_seconds, bulk_results or self.base_url)
        self.shop: dict[str, Any] = dict(SHOP)
        self.switches = Switches(**(switches or {}))
        self.idempotency: dict[tuple[str, str], Remembered] = {}
        self.delivered: deque[httpx.Request] = deque(maxlen=1000)
        self.emails_sent = 0
        main = Location(self.store.ids.next("Location"), "Main", created=self.moment())
        self.store.locations[main.id] = main

    @property
    def timezone(self) -> str:
        """The shop's IANA time zone."""
        return str(self.shop["timezone"])

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.clock()

    def moment(self) -> int:
        """The current whole second."""
        return int(self.clock())

    def allows(self, scope: str) -> bool:
        """Whether the app was granted `scope`; writing includes reading."""
        return scope in self.scopes or scope.replace("read_", "write_", 1) in self.scopes

    def demand(self, field: str, *scopes: str) -> None:
        """Refuse `field` without any of `scopes`."""
        if not any(self.allows(scope) for scope in scopes):
            raise access_denied(field, *scopes)

    def sees(self, one: FulfillmentOrder) -> bool:
        """Whether the app's scopes cover the kind of place that ships it. What they do not cover is not there."""
        kind = "merchant_managed" if one.location.service is None else "third_party"
        return self.allows(f"read_{kind}_fulfillment_orders")

    def may_fulfill(self, one: FulfillmentOrder) -> bool:
        """Whether the app may write to it."""
        kind = "merchant_managed" if one.location.service is None else "third_party"
        return f"write_{kind}_fulfillment_orders" in self.scopes

    def parse_gid(self, reference: str) -> tuple[str, int]:
        """(kind, number). Raises `RESOURCE_NOT_FOUND` for what is no gid."""
        found = GID.fullmatch(reference)
        if found is None:
            raise FieldError(f"Invalid id: {reference}", "RESOURCE_NOT_FOUND")
        return found[1], int(found[2])

    def number(self, kind: str, reference: str) -> int:
        """The number of a gid that must be of `kind`."""
        given, number = self.parse_gid(reference)
        if given != kind:
            raise FieldError(f"Invalid id: {reference}", "RESOURCE_NOT_FOUND")
        return number

    def tables(self) -> dict[str, tuple[str | None, Mapping[int, Any]]]:
        """What `node` finds, with the scope it takes."""
        store = self.store
        return {
            "Order": ("read_orders", store.orders),
            "Refund": ("read_orders", store.refunds),
            "Customer": ("read_customers", store.customers),
            "ProductVariant": ("read_products", store.variants),
            "InventoryItem": ("read_inventory", store.items),
            "InventoryLevel": ("read_inventory", store.levels),
            "Location": ("read_locations", store.locations),
            "FulfillmentOrder": ("read_merchant_managed_fulfillment_orders", store.fulfillment_orders),
            "Fulfillment": ("read_orders", store.fulfillments),
            "WebhookSubscription": (None, store.subscriptions),
        }

    def search_levels(self, levels: list[Level], args: Mapping[str, Any], request: Request) -> Page:
        """A page of inventory levels."""
        self.demand("inventoryLevels", "read_inventory")
        return search_levels(levels, args, request)

    def stock(self, line: Line, location: Location, available: int = 0, committed: int = 0) -> None:
        """Move the stock of a line's item, if Shopify counts it."""
        if line.variant is None or not line.variant.item.tracked:
            return
        level = self.store.level(line.variant.item, location, self.moment())
        level.move("available", available)
        level.move("committed", committed)
        self.level_changed(level)

    def level_changed(self, level: Level) -> None:
        """Stamp a level and tell about it."""
        level.updated = self.moment()
        if self.store.subscriptions:
            self.tell("inventory_levels/update", lambda: payloads.level_body(level, self.timezone), str(uuid.uuid4()))

    def send_email(self, order: Order) -> None:
        """A shipping confirmation to the buyer."""
        if order.spec.get("email"):
            self.emails_sent += 1

    def tell(self, topic: str, body: Callable[[], dict[str, Any]], event: str) -> None:
        """Queue a webhook."""
        emit(self, topic, body, event)

    def changed(self, order: Order, *events: tuple[str, Any]) -> None:
        """Stamp an order and tell about it: `orders/updated`, and what exactly happened."""
        order.updated = max(order.updated, self.moment())
        order.known = None
        self.store.index.touch(order)
        if not self.store.subscriptions:
            return
        event = str(uuid.uuid4())
        for topic, subject in (*events, ("orders/updated", order)):
            self.tell(topic, lambda topic=topic, subject=subject: self._body(topic, subject), event)  # type: ignore[misc]

    def _body(self, topic: str, subject: Any) -> dict[str, Any]:
        if topic == "orders/edited":
            order, deltas = subject
            return payloads.order_edit_body(order, deltas, self.timezone)
        if topic.startswith("orders/"):
            return payloads.order_body(subject, self.timezone)
        if topic.startswith("refunds/"):
            return payloads.refund_body(subject, self.timezone)
        if topic.startswith("fulfillment_orders/"):
            return payloads.fulfillment_order_body(subject.id, subject.status)
        return payloads.fulfillment_body(subject, self.timezone)
