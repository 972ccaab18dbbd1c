"""Writing documents in batches, and what becomes of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commerce.errors import (
    IntegrationError,
    OutcomeUnknown,
    Rejected,
    UnexpectedAnswer,
)
from commerce.outcomes import Held, Unknown
from commerce.values import fingerprint
from integrations.quickbooks.catalog import Catalog
from integrations.quickbooks.client import Books, canonical, to_read
from integrations.quickbooks.faults import NOT_FOUND, NUMBER_USED, STALE, VENDOR, outcome_of
from integrations.quickbooks.looking import find, take
from integrations.quickbooks.mapping import Draft
from integrations.quickbooks.planning import Work
from integrations.quickbooks.posted import posted
from integrations.quickbooks.problems import Problem, problem_in
from integrations.quickbooks.schemas import Document

STALE_TRIES = 3

Job = tuple[Work, Draft]


class Sender:
    """Creates and updates documents. Every job ends with its document known, or with an outcome for its order."""

    def __init__(self, books: Books, catalog: Catalog) -> None:
        self._books = books
        self._catalog = catalog

    def send(self, jobs: Sequence[Job]) -> None:
        """Write up to 30 documents in one call. Raises TemporarilyUnavailable and NotAuthorised."""
        if not jobs:
            return
        payloads = [self._payload(at, work, draft) for at, (work, draft) in enumerate(jobs, start=1)]
        try:
            answers = self._books.batch(payloads, request_id=self._request_id(jobs, payloads))
        except (OutcomeUnknown, UnexpectedAnswer) as error:
            for work, draft in jobs:
                work.outcome = Unknown(reason=f"{work.name(draft)}: {error}")
        except Rejected as error:
            self._alone(jobs, error)
        else:
            self._settle_all(jobs, answers)

    def take_out(self, work: Work) -> None:
        """Delete what is in the books a second time. Raises TemporarilyUnavailable and NotAuthorised."""
        while work.surplus and work.outcome is None:
            draft, document = work.surplus.pop()
            try:
                self._books.delete(draft.entity, document.id, document.sync_token)
            except (OutcomeUnknown, UnexpectedAnswer) as error:
                work.outcome = Unknown(reason=f"{work.name(draft)}: {error}")
            except Rejected as error:
                if error.code == NOT_FOUND:
                    continue
                reason = f"{work.name(draft)}: it is in the books twice, and QuickBooks keeps the second one: {error}"
                hint = f"delete the document with the id {document.id} in QuickBooks, then release this"
                work.outcome = Held(cause="doubled", reason=reason, hint=hint)
            else:
                work.changed = True
                work.notes.append(f"{draft.number} was in the books twice; the second one was deleted")

    def _settle_all(self, jobs: Sequence[Job], answers: dict[str, dict[str, Any]]) -> None:
        """The good ones first: what follows a refusal asks QuickBooks again, and may find it gone."""
        answered = [(job, answers.get(str(at))) for at, job in enumerate(jobs, start=1)]
        for (work, draft), answer in sorted(answered, key=lambda one: problem_in(one[1]) is not None):
            if work.outcome is not None:
                continue
            try:
                self._settle(work, draft, answer)
            except (OutcomeUnknown, UnexpectedAnswer) as error:
                work.outcome = Unknown(reason=f"{work.name(draft)}: {error}")

    def _alone(self, jobs: Sequence[Job], error: Rejected) -> None:
        """A whole batch was refused: send each by itself, so that the bad one holds nobody else."""
        if len(jobs) == 1:
            work, draft = jobs[0]
            work.outcome = outcome_of(Problem(message=str(error), code=error.code), work.name(draft))
            return
        for job in jobs:
            self.send([job])

    def _payload(self, at: int, work: Work, draft: Draft) -> dict[str, Any]:
        known = work.known.get(draft.key)
        if known is None:
            return {"bId": str(at), "operation": "create", draft.entity: draft.body}
        body = as_update(draft, known.id, known.sync_token)
        return {"bId": str(at), "operation": "update", draft.entity: body}

    def _request_id(self, jobs: Sequence[Job], payloads: list[dict[str, Any]]) -> str:
        """The same for the same batch sent again in doubt, by a second hub too; another one when a person released what
        was refused, since the refusal might be replayed."""
        tries = [str(work.item.attempt - (1 if work.item.in_doubt else 0)) for work, _ in jobs]
        tries += [id for work, _ in jobs for id in work.gone]  # else the answer may be that of what was deleted
        return fingerprint(self._books.realm_id, *tries, canonical(payloads))

    def _settle(self, work: Work, draft: Draft, answer: dict[str, Any] | None) -> None:
        problem = problem_in(answer)
        if problem:
            self._refused(work, draft, problem)
            return
        document = to_read((answer or {}).get(draft.entity))
        if draft.key not in work.known and document.marker != draft.marker:
            raise UnexpectedAnswer(VENDOR, f"answered with another document, {document.doc_number or document.id}")
        self._verify(work, draft, document)

    def _verify(self, work: Work, draft: Draft, document: Document) -> None:
        """Keep a document that came out right; take a wrong one out of the books at once."""
        if document.total == draft.expected.amount:
            work.known[draft.key] = posted(document, draft.fingerprint)
            work.changed = True
            return
        work.outcome = Held(
            cause="total_mismatch",
            reason=f"{work.name(draft)}: QuickBooks makes it {document.total:.2f} {draft.expected.currency}, "
            f"the storefront says {draft.expected}; {self._take_back(work, draft, document)}",
            hint="QuickBooks added something of its own, usually automatic sales tax: "
            "check the taxable setting of the items in the maps, then release it",
        )

    def _take_back(self, work: Work, draft: Draft, document: Document) -> str:
        """Take a wrong document out of the books; what was done, in words. One that we had posted before is voided if
        it can be, so that it can still be corrected."""
        try:
            if draft.entity == "SalesReceipt" and draft.key in work.known:
                self._books.void(draft.entity, document.id, document.sync_token)
                return "it was voided"
            self._books.delete(draft.entity, document.id, document.sync_token)
        except IntegrationError:
            return f"taking it back failed: delete {draft.number} by hand"
        return "it was deleted again"

    def _refused(self, work: Work, draft: Draft, problem: Problem) -> None:
        known = work.known.get(draft.key)
        if problem.number == STALE and known:
            self._reapply(work, draft, known.id)
        elif problem.number == NUMBER_USED and known is None:
            self._adopt(work, draft, problem)
        elif problem.number == NOT_FOUND and known and self._gone(draft, known.id):
            hint = "restore it from QuickBooks' audit log and release this, or dismiss this if it was meant"
            reason = f"{work.name(draft)}: the document (id {known.id}) was deleted in QuickBooks"
            work.outcome = Held(cause="document_gone", reason=reason, hint=hint)
        else:
            self._catalog.forget()
            work.outcome = outcome_of(problem, work.name(draft))

    def _adopt(self, work: Work, draft: Draft, problem: Problem) -> None:
        """The number is used: by us in a try that we do not remember, or by somebody else."""
        take(work, draft, find(self._books, draft.entity, [draft.number]))
        if work.outcome is None and not work.has(draft):
            known = work.known.get(draft.key)
            if known:
                self._reapply(work, draft, known.id)
            else:  # taken by another kind of document, which the query does not see
                hint = "renumber that document in QuickBooks, or give this connection a prefix"
                work.outcome = Held(cause="number_taken", reason=f"{work.name(draft)}: {problem.words}", hint=hint)

    def _reapply(self, work: Work, draft: Draft, id: str) -> None:
        """Somebody changed the document: read it, and write ours over it, three times at most."""
        for _ in range(STALE_TRIES):
            try:
                fresh = self._books.read(draft.entity, id)
                body = as_update(draft, id, fresh.sync_token, marked=fresh.marker == draft.marker)
                document = to_read(self._books.write(draft.entity, body))
            except Rejected as error:
                if error.code == STALE:
                    continue
                work.outcome = outcome_of(Problem(message=str(error), code=error.code), work.name(draft))
            else:
                self._verify(work, draft, document)
            return
        hint = "somebody is working on it; release this when they have finished"
        work.outcome = Held(cause="stale", reason=f"{work.name(draft)}: it keeps changing in QuickBooks", hint=hint)

    def _gone(self, draft: Draft, id: str) -> bool:
        try:
            self._books.read(draft.entity, id)
        except Rejected as refused:
            return refused.code == NOT_FOUND
        return False


def as_update(draft: Draft, id: str, sync_token: str, *, marked: bool = True) -> dict[str, Any]:
    """A sparse update: our lines replace the document's; what a bookkeeper added besides (class, location) stays, and
    so does the memo while it begins with our marker."""
    kept = {"PrivateNote"} if marked else set()
    body = {key: value for key, value in draft.body.items() if key not in kept}
    return {**body, "Id": id, "SyncToken": sync_token, "sparse": True}
