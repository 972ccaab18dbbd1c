"""Our requests and the simulator's answers, judged by ShipStation's official OpenAPI file.

Every story of this folder that uses the `world` fixture is judged as it runs; here is what that judge is worth, and
whether all that we use came before it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from integrations.shipstation.refusals import ACCOUNT_CODES, ACCOUNT_TYPES, KEY_CODES
from integrations.shipstation.simulator import ShipStationSimulator
from integrations.shipstation.simulator.filters import KNOWN
from integrations.shipstation.simulator.hooks import EVENTS
from integrations.shipstation.simulator.rules import ORDER_SOURCES
from tests.builders import NOON, an_order, changed
from tests.integrations.shipstation.conftest import BASE_URL, FakeTime, World
from tests.integrations.shipstation.judged import Judge, judged
from tests.integrations.shipstation.spec import NEWER_EVENTS, endpoint, needs_spec, spec, wrong_with_body
from tests.integrations.shipstation.test_simulator import a_shipment

pytestmark = needs_spec


def test_a_day_of_orders_labels_and_webhooks_is_all_in_the_file() -> None:
    # given an account that is looked at, subscribed to and sent orders, some of them twice
    world = World()
    judge = Judge(world.sim)
    list(world.shipstation.check())
    world.shipstation.ensure_webhooks("https://hub.example/hooks/warehouse")
    world.shipstation.ensure_webhooks("https://hub.example/moved/warehouse")
    orders = [an_order(1000 + n) for n in range(25)]
    world.deliver(*orders)
    world.deliver(an_order(1100), in_doubt=True)
    # when orders are edited and cancelled, labels bought, voided and returned, and one marked as shipped
    world.deliver(changed(orders[0], note="Leave with the porter"))
    world.deliver(changed(orders[1], cancelled_at=NOON))
    labels = world.sim.do_buy_labels(limit=3, packages=2)
    world.sim.do_return_label(world.shipments[2]["shipment_id"])
    world.sim.do_void_label(labels[0])
    world.sim.do_mark_shipped(world.shipments[10]["shipment_id"], "383146600003")
    world.parcels()
    world.deliver(changed(orders[2], cancelled_at=NOON))
    # and all is compared
    assert list(world.shipstation.audit("shop", NOON - timedelta(days=1), NOON + timedelta(days=1), orders))
    # then the file has nothing to complain about, and every call that the hub can make was made
    assert judge.wrong == []
    assert {call for call, _ in judge.seen} == {
        "GET /v2/carriers",
        "GET /v2/environment/webhooks",
        "GET /v2/fulfillments",
        "GET /v2/labels",
        "GET /v2/shipments",
        "GET /v2/shipments/ID",
        "GET /v2/shipments/external_shipment_id/ID",
        "GET /v2/warehouses",
        "POST /v2/environment/webhooks",
        "POST /v2/shipments",
        "PUT /v2/environment/webhooks/ID",
        "PUT /v2/shipments/ID",
        "PUT /v2/shipments/ID/cancel",
    }


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a misspelt field": lambda entry: entry.update(extrenal_shipment_id="shop:1"),
    "a negative price": lambda entry: entry["items"][0].update(unit_price=-1),
    "text for a number": lambda entry: entry["items"][0].update(quantity="2"),
    "a long key": lambda entry: entry.update(external_shipment_id="x" * 51),
    "an unknown status": lambda entry: entry.update(shipment_status="on_hold"),
    "no phone": lambda entry: entry["ship_to"].update(phone=None),
    "an empty second line": lambda entry: entry["ship_to"].update(address_line2=""),
    "a plural unit": lambda entry: entry["items"][0].update(weight={"value": 2, "unit": "ounces"}),
    "money as text": lambda entry: entry.update(amount_paid={"currency": "usd", "amount": "1.00"}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_file_would_find(change: Callable[[dict[str, Any]], object]) -> None:
    item = {"name": "Mug", "quantity": 2, "unit_price": 25.0}
    entry = a_shipment("shop:1", items=[item])
    entry["ship_to"] = dict(entry["ship_to"])
    assert wrong_with_body("POST", "/v2/shipments", {"shipments": [entry]}) == []
    change(entry)
    assert wrong_with_body("POST", "/v2/shipments", {"shipments": [entry]})


def test_what_the_file_refuses_the_simulator_refuses_too() -> None:
    sim = ShipStationSimulator(base_url=BASE_URL, clock=FakeTime().clock)
    sim.do_warehouses(["East"])
    api = httpx.Client(base_url=BASE_URL, transport=sim.transport(), headers={"API-Key": sim.api_key}, trust_env=False)
    for name, change in CHANGES.items():
        entry = a_shipment("shop:1", items=[{"name": "Mug", "quantity": 2, "unit_price": 25.0}])
        entry["ship_to"] = dict(entry["ship_to"])
        change(entry)
        told = api.post("/v2/shipments", json={"shipments": [entry]}).json()
        # It takes fields that the file does not name, and cuts what is too long: both are documented.
        assert told["has_errors"] is (name not in ("a misspelt field", "a long key")), name
        sim.shipments.by_id.clear()
        sim.shipments._ids_by_key.clear()


def test_everything_else_that_the_simulator_answers_is_in_the_file() -> None:
    world = World()
    world.deliver(an_order())
    judge = Judge(world.sim)
    with httpx.Client(
        base_url=BASE_URL, transport=world.sim.transport(), headers={"API-Key": world.sim.api_key}, trust_env=False
    ) as api:
        shipment = world.shipments[0]["shipment_id"]
        assert api.post(f"/v2/shipments/{shipment}/tags/gift").status_code == 200
        assert world.shipments[0]["tags"] == [{"name": "gift"}]
        assert api.delete(f"/v2/shipments/{shipment}/tags/gift").status_code == 204
        (label,) = world.sim.do_buy_labels()
        assert api.get(f"/v2/labels/{label}").status_code == 200
        assert api.put(f"/v2/labels/{label}/void").status_code == 200
        assert api.get("/v2/shipments/se-1").status_code == 404
        assert api.get(f"/v2/warehouses/{next(iter(world.sim.warehouses))}").status_code == 200
        (hook, _) = world.sim.do_subscribe("https://hub.example/hooks/warehouse")
        assert api.get(f"/v2/environment/webhooks/{hook}").status_code == 200
        assert api.delete(f"/v2/environment/webhooks/{hook}").status_code == 204
        assert api.post("/v2/shipments", content=b"{").status_code == 400
        assert api.get("/v2/labels", headers={"API-Key": "x"}).status_code == 401
        world.sim.plan = False
        assert api.get("/v2/labels").status_code == 403
    assert judge.wrong == []


def test_lists_of_words_are_those_of_the_file() -> None:
    schemas = spec()["components"]["schemas"]
    assert set(EVENTS) == set(schemas["webhook_event"]["enum"])
    assert set(EVENTS) >= set(NEWER_EVENTS)
    assert set(ORDER_SOURCES) == set(schemas["order_source_name"]["enum"])
    assert set(schemas["error_code"]["enum"]) >= {*ACCOUNT_CODES, *KEY_CODES}
    assert set(schemas["error_type"]["enum"]) >= ACCOUNT_TYPES


def test_the_simulators_filters_are_those_of_the_file_and_of_the_pages() -> None:
    newer = {"shipments": {"import_batch_id"}, "labels": set()}
    for name, filters in KNOWN.items():
        if name in newer:
            said = {each["name"] for each in endpoint("GET", f"/v2/{name}")["parameters"]}
            times = {f"{prefix}_{end}" for prefix in filters.times for end in ("start", "end")}
            assert {*filters.exact, *filters.renamed, *times, *filters.others} <= said | newer[name]


def test_a_path_that_the_file_does_not_have_is_found() -> None:
    request = httpx.Request("POST", f"{BASE_URL}/v2/orders")
    assert judged("POST", "/v2/orders", request, httpx.Response(200, json={})) == ["no such call"]
