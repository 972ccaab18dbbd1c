"""The simulator refuses what Katana refuses."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from integrations.katana.simulator import KatanaSimulator
from tests.integrations.katana.conftest import BASE, Time, level


@pytest.fixture
def http(account: KatanaSimulator) -> httpx.Client:
    headers = {"authorization": "Bearer sim-key"}
    return httpx.Client(base_url=BASE, transport=account.transport(), headers=headers)


def test_pages_are_told_as_text_in_a_header(http: httpx.Client) -> None:
    answer = http.get("/inventory", params={"limit": 2, "page": 2, "extend": "variant"})
    assert answer.headers["x-pagination"] == (
        '{"total_records": "5", "total_pages": "3", "offset": "2", "page": "2", '
        '"first_page": "false", "last_page": "false"}'
    )
    # oldest location first, quantities as text
    rows = answer.json()["data"]
    assert [(row["variant"]["sku"], row["location_id"], row["quantity_in_stock"]) for row in rows] == [
        ("CLAY", 1, "12.50000"),
        ("MUG-RED", 2, "3.00000"),
    ]


def test_the_variant_comes_only_when_asked_for(http: httpx.Client) -> None:
    assert "variant" not in http.get("/inventory").json()["data"][0]


def test_sixty_calls_a_minute(account: KatanaSimulator, http: httpx.Client, clock: Time) -> None:
    codes = [http.get("/factory").status_code for _ in range(61)]
    assert codes == [200] * 60 + [429]
    refused = http.get("/factory")
    assert refused.json()["name"] == "TooManyRequests"
    assert int(refused.headers["retry-after"]) == 61
    assert refused.headers["x-ratelimit-remaining"] == "0"
    clock.now += 60
    assert http.get("/factory").status_code == 200


def test_a_wrong_key_is_401(account: KatanaSimulator) -> None:
    answer = httpx.Client(base_url=BASE, transport=account.transport()).get("/locations")
    assert (answer.status_code, answer.json()) == (
        401,
        {"statusCode": 401, "name": "UnauthorizedError", "message": "Unauthorized"},
    )


@pytest.mark.parametrize(
    ("method", "path", "arguments"),
    [
        ("GET", "/inventory", {"params": {"limit": "251"}}),
        ("GET", "/inventory", {"params": {"page": "first"}}),
        ("POST", "/webhooks", {"json": {"url": "https://hub", "subscribed_events": [], "secret": "x"}}),
        ("POST", "/webhooks", {"json": {"url": "https://hub"}}),
    ],
)
def test_what_is_not_listed_is_422_with_details(
    http: httpx.Client, method: str, path: str, arguments: dict[str, Any]
) -> None:
    answer = http.request(method, path, **arguments)
    assert answer.status_code == 422
    assert answer.json()["code"] == "VALIDATION_FAILED"
    assert answer.json()["details"]


def test_a_webhook_lives_and_dies(account: KatanaSimulator, http: httpx.Client) -> None:
    # given a subscription
    body = {"url": "https://hub.test/x", "subscribed_events": ["current_inventory.product_updated"]}
    made = http.post("/webhooks", json=body).json()
    assert len(made["token"]) == 16
    # when stock changes, something goes out; switched off or deleted, nothing does
    account.do_set_stock("MUG-RED", "Main", "1")
    http.patch(f"/webhooks/{made['id']}", json={"enabled": False})
    account.do_set_stock("MUG-RED", "Main", "2")
    assert len(account.outbox) == 1
    assert http.delete(f"/webhooks/{made['id']}").status_code == 204
    assert http.get(f"/webhooks/{made['id']}").status_code == 404


def test_a_change_of_committed_alone_makes_no_movement(account: KatanaSimulator, http: httpx.Client) -> None:
    account.do_set_stock("MUG-RED", "Main", "7", committed="5")
    assert http.get("/inventory_movements").json()["data"] == []
    account.do_set_stock("MUG-RED", "Main", "6")
    moved = http.get("/inventory_movements").json()["data"][0]
    assert (moved["quantity_change"], moved["balance_after"]) == (-1.0, 6.0)


def test_its_state_is_the_truth_by_sku_and_location(account: KatanaSimulator) -> None:
    account.do_add_variant(sku="", stock={"Main": level("1")})
    state = account.state()
    assert state["stock"]["MUG-RED"] == {
        "Main": {"in_stock": "7.00000", "committed": "2.00000"},
        "East": {"in_stock": "3.00000", "committed": "0.00000"},
    }
    assert state["locations"] == {"Main": 1, "East": 2, "Workshop": 3}
    assert state["types"]["CLAY"] == "material"
    assert state["unclear"] == [""]
