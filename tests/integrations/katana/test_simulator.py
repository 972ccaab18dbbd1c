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
        ("POST", "/webhooks", {"json": {"url": "http://hub", "subscribed_events": ["product.created"]}}),
        ("POST", "/webhooks", {"json": {"url": "https://hub", "subscribed_events": ["stock.changed"]}}),
        ("POST", "/webhooks", {"json": {"url": 7, "subscribed_events": ["product.created"]}}),
        ("POST", "/webhooks", {"json": ["product.created"]}),
        ("GET", "/inventory", {"params": {"location_id": "Main"}}),
        ("GET", "/inventory", {"params": {"include_archived": "perhaps"}}),
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


def test_a_movement_of_the_past_changes_later_balances(account: KatanaSimulator, http: httpx.Client) -> None:
    # given a count of today
    account.do_set_stock("MUG-RED", "Main", "6")
    # when somebody books two mugs that broke last week
    account.do_backdate("MUG-RED", "Main", -2, "2026-11-01T09:00:00.000Z")
    # then the newest record is about the past, and today's balance is another
    newest, count = http.get("/inventory_movements", params={"variant_ids": "101"}).json()["data"]
    assert (newest["movement_date"], newest["balance_after"]) == ("2026-11-01T09:00:00.000Z", 5.0)
    assert (count["quantity_change"], count["balance_after"]) == (-1.0, 4.0)
    rows = http.get("/inventory", params={"variant_id": "101", "location_id": "1"}).json()["data"]
    assert [row["quantity_in_stock"] for row in rows] == ["4.00000"]


def test_movements_can_be_asked_for_by_time(account: KatanaSimulator, http: httpx.Client, clock: Time) -> None:
    account.do_set_stock("MUG-RED", "Main", "6")
    between = account.now()
    clock.now += 60
    account.do_set_stock("MUG-RED", "Main", "5")
    later = account.now()
    found = http.get("/inventory_movements", params={"created_at_min": later}).json()["data"]
    assert [row["balance_after"] for row in found] == [5.0]
    assert len(http.get("/inventory_movements", params={"created_at_max": between}).json()["data"]) == 1


def test_a_webhook_that_nobody_took_comes_again_three_times(account: KatanaSimulator, clock: Time) -> None:
    # given a receiver that is down
    account.hooks.add({"url": "https://hub.test/x", "subscribed_events": ["current_inventory.product_updated"]})
    account.do_set_stock("MUG-RED", "Main", "1")
    numbers = [account.outbox.popleft().headers.get("x-katana-retry-num")]
    for wait in (30, 120, 900):
        account.do_not_taken()
        clock.now += wait - 1
        assert account.do_retry_webhooks() == 0
        clock.now += 1
        assert account.do_retry_webhooks() == 1
        numbers.append(account.outbox.popleft().headers["x-katana-retry-num"])
    # then after the third the event is lost
    assert numbers == [None, "1", "2", "3"]
    account.do_not_taken()
    clock.now += 10_000
    assert account.do_retry_webhooks() == 0
    assert account.state()["webhooks_lost"] == 1


def test_deleted_and_archived_variants_come_when_asked_for(account: KatanaSimulator, http: httpx.Client) -> None:
    deleted = account.do_add_variant(sku="GONE")
    archived = account.do_add_variant(sku="OLD")
    account.do_delete_variant(deleted)
    account.do_archive(archived)
    ids = {row["id"] for row in http.get("/variants").json()["data"]}
    assert {deleted, archived} & ids == set()
    both = http.get("/variants", params={"include_deleted": "true", "include_archived": "true"}).json()["data"]
    assert {row["sku"]: row["deleted_at"] is not None for row in both if row["id"] in (deleted, archived)} == {
        "GONE": True,
        "OLD": False,
    }


def test_kits_are_marked_at_their_product(account: KatanaSimulator, http: httpx.Client) -> None:
    kit = account.do_add_variant(sku="SET", type="kit", parts={"MUG-RED": 2}, stock={"Main": level("0")})
    [product] = http.get("/products", params={"is_auto_assembly": "true"}).json()["data"]
    assert product["variants"][0]["id"] == kit
    assert [row["type"] for row in http.get("/variants", params={"ids": str(kit)}).json()["data"]] == ["product"]
    [row] = http.get("/inventory", params={"variant_id": str(kit)}).json()["data"]
    assert (row["quantity_in_stock"], row["quantity_potential"]) == ("0.00000", "2.00000")


def test_an_account_whose_plan_has_no_api(account: KatanaSimulator, http: httpx.Client) -> None:
    account.do_habits(api=False)
    assert (http.get("/factory").status_code, http.get("/factory").json()["name"]) == (403, "ForbiddenError")


@pytest.mark.parametrize("told", [True, False])
def test_a_sale_commits_and_is_told_as_an_order(account: KatanaSimulator, told: bool) -> None:
    account.do_habits(told_of_commitment=told)
    events = ["sales_order.created", "current_inventory.product_updated"]
    account.hooks.add({"url": "https://hub.test/x", "subscribed_events": events})
    account.do_sell("MUG-RED", "Main", 3)
    assert len(account.outbox) == 1 + told
    assert account.state()["stock"]["MUG-RED"]["Main"]["committed"] == "5.00000"
