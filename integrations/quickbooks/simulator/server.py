"""The API side of the simulator: routes, authorisation, limits, repeated request ids, batches, queries."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar, Literal

import httpx

from integrations.quickbooks.simulator.company import LISTS, TRANSACTIONS, Company, Row
from integrations.quickbooks.simulator.query import parse, run
from integrations.quickbooks.simulator.refusals import Refused, answer, gateway_fault, stamp
from integrations.quickbooks.simulator.rules import changeable, complete
from integrations.quickbooks.simulator.tokens import TokenDesk
from integrations.quickbooks.simulator.world import World
from integrations.simulator import FixedWindow

ENTITIES = {entity.lower(): entity for entity in (*LISTS, *TRANSACTIONS)}
QUERYABLE = (*LISTS, *TRANSACTIONS, "Preferences", "CompanyInfo")
COMPANY = re.compile(r"/v3/company/(\d+)(/.*)")
LARGEST_BATCH = 30
MOST_CHANGES = 1000


class QuickBooksSimulator(World):
    """One app, one company."""

    vendor: ClassVar[str] = "quickbooks"

    def __init__(
        self,
        *,
        base_url: str,
        clock: Callable[[], float] = time.time,
        limits: bool = True,
        realm_id: str = "9130357992221046",
        client_id: str = "client",
        client_secret: str = "secret",  # noqa: S107
        refresh_token: str = "RT1-first",  # noqa: S107
        verifier_token: str = "verifier",  # noqa: S107
        rotate: Literal["always", "daily"] = "always",
        company: str = "Sandbox Mugs",
        home_currency: str = "USD",
    ) -> None:
        super().__init__(base_url=base_url, clock=clock, limits=limits)
        self.realm_id = realm_id
        self.verifier_token = verifier_token
        self.desk = TokenDesk(client_id, client_secret, refresh_token, clock, rotate)
        self.company = Company(clock, name=company, country="US", home_currency=home_currency)
        self.replies: dict[str, httpx.Response] = {}
        self._windows = [FixedWindow(10, 1.0, clock), FixedWindow(500, 60.0, clock)]
        self._batches = FixedWindow(40, 60.0, clock)
        self._calls = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The token endpoint, or one call to the company."""
        path = request.url.path
        if path == "/oauth2/v1/tokens/bearer" and request.method == "POST":
            return self.desk.answer(request)
        found = COMPANY.fullmatch(path)
        if found is None:
            return httpx.Response(404, text="<html><body>Not Found</body></html>")
        self._calls += 1
        response = self._guarded(request, *found.groups())
        response.headers["intuit_tid"] = f"1-{self._calls:08x}"
        return response

    def _guarded(self, request: httpx.Request, realm: str, path: str) -> httpx.Response:
        now = self.clock()
        if not self.desk.valid(request.headers.get("authorization", "")):
            return gateway_fault("AUTHENTICATION", 401, "AuthenticationFailed", "3200", "Token expired: AB01", now)
        if realm != self.realm_id:
            words = "ApplicationAuthorizationFailed"
            return gateway_fault("AUTHORIZATION", 403, words, "3100", words, now)
        full = [window for window in self._windows if not window.take()]
        if self.limits and (full or (path == "/batch" and not self._batches.take())):
            words = "The request limit was reached.  Try again later"
            return gateway_fault("SERVICE", 429, "ThrottleExceeded", "3001", words, now)
        try:
            return self._repeatable(request, path)
        except Refused as refused:
            return answer({"Fault": refused.fault()}, now, 400)

    def _repeatable(self, request: httpx.Request, path: str) -> httpx.Response:
        """A request id that was seen is answered as it was then, and nothing runs."""
        request_id = request.url.params.get("requestid", "")
        if not request_id:
            return self._route(request, path)
        if len(request_id) > (36 if path == "/batch" else 50):
            raise Refused("2050", f"requestid: Supplied length:{len(request_id)}", "requestid")
        if request_id not in self.replies:
            try:
                self.replies[request_id] = self._route(request, path)
            except Refused as refused:
                self.replies[request_id] = answer({"Fault": refused.fault()}, self.clock(), 400)
        told = self.replies[request_id]
        return httpx.Response(told.status_code, headers=told.headers, content=told.content)

    def _route(self, request: httpx.Request, path: str) -> httpx.Response:
        if not self.company.subscribed:
            raise Refused("6190", "Subscription period has ended or canceled or there was a billing problem")
        parts = path.strip("/").split("/")
        if parts[0] == "query":
            return self._reply({"QueryResponse": self._query(_statement(request))})
        if parts[0] == "batch" and request.method == "POST":
            return self._batch(_json(request), bool(request.url.params.get("requestid")))
        if parts[0] == "companyinfo" and request.method == "GET":
            return self._reply({"CompanyInfo": self._company_info()})
        if parts[0] == "preferences" and request.method == "GET":
            return self._reply({"Preferences": self.company.preferences()})
        if parts[0] == "cdc" and request.method == "GET":
            return self._reply(self._changes(request))
        if parts[0] not in ENTITIES:
            raise Refused("500", f"Unsupported Operation : {parts[0]}")
        entity = ENTITIES[parts[0]]
        if request.method == "GET" and len(parts) == 2:
            return self._reply({entity: self._seen(entity, self.company.find(entity, parts[1]))})
        if request.method != "POST":
            raise Refused("500", "Unsupported Operation")
        operation = request.url.params.get("operation", "")
        return self._reply({entity: self._operate(operation, entity, _json(request))})

    def _reply(self, body: Row) -> httpx.Response:
        return answer(body, self.clock())

    def _operate(self, operation: str, entity: str, body: Any) -> Row:
        if not isinstance(body, dict):
            raise Refused("2010", "The request body is not a JSON object")
        if operation == "delete":
            return self._delete(entity, body)
        old = self._current(entity, body) if body.get("Id") else None
        if operation == "create" and old:
            raise Refused("2010", "Id must not be sent with create", "Id")
        if operation == "update" and not old:
            raise Refused("2020", "Required parameter Id is missing in the request", "Id")
        if old is None:
            return self._seen(entity, self.company.add(entity, complete(self.company, entity, dict(body), None)))
        if entity in TRANSACTIONS:
            changeable(self.company, entity, old)
        content = {**self._writable(old), **body} if body.get("sparse") else dict(body)
        content.pop("sparse", None)
        return self._seen(entity, self.company.replace(entity, old, complete(self.company, entity, content, old)))

    def _current(self, entity: str, body: Row) -> Row:
        """The row to change. Refused with 5010 when the sync token is not the current one."""
        row = self.company.find(entity, str(body["Id"]))
        if str(body.get("SyncToken", "")) != row["SyncToken"]:
            words = "You and Ada Bookkeeper were working on this at the same time."
            raise Refused("5010", f"{words} Ada finished before you did, so your work was not saved.")
        return row

    @staticmethod
    def _writable(row: Row) -> Row:
        """A stored row as it would be sent: without what is computed."""
        lines = [line for line in row.get("Line", []) if line["DetailType"] != "SubTotalLineDetail"]
        computed = {"Line", "TotalAmt", "Balance", "TxnTaxDetail", "PrintStatus", "EmailStatus"}
        return {key: value for key, value in row.items() if key not in computed} | ({"Line": lines} if lines else {})

    def _delete(self, entity: str, body: Row) -> Row:
        if entity in LISTS:
            raise Refused("500", f"Unsupported Operation : {entity} is made inactive, not deleted")
        row = self._current(entity, body)
        changeable(self.company, entity, row)
        self.company.remove(entity, row)
        return {"status": "Deleted", "domain": "QBO", "Id": row["Id"]}

    def _batch(self, body: Any, repeatable: bool) -> httpx.Response:
        requests = body.get("BatchItemRequest") if isinstance(body, dict) else None
        if not isinstance(requests, list) or not requests:
            raise Refused("2020", "Required parameter BatchItemRequest is missing in the request")
        if len(requests) > LARGEST_BATCH:
            raise Refused("2010", f"Batch payload exceeds the limit of {LARGEST_BATCH} items")
        if len({one.get("bId") for one in requests}) != len(requests):
            raise Refused("2010", "bId must be unique in a batch")
        if repeatable and any(len(str(one.get("bId"))) > 10 for one in requests):
            raise Refused("2050", "bId Max:10 supported with requestid", "bId")
        return self._reply({"BatchItemResponse": [self._batch_item(one) for one in requests]})

    def _batch_item(self, one: Row) -> Row:
        bid = {"bId": one.get("bId")}
        try:
            if "Query" in one:
                return {"QueryResponse": self._query(one["Query"]), **bid}
            entity = next((key for key in one if key.lower() in ENTITIES), "")
            if one.get("operation") not in ("create", "update", "delete") or not entity:
                raise Refused("2020", "Required parameter operation or entity is missing in the request")
            return {entity: self._operate(one["operation"], entity, one[entity]), **bid}
        except Refused as refused:
            return {"Fault": refused.fault(), **bid}

    def _query(self, text: str) -> Row:
        found = parse(text, QUERYABLE)
        if found.entity in ("Preferences", "CompanyInfo"):
            row = self.company.preferences() if found.entity == "Preferences" else self._company_info()
            return {found.entity: [row], "maxResults": 1}
        table = self.company.tables[found.entity]
        numbers = found.exact("DocNumber") if found.entity in TRANSACTIONS else None
        if numbers is None:
            rows = [self._seen(found.entity, row) for row in table.values()]
        else:
            ids = {id for number in numbers for id in self.company.same_number(found.entity, number)}
            rows = [table[id] for id in ids]
        page, count = run(found, rows)
        if found.fields == ["count(*)"]:
            return {"totalCount": count}
        shape = {"startPosition": found.start, "maxResults": len(page)}
        return {found.entity: page, **shape} if page else {}

    def _seen(self, entity: str, row: Row) -> Row:
        """The row as it is answered; an account with its balance."""
        return {**row, "CurrentBalance": self.company.balance(row)} if entity == "Account" else row

    def _company_info(self) -> Row:
        offer = {"Name": "OfferingSku", "Value": "QuickBooks Online Plus"}
        names = {"CompanyName": self.company.name, "LegalName": self.company.name, "Country": self.company.country}
        return {"Id": "1", "SyncToken": "4", **names, "NameValue": [offer]}

    def _changes(self, request: httpx.Request) -> Row:
        """Change data capture: what changed since a moment, deleted documents as stubs; 1000 in all."""
        since = request.url.params.get("changedSince", "")
        wanted = [name for name in request.url.params.get("entities", "").split(",") if name]
        answers: list[Row] = []
        room = MOST_CHANGES
        for entity in wanted:
            if entity not in self.company.tables:
                raise Refused("2170", f"Invalid Enumeration : {entity}", "entities")
            newest = {id: (at, verb) for at, kind, id, verb in self.company.changes if kind == entity}
            rows = [self._change(entity, id, *found) for id, found in newest.items() if stamp(found[0]) >= since]
            rows, room = rows[:room], max(0, room - len(rows))
            answers.append({entity: rows, "startPosition": 1, "maxResults": len(rows)} if rows else {})
        return {"CDCResponse": [{"QueryResponse": answers}]}

    def _change(self, entity: str, id: str, at: float, verb: str) -> Row:
        if verb != "deleted":
            return self._seen(entity, self.company.tables[entity][id])
        return {"domain": "QBO", "status": "Deleted", "Id": id, "MetaData": {"LastUpdatedTime": stamp(at)}}


def _json(request: httpx.Request) -> Any:
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Refused("2010", "Content-Type must be application/json")
    try:
        return json.loads(request.content, parse_float=Decimal)
    except (ValueError, UnicodeDecodeError) as error:
        raise Refused("2010", "The request body is not valid JSON") from error


def _statement(request: httpx.Request) -> str:
    if request.method == "GET":
        return str(request.url.params.get("query", ""))
    if not request.headers.get("content-type", "").startswith("application/text"):
        raise Refused("4000", "Content-Type must be application/text")
    return request.content.decode()


def build(
    *, base_url: str, clock: Callable[[], float] = time.time, limits: bool = True, **options: Any
) -> QuickBooksSimulator:
    """A company with a few accounts and no items.

    Options: realm_id, client_id, client_secret, refresh_token, verifier_token, rotate ("always" or "daily"), company,
    home_currency.
    """
    return QuickBooksSimulator(base_url=base_url, clock=clock, limits=limits, **options)
