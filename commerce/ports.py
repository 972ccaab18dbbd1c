"""What the hub asks of a connected app, whoever made it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from pydantic import ConfigDict, Field

from commerce.events import Event
from commerce.orders import Order
from commerce.outcomes import Binding, Outcome
from commerce.parcels import Parcel
from commerce.stock import StockLevel, StockTarget
from commerce.values import Frozen, Moment


class Unreadable(Frozen):
    """A record of the source that we could not turn into a value; it is held, the others go on."""

    subject: str
    label: str
    """What people call it, e.g. "#1001"."""
    reason: str
    hint: str = ""


class Page(Frozen):
    """Some records of a source. `watermark`: everything changed up to here has been read, None when not yet known."""

    orders: tuple[Order, ...] = ()
    parcels: tuple[Parcel, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    watermark: Moment | None = None


class Item(Frozen):
    """What one delivery has to bring to a destination: events of one subject, oldest first.

    A destination that keeps state looks at the last event only. `in_doubt` means an earlier try may have been
    applied without our knowing: look by our key before writing. `attempt` counts from 1.
    """

    ref: str
    subject: str
    events: tuple[Event, ...]
    binding: Binding | None = None
    in_doubt: bool = False
    attempt: int = 1

    @property
    def newest(self) -> Event:
        """The event with the newest state."""
        return self.events[-1]


@runtime_checkable
class OrderSource(Protocol):
    """A storefront that orders are read from."""

    def changed_orders(self, since: datetime) -> Iterator[Page]:
        """Orders changed since then (aware, UTC), up to now by the source's clock, oldest change first."""
        ...

    def orders_by_id(self, ids: Sequence[str]) -> Iterator[Page]:
        """These orders as they are now; unknown ids are left out."""
        ...

    def orders_created(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Orders created within [since, until): history for a backfill."""
        ...

    def count_created(self, since: datetime, until: datetime) -> int:
        """How many `orders_created` would yield; for a plan."""
        ...


@runtime_checkable
class Estimating(Protocol):
    """A storefront that knows about how many calls a history takes."""

    def calls_for(self, orders: int) -> int:
        """Calls that `orders_created` will make for so many orders, roughly."""
        ...


@runtime_checkable
class ParcelSource(Protocol):
    """A shipping app that tracking numbers are read from."""

    def changed_parcels(self, since: datetime) -> Iterator[Page]:
        """Parcels made or voided since then (aware, UTC), up to now by the source's clock."""
        ...


@runtime_checkable
class StockSource(Protocol):
    """An inventory app."""

    def stock(self) -> Iterator[StockLevel | Unreadable]:
        """Every level there is. Raises IntegrationError when the read is cut short: half a feed is no feed."""
        ...


@runtime_checkable
class StockDestination(Protocol):
    """A storefront whose stock is set."""

    def shown(self, wanted: Sequence[StockTarget]) -> dict[tuple[str, str], int | Unreadable]:
        """What is offered now, by (sku, location id). A SKU that the storefront does not have is left out."""
        ...

    def set_stock(
        self, wanted: Sequence[StockTarget], shown: dict[tuple[str, str], int]
    ) -> Iterator[tuple[StockTarget, Outcome]]:
        """Set each to its target if it still shows what it showed (compare-and-set), one outcome each."""
        ...


@runtime_checkable
class Destination(Protocol):
    """An app that facts are brought to.

    `keeps` is "state" (wants only the newest revision of a subject) or "events" (wants each fact once, in order).
    `topics` are the kinds of fact it takes ("order", "parcel"). `batch` is how many items it likes at once.
    """

    keeps: Literal["state", "events"]
    topics: frozenset[str]
    batch: int

    def deliver(self, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        """Bring the items, yielding an outcome for each as soon as it is known, in any order.

        May be repeated for the same item without a second effect. Raises NotAuthorised when the vendor refuses the
        credential, TemporarilyUnavailable when nothing more can be sent now; what was not yielded then counts as not
        sent. Raises OutcomeUnknown when what was not yielded may have been applied.
        """
        ...


class Checkable(Protocol):
    """Any connected app."""

    def check(self) -> Iterator[Finding]:
        """Look at credential, scopes, plan and maps, writing nothing; one finding per thing looked at."""
        ...


class Finding(Frozen):
    """One line of `backroom check`: what was looked at, whether it is well, and what to do when not."""

    subject: str
    ok: bool
    message: str
    hint: str = ""


@runtime_checkable
class Subscribing(Protocol):
    """An app whose webhook subscriptions are made through its API."""

    def check_webhooks(self, address: str) -> Iterator[Finding]:
        """Look whether what the hub wants to hear of is sent to `address`, writing nothing."""
        ...

    def ensure_webhooks(self, address: str) -> Mapping[str, str]:
        """Create or repair what is missing: what was done by topic, "kept", "moved", "enabled" or "created".

        Repeating it changes nothing.
        """
        ...


@runtime_checkable
class Worrying(Protocol):
    """An app that knows by itself when something will be wrong although no call has failed yet."""

    def concerns(self) -> Iterator[Alert]:
        """Each thing that a person should see to, while it lasts; asked every few minutes, so it costs few calls.

        Fingerprints start with "concern:<connection>:".
        """
        ...


class Person(Frozen):
    """Somebody who is to be forgotten, by what is known of them.

    `customer_id` is the storefront's own, at the connection `source`.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    email: str = Field(default="", repr=False)
    phone: str = Field(default="", repr=False)
    customer_id: str = ""
    source: str = ""


@runtime_checkable
class Forgetting(Protocol):
    """An app that can be told to delete what it knows of a person."""

    def forget(self, person: Person) -> str:
        """Ask for the deletion, for good; returns what was done in words for an audit, without personal data.

        May be repeated. Raises IntegrationError; what was asked for before that stays asked for.
        """
        ...


class Memory(Protocol):
    """What the hub remembers of one destination's documents."""

    def subject_of(self, vendor_id: str) -> str | None:
        """The subject whose document has this id, None when it is not one of ours."""
        ...

    def binding(self, subject: str) -> Binding | None:
        """What the destination holds for this subject, as far as we know."""
        ...


@runtime_checkable
class Audited(Protocol):
    """A destination whose documents people change by hand, and that can say which were changed."""

    def foreign_changes(self, since: datetime, memory: Memory) -> tuple[Sequence[Alert], datetime]:
        """What somebody else did to our documents since then, and up to when that is known (both aware).

        Called about once an hour; may be repeated for the same time.
        """
        ...


class Alerts(Protocol):
    """Where people are told."""

    def tell(self, alert: Alert) -> None:
        """Bring one message, once. Raises OutcomeUnknown when it may have arrived, other IntegrationErrors when it
        did not; the caller keeps it and decides when to try again."""
        ...


class Alert(Frozen):
    """A problem that a person should know of. No personal data, no secrets.

    `fingerprint` is the same for the same problem, so that it is told once. `over` is the good news that follows.
    `again`: it was sent before, and nobody said whether it arrived.
    """

    fingerprint: str
    severity: Literal["critical", "warning"] = "critical"
    title: str
    what: str
    todo: str
    facts: dict[str, str] = Field(default_factory=dict)
    over: bool = False
    again: bool = False


class Tokens(Frozen):
    """What an app gave us to prove who we are. `generation` rises with each saved pair."""

    model_config = ConfigDict(hide_input_in_errors=True)

    access: str = Field(repr=False)
    refresh: str = Field(default="", repr=False)
    expires_at: Moment
    refresh_expires_at: Moment | None = None
    account: str = ""
    generation: int = 0


class TokenStore(Protocol):
    """Where one connection's tokens are kept, encrypted, shared by all processes."""

    def load(self) -> Tokens | None:
        """The newest pair, None when there never was one."""
        ...

    def save(self, tokens: Tokens) -> Tokens:
        """Keep the pair durably before anyone uses it; returns it with its generation."""
        ...

    def refreshing(self) -> AbstractContextManager[None]:
        """While held, nobody else refreshes this connection, in this process or another."""
        ...


class Notices(Protocol):
    """Where a connection says what it noticed in passing, e.g. that an answer warns of the API version's end."""

    def noticed(self, alert: Alert) -> None:
        """Tell people once, however often it is noticed. Never raises."""
        ...

    def over(self, fingerprint: str) -> None:
        """It is well again. May be said with every answer: it costs something once in each process only."""
        ...


class Budget(Protocol):
    """Calls that all processes of the hub may make together at one vendor account."""

    def take(self, units: int = 1) -> float:
        """Zero when they may be made now, else seconds until it is worth asking again."""
        ...


class BucketBudget(Protocol):
    """Points of a vendor's leaky bucket, which all processes drink from."""

    def take(self, units: float) -> float:
        """Zero when the points are there and were taken, else seconds until they will be."""
        ...

    def learn(self, requested: float, actual: float, available: float, most: float, rate: float) -> None:
        """What an answer said: points asked for and really used, left, the most there can be, and back a second."""
        ...


class Limits(Protocol):
    """Where a connection's budgets are kept."""

    def windows(self, name: str, rates: Sequence[tuple[int, float]]) -> Budget:
        """At most so many calls in each of several spans of seconds."""
        ...

    def bucket(self, name: str) -> BucketBudget:
        """A leaky bucket that the vendor's answers describe."""
        ...


class CallLog(Protocol):
    """Where finished vendor calls are counted."""

    def counted(self, since: datetime) -> Mapping[str, int]:
        """Calls of this connection by operation, over all processes, since the hour that contains this moment."""
        ...

    def called(self, operation: str, status: int, seconds: float) -> None:
        """One call ended. `status` 0 means that no answer came."""
        ...
