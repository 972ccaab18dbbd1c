"""What is connected: `stack.toml` and the secrets that go with it, read once and checked before anything starts."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, SecretStr, TypeAdapter, ValidationError

from commerce.errors import NotConfigured
from commerce.values import Moment
from integrations.connector import ConnectionName, ConnectionSettings, connector

STACK = "BACKROOM_STACK"
LEDGER = "BACKROOM_LEDGER"
TOKEN_KEY = "BACKROOM_TOKEN_KEY"  # noqa: S105  the name of the variable, not a secret

FindSecret = Callable[[str], str | None]
"""From "BACKROOM_SHOP_CLIENT_SECRET" to its value, None when nobody has it."""


Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """A part of stack.toml: a key it does not know is a mistake, not something to ignore."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class HubSettings(Strict):
    """`[hub]`: what concerns no single connection."""

    ledger: str = Field("sqlite:///var/ledger.db", description="where the log is kept; BACKROOM_LEDGER goes first")
    start: Moment | None = Field(None, description="orders changed before this are history: bring them by backfill")
    overlap_minutes: int = Field(10, ge=1, le=24 * 60, description="how far each read goes back behind the last one")
    secret_blocks: bool = Field(
        False, description="look for secrets in Prefect Secret blocks too, e.g. backroom-shop-client-secret"
    )
    forget_after_days: int = Field(
        365,
        ge=0,
        description="names, addresses, e-mail and phone are taken out of the log's copies of finished orders that have "
        "not changed for so long; 0: never",
    )
    receiver: str = Field("", description="public address of the webhook receiver, https://…; empty: poll only")


class StockRules(Strict):
    """How levels of the inventory app become what the storefront offers."""

    locations: dict[str, str] = Field(default_factory=dict, description="inventory location -> storefront location id")
    ignored_locations: tuple[str, ...] = Field((), description="inventory locations that are not for sale, on purpose")
    skus: dict[str, str] = Field(default_factory=dict, description="inventory SKU -> storefront SKU where they differ")
    offer: Literal["available", "on_hand"] = Field(
        "available",
        description="what the inventory app has promised already is left out, or not: on_hand when its promises are "
        "this storefront's own orders, which are subtracted here",
    )
    buffer: int = Field(0, ge=0, description="units of each SKU kept back")
    buffers: dict[str, int] = Field(default_factory=dict, description="units kept back, by storefront SKU")
    location_buffers: dict[str, NonNegativeInt] = Field(
        default_factory=dict, description="units kept back of each SKU, by storefront location id; `buffers` go first"
    )
    floors: dict[str, NonNegativeInt] = Field(
        default_factory=dict, description="units offered at least, by storefront SKU: for what is made to order"
    )
    most_change: float = Field(0.5, gt=0, le=1, description="stop when more than this share of SKUs would change")
    order_lag_minutes: int | None = Field(
        None,
        ge=0,
        description="how long the inventory app takes to learn of an order; not set: it never does, so that every "
        "unshipped unit is subtracted",
    )


class Route(Strict):
    """One way that facts travel, `[routes.<name>]`."""

    name: str
    source: ConnectionName = Field(alias="from")
    destination: ConnectionName = Field(alias="to")
    carries: Literal["orders", "parcels", "stock"] = "orders"
    late_after_minutes: int = Field(60, ge=1, description="tell somebody when it has not finished well for so long")
    deadline_minutes: int = Field(
        120,
        ge=1,
        description="tell somebody when a single record has had no outcome for so long, even if no call failed",
    )
    owner: str = Field("", description="who is asked about this route's records; stands in its alerts")
    live_from: Moment | None = Field(None, description="older facts are history here; default: when the route was new")
    stock: StockRules = Field(default_factory=StockRules)


class Stack(Strict):
    """Everything that is connected."""

    hub: HubSettings
    connections: dict[str, Any]
    routes: dict[str, Route]

    def connection(self, name: str) -> ConnectionSettings:
        """The settings of one connection. Raises NotConfigured for a name that stack.toml does not have."""
        if name not in self.connections:
            raise NotConfigured(f"connections.{name}", f"not in stack.toml, which has {', '.join(self.connections)}")
        settings: ConnectionSettings = self.connections[name]
        return settings

    def route(self, name: str) -> Route:
        """One route. Raises NotConfigured for a name that stack.toml does not have."""
        if name not in self.routes:
            raise NotConfigured(f"routes.{name}", f"not in stack.toml, which has {', '.join(self.routes)}")
        return self.routes[name]

    def carrying(self, what: str) -> list[Route]:
        """The routes that carry "orders", "parcels" or "stock"."""
        return [route for route in self.routes.values() if route.carries == what]


def stack_file() -> Path:
    """Where stack.toml is: beside us, unless BACKROOM_STACK names another file."""
    return Path(os.environ.get(STACK, "stack.toml"))


def env_file(stack: Path) -> Path:
    """The file with the secrets, beside stack.toml."""
    return stack.parent / ".env"


def load_stack(path: Path | None = None, find_secret: FindSecret | None = None) -> Stack:
    """Read stack.toml (BACKROOM_STACK names another file), put the secrets in and check it all.

    Raises NotConfigured with the name of the first setting that is missing or wrong.
    """
    file = path or stack_file()
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotConfigured(STACK, f"there is no {file}", hint="copy stack.example.toml to stack.toml") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NotConfigured(str(file), f"is not valid TOML: {error}") from error
    find = find_secret or secrets_of(env_file(file))
    hub = raw.get("hub")
    if isinstance(hub, dict) and hub.get("secret_blocks") is True:
        find = also_in_blocks(find)
    return read_stack(raw, find)


def read_stack(raw: Mapping[str, Any], find_secret: FindSecret) -> Stack:
    """The stack from parsed TOML. Raises NotConfigured."""
    unknown = set(raw) - {"hub", "connections", "routes"}
    if unknown:
        raise NotConfigured(sorted(unknown)[0], "stack.toml has no such table; it has hub, connections and routes")
    connections = {
        name: _connection(name, table, find_secret)
        for name, table in _table("connections", raw.get("connections", {})).items()
    }
    routes = {
        name: _checked(Route, _named(f"routes.{name}", name, table), f"routes.{name}")
        for name, table in _table("routes", raw.get("routes", {})).items()
    }
    stack = Stack(
        hub=_checked(HubSettings, _table("hub", raw.get("hub", {})), "hub"), connections=connections, routes=routes
    )
    for route in routes.values():
        for end, name in (("from", route.source), ("to", route.destination)):
            if name not in connections:
                raise NotConfigured(f"routes.{route.name}.{end}", f"there is no connection {name!r}")
    return stack


def secrets_of(env_file: Path) -> FindSecret:
    """Look for secrets in the environment, then in a `.env` file beside stack.toml."""
    filed = dotenv_values(env_file) if env_file.exists() else {}

    def find(name: str) -> str | None:
        return os.environ.get(name) or filed.get(name)

    return find


def also_in_blocks(find: FindSecret) -> FindSecret:
    """Look where `find` looks, then for a Prefect Secret block: BACKROOM_SHOP_API_KEY is backroom-shop-api-key."""

    def search(name: str) -> str | None:
        return find(name) or secret_in_block(name.lower().replace("_", "-"))

    return search


def secret_in_block(block: str) -> str | None:
    """The value of a Prefect Secret block, None when there is no such block."""
    from prefect.blocks.system import Secret

    try:
        found = cast("Secret[str]", Secret.load(block, _sync=True))  # type: ignore[call-arg]  # Prefect adds _sync at run time
    except ValueError:  # Prefect's word for "there is none"
        return None
    value = found.get()
    return str(value) if value else None


def secret_name(connection: str, field: str) -> str:
    """The environment variable of a connection's secret, e.g. BACKROOM_SHOP_CLIENT_SECRET."""
    return f"BACKROOM_{connection}_{field}".upper().replace("-", "_")


def _connection(name: str, value: Any, find_secret: FindSecret) -> ConnectionSettings:
    _check_name(name)
    table = _named(f"connections.{name}", name, value)
    vendor = table.get("vendor")
    if not isinstance(vendor, str):
        raise NotConfigured(f"connections.{name}.vendor", "missing: say which app this is")
    try:
        model = connector(vendor).settings
    except NotConfigured as error:
        raise NotConfigured(f"connections.{name}.vendor", str(error)) from error
    secrets: dict[str, str] = {}
    for field, info in model.model_fields.items():
        if not _is_secret(info.annotation):
            continue
        if field in table:
            raise NotConfigured(
                f"connections.{name}.{field}",
                "is a secret and must not stand in stack.toml",
                hint=f"set {secret_name(name, field)} in the environment or in .env",
            )
        value = find_secret(secret_name(name, field))
        if value:
            secrets[field] = value
        elif info.is_required():
            raise NotConfigured(
                secret_name(name, field),
                f"is not set; connection {name!r} ({vendor}) needs it",
                hint=f"set {secret_name(name, field)} in the environment or in .env",
            )
    return _checked(model, {**table, **secrets}, f"connections.{name}")


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or SecretStr in get_args(annotation)


def _table(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotConfigured(where, "must be a table")
    return value


def _named(where: str, name: str, value: Any) -> dict[str, Any]:
    """A table with its own name put in, which it must not say itself."""
    table = _table(where, value)
    if "name" in table:
        raise NotConfigured(f"{where}.name", f"is not a setting: the table's own name counts, {name!r}")
    return {"name": name, **table}


def _checked(model: type[Model], values: Mapping[str, Any], where: str) -> Model:
    """Validate, and turn the first complaint into one line that names the setting and never its value."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        path = ".".join(str(part) for part in (where, *first["loc"]))
        raise NotConfigured(path, str(first["msg"]).removeprefix("Value error, ")) from None


def _check_name(name: str) -> None:
    """Connection names end up in keys at every vendor, so they are short and plain."""
    try:
        TypeAdapter(ConnectionName).validate_python(name)
    except ValidationError:
        raise NotConfigured(
            f"connections.{name}", "a connection's name has 1 to 20 of a-z, 0-9 and -, starting with a letter"
        ) from None
