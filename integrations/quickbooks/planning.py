"""Which documents an order needs in the books, decided without asking QuickBooks."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import ValidationError

from commerce.errors import Unmappable
from commerce.orders import Financial, Order
from commerce.outcomes import Done, Held, Outcome, Skipped
from commerce.ports import Item
from commerce.posting import refunds, sale
from integrations.quickbooks.chart import Chart
from integrations.quickbooks.mapping import Draft, to_draft
from integrations.quickbooks.posted import RECEIPT, Posted, known_documents, to_binding
from integrations.quickbooks.schemas import Document
from integrations.quickbooks.settings import QuickBooksSettings

CAUSES = {
    "total": "total_mismatch",
    "currency": "currency",
    "item": "missing_item",
    "account": "missing_account",
    "tax": "unmapped_tax",
}
"""Cause by the field that could not be mapped."""


@dataclass
class Work:
    """One order on its way into the books. `outcome` is set as soon as its fate is known."""

    item: Item
    order: Order
    drafts: list[Draft]
    known: dict[str, Posted] = field(default_factory=dict)
    unproved: dict[str, Posted] = field(default_factory=dict)
    """Documents that we remember and that nobody may rely on before QuickBooks shows them."""
    gone: list[str] = field(default_factory=list)
    """Ids of those that QuickBooks did not show."""
    surplus: list[tuple[Draft, Document]] = field(default_factory=list)
    """Documents of ours that are in the books beside the one that counts."""
    unless_there: Outcome | None = None
    """The outcome of an order that is not to be posted now, unless an earlier try turns out to have posted it."""
    outcome: Outcome | None = None
    changed: bool = False
    settled: bool = False
    """Whether its outcome has been handed out."""
    notes: list[str] = field(default_factory=list)

    def pending(self, entity: str) -> list[Draft]:
        """Drafts of this entity that the books do not have, or have with other content."""
        return [draft for draft in self.drafts if draft.entity == entity and not self.has(draft)]

    def has(self, draft: Draft) -> bool:
        """Whether the books have just this document."""
        known = self.known.get(draft.key)
        return known is not None and known.fingerprint == draft.fingerprint

    @property
    def complete(self) -> bool:
        """Whether nothing is left to send."""
        return all(self.has(draft) for draft in self.drafts)

    def name(self, draft: Draft) -> str:
        """E.g. "order #1001, S-1001"."""
        return f"order {self.order.number}, {draft.number}"

    def done(self, app_url: str) -> Done:
        """The good end."""
        return Done(binding=to_binding(self.known, app_url), changed=self.changed, note="; ".join(self.notes))


def read_order(item: Item) -> Order | Held:
    """The newest state of the order, or why it cannot be read."""
    try:
        return Order.model_validate(item.newest.data)
    except ValidationError as error:
        words = f"{item.subject}: the recorded order cannot be read ({error.error_count()} fields)"
        return Held(cause="unreadable", reason=words, hint="record the order again")


def nothing_to_post(order: Order, item: Item, settings: QuickBooksSettings) -> Outcome | None:
    """Why an order has nothing to do in the books for now; None when it has."""
    if order.test:
        return Skipped(reason="test order")
    if order.financial.paid or (
        settings.post_unpaid and not order.cancelled and order.financial is not Financial.VOIDED
    ):
        return None
    if item.binding is None or RECEIPT not in known_documents(item.binding):
        return Skipped(reason=_not_paid(order))
    if order.cancelled and not order.total:
        return Done(binding=item.binding, changed=False, note="cancelled; its receipt is about no money and stays")
    if order.cancelled:
        words = f"order {order.number} was cancelled unpaid, but its receipt is in the books"
        return Held(cause="cancelled_unpaid", reason=words, hint="delete the receipt in QuickBooks, then dismiss this")
    return Done(binding=item.binding, changed=False, note="not paid in full; the receipt stays as it was")


def _not_paid(order: Order) -> str:
    return "cancelled before it was paid" if order.cancelled else "not paid yet"


def is_replayed(item: Item) -> bool:
    """Whether a person had it brought again: then what we remember proves nothing, and what is gone is posted again.

    In any other doubt a document that is gone was deleted by a person, who is asked.
    """
    return item.in_doubt and item.binding is not None and not item.binding.fingerprint


def plan(order: Order, item: Item, chart: Chart, settings: QuickBooksSettings) -> Work | Held:
    """The documents that the order needs; Held when they cannot be built."""
    limit = settings.rounding_limit
    try:
        postings = [sale(order, rounding_limit=limit), *refunds(order, rounding_limit=limit)]
        drafts = [to_draft(posting, order, chart) for posting in postings]
    except Unmappable as error:
        cause = CAUSES.get(error.field, f"unmappable_{error.field}")
        return Held(cause=cause, reason=f"order {order.number}: {error}", hint=error.hint)
    work = Work(item, order, drafts)
    remembered = known_documents(item.binding)
    if is_replayed(item):
        work.unproved = remembered
    else:
        work.known = remembered
    waiting = sum(1 for refund in order.refunds if refund.lines and not refund.total)
    if waiting:
        work.notes.append(f"{waiting} refund{'s' if waiting > 1 else ''} without money not posted")
    return work
