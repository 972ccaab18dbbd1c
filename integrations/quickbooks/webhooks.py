"""QuickBooks' webhooks: signed, in batches, several companies in one; only ever a reason to look."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from commerce.values import fingerprint
from integrations.connector import Forged, Hint, Services, WebhookDelivery
from integrations.quickbooks.schemas import Notice
from integrations.quickbooks.settings import QuickBooksSettings
from integrations.signing import signed_base64

DOCUMENTS = ("salesreceipt.", "refundreceipt.")
OLD_WORDS = {
    "Create": "created",
    "Update": "updated",
    "Delete": "deleted",
    "Merge": "merged",
    "Void": "voided",
    "Emailed": "emailed",
}


def receive(
    settings: QuickBooksSettings, services: Services, headers: Mapping[str, str], body: bytes
) -> WebhookDelivery:
    """What a verified webhook points at, oldest change first. Events of other companies are accepted and ignored.

    Raises Forged. The delivery's id is made of the ids of its events, which stay the same when it is sent again.
    """
    # https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks
    verifiers = [one.get_secret_value() for one in (settings.verifier_token, settings.previous_verifier_token)]
    if not signed_base64(verifiers, body, headers.get("intuit-signature", "")):
        raise Forged("the signature does not match verifier_token")
    notices = list(_notices(body, old=settings.old_webhooks))
    realm = settings.realm_id or granted_realm(services)
    ours = sorted((one for one in notices if realm and one.realm_id == realm), key=happened_at)
    known = fingerprint(*(one.id for one in notices)) if notices else fingerprint(body.decode("utf-8", "replace"))
    told = ((one.entity_id, action_of(one.type)) for one in ours)
    hints = tuple(Hint(topic="document", id=id, action=does) for id, does in told if not is_foreign(does))
    return WebhookDelivery(id=known, topic="document", hints=hints)


def granted_realm(services: Services) -> str:
    """The company that access was granted for, where stack.toml names none."""
    tokens = services.tokens.load()
    return tokens.account if tokens else ""


def action_of(kind: str) -> str:
    """ "salesreceipt.deleted" of "qbo.salesreceipt.deleted.v1"; other words as they are."""
    parts = kind.split(".")
    return ".".join(parts[1:3]) if len(parts) == 4 and parts[0] == "qbo" else kind[:80]


def is_foreign(action: str) -> bool:
    """Whether something is gone that the hub never makes. Ids count by kind: customer 28 is not receipt 28."""
    return action.endswith(("deleted", "voided")) and not action.startswith(DOCUMENTS)


def happened_at(notice: Notice) -> str:
    """A text that sorts by time; nine decimals are cut to the six that a time can hold, an unreadable time is last."""
    head, dot, rest = notice.time.partition(".")
    digits = rest.rstrip("Z")[:6] if dot else ""
    try:
        datetime.fromisoformat(head.rstrip("Z"))
    except ValueError:
        return "9999"
    return f"{head.rstrip('Z')}.{digits:0<6}"


def _notices(body: bytes, *, old: bool) -> Iterator[Notice]:
    """The events of a body that we can read; of an unknown body none, since QuickBooks would only repeat it."""
    try:
        content = json.loads(body)
    except (ValueError, UnicodeDecodeError):
        return
    events = _as_new(content) if old and isinstance(content, dict) else content
    for event in events if isinstance(events, list) else []:
        try:
            yield Notice.model_validate(event)
        except ValidationError:
            continue


def _as_new(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of the old `eventNotifications` body, in the shape of the new one."""
    events = []
    for company in content.get("eventNotifications") or []:
        for entity in (company.get("dataChangeEvent") or {}).get("entities") or []:
            name, operation = str(entity.get("name", "")), str(entity.get("operation", ""))
            time = str(entity.get("lastUpdated", ""))
            verb = OLD_WORDS.get(operation, operation.lower())
            events.append(
                {
                    "id": fingerprint(str(company.get("realmId")), name, str(entity.get("id")), operation, time),
                    "type": f"qbo.{name.lower()}.{verb}.v1",
                    "time": time,
                    "intuitentityid": entity.get("id"),
                    "intuitaccountid": company.get("realmId"),
                }
            )
    return events
