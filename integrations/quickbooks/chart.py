"""What the mapping knows of one company: ids of what our documents refer to, and how its books are kept."""

from __future__ import annotations

from pydantic import Field

from commerce.errors import Unmappable
from commerce.values import Frozen

NOT_TAXED = "NON"
"""The pseudo code of a line without tax in the United States."""


class Chart(Frozen):
    """Ids of what our documents refer to in one company.

    `items` by the name of the kind of line, `taxes` by the title of the tax, `clearing` and `customers` by currency. A
    name that the company does not have is missing here and is named in `names`, for the message; `refused` says why it
    could not be created. `strict_taxes`: a tax whose title is not in `taxes` is refused. `tax_code` is the code of
    lines where each needs one of the company's own.
    """

    items: dict[str, str]
    taxes: dict[str, str] = Field(default_factory=dict)
    clearing: dict[str, str]
    names: dict[str, str] = Field(default_factory=dict)
    refused: dict[str, str] = Field(default_factory=dict)
    strict_taxes: bool = False
    customers: dict[str, str] = Field(default_factory=dict)
    tax_code: str = ""
    needs_tax_code: bool = False
    home_currency: str
    several_currencies: bool = False
    prefix: str = ""
    timezone: str = "UTC"

    def item(self, kind: str) -> str:
        """The product or service of a kind of line. Raises Unmappable."""
        if kind not in self.items:
            name = self.names.get(f"items.{kind}", kind)
            hint = f"add a service item {name!r} in QuickBooks, or name another one in items.{kind}"
            words = f"QuickBooks has no active product or service {name!r} (items.{kind})"
            raise Unmappable("item", f"{words}{self._why(f'items.{kind}')}", hint=hint)
        return self.items[kind]

    def clearing_account(self, currency: str) -> str:
        """The account that money in this currency moves through. Raises Unmappable."""
        if currency != self.home_currency and not self.several_currencies:
            raise Unmappable(
                "currency",
                f"the amounts are in {currency}, the books are kept in {self.home_currency} only",
                hint="turn on Multicurrency in QuickBooks and name a clearing account in clearing_accounts",
            )
        if currency not in self.clearing:
            key = f"clearing.{currency}"
            name = self.names.get(key, "")
            words = (
                f"QuickBooks has no active account {name!r}" if name else f"no clearing account is named for {currency}"
            )
            hint = (
                "add the account in QuickBooks (other current asset), or correct clearing_account or clearing_accounts"
            )
            raise Unmappable("account", f"{words}{self._why(key)}", hint=hint)
        return self.clearing[currency]

    def customer(self, currency: str) -> str:
        """The customer for documents in this currency, empty for none. Raises Unmappable where the others have one."""
        if currency in self.customers or not self.customers or currency == self.home_currency:
            return self.customers.get(currency, "")
        hint = "name one in customers: a customer of QuickBooks has one currency only"
        raise Unmappable("customer", f"no customer is named for {currency}", hint=hint)

    def line_tax_code(self) -> str:
        """The code that each line carries, as tax is a line of its own. Raises Unmappable outside the United States
        when none is named."""
        if not self.needs_tax_code:
            return NOT_TAXED
        if not self.tax_code:
            hint = "name a code of 0 % (for example Exempt or Out of scope) in tax_code"
            raise Unmappable("tax_code", "these books want a tax code on every line", hint=hint)
        return self.tax_code

    def _why(self, key: str) -> str:
        return f"; creating it was refused: {self.refused[key]}" if key in self.refused else ""
