"""The durable memory: the log of facts, deliveries, bindings, cursors, inbox, tokens, alerts and call counts."""

from ledger.ledger import Ledger
from ledger.records import (
    CallStat,
    Claim,
    HeldRecord,
    HintRow,
    InboxWaiting,
    KeptAlert,
    Pause,
    Recorded,
    RouteState,
    StatusRow,
    Trace,
)

__all__ = [
    "CallStat",
    "Claim",
    "HeldRecord",
    "HintRow",
    "InboxWaiting",
    "KeptAlert",
    "Ledger",
    "Pause",
    "Recorded",
    "RouteState",
    "StatusRow",
    "Trace",
]
