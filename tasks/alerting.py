"""Telling people: kept in the ledger first, then sent, so that an alert can neither fail a flow nor vanish."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from commerce.errors import HubError, IntegrationError, NotAuthorised, OutcomeUnknown, Rejected
from commerce.ports import Alert
from tasks.bundling import bundles, message
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


@contextmanager
def pausing(hub: Hub, connection: str) -> Iterator[None]:
    """Pause the connection when its vendor refuses our credential meanwhile; the error goes on to the caller."""
    try:
        yield
    except NotAuthorised as refused:
        pause_connection(hub, connection, refused)
        raise


def paused_alert(connection: str, reason: str, hint: str) -> Alert:
    """What people are told of a connection that is paused."""
    return Alert(
        fingerprint=f"paused:{connection}",
        title=f"{connection}: paused until somebody sees to it",
        what=reason,
        todo=hint or f"fix the credential, see: backroom check {connection}; then: backroom resume {connection}",
        facts={"connection": connection},
    )


def in_words(error: BaseException) -> str:
    """The error for people: the hub's own words; else where our code broke, without values that may be personal."""
    if isinstance(error, HubError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    file = Path(frames[-1].filename)
    return f"{type(error).__name__} at {file.parent.name}/{file.name}:{frames[-1].lineno}"


def channels(hub: Hub) -> dict[str, Any]:
    """The connections that people are told through, by name."""
    return {name: hub.client(name) for name in hub.stack.connections if hasattr(hub.client(name), "tell")}


def send_waiting(hub: Hub) -> int:
    """Send alerts that wait; returns how many were confirmed. What no channel takes now waits for the next time.

    One channel is enough: a broken one must not make the others repeat themselves. Many of one kind are one message.
    """
    waiting = hub.ledger.alerts_to_send()
    working = channels(hub) if waiting else {}
    nobody, sent = not working, 0
    for alike in bundles(waiting):
        if not (nobody or working):
            break
        mine = [kept for kept in alike if hub.ledger.sending_alert(kept.id)]
        if not mine:
            continue
        taken = "sent" if nobody else offered(message(mine), working)
        for kept in mine:
            if taken == "sent":
                hub.ledger.alert_sent(kept.id)
                sent += 1
            elif taken == "refused":
                hub.ledger.alert_not_sent(kept.id)
    return sent


def offered(alert: Alert, working: dict[str, Any]) -> Literal["sent", "refused", "unknown"]:
    """Offer one message to each channel; those that are down, for other alerts as well, are taken out of `working`.

    "unknown" when none has confirmed it and one may have it.
    """
    outcomes: set[Literal["sent", "refused", "unknown"]] = set()
    for name, channel in list(working.items()):
        try:
            channel.tell(alert)
        except Exception as error:  # noqa: BLE001  whatever it is, it must not fail a flow
            log.warning("%s did not take an alert: %s", name, in_words(error))
            surely_not = isinstance(error, HubError) and not isinstance(error, OutcomeUnknown)
            outcomes.add("refused" if surely_not else "unknown")
            if isinstance(error, IntegrationError) and not isinstance(error, Rejected):
                del working[name]
        else:
            outcomes.add("sent")
    return "sent" if "sent" in outcomes else "unknown" if "unknown" in outcomes else "refused"
