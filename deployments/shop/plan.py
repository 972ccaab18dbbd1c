"""A shop to fill the simulators with: what it sells, where it lies, what was ordered, and what happens to orders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Spec = dict[str, Any]
"""An order, a line or an address as the storefront's simulator takes it: JSON, amounts as text."""

Action = tuple[str, dict[str, Any]]
"""What somebody does in the storefront: the name of an action and its arguments."""


@dataclass(frozen=True)
class ShopPlan:
    """A whole shop as the simulators' actions take it.

    `events_before` happen before the hub first looks, `events_after` once orders have been brought everywhere.
    `stories` says of an order's name or a SKU what is odd about it. `counts` says what became of each row of a file.
    """

    shop: dict[str, Any]
    locations: list[dict[str, Any]]
    products: list[dict[str, Any]]
    inventory: dict[str, Any]
    orders: list[Spec]
    events_before: list[Action]
    events_after: list[Action]
    stories: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


@dataclass
class Draft:
    """An order before it has its name, and what happens to it. The actions' arguments lack the `order`."""

    spec: Spec
    story: str = ""
    before: list[Action] = field(default_factory=list)
    after: list[Action] = field(default_factory=list)


def numbered(drafts: Iterable[Draft], first: int = 1001) -> list[Draft]:
    """The drafts, oldest first, each named after its place ("#1001") and its actions pointing at that name."""
    ordered = sorted(drafts, key=lambda draft: str(draft.spec["created_at"]))
    for number, draft in enumerate(ordered, first):
        name = f"#{number}"
        draft.spec = {"name": name, **draft.spec}
        draft.before = [(action, {"order": name, **arguments}) for action, arguments in draft.before]
        draft.after = [(action, {"order": name, **arguments}) for action, arguments in draft.after]
    return ordered


def stamp(moment: datetime) -> str:
    """E.g. "2026-11-23T09:00:00Z"; sorts as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
