"""Documents as QuickBooks takes them, compared whole."""

from __future__ import annotations

import pytest

from commerce.errors import Unmappable
from commerce.money import money
from commerce.posting import refunds, sale
from integrations.quickbooks.chart import Chart
from integrations.quickbooks.mapping import document_number, to_draft
from tests.builders import (
    a_line,
    a_refund,
    a_refund_line,
    a_tax,
    after,
    an_order,
    changed,
    eur,
    usd,
)

ITEMS = {
    kind: f"item-{kind}"
    for kind in ("goods", "returns", "shipping", "discount", "tax", "gift_card", "rounding", "adjustment")
}
CHART = Chart(items=ITEMS, clearing={"USD": "92"}, home_currency="USD", timezone="America/Chicago")


def test_a_sales_receipt() -> None:
    mug = a_line("MUG-RED", 2, "25.00", discount=usd("5"), taxes=(a_tax("4.08", title="TX", rate="0.08"),))
    order = an_order(lines=(mug,), processed_at=after(hours=17))
    assert to_draft(sale(order), order, CHART).body == {
        "DocNumber": "S-1001",
        "TxnDate": "2026-11-20",
        "PrivateNote": "backroom:shop:51001:sale:51001",
        "CustomerMemo": {"value": "Order #1001"},
        "DepositToAccountRef": {"value": "92"},
        "Line": [
            {
                "LineNum": 1,
                "Description": "Mug red (MUG-RED)",
                "Amount": 50.0,
                "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {
                    "ItemRef": {"value": "item-goods"},
                    "TaxCodeRef": {"value": "NON"},
                    "Qty": 2,
                    "UnitPrice": 25.0,
                },
            },
            {
                "LineNum": 2,
                "Description": "Standard",
                "Amount": 5.0,
                "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {"ItemRef": {"value": "item-shipping"}, "TaxCodeRef": {"value": "NON"}},
            },
            {
                "LineNum": 3,
                "Description": "Discounts",
                "Amount": -5.0,
                "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {"ItemRef": {"value": "item-discount"}, "TaxCodeRef": {"value": "NON"}},
            },
            {
                "LineNum": 4,
                "Description": "TX 8 %",
                "Amount": 4.08,
                "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {"ItemRef": {"value": "item-tax"}, "TaxCodeRef": {"value": "NON"}},
            },
        ],
    }


def test_a_refund_receipt_for_a_named_customer_in_a_company_of_several_currencies() -> None:
    line = a_line("MUG", 3, eur("3.99"), taxes=(a_tax(eur("1.93"), title="VAT", rate="0.19"),))
    back = a_refund(a_refund_line(line, 3), id="881", total=eur("11.97"), adjustment=eur(0))
    order = an_order(lines=(line,), taxes_included=True, refunds=(back,))
    chart = CHART.model_copy(
        update={
            "several_currencies": True,
            "clearing": {"EUR": "93"},
            "customers": {"EUR": "58"},
            "taxes": {"VAT": "item-vat"},
        }
    )
    draft = to_draft(refunds(order)[0], order, chart)
    assert (draft.key, draft.entity, draft.expected) == ("881", "RefundReceipt", eur("11.97"))
    assert draft.body == {
        "DocNumber": "R-1001-1",
        "TxnDate": "2026-11-20",
        "PrivateNote": "backroom:shop:51001:refund:881",
        "CustomerMemo": {"value": "Order #1001"},
        "DepositToAccountRef": {"value": "93"},
        "PaymentRefNum": "881",
        "CustomerRef": {"value": "58"},
        "CurrencyRef": {"value": "EUR"},
        "Line": [
            {
                "LineNum": 1,
                "Description": "3 x Mug (MUG)",
                "Amount": 10.04,
                "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {"ItemRef": {"value": "item-returns"}, "TaxCodeRef": {"value": "NON"}},
            },
            {
                "LineNum": 2,
                "Description": "VAT 19 %",
                "Amount": 1.93,
                "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {"ItemRef": {"value": "item-vat"}, "TaxCodeRef": {"value": "NON"}},
            },
        ],
    }


@pytest.mark.parametrize(
    ("number", "prefix", "expected"),
    [
        ("#1001", "", "S-1001"),
        ("#1001", "A", "S-A-1001"),
        ("EU-2026-0000-1001", "A", "S-A-EU-2026-0000-1001"),
        ("EU-2026-00000-1001", "A", "S-A-2b1e-6-00000-1001"),
        ("#", "", "S-51001"),
    ],
)
def test_document_numbers_fit_into_21_characters(number: str, prefix: str, expected: str) -> None:
    assert document_number(sale(changed(an_order(), number=number)), prefix) == expected
    assert len(expected) <= 21


def test_long_numbers_that_end_alike_stay_apart() -> None:
    one, two = (sale(changed(an_order(), number=f"{word}-2026-000000000-1001")) for word in ("EU", "US"))
    assert document_number(one, "") != document_number(two, "")
    assert len(document_number(one, "ABCDE")) == 21


def test_a_remap_of_items_rewrites_no_old_document() -> None:
    order = an_order()
    other = CHART.model_copy(update={"items": {**ITEMS, "goods": "item-other"}})
    first, second = to_draft(sale(order), order, CHART), to_draft(sale(order), order, other)
    assert first.body != second.body
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize(
    ("chart", "words"),
    [
        ({"items": {}}, "no active product or service"),
        ({"clearing": {}}, "clearing account"),
        ({"home_currency": "EUR"}, "kept in EUR only"),
        ({"strict_taxes": True}, "no item is named for the tax 'Sales tax'"),
    ],
)
def test_what_cannot_be_said_is_named(chart: dict[str, object], words: str) -> None:
    order = an_order(lines=(a_line("A", 1, taxes=(a_tax(),)),))
    with pytest.raises(Unmappable, match=words):
        to_draft(sale(order), order, CHART.model_copy(update=chart))


def test_a_third_decimal_is_never_rounded_away() -> None:
    order = an_order(lines=(a_line("A", 1, money("1.234", "KWD")),), shipping=())
    chart = changed(CHART, home_currency="KWD", clearing={"KWD": "1"})
    with pytest.raises(Unmappable, match="two decimals"):
        to_draft(sale(order), order, chart)
