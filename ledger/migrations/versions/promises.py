"""By when each order has to leave, and the place of each delivery in its lane.

What is open gets both from the newest state of its order. What is settled keeps the default: it waits for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op
from pydantic import ValidationError

from commerce.orders import Order
from commerce.promises import HANDLING, promise_of

revision = "0007"
down_revision = "0006"

MICROSECOND = timedelta(microseconds=1)

BY_AGE = sa.text(
    "UPDATE deliveries SET promise = occurred_at + :handling"
    " WHERE state IN ('waiting', 'retry', 'unknown', 'claimed', 'held')"
)

HURRY = sa.text(
    "SELECT subjects.subject, snapshots.data FROM subjects JOIN snapshots ON snapshots.id = subjects.snapshot_id"
    " WHERE subjects.topic = 'order' AND subjects.subject > :last AND (subjects.unfinished OR EXISTS"
    " (SELECT 1 FROM deliveries WHERE deliveries.subject = subjects.subject"
    " AND deliveries.state IN ('waiting', 'retry', 'unknown', 'claimed', 'held')))"
    " ORDER BY subjects.subject LIMIT 500"
)

PROMISED = sa.text("UPDATE subjects SET promise = :promise WHERE subject = :subject")

PLACED = sa.text(
    "UPDATE deliveries SET promise = :promise"
    " WHERE subject = :subject AND state IN ('waiting', 'retry', 'unknown', 'claimed', 'held')"
)


def upgrade() -> None:
    """Add the columns, fill them in, and let the index follow."""
    op.drop_index("deliveries_ready", table_name="deliveries")
    op.add_column("subjects", sa.Column("promise", sa.BigInteger(), nullable=True))
    op.add_column("deliveries", sa.Column("promise", sa.BigInteger(), server_default="0", nullable=False))
    db = op.get_bind()
    db.execute(BY_AGE, {"handling": HANDLING // MICROSECOND})
    for rows in promises(db):
        db.execute(PROMISED, rows)
        db.execute(PLACED, rows)
    where = sa.text("state IN ('waiting', 'retry', 'unknown')")
    columns = ["destination", "lane", "promise", "occurred_at", "event_id"]
    op.create_index("deliveries_ready", "deliveries", columns, sqlite_where=where, postgresql_where=where)


def promises(db: sa.Connection) -> Iterator[Sequence[dict[str, object]]]:
    """Subjects with their promises, a handful at a time; what cannot be read any more goes by its age."""
    last = ""
    while found := db.execute(HURRY, {"last": last}).all():
        last = found[-1].subject
        rows = [{"subject": row.subject, "promise": promise} for row in found if (promise := read(row.data))]
        if rows:
            yield rows


def read(data: str) -> int | None:
    """Microseconds since 1970."""
    try:
        promise = promise_of(Order.model_validate_json(data))
    except ValidationError:
        return None
    return None if promise is None else (promise - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND
