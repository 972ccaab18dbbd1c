"""What a merchant sets for a HubSpot connection."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from commerce.values import Frozen
from integrations.connector import ConnectionSettings


class Stages(Frozen):
    """`[connections.<name>.stages]`: internal names of the pipeline's stages."""

    paid: str = Field(default="closedwon", description="Of orders that are paid.")
    open: str = Field(default="contractsent", description="Of orders that are not paid yet.")
    lost: str = Field(default="closedlost", description="Of orders that were cancelled or fully refunded.")


class HubSpotSettings(ConnectionSettings):
    """`[connections.<name>]` with `vendor = "hubspot"`."""

    vendor: str = Field(default="hubspot", description="The vendor folder: hubspot.")
    base_url: str = Field(default="https://api.hubapi.com", description="Address of HubSpot's API.")
    access_token: SecretStr = Field(
        description="Access token (pat-…) of a private app: Settings > Integrations > Private apps."
    )
    key_property: str = Field(
        default="backroom_key",
        pattern=r"^[a-z][a-z0-9_]{0,99}$",
        description="The deals' property with unique values that holds the hub's key of the order.",
    )
    create_property: bool = Field(default=True, description="Create that property when the account has none.")
    pipeline: str = Field(default="default", description="Internal name of the pipeline that deals go into.")
    stages: Stages = Field(default=Stages(), description="Which stage an order's state is.")

    @field_validator("access_token")
    @classmethod
    def _given(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise ValueError("is empty; make a private app in HubSpot under Settings > Integrations > Private apps")
        return value
