"""What a ShipStation connection needs to know."""

from __future__ import annotations

from typing import Annotated, Literal

import httpx
from pydantic import Field, SecretStr, StringConstraints, field_validator

from integrations.connector import ConnectionSettings

WarehouseId = Annotated[str, StringConstraints(pattern=r"^se(-[a-z0-9]+)+$", max_length=25)]


class ShipStationSettings(ConnectionSettings):
    """A ShipStation account over API V2. `warehouses` maps the storefront's locations to ShipStation's."""

    vendor: Literal["shipstation"] = Field("shipstation", description="The vendor folder: shipstation.")
    base_url: str = Field("https://api.shipstation.com", description="Where API V2 is; every path starts with /v2/.")
    api_key: SecretStr = Field(description="A V2 key: ShipStation > Settings > Account > API Settings.")
    store_id: str | None = Field(
        None,
        description="The ShipStation store that orders land in, exactly as the API shows it; the default if absent.",
    )
    warehouses: dict[str, WarehouseId] = Field(
        default_factory=dict,
        description="The storefront's location (id or name) to ShipStation's warehouse id (se-...).",
    )
    default_warehouse: WarehouseId | None = Field(
        None, description="The warehouse of locations that `warehouses` does not name; without it they are held."
    )
    fallback_phone: str = Field(
        "", description="Sent when the shopper left no phone number, which ShipStation requires; without it held."
    )
    payment: Literal["paid", "authorised"] = Field(
        "paid", description="Ship when the money is in (paid), or already when it is reserved (authorised)."
    )
    jwks_url: str = Field(
        "https://api.shipengine.com/jwks", description="Where the public keys are that webhooks are signed with."
    )
    resource_hosts: frozenset[str] = Field(
        frozenset({"api.shipstation.com", "api.shipengine.com", "ssapi.shipstation.com"}),
        description="Hosts that a webhook may point at, besides that of base_url.",
    )

    @field_validator("api_key")
    @classmethod
    def _not_empty(cls, key: SecretStr) -> SecretStr:
        if not key.get_secret_value().strip():
            raise ValueError("is empty; create a V2 key in ShipStation under Settings > Account > API Settings")
        return key

    @field_validator("base_url", "jwks_url")
    @classmethod
    def _a_web_address(cls, url: str) -> str:
        parsed = httpx.URL(url)
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ValueError(f"{url!r} is not a web address such as https://api.shipstation.com")
        return url.rstrip("/")

    @property
    def vendor_hosts(self) -> frozenset[str]:
        """Hosts that a webhook may point at."""
        return self.resource_hosts | {httpx.URL(self.base_url).host}

    def warehouse_of(self, location_id: str, location: str) -> str | None:
        """ShipStation's id for one of the storefront's locations; None when it is not mapped."""
        return self.warehouses.get(location_id) or self.warehouses.get(location) or self.default_warehouse

    def location_of(self, warehouse_id: str | None) -> str:
        """The storefront location that alone maps to this warehouse; empty when none or several do."""
        found = [location for location, warehouse in self.warehouses.items() if warehouse == warehouse_id]
        return found[0] if len(found) == 1 and warehouse_id != self.default_warehouse else ""
