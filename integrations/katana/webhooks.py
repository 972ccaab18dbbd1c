"""Katana's webhooks: signed, thin, and only ever a reason to read the stock again."""

from __future__ import annotations

import json
from collections.abc import Mapping

from commerce.values import fingerprint
from integrations.connector import Forged, Hint, Services, WebhookDelivery
from integrations.katana.settings import KatanaSettings
from integrations.signing import signed_hex

MOVES_STOCK = frozenset(
    {"current_inventory", "variant", "product", "sales_order", "purchase_order", "manufacturing_order"}
)
"""Resource types whose events can change what may be promised. A sale that only commits stock makes no movement."""


def receive(settings: KatanaSettings, services: Services, headers: Mapping[str, str], body: bytes) -> WebhookDelivery:
    """What a verified webhook points at. Raises Forged.

    The body has no id and no time: two changes of one variant look the same. So every arrival gets an id of its own; a
    delivery that Katana repeats costs one more read, a change that was taken for a repetition would be lost.
    """
    # https://developer.katanamrp.com/reference/webhooks
    signature = headers.get("x-sha2-signature", "")
    if not signed_hex([settings.webhook_token.get_secret_value()], body, signature):
        raise Forged("the signature does not match webhook_token")
    action = read_action(body)
    hints = (Hint(topic="stock", action=action),) if action.split(".")[0] in MOVES_STOCK else ()
    arrival = f"{services.clock():.6f}"
    return WebhookDelivery(id=fingerprint(signature, arrival), topic=action, hints=hints)


def read_action(body: bytes) -> str:
    """E.g. "current_inventory.product_updated"; empty when the body does not say."""
    try:
        event = json.loads(body)
    except (ValueError, UnicodeDecodeError):
        return ""
    return str(event.get("action") or "")[:80] if isinstance(event, dict) else ""
