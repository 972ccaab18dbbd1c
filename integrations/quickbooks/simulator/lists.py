"""What QuickBooks accepts as an account, item, customer, vendor, employee or tax code."""

from __future__ import annotations

import re

from integrations.quickbooks.simulator.company import ACCOUNT_TYPES, Company, Row, label_of
from integrations.quickbooks.simulator.refusals import Refused

NAME_PARTS = ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")
ITEM_TYPES = ("Service", "NonInventory", "Inventory", "Category", "Group")
OF_INVENTORY = ("AssetAccountRef", "ExpenseAccountRef", "InvStartDate", "QtyOnHand", "TrackQtyOnHand")


def list_row(company: Company, entity: str, body: Row, old: Row | None) -> Row:
    """The row to store. Raises Refused."""
    label = label_of(entity)
    name = body.get(label) or (
        " ".join(body[part] for part in NAME_PARTS if body.get(part)) if label == "DisplayName" else ""
    )
    if not name:
        raise Refused("2020", f"Required parameter {label} is missing in the request", label)
    if re.search(r"[:\t\n]", name):
        raise Refused("6000", f"The {label} must not contain a colon, tab or new line", label)
    same = company.of_that_name(entity, name)
    if same and (old is None or same["Id"] != old["Id"]):
        raise Refused("6240", f"The name supplied already exists. : Id={same['Id']}", label)
    currency = (body.get("CurrencyRef") or {}).get("value", company.home_currency)
    if currency != company.home_currency and not company.several_currencies:
        raise Refused("6000", f"Multi Currency should be enabled to perform this operation ({currency})", "CurrencyRef")
    if old is not None and currency != (old.get("CurrencyRef") or {}).get("value", company.home_currency):
        raise Refused("6000", "The currency cannot be changed", "CurrencyRef")
    if entity == "Account" and body.get("AccountType") not in ACCOUNT_TYPES:
        raise Refused("2170", f"Invalid Enumeration : {body.get('AccountType')}", "AccountType")
    if entity == "Item":
        _item(company, body)
    return {**{key: value for key, value in body.items() if key != "sparse"}, label: name}


def _item(company: Company, body: Row) -> None:
    kind = body.get("Type")
    if kind not in ITEM_TYPES:
        raise Refused("2170", f"Invalid Enumeration : {kind}", "Type")
    if kind in ("Category", "Group"):
        return
    needed = ("IncomeAccountRef", *(OF_INVENTORY if kind == "Inventory" else ()))
    for field in needed:
        if field not in body:
            raise Refused("2020", f"Required parameter {field} is missing in the request", field)
        if field.endswith("Ref"):
            company.refer("Account", body[field], field)
