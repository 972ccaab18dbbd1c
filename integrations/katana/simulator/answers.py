"""The shapes of Katana's answers: pages, errors, limits."""

from __future__ import annotations

import json
from typing import Any

import httpx

from integrations.katana.simulator.habits import Habits


class Refused(Exception):
    """An answer that is not good news."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def error(status: int, name: str, message: str, **more: Any) -> httpx.Response:
    """Katana's error body."""
    return httpx.Response(status, json={"statusCode": status, "name": name, "message": message, **more})


def unauthorised() -> httpx.Response:
    """401."""
    return error(401, "UnauthorizedError", "Unauthorized")


def forbidden() -> httpx.Response:
    """403, for an account whose plan has no API."""
    return error(403, "ForbiddenError", "Your current plan does not include API access")


def not_found() -> httpx.Response:
    """404."""
    return error(404, "NotFoundError", "Not found")


def too_many(seconds: float, *, retry_after: bool) -> httpx.Response:
    """429, with the seconds to wait if Katana says them."""
    answer = error(429, "TooManyRequests", "Too Many Requests")
    if retry_after:
        answer.headers["retry-after"] = str(int(seconds) + 1)
    return answer


def invalid(path: str, code: str, message: str, **info: Any) -> Refused:
    """422 with one detail."""
    detail = {"path": path, "code": code, "message": message, "info": info}
    words = "The request body is invalid."
    return Refused(error(422, "UnprocessableEntityError", words, code="VALIDATION_FAILED", details=[detail]))


def whole(params: httpx.QueryParams, name: str) -> list[int] | None:
    """The whole numbers that a filter names; None when it is not there."""
    given = [text for value in params.get_list(name) for text in value.split(",")]
    if not all(text.isdigit() for text in given):
        raise invalid(f"/{name}", "type", "must be integer", type="integer")
    return [int(text) for text in given] or None


def flag(params: httpx.QueryParams, name: str) -> bool:
    """A truth value of the query."""
    text = str(params.get(name, "false"))
    if text not in ("true", "false"):
        raise invalid(f"/{name}", "type", "must be boolean", type="boolean")
    return text == "true"


def number(params: httpx.QueryParams, name: str, default: int, highest: int) -> int:
    """A whole number of the query, from 1 to `highest`."""
    text = params.get(name, str(default))
    if not text.isdigit():
        raise invalid(f"/{name}", "type", "must be integer", type="integer")
    if not 1 <= int(text) <= highest:
        raise invalid(f"/{name}", "maximum", f"must be <= {highest}", comparison="<=", limit=highest)
    return int(text)


def page(
    rows: list[dict[str, Any]], params: httpx.QueryParams, habits: Habits
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The rows of the page that `params` asks for, and its X-Pagination, a JSON object of strings."""
    clamped = habits.too_large == "clamp"
    limit = min(number(params, "limit", 50, 10**9 if clamped else habits.most), habits.most)
    at = number(params, "page", 1, 10**9)
    pages = -(-len(rows) // limit)
    paging = {
        "total_records": str(len(rows)),
        "total_pages": str(pages),
        "offset": str((at - 1) * limit),
        "page": str(at),
        "first_page": str(at == 1).lower(),
        "last_page": str(at >= pages).lower(),
    }
    return rows[(at - 1) * limit : at * limit], paging


def listed(rows: list[dict[str, Any]], paging: dict[str, str], habits: Habits) -> httpx.Response:
    """A page as it goes over the wire."""
    if habits.paging == "none":
        return httpx.Response(200, json={"data": rows})
    typed = {name: json.loads(value) for name, value in paging.items()}
    shown = json.dumps(paging if habits.paging == "text" else typed)
    return httpx.Response(200, json={"data": rows}, headers={"x-pagination": shown})
