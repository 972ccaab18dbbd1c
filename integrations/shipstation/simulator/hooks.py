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
        self._keys: dict[str, rsa.RSAPrivateKey] = {}
        self._published: list[str] = []

    @property
    def key_id(self) -> str:
        """The key that is signed with: the newest."""
        if not self._keys:
            self.rotate()
        return next(reversed(self._keys))

    def rotate(self) -> str:
        """Sign with a new key from now on; the old ones stay published."""
        key_id = self._new_id("key")
        self._keys[key_id] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._published.append(key_id)
        return key_id

    def withdraw_old(self) -> None:
        """Publish the newest key only."""
        self._published = [self.key_id]

    def jwks(self) -> Json:
        """The public keys, newest first."""
        current = self.key_id
        order = [current, *(key_id for key_id in self._published if key_id != current)]
        return {"keys": [self._shown(key_id) for key_id in order]}

    def _shown(self, key_id: str) -> Json:
        numbers = self._keys[key_id].public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id}
        return {**key, "n": _base64url(numbers.n), "e": _base64url(numbers.e)}

    def headers(self, body: bytes, timestamp: str, key_id: str = "") -> dict[str, str]:
        """What a delivery is signed with."""
        used = key_id or self.key_id
        signature = self._keys[used].sign(timestamp.encode() + b"." + body, padding.PKCS1v15(), hashes.SHA256())
        return {
            "content-type": "application/json",
            "x-shipengine-rsa-sha256-key-id": used,
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
        self.last: list[httpx.Request] = []

    def subscribe(self, body: Any) -> Json:
        """`POST /v2/environment/webhooks`; nothing stops duplicates."""
        if not isinstance(body, dict) or not body.get("url") or not body.get("name"):
            raise invalid("name, event and url are required.", "field_value_required")
        if body.get("event") not in EVENTS:
            raise invalid(f"event {body.get('event')} is not a valid value.")
        if body.get("store_id") is not None and not isinstance(body["store_id"], int):
            raise invalid("store_id must be an integer or null.")
        _refuse_bad(body)
        webhook_id = self._new_id("webhook")
        given = {name: body.get(name) for name in ("url", "event", "name", "store_id")}
        self.by_id[webhook_id] = {"webhook_id": webhook_id, **given, "headers": body.get("headers") or []}
        return self.by_id[webhook_id]

    def change(self, webhook_id: str, body: Any) -> None:
        """`PUT`: name, url and headers."""
        if webhook_id not in self.by_id:
            raise missing(f"webhook_id {webhook_id}")
        if not isinstance(body, dict):
            raise invalid("A webhook is required.", "request_body_required")
        _refuse_bad(body)
        self.by_id[webhook_id] |= {name: body[name] for name in ("name", "url", "headers") if name in body}

    def remove(self, webhook_id: str) -> None:
        """`DELETE`."""
        if self.by_id.pop(webhook_id, None) is None:
            raise missing(f"webhook_id {webhook_id}")

    def get(self, webhook_id: str) -> Json:
        """One webhook. Raises the vendor's 404."""
        if webhook_id not in self.by_id:
            raise missing(f"webhook_id {webhook_id}")
        return self.by_id[webhook_id]

    def told(self, event: str, resource_url: str, data: Json | None = None) -> list[httpx.Request]:
        """Signed deliveries of one event to everyone who subscribed to it."""
        pointer = {"resource_url": resource_url, "resource_type": event.upper(), **({"data": data} if data else {})}
        body = json.dumps(pointer).encode()
        requests = []
        for hook in self.by_id.values():
            if hook["event"] == event:
                own = {header["key"]: header["value"] for header in hook["headers"]}
                headers = {**own, **self._signer.headers(body, self._now())}
                requests.append(httpx.Request("POST", hook["url"], headers=headers, content=body))
        self.last = requests or self.last
        return requests

    def again(self, *, signed_anew: bool) -> list[httpx.Request]:
        """The last deliveries once more, as after an answer that did not come: how they are signed is not known."""
        if not signed_anew:
            return list(self.last)
        return [
            httpx.Request(
                request.method,
                request.url,
                headers={**request.headers, **self._signer.headers(request.content, self._now())},
                content=request.content,
            )
            for request in self.last
        ]


def _refuse_bad(body: Json) -> None:
    if "url" in body and not str(body["url"]).startswith(("https://", "http://")):
        raise invalid(f"url {body['url']} is not a valid value.")
    headers = body.get("headers") or []
    if not isinstance(headers, list) or not all(
        isinstance(one, dict) and {"key", "value"} <= set(one) for one in headers
    ):
        raise invalid("headers must be a list of key and value.")


def _base64url(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
