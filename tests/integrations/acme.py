"""A made-up vendor, and clients that call it."""

from __future__ import annotations

import traceback
from collections import Counter
from datetime import datetime
from typing import Any

import httpx

from commerce.errors import HubError
from integrations.http import ApiClient

BASE = "https://api.vendor.test/v1"
SECRET = "s3cret-key-of-the-shop"


class Calls:
    """A call log that keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    def called(self, operation: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.seen.append((operation, status))

    def counted(self, since: datetime) -> dict[str, int]:
        return dict(Counter(operation for operation, _ in self.seen))


class Vendor:
    """Gives the prepared answers in turn, the last one for ever; keeps the requests, and the waits between them."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def open_client(vendor: Vendor, **options: Any) -> ApiClient:
    """A client on a vendor; keywords are ApiClient's own."""
    given = {"vendor": "acme", "base_url": BASE, "sleep": vendor.slept.append, **options}
    return ApiClient(transport=httpx.MockTransport(vendor), **given)


def ok(body: Any = None) -> httpx.Response:
    """A good answer."""
    return httpx.Response(200, json={"well": True} if body is None else body)


def all_words(error: BaseException) -> str:
    """Everything that could end up in a log: message, repr, hint and the traceback with its causes."""
    hint = error.hint if isinstance(error, HubError) else ""
    return "\n".join([str(error), repr(error), hint, *traceback.format_exception(error)])
