"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create everything."""
    for create in (alerts, bindings, calls, cursors, deliveries, events, history, inbox):
        create()
    for create in (leases, paused, routes, snapshots, subjects, subscriptions, tokens, unreadable):
        create()


def words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


def flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)


def index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", NUMBER, sa.Identity(always=False), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        flag("told"),
        flag("told_over"),
        sa.PrimaryKeyConstraint("id"),
    )
    index("alerts_open", "alerts", ["fingerprint"], "closed_at IS NULL", unique=True)


def bindings() -> None:
    op.create_table(
        "bindings",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("vendor_id", sa.Text(), nullable=False),
        words("fingerprint"),
        words("url"),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "subject"),
    )
    op.create_index("bindings_subject", "bindings", ["subject"])
    op.create_index("bindings_vendor_id", "bindings", ["vendor_id"])


def calls() -> None:
    op.create_table(
        "calls",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        count("count"),
        count("errors"),
        count("throttled"),
        sa.Column("seconds", sa.Float(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("connection", "operation", "hour"),
    )


def cursors() -> None:
    op.create_table(
        "cursors",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("moment", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "name"),
    )


def deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("event_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), server_default="waiting", nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), server_default="0", nullable=False),
        count("attempts"),
        count("crashes"),
        flag("in_doubt"),
        sa.Column("first_tried_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("claim", sa.String(length=32), nullable=True),
        words("claimed_by"),
        words("cause"),
        words("reason"),
        words("hint"),
        words("note"),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", "destination"),
        sqlite_with_rowid=False,
    )
    index("deliveries_claimed", "deliveries", ["destination", "lease_until"], "state = 'claimed'")
    index("deliveries_held", "deliveries", ["destination"], "state = 'held'")
    index(
        "deliveries_ready",
        "deliveries",
        ["destination", "lane", "occurred_at", "event_id"],
        "state IN ('waiting', 'retry', 'unknown')",
    )
    op.create_index("deliveries_subject", "deliveries", ["subject", "destination"])


def events() -> None:
    op.create_table(
        "events",
        sa.Column("id", NUMBER, sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        words("part"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        flag("historical"),
        sa.Column("snapshot_id", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("events_subject", "events", ["subject"])


def history() -> None:
    op.create_table(
        "history",
        sa.Column("id", NUMBER, sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        words("label"),
        sa.Column("outcome", sa.Text(), nullable=False),
        words("vendor_id"),
        words("reason"),
        words("by"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("history_subject", "history", ["subject"])


def inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", NUMBER, sa.Identity(always=False), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        words("topic"),
        sa.Column("hints", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), server_default="waiting", nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), server_default="0", nullable=False),
        count("attempts"),
        words("reason"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("connection", "delivery_id", name="inbox_once"),
    )
    index("inbox_waiting", "inbox", ["id"], "state = 'waiting'")


def leases() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.String(length=32), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def paused() -> None:
    op.create_table(
        "paused",
        sa.Column("connection", sa.Text(), nullable=False),
        words("reason"),
        words("hint"),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection"),
    )


def routes() -> None:
    op.create_table(
        "routes",
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("last_started", sa.BigInteger(), nullable=True),
        sa.Column("last_finished", sa.BigInteger(), nullable=True),
        sa.Column("last_ok", sa.BigInteger(), nullable=True),
        words("last_error"),
        sa.Column("counts", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("route"),
    )


def snapshots() -> None:
    op.create_table(
        "snapshots",
        sa.Column("id", NUMBER, sa.Identity(always=False), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=24), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("snapshots_subject", "snapshots", ["subject"])


def subjects() -> None:
    op.create_table(
        "subjects",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        words("label"),
        words("related"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=24), nullable=False),
        sa.Column("snapshot_id", NUMBER, nullable=False),
        sa.Column("born", sa.BigInteger(), nullable=False),
        flag("unfinished"),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_index("subjects_label", "subjects", ["label"])
    index("subjects_related", "subjects", ["related"], "related <> ''")
    op.create_index("subjects_topic", "subjects", ["source", "topic", "subject"])
    index("subjects_unfinished", "subjects", ["source", "born"], "unfinished")


def subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("keeps", sa.Text(), nullable=False),
        sa.Column("live_from", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "source", "topic"),
    )


def tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        count("generation"),
        sa.Column("refresh_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection"),
    )


def unreadable() -> None:
    op.create_table(
        "unreadable",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        words("label"),
        words("reason"),
        words("hint"),
        sa.Column("since", sa.BigInteger(), nullable=False),
        count("attempts"),
        flag("dismissed"),
        words("note"),
        sa.PrimaryKeyConstraint("source", "subject"),
    )
