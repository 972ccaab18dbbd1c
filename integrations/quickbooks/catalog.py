"""Names of the merchant's maps to ids of the company: read together in one call, kept for the client's life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from commerce.errors import UnexpectedAnswer
from integrations.quickbooks.chart import Chart
from integrations.quickbooks.client import Books, one_of, rows_of, select
from integrations.quickbooks.creating import Creator
from integrations.quickbooks.faults import VENDOR, error_of
from integrations.quickbooks.problems import problem_in
from integrations.quickbooks.schemas import Company, Named, Preferences
from integrations.quickbooks.settings import QuickBooksSettings

CLEARING_TYPES = ("Other Current Asset", "Bank")
"""What a RefundReceipt may be paid from."""


ALL = " STARTPOSITION 1 MAXRESULTS 1000"
"""Without it QuickBooks shows a hundred."""


class Catalog:
    """The part of a company's lists that our documents refer to. `preferences` are those of the last reading."""

    def __init__(self, settings: QuickBooksSettings, books: Books) -> None:
        self._settings = settings
        self._books = books
        self._chart: Chart | None = None
        self.preferences = Preferences()
        self.company = Company()
        self.accounts: dict[str, Named] = {}
        self.items: dict[str, Named] = {}
        self.customers: dict[str, Named] = {}
        self.tax_codes: dict[str, Named] = {}
        self.refused: dict[str, str] = {}
        """Why something could not be created, by its name in lower case."""

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
        """Ask for company, preferences, and accounts, items, customers and tax code by name, in one call."""
        wanted = {
            "company": select("*", "CompanyInfo"),
            "prefs": select("*", "Preferences"),
            "accounts": select("*", "Account", f"Name {one_of(self._account_names())}") + ALL,
            "items": select("*", "Item", f"Name {one_of(self._item_names())}") + ALL,
        }
        if names := sorted(set(self.customer_names().values())):
            wanted["customers"] = select("*", "Customer", f"DisplayName {one_of(names)}")
        if self._settings.tax_code:
            wanted["codes"] = select("*", "TaxCode", f"Name {one_of([self._settings.tax_code])}")
        answers = self._books.batch([{"bId": key, "Query": statement} for key, statement in wanted.items()])
        for answer in answers.values():
            if problem := problem_in(answer):
                raise error_of(problem)
        try:
            rows = {key: rows_of(answers[key]) for key in wanted}
            self.company = Company.model_validate(next(iter(rows["company"]), {}))
            self.preferences = Preferences.model_validate(next(iter(rows["prefs"]), {}))
            self.accounts = _by_name(rows["accounts"])
            self.items = _by_name(rows["items"])
            self.customers = _by_name(rows.get("customers", []))
            self.tax_codes = _by_name(rows.get("codes", []))
        except (KeyError, ValidationError) as error:
            raise UnexpectedAnswer(VENDOR, "the company's lists cannot be read") from error

    def missing(self) -> list[str]:
        """What the maps name and the company does not have, e.g. "items.tax = 'Sales tax collected'"."""
        settings = self._settings
        missing = [f"items.{kind} = {name!r}" for kind, name in settings.items if name.lower() not in self.items]
        missing += [f"tax_items = {name!r}" for name in settings.tax_items.values() if name.lower() not in self.items]
        missing += [f"clearing = {name!r}" for name in self.clearing().values() if name.lower() not in self.accounts]
        customers = set(self.customer_names().values())
        missing += [f"customer = {name!r}" for name in sorted(customers) if name.lower() not in self.customers]
        if settings.tax_code and settings.tax_code.lower() not in self.tax_codes:
            missing.append(f"tax_code = {settings.tax_code!r}")
        return missing

    def create_missing(self) -> list[str]:
        """Create what the maps name and the company lacks; the names created. Repeating creates nothing twice.

        What QuickBooks refuses stays missing, and is held against the orders that need it.
        """
        creator = Creator(self._settings, self._books)
        created = creator.create(self.clearing(), self.customer_names(), self.accounts, self.items, self.customers)
        self.refused = creator.refused
        return created

    def clearing(self) -> dict[str, str]:
        """Clearing account's name by currency; the home currency's under its own code."""
        return {self.home: self._settings.clearing_account, **self._settings.clearing_accounts}

    def customer_names(self) -> dict[str, str]:
        """The customer's name by currency; a customer of QuickBooks has one currency only."""
        names = {self.home: self._settings.customer, **self._settings.customers}
        return {currency: name for currency, name in names.items() if name}

    def owed(self) -> set[str]:
        """Names, in lower case, of the items whose money is not the shop's: taxes and gift cards."""
        items = self._settings.items
        return {name.lower() for name in (items.tax, items.gift_card, *self._settings.tax_items.values())}

    @property
    def home(self) -> str:
        """The currency that the books are kept in."""
        return self.preferences.currencies.home.value or "USD"

    @property
    def needs_tax_code(self) -> bool:
        """Whether each line needs a tax code of the company's own: everywhere but in the United States."""
        return self.company.country not in ("", "US", "USA")

    def _account_names(self) -> list[str]:
        clearing = {self._settings.clearing_account, *self._settings.clearing_accounts.values()}
        more = {name for _, name in self._settings.accounts} if self._settings.create_missing else set()
        return sorted(clearing | more)

    def _item_names(self) -> list[str]:
        return sorted({name for _, name in self._settings.items} | set(self._settings.tax_items.values()))

    def _as_chart(self) -> Chart:
        settings, clearing = self._settings, self.clearing()
        names = {f"items.{kind}": name for kind, name in settings.items}
        names |= {f"clearing.{currency}": name for currency, name in clearing.items()}
        code = self.tax_codes.get(settings.tax_code.lower())
        return Chart(
            items=_ids(self.items, dict(settings.items)),
            taxes=_ids(self.items, settings.tax_items),
            clearing=_ids(self.accounts, clearing),
            names=names,
            refused={key: self.refused[name.lower()] for key, name in names.items() if name.lower() in self.refused},
            strict_taxes=settings.unmapped_tax == "hold",
            customers=_ids(self.customers, self.customer_names()),
            tax_code=code.id if code else "",
            needs_tax_code=self.needs_tax_code,
            home_currency=self.home,
            several_currencies=self.preferences.currencies.several,
            prefix=settings.prefix,
            timezone=settings.timezone,
        )


def _ids(found: dict[str, Named], names: Mapping[str, str]) -> dict[str, str]:
    """Ids of what was found, by the key of its name."""
    return {key: found[name.lower()].id for key, name in names.items() if name.lower() in found}


def _by_name(rows: Iterable[dict[str, Any]]) -> dict[str, Named]:
    """Active ones by their name in lower case, as QuickBooks compares names."""
    found = [Named.model_validate(row) for row in rows]
    return {one.name.lower(): one for one in found if one.active}
