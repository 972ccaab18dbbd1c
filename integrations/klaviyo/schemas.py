"""The part of Klaviyo's answers that the hub reads: JSON:API documents."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import httpx
from pydantic import BaseModel, BeforeValidator, Field, ValidationError


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> Any:
    return {} if value is None else value


def _number(value: Any) -> Any:
    """A JSON number as its digits; None for what is none."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _moment(value: Any) -> datetime | None:
    """A time, in UTC where none is named; None for what is none."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _known_object(value: Any) -> Any:
    return value if isinstance(value, dict) else {}


Text = Annotated[str, BeforeValidator(_text)]
"""Words that may be missing or null."""


class ContactInformation(BaseModel):
    """Who the account belongs to."""

    organization_name: Text = ""


class AccountAttributes(BaseModel):
    """Of an account."""

    contact_information: Annotated[ContactInformation, BeforeValidator(_object)] = ContactInformation()
    timezone: Text = ""
    preferred_currency: Text = ""
    public_api_key: Text = ""
    test_account: bool = False


class Account(BaseModel):
    """The account that a key belongs to."""

    # https://developers.klaviyo.com/en/reference/get_accounts
    id: str
    attributes: AccountAttributes


class Accounts(BaseModel):
    """A list of exactly one."""

    data: list[Account]


class Integration(BaseModel):
    """What brings a metric's events: "API", or an app such as "Shopify"."""

    name: str | None = None
    category: str | None = None

    @property
    def is_ours(self) -> bool:
        """Whether events sent by API, such as the hub's, land in its metrics."""
        return (self.name or "API").upper() == "API" or (self.category or "").upper() == "API"


class MetricAttributes(BaseModel):
    """Of a metric."""

    name: str | None = None
    integration: Integration | None = None


class Metric(BaseModel):
    """A kind of event, by name and by who brings it: two integrations make two metrics of one name."""

    # https://developers.klaviyo.com/en/reference/get_metrics
    id: str
    attributes: MetricAttributes


class Links(BaseModel):
    """`next` is the whole address of the next page."""

    next: str | None = None


class Page(BaseModel):
    """One page of a list."""

    links: Annotated[Links, BeforeValidator(_object)] = Links()


class Metrics(Page):
    """One page of metrics."""

    data: list[Metric]


class Linkage(BaseModel):
    """The id of something else."""

    id: str


class Relationship(BaseModel):
    """What something is tied to, if it is."""

    data: Linkage | None = None


class MappedRelationships(BaseModel):
    """A mapping points at a metric, or at a custom one that the merchant has put together."""

    metric: Relationship = Relationship()
    custom_metric: Relationship = Field(default=Relationship(), alias="custom-metric")


class MappedMetric(BaseModel):
    """`id` is the mapping's name, e.g. "revenue"."""

    # https://developers.klaviyo.com/en/reference/get_mapped_metrics
    id: str
    relationships: MappedRelationships = MappedRelationships()


class MappedMetrics(BaseModel):
    """All mappings."""

    data: list[MappedMetric]


class Profile(BaseModel):
    """A person; we read Klaviyo's id and nothing else."""

    # https://developers.klaviyo.com/en/reference/get_profiles
    id: str


class Profiles(Page):
    """One page of profiles."""

    data: list[Profile]


class PastProperties(BaseModel):
    """What we read of an event's properties: our `unique_id` under Klaviyo's name, and the value."""

    event_id: Text = Field(default="", alias="$event_id")
    value: Annotated[Decimal | None, BeforeValidator(_number)] = Field(default=None, alias="$value")


class PastAttributes(BaseModel):
    """Of an event."""

    at: Annotated[datetime | None, BeforeValidator(_moment)] = Field(default=None, alias="datetime")
    event_properties: Annotated[PastProperties, BeforeValidator(_known_object)] = PastProperties()


class PastEvent(BaseModel):
    """An event that Klaviyo has."""

    # https://developers.klaviyo.com/en/reference/get_events
    id: str
    attributes: PastAttributes

    @property
    def key(self) -> str:
        """The `unique_id` that it was sent with."""
        return self.attributes.event_properties.event_id


class PastEvents(Page):
    """One page of events."""

    data: list[PastEvent]


class Source(BaseModel):
    """Where in the body or in the query the fault is."""

    pointer: str | None = None
    parameter: str | None = None


class Fault(BaseModel):
    """One entry of an error document. `detail` may repeat what a shopper typed in."""

    # https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
    id: Text = ""
    code: Text = ""
    title: Text = ""
    detail: Text = ""
    source: Annotated[Source, BeforeValidator(_object)] = Source()


class ErrorDocument(BaseModel):
    """What Klaviyo answers with 4XX and 5XX."""

    errors: list[Fault] = Field(min_length=1)


def first_fault(response: httpx.Response) -> Fault:
    """The first error of an answer; an empty one when it is no error document, such as a proxy's page."""
    try:
        body: Any = response.json()
        return ErrorDocument.model_validate(body).errors[0]
    except (ValueError, UnicodeDecodeError, ValidationError):
        return Fault()
