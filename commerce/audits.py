"""What destinations hold of an order, what they should hold, how the two differ, and the port to ask through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field

from commerce.allocation import PaymentPolicy
from commerce.money import Money
from commerce.orders import Order
from commerce.ports import Page
from commerce.values import Frozen, Moment

State = Literal["open", "shipped", "cancelled", "posted", "refunded", "paid", "told", "unknown"]
"""Open and shipped are shipments, open, paid and cancelled are deals, posted and refunded are documents of the books,
told is a fact that marketing has. Unknown is a word of the vendor's that the hub does not judge."""

Verdict = Literal["missing", "extra", "different"]

Units = dict[str, int]
"""Units by the storefront's line id."""

MOST_SHOWN = 500
"""Differences that a report keeps; its counts have all of them."""


class Duties(Frozen):
    """What a destination owes each order, and the merchant's choices that this depends on."""

    keeps: Literal["shipments", "documents", "deals", "facts"]
    payment: PaymentPolicy = "paid"
    """When goods may leave."""
    unpaid_too: bool = False
    """Whether orders are posted before they are paid."""
    rounding_limit: Decimal = Decimal("0.05")


class Found(Frozen):
    """One object of ours at a destination, as the destination itself shows it.

    `subject` is the order's key, `slot` says which of its objects this is: "shipment", "receipt", "refund 7001",
    "deal", "placed". `amount` is None where the destination keeps none that counts. `made_at` is the time that the
    destination's own window goes by.
    """

    subject: str
    slot: str
    vendor_id: str
    state: State
    amount: Money | None = None
    units: Units = Field(default_factory=dict)
    tracking: tuple[str, ...] = ()
    name: str = ""
    """What people call it there."""
    made_at: Moment | None = None
    url: str = ""


@runtime_checkable
class Auditable(Protocol):
    """A destination that can be asked what it holds of ours, so that it can be compared with the source."""

    @property
    def duties(self) -> Duties:
        """What it owes each order."""
        ...

    def audit(self, source: str, since: datetime, until: datetime, orders: Sequence[Order]) -> Iterator[Found]:
        """What it holds of `source`: of these orders wherever it is, and whatever else was made within [since, until).

        Read from the vendor and from nothing that the hub remembers; writes nothing. Each object comes once. Raises
        IntegrationError when the reading is cut short: half an answer is no answer.
        """
        ...


@runtime_checkable
class LookingBack(Protocol):
    """A storefront that can list what happened lately to orders from before."""

    def older_orders(self, since: datetime) -> Iterator[Page]:
        """Orders created before `since` that changed since then, as they are now."""
        ...


class Expected(Frozen):
    """What a destination should hold of an order in one slot.

    `units` must be there, up to `most` may be. Not `needed`: it may be there or not, for the reason given. `over` says
    why nothing of it may be left open.
    """

    subject: str
    label: str
    slot: str
    states: tuple[State, ...] = ()
    amount: Money | None = None
    units: Units | None = None
    most: Units | None = None
    told: tuple[str, ...] = ()
    """Tracking numbers that the storefront knows: what left with them is over."""
    needed: bool = True
    over: str = ""
    reason: str = ""


class Difference(Frozen):
    """One thing that is not as it should be. `expected` and `found` are for people and hold no personal data.

    `explained` is what the ledger knows of it ("held: …"); empty for a surprise.
    """

    verdict: Verdict
    subject: str
    label: str
    slot: str
    expected: str = ""
    found: str = ""
    vendor_id: str = ""
    url: str = ""
    explained: str = ""


class Report(Frozen):
    """One comparison of a source and a destination over the orders created within [since, until).

    `expected` and `found` count objects at the destination, amounts are sums by currency with refunds taken off.
    `problem` says why there was no comparison. `counts` has the differences by verdict, and those that are explained
    by what explains them.
    """

    id: int = 0
    source: str
    destination: str
    since: Moment
    until: Moment
    made_at: Moment
    orders: int = 0
    expected: int = 0
    found: int = 0
    expected_amounts: dict[str, str] = Field(default_factory=dict)
    found_amounts: dict[str, str] = Field(default_factory=dict)
    counts: dict[str, int] = Field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    older: int = 0
    """Orders from before the window that are compared too, as their money moved within it."""
    recorded: int = 0
    """Orders of the window that the log did not have; it has them now."""
    repaired: int = 0
    problem: str = ""
    signed_by: str = ""
    signed_at: Moment | None = None
    note: str = ""

    @property
    def surprises(self) -> int:
        """Differences that nothing explains."""
        return sum(self.counts.get(verdict, 0) for verdict in ("missing", "extra", "different"))

    @property
    def clean(self) -> bool:
        """Whether everything is as it should be, or explained."""
        return not self.problem and not self.surprises

    @property
    def says(self) -> str:
        """One line, e.g. "2 missing, 1 different; 1 held"."""
        if self.problem:
            return f"not compared: {self.problem}"
        verdicts = ("missing", "extra", "different")
        bad = ", ".join(f"{self.counts[word]} {word}" for word in verdicts if self.counts.get(word))
        known = ", ".join(f"{count} {word}" for word, count in sorted(self.counts.items()) if word not in verdicts)
        lost = f"{self.recorded} not in the log before" if self.recorded else ""
        again = f"{self.repaired} brought again" if self.repaired else ""
        return "; ".join(filter(None, (bad or "everything is there", known, lost, again)))


def sums(amounts: Iterable[Money]) -> dict[str, str]:
    """By currency, as text."""
    found: dict[str, Money] = {}
    for amount in amounts:
        found[amount.currency] = found[amount.currency] + amount if amount.currency in found else amount
    return {currency: f"{one.rounded().amount:f}" for currency, one in sorted(found.items())}


def signed(slot: str, amount: Money) -> Money:
    """As it counts in a sum: refunds are taken off."""
    return -amount if slot.startswith("refund ") else amount
