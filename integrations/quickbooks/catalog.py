"""Names of the merchant's maps to ids of the company: read together in one call, kept for the client's life."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from commerce.errors import UnexpectedAnswer
from commerce.values import fingerprint
from integrations.quickbooks.client import Books, canonical, one_of, quoted, rows_of, select
from integrations.quickbooks.faults import VENDOR, error_of
from integrations.quickbooks.mapping import Chart
from integrations.quickbooks.schemas import Named, Preferences, problem_in
from integrations.quickbooks.settings import QuickBooksSettings

ACCOUNT_TYPES = {
    "tax": "Other Current Liability",
    "gift_card": "Other Current Liability",
    "tip": "Other Current Liability",
    "duty": "Other Current Liability",
    "rounding": "Other Expense",
}
"""By kind of line; every other kind is income."""
CLEARING_TYPES = ("Other Current Asset", "Bank")
"""What a RefundReceipt may be paid from."""


class Catalog:
    """The part of a company's lists that our documents refer to. `preferences` are those of the last reading."""

    def __init__(self, settings: QuickBooksSettings, books: Books) -> None:
        self._settings = settings
        self._books = books
        self._chart: Chart | None = None
        self.preferences = Preferences()
        self.accounts: dict[str, Named] = {}
        self.items: dict[str, Named] = {}
        self.customers: dict[str, Named] = {}

    def chart(self) -> Chart:
        """Ids for the mapping; read when first asked for, and again while a name is missing."""
        if self._chart is None:
            self.read()
            if self._settings.create_missing:
                self.create_missing()
            chart = self._as_chart()
            if self.missing():
                return chart
            self._chart = chart
        return self._chart

    def forget(self) -> None:
        """Read again next time: something was renamed or made inactive."""
        self._chart = None

    def read(self) -> None:
        """Ask for preferences, accounts, items and the customer by name, in one call."""
        wanted = {
            "prefs": select("*", "Preferences"),
            "accounts": select("Id, Name, AccountType, Active", "Account", f"Name {one_of(self._account_names())}"),
            "items": select("Id, Name, Type, Active", "Item", f"Name {one_of(self._item_names())}"),
        }
        if self._settings.customer:
            where = f"DisplayName = {quoted(self._settings.customer)}"
            wanted["customer"] = select("Id, DisplayName, Active", "Customer", where)
        answers = self._books.batch([{"bId": key, "Query": statement} for key, statement in wanted.items()])
        for answer in answers.values():
            if problem := problem_in(answer):
                raise error_of(problem)
        try:
            self.preferences = Preferences.model_validate(next(iter(rows_of(answers["prefs"])), {}))
            self.accounts = _by_name(rows_of(answers["accounts"]))
            self.items = _by_name(rows_of(answers["items"]))
            self.customers = _by_name(rows_of(answers["customer"]) if "customer" in wanted else [])
        except (KeyError, ValidationError) as error:
            raise UnexpectedAnswer(VENDOR, "the company's lists cannot be read") from error

    def missing(self) -> list[str]:
        """What the maps name and the company does not have, e.g. "items.tax = 'Sales tax collected'"."""
        settings = self._settings
        missing = [f"items.{kind} = {name!r}" for kind, name in settings.items if name.lower() not in self.items]
        missing += [f"tax_items = {name!r}" for name in settings.tax_items.values() if name.lower() not in self.items]
        missing += [f"clearing = {name!r}" for name in self._clearing().values() if name.lower() not in self.accounts]
        if settings.customer and settings.customer.lower() not in self.customers:
            missing.append(f"customer = {settings.customer!r}")
        return missing

    def create_missing(self) -> list[str]:
        """Create what the maps name and the company lacks; the names created. Repeating creates nothing twice."""
        created = []
        for name, kind in self._wanted_accounts().items():
            if name.lower() not in self.accounts:
                self.accounts[name.lower()] = self._create("Account", {"Name": name, "AccountType": kind})
                created.append(name)
        for name, account in self._wanted_items().items():
            if name.lower() not in self.items:
                income = {"value": self.accounts[account.lower()].id}
                body = {"Name": name, "Type": "Service", "IncomeAccountRef": income}
                self.items[name.lower()] = self._create("Item", body)
                created.append(name)
        customer = self._settings.customer
        if customer and customer.lower() not in self.customers:
            self.customers[customer.lower()] = self._create("Customer", {"DisplayName": customer})
            created.append(customer)
        return created

    def _create(self, entity: str, body: dict[str, Any]) -> Named:
        request_id = fingerprint(self._books.realm_id, entity, canonical(body))
        try:
            return Named.model_validate(self._books.write(entity, body, request_id=request_id))
        except ValidationError as error:
            raise UnexpectedAnswer(VENDOR, f"the new {entity} cannot be read") from error

    def _wanted_accounts(self) -> dict[str, str]:
        """Type by account name, for everything that may have to be created."""
        types = dict.fromkeys(self._clearing().values(), CLEARING_TYPES[0])
        for kind, name in self._settings.accounts:
            types.setdefault(name, ACCOUNT_TYPES.get(kind, "Income"))
        return types

    def _wanted_items(self) -> dict[str, str]:
        """Account name by item name."""
        accounts = dict(self._settings.accounts)
        items: dict[str, str] = {}
        for kind, name in self._settings.items:
            items.setdefault(name, accounts[kind])
        for name in self._settings.tax_items.values():
            items.setdefault(name, accounts["tax"])
        return items

    def _clearing(self) -> dict[str, str]:
        """Clearing account's name by currency; the home currency's under its own code."""
        home = self.preferences.currencies.home.value or "USD"
        return {home: self._settings.clearing_account, **self._settings.clearing_accounts}

    def _account_names(self) -> list[str]:
        clearing = {self._settings.clearing_account, *self._settings.clearing_accounts.values()}
        more = {name for _, name in self._settings.accounts} if self._settings.create_missing else set()
        return sorted(clearing | more)

    def _item_names(self) -> list[str]:
        return sorted({name for _, name in self._settings.items} | set(self._settings.tax_items.values()))

    def _as_chart(self) -> Chart:
        settings, clearing = self._settings, self._clearing()
        customer = self.customers.get(settings.customer.lower())
        names = {f"items.{kind}": name for kind, name in settings.items}
        return Chart(
            items={kind: self.items[name.lower()].id for kind, name in settings.items if name.lower() in self.items},
            taxes={
                title: self.items[name.lower()].id
                for title, name in settings.tax_items.items()
                if name.lower() in self.items
            },
            clearing={
                currency: self.accounts[name.lower()].id
                for currency, name in clearing.items()
                if name.lower() in self.accounts
            },
            names=names | {f"clearing.{currency}": name for currency, name in clearing.items()},
            strict_taxes=settings.unmapped_tax == "hold",
            customer=customer.id if customer else "",
            home_currency=self.preferences.currencies.home.value or "USD",
            several_currencies=self.preferences.currencies.several,
            prefix=settings.prefix,
            timezone=settings.timezone,
        )


def _by_name(rows: Iterable[dict[str, Any]]) -> dict[str, Named]:
    """Active ones by their name in lower case, as QuickBooks compares names."""
    found = [Named.model_validate(row) for row in rows]
    return {one.name.lower(): one for one in found if one.active}
