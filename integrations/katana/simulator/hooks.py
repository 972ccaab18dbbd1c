"""Webhook subscriptions, the signed, thin bodies that go out, and how Katana tries again.

https://developer.katanamrp.com/reference/webhooks
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx

from integrations.katana.simulator.answers import Refused, invalid, not_found
from integrations.katana.simulator.habits import Habits
from integrations.simulator import Clock

FIELDS: dict[str, type] = {"url": str, "subscribed_events": list, "description": str}
WAITS = (30.0, 120.0, 900.0)
"""Seconds until each of the three retries; after the last the event is lost."""
EVENTS = frozenset(
    f"{resource}.{action}"
    for resource, actions in {
        "sales_order": "created packed delivered updated approved deleted availability_updated",
        "purchase_order": "created updated deleted partially_received received approved",
        "manufacturing_order": "created updated deleted in_progress blocked done",
        "current_inventory": "product_updated material_updated product_out_of_stock material_out_of_stock",
        "product": "created updated deleted",
        "material": "created updated deleted",
        "variant": "created updated deleted",
        "product_recipe_row": "created updated deleted",
    }.items()
    for action in actions.split()
)
"""What can be subscribed to, without the rows of orders."""


@dataclass
class Delivery:
    """One event on its way to one subscriber."""

    request: httpx.Request
    retries: int = 0
    due: float | None = None


class Hooks:
    """The account's webhooks. Tokens are 16 hex digits, made from the number so that a demo can know them."""

    def __init__(self, api_url: str, clock: Clock, now: Callable[[], str], habits: Habits) -> None:
        self.api_url = api_url
        self.clock = clock
        self.now = now
        self.habits = habits
        self.all: dict[int, dict[str, Any]] = {}
        self.sent: list[Delivery] = []
        self.lost = 0
        self._numbers = count(1)

    def add(self, body: Mapping[str, Any], token: str = "") -> dict[str, Any]:
        """POST /webhooks."""
        refuse_unknown(body, FIELDS)
        for name in ("url", "subscribed_events"):
            if name not in body:
                raise invalid("", "required", f"must have required property '{name}'", missingProperty=name)
        number, stamp = next(self._numbers), self.now()
        made = {"id": number, "enabled": True, "description": None, **body, "created_at": stamp, "updated_at": stamp}
        self.all[number] = {**made, "token": token or hashlib.sha256(f"hook {number}".encode()).hexdigest()[:16]}
        return self.all[number]

    def one(self, number: str) -> dict[str, Any]:
        """By id."""
        if not number.isdigit() or int(number) not in self.all:
            raise Refused(not_found())
        return self.all[int(number)]

    def change(self, number: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """PATCH /webhooks/{id}. As at other resources, an optional text that is left out is wiped."""
        refuse_unknown(body, {**FIELDS, "enabled": bool})
        hook = self.one(number)
        hook.update({"description": None, **body, "updated_at": self.now()})
        return hook

    def remove(self, number: str) -> None:
        """DELETE /webhooks/{id}."""
        del self.all[self.one(number)["id"]]

    def requests(self, action: str, object_id: int, href: str | None) -> list[httpx.Request]:
        """What goes out when `action` happens to an object. `href` starts after the API's address."""
        listening = [one for one in self.all.values() if one["enabled"] and action in one["subscribed_events"]]
        made = [self._request(hook, action, object_id, href) for hook in listening]
        self.sent += [Delivery(request) for request in made]
        return made

    def _request(self, hook: Mapping[str, Any], action: str, object_id: int, href: str | None) -> httpx.Request:
        about: dict[str, Any] = {"id": object_id, "status": None}
        if href:  # events of what is deleted have none
            about["href"] = f"{self.api_url}{href}"
        event = {"resource_type": action.split(".")[0], "action": action, "webhook_id": hook["id"], "object": about}
        body = json.dumps(event).encode()
        headers = {"content-type": "application/json", "x-sha2-signature": self._signature(hook["token"], body)}
        return httpx.Request("POST", hook["url"], content=body, headers=headers)

    def _signature(self, token: str, body: bytes) -> str:
        mac = hmac.new(token.encode(), body, hashlib.sha256)
        if self.habits.signature == "base64":
            return base64.b64encode(mac.digest()).decode()
        return ("sha256=" if self.habits.signature == "prefixed" else "") + mac.hexdigest()

    def not_taken(self, delivery: Delivery) -> None:
        """The receiver did not answer 2xx within 10 s."""
        if delivery.retries >= len(WAITS):
            delivery.due, self.lost = None, self.lost + 1
            return
        delivery.due = self.clock() + WAITS[delivery.retries]
        delivery.retries += 1

    def retried(self) -> list[httpx.Request]:
        """What is due to be sent again, each with its number."""
        again = []
        for delivery in self.sent:
            if delivery.due is not None and delivery.due <= self.clock():
                delivery.due = None
                again.append(copied(delivery.request, {"x-katana-retry-num": str(delivery.retries)}))
        return again


def copied(request: httpx.Request, headers: Mapping[str, str]) -> httpx.Request:
    """The request once more."""
    return httpx.Request("POST", request.url, content=request.content, headers={**request.headers, **headers})


def refuse_unknown(body: Mapping[str, Any], fields: Mapping[str, type]) -> None:
    """Bodies are closed: a field that is not listed is a 422, and so is a wrong type, address or event."""
    for name, value in body.items():
        if name not in fields:
            raise invalid("", "additionalProperties", "must NOT have additional properties", additionalProperty=name)
        if not isinstance(value, fields[name]):
            kind = {str: "string", list: "array", bool: "boolean"}[fields[name]]
            raise invalid(f"/{name}", "type", f"must be {kind}", type=kind)
    refuse_address(body.get("url"))
    events = body.get("subscribed_events")
    if events is not None and not events:
        raise invalid("/subscribed_events", "minItems", "must NOT have fewer than 1 items", limit=1)
    for at, event in enumerate(events or ()):
        if event not in EVENTS:
            raise invalid(f"/subscribed_events/{at}", "enum", "must be equal to one of the allowed values")


def refuse_address(url: str | None) -> None:
    """Katana wants https. Loopback is let in without, for a demo on one machine."""
    if url is not None and not url.startswith("https://") and httpx.URL(url).host not in ("127.0.0.1", "localhost"):
        raise invalid("/url", "pattern", 'must match pattern "https://*"', pattern="https://*")
