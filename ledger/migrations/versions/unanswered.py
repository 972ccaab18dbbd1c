"""How often an alert was sent without an answer, and when it may be sent again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns."""
    for message in ("unanswered", "unanswered_over"):
        op.add_column("alerts", sa.Column(message, sa.Integer(), server_default="0", nullable=False))
    for due in ("due_at", "over_due_at"):
        op.add_column("alerts", sa.Column(due, sa.BigInteger(), server_default="0", nullable=False))
