"""What QuickBooks' faults mean: for a whole call, and for one document of a batch."""

from __future__ import annotations

import logging

import httpx

from commerce.errors import IntegrationError, NotAuthorised, OutcomeUnknown, RateLimited, Rejected
from commerce.outcomes import Held, Outcome, Retry, Unknown
from integrations.http import told_wait
from integrations.quickbooks.problems import TID, Problem, problem_of

log = logging.getLogger(__name__)

VENDOR = "quickbooks"
THROTTLE_WAIT = 60.0
"""Seconds to wait after a throttle, as Intuit says; Retry-After is not documented."""

THROTTLED = "3001"
STALE = "5010"
NUMBER_USED = "6140"
NAME_USED = "6240"
NOT_FOUND = "610"
SYSTEM_FAILURE = "10000"

# https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
NOT_US = {
    "3200": "QuickBooks does not take our access any more; grant it anew: backroom connect <connection>",
    "3100": "the app is not authorised for this company; let an administrator of the company grant it anew: "
    "backroom connect <connection>",
    "120": "the person who connected lost administrator rights, or the company has another product; "
    "grant access anew: backroom connect <connection>",
    "6190": "the company's QuickBooks subscription has ended; renew it, nothing can be posted until then",
}
"""Codes that mean our access and not the record, with what to do."""

HELD = {
    "100": ("refused", "read QuickBooks' words, correct the cause, then release it"),
    "500": ("refused", "QuickBooks does not know this operation; please report this"),
    "610": ("inactive_reference", "an item, account or customer is gone or inactive: make it active or name another"),
    "2500": ("inactive_reference", "an item, account or customer is gone or inactive: make it active or name another"),
    "2010": ("refused", "QuickBooks does not know a field we sent; please report this"),
    "2020": ("refused", "a required field is missing; check the maps of this connection"),
    "2050": ("too_long", "a text is too long for QuickBooks; shorten it in the storefront"),
    "2170": ("refused", "QuickBooks does not know a word we sent; please report this"),
    "4000": ("refused", "QuickBooks cannot read our question; please report this"),
    "4001": ("refused", "QuickBooks does not take our question; please report this"),
    "5010": ("stale", "somebody is working on the document; release this when they have finished"),
    "6000": ("refused", "a rule of these books forbids it; usually an item or account of the maps has the wrong type"),
    "6070": ("total_mismatch", "quantity times price is not the amount; please report this"),
    "6140": ("number_taken", "renumber the other document in QuickBooks, or give this connection a prefix"),
    "6210": (
        "books_closed",
        "open the period in QuickBooks, or book it by hand in the open one and dismiss this record",
    ),
    "6240": ("name_taken", "the name is used by something else in QuickBooks; choose another"),
    "6270": ("inventory_start", "the item starts later than this date; name a service or non-inventory item instead"),
    "6540": (
        "deposited",
        "the document is part of a bank deposit; book the difference by hand, then dismiss this record",
    ),
}
"""By code: the cause that groups equal problems, and what a person can do."""


def inspect(response: httpx.Response) -> None:
    """Raise what the answer's own body says, whatever its status: a fault can come inside a 200."""
    request_id = response.headers.get(TID, "")
    log.debug("%s %s: %s, %s %s", VENDOR, response.request.url.path, response.status_code, TID, request_id)
    problem = problem_of(response)
    if response.status_code == 429 or (problem and problem.number == THROTTLED):
        told = told_wait(response)
        raise RateLimited(
            VENDOR,
            "the request limit was reached",
            request_id=request_id,
            code=THROTTLED,
            retry_after=THROTTLE_WAIT if told is None else told,
        )
    if problem is None or response.status_code >= 500:
        return
    raise error_of(problem)


def error_of(problem: Problem) -> IntegrationError:
    """The error for a fault that concerns a whole call."""
    request_id = problem.tid
    if problem.number in NOT_US:
        hint = NOT_US[problem.number]
        return NotAuthorised(VENDOR, problem.words, request_id=request_id, hint=hint, code=problem.number)
    if problem.number == SYSTEM_FAILURE:
        return OutcomeUnknown(VENDOR, problem.words, request_id=request_id, code=problem.number)
    hint = HELD.get(problem.number, ("", ""))[1]
    return Rejected(VENDOR, problem.words, request_id=request_id, hint=hint, code=problem.number)


def outcome_of(problem: Problem, what: str) -> Outcome:
    """What becomes of one document; `what` names it ("order #1001, S-1001"). Raises NotAuthorised."""
    if problem.number in NOT_US:
        raise error_of(problem)
    if problem.number == THROTTLED:
        return Retry(reason=f"{what}: throttled", after=THROTTLE_WAIT)
    if problem.number == SYSTEM_FAILURE:
        return Unknown(reason=f"{what}: {problem.words}")
    cause, hint = HELD.get(problem.number, ("refused", "read QuickBooks' words, correct the cause, then release it"))
    tid = f", {TID} {problem.tid}" if problem.tid else ""
    words = f"{what}: QuickBooks says {problem.words} (code {problem.number or '-'}{tid})"
    return Held(cause=cause, reason=words, hint=hint)
