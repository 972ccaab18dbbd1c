"""A shop with our client connected to it; only sleeping turns the clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import SecretStr

from commerce.orders import Order
from commerce.ports import Item, Page
from commerce.stock import StockTarget
from integrations.connector import Services
from integrations.shopify.client import Shopify
from integrations.shopify.settings import ShopifySettings
from integrations.simulator import Fault
from tests.builders import a_parcel, an_event

from .published import checked
from .story import NOON, Story

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
AT_NOON = datetime.fromtimestamp(NOON, UTC)
GRAPHQL = "graphql"


def some_settings(**changes: Any) -> ShopifySettings:
    """A Dev Dashboard app of the simulated shop."""
    given = {
        "name": "shop",
        "vendor": "shopify",
        "shop": "demo.myshopify.com",
        "base_url": "http://sim.test/shopify",
        "client_id": "sim-client",
        "client_secret": SecretStr("sim-secret"),
    }
    return ShopifySettings(**{**given, **changes})


class Connected(Story):
    """The simulator and our client."""

    def __init__(self, settings: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.slept: list[float] = []
        self.sim.answer = checked(self.sim.answer)  # type: ignore[method-assign]
        self.client = self.another_client(**(settings or {}))

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.now += seconds

    def another_client(self, **settings: Any) -> Shopify:
        """As a second process would open it."""
        services = Services(transport=self.sim.transport(), sleep=self.sleep, clock=self.clock)
        return Shopify(some_settings(**settings), services)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def fails(self, kind: str, times: int = 1, **how: Any) -> None:
        """The next GraphQL calls go wrong."""
        self.sim.faults.append(Fault(kind=kind, on=GRAPHQL, times=times, **how))  # type: ignore[arg-type]

    def loses_the_answer_to(self, operation: str, times: int = 1) -> None:
        """Shopify does what `operation` says, and the connection breaks before it can tell."""
        answer, left = self.sim.answer, [None] * times

        def answer_or_break(request: httpx.Request) -> httpx.Response:
            done = answer(request)
            if operation.encode() in request.content and left:
                left.pop()
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
            return done

        self.sim.answer = answer_or_break  # type: ignore[method-assign]

    def sent(self, operation: str) -> list[dict[str, Any]]:
        """From now on: the variables of every call of `operation`, as they are sent."""
        answer, variables = self.sim.answer, list[dict[str, Any]]()

        def keep(request: httpx.Request) -> httpx.Response:
            asked = json.loads(request.content) if b'"query"' in request.content else {}
            if asked.get("operationName") == operation:
                variables.append(asked["variables"])
            return answer(request)

        self.sim.answer = keep  # type: ignore[method-assign]
        return variables

    def location(self, name: str = "Main") -> str:
        """The number of a location."""
        return next(one.legacy_resource_id for one in self.client.locations() if one.name == name)

    def read(self, gid: str) -> Order:
        """The order as the hub sees it."""
        (page,) = self.client.orders_by_id([gid])
        (order,) = page.orders
        return order

    def calls(self) -> int:
        return len(self.sim.calls)


def parcel_for(order: Order, id: str = "label-1", **fields: Any) -> Item:
    """A delivery of one parcel; `historical`, `binding`, `in_doubt` and `attempt` are those of the delivery."""
    of_item = {key: fields.pop(key) for key in ("binding", "in_doubt", "attempt") if key in fields}
    historical = fields.pop("historical", False)
    parcel = a_parcel(id, order, **{"location_id": "", **fields})
    event = an_event(parcel, historical=historical)
    return Item(ref=id, subject=parcel.key, events=(event,), **of_item)


def a_wish(sku: str, quantity: int, location_id: str) -> StockTarget:
    return StockTarget(sku=sku, location_id=location_id, quantity=quantity, because="counted")


def orders_of(pages: list[Page]) -> list[str]:
    return [order.number for page in pages for order in page.orders]
