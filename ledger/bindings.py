"""Bindings: what a destination holds for one of our subjects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from commerce.outcomes import Binding
from ledger import tables
from ledger.store import Store, chunks, clean, packed


class Bindings(Store):
    """Who is who at the destinations."""

    def bindings(self, destination: str, subjects: Sequence[str]) -> dict[str, Binding]:
        """What the destination holds, by subject; subjects that it does not have are left out."""
        with self.reading() as db:
            return bindings_of(db, destination, subjects)

    def subject_of(self, destination: str, vendor_id: str) -> str | None:
        """The subject that the destination knows under this id, if it is one of ours."""
        table = tables.bindings.c
        with self.reading() as db:
            found = select(table.subject).where(table.vendor_id == vendor_id, table.destination == destination)
            return db.scalar(found.order_by(table.updated_at.desc()).limit(1))


def bindings_of(db: Connection, destination: str, subjects: Sequence[str]) -> dict[str, Binding]:
    """The bindings of these subjects."""
    table = tables.bindings
    found: dict[str, Binding] = {}
    for some in chunks(subjects):
        rows = db.execute(select(table).where(table.c.destination == destination, table.c.subject.in_(some)))
        found.update({row.subject: binding_of(row) for row in rows})
    return found


def binding_of(row: Any) -> Binding:
    """A binding as it was accepted."""
    return Binding(vendor_id=row.vendor_id, fingerprint=row.fingerprint, url=row.url, data=json.loads(row.data))


def binding_row(destination: str, subject: str, binding: Binding, now: int) -> dict[str, Any]:
    """A binding as it is stored."""
    return {
        "destination": destination,
        "subject": subject,
        "vendor_id": clean(binding.vendor_id),
        "fingerprint": binding.fingerprint,
        "url": clean(binding.url),
        "data": packed(binding.data),
        "updated_at": now,
    }
