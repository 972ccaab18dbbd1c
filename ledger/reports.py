"""Reports of comparisons: kept as they were made, signed off once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, Index, Table, Text, select, update

from commerce.audits import Report
from ledger.store import Store, clean, maybe, micros
from ledger.tables import identity, metadata, words
from ledger.tables import moment as when

reports = Table(
    "reports",
    metadata,
    identity(),
    Column("source", Text, nullable=False),
    Column("destination", Text, nullable=False),
    when("since", needed=True),
    when("until", needed=True),
    when("made_at", needed=True),
    Column("clean", Boolean, nullable=False),
    Column("report", Text, nullable=False),  # what was compared, without personal data
    words("signed_by"),
    when("signed_at"),
    words("note"),
    Index("reports_pair", "source", "destination", "id"),
)

SIGNED = ("id", "signed_by", "signed_at", "note")
"""What is kept beside the report and not in it."""


class Reports(Store):
    """What was compared, and who has seen it."""

    def keep_report(self, report: Report) -> Report:
        """Keep it for good; returns it with its id."""
        table = reports
        with self.writing() as db:
            row = {
                "source": report.source,
                "destination": report.destination,
                "since": micros(report.since),
                "until": micros(report.until),
                "made_at": micros(report.made_at),
                "clean": report.clean,
                "report": clean(report.model_dump_json(exclude=set(SIGNED))),
            }
            id = db.execute(table.insert().values(**row)).inserted_primary_key
        return report.model_copy(update={"id": int(id[0]) if id else 0})

    def reports(self, *, destination: str | None = None, limit: int = 50) -> list[Report]:
        """The newest first."""
        table = reports
        wanted = select(table).order_by(table.c.id.desc()).limit(limit)
        if destination is not None:
            wanted = wanted.where(table.c.destination == destination)
        with self.reading() as db:
            return [read(row) for row in db.execute(wanted)]

    def report(self, id: int) -> Report | None:
        """One report, None when there is none with this id."""
        with self.reading() as db:
            row = db.execute(select(reports).where(reports.c.id == id)).first()
        return None if row is None else read(row)

    def sign_report(self, id: int, by: str, note: str = "") -> bool:
        """Write down who has seen it; False when it is signed already, or when there is none. The first one stays."""
        table = reports
        with self.writing() as db:
            mine = update(table).where(table.c.id == id, table.c.signed_at.is_(None))
            values = {"signed_by": clean(by), "note": clean(note), "signed_at": self.now(db)}
            return db.execute(mine.values(**values)).rowcount == 1


def read(row: Any) -> Report:
    """A report as it was kept, with its signature."""
    report = Report.model_validate_json(row.report)
    signature = {"signed_by": row.signed_by, "signed_at": maybe(row.signed_at), "note": row.note}
    return report.model_copy(update={"id": row.id, **signature})
