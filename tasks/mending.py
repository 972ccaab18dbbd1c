"""Webhook subscriptions that a vendor dropped: noticed, made again, and told."""

from __future__ import annotations

import logging
from datetime import timedelta

from commerce.errors import HubError
from commerce.ports import Alert, Subscribing
from tasks.alerting import tell
from tasks.due import is_due
from tasks.hub import Hub
from tasks.tally import Tally

log = logging.getLogger(__name__)

LOOKED_AT, EVERY = "webhooks-looked-at", timedelta(hours=1)
"""A storefront drops a subscription after some hours of failed deliveries, so an hour loses only speed."""


def hook_address(hub: Hub, connection: str) -> str:
    """Where the connection's vendor has to send webhooks. Needs `hub.receiver`."""
    return f"{hub.stack.hub.receiver.rstrip('/')}/hooks/{connection}"


def mend_webhooks(hub: Hub) -> Tally:
    """Once an hour, look at the subscriptions of every connection and make again what is gone.

    The gap itself is no loss: what was missed is read by the polls, whose watermark does not move with webhooks.
    Without a receiver, and for paused connections, nothing is done.
    """
    tally = Tally()
    if not hub.stack.hub.receiver:
        return tally
    paused = {pause.connection for pause in hub.ledger.paused()}
    now = hub.ledger.moment_now()
    for name in hub.stack.connections:
        looked = hub.ledger.cursor(name, LOOKED_AT)
        if name in paused or not is_due(looked, now, EVERY):
            continue
        try:
            client = hub.client(name)
            if isinstance(client, Subscribing):
                mend_one(hub, name, client, tally, first=looked is None)
                hub.ledger.set_cursor(name, LOOKED_AT, now)
        except HubError as error:
            log.warning("the webhooks of %s cannot be looked at: %s", name, error)
            tally.counts["webhooks not seen"] += 1
            tally.note(name, name, "webhooks not seen", str(error), error.hint)
    return tally


def mend_one(hub: Hub, name: str, client: Subscribing, tally: Tally, *, first: bool) -> None:
    """Make again what is gone, and say so; the very first time it is only the set-up."""
    address = hook_address(hub, name)
    wrong = [finding for finding in client.check_webhooks(address) if not finding.ok]
    if not wrong:
        hub.ledger.clear_alert(fingerprint(name))
        return
    did = client.ensure_webhooks(address)
    made = sorted(topic for topic, what in did.items() if what != "kept")
    tally.counts["webhooks made"] += len(made)
    tally.note(name, name, "webhooks made", ", ".join(made))
    if not first:
        tell(hub, gone(name, made, [finding.message for finding in wrong]))


def gone(connection: str, made: list[str], why: list[str]) -> Alert:
    """What people are told; it is over when the next look finds all in place."""
    return Alert(
        fingerprint=fingerprint(connection),
        severity="warning",
        title=f"{connection}: webhooks were gone, the hub made them again",
        what=f"{', '.join(made) or 'nothing could be made'}; {'; '.join(dict.fromkeys(why))}",
        todo="nothing is lost, the polls bring it; should it happen again, see whether the receiver is reached",
        facts={"connection": connection},
    )


def fingerprint(connection: str) -> str:
    """The problem's name, the same each time."""
    return f"webhooks:{connection}"
