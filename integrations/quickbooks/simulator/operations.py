"""Create, update, void, delete: what a write does to a company's tables."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from integrations.quickbooks.simulator.company import LISTS, TRANSACTIONS, Company, Row
from integrations.quickbooks.simulator.refusals import Refused
from integrations.quickbooks.simulator.rules import changeable, complete

COMPUTED = {"Line", "TotalAmt", "Balance", "TxnTaxDetail", "PrintStatus", "EmailStatus"}


def operate(company: Company, operation: str, entity: str, body: Any, *, void: bool = False) -> Row:
    """Do what was asked; the row as it is answered. Raises Refused."""
    if not isinstance(body, dict):
        raise Refused("2010", "The request body is not a JSON object")
    if operation == "delete":
        return _delete(company, entity, body)
    old = _current(company, entity, body) if body.get("Id") else None
    if operation == "create" and old:
        raise Refused("2010", "Id must not be sent with create", "Id")
    if operation == "update" and not old:
        raise Refused("2020", "Required parameter Id is missing in the request", "Id")
    if old is None:
        return shown(company, entity, company.add(entity, complete(company, entity, dict(body), None)))
    if entity in TRANSACTIONS:
        changeable(company, entity, old)
    if void:
        return _void(company, entity, old)
    content = {**_writable(old), **body} if body.get("sparse") else dict(body)
    content.pop("sparse", None)
    if entity == "Account" and not (body.get("Name") and body.get("AccountType")):
        raise Refused("2020", "Required parameter Name or AccountType is missing in the request")
    return shown(company, entity, company.replace(entity, old, complete(company, entity, content, old)))


def shown(company: Company, entity: str, row: Row) -> Row:
    """The row as it is answered; an account with its balance."""
    return {**row, "CurrentBalance": company.balance(row)} if entity == "Account" else row


def _current(company: Company, entity: str, body: Row) -> Row:
    """The row to change. Refused with 5010 when the sync token is not the current one."""
    row = company.find(entity, str(body["Id"]))
    if str(body.get("SyncToken", "")) != row["SyncToken"]:
        words = "You and Ada Bookkeeper were working on this at the same time."
        raise Refused("5010", f"{words} Ada finished before you did, so your work was not saved.")
    return row


def _writable(row: Row) -> Row:
    """A stored row as it would be sent: without what is computed."""
    lines = [line for line in row.get("Line", []) if line["DetailType"] != "SubTotalLineDetail"]
    return {key: value for key, value in row.items() if key not in COMPUTED} | ({"Line": lines} if lines else {})


def _delete(company: Company, entity: str, body: Row) -> Row:
    if entity in LISTS:
        raise Refused("500", f"{entity} is made inactive, not deleted")
    row = _current(company, entity, body)
    changeable(company, entity, row)
    company.remove(entity, row)
    return {"status": "Deleted", "domain": "QBO", "Id": row["Id"]}


def _void(company: Company, entity: str, row: Row) -> Row:
    if entity != "SalesReceipt":
        raise Refused("500", f"{entity} cannot be voided")
    nothing = Decimal(0)
    lines = [{**line, "Amount": nothing} for line in row["Line"]]
    for line in lines:
        if "SalesItemLineDetail" in line:
            detail = {
                key: value for key, value in line["SalesItemLineDetail"].items() if key not in ("Qty", "UnitPrice")
            }
            line["SalesItemLineDetail"] = detail
    voided = {**row, "Line": lines, "TotalAmt": nothing, "TxnTaxDetail": {"TotalTax": nothing}, "PrivateNote": "Voided"}
    return company.replace(entity, row, voided)
