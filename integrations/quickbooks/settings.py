"""What a merchant sets for a QuickBooks connection."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator

from commerce.values import Frozen
from integrations.connector import ConnectionSettings

LONGEST_NAME = 100
Policy = Literal["hold", "default"]
NO_NAME = r"^[^:\t\n]*$"
"""What a name in QuickBooks may not hold: colons, tabs and new lines."""


class ItemNames(Frozen):
    """`[connections.<name>.items]`: the product or service in QuickBooks that each kind of line is booked on."""

    goods: str = Field(default="Product sales", description="What was sold.")
    returns: str = Field(default="Returns and refunds", description="What was given back; may be the item of goods.")
    shipping: str = Field(default="Shipping", description="What the shopper paid for delivery.")
    discount: str = Field(default="Discounts", description="Discounts of all kinds, as a negative line.")
    tax: str = Field(default="Sales tax collected", description="Tax; its income account must be a liability account.")
    gift_card: str = Field(default="Gift card", description="Gift cards sold and redeemed; a liability account too.")
    tip: str = Field(default="Tips", description="Tips.")
    duty: str = Field(default="Duties", description="Import duties charged to the shopper.")
    fee: str = Field(default="Fees charged", description="Other fees charged to the shopper.")
    rounding: str = Field(default="Rounding", description="Cents that rounding leaves, and cash rounding.")
    adjustment: str = Field(default="Refund adjustment", description="Refunded beyond or below what came back.")


class AccountNames(Frozen):
    """`[connections.<name>.accounts]`: the account behind each item; read only when `create_missing` is on."""

    goods: str = Field(default="Product sales", description="Income.")
    returns: str = Field(default="Returns and refunds", description="Income, the contra side of sales.")
    shipping: str = Field(default="Shipping income", description="Income.")
    discount: str = Field(default="Discounts", description="Income, the contra side of sales.")
    tax: str = Field(default="Sales tax payable (online)", description="Other current liability.")
    gift_card: str = Field(default="Gift cards outstanding", description="Other current liability.")
    tip: str = Field(default="Tips payable", description="Other current liability.")
    duty: str = Field(default="Duties payable", description="Other current liability.")
    fee: str = Field(default="Fees charged", description="Income.")
    rounding: str = Field(default="Rounding differences", description="Other expense.")
    adjustment: str = Field(default="Returns and refunds", description="Income, the contra side of sales.")


class QuickBooksSettings(ConnectionSettings):
    """`[connections.<name>]` with `vendor = "quickbooks"`."""

    vendor: str = Field(default="quickbooks", description="The vendor folder: quickbooks.")
    base_url: str = Field(
        default="https://quickbooks.api.intuit.com",
        description="Address of the API; https://sandbox-quickbooks.api.intuit.com for a sandbox company.",
    )
    token_url: str = Field(
        default="https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
        description="Where access tokens are renewed.",
    )
    authorize_url: str = Field(
        default="https://appcenter.intuit.com/connect/oauth2", description="Where the merchant grants access."
    )
    revoke_url: str = Field(
        default="https://developer.api.intuit.com/v2/oauth2/tokens/revoke", description="Where access is given back."
    )
    app_url: str = Field(default="https://app.qbo.intuit.com", description="Where people open a document.")
    realm_id: str = Field(
        default="",
        description="Company id, up to 19 digits in quotes. Empty: the company that `backroom connect` was told.",
    )
    client_id: str = Field(description="Client id of your Intuit app (production and sandbox differ).")
    client_secret: SecretStr = Field(description="Client secret of your Intuit app.")
    refresh_token: SecretStr = Field(
        default=SecretStr(""),
        description="First refresh token, used while the hub has none of its own; not needed with `backroom connect`.",
    )
    verifier_token: SecretStr = Field(
        default=SecretStr(""), description="Verifier token of the app's webhook page. Empty: webhooks are refused."
    )
    previous_verifier_token: SecretStr = Field(
        default=SecretStr(""), description="The verifier token before its last change; accepted until you remove it."
    )
    old_webhooks: bool = Field(default=False, description="Also read the eventNotifications body of before 2026.")
    minor_version: int = Field(default=75, ge=75, description="API minor version; 75 is the lowest supported.")

    tier: Literal["builder", "silver", "gold", "platinum"] = Field(
        default="builder", description="Intuit's tier of your app; Builder may read 500,000 times a month."
    )
    monthly_reads: int | None = Field(
        default=None, ge=1, description="Reads a month that your tier allows; needed to be warned on a paid tier."
    )

    prefix: str = Field(
        default="", max_length=5, pattern=r"^[A-Za-z0-9]*$", description="Short word in document numbers: S-A-1001."
    )
    clearing_account: str = Field(
        default="Online sales clearing",
        description="Account that sales and refunds move through (other current asset).",
    )
    clearing_accounts: dict[str, str] = Field(
        default={}, description="Clearing account by currency, for companies that keep several currencies."
    )
    items: ItemNames = Field(default=ItemNames(), description="Product or service by kind of line.")
    accounts: AccountNames = Field(default=AccountNames(), description="Account by kind of line, to create items with.")
    tax_items: dict[str, str] = Field(
        default={}, description='Item by title of the tax, e.g. {"CA State Tax" = "..."}.'
    )
    unmapped_tax: Policy = Field(
        default="default", description="A tax that tax_items does not name: hold the order, or book it on items.tax."
    )
    customer: str = Field(
        default="",
        max_length=500,
        pattern=NO_NAME,
        description="One customer for every document. Empty: documents without customer.",
    )
    customers: dict[str, str] = Field(
        default={}, description="Customer by currency, for companies that keep several: a customer has one currency."
    )
    create_missing: bool = Field(default=False, description="Create missing accounts, items and the customer.")

    tax_mode: Literal["line"] = Field(
        default="line", description="line: tax is a line on a liability account and always balances."
    )
    tax_code: str = Field(
        default="",
        description="Tax code of 0 % for every line, by name; needed by companies outside the United States.",
    )
    timezone: str = Field(default="UTC", description="The merchant's time zone, e.g. America/Chicago; dates documents.")
    rounding_limit: Decimal = Field(
        default=Decimal("0.05"), ge=0, le=1, description="The most that one document may put on the rounding line."
    )
    post_unpaid: bool = Field(default=False, description="Also post orders that are not paid in full yet.")
    look_before_posting: bool = Field(
        default=True, description="Ask QuickBooks for the number before a first posting; one read for each 60 orders."
    )

    @field_validator("items", "accounts")
    @classmethod
    def _names(cls, value: Frozen) -> Frozen:
        for kind, name in value:
            if not name.strip() or len(name) > LONGEST_NAME or not re.match(NO_NAME, name):
                raise ValueError(f"{kind} = {name!r} is no name: 1 to {LONGEST_NAME} characters without colon or tab")
        return value

    @field_validator("realm_id")
    @classmethod
    def _digits(cls, value: str) -> str:
        if value and (not (value.isascii() and value.isdigit()) or len(value) > 19):
            raise ValueError("is not a company id: up to 19 digits, as text in quotes")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is not a time zone such as America/Chicago") from error
        return value

    @field_validator("client_id")
    @classmethod
    def _given(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty; take it from your Intuit app's Keys & credentials")
        return value

    @field_validator("client_secret")
    @classmethod
    def _secret_given(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise ValueError("is empty; take it from your Intuit app's Keys & credentials")
        return value
