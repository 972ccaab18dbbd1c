"""`backroom check` says each thing once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.checking import ensure_webhooks, findings
from tests.journeys.house import House
from tests.small_house import a_small_house


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
