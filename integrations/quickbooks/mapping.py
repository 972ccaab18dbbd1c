"""From postings to QuickBooks documents. Pure: values in, values and plain dicts out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from commerce.errors import Unmappable
from commerce.money import Money
from commerce.orders import Order
from commerce.posting import Posting, PostingLine
from commerce.values import Frozen, fingerprint
from integrations.quickbooks.chart import Chart
from integrations.quickbooks.schemas import MARKER

Entity = Literal["SalesReceipt", "RefundReceipt"]

LONGEST_NUMBER = 21
LONGEST_DESCRIPTION = 4000
CENT = Decimal("0.01")
UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")
"""What JSON in UTF-8, or a line of a form, cannot hold."""
ITEM_OF = {"gift_card_sold": "gift_card", "gift_card_redeemed": "gift_card"}
"""Kinds of line that share an item; every other kind has an item of its own name."""


class Draft(Frozen):
    """A document to be brought to the books. `key` is "receipt" or the refund's id; `expected` is its total."""

    key: str
    entity: Entity
    number: str
    marker: str
    expected: Money
    body: dict[str, Any]
    fingerprint: str


def to_draft(posting: Posting, order: Order, chart: Chart) -> Draft:
    """The document of a posting. Raises Unmappable naming the item, account, tax or currency that is missing."""
    number = document_number(posting, chart.prefix)
    marker = f"{MARKER}{order.key}:{posting.kind}:{posting.id}"
    body = to_document(posting, chart, number=number, marker=marker)
    return Draft(
        key="receipt" if posting.kind == "sale" else posting.id,
        entity="SalesReceipt" if posting.kind == "sale" else "RefundReceipt",
        number=number,
        marker=marker,
        expected=posting.total,
        body=body,
        fingerprint=_content(body),
    )


def to_document(posting: Posting, chart: Chart, *, number: str, marker: str) -> dict[str, Any]:
    """The body of a SalesReceipt or RefundReceipt. Lines of both are positive for what the shopper paid for."""
    # https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/salesreceipt
    currency = posting.total.currency
    customer = chart.customer(currency)
    body: dict[str, Any] = {
        "DocNumber": number,
        "TxnDate": local_date(posting.at, chart.timezone),
        "PrivateNote": marker,
        "CustomerMemo": {"value": f"Order {posting.number}"[:1000]},
        "DepositToAccountRef": {"value": chart.clearing_account(currency)},
        "Line": [_line(at, line, posting, chart) for at, line in enumerate(posting.lines, start=1)],
    }
    if posting.kind == "refund":
        body["PaymentRefNum"] = posting.id[-LONGEST_NUMBER:]
    if customer:
        body["CustomerRef"] = {"value": customer}
    if chart.needs_tax_code:
        body["GlobalTaxCalculation"] = "TaxExcluded"
    if chart.several_currencies:
        body["CurrencyRef"] = {"value": currency}
    return body


def _line(at: int, line: PostingLine, posting: Posting, chart: Chart) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "ItemRef": {"value": _item(line, posting, chart)},
        "TaxCodeRef": {"value": chart.line_tax_code()},
    }
    description = UNPRINTABLE.sub(" ", line.description)
    if line.quantity and line.unit_price is not None:
        detail |= {"Qty": line.quantity, "UnitPrice": number_of(line.unit_price)}
    elif line.quantity:  # the price does not multiply back to the amount, and QuickBooks checks that (6070)
        description = f"{line.quantity} x {description}"
    return {
        "LineNum": at,
        "Description": description[:LONGEST_DESCRIPTION],
        "Amount": number_of(line.amount),
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": detail,
    }


def _item(line: PostingLine, posting: Posting, chart: Chart) -> str:
    if line.kind == "tax" and line.title in chart.taxes:
        return chart.taxes[line.title]
    if line.kind == "tax" and line.title and chart.strict_taxes:
        raise Unmappable("tax", f"no item is named for the tax {line.title!r}", hint="add it to tax_items")
    kind = ITEM_OF.get(line.kind, line.kind)
    if kind == "goods" and posting.kind == "refund":
        kind = "returns"
    return chart.item(kind)


def document_number(posting: Posting, prefix: str) -> str:
    """E.g. "S-1001", "S-A-1001" with the prefix A, "R-1001-2" for the second refund; 21 characters at most.

    Of a longer one the tail is kept, with four hash characters so that two of them differ.
    """
    head = ("S-" if posting.kind == "sale" else "R-") + (f"{prefix}-" if prefix else "")
    tail = f"-{posting.position}" if posting.kind == "refund" else ""
    number = UNPRINTABLE.sub("", posting.number).strip().lstrip("#") or posting.id
    whole = f"{head}{number}{tail}"
    if len(whole) <= LONGEST_NUMBER:
        return whole
    room = LONGEST_NUMBER - len(head) - len(tail) - 5
    return f"{head}{fingerprint(whole)[:4]}-{number[-room:]}{tail}"


def local_date(moment: datetime, timezone: str) -> str:
    """The merchant's calendar day of that moment, as QuickBooks writes dates."""
    return moment.astimezone(ZoneInfo(timezone)).date().isoformat()


def number_of(amount: Money) -> float:
    """The JSON number, two decimals. Raises Unmappable for an amount that two decimals cannot say."""
    cents = amount.amount.quantize(CENT)
    if cents != amount.amount:
        raise Unmappable("currency", f"{amount} has more than the two decimals that QuickBooks keeps")
    return float(cents)


def _content(body: Mapping[str, Any]) -> str:
    """A digest of what a document says, leaving out which ids it says it with: a new map rewrites no old books."""
    lines = [[line["Description"], line["Amount"], line["SalesItemLineDetail"].get("Qty")] for line in body["Line"]]
    return fingerprint(json.dumps([body["DocNumber"], body["TxnDate"], body["PrivateNote"], lines]))
