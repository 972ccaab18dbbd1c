"""What a merchant sets for stock that comes in a CSV file."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal, Self

import httpx
from pydantic import Field, SecretStr, model_validator

from integrations.connector import ConnectionSettings

NOTHING = SecretStr("")


class CsvSettings(ConnectionSettings):
    """`[connections.<name>]` with `vendor = "csv"`. Exactly one of `path` and `url` says where the file is."""

    vendor: str = Field(default="csv", description="The vendor folder: csv.")
    path: str = Field(default="", description="The file on this machine; best written from the root.")
    url: str = Field(default="", description="Where the file is on the web: https, or http on this machine.")
    base_url: str = Field(default="", description="Address that a `url` without a host belongs to.")
    allow_http: bool = Field(
        default=False, description="Fetch over plain http from other machines too, as in a network of your own."
    )
    token: SecretStr = Field(default=NOTHING, description="Sent as `Authorization: Bearer …`, to that host only.")
    username: str = Field(default="", description="For a server that wants name and password (HTTP Basic).")
    password: SecretStr = Field(default=NOTHING, description="The password that goes with `username`.")
    query: SecretStr = Field(
        default=NOTHING, description="Query of the address where that is secret, as in a signed link: sig=…&expires=…"
    )
    sku_column: str = Field(default="sku", min_length=1, description="Name of the column with the SKU.")
    quantity_column: str = Field(
        default="quantity", min_length=1, description="Name of the column with what may be promised."
    )
    location_column: str = Field(default="", description="Name of the column with the location; empty: there is none.")
    location: str = Field(default="1", min_length=1, description="Location of all rows when there is no such column.")
    delimiter: Literal["auto", ",", ";", "tab", "|"] = Field(
        default="auto", description='What separates the cells; "auto": whichever makes the columns appear.'
    )
    encoding: Literal["auto", "utf-8", "utf-16", "cp1252", "latin-1"] = Field(
        default="auto", description='How letters are written; "auto": by the byte order mark, else UTF-8.'
    )
    decimal: Literal[".", ","] = Field(default=".", description="What stands before the fraction of a quantity.")
    thousands: Literal["", ",", ".", " ", "'"] = Field(
        default="", description="What stands between groups of three digits; empty: nothing may."
    )
    duplicates: Literal["refuse", "sum"] = Field(
        default="refuse", description="A SKU that comes twice for one location is held, or its rows are added up."
    )
    max_age_hours: float | None = Field(
        default=None, gt=0, description="A file that was written longer ago stops the run; not set: any age will do."
    )
    minimum_rows: int = Field(default=1, ge=1, description="A file with fewer rows is taken for half a file.")
    trailer: str = Field(
        default="",
        description="First cell of the line that ends a whole file, e.g. END; a number beside it must count the rows.",
    )
    quiet_seconds: float = Field(
        default=5.0, ge=0, le=300, description="A local file that was written to just now is left alone for so long."
    )
    most_megabytes: int = Field(default=50, ge=1, le=1000, description="A larger file, unpacked, is refused.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if bool(self.path.strip()) == bool(self.url.strip()):
            raise ValueError("give exactly one of path and url")
        if self.username and self.token.get_secret_value():
            raise ValueError("give a token, or username and password, not both")
        if self.thousands == self.decimal:
            raise ValueError("thousands and decimal cannot be the same sign")
        if self.url:
            refuse_bad_address(self.address, self.allow_http)
        return self

    @property
    def address(self) -> httpx.URL:
        """Where the file is on the web, without the secret part of its query. Raises ValueError."""
        try:
            return httpx.URL(self.base_url).join(self.url)
        except httpx.InvalidURL as error:
            raise ValueError(f"url is no web address ({error})") from None


def refuse_bad_address(address: httpx.URL, allow_http: bool) -> None:
    """Raise ValueError for an address that a secret must not be sent to."""
    if address.scheme not in ("http", "https") or not address.host:
        raise ValueError("url must begin with https://, or name a file at base_url")
    if address.userinfo:
        raise ValueError("url must not hold a password: use username, and the password from the environment")
    if address.scheme == "http" and not allow_http and not is_this_machine(address.host):
        raise ValueError("url must be https; set allow_http = true for a network of your own")


def is_this_machine(host: str) -> bool:
    """Whether the host is a loopback address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
