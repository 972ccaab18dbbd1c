"""What others did to our documents: deleted, changed or doubled them, as change data capture tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from commerce.ports import Alert, Memory
from integrations.quickbooks.client import Books, Changes, quoted, select, to_read
from integrations.quickbooks.looking import FIELDS
from integrations.quickbooks.posted import RECEIPT, Posted, known_documents
from integrations.quickbooks.schemas import MARKER, Document

ENTITIES = ("SalesReceipt", "RefundReceipt")
MOST = 1000
"""Objects that one capture tells at most: with as many as that, some may be missing."""
FARTHEST = timedelta(days=29)
"""Intuit goes 30 days back."""
UNSETTLED = timedelta(minutes=10)
"""What changed later than this may be our own write that the ledger does not know yet."""
NARROWEST = timedelta(minutes=1)

Row = tuple[str, dict[str, Any]]


def foreign_changes(
    books: Books, name: str, since: datetime, now: datetime, memory: Memory
) -> tuple[list[Alert], datetime]:
    """Alerts for what others did since then, and up to when we know, by Intuit's clock. One read in the usual case.

    `now` is by our clock, which says only how far back Intuit may be asked.
    """
    asked = max(since, now - FARTHEST)
    first = books.changes(ENTITIES, asked)
    now = moment_of(first.at) or now
    since = max(since, now - FARTHEST)
    if since < asked:  # our clock is ahead
        first = books.changes(ENTITIES, since)
    rows, gap = captured(books, first, since, now)
    settled = [row for row in rows if (when(row[1]) or since) <= now - UNSETTLED]
    alerts = [*gone(name, settled, memory), *altered(name, settled, memory)]
    if gap:
        alerts.append(gap_alert(name, since, gap))
    return alerts, now - UNSETTLED


def captured(books: Books, first: Changes, since: datetime, now: datetime) -> tuple[list[Row], datetime | None]:
    """The rows changed since then; and, when a busy time told too many at once, up to when deletions stay unknown."""
    if len(first.rows) < MOST:
        return first.rows, None
    rows: list[Row] = []
    gap: datetime | None = None
    for entity in ENTITIES:
        begin = since
        part: Changes = books.changes([entity], begin)
        while len(part.rows) >= MOST and now - begin > NARROWEST:
            begin += (now - begin) / 2
            part = books.changes([entity], begin)
        rows += part.rows
        if begin > since:  # the older part: queries page, but do not tell what was deleted
            gap = max(gap or begin, begin)
            rows += _queried(books, entity, since, begin)
    return rows, gap


def _queried(books: Books, entity: str, since: datetime, until: datetime) -> Iterator[Row]:
    moments = [
        f"MetaData.LastUpdatedTime {sign} {quoted(at.isoformat(timespec='seconds'))}"
        for sign, at in ((">=", since), ("<=", until))
    ]
    statement = select(f"{FIELDS}, MetaData.LastUpdatedTime", entity, *moments)
    return ((entity, row) for row in books.query_pages(f"{statement} ORDERBY Id"))


def when(row: dict[str, Any]) -> datetime | None:
    """When it was changed; None when that cannot be read."""
    meta = row.get("MetaData")
    return moment_of(str(meta.get("LastUpdatedTime")) if isinstance(meta, dict) else "")


def moment_of(text: str) -> datetime | None:
    """The moment, aware; None when it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def gone(name: str, rows: Sequence[Row], memory: Memory) -> Iterator[Alert]:
    """Documents of ours that were deleted. A deleted one is told by its id alone."""
    for entity, row in rows:
        id = str(row.get("Id") or "")
        if str(row.get("status")).lower() != "deleted" or entity != "SalesReceipt" or not id:
            continue
        subject = memory.subject_of(id)
        if subject:
            yield Alert(
                fingerprint=f"removed:{name}:{id}",
                severity="warning",
                title=f"{name}: a document of ours was deleted",
                what=f"document {id} of order {subject} was deleted in {name} by hand",
                todo=f"if that was a mistake: backroom replay {name} --order {subject}; "
                "by itself the hub does not post it again",
            )


def altered(name: str, rows: Sequence[Row], memory: Memory) -> Iterator[Alert]:
    """Documents with our marker whose amount is another one now, or that are not the one we know."""
    ours = [to_read(row) for _, row in rows if "PrivateNote" in row]
    by_marker: dict[str, dict[str, Document]] = defaultdict(dict)
    for document in ours:
        if document.marker:
            by_marker[document.marker][document.id] = document
    for marker, documents in by_marker.items():
        connection, order, kind, id, *_ = [*marker.removeprefix(MARKER).split(":"), "", "", "", ""]
        subject = f"{connection}:{order}"
        binding = memory.binding(subject)
        known = known_documents(binding).get(RECEIPT if kind == "sale" else id)
        for document in documents.values():
            if known and document.id != known.id:
                yield _doubled(name, subject, document, known.id)
            elif known and known.total not in ("", f"{document.total:.2f}") and newer(document, known):
                yield _changed(name, subject, document, known.total)


def newer(document: Document, known: Posted) -> bool:
    """Whether somebody saved the document after we did."""
    tokens = (document.sync_token, known.sync_token)
    return all(token.isdigit() for token in tokens) and int(tokens[0]) > int(tokens[1])


def _doubled(name: str, subject: str, document: Document, known: str) -> Alert:
    return Alert(
        fingerprint=f"doubled:{name}:{document.id}",
        title=f"{name}: a document is there twice",
        what=f"order {subject} is in {name} as {document.doc_number}, once with id {known} and once with {document.id}",
        todo="delete one of the two in QuickBooks; see whether a second hub or a copy of this one is running",
    )


def _changed(name: str, subject: str, document: Document, total: str) -> Alert:
    return Alert(
        fingerprint=f"changed:{name}:{document.id}:{document.sync_token}",
        severity="warning",
        title=f"{name}: an amount of ours was changed by hand",
        what=f"{document.doc_number} of order {subject} was {total}, it is {document.total:.2f} now",
        todo=f"if that was a mistake, correct it in QuickBooks, or: backroom replay {name} --order {subject}; "
        "by itself the hub changes it only when the order changes",
    )


def gap_alert(name: str, since: datetime, until: datetime) -> Alert:
    """More was changed at once than QuickBooks tells of."""
    return Alert(
        fingerprint=f"unseen:{name}:{since:%Y-%m-%dT%H:%M}",
        severity="warning",
        title=f"{name}: deletions of a busy time are not known",
        what=f"more than {MOST} documents changed between {since:%Y-%m-%d %H:%M} and {until:%Y-%m-%d %H:%M} UTC, "
        "so QuickBooks did not tell which of ours were deleted",
        todo="look at QuickBooks' audit log for that time if somebody may have deleted receipts",
    )
