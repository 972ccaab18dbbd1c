"""Reading request bodies as strictly as Klaviyo does: the shape first, then the limits that its pages tell."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from integrations.klaviyo.simulator import shapes
from integrations.klaviyo.simulator.answers import Refusal, invalid
from integrations.simulator import json_body

MOST_BYTES = 5_000_000
MOST_PROFILE_BYTES = 100_000
MOST_EVENTS = 1_000
LONGEST_STRING = 100_000
YEAR = 366 * 86_400
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
E_MAIL = re.compile(r"[^\s@\"<>(),;:]+@[^\s@\"<>(),;:.]+(\.[^\s@\"<>(),;:.]+)+")
E_164 = re.compile(r"\+(?:1[2-9]\d{2}[2-9]\d{6}|[2-9]\d{6,14})", re.ASCII)
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
IDENTIFIERS = ("email", "phone_number", "external_id", "anonymous_id", "_kx")

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


class Reader:
    """Reads bodies; `odd_phones` are numbers that look well and that Klaviyo's own directory does not know."""

    def __init__(self, odd_phones: Collection[str]) -> None:
        self._odd_phones = odd_phones

    def event(self, request: httpx.Request, now: float) -> Told:
        """`POST /api/events`. Raises Refusal."""
        data = shaped(request, shapes.EVENT)["data"]
        attributes = data["attributes"]
        profile = self.person(attributes["profile"]["data"], "/data/attributes/profile/data")
        return read_event(attributes, profile, "/data", now, backfill=False)

    def bulk(self, request: httpx.Request, now: float) -> list[Told]:
        """`POST /api/event-bulk-create-jobs`: every event of every group. Raises Refusal."""
        groups = shaped(request, shapes.BULK)["data"]["attributes"]["events-bulk-create"]["data"]
        place = "/data/attributes/events-bulk-create/data"
        told: list[Told] = []
        for at, group in enumerate(groups):
            inner, here = group["attributes"], f"{place}/{at}/attributes"
            profile = self.person(inner["profile"]["data"], f"{here}/profile/data")
            backfill = bool(inner.get("backfill"))
            for number, event in enumerate(inner["events"]["data"]):
                pointer = f"{here}/events/data/{number}"
                told.append(read_event(event["attributes"], profile, pointer, now, backfill=backfill))
        if not told or len(told) > MOST_EVENTS:
            raise invalid(place, f"A request has 1 to {MOST_EVENTS} events.")
        return told

    def upsert(self, request: httpx.Request) -> Json:
        """`POST /api/profile-import`: a profile, with the `meta` that patches it. Raises Refusal."""
        data: Json = shaped(request, shapes.UPSERT, most=MOST_PROFILE_BYTES)["data"]
        return {**self.person(data, "/data"), "meta": data.get("meta") or {}}

    def created(self, request: httpx.Request) -> Json:
        """`POST /api/profiles`. Raises Refusal."""
        return self.person(shaped(request, shapes.CREATE, most=MOST_PROFILE_BYTES)["data"], "/data")

    def imported(self, request: httpx.Request) -> list[Json]:
        """`POST /api/profile-bulk-import-jobs`: profiles of the right shape, not looked at yet. Raises Refusal."""
        profiles: list[Json] = shaped(request, shapes.IMPORT)["data"]["attributes"]["profiles"]["data"]
        place = "/data/attributes/profiles/data"
        if not 1 <= len(profiles) <= 10_000:
            raise invalid(place, "A request has 1 to 10000 profiles.")
        for number, profile in enumerate(profiles):
            if len(json.dumps(profile)) > MOST_PROFILE_BYTES:
                raise invalid(f"{place}/{number}", "A profile is larger than 100 KB.")
        return profiles

    def subscriptions(self, request: httpx.Request, now: float) -> list[Json]:
        """`POST /api/profile-subscription-bulk-create-jobs`: who consents. Raises Refusal."""
        attributes = shaped(request, shapes.SUBSCRIPTION)["data"]["attributes"]
        place, profiles = "/data/attributes/profiles/data", attributes["profiles"]["data"]
        if not 1 <= len(profiles) <= 1_000:
            raise invalid(place, "A request has 1 to 1000 profiles.")
        for number, profile in enumerate(profiles):
            here = f"{place}/{number}"
            self.person(profile, here)
            refuse_bad_consents(profile, here, now, historical=bool(attributes.get("historical_import")))
        return [
            {name: one["attributes"][name] for name in ("email", "phone_number") if name in one["attributes"]}
            for one in profiles
        ]

    def deletion(self, request: httpx.Request) -> tuple[str, str]:
        """`POST /api/data-privacy-deletion-jobs`: which identifier, and its value. Raises Refusal."""
        data = shaped(request, shapes.DELETION)["data"]["attributes"]["profile"]["data"]
        given = {**data["attributes"], "id": data.get("id")}
        named = [(name, str(value)) for name, value in given.items() if value]
        if len(named) != 1:
            raise invalid("/data/attributes/profile/data", "Exactly one of id, email and phone_number is required.")
        self.person(data, "/data/attributes/profile/data")
        return named[0]

    def person(self, data: Json, place: str) -> Json:
        """A profile's attributes, and its `id` if given, once they name somebody. Raises Refusal."""
        attributes, here = data["attributes"], f"{place}/attributes"
        if not data.get("id") and not any(attributes.get(name) for name in IDENTIFIERS):
            raise invalid(here, "One of email, phone_number, external_id, anonymous_id, _kx is required.")
        email, phone = attributes.get("email"), attributes.get("phone_number")
        if email is not None and not E_MAIL.fullmatch(email):
            raise invalid(f"{here}/email", f"Invalid email address: {email}")
        if phone is not None and (not E_164.fullmatch(phone) or phone in self._odd_phones):
            raise invalid(f"{here}/phone_number", f"Invalid phone number format ({phone}): use E.164.")
        return {**attributes, **({"id": data["id"]} if data.get("id") else {})}


def shaped(request: httpx.Request, shape: shapes.Shape, most: int = MOST_BYTES) -> Json:
    """The body, if it is of bearable size and of this shape."""
    if len(request.content) > most:
        raise Refusal(413, "payload_too_large", "Payload too large.", f"The payload must not exceed {most} bytes.")
    body = json_body(request)
    if not isinstance(body, dict):
        raise Refusal(400, "parse_error", "Malformed request.", "The body is not a JSON object.")
    shapes.refuse_misshapen(body, shape)
    return body


def read_event(attributes: Json, profile: Json, pointer: str, now: float, *, backfill: bool) -> Told:
    """The event itself."""
    place = f"{pointer}/attributes"
    currency = attributes.get("value_currency")
    if currency is not None and not re.fullmatch(r"[A-Z]{3}", currency):
        raise invalid(f"{place}/value_currency", "Must be an ISO 4217 code.")
    name = attributes["metric"]["data"]["attributes"]["name"]
    if not 0 < len(name) < 128:
        raise invalid(f"{place}/metric/data/attributes/name", "Must have 1 to 127 characters.")
    refuse_big_properties(attributes["properties"], f"{place}/properties")
    own = attributes.get("backfill")
    return Told(
        profile=profile,
        metric=name,
        properties=attributes["properties"],
        time=read_time(attributes.get("time"), f"{place}/time", now),
        value=attributes.get("value"),
        currency=currency,
        unique_id=attributes.get("unique_id") or "",
        backfill=backfill if own is None else own,
        pointer=pointer,
    )


def refuse_big_properties(properties: Json, pointer: str) -> None:
    """Up to 400 properties, strings up to 100 KB, arrays up to 4,000, ten levels deep."""
    if len(properties) > 400:
        raise invalid(pointer, "At most 400 properties.")
    for value, depth in walk(properties, 0):
        if isinstance(value, str) and len(value.encode("utf-8", "surrogatepass")) > LONGEST_STRING:
            raise invalid(pointer, "A string is larger than 100 KB.")
        if isinstance(value, list) and len(value) > 4_000:
            raise invalid(pointer, "An array has more than 4000 items.")
        if depth > 10:
            raise invalid(pointer, "Nested more than 10 levels deep.")


def walk(value: Any, depth: int) -> Iterator[tuple[Any, int]]:
    """Every value within, with its depth."""
    yield value, depth
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from walk(one, depth + 1)


def read_time(given: str | None, pointer: str, now: float) -> float:
    """When it happened, cut to the second; now when it is absent."""
    if given is None:
        return float(int(now))
    seconds = moment(given, pointer)
    if not EARLIEST < seconds < now + YEAR:
        raise invalid(pointer, "Must be after 1990 and at most one year ahead.")
    return float(int(seconds))


def moment(given: str, pointer: str) -> float:
    """A date-time in seconds since the epoch; UTC when it names no zone."""
    try:
        found = datetime.fromisoformat(given) if DATE_TIME.fullmatch(given) else None
    except ValueError:
        found = None
    if found is None:
        raise invalid(pointer, "Must be an ISO 8601 date-time.")
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def refuse_bad_consents(profile: Json, pointer: str, now: float, *, historical: bool) -> None:
    """A historical import needs to say when, in the past; any other must not say it."""
    for channel, kinds in profile["attributes"]["subscriptions"].items():
        for kind, consent in (kinds or {}).items():
            here = f"{pointer}/attributes/subscriptions/{channel}/{kind}/consented_at"
            given = (consent or {}).get("consented_at")
            if kind == "open_tracking" or consent is None:
                continue
            if historical != (given is not None) or (given is not None and moment(given, here) > now):
                raise invalid(here, "Goes with historical_import, and lies in the past.")
