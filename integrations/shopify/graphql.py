"""GraphQL over HTTP as Shopify speaks it: cost, throttling, and errors inside of a 200.

https://shopify.dev/docs/api/usage/limits, https://shopify.dev/docs/api/usage/response-codes
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from commerce.errors import (
    IntegrationError,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    TemporarilyUnavailable,
    UnexpectedAnswer,
)
from integrations.connector import Services
from integrations.http import ApiClient, Safety, answered_json
from integrations.shopify.documents import Document
from integrations.shopify.settings import VENDOR as VENDOR
from integrations.shopify.settings import ShopifySettings
from integrations.shopify.throttle import Throttle
from integrations.shopify.tokens import auth

log = logging.getLogger(__name__)

TOO_COSTLY = "MAX_COST_EXCEEDED"
REFUSALS = {
    401: ("refuses our access token", "was the app uninstalled, or its secret changed? put the new one in, then check"),
    402: ("says that the shop is frozen", "its owner must pay the Shopify bill"),
    403: ("forbids this app to call the shop", "is the app installed in this very shop?"),
    404: ("has no such shop or API version", "check shop, base_url and api_version in stack.toml"),
    423: ("has locked the shop", "its owner must ask Shopify why"),
}
"""What a status means for the whole connection, and what a person can do."""
KINDS: dict[str, type[IntegrationError]] = {
    "ACCESS_DENIED": NotAuthorised,
    "SHOP_INACTIVE": NotAuthorised,
    "INTERNAL_SERVER_ERROR": TemporarilyUnavailable,
}
"""What Shopify's codes mean; any other one is a refusal that stays one."""


class FailedWithin(TemporarilyUnavailable):
    """Shopify failed at one entry of a list, as `nodes`: asking for fewer shows at which."""


class RefusedWithin(Rejected):
    """Shopify refused one entry of a list, as `nodes`: asking for fewer shows which."""


WITHIN: dict[type[IntegrationError], type[IntegrationError]] = {
    TemporarilyUnavailable: FailedWithin,
    Rejected: RefusedWithin,
}


class GraphQL:
    """Sends documents to one shop and returns their data.

    Raises RateLimited with the computed wait, NotAuthorised for a token or a scope (named), Rejected for what Shopify
    refuses (`code` is Shopify's), OutcomeUnknown for a mutation whose fate it does not tell, and UnexpectedAnswer when
    a search filter was not understood, because Shopify then answers with unfiltered rows.
    """

    def __init__(self, settings: ShopifySettings, services: Services) -> None:
        self._path = f"/admin/api/{settings.api_version}/graphql.json"
        self._throttle = Throttle(services.clock, services.sleep) if settings.pace else None
        self.served_version = ""
        self._api = ApiClient(
            vendor=VENDOR,
            base_url=settings.base_url,
            auth=auth(settings, services),
            headers={"accept": "application/json", "shopify-search-query-debug": "1"},
            transport=services.transport,
            inspect=self._inspect,
            calls=services.calls,
            sleep=services.sleep,
            request_id="x-request-id",
        )

    def close(self) -> None:
        """Give the connections back."""
        self._api.close()

    def ask(self, document: Document, *, repeatable: bool = False, **variables: Any) -> Any:
        """The answer's `data`. `repeatable` marks a mutation that Shopify applies once however often it arrives."""
        safety: Safety = ("repeatable" if repeatable else "once") if document.writes else "read"
        if self._throttle:
            self._throttle.wait(document)
        response = self._api.request(
            "POST",
            self._path,
            safety=safety,
            operation=document.name,
            json={"query": document.text, "operationName": document.name, "variables": variables},
            extensions={"document": document},
        )
        self.served_version = response.headers.get("x-shopify-api-version", "")
        data = response.extensions["answer"].get("data")
        if not isinstance(data, dict):
            raise UnexpectedAnswer(VENDOR, f"answered {document.name} without data", request_id=request_id(response))
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
        """Raise what the answer's body says, whatever its status; keep the body for `ask`."""
        if response.status_code in REFUSALS:
            words, hint = REFUSALS[response.status_code]
            text = f"{words} ({response.status_code})"
            raise NotAuthorised(VENDOR, text, hint=hint, request_id=request_id(response))
        if not response.is_success:
            return
        body = answered_json(VENDOR, response)
        if not isinstance(body, dict):
            raise UnexpectedAnswer(VENDOR, "answered JSON that is no GraphQL answer", request_id=request_id(response))
        response.extensions["answer"] = body
        document: Document = response.request.extensions["document"]
        extensions = body.get("extensions") or {}
        if self._throttle:
            self._throttle.learn(document, extensions.get("cost"))
        refuse_misread_search(document, extensions.get("search"), request_id(response))
        refuse_errors(document, body, request_id(response))


def connection_at(data: Any, path: tuple[str, ...], document: Document) -> dict[str, Any]:
    """The connection at `path` within `data`. Raises UnexpectedAnswer when it is not there."""
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    if not isinstance(data, dict) or "nodes" not in data or "pageInfo" not in data:
        raise UnexpectedAnswer(VENDOR, f"answered {document.name} without {'.'.join(path)}")
    return data


def refuse_misread_search(document: Document, searches: Any, request: str) -> None:
    """A warning means that the filter was ignored and the rows are those of everything: never go on with them."""
    for search in searches or []:
        for warning in search.get("warnings") or []:
            raise UnexpectedAnswer(
                VENDOR,
                f"{document.name}: did not understand the filter ({warning.get('code')} at {warning.get('field')!r})",
                request_id=request,
                code=str(warning.get("code", "")),
            )


def refuse_errors(document: Document, body: Mapping[str, Any], request: str) -> None:
    """Raise the first of the top-level `errors`, unless the mutation itself went through without it."""
    errors = body.get("errors")
    if not errors:
        return
    if isinstance(errors, str):
        raise Rejected(VENDOR, errors, request_id=request)
    if document.writes and written_anyway(body.get("data"), errors):
        log.warning(
            "shopify: %s was applied, but Shopify denied a part of its answer: %s", document.name, messages(errors)
        )
        return
    denied = [one for one in errors if spared(document, one, body.get("data"))]
    if denied:
        log.warning("shopify: %s goes on without what Shopify denies: %s", document.name, messages(denied))
    fatal = [one for one in errors if one not in denied]
    if fatal:
        raise as_error(document, fatal[0], body, request)


def spared(document: Document, error: Mapping[str, Any], data: Any) -> bool:
    """Whether Shopify only denies a field that the document can do without; what it belongs to is there."""
    if (error.get("extensions") or {}).get("code") != "ACCESS_DENIED":
        return False
    reached = [data]
    for step in error.get("path") or ():
        if step in document.spares:
            return True
        reached = [inside for one in reached for inside in entries(one, step)]
        if not reached or any(one is None for one in reached):
            return False
    return False


def entries(value: Any, step: Any) -> list[Any]:
    """What is one step further: of a dict, of a list, or of everything in a list when the path leaves its index out."""
    if isinstance(value, list):
        if isinstance(step, int):
            return value[step : step + 1]
        return [inside for one in value if one is not None for inside in entries(one, step)]
    return [value.get(step)] if isinstance(value, dict) else []


def written_anyway(data: Any, errors: list[Any]) -> bool:
    """Whether every error is about a field deep in a payload that is there: the write itself happened."""
    payloads = list(data.values()) if isinstance(data, dict) else []
    return bool(payloads) and all(payloads) and all(len(one.get("path") or ()) > 1 for one in errors)


def as_error(document: Document, error: Mapping[str, Any], body: Mapping[str, Any], request: str) -> IntegrationError:
    """What one entry of `errors` means. https://shopify.dev/docs/api/usage/response-codes"""
    extensions = error.get("extensions") or {}
    code, text = str(extensions.get("code", "")), f"{document.name}: {error.get('message', '')}"
    kind, hint = KINDS.get(code, Rejected), ""
    if code == "THROTTLED":
        return RateLimited(VENDOR, text, retry_after=throttled_for(body), request_id=request, code=code)
    if code == "INTERNAL_SERVER_ERROR" and document.writes:
        kind = OutcomeUnknown
    if kind is NotAuthorised:
        hint = scope_hint(extensions, text) if code == "ACCESS_DENIED" else "the shop is closed or paused"
    if not document.writes and (error.get("path") or [])[:1] == ["nodes"]:
        kind = WITHIN.get(kind, kind)
    return kind(VENDOR, text, hint=hint, request_id=request, code=code)


def throttled_for(body: Mapping[str, Any]) -> float:
    """Seconds until the bucket holds enough, at least one."""
    try:
        cost = body["extensions"]["cost"]
        status = cost["throttleStatus"]
        missing = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        return max(1.0, float(math.ceil(missing / float(status["restoreRate"]))))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return 2.0


def scope_hint(extensions: Mapping[str, Any], text: str) -> str:
    """Which scope to add to the app."""
    scopes = re.findall(r"`(\w+)`", str(extensions.get("requiredAccess") or text))
    wanted = ", ".join(scopes) or "the access named above"
    return f"add {wanted} to the app's scopes in the Dev Dashboard, release the version, and approve it in the shop"


def messages(errors: list[Any]) -> str:
    """What Shopify says, for a log line."""
    return "; ".join(str(one.get("message", "")) for one in errors)[:300]


def request_id(response: httpx.Response) -> str:
    """What Shopify's support asks for."""
    return str(response.headers.get("x-request-id", ""))


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
