"""V1's webhooks: pointers that nobody signs. What proves their sender is a token in the address that we gave.

https://docs.shipstation.com/apis/shipstation-v1/docs/models/webhook
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs

import httpx
from pydantic import ValidationError

from commerce.errors import Rejected
from commerce.ports import Finding
from commerce.values import fingerprint
from integrations.connector import QUERY, Forged, Hint, Services, WebhookDelivery
from integrations.shipstation.client import VENDOR
from integrations.shipstation.schemas import WebhookBody
from integrations.shipstation.settings import ShipStationSettings
from integrations.shipstation.v1.client import Api
from integrations.shipstation.v1.schemas import V1Subscription

EVENTS = ("SHIP_NOTIFY", "FULFILLMENT_SHIPPED")
"""What brings tracking numbers early: labels, and orders that were marked as shipped."""

PARCEL_TYPES = frozenset({"SHIP_NOTIFY", "ITEM_SHIP_NOTIFY", "FULFILLMENT_SHIPPED", "FULFILLMENT_REJECTED"})
SHARD = re.compile(r"ssapi\d*\.shipstation\.com")
SAME_EVENT = 300.0
"""Seconds within which the same pointer is the same event: V1 numbers no deliveries."""


def token_of(settings: ShipStationSettings) -> str:
    """The secret that our address at ShipStation ends with. It follows from the API secret and does not tell it."""
    said = f"backroom webhook of {settings.name}".encode()
    mac = hmac.new(settings.api_secret.get_secret_value().encode(), said, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def receive(
    settings: ShipStationSettings, services: Services, headers: Mapping[str, str], body: bytes
) -> WebhookDelivery:
    """Compare the token, then read. What it points at is read by the next poll, never from the address that it names.

    Raises Forged.
    """
    if not _is_token(settings, headers.get(QUERY, "")):
        raise Forged("the token in the address is missing or wrong")
    try:
        pointer = WebhookBody.model_validate_json(body)
        url = httpx.URL(pointer.resource_url)
    except (ValidationError, httpx.InvalidURL):
        raise Forged("the body is not a pointer") from None
    own = httpx.URL(settings.base_url)
    shard = url.scheme == "https" and SHARD.fullmatch(url.host) and url.port is None
    if url.userinfo or not (shard or (url.scheme, url.netloc) == (own.scheme, own.netloc)):
        raise Forged("it points at a foreign host")
    kind = pointer.resource_type.upper()
    hints = (Hint(topic="parcel", action=kind.lower()),) if kind in PARCEL_TYPES else ()
    turn = str(int(services.clock() // SAME_EVENT))
    return WebhookDelivery(id=fingerprint(kind, pointer.resource_url, turn), topic=kind.lower(), hints=hints)


class Webhooks:
    """The account's subscriptions. V1 cannot change one: what is wrong is made anew and the old one deleted."""

    def __init__(self, api: Api, settings: ShipStationSettings) -> None:
        self._api = api
        self._settings = settings

    def check(self, address: str) -> Iterator[Finding]:
        """See `Subscribing.check_webhooks`."""
        there = self._api.subscriptions()
        missing = [event for event in EVENTS if not any(self._right(one, event, address) for one in there)]
        for event in missing:
            yield Finding(
                subject=f"webhook {event}",
                ok=False,
                message=f"ShipStation does not send it to {address}, or not with our token",
                hint="make it again: backroom webhooks",
            )
        if not missing:
            yield Finding(subject="webhooks", ok=True, message=f"all {len(EVENTS)} are sent to {address}")

    def ensure(self, address: str) -> dict[str, str]:
        """See `Subscribing.ensure_webhooks`. Raises Rejected for an address that ShipStation cannot call."""
        if not address.startswith("https://") and self._settings.base_url.startswith("https://"):
            raise Rejected(VENDOR, "no webhooks: the receiver needs a public https address", hint="set hub.receiver")
        there = self._api.subscriptions()
        return {
            event: self._ensure(event, [one for one in there if one.event.upper() == event], address)
            for event in EVENTS
        }

    def _ensure(self, event: str, known: list[V1Subscription], address: str) -> str:
        right = [one for one in known if self._right(one, event, address)]
        ours = [one for one in known if one not in right and _without_query(one.url) == address]
        for stale in [*ours, *right[1:]]:  # another token, switched off, or there twice
            self._api.unsubscribe(stale.webhook_id)
        if right:
            return "kept"
        self._api.subscribe(event, f"{address}?token={token_of(self._settings)}", "backroom", self._settings.store_id)
        return "moved" if ours else "created"

    def _right(self, one: V1Subscription, event: str, address: str) -> bool:
        told = one.event.upper() == event and one.active is not False and _without_query(one.url) == address
        return told and _is_token(self._settings, one.url.partition("?")[2])


def _is_token(settings: ShipStationSettings, query: str) -> bool:
    """Whether the query has our token, once; compared in constant time."""
    try:
        given = parse_qs(query, max_num_fields=8).get("token", [])
    except ValueError:  # more fields than anybody needs
        return False
    wanted = token_of(settings).encode()
    return len(given) == 1 and hmac.compare_digest(given[0].encode("utf-8", "replace"), wanted)


def _without_query(url: str) -> str:
    return url.partition("?")[0]
