"""What V1 says when it refuses: ASP.NET's several shapes, plain text, or a proxy's page."""

from __future__ import annotations

import re
from typing import Any

import httpx

from commerce.errors import NotAuthorised, RateLimited
from integrations.http import told_wait
from integrations.shipstation.client import VENDOR
from integrations.shipstation.v1.pace import until_reset

NO_SUCH_PATH = re.compile(r"no http resource|no action was found|no route|<html|<!doctype", re.IGNORECASE)

PASSING = re.compile(
    r"deadlock|tim(e|ed)[ -]?out|try again|rerun|an error has occurred|unexpected error", re.IGNORECASE
)
"""Words of a refusal that blames no record: the same entry may be taken in a moment."""

CLOSED = re.compile(r"ship|cancel|status|state|updat|modif|edit|exist|duplicate|key", re.IGNORECASE)
"""Words of a refusal that may mean: this order is there already and is not open any more."""


def words_of(answer: httpx.Response) -> str:
    """The vendor's sentences, or the beginning of its text; empty for a page of HTML."""
    try:
        body = answer.json()
    except (ValueError, UnicodeDecodeError):
        text = " ".join(answer.text[:2000].split())
        return "" if text.startswith("<") else text[:300]
    return said_by(body)


def said_by(body: Any) -> str:
    """The sentences in an error's JSON: `ModelState` by field, else `ExceptionMessage`, else `Message`."""
    if isinstance(body, str):
        return body[:300]
    if not isinstance(body, dict):
        return ""
    fields = {name.lower(): value for name, value in body.items() if isinstance(name, str)}
    state = fields.get("modelstate")
    if isinstance(state, dict):
        said = [f"{name}: {_joined(value)}" for name, value in state.items()]
        if said:
            return "; ".join(said)[:600]
    found = (fields.get(name) for name in ("exceptionmessage", "message", "errormessage", "error_description", "error"))
    return next((value[:600] for value in found if isinstance(value, str) and value), "")


def _joined(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def refuse(answer: httpx.Response) -> None:
    """Raise for a bad credential, a plan without the API, and a call too many.

    V1 says how long to wait in `X-Rate-Limit-Reset`, in seconds and not as a moment.
    """
    if answer.status_code == 401:
        raise NotAuthorised(
            VENDOR,
            "refuses API key and secret (V1)",
            hint="put the pair of ShipStation > Settings > Account > API Settings (Legacy API) into this connection's "
            "API_KEY and API_SECRET variables",
        )
    if answer.status_code == 403:
        raise NotAuthorised(
            VENDOR,
            f"the plan does not include this API: {words_of(answer) or 'forbidden'}",
            hint="API V1 needs the Gold or Accelerate plan or a higher one",
            code="plan",
        )
    if answer.status_code == 429:
        reset = until_reset(answer)
        wait = reset if reset is not None else told_wait(answer)
        raise RateLimited(VENDOR, f"too many requests: {words_of(answer)}", retry_after=wait)


def missing_path(answer: httpx.Response) -> NotAuthorised:
    """No record is to blame for this, so the connection is paused and its work is kept."""
    path = answer.request.url.path
    return NotAuthorised(VENDOR, f"knows no path {path}", hint="check base_url in stack.toml", code="path")


def refuse_missing_path(answer: httpx.Response) -> None:
    """Raise when a 404 is about the address and not about a record."""
    kind = answer.headers.get("content-type", "")
    if "html" in kind or NO_SUCH_PATH.search(answer.text[:2000]):
        raise missing_path(answer)
