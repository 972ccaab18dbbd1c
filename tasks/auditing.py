"""What people did by hand to documents of ours, asked of the destinations that can say so, once an hour."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from commerce.errors import HubError
from commerce.outcomes import Binding
from commerce.ports import Audited
from ledger import Ledger
from tasks.due import is_due
from tasks.hub import Hub

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
CURSOR = "audited"
"""Up to when it is known, by the destination's clock."""
ASKED = "audit-asked"
"""When it was asked last, by the database's clock."""


@dataclass(frozen=True)
class Remembered:
    """The ledger's memory of one destination (a `Memory`)."""

    ledger: Ledger
    destination: str

    def subject_of(self, vendor_id: str) -> str | None:
        """The subject whose document has this id."""
        return self.ledger.subject_of(self.destination, vendor_id)

    def binding(self, subject: str) -> Binding | None:
        """What the destination holds for it."""
        return self.ledger.bindings(self.destination, [subject]).get(subject)


def audit(hub: Hub) -> int:
    """Keep an alert for each thing that somebody did by hand; returns how many are new. A destination that cannot be
    asked now is asked the next time."""
    now = datetime.fromtimestamp(hub.clock(), UTC)
    paused = {pause.connection for pause in hub.ledger.paused()}
    destinations = sorted({route.destination for route in hub.stack.routes.values()} - paused)
    new = 0
    for name in destinations:
        try:
            new += audit_one(hub, name, now)
        except HubError as error:
            log.warning("%s cannot say what others changed: %s", name, error)
    return new


def audit_one(hub: Hub, name: str, now: datetime) -> int:
    """Ask one destination, unless it was asked within the hour."""
    client = hub.client(name)
    if not isinstance(client, Audited):
        return 0
    known, asked = hub.ledger.cursor(name, CURSOR), hub.ledger.moment_now()
    if not is_due(hub.ledger.cursor(name, ASKED), asked, EVERY):
        return 0
    alerts, until = client.foreign_changes(known or now - EVERY, Remembered(hub.ledger, name))
    new = sum(hub.ledger.raise_alert(alert) for alert in alerts)
    hub.ledger.set_cursor(name, CURSOR, until)
    hub.ledger.set_cursor(name, ASKED, asked)
    return new
