"""Bringing orders into the books: one sales receipt for each, one refund receipt for each refund."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Literal

from commerce.audits import Found
from commerce.errors import NotAuthorised, TemporarilyUnavailable
from commerce.orders import Order
from commerce.outcomes import Held, Outcome, Skipped, Unknown
from commerce.ports import Alert, Finding, Item, Memory
from integrations.connector import Services
from integrations.quickbooks.allowance import concerns
from integrations.quickbooks.auditing import foreign_changes
from integrations.quickbooks.catalog import Catalog
from integrations.quickbooks.checking import findings
from integrations.quickbooks.client import LARGEST_BATCH, Books
from integrations.quickbooks.holding import Holding, duties_of
from integrations.quickbooks.looking import Booked, confirm, documents_between, look_for, prove
from integrations.quickbooks.mapping import Draft
from integrations.quickbooks.planning import Work, nothing_to_post, plan, read_order
from integrations.quickbooks.posted import RECEIPT, to_binding
from integrations.quickbooks.sending import Sender
from integrations.quickbooks.settings import QuickBooksSettings

Job = tuple[Work, Draft]


class QuickBooks:
    """One company's books. Implements Destination, Checkable, Worrying, Audited and Auditable."""

    keeps: Literal["state"] = "state"
    topics: ClassVar[frozenset[str]] = frozenset({"order"})
    batch = 2 * LARGEST_BATCH

    def __init__(self, settings: QuickBooksSettings, books: Books, services: Services) -> None:
        self.settings = settings
        self.books = books
        self.catalog = Catalog(settings, books)
        self._services = services
        self._sender = Sender(books, self.catalog)
        self.duties = duties_of(settings)

    def close(self) -> None:
        """Give the connections back."""
        self.books.api.close()

    def check(self) -> Iterator[Finding]:
        """Credential, company, preferences and maps, one finding each; writes nothing."""
        return findings(self.settings, self.books, self.catalog, self._services)

    def prepare(self) -> list[str]:
        """Create the accounts, items and customer that the maps name and the company lacks; the names created.

        Does nothing unless `create_missing` is on.
        """
        if not self.settings.create_missing:
            return []
        self.catalog.read()
        created = self.catalog.create_missing()
        self.catalog.forget()
        return created

    def concerns(self) -> Iterator[Alert]:
        """Reads of the month that are nearly used up, access that ends for good; asks QuickBooks nothing."""
        return concerns(self.settings, self._services)

    def foreign_changes(self, since: datetime, memory: Memory) -> tuple[list[Alert], datetime]:
        """Documents of ours that somebody deleted, changed or doubled since then, and up to when that is known."""
        now = datetime.fromtimestamp(self._services.clock(), UTC)
        return foreign_changes(self.books, self.settings.name, since, now, memory)

    def documents(self, since: str, until: str) -> Iterator[Booked]:
        """Receipts and refund receipts dated within [since, until] ("2026-11-01"), ours and others', to compare."""
        return documents_between(self.books, since, until)

    def audit(self, source: str, since: datetime, until: datetime, orders: Sequence[Order]) -> Iterator[Found]:
        """See `Auditable.audit`."""
        return Holding(self.books, self.settings, self._home_currency).found(source, since, until, orders)

    def _home_currency(self) -> str:
        if not self.catalog.accounts:
            self.catalog.read()
        return self.catalog.home

    def deliver(self, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        """Post what the books lack and correct what they have differently, one outcome for each item.

        An order's refunds are sent only after its receipt is in the books.
        """
        works: list[Work] = []
        for item in items:
            planned = self._plan(item)
            if isinstance(planned, Work):
                works.append(planned)
            else:
                yield item, planned
        yield from self._careful(works, lambda: self._recall(works))
        for entity in ("SalesReceipt", "RefundReceipt"):
            jobs = [(work, draft) for work in works if work.outcome is None for draft in work.pending(entity)]
            for start in range(0, len(jobs), LARGEST_BATCH):
                yield from self._careful(works, self._sending(jobs[start : start + LARGEST_BATCH]))
        yield from self._settled(works)

    def _plan(self, item: Item) -> Work | Outcome:
        order = read_order(item)
        if isinstance(order, Held):
            return order
        nothing = nothing_to_post(order, item, self.settings)
        forgetful = isinstance(nothing, Skipped) and item.in_doubt and item.binding is None and not order.test
        if nothing is not None and not forgetful:
            return nothing
        work = plan(order, item, self.catalog.chart(), self.settings)
        if isinstance(work, Work):
            work.unless_there = nothing
        return work

    def _recall(self, works: list[Work]) -> None:
        """What is remembered of the documents counts only as far as the books bear it out."""
        confirm(self.books, works)
        prove(self.books, works)
        self._look(works)

    def _look(self, works: list[Work]) -> None:
        """Before a first posting, ask whether the number is in the books already: one read for each kind. In doubt,
        also whether it is there more than once: a run that stood still may have posted it after another one.
        """
        for entity in ("SalesReceipt", "RefundReceipt"):
            unsure = [work for work in works if work.outcome is None and self._unsure(work)]
            drafts = [(work, draft) for work in unsure for draft in work.drafts if draft.entity == entity]
            jobs = [(work, draft) for work, draft in drafts if work.item.in_doubt or draft.key not in work.known]
            if jobs:
                kept = self.catalog.preferences.sales_forms.custom_numbers
                look_for(self.books, jobs, by_number=kept)
        for work in works:
            self._sender.take_out(work)
        for work in works:
            if work.outcome is None and work.unless_there is not None:
                work.outcome = self._as_it_is(work) or work.unless_there

    def _as_it_is(self, work: Work) -> Outcome | None:
        """What a lost try has posted of an order that is not to be posted now; None when it has posted nothing."""
        if RECEIPT not in work.known:
            return None
        there = to_binding(work.known, self.settings.app_url)
        return nothing_to_post(work.order, work.item.model_copy(update={"binding": there}), self.settings)

    def _unsure(self, work: Work) -> bool:
        return self.settings.look_before_posting or work.item.in_doubt or work.item.attempt > 1

    def _sending(self, jobs: list[Job]) -> Callable[[], None]:
        return lambda: self._sender.send([job for job in jobs if job[0].outcome is None])

    def _careful(self, works: list[Work], step: Callable[[], None]) -> Iterator[tuple[Item, Outcome]]:
        """Take a step and hand out what is settled after it. When no step can follow, an order of which one document
        is in the books already is handed out too, as in doubt: it must not count as never sent."""
        try:
            step()
        except (TemporarilyUnavailable, NotAuthorised) as error:
            for work in works:
                if work.outcome is None and work.changed:
                    work.outcome = Unknown(reason=f"order {work.order.number}: posted in part, then {error}")
            yield from self._settled(works)
            raise
        yield from self._settled(works)

    def _settled(self, works: list[Work]) -> Iterator[tuple[Item, Outcome]]:
        for work in works:
            if work.outcome is None and work.complete:
                work.outcome = work.done(self.settings.app_url)
            if work.outcome is not None and not work.settled:
                work.settled = True
                yield work.item, work.outcome
