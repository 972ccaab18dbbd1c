"""Creating the accounts, items and customers that the maps name and the company lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from commerce.errors import Rejected, UnexpectedAnswer
from integrations.quickbooks.client import Books, quoted, select
from integrations.quickbooks.faults import NAME_USED, VENDOR
from integrations.quickbooks.schemas import Named
from integrations.quickbooks.settings import QuickBooksSettings

CLEARING_TYPE = "Other Current Asset"
ACCOUNT_TYPES = {
    "tax": "Other Current Liability",
    "gift_card": "Other Current Liability",
    "tip": "Other Current Liability",
    "duty": "Other Current Liability",
    "rounding": "Other Expense",
}
"""By kind of line; every other kind is income."""

Known = dict[str, Named]
"""What the company has, by its name in lower case."""


class Creator:
    """Creates by name. `refused` holds, by name in lower case, what QuickBooks did not want and why."""

    def __init__(self, settings: QuickBooksSettings, books: Books) -> None:
        self._settings = settings
        self._books = books
        self.refused: dict[str, str] = {}

    def create(
        self, clearing: Mapping[str, str], customers: Mapping[str, str], accounts: Known, items: Known, people: Known
    ) -> list[str]:
        """Put what is missing into the company and into these tables; the names created.

        `clearing` and `customers` are names by currency.
        """
        created = self._accounts(clearing, accounts) + self._items(accounts, items)
        for currency, name in customers.items():
            created += self._one("Customer", name, self._in_currency({"DisplayName": name}, currency), people)
        return created

    def _accounts(self, clearing: Mapping[str, str], accounts: Known) -> list[str]:
        created = []
        for currency, name in clearing.items():
            body = self._in_currency({"Name": name, "AccountType": CLEARING_TYPE}, currency)
            created += self._one("Account", name, body, accounts)
        for kind, name in self._settings.accounts:
            body = {"Name": name, "AccountType": ACCOUNT_TYPES.get(kind, "Income")}
            created += self._one("Account", name, body, accounts)
        return created

    def _items(self, accounts: Known, items: Known) -> list[str]:
        behind = dict(self._settings.accounts)
        wanted = {name: behind[kind] for kind, name in reversed(list(self._settings.items))}
        wanted = {**dict.fromkeys(self._settings.tax_items.values(), behind["tax"]), **wanted}
        created = []
        for name, account in wanted.items():
            income = accounts.get(account.lower())
            if income is None:
                self.refused.setdefault(name.lower(), f"its account {account!r} could not be created")
                continue
            body = {"Name": name, "Type": "Service", "IncomeAccountRef": {"value": income.id}}
            created += self._one("Item", name, body, items)
        return created

    def _in_currency(self, body: dict[str, Any], currency: str) -> dict[str, Any]:
        """The currency is said only where it is not the home currency: without Multicurrency it may not be said."""
        named = currency in {*self._settings.clearing_accounts, *self._settings.customers}
        return {**body, "CurrencyRef": {"value": currency}} if named else body

    def _one(self, entity: str, name: str, body: dict[str, Any], known: Known) -> list[str]:
        if name.lower() in known:
            return []
        try:
            try:
                known[name.lower()] = _read(entity, self._books.write(entity, body))
            except Rejected as refused:
                if refused.code != NAME_USED:
                    raise
                known[name.lower()] = self._of_that_name(entity, name, body, refused)
        except Rejected as refused:
            self.refused[name.lower()] = str(refused)
            return []
        return [name]

    def _of_that_name(self, entity: str, name: str, body: dict[str, Any], refused: Rejected) -> Named:
        """An inactive one is made active again; a customer whose name a vendor or employee has gets a longer one."""
        found = self._found(entity, name)
        if found is None and entity == "Customer":
            longer = f"{name} (customer)"
            again = self._found(entity, longer)
            if again is None:
                return _read(entity, self._books.write(entity, {**body, "DisplayName": longer}))
            found = again
        if found is None:
            raise refused
        if found.active:
            return found
        change = {"Id": found.id, "SyncToken": found.sync_token, "sparse": True, "Active": True}
        return _read(entity, self._books.write(entity, {**change, **_needed(entity, body)}))

    def _found(self, entity: str, name: str) -> Named | None:
        label = "DisplayName" if entity == "Customer" else "Name"
        rows = self._books.query(select("*", entity, f"{label} = {quoted(name)}", "Active IN (true, false)"))
        return _read(entity, rows[0]) if rows else None


def _needed(entity: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """What an update has to repeat: QuickBooks wants an account's name and type even in a sparse one."""
    return {key: body[key] for key in ("Name", "AccountType") if entity == "Account"}


def _read(entity: str, raw: Any) -> Named:
    try:
        return Named.model_validate(raw)
    except ValidationError as error:
        raise UnexpectedAnswer(VENDOR, f"a {entity} in its answer cannot be read") from error
