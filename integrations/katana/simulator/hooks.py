"""Webhook subscriptions and the signed, thin bodies that go out."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import httpx

from integrations.katana.simulator.answers import Refused, invalid, not_found

FIELDS = ("url", "subscribed_events", "description", "enabled")


class Hooks:
    """The account's webhooks. Tokens are 16 hex digits, made from the number so that a demo can know them."""

    def __init__(self, api_url: str) -> None:
        self.api_url = api_url
        self.all: dict[int, dict[str, Any]] = {}

    def add(self, body: Mapping[str, Any], token: str = "") -> dict[str, Any]:
        """POST /webhooks."""
        refuse_unknown(body)
        for name, kind in (("url", str), ("subscribed_events", list)):
            if not isinstance(body.get(name), kind):
                raise invalid(f"/{name}", "required", f"must have required property '{name}'")
        number = len(self.all) + 1
        made = {"id": number, "enabled": True, "description": None, **body}
        self.all[number] = {**made, "token": token or hashlib.sha256(f"hook {number}".encode()).hexdigest()[:16]}
        return self.all[number]

    def one(self, number: str) -> dict[str, Any]:
        """By id."""
        if not number.isdigit() or int(number) not in self.all:
            raise Refused(not_found())
        return self.all[int(number)]

    def change(self, number: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """PATCH /webhooks/{id}."""
        refuse_unknown(body)
        hook = self.one(number)
        hook.update(body)
        return hook

    def remove(self, number: str) -> None:
        """DELETE /webhooks/{id}."""
        del self.all[self.one(number)["id"]]

    def requests(self, action: str, variant: int) -> list[httpx.Request]:
        """What goes out when `action` happens to a variant."""
        listening = [one for one in self.all.values() if one["enabled"] and action in one["subscribed_events"]]
        return [self._request(hook, action, variant) for hook in listening]

    def _request(self, hook: Mapping[str, Any], action: str, variant: int) -> httpx.Request:
        event = {
            "resource_type": action.split(".")[0],
            "action": action,
            "webhook_id": hook["id"],
            "object": {
                "id": variant,
                "status": None,
                "href": f"{self.api_url}/inventory?variant_id={variant}",
            },
        }
        body = json.dumps(event).encode()
        signature = hmac.new(hook["token"].encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-sha2-signature": signature}
        return httpx.Request("POST", hook["url"], content=body, headers=headers)


def refuse_unknown(body: Mapping[str, Any]) -> None:
    """Bodies are closed: a field that is not listed is a 422."""
    for name in body:
        if name not in FIELDS:
            raise invalid("", "additionalProperties", "must NOT have additional properties", additionalProperty=name)
