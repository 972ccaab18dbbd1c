"""Every flow end to end under Prefect's own engine, over a house in this process: names, states, artifacts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow, Task, get_client
from prefect.blocks.system import Secret
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Running, Scheduled
from prefect.testing.utilities import prefect_test_harness

from commerce.errors import NotConfigured
from deployments.checking import ensure_webhooks
from flows.backfill_orders import backfill_orders
from flows.drain_inbox import drain_inbox
from flows.orders_to_accounting import orders_to_accounting
from flows.orders_to_app import orders_to_app
from flows.orders_to_marketing import orders_to_marketing
from flows.orders_to_shipping import orders_to_shipping
from flows.reconcile import reconcile
from flows.sync_inventory import sync_inventory
from flows.tracking_to_storefront import tracking_to_storefront
from flows.watch import watch
from integrations.simulator import Fault
from tasks import steps
from tasks.hub import installed
from tasks.running import LABEL, Process
from tasks.stack import load_stack
from tests.journeys.house import House
from tests.journeys.test_bad_days import take_in
from tests.small_house import order, with_route

pytestmark = pytest.mark.prefect


@pytest.fixture(scope="module", autouse=True)
def _prefect() -> Iterator[None]:
    """A Prefect server of our own, once."""
    with prefect_test_harness(server_startup_timeout=60):
        yield


@pytest.fixture(autouse=True)
def _at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Flows find this house, and tasks are tried again without waiting."""
    for task in vars(steps).values():
        if isinstance(task, Task):
            monkeypatch.setattr(task, "retry_delay_seconds", 0)
    with installed(house.hub):
        yield


@dataclass
class Ran:
    """How a run ended, and what it left behind."""

    state: State[Any]
    name: str
    tables: dict[str, list[dict[str, Any]]]
    progress: list[float]

    @property
    def ended(self) -> tuple[str, str]:
        """Name of the state, and its message."""
        return self.state.name or "", self.state.message or ""


def run(flow: Flow[Any, Any], **parameters: Any) -> Ran:
    """Run it as a worker would, and look at what Prefect has of it."""

    async def story() -> Ran:
        state = await flow(**parameters, return_state=True)
        key = state.state_details.flow_run_id
        async with get_client() as client:
            found = await client.read_flow_run(key)
            kept = await client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=of_run(key)))
        tables = {one.key or "": as_rows(one.data) for one in kept if one.type == "table"}
        return Ran(state, found.name, tables, [float(str(one.data)) for one in kept if one.type == "progress"])

    return asyncio.run(story())


def of_run(key: Any) -> ArtifactFilterFlowRunId:
    return ArtifactFilterFlowRunId(any_=[key])


def as_rows(data: Any) -> list[dict[str, Any]]:
    """A table as it was given."""
    import json

    found: list[dict[str, Any]] = json.loads(data)
    return found


def failing(house: House, vendor: str, times: int, **fault: Any) -> None:
    """The vendor's next answers are faults."""
    house.vendors[vendor].faults.append(Fault(times=times, **fault))


def test_orders_to_shipping_brings_an_order_and_says_so(house: House) -> None:
    order(house)
    ran = run(orders_to_shipping)
    assert ran.name == "orders-to-shipping: shop to warehouse"
    assert ran.ended == ("Completed", "1 recorded, 1 done, 1 read")
    [(key, rows)] = ran.tables.items()
    assert key == "orders-to-shipping-result"
    assert [(row["record"], row["outcome"]) for row in rows] == [("#1001", "done")]
    assert len(house.vendors["warehouse"].state()["shipments"]) == 1
    # and the ledger knows that the route is fresh
    [state] = house.hub.ledger.routes()
    assert (state.route, state.last_error, state.counts["done"]) == ("orders-to-shipping", "", 1)


def test_a_run_with_nothing_to_do_says_so(house: House) -> None:
    ran = run(orders_to_shipping)
    assert ran.ended == ("Completed", "nothing to do")
    assert list(ran.tables) == ["orders-to-shipping-result"]


def test_a_held_order_shows_in_the_name_of_the_state(house: House) -> None:
    order(house)
    order(house, shipping_address=None)
    ran = run(orders_to_shipping)
    assert ran.ended == ("Completed, 1 held", "2 recorded, 1 done, 1 held, 2 read")
    [held] = [row for row in ran.tables["orders-to-shipping-result"] if row["outcome"] == "held"]
    assert held["record"] == "#1002"
    assert held["why"]
    assert held["what to do"]


def test_orders_to_accounting_and_to_marketing(house: House) -> None:
    order(house)
    books, marketing = run(orders_to_accounting), run(orders_to_marketing)
    assert (books.name, books.state.name) == ("orders-to-accounting: shop to books", "Completed")
    assert (marketing.name, marketing.state.name) == ("orders-to-marketing: shop to marketing", "Completed")
    assert list(books.tables) == ["orders-to-accounting-result"]
    assert list(marketing.tables) == ["orders-to-marketing-result"]
    assert {row["outcome"] for row in books.tables["orders-to-accounting-result"]} == {"done"}


def test_orders_to_app_serves_any_route_that_carries_orders(house: House) -> None:
    order(house)
    ran = run(orders_to_app, route="orders-to-marketing")
    assert ran.name == "orders-to-marketing: shop to marketing"
    assert ran.ended == ("Completed", "1 recorded, 1 done, 1 read")
    assert house.vendors["marketing"].state()["events"]


def test_tracking_to_storefront(house: House) -> None:
    order(house)
    run(orders_to_shipping)
    house.vendors["warehouse"].act("buy_labels", {})
    ran = run(tracking_to_storefront)
    assert (ran.name, ran.state.name) == ("tracking-to-storefront: warehouse to shop", "Completed")
    assert house.vendors["shop"].state()["orders"][0]["fulfillment"] == "FULFILLED"


def test_sync_inventory_and_its_dry_run(house: House) -> None:
    house.vendors["inventory"].act("set_stock", {"sku": "HAT", "location": "Main", "in_stock": 4})
    dry = run(sync_inventory, dry_run=True)
    assert dry.name == "sync-inventory: inventory to shop"
    assert "1 would change" in dry.ended[1]
    assert house.vendors["shop"].act("levels", {})["HAT"]["Main"]["available"] == 10
    ran = run(sync_inventory)
    assert "1 done" in ran.ended[1]
    assert house.vendors["shop"].act("levels", {})["HAT"]["Main"]["available"] == 4


def test_a_feed_that_looks_wrong_fails_with_its_reason(house: House) -> None:
    house.vendors["inventory"].act("empty", {})
    ran = run(sync_inventory)
    assert ran.state.is_failed()
    assert "inventory sent no stock at all; nothing was changed" in ran.ended[1]
    [state] = house.hub.ledger.routes()
    assert state.last_error == "inventory sent no stock at all; nothing was changed"


def test_drain_inbox_brings_what_webhooks_point_at_to_everyone(house: House) -> None:
    ensure_webhooks(house.hub)
    order(house)
    while house.vendors["shop"].outbox:
        take_in(house, "shop", house.vendors["shop"].outbox.popleft())
    ran = run(drain_inbox)
    assert (ran.name, ran.state.name) == ("drain-inbox", "Completed")
    assert len(house.vendors["warehouse"].state()["shipments"]) == 1
    assert {row["outcome"] for row in ran.tables["drain-inbox-result"]} == {"done"}
    assert len(ran.tables["drain-inbox-result"]) == 3


def test_drain_inbox_brings_stock_that_a_webhook_points_at(house: House) -> None:
    # given a mug that broke, and the inventory app's word of it
    ensure_webhooks(house.hub)
    house.vendors["inventory"].act("set_stock", {"sku": "MUG-RED", "location": "Main", "in_stock": 4})
    take_in(house, "inventory", house.vendors["inventory"].outbox.popleft())
    # when
    ran = run(drain_inbox)
    # then it is offered no more, and the route counts as fresh
    assert ran.state.name == "Completed"
    assert house.vendors["shop"].act("levels", {})["MUG-RED"]["Main"]["available"] == 4
    assert {state.route: state.last_error for state in house.hub.ledger.routes()} == {
        "drain-inbox": "",
        "sync-inventory": "",
    }


def test_stock_that_looks_wrong_stops_nothing_else_that_webhooks_point_at(house: House) -> None:
    # given an order and a change of stock, announced both, and an inventory app that then sends nothing
    ensure_webhooks(house.hub)
    order(house)
    house.vendors["inventory"].act("set_stock", {"sku": "MUG-RED", "location": "Main", "in_stock": 4})
    for name in ("shop", "inventory"):
        while house.vendors[name].outbox:
            take_in(house, name, house.vendors[name].outbox.popleft())
    house.vendors["inventory"].act("empty", {})
    # when
    ran = run(drain_inbox)
    # then the order is brought on, the stock is left as it was, and both say so
    assert len(house.vendors["warehouse"].state()["shipments"]) == 1
    assert house.vendors["shop"].act("levels", {})["MUG-BLUE"]["Main"]["available"] == 10
    [row] = [row for row in ran.tables["drain-inbox-result"] if row["outcome"] == "stock not read"]
    assert row["why"] == "inventory sent no stock at all; nothing was changed"
    assert (
        "inventory sent no stock at all"
        in {one.route: one.last_error for one in house.hub.ledger.routes()}["sync-inventory"]
    )


def test_a_backfill_shows_its_plan_and_its_progress(house: House) -> None:
    for day in (1, 2, 3):
        order(house, created_at=f"2026-11-0{day}T10:00:00Z")
    days = {"since": date(2026, 11, 1), "until": date(2026, 11, 3)}
    # given a dry run that only shows the plan
    dry = run(backfill_orders, **days, destinations=["books"], dry_run=True)
    assert dry.name == "backfill shop 2026-11-01 to 2026-11-03 (dry run)"
    assert dry.ended == ("Completed", "3 planned")
    assert dry.tables["backfill-orders-plan"][0] == {"what": "orders", "how many": "3", "where": "shop"}
    assert (dry.progress, house.vendors["books"].do_calls()) == ([], {})
    # when it is meant
    ran = run(backfill_orders, **days, destinations=["books"])
    assert ran.name == "backfill shop 2026-11-01 to 2026-11-03"
    assert ran.state.name == "Completed"
    assert sorted(ran.tables) == ["backfill-orders-plan", "backfill-orders-result"]
    assert ran.progress == [100.0]
    assert [row["record"] for row in ran.tables["backfill-orders-result"]] == ["#1001", "#1002", "#1003"]
    # then again, nothing is left to do
    assert "done" not in run(backfill_orders, **days, destinations=["books"]).ended[1]


def test_a_comparison_leaves_two_tables_and_says_what_differs(house: House) -> None:
    # given an order that somebody deleted from the books
    order(house)
    house.settle_down()
    document = house.vendors["books"].state()["documents"][0]
    house.vendors["books"].act("delete_document", {"id": document["Id"]})
    house.clock.sleep(600)
    # when all is compared
    ran = run(reconcile, since_days=1, until_days=0)
    # then the run says so, with what is expected and found on both sides
    assert ran.name == "reconcile shop, 1 to 0 days ago"
    assert ran.state.name == "Completed, 1 differ"
    summary = {row["destination"]: row for row in ran.tables["reconcile-summary"]}
    assert (summary["books"]["expected amount"], summary["books"]["found amount"]) == ("30.00 USD", "")
    assert summary["warehouse"]["result"] == "everything is there"
    [row] = ran.tables["reconcile-differences"]
    assert (row["destination"], row["order"], row["verdict"]) == ("books", "#1001", "missing")
    # and it is red when a destination could not be asked
    house.hub.ledger.pause("books", "refused")
    assert run(reconcile, since_days=1, until_days=0).state.is_failed()


def test_a_backfill_to_nowhere_fails_with_the_name(house: House) -> None:
    ran = run(backfill_orders, since=date(2026, 11, 1), until=date(2026, 11, 3), destinations=["inventory"])
    assert ran.state.is_failed()
    assert "'inventory' takes no orders of shop; known: warehouse, books, marketing" in ran.ended[1]


def test_watch_looks_at_everything_and_at_schedules_that_did_not_run(house: House) -> None:
    # given webhooks in place, a paused connection, and a run that should have started half an hour ago
    assert run(watch).state.message.endswith("webhooks made")
    house.hub.ledger.pause("books", "revoked", "connect again")

    async def a_late_run() -> Any:
        async with get_client() as client:
            flow = await client.create_flow(sync_inventory)
            deployment = await client.create_deployment(flow_id=flow, name="sync-inventory", tags=["backroom"])
            due = datetime.now(UTC) - timedelta(minutes=30)
            await client.create_flow_run_from_deployment(deployment, state=Scheduled(scheduled_time=due))
            return deployment

    deployment = asyncio.run(a_late_run())
    # when the watch looks twice
    ran = run(watch)
    assert (ran.name, ran.ended) == ("watch", ("Completed", "2 new, 2 sent"))
    assert {row["record"] for row in ran.tables["watch-result"]} == {
        "books: paused until somebody sees to it",
        "sync-inventory did not run",
    }
    assert run(watch).ended[1] == "2 known"

    # then the schedule's message is over when its run is gone
    async def gone() -> None:
        async with get_client() as client:
            await client.delete_deployment(deployment)

    asyncio.run(gone())
    assert run(watch).ended[1] == "1 known, 1 over, 1 sent"


def test_whichever_flow_runs_next_ends_a_run_whose_process_was_killed(house: House) -> None:
    # given a run of watch, which nobody but watch would look for, killed together with its worker
    gone = Process.this().model_copy(update={"number": 2**22 + 1, "began": "1"})

    async def killed() -> FlowRun:
        async with get_client() as client:
            killed = await client.create_flow_run(watch, state=Running(), tags=["backroom"])
            await client.update_flow_run_labels(killed.id, {LABEL: str(gone)})
            return killed

    async def now(one: FlowRun) -> FlowRun:
        async with get_client() as client:
            return await client.read_flow_run(one.id)

    killed_run = asyncio.run(killed())
    # when another flow runs
    assert run(orders_to_shipping).ended == ("Completed", "nothing to do")
    # then it counts as crashed, so that the next watch can start
    assert asyncio.run(now(killed_run)).state_type == StateType.CRASHED


def test_a_task_is_tried_again_when_its_vendor_was_down(house: House) -> None:
    # given a shop that is down for as long as the client itself tries, and a little longer
    order(house)
    failing(house, "shop", 6, on="graphql")
    assert run(orders_to_shipping).ended == ("Completed", "1 recorded, 1 done, 1 read")


def test_a_vendor_that_stays_down_fails_the_run_with_the_reason(house: House) -> None:
    order(house)
    failing(house, "warehouse", 999, on="", status=429)
    ran = run(orders_to_shipping)
    assert ran.state.is_failed()
    assert "shipstation" in ran.ended[1]
    assert "429" in ran.ended[1]
    # the task was tried four times
    assert len(house.vendors["warehouse"].calls) >= 4
    # and the work is kept, and the route is not fresh
    [state] = house.hub.ledger.routes()
    assert state.last_ok is None
    assert "shipstation" in state.last_error
    assert house.on_their_way() >= 1


def test_a_vendor_that_says_when_to_come_back_is_not_asked_before_and_the_run_is_red(house: House) -> None:
    order(house)
    failing(house, "warehouse", 999, on="", status=429, headers={"retry-after": "300"})
    ran = run(orders_to_shipping)
    assert ran.state.is_failed()
    assert "429" in ran.ended[1]
    assert len(house.vendors["warehouse"].calls) == 1
    assert [state.last_ok for state in house.hub.ledger.routes()] == [None]
    assert house.on_their_way() >= 1


def test_an_error_that_will_not_pass_is_not_tried_again(house: House) -> None:
    failing(house, "shop", 1, on="graphql", status=404, body={"errors": "Not Found"})
    ran = run(orders_to_shipping)
    assert ran.state.is_failed()
    assert len([call for call in house.vendors["shop"].calls if call.status == 404]) == 1


def test_a_refused_credential_fails_the_run_and_keeps_the_work(house: House) -> None:
    order(house)
    failing(house, "warehouse", 1, on="", status=401)
    for _ in range(2):  # the second run does not even call, and is red as well
        ran = run(orders_to_shipping)
        assert ran.state.is_failed()
        assert ran.ended[1].startswith("paused, work is kept: shipstation: ")
        assert list(ran.tables) == ["orders-to-shipping-result"]
    assert len(house.vendors["warehouse"].calls) == 1
    assert [state.last_ok for state in house.hub.ledger.routes()] == [None]
    # and when it is fixed, it goes on
    house.hub.ledger.resume("warehouse")
    assert "1 done" in run(orders_to_shipping).ended[1]


def test_a_refused_credential_of_the_source_fails_the_run(house: House) -> None:
    failing(house, "shop", 99, on="graphql", status=403)
    ran = run(orders_to_shipping)
    assert ran.state.is_failed()
    assert "shopify" in ran.ended[1]
    assert [pause.connection for pause in house.hub.ledger.paused()] == ["shop"]


@pytest.mark.parametrize(
    ("flow", "route", "words"),
    [
        (orders_to_shipping, "orders-to-nowhere", "routes.orders-to-nowhere: not in stack.toml, which has orders-to-"),
        (orders_to_shipping, "sync-inventory", "routes.sync-inventory.carries: is 'stock', this flow brings orders"),
        (sync_inventory, "orders-to-shipping", "is 'orders', this flow brings stock"),
        (tracking_to_storefront, "orders-to-shipping", "is 'orders', this flow brings parcels"),
    ],
    ids=["unknown", "stock", "orders", "not parcels"],
)
def test_a_wrong_route_fails_with_its_name(flow: Flow[Any, Any], route: str, words: str) -> None:
    ran = run(flow, route=route)
    assert ran.state.is_failed()
    assert words in ran.ended[1]


def test_a_route_may_have_any_name(house: House) -> None:
    # given a route whose name Prefect would not take for an artifact
    name = "Orders_to East.Coast"
    route = house.hub.stack.route("orders-to-shipping").model_copy(update={"name": name})
    house.hub.stack = house.hub.stack.model_copy(update={"routes": {name: route}})
    with_route(house.hub, name, late_after_minutes=5)
    order(house)
    ran = run(orders_to_shipping, route=name)
    assert (ran.name, ran.state.name) == ("Orders_to East.Coast: shop to warehouse", "Completed")
    assert list(ran.tables) == ["orders-to-east-coast-result"]


def test_what_our_own_code_breaks_with_is_kept_without_values(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> None:
        raise KeyError("ada@example.com")

    monkeypatch.setattr(house.hub.client("shop"), "changed_orders", breaks)
    ran = run(orders_to_shipping)
    assert ran.state.is_failed()
    assert "KeyError at flows/test_flows.py:" in ran.ended[1]
    assert "ada@example.com" not in ran.ended[1]
    [state] = house.hub.ledger.routes()
    assert state.last_error.startswith("KeyError at flows/test_flows.py:")


def test_secrets_may_be_kept_in_prefects_secret_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a key that is nowhere but in a Secret block
    monkeypatch.delenv("BACKROOM_INVENTORY_API_KEY", raising=False)
    Secret(value="kept-in-a-block").save("backroom-inventory-api-key", overwrite=True, _sync=True)
    connection = '[connections.inventory]\nvendor = "katana"\n'
    file = tmp_path / "stack.toml"
    # when stack.toml says that blocks are to be looked in
    file.write_text("[hub]\nsecret_blocks = true\n" + connection)
    # then it is found there
    assert load_stack(file).connection("inventory").api_key.get_secret_value() == "kept-in-a-block"
    # and otherwise nobody asks Prefect
    file.write_text(connection)
    with pytest.raises(NotConfigured, match="BACKROOM_INVENTORY_API_KEY"):
        load_stack(file)
