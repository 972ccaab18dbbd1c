"""How ShipStation V2 says things: errors, pages, times and ids."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

Json = dict[str, Any]
PACIFIC = ZoneInfo("America/Los_Angeles")
DEFAULT_PAGE_SIZE = 25


class Refusal(Exception):
    """The vendor says no, with its own status and envelope."""

    def __init__(self, status: int, kind: str, code: str, message: str, headers: Mapping[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def response(self) -> httpx.Response:
        """The usual error envelope."""
        error = {
            "error_source": "ShipStation",
            "error_type": self.kind,
            "error_code": self.code,
            "message": self.message,
        }
        body = {"request_id": str(uuid.uuid4()), "errors": [error]}
        return httpx.Response(self.status, headers=self.headers, json=body)

    def bare(self) -> httpx.Response:
        """As some documented examples have it: no request id, no types, no codes."""
        field, _, rest = self.message.partition(" ")
        body = {"errors": [{"message": self.message, "field": field if "_" in field and rest else None}]}
        return httpx.Response(self.status, headers=self.headers, json=body)


def invalid(message: str, code: str = "invalid_field_value") -> Refusal:
    """A 400 about the request's content."""
    return Refusal(400, "validation", code, message)


def not_allowed(message: str, code: str = "invalid_status") -> Refusal:
    """A 400 about the state that things are in."""
    return Refusal(400, "business_rules", code, message)


def missing(what: str) -> Refusal:
    """A 404 about an object."""
    return Refusal(404, "business_rules", "invalid_identifier", f"{what} was not found.")


def no_such_path() -> httpx.Response:
    """A 404 about the path, which does not come in the envelope."""
    return httpx.Response(404, json={"message": "No HTTP resource was found that matches the request URI."})


def stamp(seconds: float) -> str:
    """Now as ShipStation writes it; the length of the fraction varies."""
    moment = datetime.fromtimestamp(seconds, UTC)
    fraction = f"{moment.microsecond // 1000:03d}".rstrip("0") or "0"
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction}Z"


def pacific_midnight(seconds: float) -> str:
    """The ship date of labels and fulfillments: midnight in Los Angeles, written in UTC."""
    day = datetime.fromtimestamp(seconds, PACIFIC).replace(hour=0, minute=0, second=0, microsecond=0)
    return f"{day.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def parsed_time(text: str) -> datetime:
    """A filter's time; one without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise invalid(f"{text} is not a valid date_time.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def within(record: Json, field: str, start: str | None, end: str | None) -> bool:
    """Whether the record's time lies in the range, both ends included."""
    if not start and not end:
        return True
    moment = parsed_time(record[field])
    return (not start or parsed_time(start) <= moment) and (not end or moment <= parsed_time(end))


def page_of(
    name: str, records: Sequence[Json], params: Mapping[str, str], url: str, longest: int | None = None
) -> Json:
    """One page of a list; `prev` and `next` are empty objects at the ends. No longest page is documented."""
    page, size = _whole(params, "page", 1), _whole(params, "page_size", DEFAULT_PAGE_SIZE)
    size = size if longest is None else min(size, longest)
    pages = -(-len(records) // size)
    others = {key: value for key, value in params.items() if key not in ("page", "page_size")}

    def link(number: int) -> Json:
        return {"href": str(httpx.URL(url, params={**others, "page": number, "page_size": size}))}

    return {
        name: list(records[(page - 1) * size : page * size]),
        "total": len(records),
        "page": page,
        "pages": pages,
        "links": {
            "first": link(1),
            "last": link(max(pages, 1)),
            "prev": link(page - 1) if page > 1 else {},
            "next": link(page + 1) if page < pages else {},
        },
    }


def _whole(params: Mapping[str, str], name: str, default: int) -> int:
    text = params.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise invalid(f"{name} must be a positive integer.")
    return int(text)
