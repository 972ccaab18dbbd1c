"""What can be read back: accounts, metrics, events and profiles, in pages."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import httpx

from integrations.klaviyo.simulator.account import Account, Kept, when
from integrations.klaviyo.simulator.answers import Refusal
from integrations.klaviyo.simulator.filters import chosen
from integrations.klaviyo.simulator.people import Profile

MAPPINGS = (
    "added_to_cart",
    "cancelled_sales",
    "ordered_product",
    "refunded_sales",
    "revenue",
    "started_checkout",
    "viewed_product",
)

Json = dict[str, Any]


def accounts(base_url: str) -> Json:
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


def metrics(account: Account, request: httpx.Request, base_url: str) -> Json:
    """Metrics, 200 a page; filter by the integration's name or category."""

    def read(row: tuple[str, Json], field: str) -> Any:
        return row[1]["integration"].get(field.partition(".")[2])

    wanted = request.url.params.get("filter", "")
    rows = chosen(list(account.metrics.items()), wanted, "metrics", read)
    return page([_metric(each, given, base_url) for each, given in rows], request, base_url, default=200, most=200)


def mapped_metrics(account: Account, base_url: str) -> Json:
    """Which metric counts as revenue and so on; all mappings, also those without a metric."""
    here = f"{base_url}/api/mapped-metrics"
    shown = []
    for mapping in MAPPINGS:
        self_link = f"{here}/{mapping}"
        links = {"self": f"{self_link}/relationships/metric", "related": f"{self_link}/metric"}
        metric: Json = {"links": links}
        if account.mapped.get(mapping):
            metric["data"] = {"type": "metric", "id": account.mapped[mapping]}
        shown.append(
            {
                "type": "mapped-metric",
                "id": mapping,
                "attributes": {"updated": "2026-01-05T00:00:00+00:00"},
                "relationships": {"metric": metric},
                "links": {"self": self_link},
            }
        )
    return {"data": shown, "links": {"self": here}}


def profiles(account: Account, request: httpx.Request, base_url: str) -> Json:
    """Profiles, 20 a page and at most 100; filter by an identifier or a time."""

    def read(one: Profile, field: str) -> Any:
        return getattr(one, field) if field in ("id", "created", "updated") else one.attributes.get(field)

    wanted, consents = request.url.params.get("filter", ""), consents_wanted(request)
    rows = chosen(list(account.people.profiles.values()), wanted, "profiles", read)
    field, back = _sorting(request, "created", ("created", "updated", "email", "id"))
    rows.sort(key=lambda one: read(one, field) or "", reverse=back)
    shown = [profile(one, base_url, consents=consents) for one in rows]
    return page(shown, request, base_url, default=20, most=100)


def events(account: Account, request: httpx.Request, base_url: str, seen_until: float) -> Json:
    """Events that have become visible, 200 a page and at most 1,000, newest first."""

    def read(one: Kept, field: str) -> Any:
        return {"metric_id": one.metric_id, "profile_id": one.profile.id}.get(field, one.told.time)

    visible = [kept for kept in account.events if kept.received <= seen_until]
    rows = chosen(visible, request.url.params.get("filter", ""), "events", read)
    _, back = _sorting(request, "-datetime", ("datetime", "timestamp"))
    rows.sort(key=lambda kept: kept.told.time, reverse=back)
    shown = page([_event(kept, base_url) for kept in rows], request, base_url, default=200, most=1000)
    included = _included(request, account, {one["id"] for one in shown["data"]}, base_url)
    return {**shown, "included": included} if included else shown


def page(rows: Sequence[Json], request: httpx.Request, base_url: str, *, default: int, most: int) -> Json:
    """One page of the rows, with links to the others."""
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
    if start:
        links["prev"] = str(httpx.URL(here, params=params.set("page[cursor]", _cursor(max(0, start - int(size))))))
    return {"data": sparse(rows[start:end], request), "links": links}


def sparse(rows: Sequence[Json], request: httpx.Request) -> list[Json]:
    """The rows with just the attributes that `fields[type]` asks for."""
    shown = []
    for row in rows:
        asked = request.url.params.get(f"fields[{row['type']}]")
        names = None if asked is None else asked.split(",")
        odd = [name for name in names or () if name not in (*row["attributes"], "id")]
        if odd:
            detail = f"'{odd[0]}' is not a field of '{row['type']}'."
            raise Refusal(400, "invalid", "Invalid input.", detail, parameter=f"fields[{row['type']}]")
        kept = {name: value for name, value in row["attributes"].items() if names is None or name in names}
        shown.append({**row, "attributes": kept})
    return shown


def profile(one: Profile, base_url: str, *, consents: bool = False) -> Json:
    """A profile, with its consents if wanted."""
    attributes = {
        **dict.fromkeys(("email", "phone_number", "external_id", "first_name", "last_name"), None),
        **{name: value for name, value in one.attributes.items() if name not in ("_kx", "anonymous_id")},
        "created": when(one.created),
        "updated": when(one.updated),
        "last_event_date": None if one.last_event is None else when(one.last_event),
    }
    if consents:
        marketing = {"can_receive_email_marketing": not one.suppressed, "consent": one.consent}
        attributes["subscriptions"] = {"email": {"marketing": marketing}}
    links = {"self": f"{base_url}/api/profiles/{one.id}/"}
    return {"type": "profile", "id": one.id, "attributes": attributes, "links": links}


def consents_wanted(request: httpx.Request) -> bool:
    """Whether `additional-fields` asks for consents; predictions are not known here."""
    parameter = "additional-fields[profile]"
    more = request.url.params.get(parameter, "")
    if more not in ("", "subscriptions"):
        raise Refusal(400, "invalid", "Invalid input.", f"'{more}' cannot be added.", parameter=parameter)
    return bool(more)


def _sorting(request: httpx.Request, default: str, known: Sequence[str]) -> tuple[str, bool]:
    """The field to sort by, and whether downwards."""
    order = request.url.params.get("sort", default)
    if order.removeprefix("-") not in known:
        raise Refusal(400, "invalid", "Invalid input.", f"Cannot sort by '{order}'.", parameter="sort")
    return order.removeprefix("-"), order.startswith("-")


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f"next:{offset}".encode()).decode()


def _offset(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("next:"))
    except ValueError:
        raise Refusal(400, "invalid", "Invalid input.", "Invalid cursor.", parameter="page[cursor]") from None


def _included(request: httpx.Request, account: Account, shown: set[str], base_url: str) -> list[Json]:
    asked = request.url.params.get("include")
    names = asked.split(",") if asked else []
    if set(names) - {"metric", "profile"}:
        raise Refusal(400, "invalid", "Invalid input.", f"Cannot include '{asked}'.", parameter="include")
    kept = [one for one in account.events if one.id in shown]
    found: dict[str, Json] = {}
    for one in kept:
        if "metric" in names:
            found[one.metric_id] = _metric(one.metric_id, account.metrics[one.metric_id], base_url)
        if "profile" in names:
            found[one.profile.id] = profile(one.profile, base_url)
    return list(found.values())


def _metric(metric_id: str, attributes: Json, base_url: str) -> Json:
    links = {"self": f"{base_url}/api/metrics/{metric_id}/"}
    return {"type": "metric", "id": metric_id, "attributes": attributes, "links": links}


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
            "datetime": when(told.time),
            "uuid": kept.id,
        },
        "relationships": {
            "profile": {"data": {"type": "profile", "id": kept.profile.id}},
            "metric": {"data": {"type": "metric", "id": kept.metric_id}},
        },
        "links": {"self": f"{base_url}/api/events/{kept.id}/"},
    }
