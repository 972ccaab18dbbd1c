"""One GraphQL operation as we send it."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent


@dataclass(frozen=True)
class Document:
    """One operation. `cost` is our estimate in Shopify's points, used until Shopify has told the real one.

    `spares` are fields that the hub can do without: when Shopify denies one of them, the rest of the answer counts.
    """

    name: str
    text: str
    cost: int
    spares: frozenset[str] = frozenset()

    @property
    def writes(self) -> bool:
        """Whether it is a mutation."""
        return self.text.startswith("mutation")


def document(text: str, *fragments: str, cost: int, spares: frozenset[str] = frozenset()) -> Document:
    words = dedent(text).strip()
    name = words.split("(")[0].split("{")[0].split()[1]
    return Document(name, "\n\n".join([words, *(dedent(one).strip() for one in fragments)]), cost, spares)
