"""What Klaviyo's refusals mean, said without repeating what a shopper typed in."""

from __future__ import annotations

import re

import httpx

from commerce.errors import NotAuthorised, RateLimited, Rejected
from integrations.http import told_wait
from integrations.klaviyo.endpoints import scope_of
from integrations.klaviyo.schemas import Fault, first_fault

VENDOR = "klaviyo"

ABOUT_KEY = re.compile(r"api[ _-]?key|authenticat|authoriz|missing_auth", re.IGNORECASE)
ABOUT_REVISION = re.compile(r"revision", re.IGNORECASE)
E_MAIL = re.compile(r"[^\s\"'<>(),;]+@[^\s\"'<>(),;]+")
PHONE = re.compile(r"phone[ _-]?number", re.IGNORECASE)
NO_SUCH_PROFILE = re.compile(r"\bprofile\b", re.IGNORECASE)
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|“[^”]*”")
DIGITS = re.compile(r"\+?\d[\d\s().-]{4,}\d")
NEW_KEY = "make a new private key under Settings > API keys, then run: backroom check"


class IdentifierRefused(Rejected):
    """Klaviyo refuses the record for one of the person's identifiers: `identifier`, or the way they go together.

    "" when several people have them. The record may be taken without it.
    """

    identifier = ""


def judge(response: httpx.Response) -> None:
    """Raise what a 4XX means. Others are left to the caller.

    NotAuthorised for what no record can cure (key, scope, revision, address), Rejected for this record alone.
    """
    status = response.status_code
    if not 400 <= status < 500 or status == 408:
        return
    fault = first_fault(response)
    if status == 429:
        words_said = f"asks us to go slower ({words(fault)})"
        raise RateLimited(VENDOR, words_said, request_id=fault.id, retry_after=wait_asked(response))
    if status == 403:
        raise _missing_scope(response.request, fault)
    if status == 401 or (status == 400 and _about(ABOUT_KEY, fault)):
        raise NotAuthorised(VENDOR, f"refuses the API key ({words(fault)})", request_id=fault.id, hint=NEW_KEY)
    if status == 410 or (status == 400 and _about(ABOUT_REVISION, fault)):
        raise _retired(response.request, fault)
    if status == 405 or (status == 404 and not NO_SUCH_PROFILE.search(fault.detail)):
        message = f"has no {response.request.method} {response.request.url.path} (answered {status})"
        raise NotAuthorised(VENDOR, message, request_id=fault.id, hint="check base_url in stack.toml")
    if status == 415:
        hint = "see what changes our headers on their way, such as a proxy"
        raise NotAuthorised(VENDOR, f"refuses our content type ({words(fault)})", request_id=fault.id, hint=hint)
    raise _rejected(status, fault)


def wait_asked(response: httpx.Response) -> float | None:
    """Seconds to wait: Retry-After takes the place of RateLimit-Reset in a 429, but a proxy may leave it out."""
    told = told_wait(response)
    if told is not None:
        return told
    reset = response.headers.get("ratelimit-reset", "")
    return float(reset) if reset.isdecimal() else None


def _rejected(status: int, fault: Fault) -> Rejected:
    """What is wrong with the record."""
    said, pointer = f"{words(fault)} (answered {status})", fault.source.pointer or ""
    if status in (404, 409):  # an identifier that is somebody else's, or several people's
        return IdentifierRefused(VENDOR, said, request_id=fault.id, code=fault.code)
    if pointer.endswith("/phone_number") or (not pointer and PHONE.search(f"{fault.title} {fault.detail}")):
        refused = IdentifierRefused(VENDOR, said, request_id=fault.id, code=fault.code)
        refused.identifier = "phone_number"
        return refused
    return Rejected(VENDOR, said, request_id=fault.id, code=fault.code)


def words(fault: Fault) -> str:
    """Klaviyo's own words for a person, with the place in the body and without personal data."""
    said = " ".join(redacted(part) for part in (fault.title, fault.detail) if part) or "no words"
    where = fault.source.pointer or fault.source.parameter
    return f"{said[:300]} at {where}" if where else said[:300]


def redacted(text: str) -> str:
    """`text` without e-mail addresses, numbers of phone length and quoted values."""
    for pattern in (E_MAIL, QUOTED, DIGITS):
        text = pattern.sub("[…]", text)
    return text


def _about(subject: re.Pattern[str], fault: Fault) -> bool:
    """Whether the fault concerns the connection: it names the subject and no place in a record."""
    pointer = fault.source.pointer or ""
    return not pointer.startswith("/data") and bool(subject.search(f"{fault.code} {fault.title} {fault.detail}"))


def _missing_scope(request: httpx.Request, fault: Fault) -> NotAuthorised:
    path = request.url.path
    scope = scope_of(request.method, path)
    message = f"the API key lacks the scope {scope or 'for ' + path} ({words(fault)})"
    return NotAuthorised(VENDOR, message, request_id=fault.id, code=scope, hint=f"give the key {scope}; {NEW_KEY}")


def _retired(request: httpx.Request, fault: Fault) -> NotAuthorised:
    message = f"revision retired: {request.headers.get('revision')} ({words(fault)})"
    return NotAuthorised(VENDOR, message, request_id=fault.id, hint="set a newer `revision` in stack.toml")
