"""The account: who may call, what is where, and what people do in ShipStation's screens."""

from __future__ import annotations

import copy
import math
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import httpx

from integrations.shipstation.simulator.hooks import Hooks, Signer
from integrations.shipstation.simulator.shapes import an_address
from integrations.shipstation.simulator.shipments import Habits, Shipments
from integrations.shipstation.simulator.tracking import Fulfillments, Labels
from integrations.shipstation.simulator.wire import Json, Refusal, missing, no_such_path, page_of, stamp
from integrations.simulator import Clock, FixedWindow, Simulator, json_body

CALLS_PER_MINUTE = 200
API_KEY = "sim-shipstation-key"
FIRST_ID = {"shipment": 412669417, "label": 184976210, "fulfillment": 16731019, "batch": 64616278, "warehouse": 524001}


class ShipStationSimulator(Simulator):
    """One account on API V2.

    Options: `api_key` that it accepts; `plan=False` refuses everything with 403; `put_supported=False` is the service
    before it could edit shipments; `bare_errors=True` answers errors as some documented examples have them, a message
    and a field and nothing else; `longest_page` cuts pages that are asked for longer; the others are `Habits`.
    """

    vendor = "shipstation"

    def __init__(
        self,
        *,
        base_url: str,
        clock: Clock = time.time,
        limits: bool = True,
        api_key: str = API_KEY,
        plan: bool = True,
        put_supported: bool = True,
        bare_errors: bool = False,
        longest_page: int | None = None,
        **habits: Any,
    ) -> None:
        super().__init__(base_url=base_url, clock=clock, limits=limits)
        self.api_key = api_key
        self.plan = plan
        self.put_supported = put_supported
        self.bare_errors = bare_errors
        self.longest_page = longest_page
        self._counters: dict[str, int] = {}
        self._window = FixedWindow(CALLS_PER_MINUTE, 60.0, clock)
        self.warehouses: dict[str, Json] = {}
        self.shipments = Shipments(self._new_id, self._now, self.warehouses, Habits(**habits))
        self.labels = Labels(self.shipments, self._new_id, self._now, clock)
        self.fulfillments = Fulfillments(self.shipments, self._new_id, self._now, clock)
        self.signer = Signer(self._new_id)
        self.hooks = Hooks(self.signer, self._new_id, self._now)
        self.carriers: list[Json] = [
            {
                "carrier_id": "se-2077423",
                "carrier_code": "stamps_com",
                "friendly_name": "USPS",
                "disabled_by_billing_plan": False,
                "services": [],
                "packages": [],
                "options": [],
            }
        ]

    def _new_id(self, kind: str) -> str:
        self._counters[kind] = self._counters.get(kind, FIRST_ID.get(kind, 1000) - 1) + 1
        return f"se-{self._counters[kind]}"

    def _now(self) -> str:
        return stamp(self.clock())

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Credential, plan and limit first, then the endpoint."""
        raw_path = request.url.raw_path.decode().split("?")[0]
        path = [unquote(piece) for piece in raw_path.strip("/").split("/")]
        if path == ["jwks"]:
            return httpx.Response(200, json=self.signer.jwks())
        try:
            self._admit(request)
            return self._endpoint(request, path)
        except Refusal as refusal:
            return refusal.bare() if self.bare_errors else refusal.response()

    def _admit(self, request: httpx.Request) -> None:
        if request.headers.get("api-key") != self.api_key:
            words = "The API key is invalid. Please see https://docs.shipstation.com/authentication"
            raise Refusal(401, "security", "unauthorized", words)
        if not self.plan:
            raise Refusal(403, "account_status", "forbidden", "This feature is not available on your current plan.")
        if self.limits and not self._window.take():
            wait = {"Retry-After": str(max(1, math.ceil(self._window.reset)))}
            raise Refusal(429, "business_rules", "rate_limit_exceeded", "Rate limit exceeded.", wait)

    def _endpoint(self, request: httpx.Request, path: Sequence[str]) -> httpx.Response:
        body, params = json_body(request), dict(request.url.params)
        match (request.method, *path):
            case ("GET", "v2", "shipments"):
                return self._list("shipments", self.shipments.listed(params), request)
            case ("POST", "v2", "shipments"):
                return httpx.Response(200, json=self.shipments.create(body))
            case ("GET", "v2", "shipments", "external_shipment_id", key):
                return httpx.Response(200, json=self.shipments.by_key(key))
            case ("GET", "v2", "shipments", shipment_id):
                return httpx.Response(200, json=self.shipments.get(shipment_id))
            case ("PUT", "v2", "shipments", shipment_id) if self.put_supported:
                return httpx.Response(200, json=self.shipments.update(shipment_id, body))
            case ("PUT", "v2", "shipments", _):
                return httpx.Response(405, json={"message": "The requested resource does not support PUT."})
            case ("PUT", "v2", "shipments", shipment_id, "cancel"):
                self.shipments.cancel(shipment_id)
                return httpx.Response(204)
            case ("POST", "v2", "shipments", shipment_id, "tags", tag):
                return httpx.Response(200, json=self.shipments.tag(shipment_id, tag, on=True))
            case ("DELETE", "v2", "shipments", shipment_id, "tags", tag):
                self.shipments.tag(shipment_id, tag, on=False)
                return httpx.Response(204)
            case _:
                return self._other_endpoint(request, path, body, params)

    def _other_endpoint(
        self, request: httpx.Request, path: Sequence[str], body: Any, params: Mapping[str, str]
    ) -> httpx.Response:
        match (request.method, *path):
            case ("GET", "v2", "labels"):
                return self._list("labels", self.labels.listed(params), request)
            case ("GET", "v2", "labels", label_id):
                return httpx.Response(200, json=self.labels.get(label_id))
            case ("PUT", "v2", "labels", label_id, "void"):
                return httpx.Response(200, json=self.labels.void(label_id))
            case ("GET", "v2", "fulfillments"):
                return self._list("fulfillments", self.fulfillments.listed(params), request)
            case ("POST", "v2", "fulfillments"):
                return httpx.Response(200, json=self.fulfillments.create(body))
            case ("GET", "v2", "warehouses"):
                return httpx.Response(200, json={"warehouses": list(self.warehouses.values())})
            case ("GET", "v2", "warehouses", warehouse_id):
                if warehouse_id not in self.warehouses:
                    raise missing(f"warehouse_id {warehouse_id}")
                return httpx.Response(200, json=self.warehouses[warehouse_id])
            case ("GET", "v2", "carriers"):
                whole = {"carriers": self.carriers, "request_id": str(uuid.uuid4()), "errors": []}
                return httpx.Response(200, json=whole)
            case (method, "v2", "environment", "webhooks", *rest):
                return self._webhook_endpoint(method, rest, body)
            case _:
                return no_such_path()

    def _webhook_endpoint(self, method: str, rest: Sequence[str], body: Any) -> httpx.Response:
        match (method, *rest):
            case ("GET",):
                return httpx.Response(200, json=list(self.hooks.by_id.values()))
            case ("POST",):
                return httpx.Response(200, json=self.hooks.subscribe(body))
            case ("GET", webhook_id):
                return httpx.Response(200, json=self.hooks.get(webhook_id))
            case ("PUT", webhook_id):
                self.hooks.change(webhook_id, body)
                return httpx.Response(204)
            case ("DELETE", webhook_id):
                self.hooks.remove(webhook_id)
                return httpx.Response(204)
            case _:
                return no_such_path()

    def _list(self, name: str, records: Sequence[Json], request: httpx.Request) -> httpx.Response:
        url = f"{self.base_url}/v2/{name}"
        return httpx.Response(200, json=page_of(name, records, dict(request.url.params), url, self.longest_page))

    def state(self) -> dict[str, Any]:
        """Everything the account holds."""
        held = {
            "shipments": self.shipments.by_id,
            "labels": self.labels.by_id,
            "fulfillments": self.fulfillments.by_id,
            "warehouses": self.warehouses,
            "webhooks": self.hooks.by_id,
        }
        return {name: list(copy.deepcopy(records).values()) for name, records in held.items()}

    def do_warehouses(self, names: Sequence[str]) -> list[str]:
        """Open ship-from addresses; returns their ids."""
        return [self._open_warehouse(name) for name in names]

    def _open_warehouse(self, name: str) -> str:
        warehouse_id = self._new_id("warehouse")
        self.warehouses[warehouse_id] = {
            "warehouse_id": warehouse_id,
            "is_default": not self.warehouses,
            "name": name,
            "created_at": self._now(),
            "origin_address": an_address(name),
            "return_address": an_address(name),
        }
        return warehouse_id

    def do_buy_labels(
        self,
        shipment_ids: Sequence[str] | None = None,
        carrier: str = "stamps_com",
        limit: int | None = None,
        packages: int = 1,
        status: str = "completed",
        tracked: bool = True,
    ) -> list[str]:
        """Buy labels, for all that wait when none are named.

        `status="processing"` leaves them unfinished, `tracked=False` is a service without tracking numbers.
        """
        waiting = [id for id, each in self.shipments.by_id.items() if self._waits(each)]
        chosen = list(shipment_ids if shipment_ids is not None else waiting)[:limit]
        if not chosen:
            return []
        batch, labels = self.labels.buy(chosen, carrier, packages, status, tracked=tracked)
        self._tell("label_created_v2", f"labels?batch_id={batch}")
        return labels

    def _waits(self, shipment: Json) -> bool:
        """Whether the screen "Awaiting shipment" shows it: not held back, not marked as shipped."""
        held = (shipment["hold_until_date"] or "") > self._now()
        live = (each for each in self.fulfillments.by_id.values() if not each["voided"])
        marked = any(each["shipment_id"] == shipment["shipment_id"] for each in live)
        return shipment["shipment_status"] == "pending" and not held and not marked

    def do_finish_label(self, label_id: str) -> None:
        """A label that was being made is there now."""
        self.labels.finish(label_id)

    def do_return_label(self, shipment_id: str, carrier: str = "stamps_com") -> str:
        """Make a label for the way back."""
        return self.labels.buy([shipment_id], carrier, 1, back=True)[1][0]

    def do_scan(self, label_id: str, status: str = "IT") -> None:
        """The carrier scans the parcel; who wants to know is told all of it."""
        self._tell("track_event_v2", f"labels/{label_id}/track", self.labels.scanned(label_id, status))

    def do_void_label(self, label_id: str) -> Json:
        """Take a label back; nobody is told."""
        return self.labels.void(label_id)

    def do_mark_shipped(self, shipment_id: str, tracking: str, carrier: str = "fedex") -> str:
        """Mark an order as shipped without a label; returns the fulfillment's id."""
        fulfillment_id = self.fulfillments.mark(shipment_id, tracking, carrier)
        query = f"fulfillment_id={fulfillment_id}&shipment_id={shipment_id}"
        self._tell("fulfillment_shipped_v2", f"fulfillments?{query}")
        return fulfillment_id

    def do_void_fulfillment(self, fulfillment_id: str) -> None:
        """Take such a mark back."""
        self.fulfillments.void(fulfillment_id)

    def do_split(self, shipment_id: str, quantities: Mapping[str, int]) -> str:
        """Split units (by storefront line id) off into a shipment of their own; returns its id."""
        return self.shipments.split(shipment_id, quantities)

    def do_combine(self, shipment_ids: Sequence[str]) -> str:
        """Combine shipments that go to the same person; returns the one that is left."""
        return self.shipments.combine(shipment_ids)

    def do_delete(self, shipment_id: str) -> None:
        """Somebody deletes an order in the screens."""
        self.shipments.delete(shipment_id)

    def do_cancel(self, shipment_id: str) -> None:
        """Somebody cancels in the screens; the storefront is not told."""
        self.shipments.cancel(shipment_id)

    def do_type_in(self, shipment: Mapping[str, Any]) -> str:
        """Somebody types in an order that no hub brought, or a store imports it; returns its id."""
        made = self.shipments.create({"shipments": [dict(shipment)]})["shipments"][0]
        if made["errors"]:
            raise ValueError("; ".join(made["errors"]))
        batch = str(uuid.uuid4())
        self.shipments.by_id[made["shipment_id"]]["import_batch_id"] = batch
        self._tell("shipment_created_v2", f"shipments?import_batch_id={batch}")
        return str(made["shipment_id"])

    def do_subscribe(
        self, url: str, events: Sequence[str] = ("label_created_v2", "fulfillment_shipped_v2")
    ) -> list[str]:
        """Subscribe `url` to what carries tracking numbers; returns the webhooks' ids."""
        made = [self.hooks.subscribe({"name": "backroom", "event": event, "url": url}) for event in events]
        return [str(hook["webhook_id"]) for hook in made]

    def do_send_again(self, signed_anew: bool = True) -> None:
        """The last webhooks once more, as when they were not answered in time."""
        self.outbox.extend(self.hooks.again(signed_anew=signed_anew))

    def do_rotate_key(self) -> str:
        """Sign webhooks with a new key; returns its id."""
        return self.signer.rotate()

    def _tell(self, event: str, resource: str, data: Json | None = None) -> None:
        self.outbox.extend(self.hooks.told(event, f"{self.base_url}/v2/{resource}", data))


def build(*, base_url: str, clock: Callable[[], float] = time.time, limits: bool = True, **options: Any) -> Simulator:
    """An account with no orders. See `ShipStationSimulator` for the options."""
    return ShipStationSimulator(base_url=base_url, clock=clock, limits=limits, **options)
