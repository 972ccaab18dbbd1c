"""Connections of one vendor account use up one budget, however many of them a merchant has made."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from tasks.hub import Hub
from tests.journeys.house import House


def also(house: House, like: str, name: str, **changes: Any) -> None:
    """One more connection, as an edited stack.toml would have it."""
    settings = house.hub.stack.connection(like).model_copy(update={"name": name, **changes})
    known = {**house.hub.stack.connections, name: settings}
    house.hub.stack = house.hub.stack.model_copy(update={"connections": known})


def calls_until_told_to_wait(hub: Hub, *names: str) -> int:
    """Calls that the connections are let make together, in turns, in one moment."""
    budgets = [hub.services(name).limits.windows("calls", [(10, 60.0)]) for name in names]
    taken = 0
    while made := sum(budget.take() == 0 for budget in budgets):
        taken += made
    return taken


def test_two_stores_in_one_shipping_account_share_its_budget(house: House) -> None:
    # given a second connection to the same ShipStation account, for another store
    also(house, "warehouse", "warehouse-outlet")
    # then both together make as many calls as one may
    assert house.hub.account("warehouse-outlet") == "warehouse"
    assert calls_until_told_to_wait(house.hub, "warehouse", "warehouse-outlet") == 10
    assert calls_until_told_to_wait(house.hub, "warehouse-outlet") == 0


def test_other_accounts_keep_a_budget_of_their_own(house: House) -> None:
    # given another key, another company and another shop of the same vendors
    also(house, "warehouse", "warehouse-2", api_key=SecretStr("another"))
    also(house, "books", "books-2", realm_id="99")
    also(house, "shop", "shop-2", shop="other.myshopify.com")
    for name in ("warehouse-2", "books-2", "shop-2", *house.hub.stack.connections):
        assert house.hub.account(name) == name
