"""The Admin API over HTTP. https://shopify.dev/docs/api/admin-graphql"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from integrations.shopify.simulator import (
    activating,
    authorise,
    cost,
    inventory,
    read_fulfilment,
    read_payments,
    read_stock,
    sales,
    shop_queries,
)
from integrations.shopify.simulator.access import Access
from integrations.shopify.simulator.bulk import FOLDER
from integrations.shopify.simulator.documents import Operation
from integrations.shopify.simulator.errors import FieldError, RequestError
from integrations.shopify.simulator.inputs import coerce_variables
from integrations.shopify.simulator.plan import Request
from integrations.shopify.simulator.retries import Retries
from integrations.shopify.simulator.tokens import DeadRefresh, unauthorised
from integrations.simulator import Bucket, json_body

GRAPHQL = re.compile(r"/admin/api(?:/(?P<version>[\w-]+))?/graphql\.json")
OTHER_VERSIONS = ("2027-01", "unstable")
RESOLVERS_OF = (activating, inventory, read_fulfilment, read_payments, read_stock, sales, shop_queries)
"""Imported so that their resolvers are registered."""


PLANS = {"Basic": (2000, 100), "Advanced": (4000, 200), "Plus": (20_000, 1000), "Enterprise": (40_000, 2000)}
"""Points at once and points a second, by plan; only the first pair has been seen in recorded answers."""


class ShopifySimulator(Access):
    """Shopify's Admin API in memory. See `build`."""

    def __init__(
        self,
        *,
        plan: str = "Basic",
        float_costs: bool = False,
        header_prefix: str = "X-Shopify-",
        dead_refresh: DeadRefresh = "invalid_request",
        redirects: Iterable[str] = (),
        compliance_uri: str = "https://hub.example.com/webhooks/shop",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.bucket = Bucket(*PLANS[plan], clock=self.clock)
        self.shop["plan"] = plan
        self.float_costs, self.header_prefix = float_costs, header_prefix
        self.tokens.dead_refresh = dead_refresh
        self.redirects, self.compliance_uri = set(redirects), compliance_uri
        self.deprecated_reason = ""
        self.throttled = 0
        self.retries = Retries(self.now)
        self.last_bodies: dict[tuple[int, Any], bytes] = {}

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Tokens, the page of approval, GraphQL, and 404 for everything else."""
        path = request.url.path
        self.bulk.advance()
        if path.startswith(FOLDER) and request.method == "GET":
            return self.bulk.download(request)
        if path == "/admin/oauth/access_token" and request.method == "POST":
            return self.tokens.answer(request, ",".join(sorted(self.scopes)))
        if path == "/admin/oauth/authorize" and request.method == "GET":
            return authorise.page(self, request)
        found = GRAPHQL.fullmatch(path)
        if found is None or request.method != "POST":
            return httpx.Response(404, json={"errors": "Not Found"})
        identity = {"X-Request-Id": str(uuid.uuid4())}
        if not self.tokens.valid(request.headers.get("x-shopify-access-token", "")):
            answer = unauthorised()
            answer.headers.update(identity)
            return answer
        identity["X-Shopify-API-Version"] = served_version(found["version"])
        if self.deprecated_reason:
            identity["X-Shopify-API-Deprecated-Reason"] = self.deprecated_reason
        status, body = self._answer_graphql(request)
        content = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        return httpx.Response(
            status, headers={**identity, "content-type": "application/json; charset=utf-8"}, content=content
        )

    def _answer_graphql(self, request: httpx.Request) -> tuple[int, dict[str, Any]]:
        asked = json_body(request)
        if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
            return 400, {"errors": {"query": "Required parameter missing or invalid"}}
        try:
            return 200, self._run(asked, request.headers)
        except RequestError as refused:
            return 200, {"errors": refused.errors}

    def _run(self, asked: Mapping[str, Any], headers: httpx.Headers) -> dict[str, Any]:
        given = asked.get("variables") or {}
        operation = self.documents.operation(asked["query"], asked.get("operationName"), given)
        variables = coerce_variables(self.schema, operation.variables, given)
        running = Request(self, variables, debug_search=headers.get("shopify-search-query-debug") == "1")
        requested = cost.requested_cost(operation.root, running)
        if requested > cost.MOST:
            raise RequestError(cost.too_expensive(requested))
        if self.limits and not self.bucket.take(requested):
            return self._throttled(requested)
        answer = self._execute(operation, running)
        actual = min(requested, cost.actual_cost(operation.root, running))
        if self.limits:
            self.bucket.level = min(self.bucket.capacity, self.bucket.level + requested - actual)
        extensions: dict[str, Any] = {"cost": self._cost(requested, actual)}
        if headers.get("shopify-graphql-cost-debug") == "1":
            extensions["cost"]["fields"] = cost.per_field(operation.root, running)
        if running.searches:
            extensions["search"] = running.searches
        return {**answer, "extensions": extensions}

    def _execute(self, operation: Operation, running: Request) -> dict[str, Any]:
        data: dict[str, Any] | None
        try:
            data = operation.root.project({}, running)
        except FieldError as error:
            data = None
            running.errors.append(error)
        if not running.errors:
            return {"data": data}
        return {"errors": [one.as_json() for one in running.errors], "data": data}

    def _throttled(self, requested: int) -> dict[str, Any]:
        self.throttled += 1
        extensions = {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"}
        error = {"message": "Throttled", "extensions": extensions}
        return {"errors": [error], "extensions": {"cost": self._cost(requested, None)}}

    def _cost(self, requested: int, actual: int | None) -> dict[str, Any]:
        level = self.bucket.available() if self.limits else self.bucket.capacity
        number = float if self.float_costs else int
        status = {
            "maximumAvailable": number(self.bucket.capacity),
            "currentlyAvailable": number(math.floor(level)),
            "restoreRate": number(self.bucket.per_second),
        }
        return {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}


def served_version(asked: str | None) -> str:
    """Versions out of support, and no version at all, are served by the oldest one still supported."""
    if asked in shop_queries.VERSIONS or asked in OTHER_VERSIONS:
        return str(asked)
    return shop_queries.VERSIONS[0]
