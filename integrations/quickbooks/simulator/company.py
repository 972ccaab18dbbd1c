"""What one company holds: lists, documents, preferences, and the ledger that they move."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from integrations.quickbooks.simulator.habits import Habits
from integrations.quickbooks.simulator.refusals import Refused, stamp

LISTS = ("Account", "Item", "Customer", "Vendor", "Employee", "TaxCode")
PEOPLE = ("Customer", "Vendor", "Employee")
"""Their names are unique among all of them together."""
TRANSACTIONS = ("SalesReceipt", "RefundReceipt", "Deposit", "JournalEntry")
DEBIT_TYPES = {
    "Bank",
    "Accounts Receivable",
    "Other Current Asset",
    "Fixed Asset",
    "Other Asset",
    "Expense",
    "Other Expense",
    "Cost of Goods Sold",
}
"""Account types whose balance is shown as debits less credits."""
ACCOUNT_TYPES = DEBIT_TYPES | {
    "Accounts Payable",
    "Credit Card",
    "Other Current Liability",
    "Long Term Liability",
    "Equity",
    "Income",
    "Other Income",
}
SEEDS = (
    ("Checking", "Bank"),
    ("Undeposited Funds", "Other Current Asset"),
    ("Sales", "Income"),
    ("Sales Tax Agency Payable", "Other Current Liability"),
    ("Opening Balance Equity", "Equity"),
)

SHIPPING_ITEM = "SHIPPING_ITEM_ID"
"""A pseudo item: the company's shipping account, if it sells shipping."""

Row = dict[str, Any]


class Company:
    """One company's data. Debits are positive in `balances`."""

    def __init__(
        self, clock: Callable[[], float], habits: Habits, *, name: str, country: str, home_currency: str
    ) -> None:
        self.clock = clock
        self.tables: dict[str, dict[str, Row]] = {entity: {} for entity in (*LISTS, *TRANSACTIONS)}
        self.numbers: dict[tuple[str, str], set[str]] = {}
        self.balances: dict[str, Decimal] = {}
        self.deposited: set[str] = set()
        self.changes: list[tuple[float, str, str, str]] = []
        self.name, self.country, self.home_currency = name, country, home_currency
        self.several_currencies = False
        self.closed_until: str | None = None
        self.custom_numbers = True
        self.duplicate_warning = False
        self.using_sales_tax = True
        self.habits = habits
        self.allow_discount, self.allow_shipping = True, False
        self.tax_rate = Decimal("0.08")
        self.subscribed = True
        self.distortions: list[Decimal] = []
        self._last_id = 0
        self._last_number = 1000
        for account, kind in SEEDS:
            self.add("Account", {"Name": account, "AccountType": kind})

    def next_id(self) -> str:
        """A new id, unique over all entities here."""
        self._last_id += 1
        return str(self._last_id)

    def next_number(self) -> str:
        """The number that QuickBooks gives when custom numbers are off."""
        self._last_number += 1
        return str(self._last_number)

    def find(self, entity: str, id: str) -> Row:
        """The row. Refused with 610 when there is none."""
        row = self.tables[entity].get(id)
        if row is None:
            raise Refused("610", f"Something you're trying to use has been made inactive or deleted: {entity} {id}")
        return row

    def named(self, entity: str, name: str) -> Row | None:
        """The row of a list with this name, whatever its case."""
        label = label_of(entity)
        return next((row for row in self.tables[entity].values() if row[label].lower() == name.lower()), None)

    def of_that_name(self, entity: str, name: str) -> Row | None:
        """Who has the name already; customers, vendors and employees share theirs."""
        rows = (self.named(kind, name) for kind in (PEOPLE if entity in PEOPLE else (entity,)))
        return next((row for row in rows if row), None)

    def refer(self, entity: str, reference: Any, element: str) -> Row:
        """The row that `{"value": id}` points at. Refused with 2500 when it is wrong or inactive."""
        value = reference.get("value") if isinstance(reference, dict) else None
        row = self.tables[entity].get(value) if isinstance(value, str) else None
        if row is not None and not row.get("Active", True) and self.habits.inactive == "610":
            words = "Something you're trying to use has been made inactive. Check the fields"
            raise Refused("610", f"{words} ({entity} {value})", element)
        if row is None or not row.get("Active", True):
            raise Refused("2500", f"Invalid Reference Id : {entity} element id {value} not found", element)
        return row

    def add(self, entity: str, content: Row) -> Row:
        """Store a new row; what QuickBooks adds is added."""
        now = stamp(self.clock())
        row = {
            **content,
            "Id": self.next_id(),
            "SyncToken": "0",
            "domain": "QBO",
            "sparse": False,
            "MetaData": {"CreateTime": now, "LastUpdatedTime": now},
        }
        if entity in LISTS:
            row.setdefault("Active", True)
        self._store(entity, row)
        self.changes.append((self.clock(), entity, row["Id"], "created"))
        return row

    def replace(self, entity: str, old: Row, content: Row) -> Row:
        """Store a changed row; its sync token rises by one."""
        meta = {**old["MetaData"], "LastUpdatedTime": stamp(self.clock())}
        kept = {"Id": old["Id"], "SyncToken": str(int(old["SyncToken"]) + 1), "domain": "QBO", "sparse": False}
        row = {**content, **kept, "MetaData": meta}
        self._forget(entity, old)
        self._store(entity, row)
        self.changes.append((self.clock(), entity, row["Id"], "updated"))
        return row

    def remove(self, entity: str, row: Row) -> None:
        """Take the row out, and what it moved in the ledger back."""
        self._forget(entity, row)
        del self.tables[entity][row["Id"]]
        self.changes.append((self.clock(), entity, row["Id"], "deleted"))

    def same_number(self, entity: str, number: str) -> set[str]:
        """Ids of documents of this kind with the number."""
        return self.numbers.get((entity, number), set())

    def balance(self, account: Row) -> Decimal:
        """As QuickBooks shows it: positive on the account's own side."""
        debits = self.balances.get(account["Id"], Decimal(0))
        return debits if account["AccountType"] in DEBIT_TYPES else -debits

    def preferences(self) -> Row:
        """The Preferences object."""
        return {
            "Id": "1",
            "SyncToken": "0",
            "SalesFormsPrefs": {"CustomTxnNumbers": self.custom_numbers, "AllowDiscount": self.allow_discount}
            | {"AllowShipping": self.allow_shipping},
            "TaxPrefs": {"UsingSalesTax": self.using_sales_tax, "PartnerTaxEnabled": True},
            "CurrencyPrefs": {
                "MultiCurrencyEnabled": self.several_currencies,
                "HomeCurrency": {"value": self.home_currency},
            },
            "AccountingInfoPrefs": {"TrackDepartments": False}
            | ({"BookCloseDate": self.closed_until} if self.closed_until else {}),
        }

    def _store(self, entity: str, row: Row) -> None:
        self.tables[entity][row["Id"]] = row
        if entity in TRANSACTIONS:
            self.numbers.setdefault((entity, row.get("DocNumber") or ""), set()).add(row["Id"])
            self._move(entity, row, 1)

    def _forget(self, entity: str, row: Row) -> None:
        if entity in TRANSACTIONS:
            self.same_number(entity, row.get("DocNumber") or "").discard(row["Id"])
            self._move(entity, row, -1)

    def _move(self, entity: str, row: Row, sign: int) -> None:
        for account, debit in self.entries(entity, row):
            self.balances[account] = self.balances.get(account, Decimal(0)) + sign * debit

    def entries(self, entity: str, row: Row) -> list[tuple[str, Decimal]]:
        """What a document moves in the ledger: account and debit (a credit is negative). They add up to zero."""
        if entity == "JournalEntry":
            return [_journal_entry(line) for line in row["Line"]]
        if entity == "Deposit":
            lines = [(line["DepositLineDetail"]["AccountRef"]["value"], -line["Amount"]) for line in row["Line"]]
            return [(row["DepositToAccountRef"]["value"], row["TotalAmt"]), *lines]
        sign = 1 if entity == "SalesReceipt" else -1
        moved = [(row["DepositToAccountRef"]["value"], row["TotalAmt"])]
        moved += [part for line in row["Line"] for part in self._sold(line)]
        tax = row.get("TxnTaxDetail", {}).get("TotalTax", Decimal(0))
        moved.append((self._named_id("Sales Tax Agency Payable"), -tax))
        return [(account, sign * debit) for account, debit in moved]

    def _sold(self, line: Row) -> list[tuple[str, Decimal]]:
        if line["DetailType"] == "DiscountLineDetail":
            account = line["DiscountLineDetail"].get("DiscountAccountRef", {}).get("value") or self._named_id("Sales")
            return [(account, line["Amount"])]
        if line["DetailType"] != "SalesItemLineDetail":
            return []
        item = line["SalesItemLineDetail"].get("ItemRef", {}).get("value")
        item = None if item == SHIPPING_ITEM else item
        account = self.tables["Item"][item]["IncomeAccountRef"]["value"] if item else self._named_id("Sales")
        return [(account, -line["Amount"])]

    def _named_id(self, account: str) -> str:
        row = self.named("Account", account)
        return str(row["Id"]) if row else "0"


def _journal_entry(line: Row) -> tuple[str, Decimal]:
    detail = line["JournalEntryLineDetail"]
    return detail["AccountRef"]["value"], line["Amount"] if detail["PostingType"] == "Debit" else -line["Amount"]


def label_of(entity: str) -> str:
    """The property that is a list's name."""
    return "DisplayName" if entity in PEOPLE else "Name"
