"""HubSpot's own SDK finds in the simulator what it expects of HubSpot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integrations.hubspot.simulator import HubSpotSimulator
from tests.sdk.serving import served

hubspot = pytest.importorskip("hubspot", reason="make sdk installs the vendors' own SDKs")


@pytest.fixture
def account() -> HubSpotSimulator:
    return HubSpotSimulator(base_url="http://127.0.0.1")


@pytest.fixture
def sdk(account: HubSpotSimulator) -> Iterator[Any]:
    with served(account) as address:
        yield hubspot.Client.create(access_token="pat-sim", host=address)


def a_deal(key: str, **properties: str) -> dict[str, Any]:
    return {"idProperty": "backroom_key", "id": key, "properties": {"dealname": f"Order {key}", **properties}}


def test_deals_are_created_and_found_again(account: HubSpotSimulator, sdk: Any) -> None:
    # given a property with unique values, made with the SDK
    body = {"name": "backroom_key", "label": "Key", "groupName": "dealinformation", "type": "string"}
    made = sdk.crm.properties.core_api.create(
        object_type="deals", property_create={**body, "fieldType": "text", "hasUniqueValue": True}
    )
    assert made.has_unique_value is True
    # when a deal is upserted twice
    first = sdk.crm.deals.batch_api.upsert({"inputs": [a_deal("1", amount="5.00")]})
    again = sdk.crm.deals.batch_api.upsert({"inputs": [a_deal("1", amount="7.00")]})
    # then it is one deal, new the first time
    assert [one.results[0].new for one in (first, again)] == [True, False]
    assert first.results[0].id == again.results[0].id
    assert [deal["properties"]["amount"] for deal in account.state()["deals"]] == ["7.00"]


def test_contacts_and_ties(account: HubSpotSimulator, sdk: Any) -> None:
    person = {"idProperty": "email", "id": "ada@example.com", "properties": {"email": "ada@example.com"}}
    contact = sdk.crm.contacts.batch_api.upsert({"inputs": [person]}).results[0]
    account.properties["backroom_key"] = {"name": "backroom_key", "hasUniqueValue": True}
    deal = sdk.crm.deals.batch_api.upsert({"inputs": [a_deal("1")]}).results[0]
    pair = {"inputs": [{"from": {"id": deal.id}, "to": {"id": contact.id}}]}
    sdk.crm.associations.v4.batch_api.create_default("deals", "contacts", pair)
    assert account.state()["ties"] == [(deal.id, contact.id)]


def test_a_refusal_has_the_shape_that_the_sdk_reads(account: HubSpotSimulator, sdk: Any) -> None:
    account.scopes.clear()
    with pytest.raises(hubspot.crm.deals.exceptions.ApiException) as caught:
        sdk.crm.deals.batch_api.upsert({"inputs": [a_deal("1")]})
    assert caught.value.status == 403
    assert "MISSING_SCOPES" in caught.value.body
