"""A new subscriber: its share of the log arrives there, and nobody else notices."""

from __future__ import annotations

import tomllib
from pathlib import Path

from integrations.hubspot.simulator import HubSpotSimulator
from tasks.hub import subscribe_routes
from tasks.stack import read_stack
from tests.journeys.house import House
from tests.small_house import a_small_house, order

EXAMPLE = Path(__file__).parents[3] / "integrations" / "hubspot" / "stack.example.toml"


def add_crm(house: House, home: Path) -> HubSpotSimulator:
    """What a merchant does: the vendor's example goes into stack.toml, and its secret into the environment."""
    account = HubSpotSimulator(base_url="https://api.hubapi.com", clock=house.clock)
    text = (home / "stack.toml").read_text(encoding="utf-8") + "\n" + EXAMPLE.read_text(encoding="utf-8")
    secrets = {"BACKROOM_CRM_ACCESS_TOKEN": "pat-sim"}
    from deployments.demo_stack import SECRETS

    house.hub.stack = read_stack(tomllib.loads(text), (SECRETS | secrets).get)
    house.hub.transports = {**house.hub.transports, "crm": account.transport()}
    subscribe_routes(house.hub)
    return account


def test_a_crm_gets_what_the_log_has_and_disturbs_nobody(tmp_path: Path) -> None:
    # given a hub that has brought two orders everywhere
    house = a_small_house(tmp_path)
    first, second = order(house), order(house, email="grace@example.com", customer={"first_name": "Grace"})
    house.settle_down()
    before = {name: len(vendor.calls) for name, vendor in house.vendors.items()}
    # when a CRM is added to stack.toml, and its route runs
    account = add_crm(house, tmp_path)
    house.deliver("crm")
    # then both orders are there, from the log: no other app was asked anything
    assert sorted(deal["properties"]["dealname"] for deal in account.state()["deals"]) == [
        f"Order {first}",
        f"Order {second}",
    ]
    assert len(account.state()["ties"]) == 2
    assert {name: len(vendor.calls) for name, vendor in house.vendors.items()} == before


def test_a_dead_crm_delays_nobody(tmp_path: Path) -> None:
    # given a CRM that refuses us
    house = a_small_house(tmp_path)
    account = add_crm(house, tmp_path)
    account.access_token = "another"
    # when somebody orders
    order(house)
    house.orders_everywhere()
    house.deliver("crm")
    # then the order is everywhere else, and waits for the CRM
    assert not house.on_their_way() or {row.destination for row in house.hub.ledger.status() if row.waiting} == {"crm"}
    assert len(house.vendors["warehouse"].state()["shipments"]) == 1
    # and once its token is right again, it is there too
    account.access_token = "pat-sim"
    house.hub.ledger.resume("crm")
    house.deliver("crm")
    assert len(account.state()["deals"]) == 1
