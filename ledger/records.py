"""What the ledger answers with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from commerce.outcomes import Binding
from commerce.ports import Alert, Item

Keeps = Literal["state", "events"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one call to record made of what was read. `changed` and `known` count records, `new_events` facts."""

    new_events: int = 0
    changed: int = 0
    known: int = 0
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """Work that belongs to one run until its lease ends. `token` fences: who lost the lease settles nothing."""

    token: str
    destination: str
    items: list[Item]
    rows: tuple[int, ...] = ()
    """The deliveries behind the items, by event id."""
    by: str = ""


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """Something that waits for a person. `destination` is the source itself when it could not even be read."""

    id: str
    destination: str
    subject: str
    label: str
    cause: str
    reason: str
    hint: str
    since: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Pause:
    """A connection that is not to be called until a person has fixed it."""

    connection: str
    reason: str
    hint: str
    since: datetime


@dataclass(frozen=True, slots=True)
class HintRow:
    """A webhook that waits to be read: what it points at."""

    id: int
    connection: str
    topic: str
    hints: list[dict[str, str]]
    delivery_id: str = ""


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """What somebody asked about their own data. `state` is "open", "by hand" (a person must see to it) or "done"."""

    id: int
    connection: str
    kind: str
    customer_id: str
    orders: list[str]
    state: str
    received_at: datetime
    closed_at: datetime | None
    reason: str
    note: str

    @property
    def subjects(self) -> list[str]:
        """The log's names of the orders."""
        return [f"{self.connection}:{order}" for order in self.orders]


@dataclass(frozen=True, slots=True)
class Brought:
    """What one destination was given of some orders: the vendor's id by order number, and when the last one ended."""

    destination: str
    documents: dict[str, str]
    last: datetime


@dataclass(frozen=True, slots=True)
class InboxWaiting:
    """How full the inbox is."""

    count: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class CallStat:
    """Calls of one operation since some moment. `errors` do not contain the throttled ones."""

    connection: str
    operation: str
    count: int
    errors: int
    throttled: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RouteState:
    """How a route has been doing. `last_error` is empty when the last run ended well."""

    route: str
    last_started: datetime | None
    last_finished: datetime | None
    last_ok: datetime | None
    last_error: str
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """An alert in the ledger. `id` says which message it is: the problem, or the good news that follows.

    `unanswered` counts how often it was sent and nobody said whether it arrived.
    """

    id: str
    alert: Alert
    since: datetime
    told: bool = False
    unanswered: int = 0

    @property
    def heard(self) -> str:
        """Whether people know: "told", "not confirmed" (a channel may have it), "not told"."""
        return "told" if self.told else "not confirmed" if self.unanswered else "not told"


@dataclass(frozen=True, slots=True)
class Struggle:
    """Live records of one destination that were tried and are not through: how many, since when, and one of them."""

    count: int
    since: datetime
    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class StatusRow:
    """What became of a destination's deliveries. `waiting` contains what is being sent just now."""

    destination: str
    waiting: int = 0
    retry: int = 0
    unknown: int = 0
    held: int = 0
    done: int = 0
    skipped: int = 0
    oldest_waiting_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TracedEvent:
    """A fact, without its data."""

    kind: str
    subject: str
    part: str
    revision: datetime
    occurred_at: datetime
    recorded_at: datetime
    historical: bool


@dataclass(frozen=True, slots=True)
class TracedDelivery:
    """Where a fact stands at one destination."""

    destination: str
    kind: str
    subject: str
    state: str
    attempts: int
    cause: str
    reason: str
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class TracedOutcome:
    """What happened at one destination, and when."""

    at: datetime
    destination: str
    subject: str
    outcome: str
    vendor_id: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Trace:
    """The life of an order and of its parcels, oldest first; empty when the log knows nothing of it."""

    subjects: tuple[str, ...] = ()
    events: tuple[TracedEvent, ...] = ()
    deliveries: tuple[TracedDelivery, ...] = ()
    history: tuple[TracedOutcome, ...] = ()
    bindings: dict[str, Binding] = field(default_factory=dict)
    """By destination; a second parcel's stands beside it with its subject."""
