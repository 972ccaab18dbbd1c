"""`backroom check` says each thing once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployments.checking import ensure_webhooks, findings
from tests.deployments.test_connecting import settings
from tests.journeys.house import House
from tests.small_house import a_small_house, order, with_route


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = a_small_house(tmp_path)
    ensure_webhooks(opened.hub)
    yield opened
    opened.hub.close()


def wrong(house: House) -> list[tuple[str, str]]:
    """What is not well in the storefront, and what to do."""
    return [(one.subject, one.hint) for one in findings("shop", house.hub) if not one.ok]


def test_a_storefront_that_is_well_has_nothing_to_say(house: House) -> None:
    assert wrong(house) == []


def test_an_app_that_was_uninstalled_is_one_line_although_its_webhooks_cannot_be_seen_either(house: House) -> None:
    # given a merchant who removed the app
    house.vendors["shop"].act("uninstall", {})
    # when the storefront is checked
    ((subject, hint),) = wrong(house)
    # then the reason is said once, with what to do
    assert subject == "shop: credential"
    assert "install" in hint


def test_a_webhook_that_was_deleted_is_one_line(house: House) -> None:
    known = house.vendors["shop"].store.subscriptions
    del known[next(number for number, one in known.items() if one["topic"] == "REFUNDS_CREATE")]
    assert wrong(house) == [("shop: webhook REFUNDS_CREATE", "make it again: backroom webhooks")]


# ---- what merchants really set up wrongly: one line each, that says what to do ----


def a_missing_scope(house: House) -> None:
    shop = house.vendors["shop"]
    shop.scopes = shop.scopes - {"write_inventory"} | {"read_inventory"}


def a_dead_refresh_token(house: House) -> None:
    house.vendors["books"].act("revoke", {})


def a_plan_without_api(house: House) -> None:
    house.vendors["inventory"].habits.api = False


def a_wrong_location(house: House) -> None:
    with_route(house.hub, "sync-inventory", stock={"locations": {"1": "99999999"}})


def an_unmapped_tax(house: House) -> None:
    settings(house, unmapped_tax="hold", tax_items={"CA State Tax": "Sales tax collected"})
    tax = {"title": "NY State Tax", "rate": "0.08"}
    order(house, lines=[{"sku": "MUG-RED", "quantity": 1, "price": "25.00", "taxes": [tax]}])
    house.record()
    house.deliver("books")


def a_deleted_webhook(house: House) -> None:
    known = house.vendors["shop"].store.subscriptions
    del known[next(number for number, one in known.items() if one["topic"] == "ORDERS_UPDATED")]


@pytest.mark.parametrize(
    ("happens", "subject", "hint"),
    [
        (a_missing_scope, "shop: scope write_inventory", "Dev Dashboard"),
        (a_dead_refresh_token, "books: credential", "backroom connect books"),
        (a_plan_without_api, "inventory: plan", "plan"),
        (a_wrong_location, "sync-inventory: location 99999999", "use one of"),
        (an_unmapped_tax, "books: unmapped tax", "--cause unmapped_tax"),
        (a_deleted_webhook, "shop: webhook ORDERS_UPDATED", "backroom webhooks"),
    ],
)
def test_what_is_set_up_wrongly_is_one_line_that_says_what_to_do(
    house: House, happens: Callable[[House], None], subject: str, hint: str
) -> None:
    # given a hub over which nothing is wrong
    before = {one.subject for one in findings(hub=house.hub) if not one.ok}
    assert before == set()
    # when one thing goes wrong at a vendor or in stack.toml
    happens(house)
    # then one line more names it, and what to do
    (line,) = [one for one in findings(hub=house.hub) if not one.ok]
    assert line.subject == subject
    assert hint in line.hint


def test_secrets_that_others_can_read_are_told(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    monkeypatch.setenv("BACKROOM_STACK", str(tmp_path / "stack.toml"))
    file.write_text("BACKROOM_TOKEN_KEY=x\n", encoding="utf-8")
    for mode, told in ((0o640, True), (0o604, True), (0o600, False)):
        file.chmod(mode)
        said = [one.message for one in findings(hub=house.hub) if one.subject == ".env"]
        assert said == ["others can read your secrets"] * told
