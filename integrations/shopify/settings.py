"""What a merchant configures for one Shopify store."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from integrations.connector import ConnectionSettings

VENDOR = "shopify"
SHOP = re.compile(r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$")
VERSION = re.compile(r"^\d{4}-(01|04|07|10)$")


class ShopifySettings(ConnectionSettings):
    """One store. Prove who you are with `client_id` and `client_secret`, or with an old static `access_token`.

    With the pair, access is asked for by the client's own credentials; or it is given in the browser (backroom connect)
    or by a `refresh_token`, and then rotated.
    """

    base_url: str = Field(default="", description="Where the store's API is; https://{shop} when left out.")
    shop: str = Field(description='The store\'s permanent name, e.g. "demo.myshopify.com".')
    api_version: str = Field(default="2026-10", description='Shopify\'s API version to ask for, e.g. "2026-10".')
    token_url: str = Field(default="", description="Token endpoint; {base_url}/admin/oauth/access_token when left out.")
    client_id: str = Field(default="", description="Client ID of your app in the Dev Dashboard.")
    client_secret: SecretStr = Field(
        default=SecretStr(""), description="The app's client secret; signs webhooks too, so set it in either mode."
    )
    access_token: SecretStr = Field(
        default=SecretStr(""), description="Static token (shpat_…) of a custom app made before 2026, instead of both."
    )
    refresh_token: SecretStr = Field(
        default=SecretStr(""),
        description="First refresh token (shprt_…) of an expiring offline token; used until the hub has its own.",
    )
    webhook_secret: SecretStr = Field(
        default=SecretStr(""), description="Secret of webhooks made under Settings > Notifications, if you have such."
    )
    previous_webhook_secret: SecretStr = Field(
        default=SecretStr(""), description="The client secret before its last change; accepted until you remove it."
    )
    stock_name: Literal["available", "on_hand"] = Field(
        default="available", description='Which quantity is set: "available" (sellable) or "on_hand" (physical).'
    )
    notify_customer: bool = Field(default=True, description="Whether Shopify mails the buyer when a parcel has left.")
    bulk_orders: int = Field(
        default=1000,
        ge=0,
        description="From how many orders on history is read with a bulk operation; 0 reads it page by page always.",
    )
    bulk_minutes: int = Field(
        default=60, ge=1, description="How long to wait for a bulk operation before reading page by page instead."
    )
    bulk_hosts: tuple[str, ...] = Field(
        default=("storage.googleapis.com",),
        description="Hosts that bulk results may be fetched from, besides base_url's own; they never see our token.",
    )
    carriers: dict[str, str] = Field(
        default_factory=dict, description="Shopify's carrier name by the shipping app's word; wins over our own table."
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_urls(cls, given: Any) -> Any:
        """Derive the URLs that are not given from the shop."""
        if not isinstance(given, dict):
            return given
        base = (str(given.get("base_url") or "") or f"https://{given.get('shop', '')}").rstrip("/")
        token = given.get("token_url") or f"{base}/admin/oauth/access_token"
        return {**given, "base_url": base, "token_url": token}

    @field_validator("shop")
    @classmethod
    def _permanent_name(cls, shop: str) -> str:
        if not SHOP.match(shop):
            raise ValueError(f"{shop!r} is not a permanent name such as my-store.myshopify.com (not a custom domain)")
        return shop

    @field_validator("api_version")
    @classmethod
    def _known_shape(cls, version: str) -> str:
        if not VERSION.match(version):
            raise ValueError(f"{version!r} is not a stable version such as 2026-10")
        return version

    @model_validator(mode="after")
    def _one_credential(self) -> ShopifySettings:
        pair = bool(self.client_id and self.client_secret.get_secret_value())
        if not pair and not self.static:
            raise ValueError("give client_id and client_secret (Dev Dashboard app), or access_token (older custom app)")
        return self

    @property
    def static(self) -> bool:
        """Whether a token that never expires is used."""
        return bool(self.access_token.get_secret_value())

    @property
    def secrets(self) -> tuple[str, ...]:
        """What a webhook may be signed with, empty ones included."""
        held = (self.client_secret, self.webhook_secret, self.previous_webhook_secret)
        return tuple(secret.get_secret_value() for secret in held)

    def order_url(self, order_id: str) -> str:
        """The order's page in Shopify's admin."""
        return f"https://{self.shop}/admin/orders/{order_id}"
