"""The simulator refuses what ShipStation refuses, in its words and shapes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from integrations.shipstation.simulator import ShipStationSimulator
from tests.integrations.shipstation.conftest import BASE_URL, EAST, FakeTime

ADDRESS = {
    "name": "Ada Example",
    "phone": "+1 555 0100",
    "address_line1": "1 Sample St",
    "city_locality": "Austin",
    "state_province": "TX",
    "postal_code": "78701",
    "country_code": "US",
    "address_residential_indicator": "unknown",
}


def a_shipment(key: str | None = "shop:1", **fields: Any) -> dict[str, Any]:
    """What the vendor accepts."""
    return {"external_shipment_id": key, "warehouse_id": EAST, "ship_to": ADDRESS, "items": [], **fields}


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def sim(time: FakeTime) -> ShipStationSimulator:
    made = ShipStationSimulator(base_url=BASE_URL, clock=time.clock)
    made.do_warehouses(["East"])
    return made


@pytest.fixture
def api(sim: ShipStationSimulator) -> httpx.Client:
    return httpx.Client(base_url=BASE_URL, transport=sim.transport(), headers={"API-Key": sim.api_key}, trust_env=False)


def create(api: httpx.Client, *shipments: dict[str, Any]) -> dict[str, Any]:
    answer = api.post("/v2/shipments", json={"shipments": list(shipments)})
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def words(answer: httpx.Response) -> tuple[int, str]:
    """Status and the first error's code."""
    return answer.status_code, answer.json()["errors"][0]["error_code"]


def test_entries_fail_one_by_one(api: httpx.Client) -> None:
    bad = a_shipment("shop:2", ship_to={**ADDRESS, "phone": None}, amount_paid={"currency": "usd", "amount": -1})
    body = create(api, a_shipment("shop:1"), bad, a_shipment("shop:1"))
    assert body["has_errors"] is True
    assert [entry["errors"] for entry in body["shipments"]] == [
        [],
        ["ship_to.phone is required.", "amount_paid.amount: Parameter value '-1' is out of range."],
        ["A shipment with external_shipment_id 'shop:1' already exists."],
    ]


def test_long_keys_are_cut_and_then_collide(api: httpx.Client) -> None:
    body = create(api, a_shipment("shop:" + "1" * 50), a_shipment("shop:" + "1" * 60))
    assert body["shipments"][0]["external_shipment_id"] == "shop:" + "1" * 45
    assert "already exists" in body["shipments"][1]["errors"][0]


def test_numbers_are_unique_on_create_but_not_on_splits(api: httpx.Client, sim: ShipStationSimulator) -> None:
    item = {"external_order_item_id": "a", "name": "Mug", "quantity": 3}
    money = {"currency": "USD", "amount": 30}
    first = create(api, a_shipment("shop:1", shipment_number="7", items=[item], amount_paid=money))["shipments"][0]
    assert "shipment_number '7'" in create(api, a_shipment("shop:2", shipment_number="7"))["shipments"][0]["errors"][0]
    sim.do_split(first["shipment_id"], {"a": 1})
    halves = api.get("/v2/shipments", params={"shipment_number": "7", "sort_dir": "asc"}).json()["shipments"]
    assert [(half["items"][0]["quantity"], half["amount_paid"]["amount"]) for half in halves] == [(2, 30.0), (1, 0.0)]
    assert halves[1]["external_shipment_id"] is None


def test_only_pending_shipments_can_be_put_or_cancelled(api: httpx.Client, sim: ShipStationSimulator) -> None:
    made = create(api, a_shipment())["shipments"][0]
    path = f"/v2/shipments/{made['shipment_id']}"
    whole = api.get(path).json()
    assert api.put(path, json={**whole, "notes_from_buyer": "Hi"}).json()["notes_from_buyer"] == "Hi"
    assert words(api.put(path, json={**whole, "external_shipment_id": "other"})) == (400, "invalid_field_value")
    (label,) = sim.do_buy_labels()
    assert words(api.put(path, json=whole)) == (400, "invalid_status")
    assert words(api.put(f"{path}/cancel")) == (400, "invalid_status")
    assert api.put(f"/v2/labels/{label}/void").json()["approved"] is True
    cancelled = api.put(f"{path}/cancel")
    assert (cancelled.status_code, cancelled.content) == (204, b"")


def test_pages_end_with_empty_objects(api: httpx.Client) -> None:
    create(api, *(a_shipment(f"shop:{n}") for n in range(30)))
    first, last = (api.get("/v2/shipments", params={"page": page}).json() for page in (1, 2))
    assert (len(first["shipments"]), first["total"], first["pages"]) == (25, 30, 2)
    assert (first["links"]["prev"], last["links"]["next"]) == ({}, {})
    assert api.get(first["links"]["next"]["href"]).json()["shipments"] == last["shipments"]
    assert api.get("/v2/shipments", params={"page": 9}).json()["shipments"] == []
    assert api.get("/v2/labels").json()["pages"] == 0


def test_two_hundred_calls_a_minute(api: httpx.Client, time: FakeTime) -> None:
    assert {api.get("/v2/labels").status_code for _ in range(200)} == {200}
    time.now += 20
    refused = api.get("/v2/labels")
    assert (*words(refused), refused.headers["retry-after"]) == (429, "rate_limit_exceeded", "40")
    time.now += 40
    assert api.get("/v2/labels").status_code == 200


def test_a_missing_path_is_not_a_missing_object(api: httpx.Client) -> None:
    assert "errors" not in api.get("/v2/orders").json()
    assert words(api.get("/v2/shipments/se-1")) == (404, "invalid_identifier")
    assert words(api.get("/v2/shipments/external_shipment_id/shop%3A9")) == (404, "invalid_identifier")


def test_malformed_bodies_and_bad_keys(api: httpx.Client) -> None:
    assert words(api.post("/v2/shipments", content=b"{")) == (400, "request_body_required")
    assert words(api.post("/v2/shipments", json={"shipments": []})) == (400, "invalid_field_value")
    assert words(api.get("/v2/labels", headers={"API-Key": "x"})) == (401, "unauthorized")


def test_fulfillments_are_made_one_by_one(api: httpx.Client) -> None:
    made = create(api, a_shipment())["shipments"][0]["shipment_id"]
    entry = {"shipment_id": made, "tracking_number": "1Z1", "carrier_code": "ups"}
    body = api.post("/v2/fulfillments", json={"fulfillments": [entry, entry, {"shipment_id": made}]}).json()
    assert [each["error_message"] for each in body["fulfillments"]] == [
        None,
        f"Shipment {made} is already fulfilled.",
        "tracking_number is required.",
    ]
    assert "carrier_code" not in api.get("/v2/fulfillments").json()["fulfillments"][0]


def test_webhooks_are_a_bare_list_and_want_a_name(api: httpx.Client) -> None:
    hook = {"event": "label_created_v2", "url": "https://hub.example"}
    assert words(api.post("/v2/environment/webhooks", json=hook)) == (400, "field_value_required")
    made = api.post("/v2/environment/webhooks", json={**hook, "name": "hub"}).json()
    assert api.get("/v2/environment/webhooks").json() == [made]
    assert api.delete(f"/v2/environment/webhooks/{made['webhook_id']}").status_code == 204
    assert api.get("/v2/environment/webhooks").json() == []
