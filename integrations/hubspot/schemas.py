"""The part of HubSpot's answers that the hub reads; the rest is ignored."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Read(BaseModel):
    """An answer, as far as we care."""

    model_config = ConfigDict(populate_by_name=True, coerce_numbers_to_str=True)


class TokenInfo(Read):
    """Whose token this is, and what it may do."""

    hub_id: int = Field(alias="hubId")
    scopes: list[str] = Field(default_factory=list)


class Record(Read):
    """A contact or a deal. `properties` are texts or null."""

    id: str
    properties: dict[str, str | None] = Field(default_factory=dict)


class ErrorDetail(Read):
    """One cause within an error; `context` names scopes or properties."""

    message: str = ""
    context: dict[str, list[str]] = Field(default_factory=dict)


class ErrorBody(Read):
    """Every error of the CRM API has this shape."""

    category: str = ""
    message: str = ""
    errors: list[ErrorDetail] = Field(default_factory=list)


class Batch(Read):
    """The answer to a batch call: 200 with results, 207 with results and errors."""

    results: list[Record] = Field(default_factory=list)
    errors: list[ErrorBody] = Field(default_factory=list)


class Property(Read):
    """What the account knows of one property."""

    name: str
    unique: bool = Field(default=False, alias="hasUniqueValue")


class Stage(Read):
    """One step of a pipeline."""

    id: str


class Pipeline(Read):
    """A pipeline of deals."""

    id: str
    stages: list[Stage] = Field(default_factory=list)


class Pipelines(Read):
    """All of them."""

    results: list[Pipeline] = Field(default_factory=list)
