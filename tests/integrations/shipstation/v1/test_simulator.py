"""The V1 simulator refuses what V1 refuses, in its words and shapes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from integrations.shipstation.simulator.v1 import ShipStationV1Simulator
from tests.integrations.shipstation.conftest import FakeTime
from tests.integrations.shipstation.v1.world import BASE_URL


def an_order(number: str = "1001", **fields: Any) -> dict[str, Any]:
    """What V1 accepts."""
    return {
        "orderNumber": number,
        "orderKey": f"shop:{number}",
        "orderDate": "2026-11-20 02:00:00",
        "orderStatus": "awaiting_shipment",
        "billTo": {"name": "Ada Example"},
        "shipTo": {"name": "Ada Example", "street1": "1 Sample St", "city": "Austin", "country": "US"},
        **fields,
    }


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def sim(time: FakeTime) -> ShipStationV1Simulator:
    made = ShipStationV1Simulator(base_url=BASE_URL, clock=time.clock)
    made.do_warehouses(["East"])
    return made


@pytest.fixture
def api(sim: ShipStationV1Simulator) -> httpx.Client:
    auth = httpx.BasicAuth(sim.api_key, sim.api_secret)
    return httpx.Client(base_url=BASE_URL, auth=auth, transport=sim.transport(), trust_env=False)


def made(api: httpx.Client, **fields: Any) -> dict[str, Any]:
    """The order as V1 answers it."""
    answer = api.post("/orders/createorder", json=an_order(**fields))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_an_upsert_by_key_makes_then_replaces(api: httpx.Client) -> None:
    first = made(api, internalNotes="fragile", advancedOptions={"warehouseId": 524001})
    again = made(api, customerNotes="ring twice")
    assert first["orderId"] == again["orderId"]
    # what is not sent is cleared, but for what cannot be changed
    assert (again["internalNotes"], again["customerNotes"]) == (None, "ring twice")
    assert again["advancedOptions"]["warehouseId"] is None
    assert again["advancedOptions"]["storeId"] == 12345
    # without a key there is a new order every time
    assert made(api, orderKey=None)["orderId"] != made(api, orderKey=None)["orderId"]


def test_an_order_as_it_is_answered(api: httpx.Client) -> None:
    item = {"lineItemKey": "li-1", "name": "Mug", "quantity": 2, "unitPrice": 25.0}
    off = {"lineItemKey": "d", "name": "Discount", "quantity": 1, "unitPrice": -5.0, "adjustment": True}
    order = made(api, items=[item, off], taxAmount=4.08, shippingAmount=6.0, customerUsername="ada@example.test")
    assert order["orderTotal"] == 55.08
    assert order["orderDate"] == "2026-11-20T02:00:00.0000000"
    assert order["createDate"] == "2026-11-20T05:00:00.0000000"
    assert order["items"][0]["orderItemId"]
    assert order["customerId"]
    assert order["shipTo"]["addressVerified"] == "Address not yet validated"


def state_of(answer: httpx.Response) -> dict[str, list[str]]:
    assert answer.status_code == 400
    body = answer.json()
    assert body["Message"] == "The request is invalid."
    state: dict[str, list[str]] = body["ModelState"]
    return state


def test_required_fields_are_named_in_the_model_state(api: httpx.Client) -> None:
    state = state_of(api.post("/orders/createorder", json={}))
    assert state == {
        f"apiOrder.{name}": [f"The {name} field is required."]
        for name in ("orderNumber", "orderDate", "orderStatus", "billTo", "shipTo")
    }


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("createorder", [an_order()], "apiOrder"),
        ("createorders", an_order(), "apiOrders"),
        ("createorders", [an_order(), 3], "apiOrders[1]"),
        ("createorders", [an_order(), an_order("2", orderStatus="ready")], "apiOrders[1].orderStatus"),
        ("createorders", [an_order(str(n)) for n in range(101)], "apiOrders"),
        ("createorder", an_order(items=[{"quantity": "2", "name": "Mug"}]), "apiOrder.items[0].quantity"),
        ("createorder", an_order(amountPaid="55.08"), "apiOrder.amountPaid"),
        ("createorder", an_order(orderDate="soon"), "apiOrder.orderDate"),
        ("createorder", an_order(advancedOptions={"warehouseId": "524001"}), "apiOrder.advancedOptions.warehouseId"),
    ],
)
def test_what_cannot_be_read_spoils_the_whole_request(api: httpx.Client, path: str, body: Any, field: str) -> None:
    assert field in state_of(api.post(f"/orders/{path}", json=body))
    assert api.get("/orders").json()["total"] == 0


RULES: dict[str, dict[str, Any]] = {
    "a number too long": {"orderNumber": "1" * 51},
    "another account's warehouse": {"advancedOptions": {"warehouseId": 1}},
    "another account's store": {"advancedOptions": {"storeId": 1}},
    "no ISO country": {"shipTo": {"name": "Ada", "country": "USA"}},
    "kilograms": {"weight": {"value": 1, "units": "kilograms"}},
    "inch": {"dimensions": {"units": "inch", "length": 1, "width": 1, "height": 1}},
    "a negative price": {"items": [{"name": "Mug", "quantity": 1, "unitPrice": -1.0}]},
    "a negative payment": {"amountPaid": -1.0},
    "V2's confirmation": {"confirmation": "verbal_confirmation"},
    "unknown contents": {"internationalOptions": {"contents": "mugs"}},
}


@pytest.mark.parametrize("fields", RULES.values(), ids=RULES.keys())
def test_what_breaks_a_rule_fails_alone_in_a_batch(api: httpx.Client, fields: dict[str, Any]) -> None:
    answer = api.post("/orders/createorders", json=[an_order("1"), an_order(**{"number": "2", **fields})])
    assert answer.status_code == 200
    body = answer.json()
    assert body["hasErrors"] is True
    assert [entry["success"] for entry in body["results"]] == [True, False]
    assert body["results"][1]["orderId"] is None
    assert body["results"][1]["errorMessage"]
    assert body["results"][0] == {
        "orderId": 58345234,
        "orderNumber": "1",
        "orderKey": "shop:1",
        "success": True,
        "errorMessage": None,
    }


def test_what_is_shipped_or_cancelled_is_changed_no_more(api: httpx.Client, sim: ShipStationV1Simulator) -> None:
    order = made(api)
    sim.do_buy_labels()
    answer = api.post("/orders/createorder", json=an_order(customerNotes="x"))
    assert answer.status_code == 400
    assert "is shipped and cannot be updated" in answer.json()["ExceptionMessage"]
    assert api.post("/orders/createorder", json=an_order(orderStatus="cancelled")).status_code == 400
    assert api.post("/orders/holduntil", json={"orderId": order["orderId"], "holdUntilDate": "2026-12-01"}).is_error


def test_a_split_order_is_updated_by_its_id_only(api: httpx.Client, sim: ShipStationV1Simulator) -> None:
    order = made(api, items=[{"lineItemKey": "a", "name": "Mug", "quantity": 2}])
    half = sim.do_split(order["orderId"], {"a": 1})
    assert "orderId is required" in api.post("/orders/createorder", json=an_order()).json()["ExceptionMessage"]
    assert api.post("/orders/createorder", json=an_order(orderId=half)).json()["orderId"] == half
    assert api.get(f"/orders/{half}").json()["advancedOptions"]["parentId"] == order["orderId"]


def test_a_hold_ends_by_itself(api: httpx.Client, sim: ShipStationV1Simulator, time: FakeTime) -> None:
    order = made(api)
    said = api.post("/orders/holduntil", json={"orderId": order["orderId"], "holdUntilDate": "2026-11-22"}).json()
    assert said["success"] is True
    assert api.get(f"/orders/{order['orderId']}").json()["holdUntilDate"] == "2026-11-22T00:00:00.0000000"
    assert sim.do_buy_labels() == []
    time.now += 3 * 86400
    assert api.get(f"/orders/{order['orderId']}").json()["orderStatus"] == "awaiting_shipment"


def test_a_deleted_order_is_not_shown(api: httpx.Client) -> None:
    order = made(api)
    assert api.delete(f"/orders/{order['orderId']}").json()["success"] is True
    assert api.get(f"/orders/{order['orderId']}").status_code == 404
    assert api.get("/orders").json() == {"orders": [], "total": 0, "page": 1, "pages": 0}


def test_forty_calls_a_minute_for_each_key(api: httpx.Client, time: FakeTime) -> None:
    answers = [api.get("/stores") for _ in range(41)]
    assert [answer.status_code for answer in answers] == [200] * 40 + [429]
    assert answers[40].json() == {"message": "Too Many Requests"}
    assert answers[40].headers["X-Rate-Limit-Reset"] == "60"
    assert "Retry-After" not in answers[40].headers
    assert [answers[at].headers["X-Rate-Limit-Remaining"] for at in (0, 39)] == ["39", "0"]
    time.now += 60
    assert api.get("/stores").headers["X-Rate-Limit-Remaining"] == "39"


@pytest.mark.parametrize("auth", [None, ("sim-shipstation-key", "wrong"), ("wrong", "sim-shipstation-secret")])
def test_key_and_secret_are_both_needed(sim: ShipStationV1Simulator, auth: Any) -> None:
    api = httpx.Client(base_url=BASE_URL, auth=auth, transport=sim.transport(), trust_env=False)
    answer = api.get("/orders")
    assert (answer.status_code, answer.headers["content-type"][:10]) == (401, "text/plain")
    assert "X-Rate-Limit-Limit" in answer.headers


def test_numbers_are_searched_by_their_beginning_and_keys_not_at_all(api: httpx.Client) -> None:
    for number in ("100", "1001", "21001"):
        made(api, number=number)
    found = api.get("/orders", params={"orderNumber": "100"}).json()
    assert [order["orderNumber"] for order in found["orders"]] == ["100", "1001"]
    assert api.get("/orders", params={"orderKey": "shop:100"}).json()["total"] == 3


def test_pages(api: httpx.Client) -> None:
    api.post("/orders/createorders", json=[an_order(str(1000 + n)) for n in range(100)])
    api.post("/orders/createorders", json=[an_order(str(2000 + n)) for n in range(50)])
    body = api.get("/orders").json()
    assert (len(body["orders"]), body["total"], body["page"], body["pages"]) == (100, 150, 1, 2)
    assert len(api.get("/orders", params={"page": 2}).json()["orders"]) == 50
    assert api.get("/orders", params={"page": 3}).json()["orders"] == []
    assert len(api.get("/orders", params={"pageSize": 500}).json()["orders"]) == 150
    assert "pageSize" in state_of(api.get("/orders", params={"pageSize": 501}))
    assert "sortBy" in state_of(api.get("/orders", params={"sortBy": "modifyDate"}))


def test_marked_as_shipped_is_in_fulfillments_only(api: httpx.Client, sim: ShipStationV1Simulator) -> None:
    order = made(api, items=[{"lineItemKey": "a", "name": "Mug", "quantity": 2}])
    marked = {"orderId": order["orderId"], "carrierCode": "fedex", "trackingNumber": "1Z1"}
    assert api.post("/orders/markasshipped", json=marked).json() == {"orderId": order["orderId"], "orderNumber": "1001"}
    assert api.get("/shipments").json()["shipments"] == []
    (mark,) = api.get("/fulfillments").json()["fulfillments"]
    assert "orderKey" not in mark
    assert api.post("/orders/markshipped", json=marked).status_code == 404
    # a label is in shipments only, its items only when they are asked for
    made(api, number="1002", items=[{"lineItemKey": "a", "name": "Mug", "quantity": 2}])
    sim.do_buy_labels()
    (label,) = api.get("/shipments").json()["shipments"]
    assert (label["shipDate"], label["shipmentItems"], label["orderKey"]) == ("2026-11-20", None, "shop:1002")
    (label,) = api.get("/shipments", params={"includeShipmentItems": "true"}).json()["shipments"]
    assert label["shipmentItems"][0]["lineItemKey"] == "a"
    assert len(api.get("/fulfillments").json()["fulfillments"]) == 1


def test_an_address_that_does_not_exist_and_a_verb_that_is_not_taken(api: httpx.Client) -> None:
    answer = api.get("/v2/shipments")
    assert (answer.status_code, "No HTTP resource was found" in answer.json()["Message"]) == (404, True)
    assert api.put("/orders/1", json={}).status_code == 405


def test_webhooks_are_subscribed_listed_and_deleted(api: httpx.Client, sim: ShipStationV1Simulator) -> None:
    body = {"target_url": "https://hub.example/x", "event": "SHIP_NOTIFY", "store_id": None, "friendly_name": "hub"}
    hook = api.post("/webhooks/subscribe", json=body).json()["id"]
    (listed,) = api.get("/webhooks").json()["webhooks"]
    assert (listed["WebHookID"], listed["HookType"], listed["Url"]) == (hook, "SHIP_NOTIFY", "https://hub.example/x")
    assert api.post("/webhooks/subscribe", json={**body, "event": "label_created_v2"}).status_code == 400
    made(api)
    sim.do_buy_labels()
    assert [str(request.url) for request in sim.outbox] == ["https://hub.example/x"]
    assert api.delete(f"/webhooks/{hook}").is_success
    assert api.get("/webhooks").json() == {"webhooks": []}


def test_webhooks_may_point_at_a_numbered_host(time: FakeTime) -> None:
    sim = ShipStationV1Simulator(base_url=BASE_URL, clock=time.clock, shard="https://ssapi6.shipstation.com")
    sim.do_subscribe("https://hub.example/x")
    sim.do_type_in(an_order())
    sim.do_buy_labels()
    assert b"https://ssapi6.shipstation.com/shipments?batchId=" in sim.outbox[0].content
