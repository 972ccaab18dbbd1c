"""JSON:API documents: answers and errors as Klaviyo writes them."""

from __future__ import annotations

import uuid
from typing import Any

import httpx

JSON_API = "application/vnd.api+json"


class Refusal(Exception):
    """An answer of 4XX. `pointer` is a place in the body, `parameter` one in the query."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        *,
        pointer: str = "",
        parameter: str = "",
        headers: dict[str, str] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.source = {"pointer": pointer} if pointer else {"parameter": parameter} if parameter else {}
        self.headers = headers or {}
        self.meta = meta or {}


def invalid(pointer: str, detail: str) -> Refusal:
    """A body that says something wrong at `pointer`."""
    return Refusal(400, "invalid", "Invalid input.", detail, pointer=pointer)


def error_answer(refusal: Refusal) -> httpx.Response:
    """The error document."""
    error = {
        "id": str(uuid.uuid4()),
        "status": refusal.status,
        "code": refusal.code,
        "title": refusal.title,
        "detail": refusal.detail,
        "source": refusal.source,
        "links": {},
        "meta": refusal.meta,
    }
    return document({"errors": [error]}, refusal.status, refusal.headers)


def document(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> httpx.Response:
    """A JSON:API document."""
    return httpx.Response(status, json=body, headers={**(headers or {}), "content-type": JSON_API})


def accepted() -> httpx.Response:
    """What every event write answers: 202, an empty body, and no id."""
    return httpx.Response(202)
