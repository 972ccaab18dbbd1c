"""Reading request bodies as strictly as Klaviyo does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from integrations.klaviyo.simulator.answers import Refusal, invalid
from integrations.simulator import json_body

MOST_BYTES = 5 * 1024 * 1024
MOST_EVENTS = 1_000
LONGEST_STRING = 100 * 1024
YEAR = 366 * 86_400
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
E_MAIL = re.compile(r"[^\s@\"<>(),;:]+@[^\s@\"<>(),;:.]+(\.[^\s@\"<>(),;:.]+)+")
E_164 = re.compile(r"\+(?:1[2-9]\d{2}[2-9]\d{6}|[2-9]\d{6,14})")
IDENTIFIERS = ("email", "phone_number", "external_id", "anonymous_id", "_kx")
EVENT_FIELDS = {"properties", "time", "value", "value_currency", "unique_id", "backfill", "metric"}
TEXTS = ("first_name", "last_name", "organization", "locale", "title", "image")
PROFILE_FIELDS = {*IDENTIFIERS, *TEXTS, "location", "properties", "meta"}

Json = dict[str, Any]


@dataclass
class Told:
    """One event as it was told. `time` is in seconds since the epoch, without fractions."""

    profile: Json
    metric: str
    properties: Json
    time: float
    value: float | None
    currency: str | None
    unique_id: str
    backfill: bool
    pointer: str = field(default="/data")


def read_event(request: httpx.Request, now: float) -> Told:
    """`POST /api/events`. Raises Refusal."""
    attributes = resource(whole(request), "event", "/data")
    profile = read_profile(attributes.get("profile"), "/data/attributes/profile")
    rest = {name: value for name, value in attributes.items() if name != "profile"}
    return read_attributes(rest, profile, "/data", now, backfill=False)


def read_bulk(request: httpx.Request, now: float) -> list[Told]:
    """`POST /api/event-bulk-create-jobs`: every event of every group. Raises Refusal."""
    attributes = resource(whole(request), "event-bulk-create-job", "/data")
    place = "/data/attributes/events-bulk-create/data"
    told: list[Told] = []
    for at, group in enumerate(listed(attributes.get("events-bulk-create"), place)):
        here = f"{place}/{at}"
        inner = resource({"data": group}, "event-bulk-create", here)
        profile = read_profile(inner.get("profile"), f"{here}/attributes/profile")
        backfill = flag(inner.get("backfill"), f"{here}/attributes/backfill", default=False)
        events = f"{here}/attributes/events/data"
        for number, event in enumerate(listed(inner.get("events"), events)):
            one = resource({"data": event}, "event", f"{events}/{number}")
            told.append(read_attributes(one, profile, f"{events}/{number}", now, backfill=backfill))
    if not told or len(told) > MOST_EVENTS:
        raise invalid(place, f"A request has 1 to {MOST_EVENTS} events.")
    return told


def read_subscriptions(request: httpx.Request) -> list[Json]:
    """`POST /api/profile-subscription-bulk-create-jobs`: who consents. Raises Refusal."""
    attributes = resource(whole(request), "profile-subscription-bulk-create-job", "/data")
    place = "/data/attributes/profiles/data"
    profiles = [resource({"data": one}, "profile", place) for one in listed(attributes.get("profiles"), place)]
    if not profiles or len(profiles) > 1_000:
        raise invalid(place, "A request has 1 to 1000 profiles.")
    for profile in profiles:
        if not isinstance(profile.get("subscriptions"), dict):
            raise invalid(f"{place}/attributes/subscriptions", "This field is required.")
        refuse_bad_people(profile, place)
    return [{name: one[name] for name in ("email", "phone_number") if name in one} for one in profiles]


def whole(request: httpx.Request) -> Json:
    """The body, if it is a JSON object of bearable size."""
    if len(request.content) > MOST_BYTES:
        raise Refusal(413, "payload_too_large", "Payload too large.", "The payload must be smaller than 5 MB.")
    body = json_body(request)
    if not isinstance(body, dict):
        raise Refusal(400, "parse_error", "Malformed request.", "The body is not a JSON object.")
    return body


def resource(body: Json, kind: str, pointer: str) -> Json:
    """The attributes of a resource of this type."""
    data = body.get("data")
    if not isinstance(data, dict):
        raise invalid(pointer, "This field is required.")
    if data.get("type") != kind:
        raise invalid(f"{pointer}/type", f"Type must be '{kind}'.")
    if not isinstance(data.get("attributes"), dict):
        raise invalid(f"{pointer}/attributes", "This field is required.")
    found: Json = data["attributes"]
    return {**found, "id": data["id"]} if kind == "profile" and data.get("id") else found


def listed(wrapped: Any, pointer: str) -> list[Any]:
    """The list in `{"data": [...]}`."""
    data = wrapped.get("data") if isinstance(wrapped, dict) else None
    if not isinstance(data, list):
        raise invalid(pointer, "This field is required.")
    return data


def flag(value: Any, pointer: str, *, default: bool) -> bool:
    """A boolean that may be null or absent."""
    if value is None:
        return default
    if not isinstance(value, bool):
        raise invalid(pointer, "Must be a boolean.")
    return value


def read_profile(wrapped: Any, pointer: str) -> Json:
    """A profile that names somebody."""
    if not isinstance(wrapped, dict):
        raise invalid(pointer, "This field is required.")
    place = f"{pointer}/data"
    attributes = resource(wrapped, "profile", place)
    unknown = sorted(set(attributes) - PROFILE_FIELDS - {"id"})
    if unknown:
        raise invalid(f"{place}/attributes", f"'{unknown[0]}' is not a valid field for the resource 'profile'.")
    if not any(attributes.get(name) for name in (*IDENTIFIERS, "id")):
        raise invalid(f"{place}/attributes", "One of email, phone_number, external_id, anonymous_id, _kx is required.")
    refuse_bad_people(attributes, place)
    for name in (*TEXTS, *IDENTIFIERS):
        if not isinstance(attributes.get(name, ""), str | None):
            raise invalid(f"{place}/attributes/{name}", "Must be a string.")
    return attributes


def refuse_bad_people(attributes: Json, place: str) -> None:
    """An e-mail address or a phone number that cannot be one."""
    email, phone = attributes.get("email"), attributes.get("phone_number")
    if email is not None and not E_MAIL.fullmatch(str(email)):
        raise invalid(f"{place}/attributes/email", f"Invalid email address: {email}")
    if phone is not None and not E_164.fullmatch(str(phone)):
        detail = f"Invalid phone number format ({phone}): use E.164."
        raise invalid(f"{place}/attributes/phone_number", detail)


def read_attributes(attributes: Json, profile: Json, pointer: str, now: float, *, backfill: bool) -> Told:
    """The event itself."""
    place = f"{pointer}/attributes"
    unknown = sorted(set(attributes) - EVENT_FIELDS)
    if unknown:
        raise invalid(place, f"'{unknown[0]}' is not a valid field for the resource 'event'.")
    value, currency = attributes.get("value"), attributes.get("value_currency")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise invalid(f"{place}/value", "Must be a number.")
    if currency is not None and not re.fullmatch(r"[A-Z]{3}", str(currency)):
        raise invalid(f"{place}/value_currency", "Must be an ISO 4217 code.")
    unique_id = attributes.get("unique_id")
    if unique_id is not None and not isinstance(unique_id, str):
        raise invalid(f"{place}/unique_id", "Must be a string.")
    return Told(
        profile=profile,
        metric=read_metric(attributes.get("metric"), f"{place}/metric"),
        properties=read_properties(attributes.get("properties"), f"{place}/properties"),
        time=read_time(attributes.get("time"), f"{place}/time", now),
        value=value,
        currency=currency,
        unique_id=unique_id or "",
        backfill=flag(attributes.get("backfill"), f"{place}/backfill", default=backfill),
        pointer=pointer,
    )


def read_metric(wrapped: Any, pointer: str) -> str:
    """The metric's name."""
    if not isinstance(wrapped, dict):
        raise invalid(pointer, "This field is required.")
    name = resource(wrapped, "metric", f"{pointer}/data").get("name")
    if not isinstance(name, str) or not 0 < len(name) < 128:
        raise invalid(f"{pointer}/data/attributes/name", "Must be a string of 1 to 127 characters.")
    return name


def read_properties(properties: Any, pointer: str) -> Json:
    """Up to 400 properties, strings up to 100 KB, arrays up to 4,000, ten levels deep."""
    if not isinstance(properties, dict):
        raise invalid(pointer, "This field is required.")
    if len(properties) > 400:
        raise invalid(pointer, "At most 400 properties.")
    for value, depth in walk(properties, 0):
        if isinstance(value, str) and len(value.encode()) > LONGEST_STRING:
            raise invalid(pointer, "A string is larger than 100 KB.")
        if isinstance(value, list) and len(value) > 4_000:
            raise invalid(pointer, "An array has more than 4000 items.")
        if depth > 10:
            raise invalid(pointer, "Nested more than 10 levels deep.")
    return properties


def walk(value: Any, depth: int) -> Iterator[tuple[Any, int]]:
    """Every value within, with its depth."""
    yield value, depth
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from walk(one, depth + 1)


def read_time(given: Any, pointer: str, now: float) -> float:
    """When it happened, cut to the second; now when it is absent."""
    if given is None:
        return float(int(now))
    try:
        moment = datetime.fromisoformat(str(given))
    except ValueError:
        raise invalid(pointer, "Must be an ISO 8601 date-time.") from None
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not EARLIEST < seconds < now + YEAR:
        raise invalid(pointer, "Must be after 1990 and at most one year ahead.")
    return float(int(seconds))
