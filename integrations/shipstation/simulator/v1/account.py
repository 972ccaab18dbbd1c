"""The account: who may call, what is where, and what people do in ShipStation's screens."""

from __future__ import annotations

import base64
import binascii
import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import unquote

import httpx

from integrations.shipstation.simulator.v1.hooks import Hooks
from integrations.shipstation.simulator.v1.orders import Orders
from integrations.shipstation.simulator.v1.tracking import Fulfillments, Labels
from integrations.shipstation.simulator.v1.wire import Json, Refusal, no_such_path, page_of, stamp, wrong_method
from integrations.simulator import Clock, FixedWindow, Simulator, json_body

CALLS_PER_MINUTE = 40
API_KEY = "sim-shipstation-key"
API_SECRET = "sim-shipstation-secret"  # noqa: S105  guards nothing
FIRST_ID = {"order": 58345234, "label": 87654321, "fulfillment": 16731019, "batch": 144015674, "warehouse": 524001}
MANUAL_STORE = 12345


class ShipStationV1Simulator(Simulator):
    """One account on API V1.

    Options: `api_key` and `api_secret` that it accepts; `plan=False` refuses everything with 403; `lag` is how many
    seconds lists are behind; `closed` says what an upsert of a shipped or cancelled order does, "refuse" or "ignore"
    (answers as if it had worked); `split_shares_key=False` gives the half of a split order a key of its own; `shard`
    is the address that webhooks point at instead of `base_url`.
    """

    vendor = "shipstation"

    def __init__(
        self,
        *,
        base_url: str,
        clock: Clock = time.time,
        limits: bool = True,
        api_key: str = API_KEY,
        api_secret: str = API_SECRET,
        plan: bool = True,
        lag: float = 0.0,
        closed: Literal["refuse", "ignore"] = "refuse",
        split_shares_key: bool = True,
        shard: str = "",
    ) -> None:
        super().__init__(base_url=base_url, clock=clock, limits=limits)
        self.api_key = api_key
        self.api_secret = api_secret
        self.plan = plan
        self.lag = lag
        self.shard = shard
        self._counters: dict[str, int] = {}
        self._window = FixedWindow(CALLS_PER_MINUTE, 60.0, clock)
        self.orders = Orders(self._new_id, clock, closed=closed, split_shares_key=split_shares_key)
        self.labels = Labels(self.orders, self._new_id, clock)
        self.fulfillments = Fulfillments(self.orders, self._new_id, clock)
        self.hooks = Hooks(self._new_id)
        self.warehouses: dict[int, Json] = {}
        self.stores: dict[int, Json] = {}
        self._open_store(MANUAL_STORE, "Manual Orders", "ShipStation")
        self.carriers: list[Json] = [{"name": "USPS", "code": "stamps_com", "accountNumber": "SS123", "balance": 24.3}]

    def _new_id(self, kind: str) -> int:
        self._counters[kind] = self._counters.get(kind, FIRST_ID.get(kind, 1000) - 1) + 1
        return self._counters[kind]

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Credential, plan and limit first, then the endpoint; what is left of the limit is in every answer."""
        raw_path = request.url.raw_path.decode().split("?")[0]
        path = [unquote(piece) for piece in raw_path.strip("/").split("/")]
        try:
            self._admit(request)
            response = self._endpoint(request, path)
        except Refusal as refusal:
            response = refusal.response()
        response.headers["X-Rate-Limit-Limit"] = str(CALLS_PER_MINUTE)
        response.headers["X-Rate-Limit-Remaining"] = str(self._window.remaining if self.limits else CALLS_PER_MINUTE)
        response.headers["X-Rate-Limit-Reset"] = str(math.ceil(self._window.reset))
        return response

    def _admit(self, request: httpx.Request) -> None:
        if credentials(request) != (self.api_key, self.api_secret):
            raise Refusal(401, "401 Unauthorized")
        if self.limits and not self._window.take():
            raise Refusal(429, {"message": "Too Many Requests"})
        if not self.plan:
            raise Refusal(403, {"Message": "Your account does not have access to the API on its current plan."})

    def _endpoint(self, request: httpx.Request, path: Sequence[str]) -> httpx.Response:
        body, params = json_body(request), dict(request.url.params)
        places, stores = list(self.warehouses), list(self.stores)
        match (request.method, *path):
            case ("GET", "orders"):
                return self._list(
                    "orders", self._seen(self.orders.listed(params), "orderId", self.orders.made_at), params
                )
            case ("POST", "orders", "createorder"):
                return self._json(self.orders.upsert(body, places, stores))
            case ("POST", "orders", "createorders"):
                return self._json(self.orders.upsert_all(body, places, stores))
            case ("POST", "orders", "holduntil"):
                return self._json(self.orders.hold(body))
            case ("POST", "orders", "restorefromhold"):
                return self._json(self.orders.restore(body))
            case ("POST", "orders", "addtag" | "removetag" as verb):
                return self._json(self.orders.tag(body, add=verb == "addtag"))
            case ("POST", "orders", "markasshipped"):
                return self._json(self.fulfillments.mark_as_shipped(body))
            case ("GET", "orders", order_id) if order_id.isdigit():
                return self._json(self.orders.get(order_id))
            case ("DELETE", "orders", order_id) if order_id.isdigit():
                return self._json(self.orders.delete(order_id))
            case ("PUT" | "PATCH", "orders", *_):
                return wrong_method(request)
            case _:
                return self._other_endpoint(request, path, body, params)

    def _other_endpoint(
        self, request: httpx.Request, path: Sequence[str], body: Any, params: Mapping[str, str]
    ) -> httpx.Response:
        match (request.method, *path):
            case ("GET", "shipments"):
                shown = self._seen(list(self.labels.by_id.values()), "shipmentId", self.labels.made_at)
                return self._list("shipments", self.labels.listed(params, shown), params)
            case ("POST", "shipments", "voidlabel"):
                return self._json(self.labels.void(int((body or {}).get("shipmentId") or 0)))
            case ("GET", "fulfillments"):
                shown = self._seen(list(self.fulfillments.by_id.values()), "fulfillmentId", self.fulfillments.made_at)
                return self._list("fulfillments", self.fulfillments.listed(params, shown), params)
            case ("GET", "warehouses"):
                return self._json(list(self.warehouses.values()))
            case ("GET", "stores"):
                every = params.get("showInactive", "false").lower() == "true"
                return self._json([store for store in self.stores.values() if store["active"] or every])
            case ("GET", "carriers"):
                return self._json(self.carriers)
            case ("GET", "carriers", "listservices"):
                code = params.get("carrierCode", "")
                return self._json([{"carrierCode": code, "code": f"{code}_ground", "name": "Ground", "domestic": True}])
            case ("GET", "webhooks"):
                return self._json(self.hooks.listed())
            case ("POST", "webhooks", "subscribe"):
                return self._json(self.hooks.subscribe(body))
            case ("DELETE", "webhooks", webhook_id):
                self.hooks.remove(webhook_id)
                return self._json({})
            case _:
                return no_such_path(request)

    def _json(self, body: Any) -> httpx.Response:
        return httpx.Response(200, json=body)

    def _list(self, name: str, records: Sequence[Json], params: Mapping[str, str]) -> httpx.Response:
        return self._json(page_of(name, records, params))

    def _seen(self, records: Sequence[Json], id_field: str, made_at: Mapping[int, float]) -> list[Json]:
        """What a list shows already."""
        latest = self.clock() - self.lag
        return [each for each in records if made_at[each[id_field]] <= latest]

    def state(self) -> dict[str, Any]:
        """Everything the account holds; deleted orders have `active` false."""
        held = {
            "orders": self.orders.by_id,
            "labels": self.labels.by_id,
            "fulfillments": self.fulfillments.by_id,
            "warehouses": self.warehouses,
            "stores": self.stores,
            "webhooks": self.hooks.by_id,
        }
        return {name: list(copy.deepcopy(records).values()) for name, records in held.items()}

    def do_warehouses(self, names: Sequence[str]) -> list[int]:
        """Open ship-from addresses; returns their ids."""
        return [self._open_warehouse(name) for name in names]

    def _open_warehouse(self, name: str) -> int:
        warehouse_id = self._new_id("warehouse")
        self.warehouses[warehouse_id] = {
            "warehouseId": warehouse_id,
            "warehouseName": name,
            "originAddress": {"name": name, "country": "US"},
            "returnAddress": {"name": name, "country": "US"},
            "createDate": stamp(self.clock()),
            "isDefault": not self.warehouses,
        }
        return warehouse_id

    def do_store(self, name: str, marketplace: str) -> int:
        """Connect a selling channel; returns its id."""
        return self._open_store(self._new_id("store"), name, marketplace)

    def _open_store(self, store_id: int, name: str, marketplace: str) -> int:
        self.stores[store_id] = {
            "storeId": store_id,
            "storeName": name,
            "marketplaceId": 0,
            "marketplaceName": marketplace,
            "active": True,
            "createDate": stamp(self.clock()),
        }
        return store_id

    def do_buy_labels(
        self, order_ids: Sequence[int] | None = None, carrier: str = "stamps_com", limit: int | None = None
    ) -> list[int]:
        """Buy labels, for all that wait when none are named."""
        waiting = [id for id, each in self.orders.by_id.items() if self._waits(each)]
        named = list(order_ids if order_ids is not None else waiting)[:limit]
        if not named:
            return []
        batch, labels = self.labels.buy(named, carrier)
        self._tell("SHIP_NOTIFY", f"shipments?batchId={batch}&includeShipmentItems=False")
        self._tell("ITEM_SHIP_NOTIFY", f"shipments?batchId={batch}&includeShipmentItems=True")
        return labels

    def _waits(self, order: Json) -> bool:
        return bool(order["active"]) and self.orders.get(order["orderId"])["orderStatus"] == "awaiting_shipment"

    def do_return_label(self, order_id: int, carrier: str = "stamps_com") -> int:
        """Make a label for the way back."""
        return self.labels.buy([order_id], carrier, back=True)[1][0]

    def do_void_label(self, label_id: int) -> Json:
        """Take a label back; nobody is told."""
        return self.labels.void(label_id)

    def do_mark_shipped(self, order_id: int, tracking: str, carrier: str = "fedex") -> int:
        """Mark an order as shipped without a label; returns the fulfillment's id."""
        mark_id = self.fulfillments.mark(order_id, tracking, carrier)
        self._tell("FULFILLMENT_SHIPPED", f"fulfillments?fulfillmentId={mark_id}")
        return mark_id

    def do_void_fulfillment(self, fulfillment_id: int) -> None:
        """Take such a mark back."""
        self.fulfillments.void(fulfillment_id)

    def do_split(self, order_id: int, quantities: Mapping[str, int]) -> int:
        """Split units (by lineItemKey) off into an order of their own; returns its id."""
        return self.orders.split(order_id, quantities)

    def do_merge(self, order_id: int, other_id: int) -> None:
        """Merge another order into this one."""
        self.orders.merge(order_id, other_id)

    def do_cancel(self, order_id: int) -> None:
        """Somebody cancels in the screens; the storefront is not told."""
        self.orders.set_status(self.orders.get(order_id), "cancelled")

    def do_delete(self, order_id: int) -> None:
        """Somebody deletes it in the screens."""
        self.orders.delete(str(order_id))

    def do_hold(self, order_id: int, until: str) -> None:
        """Somebody holds it in the screens."""
        self.orders.hold({"orderId": order_id, "holdUntilDate": until})

    def do_edit(self, order_id: int, fields: Mapping[str, Any]) -> None:
        """Somebody types into fields of an order, e.g. `internalNotes`."""
        order = self.orders.get(order_id)
        order |= {**fields, "modifyDate": stamp(self.clock())}

    def do_type_in(self, order: Mapping[str, Any]) -> int:
        """Somebody types in an order that no hub brought, or a channel imports one; returns its id."""
        made = self.orders.upsert(dict(order), list(self.warehouses), list(self.stores))
        self._tell("ORDER_NOTIFY", f"orders?importBatch={made['orderId']}")
        return int(made["orderId"])

    def do_subscribe(self, url: str, events: Sequence[str] = ("SHIP_NOTIFY", "FULFILLMENT_SHIPPED")) -> list[int]:
        """Subscribe `url` to what carries tracking numbers; returns the webhooks' ids."""
        return [int(self.hooks.subscribe({"event": event, "target_url": url})["id"]) for event in events]

    def _tell(self, event: str, resource: str) -> None:
        self.outbox.extend(self.hooks.told(event, f"{self.shard or self.base_url}/{resource}"))


def credentials(request: httpx.Request) -> tuple[str, str] | None:
    """Key and secret of HTTP Basic, None when there are none."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        key, colon, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (key, secret) if scheme.lower() == "basic" and colon else None


def build(*, base_url: str, clock: Callable[[], float] = time.time, limits: bool = True, **options: Any) -> Simulator:
    """An account with no orders. See `ShipStationV1Simulator` for the options."""
    return ShipStationV1Simulator(base_url=base_url, clock=clock, limits=limits, **options)
