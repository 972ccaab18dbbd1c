"""The part of QuickBooks' answers that the hub reads. Tolerant: unknown fields are ignored."""

from __future__ import annotations

from decimal import Decimal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

MARKER = "backroom:"
"""How the memo of every document of ours begins."""


class Read(BaseModel):
    """A tolerant reading."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True, coerce_numbers_to_str=True)


class Reference(Read):
    """A reference to something else by its id, or to a currency by its code."""

    value: str = ""


class Document(Read):
    """A sales receipt or refund receipt, as far as we check it."""

    id: str = Field(alias="Id")
    sync_token: str = Field(default="0", alias="SyncToken")
    doc_number: str | None = Field(default=None, alias="DocNumber")
    note: str | None = Field(default=None, alias="PrivateNote")
    txn_date: str | None = Field(default=None, alias="TxnDate")
    total: Decimal = Field(default=Decimal(0), alias="TotalAmt")

    @property
    def marker(self) -> str:
        """Our marker in the memo, empty for a document that is not ours. People may have written below it."""
        words = (self.note or "").split()
        return words[0] if words and words[0].startswith(MARKER) else ""


class Named(Read):
    """An item, account or customer that we refer to."""

    id: str = Field(alias="Id")
    name: str = Field(default="", validation_alias=AliasChoices("Name", "DisplayName"))
    sync_token: str = Field(default="0", alias="SyncToken")
    kind: str = Field(default="", validation_alias=AliasChoices("AccountType", "Type"))
    active: bool = Field(default=True, alias="Active")
    currency: Reference = Field(default=Reference(), alias="CurrencyRef")
    income: Reference = Field(default=Reference(), alias="IncomeAccountRef")


class SalesForms(Read):
    """Preferences of sales forms."""

    custom_numbers: bool = Field(default=True, alias="CustomTxnNumbers")


class Currencies(Read):
    """Preferences of currencies."""

    several: bool = Field(default=False, alias="MultiCurrencyEnabled")
    home: Reference = Field(default=Reference(), alias="HomeCurrency")


class Accounting(Read):
    """Preferences of the books."""

    closed_until: str | None = Field(default=None, alias="BookCloseDate")


class Preferences(Read):
    """What of the company's preferences decides how we post."""

    # https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/preferences
    sales_forms: SalesForms = Field(default=SalesForms(), alias="SalesFormsPrefs")
    currencies: Currencies = Field(default=Currencies(), alias="CurrencyPrefs")
    accounting: Accounting = Field(default=Accounting(), alias="AccountingInfoPrefs")


class Company(Read):
    """The company whose books these are."""

    name: str = Field(default="", alias="CompanyName")
    country: str = Field(default="", alias="Country")


class TokenAnswer(Read):
    """What the token endpoint answers; lifetimes in seconds."""

    access: str = Field(alias="access_token")
    lifetime: int = Field(default=3600, alias="expires_in")
    refresh: str = Field(default="", alias="refresh_token")
    refresh_lifetime: int | None = Field(default=None, alias="x_refresh_token_expires_in")
    hard_lifetime: int | None = Field(default=None, alias="x_refresh_token_hard_expires_in")


class Notice(Read):
    """One event of a webhook, a CloudEvent."""

    # https://blogs.intuit.com/2025/11/12/upcoming-change-to-webhooks-payload-structure/
    id: str
    type: str = ""
    time: str = ""
    entity_id: str = Field(default="", alias="intuitentityid")
    realm_id: str = Field(default="", alias="intuitaccountid")
