"""Many alerts of one kind are one message: two hundred receipts that a bookkeeper deletes ring once."""

from __future__ import annotations

from collections.abc import Sequence

from commerce.ports import Alert
from ledger.records import KeptAlert

ALIKE = 3
"""So many with the same title are told one by one; more of them in one message."""

QUOTED = 3


def bundles(waiting: Sequence[KeptAlert]) -> list[list[KeptAlert]]:
    """The alerts in the messages that they are told in, each where its first one stands."""
    found: dict[tuple[str, bool], list[KeptAlert]] = {}
    for kept in waiting:
        found.setdefault((kept.alert.title, kept.alert.over), []).append(kept)
    return [part for alike in found.values() for part in ([alike] if len(alike) > ALIKE else [[one] for one in alike])]


def message(alike: Sequence[KeptAlert]) -> Alert:
    """What is told of one alert, or of several with the same title."""
    first = alike[0].alert
    if len(alike) == 1:
        return first
    quoted = "; ".join(kept.alert.what for kept in alike[:QUOTED])
    more = f"; and {len(alike) - QUOTED} more"
    todo = f"{first.todo}; all of them: backroom alerts list" if first.todo else "all of them: backroom alerts list"
    return first.model_copy(
        update={"title": f"{first.title} ({len(alike)} times)", "what": quoted + more, "todo": todo, "facts": {}}
    )
