"""What `backroom check` says of a V1 connection, and which settings do not go together."""

from __future__ import annotations

from typing import Any

import pytest

from commerce.errors import NotConfigured
from commerce.ports import Checkable, Destination, ParcelSource, Subscribing
from integrations.shipstation.connection import ShipStation
from integrations.shipstation.v1.connection import ShipStationV1
from tasks.stack import read_stack
from tests.builders import an_order
from tests.integrations.shipstation.conftest import World
from tests.integrations.shipstation.v1.world import EAST, WEST, V1World, a_v1_setting

SECRETS = {"BACKROOM_WAREHOUSE_API_KEY": "key", "BACKROOM_WAREHOUSE_API_SECRET": "secret"}


def findings(world: V1World) -> dict[str, tuple[bool, str]]:
    """Subject to verdict and message, or hint."""
    return {each.subject: (each.ok, each.message if each.ok else each.hint) for each in world.shipstation.check()}


def test_a_sound_connection(world: V1World) -> None:
    world.connect(default_warehouse=EAST)
    assert findings(world) == {
        "credential": (True, "API key and secret are accepted (V1)"),
        "carriers": (True, "USPS"),
        "warehouse of loc-1": (True, f"{EAST} East"),
        "warehouse of West coast": (True, f"{WEST} West"),
        "warehouse of default_warehouse": (True, f"{EAST} East"),
        "store": (True, "orders land in the first manual store of 12345 (Manual Orders)"),
        "doubles": (True, "no other store has orders with our numbers"),
    }
    assert set(world.sim.do_calls()) == {"GET 200"}


def test_what_is_missing_says_what_to_do(world: V1World) -> None:
    world.connect(warehouses={"loc-1": "1"}, store_id="99")
    world.sim.carriers.clear()
    said = findings(world)
    assert said["carriers"] == (False, "connect a carrier in ShipStation, or no labels can be bought")
    assert said["warehouse of loc-1"] == (False, f"ShipStation has {EAST} (East), {WEST} (West)")
    assert said["store"] == (False, "set store_id to one of 12345 (Manual Orders)")


def test_orders_that_shipstation_imports_by_itself_are_noticed(world: V1World) -> None:
    # given a storefront that is connected inside ShipStation too
    world.deliver(an_order())
    store = world.sim.do_store("Our shop", "Shopify")
    theirs = {name: value for name, value in world.orders[0].items() if name not in ("orderId", "orderKey")}
    world.sim.do_type_in({**theirs, "orderKey": "51001", "advancedOptions": {"storeId": store}})
    # then somebody is told before it ships twice
    ok, hint = findings(world)["doubles"]
    assert (ok, "disconnect the storefront" in hint) == (False, True)


@pytest.mark.parametrize(
    ("options", "changes", "subject"),
    [
        ({}, {"api_secret": "wrong"}, "credential"),
        ({}, {"api_key": "wrong"}, "credential"),
        ({"plan": False}, {}, "plan"),
        ({}, {"base_url": "https://ssapi.shipstation.test/api"}, "base_url"),
    ],
)
def test_a_connection_that_is_refused(options: dict[str, Any], changes: dict[str, Any], subject: str) -> None:
    world = V1World(**options)
    world.connect(**changes)
    (finding,) = world.shipstation.check()
    assert (finding.subject, finding.ok, bool(finding.hint)) == (subject, False, True)


def test_a_vendor_that_is_down_is_a_finding_too(world: V1World) -> None:
    world.fails("carriers", status=500, body="Internal Server Error", times=10)
    (finding,) = world.shipstation.check()
    assert (finding.subject, finding.ok) == ("connection", False)


def connection(**table: Any) -> Any:
    """The connection's settings as stack.toml and the environment give them."""
    without = table.pop("without", ())
    secrets = {name: value for name, value in SECRETS.items() if name not in without}
    raw = {"connections": {"warehouse": {"vendor": "shipstation", **table}}}
    return read_stack(raw, secrets.get).connection("warehouse")


def test_v1_is_found_by_itself() -> None:
    settings = connection(api="v1", default_warehouse=524001, store_id=12345)
    assert settings.base_url == "https://ssapi.shipstation.com"
    assert (settings.default_warehouse, settings.store_id) == ("524001", "12345")
    assert "secret" not in f"{settings!r}".replace("api_secret", "")


def test_v2_is_what_there_is_without_a_word() -> None:
    settings = connection(without=["BACKROOM_WAREHOUSE_API_SECRET"], default_warehouse="se-524001")
    assert (settings.api, settings.base_url) == ("v2", "https://api.shipstation.com")


NO_SECRET = {"without": ["BACKROOM_WAREHOUSE_API_SECRET"]}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "v1 without a secret": ({"api": "v1", **NO_SECRET}, r"connections\.warehouse\.api_secret: is not set; with api"),
    "v2 with a secret": ({}, r"connections\.warehouse\.api_secret: belongs to API V1; say api = \"v1\""),
    "a V3": ({"api": "v3"}, r"connections\.warehouse\.api: "),
    "v1 at V2's address": (
        {"api": "v1", "base_url": "https://api.shipstation.com"},
        "base_url: .* not where API V1",
    ),
    "v2 at V1's address": ({**NO_SECRET, "base_url": "https://ssapi.shipstation.com"}, "base_url: .* not where API V2"),
    "v1 with V2's warehouse": ({"api": "v1", "default_warehouse": "se-1"}, r"default_warehouse: 'se-1' is no ware"),
    "v1 with V2's warehouses": ({"api": "v1", "warehouses": {"a": "se-1"}}, r"warehouses: 'se-1' is no warehouse of"),
    "v2 with V1's warehouse": ({**NO_SECRET, "default_warehouse": 524001}, r"default_warehouse: '524001' is no ware"),
    "v1 with V2's store": ({"api": "v1", "store_id": "se-1"}, r"store_id: 'se-1' is no store of API V1"),
    "v1 with public keys": ({"api": "v1", "jwks_url": "https://x.example"}, r"jwks_url: belongs to API V2"),
    "a secret in the file": ({"api": "v1", "api_secret": "x"}, r"api_secret: is a secret and must not stand"),
}


@pytest.mark.parametrize(("table", "words"), WRONG.values(), ids=WRONG.keys())
def test_what_does_not_go_together_is_refused_at_start_by_its_name(table: dict[str, Any], words: str) -> None:
    with pytest.raises(NotConfigured, match=words) as refused:
        connection(**table)
    assert "secret'" not in str(refused.value)


def test_each_version_opens_its_own_client(world: V1World) -> None:
    assert isinstance(world.shipstation, ShipStationV1)
    assert isinstance(world.shipstation, Destination)
    assert isinstance(world.shipstation, ParcelSource)
    assert isinstance(world.shipstation, Subscribing)
    checkable: Checkable = world.shipstation
    assert checkable
    assert isinstance(World().shipstation, ShipStation)
    assert world.shipstation.batch == 100


def test_nothing_of_the_credential_is_shown(world: V1World) -> None:
    assert "sim-shipstation" not in f"{a_v1_setting()!r} {world.shipstation!r}"
