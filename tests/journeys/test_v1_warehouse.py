"""A small house whose warehouse is reached over ShipStation's API V1, judged from the vendors' own state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from starlette.testclient import TestClient

from deployments import demo_stack
from deployments.checking import ensure_webhooks, findings
from deployments.receiver import receiver_app
from deployments.shop import ShopPlan, a_shop
from deployments.simulators import build
from integrations.simulator import Fault
from ledger import Ledger
from tasks.hub import Hub, subscribe_routes
from tasks.inbox import read_hinted
from tasks.stack import read_stack
from tests.builders import NOON
from tests.journeys.conftest import NOW
from tests.journeys.house import BASE, Clock, House, _toml, fill
from tests.journeys.test_a_day import a_day
from tests.journeys.test_bad_days import A_WRITE
from tests.small_house import ADDRESS, SMALL_SHOP, order

SECRETS = {**demo_stack.SECRETS, "BACKROOM_WAREHOUSE_API_SECRET": "sim-shipstation-secret"}


def a_v1_house(home: Path, plan: ShopPlan = SMALL_SHOP, *, limits: bool = False, pace: bool = False) -> House:
    """A hub as `a_house` opens it, but for the warehouse's API."""
    clock = Clock(NOON if plan is SMALL_SHOP else NOW)
    vendors = build(BASE, limits=limits, clock=clock)
    vendors["warehouse"] = vendors.pop("warehouse-v1")
    fill(vendors, plan, home)
    clock.sleep(60)
    raw = _toml(home)
    warehouse: dict[str, Any] = raw["connections"]["warehouse"]
    del warehouse["jwks_url"]
    warehouse |= {"api": "v1", "base_url": f"{BASE}/warehouse-v1", "pace": pace}
    stack = read_stack(raw, SECRETS.get)
    ledger = Ledger(f"sqlite:///{home / 'ledger.db'}", token_keys=[Fernet.generate_key().decode()], clock=clock)
    ledger.migrate()
    transports = {name: vendor.transport() for name, vendor in vendors.items()}
    hub = Hub(stack, ledger, transports, sleep=clock.sleep, clock=clock)
    subscribe_routes(hub)
    return House(hub, vendors, clock, vendors["shop"].state())


def test_a_day_of_every_odd_order_arrives(tmp_path: Path) -> None:
    # given a shop with one order of every odd kind, and a warehouse that is reached over V1
    plan = a_shop(orders=60, now=NOW)
    house = a_v1_house(tmp_path, plan)
    # when a day goes by
    a_day(house, plan)
    # then every place holds just what the storefront's truth asks for
    assert house.judge(plan).wrong == []
    # and when every route runs once more, no vendor holds anything else than before
    before = {name: house.vendors[name].state() for name in house.vendors}
    house.clock.sleep(120)
    house.settle_down()
    house.tracking()
    assert {name: house.vendors[name].state() for name in house.vendors} == before


def test_within_v1s_real_limit_everything_arrives(tmp_path: Path) -> None:
    # given 40 calls a minute, and a hub that keeps to them by itself
    plan = a_shop(orders=60, now=NOW)
    house = a_v1_house(tmp_path, plan, limits=True, pace=True)
    # when a day goes by
    a_day(house, plan)
    # then everything has arrived, and V1 never had to say no
    assert house.judge(plan).wrong == []
    assert [call for call in house.vendors["warehouse"].calls if call.status == 429] == []


def test_writes_that_were_taken_and_never_answered_are_there_once(tmp_path: Path) -> None:
    plan = a_shop(orders=60, now=NOW)
    house = a_v1_house(tmp_path, plan)
    house.vendors["warehouse"].faults.append(Fault(kind="drop_after", on=A_WRITE, times=5))
    a_day(house, plan)
    assert house.judge(plan).wrong == []


def test_an_order_is_bought_changed_shipped_and_tracked(tmp_path: Path) -> None:
    # given a small shop, whose receiver ShipStation knows
    house = a_v1_house(tmp_path)
    house.stock()
    ensure_webhooks(house.hub)
    assert [one for one in findings("warehouse", house.hub) if not one.ok] == []
    # when somebody buys a mug and moves before it is packed
    name = order(house)
    house.clock.sleep(1)
    house.settle_down()
    house.vendors["shop"].act("edit", {"order": name, "address": {**ADDRESS, "address1": "1 New Street"}})
    house.clock.sleep(5)
    house.settle_down()
    # then the warehouse has it once, with the new address
    (there,) = house.vendors["warehouse"].state()["orders"]
    assert (there["orderNumber"], there["shipTo"]["street1"]) == (name.lstrip("#"), "1 New Street")
    # and when its label is bought, the webhook alone brings the tracking number to the shopper
    house.vendors["warehouse"].act("buy_labels", {})
    receiver = TestClient(receiver_app(house.hub), base_url="http://127.0.0.1:8720")
    sent = house.vendors["warehouse"].outbox
    assert [receiver.post(str(one.url), content=one.content).status_code for one in sent] == [200]
    without_token = str(sent[0].url).partition("?")[0]
    assert receiver.post(without_token, content=sent[0].content).status_code == 401
    read_hinted(house.hub)
    house.deliver("shop")
    house.clock.sleep(5)
    house.settle_down()
    house.stock()
    outcome = house.judge(SMALL_SHOP)
    assert outcome.wrong == []
    (sold,) = house.vendors["shop"].state()["orders"]
    (label,) = house.vendors["warehouse"].state()["labels"]
    assert [one["tracking"] for one in sold["fulfillments"]] == [[label["trackingNumber"]]]
