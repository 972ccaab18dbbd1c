"""How API V2 says no: its error envelope, and what each refusal means for the hub.

https://docs.shipstation.com/rate-limits, and the error schemas of https://docs.shipstation.com/openapi
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from commerce.errors import NotAuthorised, Rejected
from integrations.http import excerpt

VENDOR = "shipstation"

ACCOUNT_CODES = frozenset({"invalid_billing_plan", "subscription_inactive", "terms_not_accepted", "trial_expired"})
ACCOUNT_TYPES = frozenset({"account_status", "security"})
"""What no single record is to blame for: the connection pauses and its work is kept."""

KEY_CODES = frozenset({"identifier_conflict"})
"""What says that an identifier is taken."""

JUDGED_ELSEWHERE = frozenset({402, 408, 423, 429, 430})
"""Statuses that mean the same at every vendor."""


@dataclass(frozen=True)
class Said:
    """What a refusal says. Everything may be empty: documented examples lack a request id, a type, or all of it."""

    words: str = ""
    request_id: str = ""
    code: str = ""
    kind: str = ""


def said(answer: httpx.Response) -> Said:
    """The envelope's sentences, each behind its field where there is one; empty for HTML, text and broken JSON."""
    try:
        body = answer.json()
    except (ValueError, UnicodeDecodeError):
        return Said()
    if not isinstance(body, dict):
        return Said()
    errors = list(_errors(body))
    first: dict[str, Any] = errors[0] if errors else {}
    return Said(
        words="; ".join(filter(None, map(_sentence, errors))) or _text(body.get("message")),
        request_id=_text(body.get("request_id")),
        code=_text(first.get("error_code")),
        kind=_text(first.get("error_type")),
    )


def _errors(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    listed = body.get("errors")
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict):
            yield each
        elif each:
            yield {"message": str(each)}


def _sentence(error: dict[str, Any]) -> str:
    message, field = _text(error.get("message")), _text(error.get("field") or error.get("field_name"))
    return f"{field}: {message}" if field and field not in message else message


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def request_id(answer: httpx.Response) -> str:
    """What support asks for: it is in the body, and in a header where a gateway puts one."""
    return said(answer).request_id or str(answer.headers.get("x-request-id", ""))


def refuse(answer: httpx.Response) -> None:
    """Raise what a refusal means: NotAuthorised when the connection is at fault, Rejected when the record is.

    Leaves alone what is no refusal, and what means the same at every vendor (rate limits, server errors).
    """
    status = answer.status_code
    if not 400 <= status < 500 or status in JUDGED_ELSEWHERE:
        return
    what = said(answer)
    words, number = what.words or f"status {status}: {excerpt(answer) or 'no words'}", request_id(answer)
    if status == 401:
        raise NotAuthorised(
            VENDOR,
            f"refuses the API key: {words}",
            request_id=number,
            hint="only one V2 key is active at a time; put the newest into the connection's API_KEY variable",
        )
    if status == 403:
        raise NotAuthorised(
            VENDOR,
            f"the plan does not include this API: {words}",
            request_id=number,
            hint="the shipping API needs the Gold or Accelerate plan or a higher one",
            code="plan",
        )
    if what.kind in ACCOUNT_TYPES or what.code in ACCOUNT_CODES:
        raise NotAuthorised(
            VENDOR,
            f"refuses the account: {words}",
            request_id=number,
            hint="open ShipStation and settle what it says of the subscription or the account",
            code="account",
        )
    name = f"{answer.request.method} {answer.request.url.path}" if not what.words else "refuses"
    raise Rejected(VENDOR, f"{name}: {words}", request_id=number, code=what.code)
