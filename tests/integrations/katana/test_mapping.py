"""A row of Katana as a stock level."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from commerce.ports import Unreadable
from commerce.stock import StockLevel
from integrations.katana.mapping import to_levels

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def a_row(variant: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A row as Katana's page shows it."""
    mug = {"id": 101, "sku": "MUG-1", "type": "product", "product_id": 9, "updated_at": "2026-11-20T10:00:00.000Z"}
    return {
        "variant_id": 101,
        "location_id": 1,
        "quantity_in_stock": "7.00000",
        "quantity_committed": "2.00000",
        "quantity_expected": "100.00000",
        "quantity_missing_or_excess": "100.00000",
        "quantity_potential": "0.00000",
        "safety_stock_level": "5.00000",
        "reorder_point": "5.00000",
        "average_cost": "10.0000000000",
        "value_in_stock": "70.0000000000",
        "variant": {**mug, **(variant or {})},
        **changes,
    }


def read(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    found = to_levels("inventory", rows, types=["product", "kit"], as_of=NOW)
    return [one.model_dump(mode="json") for one in found]


def test_a_row_becomes_a_level() -> None:
    assert read(a_row()) == [
        {
            "source": "inventory",
            "sku": "MUG-1",
            "location": "1",
            "on_hand": "7.00000",
            "committed": "2.00000",
            "available": "5.00000",
            "as_of": "2026-11-23T09:00:00Z",
        }
    ]


def test_a_kit_that_was_sold_below_zero_is_worth_what_its_parts_allow() -> None:
    assert read(a_row({"type": "kit"}, quantity_in_stock="-2", quantity_potential="8"))[0]["available"] == "8"


def test_of_a_kit_what_can_be_put_together_is_on_hand_too() -> None:
    kit = read(a_row({"type": "kit"}, quantity_in_stock="0", quantity_committed="1", quantity_potential="8"))[0]
    assert (kit["on_hand"], kit["available"]) == ("8", "8")


def test_archived_rows_are_not_for_sale() -> None:
    assert read(a_row(archived_at="2026-11-20T10:00:00.000Z")) == []


def test_a_potential_that_katana_leaves_out_matters_to_kits_only() -> None:
    assert read(a_row(quantity_potential=None))[0]["available"] == "5.00000"


def test_a_kit_with_stock_of_its_own_counts_like_anything_else() -> None:
    kit = {"type": "kit"}
    assert read(a_row(kit, quantity_potential="8"))[0]["available"] == "5.00000"
    assert read(a_row(kit, quantity_in_stock="0.00000", quantity_potential="8"))[0]["available"] == "8"


def test_quantities_that_come_as_numbers_are_read_as_written() -> None:
    assert read(a_row(quantity_in_stock=0.3, quantity_committed=0.1))[0]["available"] == "0.2"


def test_a_sku_is_trimmed_and_compared_exactly() -> None:
    other = a_row({"sku": "mug-1"}, variant_id=102)
    assert [one["sku"] for one in read(a_row({"sku": " MUG-1 "}), other)] == ["MUG-1", "mug-1"]


def test_deleted_variants_and_other_types_are_not_for_sale() -> None:
    assert read(a_row({"deleted_at": "2026-11-20T10:00:00.000Z"}), a_row({"type": "material"})) == []


def test_a_row_that_cannot_be_read_is_held_and_the_others_go_on() -> None:
    # given a quantity that is no number, and a row whose variant was left out
    broken, bare = a_row(quantity_in_stock="plenty"), a_row(variant_id=102)
    del bare["variant"]
    # when
    found = list(to_levels("inventory", [broken, bare, a_row()], types=["product"], as_of=NOW))
    # then
    assert [one.reason for one in found if isinstance(one, Unreadable)] == [
        "Katana's stock of variant 101 cannot be read: quantity_in_stock",
        "Katana's stock of variant 102 cannot be read: variant",
    ]
    assert len(found) == 3


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)
FIELDS = st.dictionaries(
    st.sampled_from([*a_row(), *a_row()["variant"], "archived_at", "deleted_at"]), JSON, max_size=4
)


@given(st.lists(st.one_of(JSON, st.builds(lambda one, two: {**a_row(two), **one}, FIELDS, FIELDS)), max_size=6))
def test_whatever_a_row_says_it_is_a_level_or_held_and_breaks_nothing(rows: list[Any]) -> None:
    found = list(to_levels("inventory", rows, types=["product"], as_of=NOW))
    assert len(found) <= len(rows)
    for one in found:
        assert isinstance(one, StockLevel | Unreadable)
        assert isinstance(one, Unreadable) or (one.sku == one.sku.strip() != "" and abs(one.on_hand) < 10**12)
