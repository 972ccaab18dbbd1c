"""The API side of the simulator: routes, repeated request ids, batches, queries, change data capture."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar, Literal

import httpx

from integrations.quickbooks.simulator.company import LISTS, TRANSACTIONS, Company, Row
from integrations.quickbooks.simulator.gate import Gate
from integrations.quickbooks.simulator.habits import Habits
from integrations.quickbooks.simulator.operations import operate, shown
from integrations.quickbooks.simulator.query import parse, run
from integrations.quickbooks.simulator.refusals import Refused, answer, as_xml, moment_of, stamp
from integrations.quickbooks.simulator.tokens import TokenDesk, discovery
from integrations.quickbooks.simulator.world import World

ENTITIES = {entity.lower(): entity for entity in (*LISTS, *TRANSACTIONS)}
QUERYABLE = (*LISTS, *TRANSACTIONS, "Preferences", "CompanyInfo")
COMPANY = re.compile(r"/v3/company/(\d+)(/.*)")
LARGEST_BATCH = 30
MOST_CHANGES = 1000
OLDEST_CHANGE = 30 * 86_400
RETIRED_BELOW = 75


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
        country: str = "US",
        home_currency: str = "USD",
        redirects: tuple[str, ...] = (),
        monthly_reads: int | None = None,
        habits: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(base_url=base_url, clock=clock, limits=limits)
        self.realm_id = realm_id
        self.verifier_token = verifier_token
        self.habits = Habits(**(habits or {}))
        self.desk = TokenDesk(
            client_id, client_secret, refresh_token, clock, rotate, realm_id, redirects=tuple(redirects)
        )
        self.desk.grace = lambda: self.habits.old_refresh_tokens == "a day"
        self.gate = Gate(self.desk, self.habits, clock, limits=limits, realm=realm_id, allowance=monthly_reads)
        self.company = Company(clock, self.habits, name=company, country=country, home_currency=home_currency)
        self.replies: dict[str, tuple[float, httpx.Response]] = {}
        self._calls = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        """OAuth, or one call to the company."""
        path = request.url.path
        doors = {
            ("GET", "/connect/oauth2"): self.desk.consent,
            ("POST", "/oauth2/v1/tokens/bearer"): self.desk.answer,
            ("POST", "/v2/oauth2/tokens/revoke"): self.desk.revoke,
        }
        if (request.method, path) in doors:
            return doors[request.method, path](request)
        if path.startswith("/.well-known/openid_") and request.method == "GET":
            return httpx.Response(200, json=discovery(self.base_url))
        found = COMPANY.fullmatch(path)
        if found is None:
            return httpx.Response(404, text="<html><body>Not Found</body></html>")
        self._calls += 1
        response = self._guarded(request, *found.groups())
        response.headers["intuit_tid"] = f"1-{self._calls:08x}"
        if response.is_error and "application/json" not in request.headers.get("accept", ""):
            return as_xml(response, self.clock())
        return response

    def _guarded(self, request: httpx.Request, realm: str, path: str) -> httpx.Response:
        refused = self.gate.refuse(request, realm, path, _reads_in(request, path))
        if refused is not None:
            return refused
        try:
            return self._repeatable(request, path)
        except Refused as error:
            return self._fault(error)

    def _fault(self, refused: Refused) -> httpx.Response:
        return answer({"Fault": refused.fault()}, self.clock(), 200 if self.habits.faults_with_200 else 400)

    def _repeatable(self, request: httpx.Request, path: str) -> httpx.Response:
        """A request id that was seen is answered as it was then, and nothing runs."""
        self._check_minor_version(request)
        request_id = request.url.params.get("requestid", "")
        if not request_id:
            return self._route(request, path)
        if len(request_id) > (36 if path == "/batch" else 50):
            raise Refused("2050", f"requestid: Supplied length:{len(request_id)}", "requestid")
        at, told = self.replies.get(request_id, (0.0, None))
        kept = self.habits.request_ids_kept
        if told is None or (kept is not None and self.clock() - at > kept):
            try:
                told = self._route(request, path)
            except Refused as refused:
                if not self.habits.refusals_replayed:
                    raise
                told = self._fault(refused)
            self.replies[request_id] = (self.clock(), told)
        return httpx.Response(told.status_code, headers=told.headers, content=told.content)

    def _check_minor_version(self, request: httpx.Request) -> None:
        told = request.url.params.get("minorversion", "")
        if told and not told.isdigit():
            raise Refused("2010", f"Invalid minorversion : {told}", "minorversion")
        if int(told or 0) < RETIRED_BELOW and self.habits.other_minor_versions == "refused":
            raise Refused("2010", f"minorversion {told or '(none)'} is not supported", "minorversion")

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
            raise Refused("500", parts[0])
        entity = ENTITIES[parts[0]]
        if request.method == "GET" and len(parts) == 2:
            return self._reply({entity: shown(self.company, entity, self.company.find(entity, parts[1]))})
        if request.method != "POST":
            raise Refused("500", request.method)
        asked = request.url.params
        void = asked.get("include") == "void"
        return self._reply(
            {entity: operate(self.company, asked.get("operation", ""), entity, _json(request), void=void)}
        )

    def _reply(self, body: Row) -> httpx.Response:
        return answer(body, self.clock())

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
            return {entity: operate(self.company, one["operation"], entity, one[entity]), **bid}
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
            rows = [shown(self.company, found.entity, row) for row in table.values()]
        else:
            ids = {id for number in numbers for id in self.company.same_number(found.entity, number)}
            rows = [table[id] for id in ids]
        page, count = run(found, rows, sku_with_star=self.habits.sku_with_star)
        if found.fields == ["count(*)"]:
            return {"totalCount": count}
        shape = {"startPosition": found.start, "maxResults": len(page), "totalCount": len(page)}
        return {found.entity: page, **shape} if page else {}

    def _company_info(self) -> Row:
        offer = {"Name": "OfferingSku", "Value": "QuickBooks Online Plus"}
        names = {"CompanyName": self.company.name, "LegalName": self.company.name, "Country": self.company.country}
        return {"Id": "1", "SyncToken": "4", **names, "NameValue": [offer]}

    def _changes(self, request: httpx.Request) -> Row:
        """Change data capture: what changed since a moment, deleted documents as stubs; 1000 in all."""
        since = moment_of(request.url.params.get("changedSince", ""))
        if since < self.clock() - OLDEST_CHANGE:
            raise Refused("2010", "changedSince is more than 30 days ago", "changedSince")
        wanted = [name for name in request.url.params.get("entities", "").split(",") if name]
        answers: list[Row] = []
        room = MOST_CHANGES
        for entity in wanted:
            if entity not in self.company.tables:
                raise Refused("2170", f"Invalid Enumeration : {entity}", "entities")
            newest = {id: (at, verb) for at, kind, id, verb in self.company.changes if kind == entity}
            rows = [self._change(entity, id, *found) for id, found in newest.items() if found[0] >= since]
            rows, room = rows[:room], max(0, room - len(rows))
            shape = {"startPosition": 1, "maxResults": len(rows), "totalCount": len(rows)}
            answers.append({entity: rows, **shape} if rows else {})
        return {"CDCResponse": [{"QueryResponse": answers}]}

    def _change(self, entity: str, id: str, at: float, verb: str) -> Row:
        if verb != "deleted":
            return shown(self.company, entity, self.company.tables[entity][id])
        return {"domain": "QBO", "status": "Deleted", "Id": id, "MetaData": {"LastUpdatedTime": stamp(at)}}


def _reads_in(request: httpx.Request, path: str) -> int:
    """Metered reads that a call holds: a query, a read, a capture, or each query of a batch."""
    if path == "/batch":
        return request.content.count(b'"Query"')
    return 1 if request.method == "GET" or path == "/query" else 0


def _json(request: httpx.Request) -> Any:
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Refused("2010", "Content-Type must be application/json")
    try:
        return json.loads(request.content.decode(), parse_float=Decimal)
    except UnicodeDecodeError as error:
        raise Refused("500", "The request is not UTF-8") from error
    except ValueError as error:
        raise Refused("2010", "The request body is not valid JSON") from error


def _statement(request: httpx.Request) -> str:
    if request.method == "GET":
        return str(request.url.params.get("query", ""))
    if not request.headers.get("content-type", "").startswith("application/text"):
        raise Refused("4000", "Content-Type must be application/text")
    return request.content.decode("utf-8", "replace")


def build(
    *, base_url: str, clock: Callable[[], float] = time.time, limits: bool = True, **options: Any
) -> QuickBooksSimulator:
    """A company with a few accounts and no items.

    Options: realm_id, client_id, client_secret, refresh_token, verifier_token, rotate ("always" or "daily"), company,
    country, home_currency, redirects (the app's redirect URIs; any when left out), monthly_reads, and `habits`: the
    facts that nobody documents surely, see habits.py.
    """
    return QuickBooksSimulator(base_url=base_url, clock=clock, limits=limits, **options)
