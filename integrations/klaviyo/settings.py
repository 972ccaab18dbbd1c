"""What a merchant sets for a Klaviyo connection."""

from __future__ import annotations

from datetime import date

from pydantic import ConfigDict, Field, SecretStr, field_validator

from commerce.values import Moment
from integrations.connector import ConnectionSettings

OLDEST = date(2026, 7, 15)
"""The first revision that surely knows `backfill`; with an older one an import would mail every old customer."""


class KlaviyoSettings(ConnectionSettings):
    """`[connections.<name>]` with `vendor = "klaviyo"`."""

    model_config = ConfigDict(hide_input_in_errors=True)

    vendor: str = Field(default="klaviyo", description="The vendor folder: klaviyo.")
    base_url: str = Field(default="https://a.klaviyo.com", description="Address of Klaviyo's API.")
    api_key: SecretStr = Field(description="Private API key (pk_…) of Settings > API keys.")
    revision: str = Field(default="2026-07-15", description="Klaviyo's API revision to ask for, a date.")
    workers: int = Field(default=8, ge=1, le=32, description="Live events that are sent at the same time.")
    live_from: Moment | None = Field(
        default=None,
        description="What happened before this is recorded without triggering flows. A date with time and zone.",
    )
    allow_second_integration: bool = Field(
        default=False,
        description="Send although another integration of the account already counts orders (revenue counts twice).",
    )
    bulk_live: bool = Field(
        default=False,
        description="Send live events through the bulk endpoint too: 40 times the pace, for shops with big peaks.",
    )

    @field_validator("api_key")
    @classmethod
    def _private(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith("pk_"):
            raise ValueError("is no private key: those start with pk_; make one in Klaviyo under Settings > API keys")
        return value

    @field_validator("revision")
    @classmethod
    def _knows_backfill(cls, value: str) -> str:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is not a revision such as 2026-07-15") from None
        if day < OLDEST:
            raise ValueError(f"{value} does not know backfilled events; give {OLDEST} or later")
        return value
