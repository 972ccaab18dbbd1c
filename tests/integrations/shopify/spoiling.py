"""Answers of Shopify's that are not as its schema promises, and answers that tell the work was lost when it was not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from .connected import Connected

INTERNAL = {
    "message": "Internal error. Looks like something went wrong on our end.\nRequest ID: 1 (include this in support).",
    "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": "1"},
}


def spoils(shop: Connected, operation: str, change: Callable[[dict[str, Any]], Any], times: int = 1) -> None:
    """The next answers to `operation` are changed on their way: `change` alters the body, or returns another one."""
    answer, left = shop.sim.answer, [None] * times

    def answer_otherwise(request: httpx.Request) -> httpx.Response:
        done = answer(request)
        whole = done.status_code == 200 and done.headers.get("content-type", "").startswith("application/json")
        body = json.loads(done.content) if whole else {}
        if left and f'"{operation}"'.encode() in request.content and body.get("data"):
            left.pop()
            return httpx.Response(200, json=change(body) or body)
        return done

    shop.sim.answer = answer_otherwise  # type: ignore[method-assign]


def says_internal_error(shop: Connected, operation: str, times: int = 1) -> None:
    """Shopify does what `operation` says, and answers 200 with an internal error."""
    spoils(shop, operation, lambda body: {"errors": [INTERNAL], "data": {next(iter(body["data"])): None}}, times)


def after(shop: Connected, operation: str, happens: Callable[[], Any]) -> None:
    """Something happens in the shop right after the next `operation` was answered."""
    answer, left = shop.sim.answer, [None]

    def answer_then(request: httpx.Request) -> httpx.Response:
        done = answer(request)
        if left and f'"{operation}"'.encode() in request.content:
            left.pop()
            happens()
        return done

    shop.sim.answer = answer_then  # type: ignore[method-assign]
