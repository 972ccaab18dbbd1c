"""What Shopify's answers are made of: ids, words, money, connections.

https://shopify.dev/docs/api/admin-graphql/2026-10
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from commerce.money import Exact


def _short(value: Any) -> Any:
    return value.rpartition("/")[2].partition("?")[0] if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _exact_rate(value: Any) -> Any:
    """A JSON number by its digits: 0.19 is 0.19 and not the binary fraction next to it."""
    return Decimal(str(value)) if isinstance(value, float) else value


def _text(value: Any) -> Any:
    return "" if value is None else value


UNSAYABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters and halves of surrogate pairs: no database, XML or UTF-8 carries them all."""


def tidy(value: Any) -> Any:
    """The same JSON without characters in its texts that cannot be written further."""
    if isinstance(value, str):
        return UNSAYABLE.sub("", value) if UNSAYABLE.search(value) else value
    if isinstance(value, dict):
        return {key: tidy(one) for key, one in value.items()}
    return [tidy(one) for one in value] if isinstance(value, list) else value


ShortId = Annotated[str, BeforeValidator(_short)]
"""The number of a gid."""
Word = Annotated[str, BeforeValidator(_lower)]
"""An enum value in lower case; Shopify adds new ones at any time."""
Text = Annotated[str, BeforeValidator(_text)]
"""Text that may be null."""
Rate = Annotated[Decimal, BeforeValidator(_exact_rate)]


class Seen(BaseModel):
    """An object of Shopify's: camelCase there, snake_case here, fields that we do not know ignored."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore")


Node = TypeVar("Node")


class Nodes(Seen, Generic[Node]):
    """A connection of which every page has been read."""

    nodes: tuple[Node, ...]


class Ref(Seen):
    """Something named by its id only."""

    id: ShortId


class MoneyV2(Seen):
    """An amount as Shopify writes it: a string of no fixed scale, e.g. "10.0"."""

    amount: Exact
    currency_code: str


class Bag(Seen):
    """One amount in shop currency."""

    shop_money: MoneyV2


class BothBag(Bag):
    """One amount in shop currency and as the shopper saw it."""

    presentment_money: MoneyV2
