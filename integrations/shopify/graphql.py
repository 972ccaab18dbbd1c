"""GraphQL over HTTP as Shopify speaks it: cost, throttling, and errors inside of a 200.

https://shopify.dev/docs/api/usage/limits, https://shopify.dev/docs/api/usage/response-codes
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from commerce.errors import IntegrationError, OutcomeUnknown, UnexpectedAnswer
from integrations.connector import Services
from integrations.http import ApiClient, Safety, answered_json
from integrations.shopify.document import Document
from integrations.shopify.refusals import TOO_COSTLY as TOO_COSTLY
from integrations.shopify.refusals import FailedWithin as FailedWithin
from integrations.shopify.refusals import RefusedWithin as RefusedWithin
from integrations.shopify.refusals import (
    Unexplained,
    refuse_errors,
    refuse_misread_search,
    refuse_status,
    request_id,
)
from integrations.shopify.settings import VENDOR as VENDOR
from integrations.shopify.settings import ShopifySettings
from integrations.shopify.throttle import Throttle
from integrations.shopify.tokens import auth
from integrations.shopify.versions import DEPRECATED, SERVED, notice


class GraphQL:
    """Sends documents to one shop and returns their data.

    Raises RateLimited with the computed wait, NotAuthorised for a token or a scope (named), Rejected for what Shopify
    refuses (`code` is Shopify's), OutcomeUnknown for a mutation whose fate it does not tell, and UnexpectedAnswer when
    a search filter was not understood, because Shopify then answers with unfiltered rows.
    """

    def __init__(self, settings: ShopifySettings, services: Services) -> None:
        self.settings, self.services = settings, services
        self._path = f"/admin/api/{settings.api_version}/graphql.json"
        self._throttle = Throttle(services.limits.bucket("points"), services.sleep) if settings.pace else None
        self.served_version = ""
        self.deprecated: dict[str, str] = {}
        self._api = ApiClient(
            vendor=VENDOR,
            base_url=settings.base_url,
            auth=auth(settings, services),
            headers={"accept": "application/json", "shopify-search-query-debug": "1"},
            transport=services.transport,
            inspect=self._inspect,
            calls=services.calls,
            times=services.times,
            sleep=services.sleep,
            request_id="x-request-id",
        )

    def close(self) -> None:
        """Give the connections back."""
        self._api.close()

    @property
    def answered_at(self) -> datetime | None:
        """When the latest answer was given, by Shopify's own clock."""
        return self._api.answered_at

    def now(self) -> datetime:
        """The hub's time, aware, UTC."""
        return datetime.fromtimestamp(self.services.clock(), UTC)

    def ask(self, document: Document, *, repeatable: bool = False, **variables: Any) -> Any:
        """The answer's `data`. `repeatable` marks a mutation that Shopify applies once however often it arrives."""
        safety: Safety = ("repeatable" if repeatable else "once") if document.writes else "read"
        try:
            return self._asked(document, safety, variables)
        except Unexplained:
            self.services.sleep(1.0)
            return self._asked(document, safety, variables)

    def _asked(self, document: Document, safety: Safety, variables: Mapping[str, Any]) -> Any:
        taken = self._throttle.wait(document) if self._throttle else 0.0
        response = self._api.request(
            "POST",
            self._path,
            safety=safety,
            operation=document.name,
            json={"query": document.text, "operationName": document.name, "variables": variables},
            extensions={"document": document, "taken": taken},
        )
        data = response.extensions["answer"].get("data")
        if not isinstance(data, dict):
            raise unreadable(document, f"answered {document.name} without data", request_id(response))
        return data

    def pages(self, document: Document, *path: str, **variables: Any) -> Iterator[dict[str, Any]]:
        """Every page of the connection at `path`, read as the caller consumes them. Refuses to go round in circles."""
        after: str | None = None
        while True:
            page = connection_at(self.ask(document, after=after, **variables), path, document)
            yield page
            info = page["pageInfo"]
            if not info["hasNextPage"]:
                return
            if info["endCursor"] in (None, after):
                raise UnexpectedAnswer(VENDOR, f"{document.name}: pagination stays at the same cursor")
            after = info["endCursor"]

    def _inspect(self, response: httpx.Response) -> None:
        """Raise what the answer says, whatever its status; keep its body for `ask`."""
        document: Document = response.request.extensions["document"]
        self._notice(document, response)
        refuse_status(self.settings, response)
        if not response.is_success:
            return
        body = read_answer(document, response)
        response.extensions["answer"] = body
        extensions = body.get("extensions")
        told: dict[str, Any] = extensions if isinstance(extensions, dict) else {}
        if self._throttle:
            self._throttle.learn(document, response.request.extensions["taken"], told.get("cost"))
        refuse_misread_search(document, told.get("search"), request_id(response))
        refuse_errors(document, body, request_id(response))

    def _notice(self, document: Document, response: httpx.Response) -> None:
        """Remember, and tell, in which version Shopify answers and what it will take away."""
        self.served_version = response.headers.get(SERVED, self.served_version)
        if response.headers.get(DEPRECATED):
            self.deprecated[document.name] = response.headers[DEPRECATED]
        notice(self.services.notices, self.settings.name, self.settings.api_version, document.name, response)


def read_answer(document: Document, response: httpx.Response) -> dict[str, Any]:
    """The answer's JSON object. A page of a proxy, or half an answer, says nothing about what became of a write."""
    try:
        body = answered_json(VENDOR, response)
    except UnexpectedAnswer as error:
        if document.writes:
            raise OutcomeUnknown(VENDOR, f"{document.name}: {error}", request_id=request_id(response)) from error
        raise
    if not isinstance(body, dict):
        raise unreadable(document, "answered JSON that is no GraphQL answer", request_id(response))
    return body


def unreadable(document: Document, words: str, request: str) -> IntegrationError:
    """A success that tells nothing: of a write it is not known what became of it."""
    return (OutcomeUnknown if document.writes else UnexpectedAnswer)(VENDOR, words, request_id=request)


def connection_at(data: Any, path: tuple[str, ...], document: Document) -> dict[str, Any]:
    """The connection at `path` within `data`. Raises UnexpectedAnswer when it is not there."""
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    if not isinstance(data, dict) or "nodes" not in data or "pageInfo" not in data:
        raise UnexpectedAnswer(VENDOR, f"answered {document.name} without {'.'.join(path)}")
    return data


def user_errors(payload: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """`userErrors` of a mutation's payload; a payload that is null counts as an error without a field."""
    if payload is None:
        return [{"field": None, "message": "Shopify answered with an empty payload", "code": ""}]
    return list(payload.get("userErrors") or [])


def whole_seconds(moment: datetime) -> str:
    """The moment in Shopify's own step of one second, cut off, e.g. 2026-11-23T09:15:42Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def quoted(text: str) -> str:
    """A value of a search filter; unquoted, its colons and spaces would be read as further filters."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def short_id(gid: str) -> str:
    """The number of a gid: "gid://shopify/Order/5501" is "5501"."""
    return gid.rpartition("/")[2].partition("?")[0]


def long_id(kind: str, number: str) -> str:
    """The gid of a number; what already is a gid stays."""
    return number if number.startswith("gid://") else f"gid://shopify/{kind}/{number}"
