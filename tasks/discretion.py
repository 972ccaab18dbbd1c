"""What vendors say of a record without the person in it: they quote an address that they do not like."""

from __future__ import annotations

from collections.abc import Sequence

from commerce.outcomes import Outcome
from commerce.ports import Item
from commerce.privacy import personal_words, without

SPOKEN = ("reason", "hint", "note")


def discreet(item: Item, outcome: Outcome) -> Outcome:
    """The outcome, fit for history, alerts, logs and Prefect's pages."""
    said = {name: words for name in SPOKEN if (words := getattr(outcome, name, ""))}
    if not said:
        return outcome
    known = words_of([item])
    return outcome.model_copy(update={name: without(words, known) for name, words in said.items()})


def made_discreet(error: BaseException, items: Sequence[Item]) -> None:
    """Take the persons of these items out of an error's own words, and out of what it came from."""
    known = words_of(items)
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        one.args = tuple(without(part, known) if isinstance(part, str) else part for part in one.args)
        if isinstance(hint := getattr(one, "hint", None), str):
            one.hint = without(hint, known)  # type: ignore[attr-defined]
        one = one.__cause__ or one.__context__


def words_of(items: Sequence[Item]) -> set[str]:
    """By what the persons of these items could be recognised."""
    return {word for item in items for event in item.events for word in personal_words(event.data)}
