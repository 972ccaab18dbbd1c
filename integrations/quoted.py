"""What an answer may quote of its own request: our credential, which nobody must repeat."""

from __future__ import annotations

import re

import httpx

CARRIES_CREDENTIAL = re.compile(r"auth|token|secret|cookie|(?<!idempotency-)key", re.IGNORECASE)
SIGNED_LINK = re.compile(r"sig|credential|expires", re.IGNORECASE)
SHORTEST = 4
"""Characters of a credential; less would be found in any text."""


def without_credentials(request: httpx.Request, answer: bytes) -> bytes:
    """An answer's body without the credential of its request, so that nobody can repeat it who quotes the answer."""
    for credential in in_headers(request):
        answer = answer.replace(credential.encode(), b"***")
    return answer


def in_headers(request: httpx.Request) -> list[str]:
    """What a request's headers prove us with, e.g. the part of an Authorization header after "Bearer"."""
    sent = (value.rpartition(" ")[2] for name, value in request.headers.items() if CARRIES_CREDENTIAL.search(name))
    return [value for value in sent if len(value) >= SHORTEST]


def credentials(request: httpx.Request) -> list[str]:
    """The same with what its address proves us with: a signed link."""
    asked = request.url.params.multi_items()
    found = (value for name, value in asked if CARRIES_CREDENTIAL.search(name) or SIGNED_LINK.search(name))
    return [*in_headers(request), *(value for value in found if len(value) >= SHORTEST)]
