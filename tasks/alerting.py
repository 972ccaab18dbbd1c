"""Telling people: kept in the ledger first, then sent, so that an alert can neither fail a flow nor vanish."""

from __future__ import annotations

import logging
from typing import Any

from commerce.errors import HubError, NotAuthorised
from commerce.ports import Alert
from tasks.hub import Hub

log = logging.getLogger(__name__)


def tell(hub: Hub, alert: Alert) -> None:
    """Keep the alert, once for the same problem, and send what waits. Never raises because of a channel."""
    if hub.ledger.raise_alert(alert):
        send_waiting(hub)


def pause_connection(hub: Hub, connection: str, refused: NotAuthorised) -> None:
    """Stop calling a vendor that refuses us; its work waits, and somebody is told what to do."""
    hub.ledger.pause(connection, str(refused), refused.hint)
    tell(hub, paused_alert(connection, str(refused), refused.hint))


def paused_alert(connection: str, reason: str, hint: str) -> Alert:
    """What people are told of a connection that is paused."""
    return Alert(
        fingerprint=f"paused:{connection}",
        title=f"{connection}: paused, its credential is refused",
        what=reason,
        todo=hint or f"fix the credential, see: backroom check {connection}; then: backroom resume {connection}",
        facts={"connection": connection},
    )


def channels(hub: Hub) -> dict[str, Any]:
    """The connections that people are told through, by name."""
    return {name: hub.client(name) for name in hub.stack.connections if hasattr(hub.client(name), "tell")}


def send_waiting(hub: Hub) -> int:
    """Send alerts that wait; returns how many were sent. One that fails waits for the next time."""
    waiting = hub.ledger.alerts_to_send()
    if not waiting:
        return 0
    sent = 0
    told = channels(hub)
    for kept in waiting:
        try:
            for channel in told.values():
                channel.tell(kept.alert)
        except HubError as error:
            log.warning("an alert waits, its channel failed: %s", error)
            continue
        hub.ledger.alert_sent(kept.id)
        sent += 1
    return sent
