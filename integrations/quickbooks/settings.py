"""What a merchant sets for a QuickBooks connection."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator

from commerce.values import Frozen
from integrations.connector import ConnectionSettings

Policy = Literal["hold", "default"]


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
    app_url: str = Field(default="https://app.qbo.intuit.com", description="Where people open a document.")
    realm_id: str = Field(description="Company id: the digits that the connect page adds to the redirect as realmId.")
    client_id: str = Field(description="Client id of your Intuit app (production and sandbox differ).")
    client_secret: SecretStr = Field(description="Client secret of your Intuit app.")
    refresh_token: SecretStr = Field(
        default=SecretStr(""), description="First refresh token; used only while the hub has none of its own yet."
    )
    verifier_token: SecretStr = Field(
        default=SecretStr(""), description="Verifier token of the app's webhook page. Empty: webhooks are refused."
    )
    old_webhooks: bool = Field(default=False, description="Also read the eventNotifications body of before 2026.")
    minor_version: int = Field(default=75, ge=75, description="API minor version; 75 is the lowest supported.")

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
    customer: str = Field(default="", description="One customer for every document. Empty: documents without customer.")
    create_missing: bool = Field(default=False, description="Create missing accounts, items and the customer.")

    tax_mode: Literal["line"] = Field(
        default="line", description="line: tax is a line on a liability account and always balances."
    )
    timezone: str = Field(default="UTC", description="The merchant's time zone, e.g. America/Chicago; dates documents.")
    rounding_limit: Decimal = Field(
        default=Decimal("0.05"), ge=0, le=1, description="The most that one document may put on the rounding line."
    )
    post_unpaid: bool = Field(default=False, description="Also post orders that are not paid in full yet.")
    look_before_posting: bool = Field(
        default=True, description="Ask QuickBooks for the number before a first posting; one read for each 60 orders."
    )

    @field_validator("realm_id")
    @classmethod
    def _digits(cls, value: str) -> str:
        if not value.isdigit() or len(value) > 19:
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
