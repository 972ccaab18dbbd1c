"""ShipStation's webhooks: pointers, signed with an RSA key that is published as a JWKS.

https://docs.shipstation.com/apis/docs/guides/webhooks-validation
"""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from pydantic import ValidationError

from commerce.errors import IntegrationError, TemporarilyUnavailable
from commerce.values import fingerprint
from integrations.connector import Forged, Hint, Services, WebhookDelivery
from integrations.http import ApiClient, answered_json
from integrations.shipstation.refusals import VENDOR
from integrations.shipstation.schemas import WebhookBody
from integrations.shipstation.settings import ShipStationSettings
from integrations.signing import signed_rsa

KEY_ID = "x-shipengine-rsa-sha256-key-id"
SIGNATURE = "x-shipengine-rsa-sha256-signature"
TIMESTAMP = "x-shipengine-timestamp"

TOLERANCE = 300.0
"""Seconds that a webhook's time may be off, either way, by ShipStation's clock."""

TOLERABLE = 30.0
"""Seconds by which our clock may differ from theirs without being the wrong one: an answer takes its time."""

FETCHES, FETCHES_IN = 4, 60.0
"""At most so many fetches of the keys in so many seconds: a stranger who invents key ids must not make us call the
vendor each time, and a key that is new must be known at once."""

KEPT = 24 * 3600.0
"""Seconds after which the keys are fetched again, so that one which the vendor has withdrawn is believed no longer."""

SHARD = re.compile(r"ssapi\d*\.shipstation\.com")
"""The older API's numbered hosts, which webhooks may point at."""

LONGEST_TURN = 0.5
"""Seconds to wait while somebody else fetches the keys: the receiver has few threads, for all vendors together."""

PARCEL_TYPES = frozenset(
    {"LABEL_CREATED_V2", "FULFILLMENT_SHIPPED_V2", "FULFILLMENT_REJECTED_V2", "BATCH_PROCESSED_V2", "BATCH"}
)
"""What may mean a new tracking number. Order and track events carry nothing that the hub reads."""


def receive(
    settings: ShipStationSettings, services: Services, headers: Mapping[str, str], body: bytes
) -> WebhookDelivery:
    """Verify, then read. What it points at is read by the next poll, never from the address that it names.

    Raises Forged; raises IntegrationError when the public keys cannot be fetched, so that ShipStation sends it again.
    """
    key_id, signature, timestamp = (headers.get(name, "") for name in (KEY_ID, SIGNATURE, TIMESTAMP))
    if not (key_id and signature and timestamp):
        raise Forged("a signature header is missing", status=404)
    _refuse_stale(timestamp, settings.jwks_url, services)
    key = KEYS.key(settings.jwks_url, key_id, services)
    if key is None or not signed_rsa(key, timestamp.encode() + b"." + body, signature):
        raise Forged("the signature is wrong")
    return _delivery(settings, key_id, timestamp, body)


def _refuse_stale(timestamp: str, url: str, services: Services) -> None:
    """Raise Forged for an old one. Our clock may be the wrong one, so ShipStation is asked what time it is there."""
    try:
        sent = datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
    except ValueError:
        raise Forged("the timestamp is unreadable", status=400) from None
    sent = sent if sent.tzinfo else sent.replace(tzinfo=UTC)
    for time_there in (KEYS.time_there, KEYS.time_asked):
        if abs(time_there(url, services) - sent.timestamp()) <= TOLERANCE:
            return
    raise Forged("the timestamp is stale", status=400)


def _delivery(settings: ShipStationSettings, key_id: str, timestamp: str, body: bytes) -> WebhookDelivery:
    try:
        pointer = WebhookBody.model_validate_json(body)
        url = httpx.URL(pointer.resource_url)
    except (ValidationError, httpx.InvalidURL):
        raise Forged("the body is not a pointer") from None
    if not _is_the_vendors(url, settings):
        raise Forged("it points at a foreign host")
    kind = pointer.resource_type.upper()
    hints = (Hint(topic="parcel", action=kind.lower()),) if kind in PARCEL_TYPES else ()
    return WebhookDelivery(id=fingerprint(key_id, timestamp, pointer.resource_url), topic=kind.lower(), hints=hints)


def _is_the_vendors(url: httpx.URL, settings: ShipStationSettings) -> bool:
    known = url.host in settings.vendor_hosts or SHARD.fullmatch(url.host) is not None
    return known and url.scheme in ("https", httpx.URL(settings.base_url).scheme) and not url.userinfo


@dataclass
class _Cached:
    keys: dict[str, RSAPublicKey] = field(default_factory=dict)
    fetched: list[float] = field(default_factory=list)
    """When they were fetched lately."""
    failure: IntegrationError | None = None
    """Why the last fetch failed: told again, instead of fetching again at once."""
    ahead: float = 0.0
    """Seconds by which our clock was ahead of the vendor's at the last fetch."""

    def fresh(self, now: float) -> bool:
        """Whether the keys are young enough to be believed."""
        return bool(self.fetched) and 0 <= now - self.fetched[-1] < KEPT

    def may_fetch(self, now: float) -> bool:
        """Whether another fetch is allowed now; counts it."""
        self.fetched = [at for at in self.fetched if at is self.fetched[-1] or 0 <= now - at < FETCHES_IN]
        if sum(0 <= now - at < FETCHES_IN for at in self.fetched) >= (1 if self.failure else FETCHES):
            return False
        self.fetched.append(now)
        return True


class PublicKeys:
    """The vendor's public keys, fetched when a key id is new, by address and transport."""

    most = 16

    def __init__(self) -> None:
        self._cache: dict[tuple[str, httpx.BaseTransport | None], _Cached] = {}
        self._lock = threading.Lock()

    def key(self, url: str, key_id: str, services: Services) -> RSAPublicKey | None:
        """The key with this id, None when the vendor has no such key. Raises IntegrationError."""
        now = services.clock()
        known = self._cache.get((url, services.transport))
        # Without the lock: a slow fetch for a stranger's key id delays nobody.
        if known and key_id in known.keys and known.fresh(now):
            return known.keys[key_id]
        if not self._lock.acquire(timeout=LONGEST_TURN):
            raise TemporarilyUnavailable(VENDOR, "its webhook keys are being fetched")
        try:
            return self._looked_up(url, key_id, services, now)
        finally:
            self._lock.release()

    def time_there(self, url: str, services: Services) -> float:
        """What time it is at the vendor, as far as is known without asking."""
        known = self._cache.get((url, services.transport))
        return services.clock() - (known.ahead if known else 0.0)

    def time_asked(self, url: str, services: Services) -> float:
        """What time it is at the vendor, asked unless it was asked too often lately."""
        if self._lock.acquire(timeout=LONGEST_TURN):
            try:
                self._fetched(self._cached(url, services), url, services, services.clock())
            finally:
                self._lock.release()
        return self.time_there(url, services)

    def _cached(self, url: str, services: Services) -> _Cached:
        cached = self._cache.setdefault((url, services.transport), _Cached())
        while len(self._cache) > self.most:
            self._cache.pop(next(iter(self._cache)))
        return cached

    def _fetched(self, cached: _Cached, url: str, services: Services, now: float) -> bool:
        """Whether it was allowed to fetch them anew."""
        if not cached.may_fetch(now):
            return False
        cached.failure = None
        try:
            cached.keys, there = fetch_keys(url, services)
        except IntegrationError as failure:
            cached.failure = failure
        else:
            off = services.clock() - there.timestamp() if there else 0.0
            cached.ahead = off if abs(off) > TOLERABLE else 0.0
        return True

    def _looked_up(self, url: str, key_id: str, services: Services, now: float) -> RSAPublicKey | None:
        cached, allowed = self._cached(url, services), True
        if key_id not in cached.keys or not cached.fresh(now):
            allowed = self._fetched(cached, url, services, now)
        if key_id not in cached.keys and cached.failure is not None:
            raise cached.failure
        if key_id not in cached.keys and not allowed:
            # It may be the vendor's newest key: who is told to come back later loses nothing.
            raise TemporarilyUnavailable(VENDOR, "its webhook keys have just been fetched too often")
        return cached.keys.get(key_id)


KEYS = PublicKeys()


def fetch_keys(url: str, services: Services) -> tuple[dict[str, RSAPublicKey], datetime | None]:
    """The RSA keys of a JWKS by their id, and when it was answered by the vendor's clock; sends no credential."""
    client = ApiClient(
        vendor=VENDOR,
        base_url=url,
        transport=services.transport,
        calls=services.calls,
        sleep=services.sleep,
        timeout=5.0,
        tries=2,
        longest_wait=1.0,
    )
    try:
        answer = answered_json(VENDOR, client.request("GET", url, operation="webhook keys"))
    finally:
        client.close()
    listed = answer.get("keys") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        raise IntegrationError(VENDOR, "its JWKS has no keys", hint="check jwks_url in stack.toml")
    found = ((str(jwk.get("kid", "")), _rsa_key(jwk)) for jwk in listed if isinstance(jwk, dict))
    return {key_id: key for key_id, key in found if key is not None}, client.answered_at


def _rsa_key(jwk: Mapping[str, Any]) -> RSAPublicKey | None:
    if jwk.get("kty") != "RSA":
        return None
    try:
        return RSAPublicNumbers(e=_number(jwk["e"]), n=_number(jwk["n"])).public_key()
    except (KeyError, ValueError, TypeError, binascii.Error):
        return None


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
