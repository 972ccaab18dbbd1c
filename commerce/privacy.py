"""What of an order is about a person, and the same order without it. Works on the JSON that the log keeps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from commerce.orders import Order

EMPTIED = ("email", "phone", "note")
REMOVED = ("customer", "ship_to", "bill_to")
NAMING = ("first_name", "last_name", "name", "company", "line1", "line2", "phone", "email")
"""Parts of customers and addresses that point at one person; a town or a country does not."""
GONE = "[removed]"
"""What stands in a message where a person's data was."""


def without_person(data: Mapping[str, Any]) -> dict[str, Any]:
    """The order's JSON without names, addresses, e-mail, phone and notes; amounts, SKUs and ids stay.

    Addresses go as a whole, as they do when the storefront itself forgets somebody: then both read the same.
    """
    kept = {
        **data,
        **{name: "" for name in EMPTIED if name in data},
        **{name: None for name in REMOVED if name in data},
    }
    refunds = data.get("refunds")
    if isinstance(refunds, (list, tuple)):
        kept["refunds"] = [{**one, "note": ""} if isinstance(one, Mapping) else one for one in refunds]
    return kept


def order_without_person(order: Order) -> Order:
    """The same for an order that was just read."""
    return Order.model_validate(without_person(order.model_dump(mode="json")))


def personal_words(data: Mapping[str, Any]) -> set[str]:
    """Every word or phrase of the order by which somebody could be recognised, e.g. to take it out of a message."""
    return {word for word in (text.strip() for text in _personal(data)) if len(word) > 1}


def _personal(data: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(data.get(name) or "") for name in EMPTIED)
    for part in REMOVED:
        inside = data.get(part)
        if isinstance(inside, Mapping):
            yield from (str(inside.get(name) or "") for name in NAMING)
    for refund in data.get("refunds") or ():
        if isinstance(refund, Mapping):
            yield str(refund.get("note") or "")


def without(message: str, words: Iterable[str]) -> str:
    """The message without these words; within a longer word they stay, "Ada" is no part of "Canada"."""
    for word in sorted(words, key=len, reverse=True):
        message = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", GONE, message, flags=re.IGNORECASE)
    return message
