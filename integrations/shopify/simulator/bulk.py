"""Bulk operations: a query that runs by itself, and a file of JSON lines to fetch when it is done.

https://shopify.dev/docs/api/usage/bulk-operations/queries
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from integrations.shopify.simulator import bulk_rows, filters
from integrations.shopify.simulator.clock import maybe_stamp, stamp
from integrations.shopify.simulator.errors import FieldError, RequestError
from integrations.shopify.simulator.idempotency import user_error
from integrations.shopify.simulator.model import gid
from integrations.shopify.simulator.paging import Page
from integrations.shopify.simulator.plan import Request, resolves
from integrations.shopify.simulator.queries import page_of_rows, search
from integrations.shopify.simulator.search import Filter

AT_ONCE = 5
KEPT_SECONDS = 7 * 86_400
STARTS_AFTER = 1.0
CANCELS_AFTER = 1.0
FOLDER = "/bulk-results/"
OVER = ("COMPLETED", "FAILED", "CANCELED", "EXPIRED")


@dataclass
class Mishap:
    """How an operation is to end badly. `late`: seconds until the partial data is there."""

    error_code: str = "INTERNAL_SERVER_ERROR"
    partial: bool = True
    late: float = 0.0


@dataclass
class BulkOperation:
    """One run of a bulk query. `file` is what can be fetched under `secret`."""

    id: int
    query: str
    created: float
    ends: float
    status: str = "CREATED"
    error_code: str | None = None
    completed: float | None = None
    canceled: float | None = None
    objects: int = 0
    roots: int = 0
    file: bytes = b""
    partial_from: float | None = None
    secret: str = field(default_factory=lambda: secrets.token_hex(12))


class BulkOperations:
    """The operations of the app in the shop."""

    def __init__(self, sim: Any, seconds: float, results: str) -> None:
        self.sim, self.seconds = sim, seconds
        self.results = results.rstrip("/")
        self.known: dict[int, BulkOperation] = {}
        self.mishaps: list[Mishap] = []
        self.losses = 0
        self.root_counts, self.refuses_token = True, True

    def running(self) -> list[BulkOperation]:
        """Those that take one of the places."""
        return [one for one in self.known.values() if one.status not in OVER]

    def advance(self) -> None:
        """Bring every operation to where it is by now."""
        for one in self.known.values():
            self._advance(one, self.sim.now())

    def _advance(self, one: BulkOperation, now: float) -> None:
        if one.status == "CREATED" and now >= one.created + STARTS_AFTER:
            one.status = "RUNNING"
        if one.status == "CANCELING" and now >= (one.canceled or 0) + CANCELS_AFTER:
            self._end(one, "CANCELED", (one.canceled or 0) + CANCELS_AFTER)
        if one.status == "RUNNING" and now >= one.ends:
            self._finish(one)
        if one.status == "COMPLETED" and now >= (one.completed or 0) + KEPT_SECONDS:
            one.status, one.file = "EXPIRED", b""

    def _finish(self, one: BulkOperation) -> None:
        mishap = self.mishaps.pop(0) if self.mishaps else None
        try:
            lines = bulk_rows.lines(self.sim, one.query)
        except (FieldError, RequestError) as refused:
            code = getattr(refused, "extensions", {}).get("code")
            one.error_code = "ACCESS_DENIED" if code == "ACCESS_DENIED" else "INTERNAL_SERVER_ERROR"
            self._end(one, "FAILED", one.ends)
            return
        one.objects, one.roots = len(lines), sum(1 for line in lines if not line.child)
        if mishap:
            half = lines[: len(lines) // 2] if mishap.partial else []
            one.file, one.error_code = bulk_rows.file(half), mishap.error_code
            one.partial_from = one.ends + mishap.late if half else None
            self._end(one, "FAILED", one.ends)
            return
        kept, self.losses = lines[: len(lines) - self.losses], 0
        one.file = bulk_rows.file(kept)
        self._end(one, "COMPLETED", one.ends)

    def _end(self, one: BulkOperation, status: str, at: float) -> None:
        one.status, one.completed = status, at if status == "COMPLETED" else None
        body = {
            "admin_graphql_api_id": gid("BulkOperation", one.id),
            "completed_at": maybe_stamp(int(at)),
            "created_at": stamp(int(one.created)),
            "error_code": one.error_code.lower() if one.error_code else None,
            "status": status.lower(),
            "type": "query",
        }
        self.sim.tell("bulk_operations/finish", lambda: body, str(uuid.uuid4()))

    def record(self, one: BulkOperation) -> dict[str, Any]:
        """A `BulkOperation` as GraphQL shows it."""
        done = one.status in ("COMPLETED", "FAILED")
        address = f"{self.results}{FOLDER}{one.id}.jsonl?signature={one.secret}" if one.file else None
        partial = one.partial_from is not None and self.sim.now() >= one.partial_from
        return {
            "__typename": "BulkOperation",
            "id": gid("BulkOperation", one.id),
            "status": one.status,
            "type": "QUERY",
            "query": one.query,
            "errorCode": one.error_code,
            "createdAt": stamp(int(one.created)),
            "completedAt": maybe_stamp(int(one.completed) if one.completed else None),
            "objectCount": str(one.objects if done else 0),
            "rootObjectCount": str(one.roots if done else 0),
            "fileSize": str(len(one.file)) if one.status == "COMPLETED" else None,
            "url": address if one.status == "COMPLETED" else None,
            "partialDataUrl": address if one.status == "FAILED" and partial else None,
        }

    def download(self, request: httpx.Request) -> httpx.Response:
        """The storage host: knows the signature, and nothing of access tokens."""
        if self.refuses_token and "x-shopify-access-token" in request.headers:
            return xml_error(400, "InvalidArgument", "Unsupported header: x-shopify-access-token")
        number = request.url.path.removeprefix(FOLDER).removesuffix(".jsonl")
        one = self.known.get(int(number)) if number.isdigit() else None
        if one is None or request.url.params.get("signature") != one.secret:
            return xml_error(403, "SignatureDoesNotMatch", "Access denied.")
        if not one.file:
            return xml_error(400, "ExpiredToken", "The provided token has expired.")
        return httpx.Response(200, headers={"content-type": "application/jsonl"}, content=one.file)


def xml_error(status: int, code: str, message: str) -> httpx.Response:
    """As Google's storage words it."""
    text = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return httpx.Response(status, headers={"content-type": "application/xml; charset=UTF-8"}, text=text)


def refused(message: str, code: str, *path: str) -> dict[str, Any]:
    """A payload with a typed user error."""
    error = {"field": list(path) or None, "message": message, "code": code}
    return {"bulkOperation": None, "userErrors": [error]}


@resolves("Mutation", "bulkOperationRunQuery")
def bulk_run(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/bulkOperationRunQuery"""
    sim, bulk = request.sim, request.sim.bulk
    wrong = bulk_rows.problem(sim, args["query"])
    if wrong:
        return refused(wrong, "INVALID", "query")
    busy = bulk.running()
    if len(busy) >= AT_ONCE:
        names = ", ".join(gid("BulkOperation", one.id) for one in busy)
        text = f"A bulk query operation for this app and shop is already in progress: {names}."
        return refused(text, "OPERATION_IN_PROGRESS")
    now = sim.now()
    one = BulkOperation(sim.store.ids.next("BulkOperation"), args["query"], now, now + bulk.seconds)
    bulk.known[one.id] = one
    return {"bulkOperation": bulk.record(one), "userErrors": []}


@resolves("Mutation", "bulkOperationCancel")
def bulk_cancel(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """https://shopify.dev/docs/api/admin-graphql/latest/mutations/bulkOperationCancel"""
    bulk = request.sim.bulk
    one = bulk.known.get(request.sim.number("BulkOperation", args["id"]))
    if one is None:
        return {"bulkOperation": None, "userErrors": [user_error(["id"], "Bulk operation does not exist")]}
    if one.status in OVER:
        text = f"A bulk operation cannot be canceled when it is {one.status.lower()}"
        return {"bulkOperation": bulk.record(one), "userErrors": [user_error(["id"], text)]}
    one.status, one.canceled = "CANCELING", one.canceled or request.sim.now()
    return {"bulkOperation": bulk.record(one), "userErrors": []}


@resolves("QueryRoot", "bulkOperation")
def bulk_operation(_: Any, args: Mapping[str, Any], request: Request) -> dict[str, Any] | None:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/bulkOperation"""
    one = request.sim.bulk.known.get(request.sim.number("BulkOperation", args["id"]))
    return request.sim.bulk.record(one) if one else None


@resolves("QueryRoot", "bulkOperations")
def bulk_operations(_: Any, args: Mapping[str, Any], request: Request) -> Page:
    """https://shopify.dev/docs/api/admin-graphql/latest/queries/bulkOperations"""
    sim = request.sim
    known: dict[str, Filter] = {
        "id": filters.identity(lambda one: one.id),
        "created_at": filters.moment(lambda one: int(one.created), sim.timezone, sim.now),
        "operation_type": filters.choice(("query", "mutation"), lambda _, word: word == "query"),
        "status": filters.choice(
            ("canceled", "canceling", "completed", "created", "expired", "failed", "running"),
            lambda one, word: one.status.lower() == word,
        ),
    }
    found = search(request, "bulkOperations", args, known)
    page = page_of_rows(sim.bulk.known, found, args["sortKey"], args, lambda one: int(one.created))
    page.nodes = [sim.bulk.record(one) for one in page.nodes]
    return page
