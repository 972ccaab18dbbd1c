"""What a merchant sets for a Katana connection."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from integrations.connector import ConnectionSettings


class KatanaSettings(ConnectionSettings):
    """`[connections.<name>]` with `vendor = "katana"`."""

    vendor: str = Field(default="katana", description="The vendor folder: katana.")
    base_url: str = Field(default="https://api.katanamrp.com/v1", description="Address of Katana's API.")
    api_key: SecretStr = Field(description="API key of Settings > API > API keys (Professional plan or above).")
    webhook_token: SecretStr = Field(
        default=SecretStr(""),
        description="The `token` of a webhook that was made by hand. Not needed for one that `backroom webhooks` made.",
    )
    locations: list[str] = Field(
        default=[], description="Names or ids of the locations to read. Empty: all that allow sales."
    )
    types: list[str] = Field(
        default=["product", "kit", "bundle"],
        description='Types of variant that are for sale; add "material" when materials are sold.',
    )

    @field_validator("api_key")
    @classmethod
    def _given(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise ValueError("is empty; make a key in Katana under Settings > API > API keys")
        return value

    @field_validator("types")
    @classmethod
    def _some(cls, value: list[str]) -> list[str]:
        if not value:
            raise ValueError('is empty, so nothing would be for sale; give at least ["product"]')
        return value
