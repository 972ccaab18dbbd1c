"""What can be read back: accounts, metrics, events and profiles, in pages."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from integrations.klaviyo.simulator.account import Account, Kept, Profile
from integrations.klaviyo.simulator.answers import Refusal

FILTER = re.compile(r"(equals|greater-than|greater-or-equal|less-than|less-or-equal)\(([\w.]+),\"?([^\"()]*)\"?\)")

Json = dict[str, Any]
Test = Callable[[Any, str, str], bool]


def list_accounts(base_url: str) -> Json:
    """The one account of the key."""
    street = {"address1": "1 Main St", "city": "Boston", "region": "MA", "country": "United States", "zip": "02108"}
    account = {
        "type": "account",
        "id": "SiM123",
        "attributes": {
            "test_account": True,
            "contact_information": {
                "default_sender_name": "Simulated Shop",
                "default_sender_email": "shop@example.com",
                "website_url": "https://shop.example.com",
                "organization_name": "Simulated Shop",
                "street_address": street,
            },
            "industry": "Ecommerce",
            "timezone": "US/Eastern",
            "preferred_currency": "USD",
            "public_api_key": "SiM123",
            "locale": "en-US",
        },
        "links": {"self": f"{base_url}/api/accounts/SiM123/"},
    }
    return {"data": [account], "links": {"self": f"{base_url}/api/accounts"}}


def list_metrics(account: Account, request: httpx.Request, base_url: str) -> Json:
    """Metrics, 200 a page; filter by the integration's name or category."""

    def fits(one: tuple[str, Json], field: str, value: str) -> bool:
        return bool(one[1]["integration"].get(field.partition(".")[2]) == value)

    rows = _chosen(account.metrics.items(), request, {"integration.name": fits, "integration.category": fits})
    shown = [_metric(each, attributes, base_url) for each, attributes in rows]
    return _page(shown, request, base_url, default=200, most=200)


def list_profiles(account: Account, request: httpx.Request, base_url: str) -> Json:
    """Profiles, 20 a page and at most 100; filter by an identifier."""

    def fits(one: Profile, field: str, value: str) -> bool:
        return value == (one.id if field == "id" else one.attributes.get(field))

    fields = dict.fromkeys(("id", "email", "phone_number", "external_id"), fits)
    rows = _chosen(account.profiles.values(), request, fields)
    return _page([_profile(one, base_url) for one in rows], request, base_url, default=20, most=100)


def list_events(account: Account, request: httpx.Request, base_url: str, seen_until: float) -> Json:
    """Events that have become visible, 200 a page and at most 1,000, newest first; filter by metric and profile."""

    def fits(one: Kept, field: str, value: str) -> bool:
        return value == (one.metric_id if field == "metric_id" else one.profile.id)

    visible = [kept for kept in account.events if kept.received <= seen_until]
    rows = _chosen(visible, request, {"metric_id": fits, "profile_id": fits})
    order = request.url.params.get("sort", "-datetime")
    rows.sort(key=lambda kept: kept.told.time, reverse=order.startswith("-"))
    return _page([_event(kept, base_url) for kept in rows], request, base_url, default=200, most=1000)


def _chosen(rows: Any, request: httpx.Request, fields: Mapping[str, Test]) -> list[Any]:
    """Rows that pass every filter. Only `equals` is known here; anything else is refused, as the vendor refuses."""
    wanted = request.url.params.get("filter", "")
    if wanted and FILTER.sub("", wanted).strip(","):
        raise Refusal(400, "invalid", "Invalid input.", "Invalid filter.", parameter="filter")
    chosen = list(rows)
    for operator, field, value in FILTER.findall(wanted):
        if field not in fields or operator != "equals":
            detail = f"{operator} is not a valid filter operator for {field}."
            raise Refusal(400, "invalid", "Invalid input.", detail, parameter="filter")
        chosen = [row for row in chosen if fields[field](row, field, value)]
    return chosen


def _page(rows: Sequence[Json], request: httpx.Request, base_url: str, *, default: int, most: int) -> Json:
    params = request.url.params
    size = params.get("page[size]", str(default))
    if not size.isdigit() or not 1 <= int(size) <= most:
        raise Refusal(400, "invalid", "Invalid input.", f"Must be 1 to {most}.", parameter="page[size]")
    start = _offset(params.get("page[cursor]"))
    end = start + int(size)
    here = f"{base_url}{request.url.path}"
    links = {"self": str(httpx.URL(here, params=params))}
    if end < len(rows):
        links["next"] = str(httpx.URL(here, params=params.set("page[cursor]", _cursor(end))))
    return {"data": list(rows[start:end]), "links": links}


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f"next:{offset}".encode()).decode()


def _offset(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("next:"))
    except ValueError:
        raise Refusal(400, "invalid", "Invalid input.", "Invalid cursor.", parameter="page[cursor]") from None


def _metric(metric_id: str, attributes: Json, base_url: str) -> Json:
    links = {"self": f"{base_url}/api/metrics/{metric_id}/"}
    return {"type": "metric", "id": metric_id, "attributes": attributes, "links": links}


def _profile(profile: Profile, base_url: str) -> Json:
    attributes = {
        **dict.fromkeys(("email", "phone_number", "external_id", "first_name", "last_name"), None),
        **{name: value for name, value in profile.attributes.items() if name not in ("_kx", "anonymous_id", "meta")},
        "created": _when(profile.created),
        "last_event_date": None if profile.last_event is None else _when(profile.last_event),
    }
    links = {"self": f"{base_url}/api/profiles/{profile.id}/"}
    return {"type": "profile", "id": profile.id, "attributes": attributes, "links": links}


def _event(kept: Kept, base_url: str) -> Json:
    told = kept.told
    properties = {**told.properties, "$event_id": told.unique_id or str(int(told.time))}
    if told.value is not None:
        properties["$value"] = told.value
    return {
        "type": "event",
        "id": kept.id,
        "attributes": {
            "timestamp": int(told.time),
            "event_properties": properties,
            "datetime": _when(told.time),
            "uuid": kept.id,
        },
        "relationships": {
            "profile": {"data": {"type": "profile", "id": kept.profile.id}},
            "metric": {"data": {"type": "metric", "id": kept.metric_id}},
        },
        "links": {"self": f"{base_url}/api/events/{kept.id}/"},
    }


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
