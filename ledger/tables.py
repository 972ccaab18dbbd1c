"""The ledger's tables, the same in SQLite and PostgreSQL.

Moments are whole microseconds since 1970 (UTC) and 0 where "at once" is meant; JSON is text. The migrations in
`ledger/migrations` create these tables; a test compares the two.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

READY = "state IN ('waiting', 'retry', 'unknown')"
CLAIMED = "state = 'claimed'"
HELD = "state = 'held'"
OPEN = "state IN ('waiting', 'retry', 'unknown', 'claimed', 'held')"
"""Written out, not bound: only then does SQLite see that a partial index serves a query."""

Number = BigInteger().with_variant(Integer, "sqlite")


def identity() -> Column[Any]:
    """A rising number as primary key."""
    return Column("id", Number, Identity(), primary_key=True)


def words(name: str) -> Column[Any]:
    """Text that is never null."""
    return Column(name, Text, nullable=False, server_default="")


def moment(name: str, *, needed: bool = False) -> Column[Any]:
    """Microseconds since 1970."""
    return Column(name, BigInteger, nullable=not needed)


def count(name: str) -> Column[Any]:
    """A number that starts at zero."""
    return Column(name, Integer, nullable=False, server_default="0")


def flag(name: str) -> Column[Any]:
    """False at first."""
    return Column(name, Boolean, nullable=False, server_default=text("false"))


def partial(name: str, *columns: str, where: str) -> Index:
    """An index over some of the rows only."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


snapshots = Table(
    "snapshots",
    metadata,
    identity(),
    Column("subject", Text, nullable=False),
    moment("revision", needed=True),
    Column("digest", String(24), nullable=False),
    Column("data", Text, nullable=False),
    Index("snapshots_subject", "subject"),
)

subjects = Table(
    "subjects",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("topic", Text, nullable=False),
    words("label"),  # what people call it, "#1001"
    words("related"),  # the order of a parcel
    moment("revision", needed=True),
    Column("digest", String(24), nullable=False),
    Column("snapshot_id", Number, nullable=False),
    moment("born", needed=True),  # when the order was made
    flag("unfinished"),  # an order with units that have not left
    moment("promise"),  # by when an order has to leave; null when nothing of it hurries
    Index("subjects_topic", "source", "topic", "subject"),
    Index("subjects_label", "label"),
    partial("subjects_related", "related", where="related <> ''"),
    partial("subjects_unfinished", "source", "born", where="unfinished"),
)

events = Table(
    "events",
    metadata,
    identity(),
    Column("key", Text, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    words("part"),
    moment("revision", needed=True),
    moment("occurred_at", needed=True),
    moment("recorded_at", needed=True),
    flag("historical"),
    Column("snapshot_id", Number, nullable=False),
    Index("events_subject", "subject"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("keeps", Text, nullable=False),
    moment("live_from", needed=True),
    moment("since", needed=True),
)

deliveries = Table(
    "deliveries",
    metadata,
    # In this order: were the destination first, SQLite would look a subject up by reading all of its destination.
    Column("event_id", Number, primary_key=True, autoincrement=False),
    Column("destination", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("state", String(12), nullable=False, server_default="waiting"),
    Column("lane", SmallInteger, nullable=False),  # 0 live, 1 history: live goes first
    moment("occurred_at", needed=True),
    Column("promise", BigInteger, nullable=False, server_default="0"),  # its place in the lane: earlier goes first
    Column("due_at", BigInteger, nullable=False, server_default="0"),
    count("attempts"),
    count("crashes"),
    flag("in_doubt"),
    moment("first_tried_at"),
    moment("lease_until"),
    Column("claim", String(32)),
    words("claimed_by"),
    words("cause"),
    words("reason"),
    words("hint"),
    words("note"),
    moment("settled_at"),
    partial("deliveries_ready", "destination", "lane", "promise", "occurred_at", "event_id", where=READY),
    partial("deliveries_claimed", "destination", "lease_until", where=CLAIMED),
    partial("deliveries_held", "destination", where=HELD),
    Index("deliveries_subject", "subject", "destination"),
    sqlite_with_rowid=False,
)

bindings = Table(
    "bindings",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("vendor_id", Text, nullable=False),
    words("fingerprint"),
    words("url"),
    Column("data", Text, nullable=False),
    moment("updated_at", needed=True),
    Index("bindings_subject", "subject"),
    Index("bindings_vendor_id", "vendor_id"),
)

history = Table(
    "history",
    metadata,
    identity(),
    moment("at", needed=True),
    Column("destination", Text, nullable=False),
    Column("subject", Text, nullable=False),
    words("label"),
    Column("outcome", Text, nullable=False),
    words("vendor_id"),
    words("reason"),
    words("by"),
    Index("history_subject", "subject"),
)

unreadable = Table(
    "unreadable",
    metadata,
    Column("source", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("topic", Text, nullable=False),
    words("label"),
    words("reason"),
    words("hint"),
    moment("since", needed=True),
    count("attempts"),
    flag("dismissed"),
    words("note"),
)

paused = Table(
    "paused",
    metadata,
    Column("connection", Text, primary_key=True),
    words("reason"),
    words("hint"),
    moment("since", needed=True),
)

cursors = Table(
    "cursors",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    moment("moment", needed=True),
)

inbox = Table(
    "inbox",
    metadata,
    identity(),
    Column("connection", Text, nullable=False),
    Column("delivery_id", Text, nullable=False),
    words("topic"),
    Column("hints", Text, nullable=False),
    Column("state", String(12), nullable=False, server_default="waiting"),
    moment("received_at", needed=True),
    Column("due_at", BigInteger, nullable=False, server_default="0"),
    count("attempts"),
    words("reason"),
    UniqueConstraint("connection", "delivery_id", name="inbox_once"),
    partial("inbox_waiting", "id", where="state = 'waiting'"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("sealed", Text, nullable=False),
    count("generation"),
    moment("refresh_expires_at"),
    moment("updated_at", needed=True),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", String(32), nullable=False),
    moment("until", needed=True),
)

calls = Table(
    "calls",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    count("count"),
    count("errors"),
    count("throttled"),
    Column("seconds", Float, nullable=False, server_default="0"),
)

windows = Table(
    "windows",
    metadata,
    Column("name", Text, primary_key=True),  # connection, budget and span
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    count("used"),
)

buckets = Table(
    "buckets",
    metadata,
    Column("name", Text, primary_key=True),  # connection and budget
    Column("level", Float, nullable=False),
    Column("most", Float, nullable=False),
    Column("rate", Float, nullable=False),  # points a second
    moment("seen", needed=True),
)

routes = Table(
    "routes",
    metadata,
    Column("route", Text, primary_key=True),
    moment("last_started"),
    moment("last_finished"),
    moment("last_ok"),
    words("last_error"),
    Column("counts", Text, nullable=False, server_default="{}"),
)

alerts = Table(
    "alerts",
    metadata,
    identity(),
    Column("fingerprint", Text, nullable=False),
    Column("alert", Text, nullable=False),
    moment("opened_at", needed=True),
    moment("closed_at"),
    flag("told"),
    flag("told_over"),
    count("unanswered"),  # times that the problem was sent and nobody said whether it arrived
    Column("due_at", BigInteger, nullable=False, server_default="0"),
    count("unanswered_over"),
    Column("over_due_at", BigInteger, nullable=False, server_default="0"),
    Index(
        "alerts_open",
        "fingerprint",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)

privacy = Table(
    "privacy",
    metadata,
    identity(),
    Column("connection", Text, nullable=False),
    Column("delivery_id", Text, nullable=False),
    Column("kind", Text, nullable=False),  # the vendor's word, "customers/redact"
    words("customer_id"),
    Column("orders", Text, nullable=False),  # the storefront's ids
    Column("state", String(12), nullable=False, server_default="open"),
    moment("received_at", needed=True),
    Column("due_at", BigInteger, nullable=False, server_default="0"),
    moment("closed_at"),
    words("reason"),
    words("note"),
    UniqueConstraint("connection", "delivery_id", name="privacy_once"),
)

forgotten = Table(
    "forgotten",
    metadata,
    Column("subject", Text, primary_key=True),
    moment("at", needed=True),
    flag("expired"),  # by age only: news of the order may bring its person back for a while
)
