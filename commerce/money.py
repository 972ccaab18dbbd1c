"""Money: a Decimal with its currency, never a float."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints

from commerce.values import Frozen

DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV"), 0),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Digits after the point, by ISO 4217; two for every currency that is not named here."""


def refuse_float(value: Any) -> Any:
    """Refuse a binary float, which cannot say most amounts exactly."""
    if isinstance(value, float):
        raise ValueError(f"{value!r} is a float; give money as text or Decimal")
    return value


Exact = Annotated[Decimal, BeforeValidator(refuse_float)]
"""A finite Decimal (pydantic refuses NaN and infinity) that never was a float."""


class Money(Frozen):
    """An amount in one currency, e.g. `Money(amount="19.90", currency="USD")`. Equal by value: 19.9 is 19.90."""

    amount: Exact
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]

    def __add__(self, other: Money) -> Money:
        self._same_currency(other, "add")
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other, "subtract")
        return Money(amount=self.amount - other.amount, currency=self.currency)

    def __neg__(self) -> Money:
        return Money(amount=-self.amount, currency=self.currency)

    def __mul__(self, factor: int | Decimal) -> Money:
        return Money(amount=self.amount * refuse_float(factor), currency=self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        return f"{self.rounded().amount:f} {self.currency}"

    def _same_currency(self, other: Money, verb: str) -> None:
        if other.currency != self.currency:
            raise ValueError(f"cannot {verb} {other.currency} and {self.currency}")

    @property
    def digits(self) -> int:
        """Digits after the point that this currency has."""
        return DIGITS.get(self.currency, 2)

    def rounded(self) -> Money:
        """To the currency's smallest unit, halves away from zero."""
        step = Decimal(1).scaleb(-self.digits)
        nearest = self.amount.quantize(step, rounding=ROUND_HALF_UP)
        return Money(amount=nearest + 0, currency=self.currency)  # + 0 makes -0.00 what it is: nothing

    def split(self, weights: Sequence[Decimal | int]) -> list[Money]:
        """Parts in proportion to `weights` that add up to this amount again, to the smallest unit.

        What rounding leaves over goes to the largest remainders, first come first served. All weights zero splits
        evenly. Raises ValueError for no weights or a negative one.
        """
        if not weights or any(weight < 0 for weight in weights):
            raise ValueError(f"cannot split by {list(weights)}")
        shares = [Decimal(weight) for weight in weights] if any(weights) else [Decimal(1)] * len(weights)
        step = Decimal(1).scaleb(-self.digits)
        total = sum(shares)
        exact = [self.amount * share / total for share in shares]
        parts = [part.quantize(step, rounding=ROUND_HALF_EVEN) for part in exact]
        left = int((self.rounded().amount - sum(parts)) / step)
        order = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at]) * (1 if left > 0 else -1))
        for at in order[: abs(left)]:
            parts[at] += step if left > 0 else -step
        return [Money(amount=part, currency=self.currency) for part in parts]


def money(amount: str | int | Decimal, currency: str) -> Money:
    """Short for `Money(amount=…, currency=…)`."""
    return Money(amount=Decimal(refuse_float(amount)), currency=currency)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum, in `currency`; zero when there are none. Raises ValueError when currencies differ."""
    result = money(0, currency)
    for amount in amounts:
        result = result + amount
    return result
