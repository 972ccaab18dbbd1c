"""What a ShipStation connection needs to know."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import httpx
from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator

from integrations.connector import ConnectionSettings

BASE_URLS = {"v1": "https://ssapi.shipstation.com", "v2": "https://api.shipstation.com"}
OTHER_HOSTS = {"v1": re.compile(r"api\.shipstation\.com"), "v2": re.compile(r"ssapi\d*\.shipstation\.com")}
"""Hosts that the other version of the API lives at."""

WAREHOUSE_IDS = {"v1": re.compile(r"\d{1,18}"), "v2": re.compile(r"(?=.{4,25}$)se(-[a-z0-9]+)+")}
"""V1 counts, V2 puts "se-" before the number. https://docs.shipstation.com/orders/legacy-migration"""

WarehouseId = Annotated[str, BeforeValidator(lambda id: str(id) if isinstance(id, int) else id)]


class ShipStationSettings(ConnectionSettings):
    """A ShipStation account over API V2, or over V1 with `api = "v1"`.

    `warehouses` maps the storefront's locations to ShipStation's.
    """

    vendor: Literal["shipstation"] = Field("shipstation", description="The vendor folder: shipstation.")
    api: Literal["v1", "v2"] = Field("v2", description='Which API: "v2", or "v1" for those who still run on V1 keys.')
    base_url: str = Field("", description="Where the API is; when left out, ShipStation's address of that version.")
    api_key: SecretStr = Field(description="A key of that version: ShipStation > Settings > Account > API Settings.")
    api_secret: SecretStr = Field(
        SecretStr(""), validate_default=True, description="The secret that belongs to a V1 key; V2 has none."
    )
    store_id: Annotated[str | None, BeforeValidator(lambda id: str(id) if isinstance(id, int) else id)] = Field(
        None,
        description="The ShipStation store that orders land in, exactly as the API shows it; the default if absent.",
    )
    warehouses: dict[str, WarehouseId] = Field(
        default_factory=dict,
        description="The storefront's location (id or name) to ShipStation's warehouse id (se-…; with V1 a number).",
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

    @model_validator(mode="before")
    @classmethod
    def _fill_base_url(cls, given: Any) -> Any:
        """Where that version of the API is, unless the merchant says."""
        if not isinstance(given, dict) or given.get("base_url"):
            return given
        return {**given, "base_url": BASE_URLS.get(str(given.get("api")), BASE_URLS["v2"])}

    @field_validator("api_key")
    @classmethod
    def _not_empty(cls, key: SecretStr, info: ValidationInfo) -> SecretStr:
        if not key.get_secret_value().strip():
            version = info.data.get("api", "v2").upper()
            raise ValueError(f"is empty; create a {version} key in ShipStation under Settings > Account > API Settings")
        return key

    @field_validator("api_secret")
    @classmethod
    def _only_with_v1(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        given = bool(secret.get_secret_value().strip())
        if info.data.get("api") == "v1" and not given:
            raise ValueError('is not set; with api = "v1" the secret that was made with the key is needed')
        if info.data.get("api") == "v2" and given:
            raise ValueError('belongs to API V1; say api = "v1", or take the secret away and use a V2 key')
        return secret

    @field_validator("jwks_url", "resource_hosts")
    @classmethod
    def _only_with_v2(cls, value: Any, info: ValidationInfo) -> Any:
        if info.data.get("api") == "v1":
            raise ValueError("belongs to API V2; V1 signs no webhooks and points at its own hosts")
        return value

    @field_validator("store_id")
    @classmethod
    def _store_of_the_version(cls, store: str | None, info: ValidationInfo) -> str | None:
        if store and info.data.get("api") == "v1" and not store.isdigit():
            raise ValueError(f"{store!r} is no store of API V1, which is a number")
        return store

    @field_validator("warehouses", "default_warehouse")
    @classmethod
    def _ids_of_the_version(cls, given: Any, info: ValidationInfo) -> Any:
        version = info.data.get("api", "v2")
        for warehouse in given.values() if isinstance(given, dict) else filter(None, [given]):
            if not WAREHOUSE_IDS[version].fullmatch(warehouse):
                said = "is a number such as 524001" if version == "v1" else "looks like se-524001"
                raise ValueError(f"{warehouse!r} is no warehouse of API {version.upper()}, which {said}")
        return given

    @model_validator(mode="after")
    def _address_of_the_version(self) -> ShipStationSettings:
        if OTHER_HOSTS[self.api].fullmatch(httpx.URL(self.base_url).host):
            raise ValueError(f"base_url: {self.base_url} is not where API {self.api.upper()} is; leave it out")
        return self

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
