"""What QuickBooks accepts, entity by entity: fields, lengths, references, sums, periods."""

from __future__ import annotations

import re
from decimal import Decimal

from integrations.quickbooks.simulator.company import SHIPPING_ITEM, Company, Row
from integrations.quickbooks.simulator.lists import list_row
from integrations.quickbooks.simulator.refusals import Refused, stamp
from integrations.quickbooks.simulator.taxes import rounded, tax_detail

OWN = {"Id", "SyncToken", "sparse", "MetaData", "domain", "Active"}
OF_TRANSACTIONS = OWN | {"DocNumber", "TxnDate", "PrivateNote", "CurrencyRef", "ExchangeRate", "Line", "TotalAmt"}
FIELDS = {
    "Account": OWN
    | {"Name", "AccountType", "AccountSubType", "Classification", "CurrentBalance", "CurrencyRef", "AcctNum"}
    | {"Description", "FullyQualifiedName", "SubAccount", "ParentRef"},
    "Item": OWN
    | {"Name", "Type", "Sku", "IncomeAccountRef", "ExpenseAccountRef", "AssetAccountRef", "Taxable", "UnitPrice"}
    | {"InvStartDate", "QtyOnHand", "TrackQtyOnHand", "Description", "FullyQualifiedName"}
    | {"SubItem", "ParentRef", "PurchaseCost", "PurchaseDesc", "SalesTaxCodeRef", "TaxClassificationRef"},
    "Customer": OWN
    | {"DisplayName", "GivenName", "FamilyName", "MiddleName", "Title", "Suffix", "CompanyName", "PrimaryEmailAddr"}
    | {"PrimaryPhone", "BillAddr", "ShipAddr", "CurrencyRef", "Notes", "Balance", "BalanceWithJobs", "BillWithParent"}
    | {"FullyQualifiedName", "IsProject", "Job", "Level", "OpenBalanceDate", "PreferredDeliveryMethod", "ParentRef"}
    | {"PrimaryTaxIdentifier", "PrintOnCheckName", "ResaleNum", "Taxable", "AlternatePhone", "Mobile", "Fax", "WebAddr"}
    | {"DefaultTaxCodeRef", "SalesTermRef", "PaymentMethodRef"},
    "TaxCode": OWN | {"Name", "Description", "Taxable", "rate"},
    "JournalEntry": OF_TRANSACTIONS | {"Adjustment", "TxnTaxDetail"},
    "Deposit": OF_TRANSACTIONS | {"DepositToAccountRef", "DepartmentRef"},
}
FIELDS["Vendor"] = FIELDS["Employee"] = FIELDS["Customer"]
FIELDS["SalesReceipt"] = OF_TRANSACTIONS | {
    *("CustomerRef", "CustomerMemo", "BillEmail", "BillAddr", "ShipAddr", "ShipDate", "ShipMethodRef", "TrackingNum"),
    *("PaymentMethodRef", "PaymentRefNum", "DepositToAccountRef", "DepartmentRef", "ClassRef", "TxnTaxDetail"),
    *("ApplyTaxAfterDiscount", "ShippingTaxIncludedInTotalTax", "GlobalTaxCalculation", "Balance", "PrintStatus"),
    *("EmailStatus", "CustomField", "HomeTotalAmt", "LinkedTxn", "ShipFromAddr", "PaymentType", "TxnSource"),
}
FIELDS["RefundReceipt"] = FIELDS["SalesReceipt"] - {"TrackingNum", "ShipDate", "ShipMethodRef"}
LENGTHS = {
    **{"DocNumber": 21, "PrivateNote": 4000, "PaymentRefNum": 21, "Name": 100, "Sku": 100, "DisplayName": 500},
    **{"GivenName": 100, "FamilyName": 100, "CustomerMemo.value": 1000, "PrimaryEmailAddr.Address": 100},
    **{"BillEmail.Address": 100},
    **{f"{kind}.Line{n}": 500 for kind in ("BillAddr", "ShipAddr") for n in range(1, 6)},
    **{f"{kind}.City": 255 for kind in ("BillAddr", "ShipAddr")},
    **{f"{kind}.PostalCode": 30 for kind in ("BillAddr", "ShipAddr")},
}
LINE_KINDS = {
    *("SalesItemLineDetail", "DiscountLineDetail", "SubTotalLineDetail", "DescriptionOnly", "GroupLineDetail"),
    *("JournalEntryLineDetail", "DepositLineDetail"),
}
PAYS_REFUNDS = {"Bank", "Other Current Asset"}


def complete(company: Company, entity: str, body: Row, old: Row | None) -> Row:
    """The row to store for a create (`old` None) or update, everything checked and computed. Raises Refused."""
    _shape(entity, body)
    if entity in ("SalesReceipt", "RefundReceipt"):
        return _sales_document(company, entity, body, old)
    if entity == "JournalEntry":
        return _journal(company, body, old)
    if entity == "Deposit":
        return _deposit(company, body, old)
    return list_row(company, entity, body, old)


def changeable(company: Company, entity: str, row: Row) -> None:
    """Refuse to touch what is deposited or in a closed period."""
    if row["Id"] in company.deposited:
        raise Refused("6540", "This transaction has been deposited. If you want to change it, edit the deposit first.")
    _open_period(company, str(row.get("TxnDate", "9999")))


def _shape(entity: str, body: Row) -> None:
    for name, value in body.items():
        if name not in FIELDS[entity]:
            raise Refused("2010", f"Property Name: {name}: a property specified is unsupported or invalid", name)
        parts = {f"{name}.{key}": part for key, part in value.items()} if isinstance(value, dict) else {name: value}
        for key, part in parts.items():
            if key in LENGTHS and isinstance(part, str) and len(part) > LENGTHS[key]:
                words = f"Min:0 Max:{LENGTHS[key]} supported. Supplied length:{len(part)}"
                raise Refused("2050", f"String length specified does not match the supported length. {words}", key)
            if key.endswith("Ref.value") and part is not None and not isinstance(part, str):
                raise Refused("2010", f"Property Name: {key}: a reference's value is a string", key)


def _sales_document(company: Company, entity: str, body: Row, old: Row | None) -> Row:
    lines = [_sales_line(company, at, line) for at, line in enumerate(_lines(body), start=1)]
    lines = [line for line in lines if line["DetailType"] != "SubTotalLineDetail"]
    _once(company, lines)
    _dated(company, body)
    _in_stock_by(company, lines, body["TxnDate"])
    _numbered(company, entity, body, old)
    account = _money_account(company, entity, body)
    _currency(company, body, account)
    if body.get("CustomerRef"):
        customer = company.refer("Customer", body["CustomerRef"], "CustomerRef")
        _currency_of(company, body, customer, "customer")
    subtotal = sum((line["Amount"] for line in lines if line["DetailType"] == "SalesItemLineDetail"), Decimal(0))
    discount = sum((line["Amount"] for line in lines if line["DetailType"] == "DiscountLineDetail"), Decimal(0))
    taxes = tax_detail(company, body, lines, discount)
    if company.distortions:
        taxes["TotalTax"] += company.distortions.pop(0)
    total = subtotal - discount + taxes["TotalTax"]
    if total < 0 or (total == 0 and company.habits.zero_totals == "refused"):
        raise Refused("6000", "Transaction amount must be 0 or greater.")
    lines.append({"Amount": subtotal, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}})
    return {
        **{key: value for key, value in body.items() if key not in ("sparse", "TxnTaxDetail")},
        "DepositToAccountRef": {"value": account["Id"], "name": account["Name"]},
        "CurrencyRef": body.get("CurrencyRef") or {"value": company.home_currency},
        "Line": lines,
        "TxnTaxDetail": taxes,
        "TotalAmt": total,
        "Balance": Decimal(0),
        "PrintStatus": "NotSet",
        "EmailStatus": "NotSet",
    }


def _lines(body: Row) -> list[Row]:
    lines = body.get("Line")
    if not isinstance(lines, list) or not lines:
        raise Refused("2020", "Required parameter Line is missing in the request", "Line")
    return lines


def _sales_line(company: Company, at: int, line: Row) -> Row:
    kind = line.get("DetailType")
    if kind not in LINE_KINDS:
        raise Refused("2170", f"Invalid Enumeration : {kind}", "DetailType")
    if len(line.get("Description") or "") > 4000:
        raise Refused("2050", "Description Max:4000 supported", "Description")
    if kind in ("DescriptionOnly", "SubTotalLineDetail"):
        return {**line, "Id": str(at)}
    amount = _amount(line)
    detail = line.get(kind)
    if not isinstance(detail, dict):
        raise Refused("2020", f"Required parameter {kind} is missing in the request", kind)
    if kind == "SalesItemLineDetail":
        _sold(company, amount, detail)
    return {**line, "Id": line.get("Id", str(at)), "LineNum": line.get("LineNum", at), "Amount": amount}


def _amount(line: Row) -> Decimal:
    amount = line.get("Amount")
    if not isinstance(amount, int | Decimal) or isinstance(amount, bool):
        raise Refused("6000", "Amount is missing or is not a number", "Amount")
    return rounded(Decimal(amount))


def _sold(company: Company, amount: Decimal, detail: Row) -> None:
    item = (detail.get("ItemRef") or {}).get("value")
    if item == SHIPPING_ITEM and not company.allow_shipping:
        raise Refused("6000", "Shipping is not turned on for this company", "ItemRef")
    if "ItemRef" in detail and item != SHIPPING_ITEM:
        kind = company.refer("Item", detail["ItemRef"], "ItemRef").get("Type")
        if kind not in ("Service", "NonInventory", "Inventory"):
            raise Refused("2500", f"Invalid Reference Id : an item of type {kind} cannot be sold", "ItemRef")
    if "UnitPrice" in detail and "Qty" in detail:
        product = rounded(Decimal(detail["UnitPrice"]) * Decimal(detail["Qty"]))
        if product != amount:
            raise Refused(
                company.habits.wrong_product,
                f"Amount is not equal to UnitPrice * Qty. Supplied value:{amount}",
                "Amount",
            )


def _once(company: Company, lines: list[Row]) -> None:
    """Refuse what a document may hold only once, or only where it is turned on."""
    off = [line for line in lines if line["DetailType"] == "DiscountLineDetail"]
    if off and not company.allow_discount:
        raise Refused("6000", "Discounts are not turned on for this company", "DiscountLineDetail")
    if len(off) > 1 or any(line["Amount"] < 0 for line in off):
        raise Refused("6000", "A transaction can have one discount line, with a positive amount", "DiscountLineDetail")
    shipped = [
        line for line in lines if (line.get("SalesItemLineDetail") or {}).get("ItemRef") == {"value": SHIPPING_ITEM}
    ]
    if len(shipped) > 1:
        raise Refused("6000", "A transaction can have one shipping line", "ItemRef")


def _in_stock_by(company: Company, lines: list[Row], date: str) -> None:
    for line in lines:
        reference = (line.get("SalesItemLineDetail") or {}).get("ItemRef") or {}
        item = company.tables["Item"].get(str(reference.get("value")), {})
        if item.get("InvStartDate") and date < item["InvStartDate"]:
            raise Refused("6270", f"The item {item['Name']} starts on {item['InvStartDate']}", "TxnDate")


def _dated(company: Company, body: Row) -> None:
    date = body.get("TxnDate")
    if not date:
        body["TxnDate"] = date = company_date(company)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(date)):
        raise Refused("2010", f"Invalid Date : {date}", "TxnDate")
    _open_period(company, date)


def company_date(company: Company) -> str:
    """Today at the server, which is not the merchant's day."""
    return stamp(company.clock())[:10]


def _open_period(company: Company, date: str) -> None:
    if company.closed_until and date <= company.closed_until:
        raise Refused("6210", f"The account period has closed and the account books cannot be updated (date {date})")


def _numbered(company: Company, entity: str, body: Row, old: Row | None) -> None:
    if not company.custom_numbers and company.habits.own_numbers_when_off == "kept":
        body.setdefault("DocNumber", old["DocNumber"] if old else company.next_number())
    elif not company.custom_numbers:
        body["DocNumber"] = old["DocNumber"] if old else company.next_number()
    number = body.get("DocNumber") or ""
    others = company.same_number(entity, number) - {old["Id"] if old else ""}
    if company.duplicate_warning and number and others:
        kind = re.sub(r"(?<!^)(?=[A-Z])", " ", entity)
        words = f"DocNumber={number} is assigned to TxnType={kind} with TxnId={min(others)}"
        raise Refused("6140", f"You must specify a different number. This number has already been used. {words}")


def _money_account(company: Company, entity: str, body: Row) -> Row:
    if "DepositToAccountRef" not in body:
        if entity == "RefundReceipt":
            raise Refused("2020", "Required parameter DepositToAccountRef is missing in the request")
        found = company.named("Account", "Undeposited Funds")
        return found or {}
    account = company.refer("Account", body["DepositToAccountRef"], "DepositToAccountRef")
    if account["AccountType"] not in PAYS_REFUNDS:
        raise Refused("6000", f"Account {account['Name']} must be of type Bank or Other Current Asset")
    if entity == "RefundReceipt" and account["AccountType"] == "Bank" and not body.get("PaymentRefNum"):
        raise Refused("2020", "Required parameter PaymentRefNum is missing in the request")
    return account


def _currency(company: Company, body: Row, account: Row) -> None:
    currency = (body.get("CurrencyRef") or {}).get("value", company.home_currency)
    if currency != company.home_currency and not company.several_currencies:
        raise Refused("6000", f"Multi Currency should be enabled to perform this operation ({currency})", "CurrencyRef")
    if company.several_currencies and "CurrencyRef" not in body:
        raise Refused("2020", "Required parameter CurrencyRef is missing in the request", "CurrencyRef")
    of_account = account.get("CurrencyRef", {}).get("value", company.home_currency)
    if of_account not in (currency, company.home_currency):
        raise Refused("6000", f"The account is kept in {of_account}, the transaction in {currency}")


def _currency_of(company: Company, body: Row, row: Row, what: str) -> None:
    """A customer has one currency, and its documents are in it."""
    currency = (body.get("CurrencyRef") or {}).get("value", company.home_currency)
    own = (row.get("CurrencyRef") or {}).get("value", company.home_currency)
    if own != currency:
        raise Refused("6000", f"The {what} is kept in {own}, the transaction in {currency}", "CurrencyRef")


def _journal(company: Company, body: Row, old: Row | None) -> Row:
    lines = [{**line, "Id": str(at), "Amount": _amount(line)} for at, line in enumerate(_lines(body), start=1)]
    _dated(company, body)
    _numbered(company, "JournalEntry", body, old)
    sides = {"Debit": Decimal(0), "Credit": Decimal(0)}
    for line in lines:
        detail = line.get("JournalEntryLineDetail") or {}
        company.refer("Account", detail.get("AccountRef"), "AccountRef")
        if detail.get("PostingType") not in sides or line["Amount"] < 0:
            raise Refused("6000", "Every journal line needs a positive amount and a posting type")
        sides[detail["PostingType"]] += line["Amount"]
    if sides["Debit"] != sides["Credit"] or len(lines) < 2:
        raise Refused("6000", f"Transaction is not in balance: debits {sides['Debit']}, credits {sides['Credit']}")
    return {**body, "Line": lines, "TotalAmt": sides["Debit"]}


def _deposit(company: Company, body: Row, old: Row | None) -> Row:
    lines = [{**line, "Id": str(at), "Amount": _amount(line)} for at, line in enumerate(_lines(body), start=1)]
    _dated(company, body)
    company.refer("Account", body.get("DepositToAccountRef"), "DepositToAccountRef")
    for line in lines:
        company.refer("Account", (line.get("DepositLineDetail") or {}).get("AccountRef"), "AccountRef")
    total = sum((line["Amount"] for line in lines), Decimal(0))
    if total < 0:
        raise Refused("6000", "The deposit total must be positive")
    return {**body, "Line": lines, "TotalAmt": total}
