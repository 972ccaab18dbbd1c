"""HubSpot's endpoints, one method each.

https://developers.hubspot.com/docs/api-reference/crm-deals-v3/guide
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from commerce.errors import NotAuthorised, Rejected, UnexpectedAnswer
from integrations.auth import HeaderAuth
from integrations.connector import Services
from integrations.http import ApiClient, answered_json
from integrations.hubspot.mapping import Properties
from integrations.hubspot.schemas import Batch, ErrorBody, Pipelines, Property, Record, TokenInfo
from integrations.hubspot.settings import HubSpotSettings

VENDOR = "hubspot"
PACE = [(90, 10.0)]
"""Calls and seconds. A private app of the smallest plan has 100 in ten seconds, shared by all its processes."""

Model = TypeVar("Model", bound=BaseModel)


class HubSpotApi:
    """One account."""

    def __init__(self, settings: HubSpotSettings, services: Services) -> None:
        self._token = settings.access_token.get_secret_value()
        self._api = ApiClient(
            vendor=VENDOR,
            base_url=settings.base_url,
            auth=HeaderAuth("authorization", f"Bearer {self._token}"),
            headers={"accept": "application/json"},
            transport=services.transport,
            inspect=judge,
            pace=services.pace(PACE) if settings.pace else None,
            calls=services.calls,
            times=services.times,
            sleep=services.sleep,
            request_id="x-hubspot-correlation-id",
        )

    def close(self) -> None:
        """Give the connections back."""
        self._api.close()

    def token(self) -> TokenInfo:
        """Whose token this is."""
        body = {"tokenKey": self._token}
        path = "/oauth/v2/private-apps/get/access-token-info"
        return read_as(TokenInfo, self._api.request("POST", path, json=body, safety="read"))

    def upsert(self, kind: str, key: str, records: Sequence[Properties]) -> list[Record]:
        """Create or update up to 100 contacts or deals, found by their property `key`; those that were taken.

        May be repeated. Raises Rejected when none was taken. Of a batch with a bad record HubSpot takes either none
        (400) or the others (207), so that the answer may have fewer than were sent.
        """
        inputs = [{"idProperty": key, "id": record[key], "properties": record} for record in records]
        path = f"/crm/v3/objects/{kind}/batch/upsert"
        answer = read_as(Batch, self._api.request("POST", path, json={"inputs": inputs}, safety="repeatable"))
        if not answer.results:
            why = answer.errors[0] if answer.errors else ErrorBody(message="took the call and said nothing of it")
            raise Rejected(VENDOR, why.message, code=why.category)
        return answer.results

    def deals_by(self, key: str, values: Sequence[str], properties: Sequence[str]) -> list[Record]:
        """Up to 100 deals by their property `key`; those that HubSpot does not have are left out."""
        # https://developers.hubspot.com/docs/api-reference/crm-deals-v3/guide
        return self._read("deals", key, values, [key, *properties])

    def contact_by_email(self, email: str) -> Record | None:
        """The contact with this address, None when there is none."""
        return next(iter(self._read("contacts", "email", [email], ["email"])), None)

    def _read(self, kind: str, key: str, values: Sequence[str], properties: Sequence[str]) -> list[Record]:
        inputs = [{"id": value} for value in values]
        body = {"idProperty": key, "properties": list(properties), "inputs": inputs}
        path = f"/crm/v3/objects/{kind}/batch/read"
        return read_as(Batch, self._api.request("POST", path, json=body, safety="read")).results

    def delete_for_good(self, contact: str) -> None:
        """Delete a contact so that nobody can bring it back from the bin. Harmless when it is gone."""
        # https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/basic/post-crm-v3-objects-contacts-gdpr-delete
        path = "/crm/v3/objects/contacts/gdpr-delete"
        self._api.request("POST", path, json={"objectId": contact}, expect=[404], safety="repeatable")

    def tie(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Tie deals to contacts, by their ids. May be repeated."""
        inputs = [{"from": {"id": deal}, "to": {"id": contact}} for deal, contact in pairs]
        path = "/crm/v4/associations/deals/contacts/batch/associate/default"
        self._api.request("POST", path, json={"inputs": inputs}, safety="repeatable")

    def deal_property(self, name: str) -> Property | None:
        """A property of deals, None when there is none of this name."""
        path = f"/crm/v3/properties/deals/{name}"
        answer = self._api.request("GET", path, expect=[404], operation="GET /crm/v3/properties/deals")
        return None if answer.status_code == 404 else read_as(Property, answer)

    def create_key_property(self, name: str) -> None:
        """Create the deals' property with unique values. Harmless when somebody was faster."""
        body: dict[str, Any] = {
            "name": name,
            "label": "Order key of backroom",
            "description": "Which order this deal is. Written by the hub; leave it as it is.",
            "groupName": "dealinformation",
            "type": "string",
            "fieldType": "text",
            "hasUniqueValue": True,
        }
        self._api.request("POST", "/crm/v3/properties/deals", json=body, expect=[409], safety="repeatable")

    def pipelines(self) -> Pipelines:
        """The pipelines of deals, with their stages."""
        return read_as(Pipelines, self._api.request("GET", "/crm/v3/pipelines/deals"))


def judge(response: httpx.Response) -> None:
    """Raise what HubSpot's own error says; what only the status says is left to the caller."""
    if response.is_success or response.status_code not in (400, 401, 403, 409):
        return
    try:
        said = ErrorBody.model_validate(response.json())
    except (ValueError, UnicodeDecodeError):  # a proxy's page: its status says enough
        return
    scopes = sorted({scope for one in said.errors for scope in one.context.get("requiredGranularScopes", [])})
    words = f"{said.message or response.status_code} ({said.category or 'no category'})"
    correlation = response.headers.get("x-hubspot-correlation-id", "")
    if response.status_code in (401, 403):
        hint = f"give the private app the scope {', '.join(scopes)}" if scopes else "make a new access token"
        raise NotAuthorised(VENDOR, words, request_id=correlation, hint=hint, code=said.category)
    raise Rejected(VENDOR, words, request_id=correlation, code=said.category)


def read_as(model: type[Model], response: httpx.Response) -> Model:
    """The answer as a value. Raises UnexpectedAnswer."""
    try:
        return model.model_validate(answered_json(VENDOR, response))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UnexpectedAnswer(
            VENDOR, f"answered something else than {model.__name__}: {place} {first['msg']}"
        ) from None
