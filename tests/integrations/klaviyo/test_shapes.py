"""Every body that the OpenAPI file refuses is refused by the simulator, and no other: each is bent in every place."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from integrations.klaviyo.simulator import shapes
from integrations.klaviyo.simulator.answers import Refusal
from tests.integrations.klaviyo.conftest import BASE
from tests.integrations.klaviyo.spec import complaints, needs_spec

pytestmark = needs_spec

HEADERS = {
    "authorization": "Klaviyo-API-Key pk_sim",
    "revision": "2026-07-15",
    "content-type": "application/vnd.api+json",
}
META = {
    "patch_properties": {"append": {"tags": "wholesale"}, "unappend": {"tags": ["old"]}, "unset": "old_key"},
    "patch_identifiers": {"append": {"email": ["pat@example.org"]}, "unappend": {"email": ["p@example.org"]}},
}
LOCATION = {"address1": "1 Main St", "city": "Boston", "latitude": 42.36, "longitude": "-71.05", "ip": "127.0.0.1"}
IMPORTED = {
    "email": "pat@example.com",
    "phone_number": "+14155550123",
    "external_id": "shop:991",
    "_kx": None,
    "first_name": "Pat",
    "last_name": "Lee",
    "organization": "Engines",
    "locale": "en-US",
    "title": "Ms",
    "image": "https://shop.example/pat.png",
    "location": LOCATION,
    "properties": {"lifetime_orders": 3},
}
TRACKED = {**IMPORTED, "anonymous_id": "a1"}
EVENT = {
    "properties": {"OrderId": "1"},
    "time": "2026-11-23T08:15:30+00:00",
    "value": 59.98,
    "value_currency": "USD",
    "unique_id": "shop:placed:1",
    "backfill": False,
    "metric": {"data": {"type": "metric", "attributes": {"name": "Placed Order", "service": "api"}}},
}
CONSENT = {"consent": "SUBSCRIBED", "consented_at": "2026-11-01T00:00:00+00:00"}


def wrapped(kind: str, attributes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"data": {"type": kind, "attributes": attributes, **more}}


GROUP = {
    "backfill": True,
    "profile": wrapped("profile", TRACKED, id=None, meta=META),
    "events": {"data": [{"type": "event", "attributes": EVENT}]},
}
LIST = {"type": "list", "id": "VRgFBd"}
BODIES: dict[str, tuple[Any, dict[str, Any]]] = {
    "/api/events": (
        shapes.EVENT,
        wrapped("event", {**EVENT, "profile": wrapped("profile", {**TRACKED, "meta": META}, id=None)}),
    ),
    "/api/event-bulk-create-jobs": (
        shapes.BULK,
        wrapped(
            "event-bulk-create-job",
            {"events-bulk-create": {"data": [{"type": "event-bulk-create", "attributes": GROUP}]}},
        ),
    ),
    "/api/profile-import": (shapes.UPSERT, wrapped("profile", IMPORTED, id=None, meta=META)),
    "/api/profiles": (
        shapes.CREATE,
        wrapped("profile", {name: value for name, value in IMPORTED.items() if name != "_kx"}),
    ),
    "/api/profile-bulk-import-jobs": (
        shapes.IMPORT,
        wrapped(
            "profile-bulk-import-job",
            {"profiles": {"data": [wrapped("profile", IMPORTED, id=None, meta=META)["data"]]}},
            relationships={"lists": {"data": [LIST]}},
        ),
    ),
    "/api/data-privacy-deletion-jobs": (
        shapes.DELETION,
        wrapped(
            "data-privacy-deletion-job",
            {"profile": wrapped("profile", {"email": "pat@example.com", "phone_number": None}, id=None)},
        ),
    ),
    "/api/profile-subscription-bulk-create-jobs": (
        shapes.SUBSCRIPTION,
        wrapped(
            "profile-subscription-bulk-create-job",
            {
                "custom_source": "shop",
                "historical_import": True,
                "profiles": {
                    "data": [
                        wrapped(
                            "profile",
                            {
                                "email": "pat@example.com",
                                "phone_number": "+14155550123",
                                "subscriptions": {"email": {"marketing": CONSENT}, "sms": {"marketing": CONSENT}},
                            },
                        )["data"]
                    ]
                },
            },
            relationships={"list": {"data": LIST}},
        ),
    ),
}
ODD = (None, "odd", "", 7, 7.5, True, [], ["odd"], {}, {"odd": 1})


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value within."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield (*way, name)
        yield from places(one, (*way, name))


def at(body: Any, way: tuple[Any, ...]) -> Any:
    for name in way:
        body = body[name]
    return body


def bent(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The body with one thing wrong, or only different: left out, of another kind, or one too many."""
    for way in places(body):
        for odd in (*ODD, ...):
            changed = copy.deepcopy(body)
            holder = at(changed, way[:-1])
            if odd is ...:
                del holder[way[-1]]
            else:
                holder[way[-1]] = odd
            yield f"{way} = {'absent' if odd is ... else odd!r}", changed
        if isinstance(at(body, way), dict):
            changed = copy.deepcopy(body)
            at(changed, way)["uninvited"] = "guest"
            yield f"{way} with a guest", changed


@pytest.mark.parametrize("path", BODIES)
def test_the_simulator_refuses_the_shapes_that_the_file_refuses(path) -> None:
    shape, body = BODIES[path]
    assert complaints("POST", path, body=body) == []
    wrong: list[str] = []
    count = 0
    for story, changed in bent(body):
        count += 1
        try:
            shapes.refuse_misshapen(changed, shape)
            refused = False
        except Refusal:
            refused = True
        if refused != bool(complaints("POST", path, body=changed)):
            wrong.append(f"{story}: the simulator {'refuses' if refused else 'takes'} it")
    assert wrong == []
    assert count > 100


@pytest.mark.parametrize("path", BODIES)
def test_what_is_refused_is_answered_so_and_what_is_not_is_taken(account, path) -> None:
    _, body = BODIES[path]
    account.limits = False
    with httpx.Client(transport=account.transport(), base_url=BASE, headers=HEADERS) as api:
        assert api.post(path, json=body).status_code in (200, 201, 202)
        odd = api.post(path, json={"data": {**body["data"], "type": "other"}})
    error = odd.json()["errors"][0]
    assert (odd.status_code, error["source"]) == (400, {"pointer": "/data/type"})
    assert complaints("POST", path, body=odd.json(), status=400) == []
