"""What a document's tax comes to: one code for the whole document in the United States, one on each line elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from integrations.quickbooks.simulator.company import SHIPPING_ITEM, Company, Row
from integrations.quickbooks.simulator.refusals import Refused

CENT = Decimal("0.01")
WITHOUT_CODE = "Make sure all your transactions have a GST rate before you save."
CALCULATIONS = ("TaxExcluded", "TaxInclusive", "NotApplicable")


def tax_detail(company: Company, body: Row, lines: list[Row], discount: Decimal) -> Row:
    """The `TxnTaxDetail` of the answer, `TotalTax` among it. Raises Refused."""
    sold = [line for line in lines if line["DetailType"] == "SalesItemLineDetail"]
    if company.country == "US":
        return _in_the_united_states(company, body, sold, discount)
    return _elsewhere(company, body, sold)


def _in_the_united_states(company: Company, body: Row, sold: list[Row], discount: Decimal) -> Row:
    for line in sold:
        if (code := code_of(line)) not in ("", "TAX", "NON"):
            raise Refused("2500", f"Invalid Reference Id : TaxCode element id {code} not found", "TaxCodeRef")
    if not company.using_sales_tax:
        return {"TotalTax": Decimal(0)}
    taxed = [line for line in sold if code_of(line) == "TAX"]
    base = sum((line["Amount"] for line in taxed), Decimal(0))
    if taxed and body.get("ApplyTaxAfterDiscount") is True:
        base -= discount
    own = rounded(base * company.tax_rate)
    told = (body.get("TxnTaxDetail") or {}).get("TotalTax")
    tax = own if told is None or company.habits.tax == "replaced" else rounded(Decimal(told))
    shipping = sum((line["Amount"] for line in taxed if _item(line) == SHIPPING_ITEM), Decimal(0))
    if told is not None and company.habits.tax == "added on shipping" and not body.get("ShippingTaxIncludedInTotalTax"):
        tax += rounded(shipping * company.tax_rate)
    return {"TotalTax": tax, **_lines(tax, company.tax_rate, base)}


def _elsewhere(company: Company, body: Row, sold: Iterable[Row]) -> Row:
    if body.get("GlobalTaxCalculation") not in CALCULATIONS:
        raise Refused(
            "2020", "Required parameter GlobalTaxCalculation is missing in the request", "GlobalTaxCalculation"
        )
    total, base, rate = Decimal(0), Decimal(0), Decimal(0)
    for line in sold:
        if not code_of(line):
            raise Refused("6000", WITHOUT_CODE, "TaxCodeRef")
        code = company.refer("TaxCode", {"value": code_of(line)}, "TaxCodeRef")
        rate = Decimal(str(code.get("rate", "0")))
        if rate and body["GlobalTaxCalculation"] == "TaxExcluded":
            total += rounded(line["Amount"] * rate)
            base += line["Amount"]
    return {"TotalTax": total, **_lines(total, rate, base)}


def _lines(tax: Decimal, rate: Decimal, base: Decimal) -> Row:
    if not tax:
        return {}
    detail = {
        "TaxRateRef": {"value": "1"},
        "PercentBased": True,
        "TaxPercent": rate * 100,
        "NetAmountTaxable": base,
    }
    return {"TaxLine": [{"Amount": tax, "DetailType": "TaxLineDetail", "TaxLineDetail": detail}]}


def code_of(line: Row) -> str:
    """The tax code of a line, empty for none."""
    return str((line["SalesItemLineDetail"].get("TaxCodeRef") or {}).get("value") or "")


def _item(line: Row) -> str:
    return str((line["SalesItemLineDetail"].get("ItemRef") or {}).get("value") or "")


def rounded(amount: Decimal) -> Decimal:
    """To the cent, half up."""
    return amount.quantize(CENT, ROUND_HALF_UP)
