"""Katana's webhooks: signed, thin, and only ever a reason to read the stock again. And who makes Katana send them.

https://developer.katanamrp.com/reference/webhooks
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from commerce.ports import Alert, Finding, Tokens, TokenStore
from commerce.values import fingerprint
from integrations.connector import Forged, Hint, Services, WebhookDelivery
from integrations.http import ApiClient, Safety, answered_json
from integrations.katana.reading import read, readable
from integrations.katana.refusals import VENDOR
from integrations.katana.schemas import Hook
from integrations.katana.settings import KatanaSettings
from integrations.signing import signed_base64, signed_hex

EVENTS = (
    "current_inventory.product_updated",
    "current_inventory.product_out_of_stock",
    "variant.created",
    "variant.updated",
    "variant.deleted",
    "sales_order.created",
    "sales_order.updated",
    "sales_order.deleted",
)
"""What the hub wants to hear of. A sale that only commits stock moves none, so no inventory event need follow it."""
MOVES_STOCK = frozenset(
    {"current_inventory", "variant", "product", "sales_order", "purchase_order", "manufacturing_order"}
)
"""Resource types whose events can change what may be promised."""
DESCRIPTION = "backroom"
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
MAKE = "make it again: backroom webhooks"


def receive(settings: KatanaSettings, services: Services, headers: Mapping[str, str], body: bytes) -> WebhookDelivery:
    """What a verified webhook points at. Raises Forged.

    The body has no id and no time: two changes of one variant look the same. So every arrival gets an id of its own; a
    delivery that Katana repeats costs one more read, a change that was taken for a repetition would be lost.
    """
    signature = headers.get("x-sha2-signature", "")
    tokens = [token for token in (settings.webhook_token.get_secret_value(), kept_token(services.tokens)) if token]
    if not signed(tokens, body, signature):
        if tokens and signature:
            services.notices.noticed(not_signed(settings.name))
        raise Forged("the signature does not match the webhook's token")
    action = read_action(body)
    hints = (Hint(topic="stock", action=action),) if action.split(".")[0] in MOVES_STOCK else ()
    arrival = f"{services.clock():.6f}"
    return WebhookDelivery(id=fingerprint(signature, arrival), topic=action, hints=hints)


def signed(tokens: Sequence[str], body: bytes, signature: str) -> bool:
    """Whether one of the tokens signed the body. Which letters the signature is written in is not documented."""
    plain = signature.strip().removeprefix("sha256=")
    by_hex, by_base64 = signed_hex(tokens, body, plain), signed_base64(tokens, body, plain)
    return by_hex or by_base64


def not_signed(connection: str) -> Alert:
    """What people are told, once, of webhooks that do not fit our token."""
    return Alert(
        fingerprint=f"webhook-signature:{connection}",
        severity="warning",
        title=f"{connection}: webhooks with a wrong signature are refused",
        what="somebody who does not know the subscription's token sends to our address, or the token has changed; "
        "stock goes on arriving by schedule",
        todo="look: backroom check; a subscription that was made anew is learned by: backroom webhooks",
    )


def read_action(body: bytes) -> str:
    """E.g. "current_inventory.product_updated"; empty when the body does not say."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return str(event.get("action") or "")[:80] if isinstance(event, dict) else ""


def kept_token(tokens: TokenStore) -> str:
    """The signing token of the subscription that we made; empty when we made none."""
    kept = tokens.load()
    return kept.access if kept else ""


class Subscriptions:
    """The account's webhooks. One subscription carries all events; its address says that it is ours."""

    api: ApiClient
    settings: KatanaSettings
    services: Services

    def all_rows(self, path: str, *, key: tuple[str, ...], **params: Any) -> list[Any]:
        """The rows of all pages."""
        raise NotImplementedError

    def hooks_to(self, address: str) -> list[Hook]:
        """The subscriptions that send to `address`, oldest first."""
        found = readable(Hook, self.all_rows("/webhooks", key=("id",)), "/webhooks")
        return sorted((hook for hook in found if hook.url == address), key=lambda hook: hook.id)

    def check_webhooks(self, address: str) -> Iterator[Finding]:
        """Whether everything wanted is sent to `address`, and signed with a token that we know."""
        hooks = self.hooks_to(address)
        on = [hook for hook in hooks if hook.enabled]
        sent = {event for hook in on for event in hook.subscribed_events}
        missing = [event for event in EVENTS if event not in sent]
        if not hooks:
            yield wrong(f"Katana sends nothing to {address}")
        elif not on:
            yield wrong(f"the subscription to {address} is switched off")
        elif missing:
            yield wrong(f"Katana does not send {', '.join(missing)} to {address}")
        elif any(hook.token not in self.known_tokens() for hook in on):
            yield wrong("we do not know the token that signs them, so they are refused")
        else:
            yield Finding(subject="webhooks", ok=True, message=f"all {len(EVENTS)} events are sent to {address}")

    def known_tokens(self) -> tuple[str, ...]:
        """Tokens that we verify with."""
        given = self.settings.webhook_token.get_secret_value()
        return tuple(token for token in (given, kept_token(self.services.tokens)) if token)

    def ensure_webhooks(self, address: str) -> dict[str, str]:
        """Have every wanted event sent to `address`, once, and keep the token that signs them.

        What was done by event: "kept", "enabled" or "created"; a second subscription to the same address is "removed".
        Repeating it changes nothing. Raises NotConfigured when the token cannot be kept.
        """
        hooks = self.hooks_to(address)
        if not hooks:
            made = self._write("POST", "/webhooks", {"url": address, "subscribed_events": list(EVENTS)})
            self._keep(made)
            return dict.fromkeys(EVENTS, "created")
        first, *others = hooks
        did = {event: what_is_missing(first, event) for event in EVENTS}
        if set(did.values()) != {"kept"}:
            events = [*first.subscribed_events, *(event for event in EVENTS if event not in first.subscribed_events)]
            changed = {"url": address, "subscribed_events": events, "enabled": True}
            self._write("PATCH", f"/webhooks/{first.id}", changed)
        self._keep(first)
        for hook in others:
            self.api.request("DELETE", f"/webhooks/{hook.id}", safety="repeatable", expect=(404,))
            did[f"webhook {hook.id}"] = "removed"
        return did

    def _write(self, method: str, path: str, body: dict[str, Any]) -> Hook:
        care: Safety = "once" if method == "POST" else "repeatable"
        answer = self.api.request(method, path, safety=care, json={**body, "description": DESCRIPTION})
        return read(Hook, answered_json(VENDOR, answer), path)

    def _keep(self, hook: Hook) -> None:
        """Keep the subscription's token, for the receiver to verify with."""
        token = hook.token
        if not token:
            path = f"/webhooks/{hook.id}"
            token = read(Hook, answered_json(VENDOR, self.api.request("GET", path)), path).token
        if token and token not in self.known_tokens():
            self.services.tokens.save(Tokens(access=token, expires_at=NEVER, account=f"webhook {hook.id}"))
        self.services.notices.over(f"webhook-signature:{self.settings.name}")


def what_is_missing(hook: Hook, event: str) -> str:
    """What has to be done that the subscription sends the event."""
    if event not in hook.subscribed_events:
        return "created"
    return "kept" if hook.enabled else "enabled"


def wrong(message: str) -> Finding:
    """Webhooks that do not arrive."""
    return Finding(subject="webhooks", ok=False, message=message, hint=MAKE)
