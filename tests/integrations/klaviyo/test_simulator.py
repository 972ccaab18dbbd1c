"""The simulator refuses what Klaviyo refuses."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from integrations.klaviyo.simulator import build
from tests.integrations.klaviyo.conftest import BASE

HEADERS = {
    "authorization": "Klaviyo-API-Key pk_sim",
    "revision": "2026-07-15",
    "content-type": "application/vnd.api+json",
    "x-klaviyo-revision-fall-forward-opt-out": "1",
}


@pytest.fixture
def api(account):
    with httpx.Client(transport=account.transport(), base_url=BASE, headers=HEADERS) as client:
        yield client


def attributes(**changes: Any) -> dict[str, Any]:
    metric = {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}}
    base = {"properties": {}, "metric": metric, "unique_id": "u1", "value": 5, "value_currency": "USD"}
    return {**base, "time": "2026-11-23T08:15:30+00:00", **changes}


def person(**changes: Any) -> dict[str, Any]:
    return {"data": {"type": "profile", "attributes": {"email": "pat@example.com", **changes}}}


def event(profile: Any = None, **changes: Any) -> dict[str, Any]:
    whole = {**attributes(**changes), "profile": profile or person()}
    return {
        "data": {"type": "event", "attributes": {name: value for name, value in whole.items() if value != "absent"}}
    }


def group(*events: dict[str, Any], profile: Any = None, **changes: Any) -> dict[str, Any]:
    listed = [{"type": "event", "attributes": one} for one in events]
    return {
        "type": "event-bulk-create",
        "attributes": {"profile": profile or person(), "events": {"data": listed}, **changes},
    }


def bulk(*groups: dict[str, Any]) -> dict[str, Any]:
    inner = {"events-bulk-create": {"data": list(groups)}}
    return {"data": {"type": "event-bulk-create-job", "attributes": inner}}


def told(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["errors"][0]
    return answer.status_code, error["source"].get("pointer") or error["code"]


def test_an_event_is_accepted_without_a_word_and_a_repeat_is_dropped(account, api) -> None:
    answers = [api.post("/api/events", json=event()) for _ in range(2)]
    assert [(one.status_code, one.content) for one in answers] == [(202, b"")] * 2
    assert account.state() == {
        "events": [
            {
                "metric": "Placed Order",
                "email": "pat@example.com",
                "external_id": None,
                "unique_id": "u1",
                "value": 5,
                "currency": "USD",
                "time": "2026-11-23T08:15:30+00:00",
                "backfill": False,
                "properties": {"OrderId": None},
            }
        ],
        "profiles": 1,
        "flows_triggered": 1,
        "subscribed": 0,
        "suppressed": 0,
        "deleted": 0,
    }


def test_without_a_unique_id_two_events_of_one_second_are_one(account, api) -> None:
    for fraction in ("", ".7"):
        api.post("/api/events", json=event(unique_id="absent", time=f"2026-11-23T08:15:30{fraction}+00:00"))
    assert len(account.state()["events"]) == 1


def test_the_same_unique_id_is_another_event_for_another_person_or_metric(account, api) -> None:
    other = {"data": {"type": "metric", "attributes": {"name": "Ordered Product"}}}
    for body in (event(), event(metric=other), event(person(email="sam@example.com"))):
        api.post("/api/events", json=body)
    assert len(account.state()["events"]) == 3


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({"authorization": ""}, (401, "not_authenticated")),
        ({"authorization": "Bearer pk_sim"}, (401, "authentication_failed")),
        ({"authorization": "Klaviyo-API-Key pk_other"}, (401, "authentication_failed")),
        ({"revision": ""}, (400, "invalid")),
        ({"revision": "2020-01-01"}, (410, "gone")),
        ({"revision": "2024-10-15"}, (410, "gone")),
        ({"content-type": "application/json"}, (415, "unsupported_media_type")),
    ],
)
def test_what_is_refused_before_the_body(api, headers, answer) -> None:
    assert told(api.post("/api/events", json=event(), headers=headers)) == answer


def test_without_the_opt_out_an_unknown_revision_is_served(api) -> None:
    headers = {"revision": "2020-01-01", "x-klaviyo-revision-fall-forward-opt-out": "0"}
    assert api.post("/api/events", json=event(), headers=headers).status_code == 202


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"data": {"type": "events", "attributes": {}}}, "/data/type"),
        (event(properties="absent"), "/data/attributes/properties"),
        (event(value="5.00"), "/data/attributes/value"),
        (event(value=True), "/data/attributes/value"),
        (event(value_currency="dollars"), "/data/attributes/value_currency"),
        (event(backfill="yes"), "/data/attributes/backfill"),
        (event(time="yesterday"), "/data/attributes/time"),
        (event(time="1980-01-01T00:00:00Z"), "/data/attributes/time"),
        (event(time="2028-01-01T00:00:00Z"), "/data/attributes/time"),
        (event(metric="absent"), "/data/attributes/metric"),
        (event(properties={str(n): n for n in range(401)}), "/data/attributes/properties"),
        (event(properties={"note": "x" * 110_000}), "/data/attributes/properties"),
        (event(uniqueId="x"), "/data/attributes"),
        (event(person(email=None)), "/data/attributes/profile/data/attributes"),
        (event(person(email="pat")), "/data/attributes/profile/data/attributes/email"),
        (event(person(phone_number="555-0123")), "/data/attributes/profile/data/attributes/phone_number"),
        (event(person(subscriptions={})), "/data/attributes/profile/data/attributes"),
    ],
)
def test_what_is_refused_in_an_event(account, api, body, pointer) -> None:
    assert told(api.post("/api/events", json=body)) == (400, pointer)
    assert account.state()["events"] == []


def test_a_bulk_request_is_all_or_nothing(account, api) -> None:
    good, bad = attributes(unique_id="u1"), attributes(unique_id="u2", value="5")
    status, pointer = told(api.post("/api/event-bulk-create-jobs", json=bulk(group(good, bad))))
    assert (status, pointer.endswith("/1/attributes/value")) == (400, True)
    assert account.state()["events"] == []


@pytest.mark.parametrize("repeat", ["inside", "across"])
def test_a_repeat_fails_the_whole_bulk_request(account, api, repeat) -> None:
    new, again = attributes(unique_id="new"), attributes(unique_id="again")
    if repeat == "across":
        api.post("/api/events", json=event(unique_id="again"))
        body = bulk(group(new, again))
    else:
        body = bulk(group(new, again), group(again))
    before = account.state()
    assert told(api.post("/api/event-bulk-create-jobs", json=body))[1].endswith("/attributes/unique_id")
    assert account.state() == before


def test_repeats_across_requests_may_be_dropped_instead(clock) -> None:
    account = build(base_url=BASE, clock=clock, bulk_repeats="drop")
    with httpx.Client(transport=account.transport(), base_url=BASE, headers=HEADERS) as api:
        for _ in range(2):
            assert api.post("/api/event-bulk-create-jobs", json=bulk(group(attributes()))).status_code == 202
    assert len(account.state()["events"]) == 1


def test_bulk_limits(api) -> None:
    many = [attributes(unique_id=f"u{n}") for n in range(1001)]
    assert api.post("/api/event-bulk-create-jobs", json=bulk(group(*many))).status_code == 400
    assert api.post("/api/event-bulk-create-jobs", json=bulk(group(*many[:1000]))).status_code == 202
    fat = [attributes(unique_id=f"f{n}", properties={"note": "x" * 90_000}) for n in range(60)]
    assert api.post("/api/event-bulk-create-jobs", json=bulk(group(*fat))).status_code == 413


def test_backfill_may_stand_on_the_group_or_on_the_event(account, api) -> None:
    groups = [group(attributes(unique_id="a"), backfill=True), group(attributes(unique_id="b", backfill=True))]
    api.post("/api/event-bulk-create-jobs", json=bulk(*groups))
    assert (len(account.state()["events"]), account.state()["flows_triggered"]) == (2, 0)


def test_people_are_found_by_any_identifier_and_absent_fields_stay(account, api) -> None:
    first = person(external_id="shop:1", first_name="Pat", last_name="Lee")
    again = {"data": {"type": "profile", "attributes": {"external_id": "shop:1", "first_name": None}}}
    api.post("/api/events", json=event(first))
    api.post("/api/events", json=event(again))
    assert (account.state()["profiles"], len(account.state()["events"])) == (1, 1)
    (profile,) = api.get("/api/profiles", params={"filter": 'equals(email,"pat@example.com")'}).json()["data"]
    assert (profile["attributes"]["first_name"], profile["attributes"]["last_name"]) == (None, "Lee")


def test_only_the_subscribe_endpoint_subscribes(account, api) -> None:
    account.do_suppress("pat@example.com")
    api.post("/api/events", json=event())
    assert (account.state()["subscribed"], account.state()["suppressed"]) == (0, 1)
    wish = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
    one = {"type": "profile", "attributes": {"email": "pat@example.com", "subscriptions": wish}}
    body = {"data": {"type": "profile-subscription-bulk-create-job", "attributes": {"profiles": {"data": [one]}}}}
    assert api.post("/api/profile-subscription-bulk-create-jobs", json=body).status_code == 202
    assert (account.state()["subscribed"], account.state()["suppressed"]) == (1, 0)


def test_two_windows_limit_each_endpoint(api, clock) -> None:
    first, second = (api.get("/api/accounts") for _ in range(2))
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("15", "14")
    assert (second.status_code, second.headers["retry-after"]) == (429, "1")
    assert "ratelimit-limit" not in second.headers
    for _ in range(14):
        clock.sleep(1)
        assert api.get("/api/accounts").status_code == 200
    clock.sleep(1)
    assert api.get("/api/accounts").headers["retry-after"] == "45"


def test_without_limits_nobody_waits(clock) -> None:
    account = build(base_url=BASE, clock=clock, limits=False)
    with httpx.Client(transport=account.transport(), base_url=BASE, headers=HEADERS) as api:
        assert [api.get("/api/accounts").status_code for _ in range(20)] == [200] * 20


def test_events_can_be_read_after_a_while_page_by_page(clock) -> None:
    account = build(base_url=BASE, clock=clock, visible_after=30.0)
    with httpx.Client(transport=account.transport(), base_url=BASE, headers=HEADERS) as api:
        for number in range(5):
            api.post("/api/events", json=event(unique_id=f"u{number}"))
        assert api.get("/api/events").json()["data"] == []
        clock.sleep(30)
        url, seen = "/api/events?page[size]=2", []
        while url:
            page = api.get(url).json()
            seen += [one["attributes"]["event_properties"]["$event_id"] for one in page["data"]]
            url = page["links"].get("next")
        assert sorted(seen) == [f"u{number}" for number in range(5)]
        assert api.get("/api/events?page[size]=1001").status_code == 400
        assert api.get("/api/events", params={"filter": 'equals(unique_id,"u1")'}).status_code == 400
