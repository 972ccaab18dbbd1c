"""ShipStation's API V1, one method per endpoint. https://docs.shipstation.com/apis/shipstation-v1/docs"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

from commerce.errors import Rejected, UnexpectedAnswer
from integrations.connector import Services
from integrations.http import ApiClient, Safety, answered_json
from integrations.shipstation.client import VENDOR, Raw, parsed
from integrations.shipstation.settings import ShipStationSettings
from integrations.shipstation.v1.faults import missing_path, refuse, refuse_missing_path, words_of
from integrations.shipstation.v1.pace import LONGEST_RESET, RATES, SharedPace
from integrations.shipstation.v1.schemas import (
    Store,
    UpsertAnswer,
    V1Carrier,
    V1Subscription,
    V1Warehouse,
)

PAGE_SIZE = 500
"""The most that V1 gives; at 40 calls a minute every page counts."""

ABOUT_AN_ORDER = ("update order", "hold order", "restore order")
"""Calls whose 404 may mean that the order is gone, and not that the address is wrong."""


class Api:
    """One account. Every method is one endpoint; lists read pages of 500 as the caller consumes them."""

    def __init__(self, settings: ShipStationSettings, services: Services) -> None:
        pace = SharedPace(services.pace(RATES), services.clock, services.sleep) if settings.pace else None

        def judge(answer: httpx.Response) -> None:
            if pace:
                pace.heard(answer)
            refuse(answer)

        self._http = ApiClient(
            vendor=VENDOR,
            base_url=settings.base_url,
            auth=httpx.BasicAuth(settings.api_key.get_secret_value(), settings.api_secret.get_secret_value()),
            transport=services.transport,
            inspect=judge,
            pace=pace,
            calls=services.calls,
            times=services.times,
            sleep=services.sleep,
            longest_wait=LONGEST_RESET + 1,  # the next window is never further away
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def create_orders(self, entries: Sequence[Mapping[str, Any]]) -> UpsertAnswer:
        """Create or update up to 100 orders by `orderKey`, each on its own: the answer tells which failed.

        A repeated call gives the same orders, but two at the same moment may not, so a lost answer is an
        OutcomeUnknown and what is there is looked at first. Raises Rejected when one entry spoils the whole call.
        """
        # https://docs.shipstation.com/apis/shipstation-v1/docs/orders/create-update-multiple-orders
        answer = self._write("/orders/createorders", list(entries), "create orders", "once")
        return parsed(UpsertAnswer, answered_json(VENDOR, answer))

    def put_order(self, whole: Mapping[str, Any]) -> Raw:
        """Replace an order that is there, named by `orderId` and `orderKey`; what is not sent is cleared.

        Answers the order as it is then. Raises Rejected for one that is shipped or cancelled.
        """
        # https://docs.shipstation.com/apis/shipstation-v1/docs/orders/create-update-order
        return _record(answered_json(VENDOR, self._write("/orders/createorder", dict(whole), "update order")))

    def hold_until(self, order_id: str, day: str) -> None:
        """Keep an order from being shipped until `day` ("2026-12-24")."""
        # https://docs.shipstation.com/apis/shipstation-v1/docs/orders/hold-order-until
        self._done("/orders/holduntil", {"orderId": _number(order_id), "holdUntilDate": day}, "hold order")

    def restore_from_hold(self, order_id: str) -> None:
        """Let an order be shipped again."""
        # https://docs.shipstation.com/apis/shipstation-v1/docs/orders/restore-order-from-on-hold
        self._done("/orders/restorefromhold", {"orderId": _number(order_id)}, "restore order")

    def order(self, order_id: str) -> Raw | None:
        """The whole order as ShipStation has it; None when there is none, or it was deleted."""
        answer = self._http.request("GET", f"/orders/{_number(order_id)}", expect=(404,), operation="order")
        if answer.status_code == 404:
            refuse_missing_path(answer)
            return None
        raw = _record(answered_json(VENDOR, answer))
        return None if raw.get("active") is False else raw

    def orders(self, **filters: str) -> Iterator[Raw]:
        """Orders by `orderNumber` (those that start with it), `modifyDateStart` …; there is no filter by key."""
        # https://docs.shipstation.com/apis/shipstation-v1/docs/orders/list-orders
        return self._pages("/orders", "orders", filters)

    def labels(self, **filters: str) -> Iterator[Raw]:
        """Labels bought in ShipStation, V1's "shipments", by `orderId`, `createDateStart`, `voidDateStart` …"""
        # https://docs.shipstation.com/apis/shipstation-v1/docs/shipments/list
        return self._pages("/shipments", "shipments", filters)

    def fulfillments(self, **filters: str) -> Iterator[Raw]:
        """Orders that were marked as shipped, by `orderId`, `createDateStart` …; none of them is in `labels`."""
        # https://docs.shipstation.com/apis/shipstation-v1/docs/fulfillments/list
        return self._pages("/fulfillments", "fulfillments", filters)

    def warehouses(self) -> list[V1Warehouse]:
        """The ship-from addresses."""
        return [parsed(V1Warehouse, raw) for raw in self._list("/warehouses", "warehouses")]

    def carriers(self) -> list[V1Carrier]:
        """The carrier accounts."""
        return [parsed(V1Carrier, raw) for raw in self._list("/carriers", "carriers")]

    def stores(self) -> list[Store]:
        """The account's active stores."""
        return [parsed(Store, raw) for raw in self._list("/stores", "stores", showInactive="false")]

    def subscriptions(self) -> list[V1Subscription]:
        """The account's webhooks."""
        return [parsed(V1Subscription, raw) for raw in self._list("/webhooks", "webhooks")]

    def subscribe(self, event: str, url: str, name: str, store_id: str | None) -> None:
        """Have `event` sent to `url`, of one store or of all. Nothing stops duplicates: list before."""
        body = {"target_url": url, "event": event, "store_id": store_id and int(store_id), "friendly_name": name}
        self._write("/webhooks/subscribe", body, "subscribe webhook", "once")

    def unsubscribe(self, webhook_id: str) -> None:
        """Have it sent no more."""
        path = f"/webhooks/{_number(webhook_id)}"
        self._http.request("DELETE", path, safety="repeatable", expect=(404,), operation="delete webhook")

    def _write(self, path: str, body: Any, operation: str, safety: Safety = "repeatable") -> httpx.Response:
        expect = (400, 404)
        answer = self._http.request("POST", path, json=body, safety=safety, expect=expect, operation=operation)
        if answer.status_code == 404:
            if operation not in ABOUT_AN_ORDER:
                raise missing_path(answer)
            refuse_missing_path(answer)
        if answer.status_code in expect:
            raise Rejected(VENDOR, f"{operation} answered {answer.status_code}: {words_of(answer) or 'no reason'}")
        return answer

    def _done(self, path: str, body: Mapping[str, Any], operation: str) -> None:
        """Calls that answer `{"success": …, "message": …}`."""
        said = answered_json(VENDOR, self._write(path, dict(body), operation))
        if isinstance(said, dict) and said.get("success") is False:
            raise Rejected(VENDOR, f"{operation}: {said.get('message') or 'no reason'}")

    def _get(self, path: str, operation: str, params: Mapping[str, Any]) -> Any:
        answer = self._http.request("GET", path, expect=(404,), operation=operation, params=dict(params))
        if answer.status_code == 404:  # a list that is empty is an empty list
            raise missing_path(answer)
        return answered_json(VENDOR, answer)

    def _list(self, path: str, name: str, **filters: str) -> list[Raw]:
        """A short list: bare, or in an object under its name."""
        body = self._get(path, f"list {name}", filters)
        found = body if isinstance(body, list) else _record(body).get(name)
        if not isinstance(found, list):
            raise UnexpectedAnswer(VENDOR, f"answered a list of {name} without {name}")
        return [each for each in found if isinstance(each, dict)]

    def _pages(self, path: str, name: str, filters: Mapping[str, str]) -> Iterator[Raw]:
        page = 1
        while True:
            body = _record(self._get(path, f"list {name}", {**filters, "page": page, "pageSize": PAGE_SIZE}))
            records = body.get(name)
            if not isinstance(records, list):
                raise UnexpectedAnswer(VENDOR, f"answered a list of {name} without {name}")
            # A record that is none is told by whoever reads it: it holds up no other.
            yield from (record if isinstance(record, dict) else {} for record in records)
            if not records or page >= _whole(body.get("pages")):
                return
            page += 1


def _whole(pages: Any) -> int:
    """How many pages there are; one when the answer does not say."""
    try:
        return int(pages)
    except (TypeError, ValueError):
        return 1


def _number(id: str) -> int:
    if not id.isdigit():
        raise UnexpectedAnswer(
            VENDOR,
            f"has no record {id!r} on API V1, whose ids are numbers",
            hint="records that were brought over API V2 have other ids; see the README about switching",
        )
    return int(id)


def _record(body: Any) -> Raw:
    if not isinstance(body, dict):
        raise UnexpectedAnswer(VENDOR, "answered something else than an object")
    return body
