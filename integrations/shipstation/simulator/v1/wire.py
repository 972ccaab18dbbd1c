"""How ShipStation V1 says things: errors, pages and Pacific times."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

Json = dict[str, Any]
PACIFIC = ZoneInfo("America/Los_Angeles")
DEFAULT_PAGE_SIZE = 100
LARGEST_PAGE = 500
TIME = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}:\d{2})?")


class Refusal(Exception):
    """The vendor says no, with its own status and body."""

    def __init__(self, status: int, body: Any):
        super().__init__(str(body))
        self.status = status
        self.body = body

    def response(self) -> httpx.Response:
        """A text as plain text, anything else as JSON."""
        if isinstance(self.body, str):
            return httpx.Response(self.status, text=self.body)
        return httpx.Response(self.status, json=self.body)


class Problem(Exception):
    """Why one entry of a batch fails although it could be read."""


def invalid(**fields: str) -> Refusal:
    """A 400 in the shape of ASP.NET's model state; `__` in a name stands for a dot."""
    state = {name.replace("__", "."): [words] for name, words in fields.items()}
    return model_state(state)


def model_state(state: Mapping[str, list[str]]) -> Refusal:
    """A 400 about these fields."""
    return Refusal(400, {"Message": "The request is invalid.", "ModelState": dict(state)})


def failed(words: str, status: int = 400) -> Refusal:
    """What an exception inside the service looks like."""
    return Refusal(
        status,
        {
            "Message": "An error has occurred.",
            "ExceptionMessage": words,
            "ExceptionType": "System.Exception",
            "StackTrace": None,
        },
    )


def missing(what: str) -> Refusal:
    """A 404 about a record."""
    return Refusal(404, {"Message": f"{what} was not found."})


def no_such_path(request: httpx.Request) -> httpx.Response:
    """A 404 about the address."""
    words = f"No HTTP resource was found that matches the request URI '{request.url}'."
    return httpx.Response(404, json={"Message": words})


def wrong_method(request: httpx.Request) -> httpx.Response:
    """A 405."""
    words = f"The requested resource does not support http method '{request.method}'."
    return httpx.Response(405, json={"Message": words})


def stamp(seconds: float) -> str:
    """Now as V1 writes it: Pacific, seven decimals, no offset."""
    return written(datetime.fromtimestamp(seconds, PACIFIC))


def written(at: datetime) -> str:
    """A Pacific time as V1 writes it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}0"


def day(seconds: float) -> str:
    """Today in Los Angeles."""
    return f"{datetime.fromtimestamp(seconds, PACIFIC):%Y-%m-%d}"


def wall_clock(text: str, field: str) -> datetime:
    """What somebody sent as a time, as a Pacific wall clock without a zone; V1 compares wall clocks."""
    if isinstance(text, str) and TIME.fullmatch(text.strip()):
        try:
            said = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.strip()).replace("Z", "+00:00"))
        except ValueError:
            pass
        else:
            return said.astimezone(PACIFIC).replace(tzinfo=None) if said.tzinfo else said
    raise model_state({field: [f"The value '{text}' is not valid for {field}."]})


def within(record: Json, field: str, params: Mapping[str, str], name: str) -> bool:
    """Whether the record's time lies between `<name>Start` and `<name>End`, both included."""
    start, end = params.get(f"{name}Start"), params.get(f"{name}End")
    if not start and not end:
        return True
    if not record.get(field):
        return False
    at = wall_clock(record[field], field)
    if start and at < wall_clock(start, f"{name}Start"):
        return False
    return not end or at <= wall_clock(end, f"{name}End")


def chosen(records: Sequence[Json], params: Mapping[str, str], exact: Mapping[str, str]) -> list[Json]:
    """The records whose fields are what the parameters of these names say, compared as text."""
    asked = {name: params[name] for name in exact if params.get(name)}
    return [each for each in records if all(str(each.get(exact[name])) == value for name, value in asked.items())]


def ordered(records: Sequence[Json], params: Mapping[str, str], fields: Mapping[str, str], usual: str) -> list[Json]:
    """Sorted by `sortBy` (one of `fields`) and `sortDir`."""
    by, way = params.get("sortBy", usual), params.get("sortDir", "ASC").upper()
    if by not in fields:
        raise invalid(sortBy=f"The value '{by}' is not valid for sortBy.")
    if way not in ("ASC", "DESC"):
        raise invalid(sortDir=f"The value '{way}' is not valid for sortDir.")
    return sorted(records, key=lambda each: str(each.get(fields[by]) or ""), reverse=way == "DESC")


def page_of(name: str, records: Sequence[Json], params: Mapping[str, str]) -> Json:
    """One page of a list; beyond the last one it is empty."""
    page, size = _whole(params, "page", 1), _whole(params, "pageSize", DEFAULT_PAGE_SIZE)
    if size > LARGEST_PAGE:
        raise invalid(pageSize=f"The field pageSize must be between 1 and {LARGEST_PAGE}.")
    return {
        name: list(records[(page - 1) * size : page * size]),
        "total": len(records),
        "page": page,
        "pages": -(-len(records) // size),
    }


def _whole(params: Mapping[str, str], name: str, default: int) -> int:
    text = params.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise model_state({name: [f"The value '{text}' is not valid for {name}."]})
    return int(text)
