"""Looking for our documents in the books by their number, and telling ours from others'."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from commerce.outcomes import Held
from commerce.values import Frozen
from integrations.quickbooks.client import Books, one_of, quoted, select, to_read
from integrations.quickbooks.mapping import Draft, Entity
from integrations.quickbooks.planning import Work
from integrations.quickbooks.posted import posted
from integrations.quickbooks.schemas import Document

FIELDS = "Id, DocNumber, PrivateNote, TxnDate, TotalAmt, SyncToken"
NUMBERS_PER_QUERY = 200


class Booked(Frozen):
    """A document in the books, as a reconciliation compares it. `marker` is empty when it is not ours."""

    number: str
    total: Decimal
    kind: Entity
    marker: str
    date: str = ""
    id: str = ""


def look_for(books: Books, jobs: Sequence[tuple[Work, Draft]], *, by_number: bool = True) -> None:
    """Adopt documents of ours that are in the books already, and hold orders whose number is somebody else's.

    All drafts of one call are of one entity. Where QuickBooks gives its own numbers (`by_number` False) the documents
    of those days are read for our marker: a memo cannot be searched.
    """
    entity = jobs[0][1].entity
    if by_number:
        found = find(books, entity, [draft.number for _, draft in jobs])
    else:
        found = find_by_day(books, entity, [draft.body["TxnDate"] for _, draft in jobs])
    for work, draft in jobs:
        take(work, draft, found, by_number=by_number)


def prove(books: Books, works: Sequence[Work]) -> None:
    """Keep of the documents that we only remember those that are in the books, with the sync tokens they have now.

    One with another amount than it should have is to be corrected. What is gone is posted again after the usual look.
    """
    for entity in ("SalesReceipt", "RefundReceipt"):
        jobs = [(work, draft) for work in works for draft in work.drafts if draft.entity == entity]
        asked = {work.unproved[draft.key].id for work, draft in jobs if draft.key in work.unproved}
        there = {one.id: one for one in find_by_id(books, entity, sorted(asked))}
        for work, draft in jobs:
            remembered = work.unproved.pop(draft.key, None)
            if remembered is None:
                continue
            document = there.get(remembered.id)
            if document is None:
                work.gone.append(remembered.id)
                work.notes.append(f"{draft.number} was gone from the books")
            else:
                right = document.total == draft.expected.amount
                work.known[draft.key] = posted(document, remembered.fingerprint if right else "")
    for work in works:  # of what the order does not ask for any more nothing has to be proved
        work.known |= work.unproved


def confirm(books: Books, works: Sequence[Work]) -> None:
    """In doubt, believe what we remember of a document only while nobody has written to it since.

    A lost correction that was then undone in the storefront would else look like what we had accepted before.
    """
    for entity in ("SalesReceipt", "RefundReceipt"):
        doubted = [work for work in works if work.outcome is None and work.item.in_doubt]
        jobs = [(work, draft) for work in doubted for draft in work.drafts if draft.entity == entity]
        asked = {work.known[draft.key].id for work, draft in jobs if draft.key in work.known}
        there = {one.id: one for one in find_by_id(books, entity, sorted(asked))}
        for work, draft in jobs:
            known = work.known.get(draft.key)
            document = there.get(known.id) if known else None
            if known and document and document.sync_token != known.sync_token:
                work.known[draft.key] = posted(document, "")


def find_by_id(books: Books, entity: str, ids: Sequence[str]) -> list[Document]:
    """The documents with these ids; deleted ones are left out."""
    found: list[Document] = []
    for start in range(0, len(ids), NUMBERS_PER_QUERY):
        statement = select(FIELDS, entity, f"Id {one_of(ids[start : start + NUMBERS_PER_QUERY])}")
        found += [to_read(row) for row in books.query_pages(f"{statement} ORDERBY Id")]
    return found


def find(books: Books, entity: str, numbers: Sequence[str]) -> list[Document]:
    """The documents with one of these numbers; QuickBooks may hold several of the same number."""
    found: list[Document] = []
    for start in range(0, len(numbers), NUMBERS_PER_QUERY):
        some = numbers[start : start + NUMBERS_PER_QUERY]
        statement = select(FIELDS, entity, f"DocNumber {one_of(some)}")
        found += [to_read(row) for row in books.query_pages(f"{statement} ORDERBY Id")]
    return found


def find_by_day(books: Books, entity: str, days: Sequence[str]) -> list[Document]:
    """The documents of these days ("2026-11-20") that carry a marker of ours."""
    found: list[Document] = []
    for day in sorted(set(days)):
        statement = select(FIELDS, entity, f"TxnDate = {quoted(day)}")
        found += [to_read(row) for row in books.query_pages(f"{statement} ORDERBY Id")]
    return [one for one in found if one.marker]


def take(work: Work, draft: Draft, found: Sequence[Document], *, by_number: bool = True) -> None:
    """Adopt ours of the found documents, unless we remember it: as it is when its total is right, to be corrected when
    it is not. What else there is of ours, when an earlier try is in doubt, is `surplus`.

    Held when the number is taken by a document without our marker.
    """
    ours = [one for one in found if one.marker == draft.marker]
    if draft.key in work.known and (kept := work.known[draft.key].id) not in {one.id for one in ours}:
        return
    if ours:
        if draft.key not in work.known:
            equal = [one for one in ours if one.total == draft.expected.amount]
            work.known[draft.key] = posted((equal or ours)[0], draft.fingerprint if equal else "")
            work.notes.append(f"found {draft.number} in the books")
        kept = work.known[draft.key].id
        more = [one for one in ours if one.id != kept]
        if more and work.item.in_doubt and by_number:  # a person who copies a receipt gives it another number
            work.surplus += [(draft, one) for one in more]
        elif more:
            work.notes.append(f"the books hold {len(ours)} documents {draft.number} of ours; delete all but one")
        return
    taken = next((one for one in found if one.doc_number == draft.number), None)
    if taken:
        hint = (
            "renumber that document in QuickBooks, or give this connection a prefix; or dismiss if it is the same sale"
        )
        reason = f"{work.name(draft)}: the number belongs to another document in QuickBooks (id {taken.id})"
        work.outcome = Held(cause="number_taken", reason=reason, hint=hint)


def documents_between(books: Books, since: str, until: str) -> Iterator[Booked]:
    """Receipts and refund receipts dated within [since, until], by id, 1000 for each read."""
    kinds: tuple[Entity, ...] = ("SalesReceipt", "RefundReceipt")
    for kind in kinds:
        statement = select(FIELDS, kind, f"TxnDate >= {quoted(since)}", f"TxnDate <= {quoted(until)}")
        for row in books.query_pages(f"{statement} ORDERBY Id"):
            yield booked(to_read(row), kind)


def booked(one: Document, kind: Entity) -> Booked:
    """A document as a reconciliation compares it."""
    return Booked(
        number=one.doc_number or "",
        total=one.total,
        kind=kind,
        marker=one.marker,
        date=one.txn_date or "",
        id=one.id,
    )
