"""What Shopify's refusals mean: statuses, and `errors` inside of a 200.

https://shopify.dev/docs/api/usage/response-codes, https://shopify.dev/docs/api/usage/limits
"""

from __future__ import annotations

import logging
import math
import random
import re
from collections.abc import Mapping
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
from integrations.http import excerpt, told_wait
from integrations.shopify.document import Document
from integrations.shopify.settings import VENDOR, ShopifySettings

log = logging.getLogger(__name__)

TOO_COSTLY = "MAX_COST_EXCEEDED"
STATUSES = {
    402: ("says that the shop is frozen", "its owner must pay the Shopify bill; then: backroom resume {name}"),
    403: ("forbids this app to call the shop", "is the app installed in this very shop? then: backroom resume {name}"),
    404: ("has no such shop or API version", "check shop, base_url and api_version in stack.toml"),
    423: ("has locked the shop", "its owner must ask Shopify why; some hours later: backroom resume {name}"),
}
"""What a status means for the whole connection, and what a person can do."""
BAD_TOKEN = "refuses our access token"  # noqa: S105
KINDS: dict[str, type[IntegrationError]] = {
    "ACCESS_DENIED": NotAuthorised,
    "SHOP_INACTIVE": NotAuthorised,
    "INTERNAL_SERVER_ERROR": TemporarilyUnavailable,
}
"""What Shopify's codes mean; any other one is a refusal that stays one."""
BY_WORDS = {
    "throttled": "THROTTLED",
    "internal error": "INTERNAL_SERVER_ERROR",
    "access denied": "ACCESS_DENIED",
    "this app is not approved": "ACCESS_DENIED",
}
"""How messages begin that come without a code."""
LONGEST_JITTER = 0.5
"""Seconds, so that those who were throttled together do not come back together."""


class FailedWithin(TemporarilyUnavailable):
    """Shopify failed at one entry of a list, as `nodes`: asking for fewer shows at which."""


class RefusedWithin(Rejected):
    """Shopify refused one entry of a list, as `nodes`: asking for fewer shows which."""


class Unexplained(Rejected):
    """Shopify refused a read without a code: worth one more try, no more."""


WITHIN: dict[type[IntegrationError], type[IntegrationError]] = {
    TemporarilyUnavailable: FailedWithin,
    Rejected: RefusedWithin,
    Unexplained: RefusedWithin,
}


def refuse_status(settings: ShopifySettings, response: httpx.Response) -> None:
    """Raise what Shopify's own statuses mean; those that mean the same everywhere are left to the HTTP client."""
    status, request = response.status_code, request_id(response)
    if status == 401:
        raise NotAuthorised(VENDOR, f"{BAD_TOKEN} (401)", hint=token_hint(settings), request_id=request)
    if status in STATUSES:
        words, hint = STATUSES[status]
        raise NotAuthorised(
            VENDOR, f"{words} ({status})", hint=hint.format(name=settings.name), request_id=request, code=str(status)
        )
    if status == 430:  # its security rules stopped the call before it reached the shop
        words = "takes our calls for an attack and rejects them (430)"
        raise RateLimited(VENDOR, words, request_id=request, retry_after=told_wait(response))
    if status == 783:
        raise Rejected(VENDOR, f"cannot read our call (783): {excerpt(response)}", request_id=request)


def token_hint(settings: ShopifySettings) -> str:
    """What to do about a token that Shopify does not take; missing, wrong, expired and revoked all look alike."""
    if settings.static:
        variable = f"BACKROOM_{settings.name.upper().replace('-', '_')}_ACCESS_TOKEN"
        return (
            f"was the app uninstalled, or its token changed? put the new one in {variable}, "
            f"then: backroom resume {settings.name}"
        )
    return f"was the app uninstalled? install it again, then: backroom reconnect {settings.name}"


def refuse_misread_search(document: Document, searches: Any, request: str) -> None:
    """A warning means that the filter was ignored and the rows are those of everything: never go on with them."""
    found = [one for one in searches if isinstance(one, dict)] if isinstance(searches, list) else []
    for warning in (warning for search in found for warning in search.get("warnings") or []):
        told = warning if isinstance(warning, dict) else {"code": str(warning)}
        raise UnexpectedAnswer(
            VENDOR,
            f"{document.name}: did not understand the filter ({told.get('code')} at {told.get('field')!r})",
            request_id=request,
            code=str(told.get("code", "")),
        )


def refuse_errors(document: Document, body: Mapping[str, Any], request: str) -> None:
    """Raise the first of the top-level `errors`, unless the mutation itself went through without it."""
    errors = listed(body.get("errors"))
    if not errors:
        return
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


def listed(errors: Any) -> list[dict[str, Any]]:
    """`errors` as a list of objects; Shopify also writes a string or an object by field."""
    if not errors:
        return []
    if isinstance(errors, dict):
        return [{"message": "; ".join(f"{field}: {words}" for field, words in errors.items())}]
    if not isinstance(errors, list):
        return [{"message": str(errors)}]
    return [one if isinstance(one, dict) else {"message": str(one)} for one in errors]


def spared(document: Document, error: Mapping[str, Any], data: Any) -> bool:
    """Whether Shopify only denies a field that the document can do without; what it belongs to is there."""
    if code_of(error) != "ACCESS_DENIED":
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


def written_anyway(data: Any, errors: list[dict[str, Any]]) -> bool:
    """Whether every error is about a field deep in a payload that is there: the write itself happened."""
    payloads = list(data.values()) if isinstance(data, dict) else []
    return bool(payloads) and all(payloads) and all(len(one.get("path") or ()) > 1 for one in errors)


def as_error(document: Document, error: Mapping[str, Any], body: Mapping[str, Any], request: str) -> IntegrationError:
    """What one entry of `errors` means. https://shopify.dev/docs/api/usage/response-codes"""
    extensions = error.get("extensions") if isinstance(error.get("extensions"), dict) else {}
    code, text = code_of(error), f"{document.name}: {str(error.get('message', ''))[:500]}"
    if code == "THROTTLED":
        return RateLimited(VENDOR, text, retry_after=throttled_for(body), request_id=request, code=code)
    kind, hint = KINDS.get(code, Rejected if code or document.writes else Unexplained), ""
    if code == "INTERNAL_SERVER_ERROR" and document.writes:
        kind = OutcomeUnknown
    if kind is NotAuthorised:
        hint = scope_hint(extensions or {}, text) if code == "ACCESS_DENIED" else "the shop is closed or paused"
    if not document.writes and (error.get("path") or [])[:1] == ["nodes"]:
        kind = WITHIN.get(kind, kind)
    return kind(VENDOR, text, hint=hint, request_id=request, code=code)


def code_of(error: Mapping[str, Any]) -> str:
    """Shopify's code, from the message when it gives none; empty when that is not known either."""
    extensions = error.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    if code:
        return str(code)
    words = str(error.get("message", "")).lower()
    return next((known for begin, known in BY_WORDS.items() if words.startswith(begin)), "")


def throttled_for(body: Mapping[str, Any]) -> float:
    """Seconds until the bucket holds enough, at least one, and a little that differs each time."""
    try:
        cost = body["extensions"]["cost"]
        status = cost["throttleStatus"]
        missing = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        seconds = max(1.0, float(math.ceil(missing / float(status["restoreRate"]))))
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        seconds = 2.0
    return seconds + random.uniform(0, LONGEST_JITTER)  # noqa: S311


def scope_hint(extensions: Mapping[str, Any], text: str) -> str:
    """Which scope to add to the app, or what else is needed to see protected data."""
    if "not approved" in text:
        return "ask for access to protected customer data in the Dev Dashboard; some plans need an upgrade"
    scopes = re.findall(r"`(\w+)`", str(extensions.get("requiredAccess") or text))
    wanted = ", ".join(scopes) or "the access named above"
    return f"add {wanted} to the app's scopes in the Dev Dashboard, release the version, and approve it in the shop"


def messages(errors: list[dict[str, Any]]) -> str:
    """What Shopify says, for a log line."""
    return "; ".join(str(one.get("message", "")) for one in errors)[:300]


def request_id(response: httpx.Response) -> str:
    """What Shopify's support asks for."""
    return str(response.headers.get("x-request-id", ""))
