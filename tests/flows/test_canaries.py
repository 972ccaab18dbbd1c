"""No secret and no person is in Prefect: a server with its database, and vendors that quote all that they were sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from prefect import Flow, Task, get_client
from prefect.client.schemas.objects import Log, State
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.logging.handlers import APILogHandler
from prefect.settings import get_current_settings
from prefect.testing.utilities import prefect_test_harness

from flows.orders_to_accounting import orders_to_accounting
from flows.orders_to_marketing import orders_to_marketing
from flows.orders_to_shipping import orders_to_shipping
from flows.sync_inventory import sync_inventory
from flows.tracking_to_storefront import tracking_to_storefront
from flows.watch import watch
from tasks import steps
from tasks.hub import installed
from tests.capabilities.test_canaries import PERSONAL, SHOPPER, secrets
from tests.journeys.house import House
from tests.small_house import order

pytestmark = pytest.mark.prefect

CONNECTIONS = ("shop", "warehouse", "books", "marketing", "inventory")
FLOWS: tuple[Flow[Any, Any], ...] = (
    orders_to_shipping,
    orders_to_accounting,
    orders_to_marketing,
    tracking_to_storefront,
    sync_inventory,
    watch,
)
PATIENCE = 30.0


@pytest.fixture(scope="module", autouse=True)
def _prefect() -> Iterator[None]:
    """A Prefect server of our own, with a database in a file."""
    with prefect_test_harness(server_startup_timeout=60):
        yield


@pytest.fixture
def shop(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house that flows find, with one order of the canary brought everywhere; tasks are tried again at once."""
    for task in vars(steps).values():
        if isinstance(task, Task):
            monkeypatch.setattr(task, "retry_delay_seconds", 0)
    order(house, **SHOPPER)
    house.settle_down()
    with installed(house.hub):
        yield house


class Parrot(httpx.BaseTransport):
    """A vendor that refuses what would change something, and says again all that it was sent: headers, path and body.

    With `everything` it refuses questions as well.
    """

    def __init__(self, vendor: httpx.BaseTransport, status: int, *, everything: bool) -> None:
        self._vendor, self._status, self._everything = vendor, status, everything
        self.said: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent = request.read().decode()
        if not self._everything and is_question(request, sent):
            return self._vendor.handle_request(request)
        words = f"I do not like {dict(request.headers)} nor {unquote(str(request.url))} nor {sent}"
        self.said.append(words)
        body = {"message": words, "errors": [{"detail": words, "message": words, "code": "odd"}], "Message": words}
        return httpx.Response(self._status, json=body)


def is_question(request: httpx.Request, sent: str) -> bool:
    """Whether it changes nothing."""
    path = request.url.path
    return request.method == "GET" or "oauth" in path or path.endswith("/query") or sent.startswith('{"query":"query')


def parrots(house: House, status: int, *, everything: bool) -> list[Parrot]:
    """From now on every vendor is one."""
    made = {name: Parrot(house.vendors[name].transport(), status, everything=everything) for name in CONNECTIONS}
    house.hub.transports = {**house.hub.transports, **made}
    house.hub._clients.clear()
    return list(made.values())


def ran(flow: Flow[Any, Any]) -> State[Any]:
    """Run it as a worker would, and wait until its logs have left this process."""

    async def story() -> State[Any]:
        state: State[Any] = await flow(return_state=True)
        await APILogHandler.aflush()
        return state

    return asyncio.run(story())


async def logs() -> list[Log]:
    """All log lines that Prefect has."""
    found: list[Log] = []
    async with get_client() as client:
        while page := await client.read_logs(limit=200, offset=len(found)):
            found += page
    return found


async def has_ended(state: State[Any]) -> bool:
    """Whether the event of the run's end is in Prefect's database; by then all that came before is."""
    async with get_client() as client:
        wanted = EventFilter(event=EventNameFilter(name=[f"prefect.flow-run.{state.name}"]))
        answer = await client._client.post("/events/filter", json={"filter": wanted.model_dump(mode="json")})
        return str(state.state_details.flow_run_id) in answer.text


def database() -> dict[str, str]:
    """What is in Prefect's database file and the files beside it, by name."""
    url = get_current_settings().server.database.connection_url
    assert url is not None
    path = Path(url.get_secret_value().partition(":///")[2])
    return {one.name: one.read_bytes().decode("utf-8", "replace") for one in path.parent.glob(f"{path.name}*")}


def seen_by_prefect(states: list[State[Any]]) -> dict[str, str]:
    """Everything that somebody may read of these runs."""
    ends = time.monotonic() + PATIENCE
    for state in states:
        while not asyncio.run(has_ended(state)):
            assert time.monotonic() < ends, "Prefect has not written down how a run ended"
    lines = "\n".join(line.message for line in asyncio.run(logs()))
    return {"logs": lines, "states": "\n".join(str(state.message) for state in states), **database()}


def found_in(places: dict[str, str], words: set[str]) -> set[tuple[str, str]]:
    """Which of these words are where."""
    return {(where, one) for where, text in places.items() for one in words if one in text}


def canaries(house: House) -> set[str]:
    return {*secrets(house), *PERSONAL}


@pytest.mark.parametrize(
    ("status", "everything"), [(200, False), (400, False), (401, False), (500, False), (400, True), (500, True)]
)
def test_no_secret_and_no_person_that_vendors_quote_is_anywhere_in_prefect(
    shop: House, status: int, everything: bool
) -> None:
    # given vendors that refuse, and quote our credential and a shopper's address
    known = canaries(shop)
    vendors = parrots(shop, status, everything=everything)
    shop.vendors["shop"].act("edit", {"order": "#1001", "quantities": {"0": 2}})
    order(shop, **SHOPPER)
    shop.vendors["warehouse"].act("buy_labels", {})
    shop.clock.sleep(61)
    # when every flow runs
    states = [ran(flow) for flow in FLOWS]
    # then vendors did quote, and neither logs, states, artifacts, events nor another table of Prefect has a word of it
    spoken = "\n".join(words for vendor in vendors for words in vendor.said)
    assert "sim-shipstation-key" in spoken
    places = seen_by_prefect(states)
    assert "orders-to-shipping" in places["logs"]
    assert found_in(places, known) == set()


def test_what_our_own_code_breaks_with_is_in_prefect_without_its_values(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a fault of ours, whose words quote a shopper and a secret
    def breaks(*_: Any) -> None:
        raise ValueError(f"cannot read {PERSONAL} with {sorted(secrets(shop))}")

    monkeypatch.setattr(shop.hub.client("shop"), "changed_orders", breaks)
    # when a flow runs into it
    states = [ran(orders_to_shipping)]
    # then Prefect says where it was, and no more
    places = seen_by_prefect(states)
    assert "ValueError at flows/test_canaries.py:" in places["states"]
    assert "in breaks" in places["logs"]
    assert found_in(places, canaries(shop)) == set()


def test_the_search_finds_what_prefect_has(shop: House) -> None:
    # given an order whose number is in the table that its run leaves
    states = [ran(orders_to_shipping)]
    order(shop, **SHOPPER)
    shop.clock.sleep(61)
    states.append(ran(orders_to_shipping))
    # then the search finds the number in the database, and the route's name in the logs
    found = found_in(seen_by_prefect(states), {"#1002", "orders-to-shipping"})
    assert ("logs", "orders-to-shipping") in found
    assert {one for where, one in found if where.startswith("prefect-test.db")} == {"#1002", "orders-to-shipping"}
