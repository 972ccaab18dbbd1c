"""Amounts as whole hundredths, in shop and presentment currency at once. No floats; parts always add up again.

https://shopify.dev/docs/api/admin-graphql/latest/objects/MoneyBag
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

WITHOUT_CENTS = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
)


class Bag(NamedTuple):
    """One amount in hundredths, twice: in the shop's currency and in the buyer's."""

    shop: int
    presentment: int

    def plus(self, other: Bag) -> Bag:
        """The sum."""
        return Bag(self.shop + other.shop, self.presentment + other.presentment)

    def minus(self, other: Bag) -> Bag:
        """The difference."""
        return Bag(self.shop - other.shop, self.presentment - other.presentment)

    def times(self, n: int) -> Bag:
        """`n` of it."""
        return Bag(self.shop * n, self.presentment * n)


NOTHING = Bag(0, 0)


def total(bags: Iterable[Bag]) -> Bag:
    """The sum of all."""
    shop = presentment = 0
    for bag in bags:
        shop += bag.shop
        presentment += bag.presentment
    return Bag(shop, presentment)


@lru_cache(maxsize=20_000)
def hundredths(text: str) -> int:
    """ "19.90" -> 1990."""
    return int(Decimal(str(text)).scaleb(2).quantize(Decimal(1), ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class Exchange:
    """The two currencies of an order and the rate between them when it was placed."""

    shop: str
    presentment: str
    rate: Decimal = Decimal(1)

    def bag(self, cents: int) -> Bag:
        """An amount of the shop's currency, with what the buyer saw for it."""
        if self.shop == self.presentment:
            return Bag(cents, cents)
        step = step_of(self.presentment)
        seen = (Decimal(cents) * self.rate / step).quantize(Decimal(1), ROUND_HALF_UP)
        return Bag(cents, int(seen) * step)

    def amount(self, text: str) -> Bag:
        """The same from a decimal string."""
        return self.bag(hundredths(text))

    def record(self, bag: Bag) -> dict[str, Any]:
        """A `MoneyBag`."""
        return bag_record(bag.shop, self.shop, bag.presentment, self.presentment)

    def share(self, amount: Bag, start: int, end: int, of: int) -> Bag:
        """The part of `amount` for units `start` to `end` of `of`; consecutive parts add up to the whole."""
        if not of:
            return NOTHING
        shop = _up_to(amount.shop, end, of, step_of(self.shop)) - _up_to(amount.shop, start, of, step_of(self.shop))
        step = step_of(self.presentment)
        return Bag(shop, _up_to(amount.presentment, end, of, step) - _up_to(amount.presentment, start, of, step))

    def split(self, amount: Bag, weights: Sequence[Bag]) -> list[Bag]:
        """`amount` in proportion to `weights`, to the cent."""
        shop = split([bag.shop for bag in weights], amount.shop, step_of(self.shop))
        seen = split([bag.presentment for bag in weights], amount.presentment, step_of(self.presentment))
        return [Bag(*pair) for pair in zip(shop, seen, strict=True)]

    def taxes(self, net: Bag, rates: Sequence[str], included: bool) -> list[Bag]:
        """What each tax takes of `net`: on top of it, or contained in it."""
        key = tuple(rates)
        shop = tax_parts(net.shop, key, included, step_of(self.shop))
        seen = tax_parts(net.presentment, key, included, step_of(self.presentment))
        return [Bag(*pair) for pair in zip(shop, seen, strict=True)]


def step_of(currency: str) -> int:
    """The smallest coin in hundredths: 1, or 100 where there are no cents."""
    return 100 if currency in WITHOUT_CENTS else 1


def split(weights: Sequence[int], amount: int, step: int = 1) -> list[int]:
    """`amount` in proportion to `weights`; the rest of each rounding goes to the next part."""
    whole, before, parts = sum(weights), 0, []
    for weight in weights:
        after = before + weight
        parts.append(_up_to(amount, after, whole, step) - _up_to(amount, before, whole, step) if whole else 0)
        before = after
    return parts


def _up_to(amount: int, part: int, whole: int, step: int) -> int:
    return amount * part // (whole * step) * step if part != whole else amount


@lru_cache(maxsize=100_000)
def tax_parts(net: int, rates: tuple[str, ...], included: bool, step: int) -> tuple[int, ...]:
    """Each tax rounded by itself, half up."""
    base = Decimal(net)
    if included:
        base /= 1 + sum((Decimal(rate) for rate in rates), Decimal(0))
    return tuple(int((base * Decimal(rate) / step).quantize(Decimal(1), ROUND_HALF_UP)) * step for rate in rates)


@lru_cache(maxsize=50_000)
def decimal_text(cents: int) -> str:
    """1990 -> "19.9", 1000 -> "10.0": the scale that Shopify writes."""
    sign, (whole, rest) = "-" if cents < 0 else "", divmod(abs(cents), 100)
    return f"{sign}{whole}.{rest:02d}" if rest % 10 else f"{sign}{whole}.{rest // 10}"


@lru_cache(maxsize=50_000)
def money_record(cents: int, currency: str) -> dict[str, Any]:
    """A `MoneyV2`. Shared: never change it."""
    return {"amount": decimal_text(cents), "currencyCode": currency}


@lru_cache(maxsize=50_000)
def bag_record(shop_cents: int, shop: str, presentment_cents: int, presentment: str) -> dict[str, Any]:
    """A `MoneyBag`. Shared: never change it."""
    return {
        "shopMoney": money_record(shop_cents, shop),
        "presentmentMoney": money_record(presentment_cents, presentment),
    }
