"""Webhooks: subscriptions, and deliveries signed with an RSA key of the vendor's own."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from integrations.shipstation.simulator.wire import Json, invalid, missing

EVENTS = (
    "batch",
    "carrier_connected",
    "order_source_refresh_complete",
    "rate",
    "report_complete",
    "sales_orders_imported",
    "track",
    "shipment_created_v2",
    "label_created_v2",
    "fulfillment_shipped_v2",
    "fulfillment_rejected_v2",
    "track_event_v2",
    "batch_processed_v2",
)


class Signer:
    """The vendor's signing key, published as a JWKS. Made when first needed, for it takes a moment."""

    def __init__(self, new_id: Callable[[str], str]) -> None:
        self._new_id = new_id
        self._key: rsa.RSAPrivateKey | None = None
        self._key_id = ""
        self._retired: list[Json] = []

    def _current(self) -> rsa.RSAPrivateKey:
        if self._key is None:
            self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            self._key_id = self._new_id("key")
        return self._key

    def rotate(self) -> str:
        """Sign with a new key from now on; the old one stays published."""
        self._retired = self.jwks()["keys"]
        self._key = None
        self._current()
        return self._key_id

    def jwks(self) -> Json:
        """The public keys."""
        numbers = self._current().public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self._key_id}
        return {"keys": [{**key, "n": _base64url(numbers.n), "e": _base64url(numbers.e)}, *self._retired]}

    def headers(self, body: bytes, timestamp: str) -> dict[str, str]:
        """What a delivery is signed with."""
        signature = self._current().sign(timestamp.encode() + b"." + body, padding.PKCS1v15(), hashes.SHA256())
        return {
            "content-type": "application/json",
            "x-shipengine-rsa-sha256-key-id": self._key_id,
            "x-shipengine-rsa-sha256-signature": base64.b64encode(signature).decode(),
            "x-shipengine-timestamp": timestamp,
        }


class Hooks:
    """The account's subscriptions."""

    def __init__(self, signer: Signer, new_id: Callable[[str], str], now: Callable[[], str]) -> None:
        self._signer = signer
        self._new_id = new_id
        self._now = now
        self.by_id: dict[str, Json] = {}

    def subscribe(self, body: Any) -> Json:
        """`POST /v2/environment/webhooks`; nothing stops duplicates."""
        if not isinstance(body, dict) or not body.get("url") or not body.get("name"):
            raise invalid("name, event and url are required.", "field_value_required")
        if body.get("event") not in EVENTS:
            raise invalid(f"event {body.get('event')} is not a valid value.")
        if body.get("store_id") is not None and not isinstance(body["store_id"], int):
            raise invalid("store_id must be an integer or null.")
        webhook_id = self._new_id("webhook")
        given = {name: body.get(name) for name in ("url", "event", "name", "headers", "store_id")}
        self.by_id[webhook_id] = {"webhook_id": webhook_id, **given}
        return self.by_id[webhook_id]

    def change(self, webhook_id: str, body: Any) -> None:
        """`PUT`: name, url and headers."""
        if webhook_id not in self.by_id:
            raise missing(f"webhook_id {webhook_id}")
        self.by_id[webhook_id] |= {name: body[name] for name in ("name", "url", "headers") if name in body}

    def remove(self, webhook_id: str) -> None:
        """`DELETE`."""
        if self.by_id.pop(webhook_id, None) is None:
            raise missing(f"webhook_id {webhook_id}")

    def told(self, event: str, resource_url: str) -> list[httpx.Request]:
        """Signed deliveries of one event to everyone who subscribed to it."""
        body = json.dumps({"resource_url": resource_url, "resource_type": event.upper()}).encode()
        requests = []
        for hook in self.by_id.values():
            if hook["event"] == event:
                own = {header["key"]: header["value"] for header in hook["headers"] or []}
                headers = {**own, **self._signer.headers(body, self._now())}
                requests.append(httpx.Request("POST", hook["url"], headers=headers, content=body))
        return requests


def _base64url(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
