"""V1's webhooks: subscriptions, and pointers that nobody signs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from integrations.shipstation.simulator.v1.wire import Json, invalid, missing

EVENTS = (
    "ORDER_NOTIFY",
    "ITEM_ORDER_NOTIFY",
    "SHIP_NOTIFY",
    "ITEM_SHIP_NOTIFY",
    "FULFILLMENT_SHIPPED",
    "FULFILLMENT_REJECTED",
)


class Hooks:
    """The account's subscriptions."""

    def __init__(self, new_id: Callable[[str], int]) -> None:
        self._new_id = new_id
        self.by_id: dict[int, Json] = {}

    def subscribe(self, body: Any) -> Json:
        """`POST /webhooks/subscribe`; nothing stops duplicates."""
        if not isinstance(body, dict) or not str(body.get("target_url") or "").startswith(("http://", "https://")):
            raise invalid(target_url="The target_url field is required.")
        if body.get("event") not in EVENTS:
            raise invalid(event=f"The value '{body.get('event')}' is not valid for event.")
        store = body.get("store_id")
        if store is not None and not isinstance(store, int):
            raise invalid(store_id="Could not convert to integer.")
        hook_id = self._new_id("webhook")
        self.by_id[hook_id] = {
            "IsLabelAPIHook": False,
            "WebHookID": hook_id,
            "SellerID": 100000,
            "StoreID": store,
            "HookType": body["event"],
            "MessageFormat": "Json",
            "Url": body["target_url"],
            "Name": body.get("friendly_name"),
            "Active": True,
            "WebhookLogs": [],
            "Seller": None,
            "Store": None,
        }
        return {"id": hook_id}

    def listed(self) -> Json:
        """`GET /webhooks`."""
        return {"webhooks": list(self.by_id.values())}

    def remove(self, hook_id: str) -> None:
        """`DELETE /webhooks/{id}`."""
        if not hook_id.isdigit() or self.by_id.pop(int(hook_id), None) is None:
            raise missing(f"Webhook {hook_id}")

    def told(self, event: str, resource_url: str) -> list[httpx.Request]:
        """Deliveries of one event to everyone who subscribed to it."""
        body = json.dumps({"resource_url": resource_url, "resource_type": event}).encode()
        told = [hook for hook in self.by_id.values() if hook["HookType"] == event and hook["Active"]]
        kind = {"content-type": "application/json"}
        return [httpx.Request("POST", hook["Url"], headers=kind, content=body) for hook in told]
