"""Money never is a float, and parts add up again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from commerce.money import Money, money, total
from tests.builders import eur, usd

CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD", "CLP"])
AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=3)
WEIGHTS = st.lists(st.integers(0, 10**6) | st.decimals(min_value=0, max_value=10**6, places=2), min_size=1, max_size=30)


@given(AMOUNTS, CURRENCIES, WEIGHTS)
def test_parts_add_up_to_the_smallest_unit(amount, currency, weights):
    whole = money(amount, currency)
    parts = whole.split(weights)
    assert len(parts) == len(weights)
    assert total(parts, currency) == whole.rounded()
    assert all(part == part.rounded() for part in parts)


@given(st.decimals(min_value=0, max_value=10**6, places=2), WEIGHTS)
def test_no_part_is_further_than_a_unit_from_its_share(amount, weights):
    shares = [Decimal(weight) for weight in weights]
    if not sum(shares):
        shares = [Decimal(1)] * len(shares)
    for part, share in zip(usd(amount).split(weights), shares, strict=True):
        assert abs(part.amount - amount * share / sum(shares)) <= Decimal("0.01")


@given(st.decimals(min_value=0, max_value=10**6, places=2), WEIGHTS)
def test_a_positive_amount_has_no_negative_part(amount, weights):
    assert all(part.amount >= 0 for part in usd(amount).split(weights))


@given(AMOUNTS, st.lists(st.integers(1, 1000), min_size=1, max_size=10))
def test_splitting_a_refund_mirrors_splitting_the_sale(amount, weights):
    assert total((-usd(amount)).split(weights), "USD") == -total(usd(amount).split(weights), "USD")


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        ("10.00", [1, 1, 1], ["3.34", "3.33", "3.33"]),
        ("0.05", [1, 1], ["0.03", "0.02"]),
        ("10.00", [0, 0], ["5", "5"]),
        ("10.00", [0, 7], ["0", "10"]),
        ("-10.00", [1, 1, 1], ["-3.34", "-3.33", "-3.33"]),
        ("0", [3, 1], ["0", "0"]),
    ],
)
def test_what_rounding_leaves_over_goes_to_the_largest_remainders(amount, weights, parts):
    assert usd(amount).split(weights) == [usd(part) for part in parts]


@pytest.mark.parametrize("weights", [[], [1, -1]])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(ValueError, match="cannot split"):
        usd("1").split(weights)


@given(AMOUNTS, AMOUNTS)
def test_what_is_added_can_be_taken_away(one, other):
    assert usd(one) + usd(other) - usd(other) == usd(one)


def test_money_is_equal_by_value():
    assert usd("19.9") == usd("19.90") == Money(amount=Decimal("19.900"), currency="USD")
    assert usd("1") != eur("1")
    assert len({usd("19.9"), usd("19.90")}) == 1


def test_currencies_do_not_mix():
    with pytest.raises(ValueError, match="cannot add"):
        usd("1") + eur("1")
    with pytest.raises(ValueError, match="cannot subtract"):
        usd("1") - eur("1")


@pytest.mark.parametrize("bad", [1.5, "NaN", "Infinity", "ten", None])
def test_what_is_no_exact_amount_is_refused(bad):
    with pytest.raises(ValidationError):
        Money(amount=bad, currency="USD")


def test_a_float_is_refused_wherever_it_comes_in():
    with pytest.raises(ValueError, match="is a float"):
        usd(0.1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is a float"):
        usd("1") * 0.5  # type: ignore[operator]


@pytest.mark.parametrize(
    ("value", "words"), [(usd("2.005"), "2.01 USD"), (money("-2.5", "JPY"), "-3 JPY"), (money(1, "KWD"), "1.000 KWD")]
)
def test_money_is_said_with_the_digits_of_its_currency(value, words):
    assert str(value) == words


def test_nothing_is_false():
    assert not usd("0.00")
    assert usd("-0.01")
    assert total([], "USD") == usd(0)
