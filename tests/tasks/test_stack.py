"""stack.toml: what is wrong or missing is named before anything starts, and no secret is ever said."""

from __future__ import annotations

import re
import tomllib
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from commerce.errors import NotConfigured
from integrations.connector import connector
from tasks.stack import Route, Stack, load_stack, read_stack, secret_name, secrets_of

EXAMPLE = Path(__file__).parents[2] / "stack.example.toml"
SECRET = "pk_s3cret"

STACK = """
[connections.inventory]
vendor = "katana"

[connections.marketing]
vendor = "klaviyo"

[routes.news]
from = "inventory"
to = "marketing"
"""


def given(secrets: dict[str, str] | None = None, every: str | None = SECRET) -> Any:
    """Finds these secrets, and `every` for all others."""
    return lambda name: (secrets or {}).get(name, every)


def stack_of(text: str, secrets: dict[str, str] | None = None, every: str | None = SECRET) -> Stack:
    return read_stack(tomllib.loads(text), given(secrets, every))


def refused(text: str, **options: Any) -> NotConfigured:
    """What is said about a wrong stack.toml; it never contains a secret."""
    with pytest.raises(NotConfigured) as caught:
        stack_of(text, **options)
    words = "".join(traceback.format_exception(caught.value)) + caught.value.hint + repr(caught.value)
    assert "s3cret" not in words
    return caught.value


# ---- what is well ----


def test_a_stack_has_connections_with_secrets_and_routes_with_defaults() -> None:
    # given a stack.toml and its secrets
    stack = stack_of(STACK)
    # then connections know their names, their vendors and their secrets
    inventory = stack.connection("inventory")
    assert (inventory.name, inventory.vendor) == ("inventory", "katana")
    assert inventory.api_key.get_secret_value() == SECRET  # type: ignore[attr-defined]
    # and routes know their ends
    assert stack.route("news") == Route(name="news", source="inventory", destination="marketing", carries="orders")
    assert [route.name for route in stack.carrying("orders")] == ["news"]
    assert stack.carrying("stock") == []
    # and what is not said has its default
    assert (stack.hub.ledger, stack.hub.overlap_minutes, stack.hub.start) == ("sqlite:///var/ledger.db", 10, None)


def test_two_connections_of_one_vendor_have_secrets_of_their_own() -> None:
    # given two accounts of one vendor
    text = '[connections.stock-eu]\nvendor = "katana"\n[connections.stock-us]\nvendor = "katana"\n'
    secrets = {"BACKROOM_STOCK_EU_API_KEY": "key-eu", "BACKROOM_STOCK_US_API_KEY": "key-us"}
    # when the stack is read
    stack = stack_of(text, secrets, every=None)
    # then each has its own
    keys = {name: one.api_key.get_secret_value() for name, one in stack.connections.items()}
    assert keys == {"stock-eu": "key-eu", "stock-us": "key-us"}


def test_times_have_a_zone_and_are_kept_in_utc() -> None:
    stack = stack_of("[hub]\nstart = 2026-11-01T02:00:00+02:00\n")
    assert stack.hub.start == datetime(2026, 11, 1, tzinfo=UTC)


def test_no_secret_is_shown() -> None:
    stack = stack_of(STACK)
    shown = [str(stack), repr(stack), repr(stack.connections), str(stack.model_dump()), stack.model_dump_json()]
    assert [text for text in shown if "s3cret" in text] == []


# ---- what is wrong is named ----

INVENTORY = '[connections.inventory]\nvendor = "katana"\n'
WRONG = {
    "conections": ("[conections.inventory]\n", "stack.toml has no such table"),
    "connections": ("connections = 3\n", "must be a table"),
    "connections.inventory": ("[connections]\ninventory = 'katana'\n", "must be a table"),
    "hub": ("[[hub]]\n", "must be a table"),
    "hub.legder": ("[hub]\nlegder = 'sqlite://'\n", "Extra inputs"),
    "hub.overlap_minutes": ("[hub]\noverlap_minutes = 0\n", "greater than or equal to 1"),
    "hub.start": ("[hub]\nstart = 2026-11-01T00:00:00\n", "has no time zone"),
    "connections.inventory.vendor": ("[connections.inventory]\n", "say which app this is"),
    "connections.sap.vendor": ("[connections.sap]\nvendor = 'sap'\n", "'sap' is not one of"),
    "connections.path.vendor": ("[connections.path]\nvendor = '../tasks'\n", "is not one of"),
    "connections.Inventory": ("[connections.Inventory]\nvendor = 'katana'\n", "1 to 20 of a-z, 0-9 and -"),
    "connections.a_b": ("[connections.a_b]\nvendor = 'katana'\n", "starting with a letter"),
    "connections.2nd": ("[connections.2nd]\nvendor = 'katana'\n", "starting with a letter"),
    f"connections.{'x' * 21}": (f"[connections.{'x' * 21}]\nvendor = 'katana'\n", "1 to 20"),
    "connections.inventory.colour": (INVENTORY + "colour = 'red'\n", "Extra inputs"),
    "connections.inventory.apikey": (INVENTORY + "apikey = 's3cret'\n", "Extra inputs"),
    "connections.inventory.api_key": (INVENTORY + "api_key = 's3cret'\n", "must not stand in stack.toml"),
    "connections.inventory.pace": (INVENTORY + "pace = 'slow'\n", "boolean"),
    "connections.inventory.types": (INVENTORY + "types = []\n", "nothing would be for sale"),
    "connections.inventory.name": (INVENTORY + "name = 'another'\n", ""),
    "routes.news": (INVENTORY + "[routes]\nnews = 3\n", "must be a table"),
    "routes.news.name": (INVENTORY + "[routes.news]\nfrom = 'inventory'\nto = 'inventory'\nname = 'old'\n", ""),
    "routes.news.from": (STACK.replace('from = "inventory"', ""), "Field required"),
    "routes.news.to": (STACK.replace('to = "marketing"', 'to = "nowhere"'), "there is no connection 'nowhere'"),
    "routes.news.carries": (STACK + "carries = 'news'\n", "'orders', 'parcels' or 'stock'"),
    "routes.news.late_after_minutes": (STACK + "late_after_minutes = 0\n", "greater than or equal to 1"),
    "routes.news.live_from": (STACK + "live_from = 2026-11-01T00:00:00\n", "has no time zone"),
    "routes.news.every": (STACK + "every = 5\n", "Extra inputs"),
    "routes.news.stock.buffer": (STACK + "[routes.news.stock]\nbuffer = -1\n", "greater than or equal to 0"),
    "routes.news.stock.most_change": (STACK + "[routes.news.stock]\nmost_change = 50\n", "less than or equal to 1"),
    "routes.news.stock.locations.1": (STACK + "[routes.news.stock.locations]\n1 = 5\n", "valid string"),
}


@pytest.mark.parametrize(("setting", "text", "words"), [(key, *value) for key, value in WRONG.items()], ids=WRONG)
def test_what_is_wrong_is_named(setting: str, text: str, words: str) -> None:
    error = refused(text)
    assert error.setting == setting
    assert words in str(error)
    assert "Value error" not in str(error)


def test_a_source_that_is_not_connected_is_named_too() -> None:
    assert refused(STACK.replace('from = "inventory"', 'from = "shop"')).setting == "routes.news.from"


def test_a_missing_secret_is_named_as_it_is_set() -> None:
    error = refused(STACK, every=None)
    assert error.setting == "BACKROOM_INVENTORY_API_KEY"
    assert "'inventory' (katana) needs it" in str(error)
    assert error.hint == "set BACKROOM_INVENTORY_API_KEY in the environment or in .env"


def test_a_secret_that_cannot_be_right_is_named_and_not_said() -> None:
    error = refused(STACK, secrets={"BACKROOM_MARKETING_API_KEY": "s3cret-without-pk"})
    assert error.setting == "connections.marketing.api_key"
    assert "pk_" in str(error)


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    stack = stack_of(STACK)
    with pytest.raises(NotConfigured, match=r"connections\.shop: not in stack.toml, which has inventory, marketing"):
        stack.connection("shop")
    with pytest.raises(NotConfigured, match=r"routes\.olds: not in stack.toml, which has news"):
        stack.route("olds")


# ---- the file and its secrets ----


def test_a_file_that_is_not_there_or_not_toml_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "stack.toml"
    with pytest.raises(NotConfigured, match="there is no") as caught:
        load_stack(missing)
    assert caught.value.setting == "BACKROOM_STACK"
    assert "stack.example.toml" in caught.value.hint
    for content in (b"[hub", b"\xff\xfe", b"a = 1\na = 2\n"):
        missing.write_bytes(content)
        monkeypatch.setenv("BACKROOM_STACK", str(missing))
        with pytest.raises(NotConfigured, match="is not valid TOML"):
            load_stack()


def test_secrets_come_from_the_environment_and_then_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given one secret in both, one only in .env, and one that is set to nothing
    (tmp_path / ".env").write_text("BACKROOM_A=filed\nBACKROOM_B='filed too'\nBACKROOM_C=third\n")
    monkeypatch.setenv("BACKROOM_A", "from the environment")
    monkeypatch.setenv("BACKROOM_C", "")
    # when they are looked for
    find = secrets_of(tmp_path / ".env")
    # then the environment goes first, and nothing is no secret
    assert [find(f"BACKROOM_{one}") for one in "ABCD"] == ["from the environment", "filed too", "third", None]


def test_the_file_beside_stack_toml_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INVENTORY", "MARKETING"):
        monkeypatch.delenv(f"BACKROOM_{name}_API_KEY", raising=False)
    (tmp_path / "stack.toml").write_text(STACK)
    (tmp_path / ".env").write_text(f"BACKROOM_INVENTORY_API_KEY=key\nBACKROOM_MARKETING_API_KEY={SECRET}\n")
    stack = load_stack(tmp_path / "stack.toml")
    assert stack.connection("inventory").api_key.get_secret_value() == "key"  # type: ignore[attr-defined]


# ---- the example ----

FITTING = {
    "BACKROOM_MARKETING_API_KEY": "pk_s3cret",
    "BACKROOM_ALERTS_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/s3cret",
    "BACKROOM_WAREHOUSE_API_SECRET": "",  # of ShipStation's older API only
}


def test_the_example_is_complete_but_for_its_secrets() -> None:
    # given the example, filled in as its comments say
    text = EXAMPLE.read_text(encoding="utf-8").replace('"…"', '"filled-in"')
    # when it is read with its secrets, then it is a stack of every vendor, and shows none of them
    stack = stack_of(text, FITTING)
    assert len(stack.connections) == len({one.vendor for one in stack.connections.values()}) == 6
    assert set(stack.routes) == {
        "orders-to-shipping",
        "orders-to-accounting",
        "orders-to-marketing",
        "tracking-to-storefront",
        "sync-inventory",
    }
    assert "s3cret" not in repr(stack)


def test_the_example_as_it_is_names_what_is_missing() -> None:
    error = refused(EXAMPLE.read_text(encoding="utf-8"), every=None)
    assert error.setting.startswith(("connections.shop", "BACKROOM_SHOP_"))


def test_the_example_names_every_secret_that_is_needed() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    parts = re.split(r"(?m)^(?=\[)", text)
    for name, table in tomllib.loads(text)["connections"].items():
        part = next(one for one in parts if one.startswith(f"[connections.{name}]"))
        for field, info in connector(table["vendor"]).settings.model_fields.items():
            if info.annotation is SecretStr and info.is_required():
                assert f"_{field}".upper() in part, f"{secret_name(name, field)} is not named beside its connection"
