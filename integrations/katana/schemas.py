"""The part of Katana's answers that the hub reads."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

MOST = Decimal(10**12)
"""No shelf holds more. A number that claims so is a fault, and costs much to calculate with."""


def as_text(value: Any) -> Any:
    """A JSON number as the text it was written as: Katana documents strings and sometimes sends numbers."""
    if isinstance(value, bool):
        raise ValueError("true and false are no quantities")
    return str(value) if isinstance(value, float) else value


def refuse_absurd(value: Decimal) -> Decimal:
    """The quantity, if it can be one."""
    if abs(value) >= MOST:
        raise ValueError("is no quantity")
    return value


def as_flag(value: Any) -> Any:
    """A truth value that may come as text, where "false" is not true. An unknown word is refused by pydantic."""
    return value.strip().lower() if isinstance(value, str) else value


def or_empty(value: Any) -> Any:
    """Nothing is an empty text."""
    return "" if value is None else value


Quantity = Annotated[Decimal, BeforeValidator(as_text), AfterValidator(refuse_absurd)]
Flag = Annotated[bool, BeforeValidator(as_flag)]
Text = Annotated[str, BeforeValidator(or_empty)]


class Paging(BaseModel):
    """The `X-Pagination` header. Declared as numbers and booleans, seen as text."""

    # https://developer.katanamrp.com/reference/api-introduction
    total_records: int
    total_pages: int
    page: int
    last_page: Flag


class Variant(BaseModel):
    """What is stocked; comes with a stock row for `extend=variant`."""

    # https://developer.katanamrp.com/reference/list-all-variants
    id: int
    sku: Text = ""
    type: Text = ""
    product_id: int | None = None
    deleted_at: Text = ""


class StockRow(BaseModel):
    """One variant at one location."""

    # https://developer.katanamrp.com/reference/list-current-inventory
    variant_id: int
    location_id: int
    quantity_in_stock: Quantity
    quantity_committed: Quantity
    quantity_potential: Quantity | None = None
    archived_at: Text = ""
    variant: Variant


class Location(BaseModel):
    """A place that holds stock."""

    # https://developer.katanamrp.com/reference/list-all-locations
    id: int
    name: Text = ""
    sales_allowed: Flag = True
    deleted_at: Text = ""


class Product(BaseModel):
    """Something that is sold; `is_auto_assembly` says that it is put together from its parts when it is sold."""

    # https://developer.katanamrp.com/reference/list-all-products
    id: int
    is_auto_assembly: Flag = False


class Hook(BaseModel):
    """A webhook subscription. `token` signs what it sends."""

    # https://developer.katanamrp.com/reference/webhooks
    model_config = ConfigDict(hide_input_in_errors=True)

    id: int
    url: Text = ""
    token: Text = Field(default="", repr=False)
    enabled: Flag = True
    description: Text = ""
    subscribed_events: list[str] = []


class Factory(BaseModel):
    """The account."""

    # https://developer.katanamrp.com/reference/retrieve-the-current-factory
    legal_name: Text = ""
    display_name: Text = ""
    base_currency_code: Text = ""
