"""Klaviyo's own SDK finds in the simulator what it expects of Klaviyo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integrations.klaviyo.simulator import KlaviyoSimulator
from tests.sdk.serving import served

klaviyo_api = pytest.importorskip("klaviyo_api", reason="make sdk installs the vendors' own SDKs")
openapi_client = pytest.importorskip("openapi_client", reason="make sdk installs the vendors' own SDKs")


@pytest.fixture
def account() -> KlaviyoSimulator:
    return KlaviyoSimulator(base_url="http://127.0.0.1")


@pytest.fixture
def sdk(account: KlaviyoSimulator) -> Iterator[Any]:
    with served(account) as address:
        yield klaviyo_api.KlaviyoAPI("pk_sim", test_host=address, max_retries=2, max_delay=1)


def an_event(unique_id: str, email: str = "pat@example.com", **attributes: Any) -> dict[str, Any]:
    base = {
        "properties": {"OrderId": unique_id},
        "time": "2026-11-23T08:15:30+00:00",
        "value": 59.98,
        "value_currency": "USD",
        "unique_id": unique_id,
        "metric": {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}},
        "profile": {"data": {"type": "profile", "attributes": {"email": email}}},
    }
    return {"data": {"type": "event", "attributes": {**base, **attributes}}}


def in_bulk(*unique_ids: str) -> dict[str, Any]:
    events = [an_event(one, backfill=True)["data"] for one in unique_ids]
    for event in events:
        del event["attributes"]["profile"]
    who = {"data": {"type": "profile", "attributes": {"email": "pat@example.com"}}}
    group = {"type": "event-bulk-create", "attributes": {"profile": who, "events": {"data": events}}}
    return {"data": {"type": "event-bulk-create-job", "attributes": {"events-bulk-create": {"data": [group]}}}}


def test_events_are_created_once_and_read_back(account: KlaviyoSimulator, sdk: Any) -> None:
    # given one event twice, and two more in bulk
    for _ in range(2):
        sdk.Events.create_event(an_event("o-1"))
    sdk.Events.bulk_create_events(in_bulk("o-2", "o-3"))
    # when they are read back, page by page, as the SDK reads them
    found, cursor = [], None
    while True:
        page = sdk.Events.get_events(page_size=2, page_cursor=cursor, filter="greater-than(datetime,2026-01-01)")
        found += [one.attributes.event_properties for one in page.data]
        if not page.links.next:
            break
        # the SDK takes a cursor out of https links only, so it is given the cursor itself
        cursor = page.links.next.rpartition("page%5Bcursor%5D=")[2].partition("&")[0]
    # then each is there once
    assert sorted(one["$event_id"] for one in found) == ["o-1", "o-2", "o-3"]
    assert {one["$value"] for one in found} == {59.98}
    assert account.state()["flows_triggered"] == 1


def test_a_repeat_in_bulk_is_refused_with_a_place(account: KlaviyoSimulator, sdk: Any) -> None:
    with pytest.raises(openapi_client.ApiException) as refused:
        sdk.Events.bulk_create_events(in_bulk("o-1", "o-1"))
    assert refused.value.status == 400
    assert "/attributes/unique_id" in refused.value.body
    assert account.state()["events"] == []


def test_profiles_are_made_changed_found_and_deleted(account: KlaviyoSimulator, sdk: Any) -> None:
    who = {"data": {"type": "profile", "attributes": {"email": "pat@example.com", "external_id": "shop:1"}}}
    made = sdk.Profiles.create_or_update_profile(who)
    again = sdk.Profiles.create_or_update_profile(who)
    assert made.data.id == again.data.id
    (found,) = sdk.Profiles.get_profiles(filter='equals(external_id,"shop:1")').data
    assert (found.id, found.attributes.email) == (made.data.id, "pat@example.com")
    job = {"profile": {"data": {"type": "profile", "attributes": {"email": "pat@example.com"}}}}
    body = {"data": {"type": "data-privacy-deletion-job", "attributes": job}}
    sdk.Data_Privacy.request_profile_deletion(body)
    assert (account.state()["profiles"], account.state()["deleted"]) == (0, 1)


def test_a_bulk_import_is_a_job(account: KlaviyoSimulator, sdk: Any) -> None:
    people = [{"type": "profile", "attributes": {"email": email}} for email in ("pat@example.com", "nobody")]
    body = {"data": {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": people}}}}
    job = sdk.Profiles.bulk_import_profiles(body)
    done = sdk.Profiles.get_bulk_import_profiles_job(job.data.id)
    assert (done.data.attributes.status, done.data.attributes.failed_count) == ("complete", 1)
    (error,) = sdk.Profiles.get_errors_for_bulk_import_profiles_job(job.data.id).data
    assert error.attributes.source.pointer.endswith("/1/attributes/email")


def test_account_metrics_and_mappings(account: KlaviyoSimulator, sdk: Any) -> None:
    account.do_map_metric("revenue", account.do_third_party_metric("Shopify"))
    (mine,) = sdk.Accounts.get_accounts().data
    (metric,) = sdk.Metrics.get_metrics(filter='equals(integration.name,"Shopify")').data
    mapped = {one.id: one for one in sdk.Metrics.get_mapped_metrics().data}
    assert mine.attributes.public_api_key == "SiM123"
    assert metric.attributes.name == "Placed Order"
    assert mapped["revenue"].relationships.metric.data.id == metric.id


@pytest.mark.parametrize(("action", "status"), [("revoke_key", 401), ("set_scopes", 403), ("retire_revision", 200)])
def test_what_the_sdk_is_refused(account: KlaviyoSimulator, sdk: Any, action: str, status: int) -> None:
    arguments: dict[str, Any] = {"scopes": []} if action == "set_scopes" else {}
    account.act(action, arguments)
    if status == 200:  # the SDK asks for a newer revision than ours, which is served still
        assert sdk.Accounts.get_accounts().data
        return
    with pytest.raises(openapi_client.ApiException) as refused:
        sdk.Accounts.get_accounts()
    assert refused.value.status == status


def test_the_sdk_waits_as_long_as_it_is_told(account: KlaviyoSimulator, sdk: Any) -> None:
    for _ in range(2):
        assert sdk.Accounts.get_accounts().data
    assert account.do_calls() == {"GET 200": 2, "GET 429": 1}
