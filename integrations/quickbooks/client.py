"""QuickBooks' endpoints, one method each."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import ValidationError

from commerce.errors import UnexpectedAnswer
from integrations.http import ApiClient, Pace, answered_json
from integrations.quickbooks.faults import VENDOR, error_of
from integrations.quickbooks.problems import TID, problem_in
from integrations.quickbooks.schemas import Company, Document

LARGEST_BATCH = 30
LARGEST_PAGE = 1000


class Changes(NamedTuple):
    """Rows that change data capture told, each with its entity; a deleted one is a stub. `at` is QuickBooks' time."""

    rows: list[tuple[str, dict[str, Any]]]
    at: str


class Books:
    """One company over the Accounting API. Every method raises IntegrationError."""

    def __init__(
        self, api: ApiClient, *, realm: Callable[[], str], minor_version: int, batch_pace: Pace | None = None
    ) -> None:
        self.api = api
        self._realm = realm
        self._minor_version = str(minor_version)
        self._batch_pace = batch_pace

    @cached_property
    def realm_id(self) -> str:
        """The company's id, looked up with the first call. Raises NotAuthorised when nobody granted access yet."""
        return self._realm()

    def batch(self, payloads: Sequence[Mapping[str, Any]], *, request_id: str = "") -> dict[str, dict[str, Any]]:
        """Run up to 30 operations or queries in one call; the answers by `bId`, faults among them, each with the name
        that Intuit's support knows the call by.

        Not a transaction, and no operation sees another's result. With a `request_id` (36 characters) the same call
        is answered again and not run again; without one it may only hold queries.
        """
        # https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/batch
        if self._batch_pace:
            self._batch_pace.wait()
        response = self.api.request(
            "POST",
            self._path("batch"),
            safety="repeatable" if request_id else "read",
            operation="batch" if request_id else "lists",
            params=self._params({"requestid": request_id} if request_id else {}),
            json={"BatchItemRequest": list(payloads)},
        )
        answers = _object(answered_json(VENDOR, response)).get("BatchItemResponse")
        if not isinstance(answers, list):
            raise UnexpectedAnswer(VENDOR, "a batch was answered without BatchItemResponse")
        tid = response.headers.get(TID, "")
        return {str(one.get("bId")): {**one, TID: tid} for one in answers if isinstance(one, dict)}

    def query(self, statement: str) -> list[dict[str, Any]]:
        """The rows of one query (1000 at most), whatever entity they are of."""
        # https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries
        response = self.api.request(
            "POST",
            self._path("query"),
            safety="read",
            operation="query",
            params=self._params({}),
            headers={"content-type": "application/text"},
            content=statement.encode(),
        )
        return rows_of(_object(answered_json(VENDOR, response)))

    def query_pages(self, statement: str) -> Iterator[dict[str, Any]]:
        """All rows of a query that has a stable order, 1000 at a time."""
        start = 1
        while True:
            rows = self.query(f"{statement} STARTPOSITION {start} MAXRESULTS {LARGEST_PAGE}")
            yield from rows
            if len(rows) < LARGEST_PAGE:
                return
            start += len(rows)

    def read(self, entity: str, id: str) -> Document:
        """One document. Raises Rejected with code 610 when it is gone."""
        path = self._path(entity.lower(), id)
        response = self.api.request("GET", path, operation=f"read {entity}", params=self._params({}))
        return to_read(_object(answered_json(VENDOR, response)).get(entity))

    def write(self, entity: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object, or with an `Id` in its body update it; the object as it is then.

        Only for what a name or a sync token keeps from being doubled: each call has a request id of its own, since one
        that was refused might be answered with the old refusal when its cause is gone.
        """
        return self._changed(entity, body, f"write {entity}", {})

    def delete(self, entity: str, id: str, sync_token: str) -> None:
        """Take a document out of the books."""
        body = {"Id": id, "SyncToken": sync_token}
        self._changed(entity, body, f"delete {entity}", {"operation": "delete"})

    def void(self, entity: str, id: str, sync_token: str) -> None:
        """Set the amounts of a SalesReceipt to zero; it stays, and can be corrected later."""
        # https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/salesreceipt
        body = {"Id": id, "SyncToken": sync_token, "sparse": True}
        self._changed(entity, body, f"void {entity}", {"operation": "update", "include": "void"})

    def _changed(
        self, entity: str, body: Mapping[str, Any], operation: str, params: Mapping[str, str]
    ) -> dict[str, Any]:
        response = self.api.request(
            "POST",
            self._path(entity.lower()),
            safety="repeatable",
            operation=operation,
            params=self._params({**params, "requestid": uuid.uuid4().hex}),
            json=dict(body),
        )
        return _object(_object(answered_json(VENDOR, response)).get(entity))

    def changes(self, entities: Sequence[str], since: datetime) -> Changes:
        """What was changed or deleted since then, at most 30 days back and at most 1000 objects."""
        # https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/change-data-capture
        response = self.api.request(
            "GET",
            self._path("cdc"),
            operation="cdc",
            params=self._params({"entities": ",".join(entities), "changedSince": since.isoformat(timespec="seconds")}),
        )
        return to_changes(_object(answered_json(VENDOR, response)), entities)

    def company(self) -> Company:
        """Name and country of the company."""
        # https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/companyinfo
        path = self._path("companyinfo", self.realm_id)
        response = self.api.request("GET", path, operation="read CompanyInfo", params=self._params({}))
        try:
            return Company.model_validate(_object(answered_json(VENDOR, response)).get("CompanyInfo"))
        except ValidationError as error:
            raise UnexpectedAnswer(VENDOR, "the company's name in its answer cannot be read") from error

    def _path(self, *parts: str) -> str:
        return "/".join(("/v3/company", self.realm_id, *parts))

    def _params(self, more: Mapping[str, str]) -> dict[str, str]:
        return {"minorversion": self._minor_version, **more}


def rows_of(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a query's answer; none when its QueryResponse is empty."""
    found = _object(answer.get("QueryResponse"))
    return next((rows for rows in found.values() if isinstance(rows, list)), [])


def to_changes(answer: Mapping[str, Any], entities: Sequence[str]) -> Changes:
    """The rows of a change data capture; an entity without changes may be an empty object, or not there."""
    captured = answer.get("CDCResponse")
    if not isinstance(captured, list):
        raise UnexpectedAnswer(VENDOR, "change data capture was answered without CDCResponse")
    rows: list[tuple[str, dict[str, Any]]] = []
    for part in captured:
        if problem := problem_in(part):
            raise error_of(problem)
        for found in part.get("QueryResponse") or []:
            rows += [(entity, row) for entity in entities for row in found.get(entity) or [] if isinstance(row, dict)]
    return Changes(rows, str(answer.get("time") or ""))


def to_read(raw: Any) -> Document:
    """The document as we read it. Raises UnexpectedAnswer."""
    try:
        return Document.model_validate(raw)
    except ValidationError as error:
        raise UnexpectedAnswer(VENDOR, "a document in its answer cannot be read") from error


def select(fields: str, entity: str, *where: str) -> str:
    """A query, its conditions joined with AND: the only word that QuickBooks knows."""
    return " ".join(["SELECT", fields, "FROM", entity, *(["WHERE", " AND ".join(where)] if where else [])])


def quoted(text: str) -> str:
    """A value in a query: single quotes, with quotes and backslashes escaped by a backslash."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def one_of(texts: Sequence[str]) -> str:
    """A list of values in a query, e.g. `IN ('a', 'b')`."""
    return f"IN ({', '.join(quoted(text) for text in texts)})"


def canonical(body: Any) -> str:
    """The JSON of a body, the same text for the same content."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnexpectedAnswer(VENDOR, f"answered {type(value).__name__} where an object was expected")
    return value
