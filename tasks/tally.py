"""What became of a batch: counts for machines, rows for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from commerce.outcomes import Done, Outcome
from commerce.ports import Item, Unreadable

ROWS = 200
"""At most so many rows are shown; the ledger has all of them."""


@dataclass
class Tally:
    """Counts by outcome, and a row for each record that a person may want to see."""

    counts: Counter[str] = field(default_factory=Counter)
    rows: list[dict[str, str]] = field(default_factory=list)
    paused: str = ""
    """Why the connection was paused, empty when it was not."""
    cut_short: bool = False
    """Whether there was no time for all of the history that may be due."""

    def add(self, item: Item, outcome: Outcome) -> None:
        """Count one outcome; what was sent and went well needs no row of its own beyond the first ones."""
        word = outcome.state if not isinstance(outcome, Done) or outcome.changed else "unchanged"
        self.counts[word] += 1
        reason = getattr(outcome, "reason", "") or getattr(outcome, "note", "")
        url = outcome.binding.url if isinstance(outcome, Done) else ""
        self.note(item.subject, label_of(item), word, reason, getattr(outcome, "hint", ""), url)

    def unreadable(self, records: Iterable[Unreadable]) -> None:
        """Count records of the source that could not be read."""
        for record in records:
            self.counts["unreadable"] += 1
            self.note(record.subject, record.label, "unreadable", record.reason, record.hint)

    def note(self, subject: str, label: str, outcome: str, reason: str, hint: str = "", url: str = "") -> None:
        """Keep a row, unless there are enough of them; problems are never crowded out by good news."""
        row = {"record": label or subject, "outcome": outcome, "why": reason, "what to do": hint, "link": url}
        if len(self.rows) < ROWS:
            self.rows.append(row)
        elif outcome not in ("done", "unchanged"):
            good = next((at for at, old in enumerate(self.rows) if old["outcome"] in ("done", "unchanged")), None)
            if good is not None:
                self.rows[good] = row

    def __iadd__(self, other: Tally) -> Tally:
        self.counts.update(other.counts)
        for row in other.rows:
            self.note(row["record"], row["record"], row["outcome"], row["why"], row["what to do"], row["link"])
        self.paused = self.paused or other.paused
        return self

    @property
    def claimed(self) -> int:
        """Records that were looked at for a destination."""
        return sum(self.counts[word] for word in ("done", "unchanged", "skipped", "retry", "held", "unknown"))

    def says(self) -> str:
        """One line, e.g. "187 done, 3 held"; "nothing to do" when that is so."""
        known = ("recorded", "done", "unchanged", "skipped", "retry", "unknown", "held", "unreadable")
        words = [f"{self.counts[word]} {word}" for word in known if self.counts[word]]
        words += [f"{count} {word}" for word, count in sorted(self.counts.items()) if word not in known and count]
        return ", ".join(words) or "nothing to do"


def label_of(item: Item) -> str:
    """What people call the record: an order's number, or the subject when it has none."""
    return str(item.newest.data.get("number") or item.newest.data.get("order_key") or item.subject)
