"""The simulator's profiles, jobs, filters and deletions are Klaviyo's."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from integrations.klaviyo.simulator import build
from tests.integrations.klaviyo.conftest import BASE
from tests.integrations.klaviyo.test_simulator import HEADERS, told


@pytest.fixture
def api(account):
    with httpx.Client(transport=account.transport(), base_url=BASE, headers=HEADERS) as client:
        yield client


def profile(*, id: str | None = None, meta: Any = None, **attributes: Any) -> dict[str, Any]:
    data = {
        "type": "profile",
        "attributes": attributes,
        **({"id": id} if id else {}),
        **({"meta": meta} if meta else {}),
    }
    return {"data": data}


def imported(*profiles: dict[str, Any]) -> dict[str, Any]:
    inner = {"profiles": {"data": [one["data"] for one in profiles]}}
    return {"data": {"type": "profile-bulk-import-job", "attributes": inner}}


def deletion(**who: Any) -> dict[str, Any]:
    attributes = {name: value for name, value in who.items() if name != "id"}
    person = {"data": {"type": "profile", "attributes": attributes, **({"id": who["id"]} if "id" in who else {})}}
    return {"data": {"type": "data-privacy-deletion-job", "attributes": {"profile": person}}}


def test_an_upsert_makes_changes_clears_and_keeps(account, api) -> None:
    made = api.post("/api/profile-import", json=profile(email="pat@example.com", first_name="Pat", last_name="Lee"))
    changed = api.post("/api/profile-import", json=profile(email="PAT@example.com", first_name=None, title="Ms"))
    assert (made.status_code, changed.status_code) == (201, 200)
    assert made.json()["data"]["id"] == changed.json()["data"]["id"]
    kept = changed.json()["data"]["attributes"]
    assert (kept["first_name"], kept["last_name"], kept["title"]) == (None, "Lee", "Ms")
    assert account.state()["subscribed"] == 0


def test_an_upsert_can_patch_properties(api) -> None:
    api.post("/api/profile-import", json=profile(email="pat@example.com", properties={"tags": ["a"], "old": 1}))
    patch = {"patch_properties": {"append": {"tags": "b"}, "unappend": {"tags": "a"}, "unset": "old"}}
    answer = api.post("/api/profile-import", json=profile(email="pat@example.com", meta=patch))
    assert answer.json()["data"]["attributes"]["properties"] == {"tags": ["b"]}


def test_klaviyos_id_is_not_ours(api) -> None:
    pat = api.post("/api/profile-import", json=profile(email="pat@example.com")).json()["data"]["id"]
    sam = api.post("/api/profile-import", json=profile(email="sam@example.com")).json()["data"]["id"]
    assert api.post("/api/profile-import", json=profile(id=pat, email="new@example.com")).status_code == 200
    for wrong in (profile(id=pat, email="sam@example.com"), profile(id="shop:991", email="new@example.com")):
        answer = api.post("/api/profile-import", json=wrong)
        assert answer.status_code == 404
        assert "does not exist" in answer.json()["errors"][0]["detail"]
    assert api.get(f"/api/profiles/{sam}").json()["data"]["attributes"]["email"] == "sam@example.com"
    assert api.get("/api/profiles/unknown").status_code == 404


def test_a_plain_create_names_the_one_that_is_there(api) -> None:
    made = api.post("/api/profiles", json=profile(email="pat@example.com", phone_number="+14155550123"))
    again = api.post("/api/profiles", json=profile(phone_number="+14155550123"))
    assert (made.status_code, again.status_code) == (201, 409)
    assert again.json()["errors"][0]["meta"] == {"duplicate_profile_id": made.json()["data"]["id"]}


def test_a_profile_of_more_than_100_kilobytes_is_too_big(api) -> None:
    big = profile(email="pat@example.com", properties={str(n): "x" * 30_000 for n in range(4)})
    assert told(api.post("/api/profile-import", json=big)) == (413, "payload_too_large")
    assert api.post("/api/profile-bulk-import-jobs", json=imported(big)).status_code == 400


def test_a_bulk_import_that_is_complete_has_not_succeeded_altogether(clock) -> None:
    account = build(base_url=BASE, clock=clock, job_seconds=30.0)
    with httpx.Client(transport=account.transport(), base_url=BASE, headers=HEADERS) as api:
        people = [profile(email="pat@example.com"), profile(email="no"), profile(first_name="Nobody")]
        job = api.post("/api/profile-bulk-import-jobs", json=imported(*people))
        path = f"/api/profile-bulk-import-jobs/{job.json()['data']['id']}"
        seen = []
        for _ in range(3):
            seen.append(api.get(path).json()["data"]["attributes"])
            clock.sleep(30)
        errors = api.get(f"{path}/import-errors", params={"page[size]": 1}).json()
        assert api.get("/api/profile-bulk-import-jobs/other").status_code == 404
    assert job.status_code == 202
    assert [(one["status"], one["failed_count"]) for one in seen] == [("queued", 0), ("processing", 0), ("complete", 2)]
    assert (seen[2]["total_count"], seen[2]["completed_count"]) == (3, 1)
    assert errors["data"][0]["attributes"]["source"]["pointer"].endswith("/profiles/data/1/attributes/email")
    assert errors["data"][0]["attributes"]["original_payload"]["attributes"] == {"email": "no"}
    assert "next" in errors["links"]
    assert account.state()["profiles"] == 1


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ({"email": "pat@example.com"}, 202),
        ({"phone_number": "+14155550123"}, 202),
        ({"id": "01SIM000000000000000000001"}, 202),
        ({"email": "pat@example.com", "phone_number": "+14155550123"}, 400),
        ({"id": "01SIM000000000000000000001", "email": "pat@example.com"}, 400),
        ({"email": None}, 400),
        ({}, 400),
        ({"email": "pat"}, 400),
    ],
)
def test_a_deletion_takes_exactly_one_identifier(account, api, who, status) -> None:
    api.post("/api/profile-import", json=profile(email="pat@example.com", phone_number="+14155550123"))
    assert api.post("/api/data-privacy-deletion-jobs", json=deletion(**who)).status_code == status
    assert account.state()["deleted"] == (1 if status == 202 else 0)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ('equals(email,"pat@example.com")', ["pat@example.com"]),
        ("equals(email,'pat@example.com')", ["pat@example.com"]),
        ('any(email,["pat@example.com","o\\"dd@example.com"])', ['o"dd@example.com', "pat@example.com"]),
        ('equals(email,"o\\"dd@example.com")', ['o"dd@example.com']),
        ('equals(email,"pat@example.com"),equals(external_id,"2")', []),
        ("greater-than(created,2026-11-23T09:30:00Z)", ["sam@example.com"]),
        ("less-than(created,2026-11-23T09:30:00+00:00)", ['o"dd@example.com', "pat@example.com"]),
    ],
)
def test_filters(account, api, clock, wanted, found) -> None:
    account.account.people.upsert({"email": "pat@example.com", "external_id": "1"})
    account.account.people.upsert({"email": 'o"dd@example.com'})
    clock.sleep(3600)
    account.account.people.upsert({"email": "sam@example.com", "external_id": "2"})
    answer = api.get("/api/profiles", params={"filter": wanted, "sort": "email"})
    assert [one["attributes"]["email"] for one in answer.json()["data"]] == found


@pytest.mark.parametrize(
    "wanted",
    [
        'contains(email,"pat")',
        'greater-than(email,"pat")',
        "equals(email,pat@example.com)",
        'equals(email,"pat"',
        'equals(email,"pat"),',
        'equals(email,"pat");equals(id,"1")',
        'equals(email,["pat"])',
        'any(email,"pat")',
        'equals(email,"pat") and more',
        "greater-than(created,yesterday)",
        'equals(first_name,"Pat")',
    ],
)
def test_filters_that_klaviyo_does_not_understand(api, wanted) -> None:
    answer = api.get("/api/profiles", params={"filter": wanted})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == {"parameter": "filter"}


@pytest.mark.parametrize(
    ("path", "params", "parameter"),
    [
        ("/api/metrics", {"page[size]": 50}, "page[size]"),
        ("/api/metrics", {"limit": 5}, "limit"),
        ("/api/accounts", {"filter": "x"}, "filter"),
        ("/api/events", {"sort": "name"}, "sort"),
        ("/api/events", {"page[cursor]": "!"}, "page[cursor]"),
        ("/api/events", {"include": "flows"}, "include"),
        ("/api/profiles", {"page[size]": 101}, "page[size]"),
        ("/api/profiles", {"additional-fields[profile]": "secrets"}, "additional-fields[profile]"),
    ],
)
def test_query_parameters_that_an_endpoint_does_not_have(api, path, params, parameter) -> None:
    answer = api.get(path, params=params)
    assert (answer.status_code, answer.json()["errors"][0]["source"]) == (400, {"parameter": parameter})


def test_sparse_fields_and_consent_are_shown_when_asked_for(account, api) -> None:
    account.do_suppress("pat@example.com")
    (one,) = api.get("/api/profiles", params={"fields[profile]": "email"}).json()["data"]
    assert one["attributes"] == {"email": "pat@example.com"}
    (one,) = api.get("/api/profiles", params={"additional-fields[profile]": "subscriptions"}).json()["data"]
    marketing = one["attributes"]["subscriptions"]["email"]["marketing"]
    assert marketing == {"can_receive_email_marketing": False, "consent": "UNSUBSCRIBED"}
    assert api.get("/api/profiles", params={"fields[profile]": "age"}).status_code == 400


@pytest.mark.parametrize(
    ("historical", "consented_at", "status"),
    [
        (True, "2026-11-01T00:00:00Z", 202),
        (True, None, 400),
        (True, "2027-11-01T00:00:00Z", 400),
        (False, None, 202),
        (False, "2026-11-01T00:00:00Z", 400),
    ],
)
def test_a_consent_says_when_it_was_given_if_it_is_old(api, historical, consented_at, status) -> None:
    consent = {"consent": "SUBSCRIBED", **({"consented_at": consented_at} if consented_at else {})}
    person = {"email": "pat@example.com", "subscriptions": {"email": {"marketing": consent}}}
    inner = {"historical_import": historical, "profiles": {"data": [{"type": "profile", "attributes": person}]}}
    body = {"data": {"type": "profile-subscription-bulk-create-job", "attributes": inner}}
    assert api.post("/api/profile-subscription-bulk-create-jobs", json=body).status_code == status


def test_an_accepted_event_may_never_be_seen_and_nobody_is_told(account, api) -> None:
    account.do_lose_events(1)
    for number in range(2):
        metric = {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}}
        body = {
            "properties": {},
            "metric": metric,
            "unique_id": f"u{number}",
            "profile": profile(email="pat@example.com"),
        }
        assert api.post("/api/events", json={"data": {"type": "event", "attributes": body}}).status_code == 202
    assert [event["unique_id"] for event in account.state()["events"]] == ["u1"]


def test_a_path_that_is_there_for_another_method_says_so(api) -> None:
    assert api.delete("/api/events").status_code == 405
    assert api.get("/api/lists").status_code == 404


def test_a_throttle_may_not_say_how_long(clock) -> None:
    account = build(base_url=BASE, clock=clock, told_wait=False)
    with httpx.Client(transport=account.transport(), base_url=BASE, headers=HEADERS) as api:
        answers = [api.get("/api/accounts") for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 429]
    assert "retry-after" not in answers[1].headers
