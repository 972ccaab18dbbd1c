"""Our requests and the simulator's answers, judged by Klaviyo's official OpenAPI file."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from commerce.events import Kind
from commerce.ports import Person
from integrations.connector import Services
from integrations.klaviyo import Klaviyo
from integrations.klaviyo.endpoints import ENDPOINTS as CALLED
from integrations.klaviyo.settings import KlaviyoSettings
from integrations.klaviyo.simulator import KlaviyoSimulator
from integrations.klaviyo.simulator.endpoints import ENDPOINTS
from integrations.klaviyo.simulator.filters import OPERATORS
from tests.builders import a_fulfilment, a_refund, after, an_order
from tests.integrations.klaviyo.conftest import BASE, TODAY, about, placed
from tests.integrations.klaviyo.spec import complaints, needs_spec, operation

pytestmark = needs_spec

HEADERS = {"authorization": "Klaviyo-API-Key pk_sim", "revision": "2026-07-15"}


class Judged(httpx.BaseTransport):
    """A simulator whose every exchange is compared with the file: bodies, query parameters and answers."""

    def __init__(self, account: KlaviyoSimulator) -> None:
        self.account = account
        self.wrong: list[str] = []
        self.seen: list[tuple[str, str, int]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.account(request)
        method, path = request.method, request.url.path
        self.seen.append((method, path, answer.status_code))
        sent = json.loads(request.content) if request.content else None
        if sent is not None and not probing(sent):
            self.wrong += [f"sent {path} {one}" for one in complaints(method, path, body=sent)]
        known = {one["name"] for one in operation(method, path)["parameters"] if one["in"] == "query"}
        self.wrong += [f"asked {path} with {name}" for name in request.url.params if name not in known]
        told = answer.json() if answer.content else None
        self.wrong += [
            f"told {path} {answer.status_code} {one}"
            for one in complaints(method, path, body=told, status=answer.status_code)
        ]
        return answer


def probing(sent: Any) -> bool:
    """Whether it is one of the two requests that are meant to be refused, to see whether the key would be."""
    return bool(sent["data"]["attributes"] == {})


@pytest.fixture
def judged(account) -> Judged:
    return Judged(account)


@pytest.fixture
def klaviyo(judged, clock) -> Klaviyo:
    settings: Any = {"name": "marketing", "api_key": "pk_sim", "workers": 1}
    return Klaviyo(KlaviyoSettings.model_validate(settings), Services(transport=judged, sleep=clock.sleep, clock=clock))


def test_everything_we_send_and_are_told_is_in_the_file(account, judged, klaviyo) -> None:
    # given every kind of fact, live and old, with a bulk request that is refused
    order = an_order(refunds=(a_refund(id="r", amount="7.50"),), fulfilments=(a_fulfilment(),), cancelled_at=after())
    facts = [
        (Kind.ORDER_PLACED, ""),
        (Kind.ORDER_CANCELLED, ""),
        (Kind.ORDER_REFUNDED, "r"),
        (Kind.ORDER_FULFILLED, "ful-1"),
    ]
    live = [about(order, kind, part) for kind, part in facts]
    old = [placed(n, historical=True) for n in range(12)]
    # when they are delivered twice, and the connection is checked
    for _ in range(2):
        assert {outcome.state for _, outcome in klaviyo.deliver([*live, *old])} == {"done"}
    assert all(finding.ok for finding in klaviyo.check())
    # and what is there is read back
    there = klaviyo.audit("shop", TODAY - timedelta(days=400), TODAY, [order])
    assert order.key in {one.subject for one in there}
    # and people are left out, refused and forgotten
    account.do_refuse_phone("+15035550123")
    assert {outcome.state for _, outcome in klaviyo.deliver([placed(20, phone="+15035550123")])} == {"done"}
    klaviyo.forget(Person(email="ada@example.com", phone="+15035550124", customer_id="9001", source="shop"))
    # then the file has nothing to complain about, and all we use was used
    assert judged.wrong == []
    used = set(judged.seen)
    assert used >= {
        ("POST", "/api/events", 202),
        ("POST", "/api/events", 400),
        ("POST", "/api/event-bulk-create-jobs", 202),
        ("POST", "/api/event-bulk-create-jobs", 400),
        ("GET", "/api/events", 200),
        ("GET", "/api/accounts", 200),
        ("GET", "/api/metrics", 200),
        ("GET", "/api/mapped-metrics", 200),
        ("GET", "/api/profiles", 200),
        ("POST", "/api/data-privacy-deletion-jobs", 202),
        ("POST", "/api/data-privacy-deletion-jobs", 400),
    }


def test_the_file_would_find_a_misspelt_or_mistyped_field() -> None:
    metric = {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}}
    profile = {"data": {"type": "profile", "attributes": {"email": "ada@example.com"}}}
    good: dict[str, Any] = {"properties": {}, "metric": metric, "profile": profile}

    def found(**changes: Any) -> list[str]:
        body = {"data": {"type": "event", "attributes": {**good, **changes}}}
        return complaints("POST", "/api/events", body=body)

    assert found() == []
    assert found(value="59.98")
    assert found(uniqueId="x")
    assert found(properties=None)


@pytest.mark.parametrize(
    "path",
    [
        "/api/events?include=metric,profile",
        "/api/profiles?additional-fields[profile]=subscriptions",
        "/api/metrics",
        "/api/mapped-metrics",
        "/api/accounts",
    ],
)
def test_what_the_simulator_lets_us_read_is_in_the_file(account, judged, klaviyo, path) -> None:
    list(klaviyo.deliver([placed(1)]))
    account.do_map_metric("revenue", account.do_third_party_metric())
    with httpx.Client(transport=judged, base_url=BASE, headers=HEADERS) as client:
        assert client.get(path).status_code == 200
    assert judged.wrong == []


def test_what_the_simulator_refuses_is_an_error_document_of_the_file(account, judged) -> None:
    with httpx.Client(transport=judged, base_url=BASE, headers=HEADERS) as client:
        client.get("/api/events", headers={"authorization": "Bearer x"})
        client.get("/api/events", headers={"revision": "2020-01-01", "x-klaviyo-revision-fall-forward-opt-out": "1"})
        client.get("/api/events", params={"filter": "contains(email,'x')"})
        for _ in range(2):
            client.get("/api/accounts")
    assert [status for _, _, status in judged.seen] == [401, 410, 400, 200, 429]
    assert judged.wrong == []


@pytest.mark.parametrize("one", ENDPOINTS, ids=lambda one: one.name)
def test_the_simulators_endpoints_are_those_of_the_file(one) -> None:
    said = operation(one.method, one.path)
    burst, steady = one.limits
    assert said["x-klaviyo-ratelimit"] == {"burst": f"{burst}/s", "steady": f"{steady}/m"}
    assert said["x-klaviyo-scopes"] == list(one.scopes)
    assert set(one.params) <= {each["name"] for each in said["parameters"] if each["in"] == "query"}


@pytest.mark.parametrize("collection", OPERATORS)
def test_the_simulators_filters_are_those_of_the_file(collection) -> None:
    said = operation("GET", f"/api/{collection}")["x-klaviyo-filters"]
    for field, operators in OPERATORS[collection].items():
        allowed = {one for each in said[field]["operators"].values() for one in each}
        assert set(operators) == allowed, field


@pytest.mark.parametrize(("method", "path"), CALLED)
def test_our_table_of_limits_and_scopes_is_that_of_the_file(method, path) -> None:
    ours, said = CALLED[method, path], operation(method, path)
    limits = {"burst": f"{ours.per_second}/s", "steady": f"{ours.per_minute}/m"}
    assert said["x-klaviyo-ratelimit"] == limits
    assert said["x-klaviyo-scopes"] == [ours.scope]
    (second, _), (minute, _) = ours.pace
    assert 1 <= second <= ours.per_second
    assert 1 <= minute < ours.per_minute
