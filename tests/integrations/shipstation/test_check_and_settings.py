"""What `backroom check` says of a ShipStation connection, and what its settings refuse."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from commerce.ports import Checkable, Destination, ParcelSource
from integrations.connector import connector
from integrations.shipstation.settings import ShipStationSettings
from tests.integrations.shipstation.conftest import EAST, WEST, World, a_setting


def findings(world: World) -> dict[str, tuple[bool, str]]:
    """Subject to verdict and hint or message."""
    return {each.subject: (each.ok, each.message if each.ok else each.hint) for each in world.shipstation.check()}


def test_a_sound_connection(world: World) -> None:
    world.connect(fallback_phone="+1 555 0100", default_warehouse=EAST)
    assert findings(world) == {
        "credential": (True, "the API key is accepted"),
        "carriers": (True, "USPS"),
        "warehouse of loc-1": (True, f"{EAST} East"),
        "warehouse of West coast": (True, f"{WEST} West"),
        "warehouse of default_warehouse": (True, f"{EAST} East"),
        "fallback_phone": (True, "is sent for orders without a phone number"),
    }
    assert set(world.sim.do_calls()) == {"GET 200"}


def test_what_is_missing_says_what_to_do(world: World) -> None:
    world.connect(warehouses={"loc-1": "se-1"})
    world.sim.carriers.clear()
    assert findings(world) == {
        "credential": (True, "the API key is accepted"),
        "carriers": (False, "connect a carrier in ShipStation, or no labels can be bought"),
        "warehouse of loc-1": (False, f"ShipStation has {EAST} (East), {WEST} (West)"),
        "fallback_phone": (False, "set it to the shop's own number in stack.toml"),
    }


def test_no_map_at_all(world: World) -> None:
    world.connect(warehouses={})
    assert findings(world)["warehouses"] == (
        False,
        f"set default_warehouse or warehouses in stack.toml; ShipStation has {EAST} (East), {WEST} (West)",
    )


@pytest.mark.parametrize(
    ("options", "changes", "subject"),
    [
        ({}, {"api_key": "wrong"}, "credential"),
        ({"plan": False}, {}, "plan"),
        ({}, {"base_url": "https://api.shipstation.test/api"}, "base_url"),
    ],
)
def test_a_connection_that_is_refused(options: dict[str, Any], changes: dict[str, Any], subject: str) -> None:
    world = World(**options)
    world.connect(**changes)
    (finding,) = world.shipstation.check()
    assert (finding.subject, finding.ok, bool(finding.hint)) == (subject, False, True)


def test_a_vendor_that_is_down_is_a_finding_too(world: World) -> None:
    world.fails("carriers", status=500, body="Internal Server Error", times=10)
    (finding,) = world.shipstation.check()
    assert (finding.subject, finding.ok) == ("connection", False)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("api_key", " ", "is empty; create a V2 key"),
        ("base_url", "api.shipstation.com", "is not a web address"),
        ("warehouses", {"loc-1": "1234"}, "is no warehouse of API V2"),
        ("payment", "whenever", "Input should be 'paid' or 'authorised'"),
    ],
)
def test_settings_that_are_refused(field: str, value: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        a_setting(**{field: value})


def test_every_setting_is_described_and_the_key_is_never_shown() -> None:
    own = {name: field for name, field in ShipStationSettings.model_fields.items() if name != "vendor"}
    assert [name for name, field in own.items() if not field.description and name not in ("name", "pace")] == []
    assert "sim-shipstation-key" not in repr(a_setting())


def test_the_connection_is_what_the_hub_asks_for(world: World) -> None:
    assert connector("shipstation").title == "ShipStation"
    assert isinstance(world.shipstation, Destination)
    assert isinstance(world.shipstation, ParcelSource)
    checkable: Checkable = world.shipstation
    assert checkable
