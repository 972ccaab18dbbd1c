"""Orders from a file of invoices: every row is used or counted, and the rest is made up the same each time."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deployments.shop import ShopPlan, read_orders

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


@pytest.fixture
def load(tmp_path: Path) -> Any:
    """Write these rows into a file and read it, dates as they are."""

    def read(*rows: str, **options: Any) -> ShopPlan:
        path = tmp_path / "orders.csv"
        path.write_text("\n".join((HEADER, *rows)), encoding="utf-8")
        plan = read_orders(path, now=NOW, **{"shift_to_now": False, **options})
        assert sum(plan.counts.values()) == len(rows)  # nothing is dropped in silence
        return plan

    return read


def a_row(invoice: str = "536365", code: str = "85123A", units: int = 6, price: str = "2.55", **cells: str) -> str:
    """A row as the file has it; by default 6 hearts for customer 17850."""
    row = {
        "title": "WHITE HANGING HEART",
        "at": "2010-12-01 08:26:00",
        "customer": "17850.0",
        "country": "United Kingdom",
        **cells,
    }
    return f"{invoice},{code},{row['title']},{units},{row['at']},{price},{row['customer']},{row['country']}"


def test_an_invoice_becomes_an_order(load: Any) -> None:
    # given an invoice with goods and postage
    plan = load(a_row(), a_row(code="POST", title="POSTAGE", units=3, price="18.0"))
    # then
    order = plan.orders[0]
    address = order["shipping_address"]
    assert order == {
        "name": "#536365",
        "created_at": "2010-12-01T08:26:00Z",
        "email": order["email"],
        "customer": order["customer"],
        "taxes_included": True,
        "shipping_address": address,
        "billing_address": address,
        "lines": [
            {
                "sku": "85123A",
                "title": "WHITE HANGING HEART",
                "quantity": 6,
                "price": "2.55",
                "taxes": [{"title": "VAT", "rate": "0.2"}],
            }
        ],
        "shipping": [
            {"title": "Postage", "code": "POST", "price": "54.00", "taxes": [{"title": "VAT", "rate": "0.2"}]},
        ],
        "payment": "paid",
        "source_name": "web",
        "gateway": "shopify_payments",
    }
    assert order["email"].endswith(".17850@example.com")
    assert address["country_code"] == "GB"
    assert plan.counts == {"shipping charges": 1, "sold": 1}


def test_the_same_customer_is_the_same_person_each_time(load: Any) -> None:
    first, second = load(a_row(), a_row(invoice="536366")).orders
    again = load(a_row(invoice="536367")).orders[0]
    assert first["shipping_address"] == second["shipping_address"] == again["shipping_address"]


def test_a_guest_has_an_address_and_no_name_in_our_books(load: Any) -> None:
    order = load(a_row(customer="")).orders[0]
    assert (order["email"], order["customer"]) == (None, None)
    assert order["shipping_address"]["address1"]


def test_only_uk_orders_are_taxed(load: Any) -> None:
    german = load(a_row(country="Germany"), a_row(code="POST", units=1, price="18.0", country="Germany")).orders[0]
    assert german["shipping_address"]["country_code"] == "DE"
    assert "taxes" not in german["lines"][0]
    assert "taxes" not in german["shipping"][0]


@pytest.mark.parametrize(
    ("country", "code"), [("EIRE", "IE"), ("RSA", "ZA"), ("Channel Islands", "JE"), ("Unspecified", "GB")]
)
def test_countries_are_told_by_their_code(load: Any, country: str, code: str) -> None:
    assert load(a_row(country=country)).orders[0]["shipping_address"]["country_code"] == code


def test_times_are_uk_local(load: Any) -> None:
    assert load(a_row(at="2011-07-01 08:26:00")).orders[0]["created_at"] == "2011-07-01T07:26:00Z"
    # and may be written as in the original sheet
    assert load(a_row(at="7/1/2011 8:26")).orders[0]["created_at"] == "2011-07-01T07:26:00Z"


def test_the_newest_moment_becomes_three_hours_ago(load: Any) -> None:
    # given two orders ten minutes apart, and something that came back an hour later
    plan = load(
        a_row(),
        a_row(invoice="536366", code="22111", at="2010-12-01 08:36:00"),
        a_row(invoice="C536367", units=-2, at="2010-12-01 09:36:00"),
        shift_to_now=True,
    )
    # then they still are, and that was three hours ago
    assert [order["created_at"] for order in plan.orders] == ["2026-11-23T07:50:00Z", "2026-11-23T08:00:00Z"]
    assert plan.events_before[0][1]["at"] == "2026-11-23T09:00:00Z"


def test_codes_are_trimmed_and_upper_case_and_lines_stay_apart(load: Any) -> None:
    plan = load(a_row(code=" 85123a "), a_row(code="85123A", units=1))
    assert [(line["sku"], line["quantity"]) for line in plan.orders[0]["lines"]] == [("85123A", 6), ("85123A", 1)]
    assert [product["sku"] for product in plan.products] == ["85123A"]


def test_what_has_no_description_is_called_by_its_code(load: Any) -> None:
    plan = load(a_row(title=""), a_row(invoice="536366", title="nan"))
    assert [order["lines"][0]["title"] for order in plan.orders] == ["85123A", "85123A"]


def test_a_part_that_comes_back_is_a_refund(load: Any) -> None:
    plan = load(a_row(), a_row(code="22111"), a_row(invoice="C536400", units=-2, at="2010-12-02 10:00:00"))
    assert plan.events_before == [
        (
            "refund",
            {
                "order": "#536365",
                "lines": [{"line": 0, "quantity": 2, "restock": True}],
                "note": "C536400",
                "at": "2010-12-02T10:00:00Z",
            },
        )
    ]
    assert plan.counts == {"refunded": 1, "sold": 2}


def test_all_that_comes_back_at_once_is_a_cancellation(load: Any) -> None:
    plan = load(
        a_row(),
        a_row(code="22111"),
        a_row(invoice="C536400", units=-6, at="2010-12-02 10:00:00"),
        a_row(invoice="C536400", code="22111", units=-6, at="2010-12-02 10:00:00"),
    )
    assert plan.events_before == [("cancel", {"order": "#536365", "refund": True, "reason": "CUSTOMER"})]
    assert plan.counts == {"cancelled": 2, "sold": 2}


def test_a_return_finds_the_newest_sale_at_its_price(load: Any) -> None:
    plan = load(
        a_row(invoice="1"),
        a_row(invoice="2", at="2010-12-02 08:00:00"),
        a_row(invoice="3", price="2.10", at="2010-12-03 08:00:00"),
        a_row(invoice="4", at="2010-12-05 08:00:00"),
        a_row(invoice="C5", units=-1, at="2010-12-04 08:00:00"),
        a_row(invoice="C6", units=-1, price="9.99", at="2010-12-04 09:00:00"),
    )
    assert [arguments["order"] for _, arguments in plan.events_before] == ["#2", "#3"]
    assert plan.counts == {"refunded": 1, "refunded at the sale's price": 1, "sold": 4}


@pytest.mark.parametrize(
    "row",
    [
        a_row(invoice="C1", units=-7, at="2010-12-02 10:00:00"),  # more than was sold
        a_row(invoice="C1", units=-1, at="2010-11-30 10:00:00"),  # before it was sold
        a_row(invoice="C1", units=-1, customer="", at="2010-12-02 10:00:00"),
        a_row(invoice="C1", units=-1, customer="12345", at="2010-12-02 10:00:00"),
        a_row(invoice="C1", code="22111", units=-1, at="2010-12-02 10:00:00"),
    ],
)
def test_a_return_without_a_sale_is_counted(load: Any, row: str) -> None:
    plan = load(a_row(), row)
    assert plan.counts == {"returns without a sale": 1, "sold": 1}
    assert plan.events_before == []


def test_nothing_comes_back_twice(load: Any) -> None:
    back = a_row(invoice="C1", units=-4, at="2010-12-02 10:00:00")
    assert load(a_row(), back, back).counts == {"refunded": 1, "returns without a sale": 1, "sold": 1}


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (a_row(invoice="A563185", code="B", price="11062.06"), "adjustments"),
        (a_row(code="M", title="Manual"), "fees and manual entries"),
        (a_row(code="AMAZONFEE", units=-1), "fees and manual entries"),
        (a_row(invoice="C1", code="D", units=-1), "fees and manual entries"),
        (a_row(code="gift_0001_20"), "gift vouchers sold"),
        (a_row(code="gift_0001_20", price="0.0"), "stock corrections"),
        (a_row(units=-9, price="0.0"), "stock corrections"),
        (a_row(price="0.0"), "given away"),
        (a_row(code="POST", units=1, price="18.0"), "shipping charges without goods"),
        (a_row(invoice="C1", code="POST", units=-1, price="18.0"), "shipping given back"),
        (a_row(price="a lot"), "unreadable or contradictory"),
        (a_row(at="yesterday"), "unreadable or contradictory"),
        (a_row(units=2_000_000), "unreadable or contradictory"),
        (a_row(units=-1), "unreadable or contradictory"),
        (a_row(price="-2.55"), "unreadable or contradictory"),
        (a_row(price="NaN"), "unreadable or contradictory"),
        ("536365,85123A", "unreadable or contradictory"),
        ("", "unreadable or contradictory"),
    ],
)
def test_every_odd_row_is_counted(load: Any, row: str, kind: str) -> None:
    # given an odd row between two good ones
    plan = load(a_row(invoice="1"), row, a_row(invoice="2"))
    assert plan.counts[kind] == 1


def test_a_voucher_is_a_gift_card_that_nobody_sends(load: Any) -> None:
    plan = load(a_row(code="gift_0001_20", price="16.67"))
    line = plan.orders[0]["lines"][0]
    assert (line["gift_card"], line["requires_shipping"], line["taxable"]) == (True, False, False)
    assert "taxes" not in line
    assert plan.products[0]["gift_card"]
    assert plan.inventory["variants"] == []


def test_some_of_the_changes_come_after_the_first_run(load: Any) -> None:
    sales = [a_row(invoice=str(number)) for number in range(1, 11)]
    backs = [a_row(invoice=f"C{n}", units=-3, at=f"2010-12-02 08:{n}:00") for n in range(10, 20)]
    plan = load(*sales, *backs)
    assert len(plan.events_before) == 8
    assert len(plan.events_after) == 2
    assert all("at" not in arguments for _, arguments in plan.events_after)


def test_a_compressed_file_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress("\n".join((HEADER, a_row())).encode("utf-8-sig")))
    assert len(read_orders(path, now=NOW).orders) == 1


def test_a_file_without_the_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("order,total\n1,2")
    with pytest.raises(ValueError, match=r"orders\.csv has no column InvoiceNo, StockCode"):
        read_orders(path)


def test_a_file_with_no_rows_is_an_empty_shop(load: Any) -> None:
    assert load().orders == []
