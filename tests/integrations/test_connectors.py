"""What every connector promises, for each vendor folder there is."""

from __future__ import annotations

import ast
import base64
import hashlib
import hmac
import importlib
import io
import itertools
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import httpx
import pytest
from pydantic import SecretStr
from rich.console import Console

from commerce.audits import Auditable
from commerce.errors import HubError
from commerce.ports import Destination, Finding, OrderSource, ParcelSource, StockDestination, StockSource
from integrations.auth import MemoryTokens
from integrations.connector import QUERY, ConnectionSettings, Connector, Forged, Services, connector, vendors
from integrations.simulator import Simulator
from tests.builders import an_order

ROOT = Path(__file__).parents[2]
PROJECT = {"commerce", "ledger", "integrations", "tasks", "flows", "deployments", "tests", "benchmarks"}
PORTS = (OrderSource, ParcelSource, StockSource, StockDestination, Destination)
NOON = 1_795_435_200.0

VARIANTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "shipstation-v1": ("shipstation", {"api": "v1", "default_warehouse": "123456"}, "v1"),
}
"""Other ways to connect a vendor: the vendor, what stack.toml says otherwise, and the sub-folder that does it."""

every_vendor = pytest.mark.parametrize("vendor", vendors())
every_way = pytest.mark.parametrize("vendor", [*vendors(), *VARIANTS])
"""Every vendor, and every other way to connect one."""


class Refusing:
    """A vendor that refuses whatever it is asked, and keeps the requests."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        return httpx.Response(401, json={"error": "invalid_client", "errors": [{"detail": "no"}]})


def services(answering: Refusing) -> Services:
    transport = httpx.MockTransport(answering)
    return Services(tokens=MemoryTokens(), transport=transport, sleep=lambda _: None, clock=lambda: NOON)


def secret_fields(settings: type[ConnectionSettings]) -> list[str]:
    fields = settings.model_fields.items()
    return [name for name, info in fields if info.annotation is SecretStr or SecretStr in get_args(info.annotation)]


def secret(connection: str, field: str) -> str:
    """A secret that looks right to whoever checks its shape."""
    mark = f"s3cret-{connection}-{field}"
    return f"https://hooks.slack.com/services/T0/B0/{mark}" if field.endswith("_url") else f"pk_{mark}"


def named(way: str) -> str:
    """The vendor folder behind a way to connect."""
    return VARIANTS[way][0] if way in VARIANTS else way


def offered(way: str) -> Connector:
    """The connector behind a way to connect."""
    return connector(named(way))


def example(vendor: str) -> dict[str, Any]:
    """What stack.example.toml says of this vendor, or the example of its own folder, filled in.

    A variant says what it says otherwise.
    """
    if vendor in VARIANTS:
        return {**example(named(vendor)), **VARIANTS[vendor][1]}
    files = [ROOT / "stack.example.toml", ROOT / "integrations" / vendor / "stack.example.toml"]
    texts = [file.read_text(encoding="utf-8").replace('"…"', '"filled-in"') for file in files if file.exists()]
    tables = [table for text in texts for table in tomllib.loads(text)["connections"].values()]
    found = [table for table in tables if table["vendor"] == vendor]
    assert found, f"no stack.example.toml shows how {vendor} is connected"
    return dict(found[0])


def settings_of(vendor: str, name: str, fields: Iterable[str] | None = None) -> ConnectionSettings:
    """Settings as the example has them, with those secrets of `fields`, or with as many as go together."""
    model = offered(vendor).settings
    chosen = list(secret_fields(model) if fields is None else fields)
    secrets = {field: secret(name, field) for field in chosen}
    try:
        return model(**{"name": name, **example(vendor), **secrets})
    except ValueError:
        needed = [field for field in chosen if model.model_fields[field].is_required()]
        if fields is not None or needed == chosen:
            raise
        return settings_of(vendor, name, needed)


def settings_with_few_secrets(vendor: str) -> Iterator[ConnectionSettings]:
    """Settings with only the secrets that must be, or, where one of several must be, with each of them alone."""
    model = offered(vendor).settings
    needed = [field for field in secret_fields(model) if model.model_fields[field].is_required()]
    for more in ([], *([field] for field in secret_fields(model) if field not in needed)):
        with suppress(ValueError):
            yield settings_of(vendor, "one", [*needed, *more])


def shown(value: Any) -> str:
    """Everything that a log or a traceback may show of it."""
    console = Console(file=io.StringIO(), width=1000, record=True)
    console.print(value)
    return f"{value} {value!r} {[value]!r} {console.export_text()}"


# ---- the folder ----


@every_vendor
def test_a_folder_has_the_same_files_as_the_others(vendor: str) -> None:
    folder = ROOT / "integrations" / vendor
    files = {path.name for path in folder.iterdir()}
    assert {"__init__.py", "settings.py", "mapping.py", "client.py", "README.md"} - files == set()
    assert {"simulator.py", "simulator"} & files
    assert (connector(vendor).receive is not None) == ("webhooks.py" in files)
    assert len((folder / "README.md").read_text(encoding="utf-8").split()) > 150


@every_vendor
def test_a_connector_is_named_like_its_folder(vendor: str) -> None:
    found = connector(vendor)
    assert isinstance(found, Connector)
    assert found.vendor == vendor
    assert found.title
    assert settings_of(vendor, "one").vendor == vendor


@every_vendor
def test_every_module_says_what_it_is(vendor: str) -> None:
    paths = (ROOT / "integrations" / vendor).rglob("*.py")
    silent = [path.name for path in paths if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert silent == []


# ---- settings ----


@every_vendor
def test_every_setting_is_described(vendor: str) -> None:
    model = connector(vendor).settings
    assert issubclass(model, ConnectionSettings)
    assert model is not ConnectionSettings
    assert [name for name, info in model.model_fields.items() if not info.description] == []


@every_vendor
def test_secrets_are_secret_and_have_no_default(vendor: str) -> None:
    model = connector(vendor).settings
    known = secret_fields(model)
    assert known, "every vendor wants some proof of who we are"
    looking = re.compile(r"secret|password|token$|api_key|private")
    assert [name for name in model.model_fields if looking.search(name) and name not in known] == []
    for name in known:
        info = model.model_fields[name]
        default = None if info.is_required() else info.get_default(call_default_factory=True)
        assert default is None or default.get_secret_value() == "", f"{name} has a default"


@every_way
def test_settings_show_no_secret(vendor: str) -> None:
    settings = settings_of(vendor, "one")
    assert "s3cret" not in shown(settings)
    assert "s3cret" not in settings.model_dump_json()


@every_way
def test_settings_that_are_refused_show_no_secret(vendor: str) -> None:
    model = offered(vendor).settings
    good = settings_of(vendor, "one").model_dump()
    for wrong in ({"no_such_setting": 1}, {"pace": "s3cret"}, {"name": "Not A Name"}):
        with pytest.raises(ValueError) as caught:
            model(**{**good, **wrong})
        assert "s3cret" not in shown(caught.value)


@every_way
def test_an_unknown_setting_is_refused(vendor: str) -> None:
    good = settings_of(vendor, "one").model_dump()
    with pytest.raises(ValueError, match="no_such_setting"):
        offered(vendor).settings(**{**good, "no_such_setting": 1})


# ---- the client ----


@every_way
def test_connecting_calls_nobody(vendor: str) -> None:
    answering = Refusing()
    offered(vendor).connect(settings_of(vendor, "one"), services(answering))
    assert answering.requests == []


@every_way
def test_a_client_can_be_checked_and_plays_a_role(vendor: str) -> None:
    client = offered(vendor).connect(settings_of(vendor, "one"), services(Refusing()))
    assert callable(client.check)
    assert hasattr(client, "tell") or any(isinstance(client, port) for port in PORTS)
    if isinstance(client, Destination):
        assert client.keeps in ("state", "events")
        assert client.topics
        assert client.topics <= {"order", "parcel"}
        assert 1 <= client.batch <= 1000


@every_way
def test_a_client_shows_no_secret(vendor: str) -> None:
    settings = settings_of(vendor, "one")
    client = offered(vendor).connect(settings, services(Refusing()))
    assert "s3cret" not in shown(client)


def said_by_check(client: Any) -> tuple[list[Finding], str]:
    """The findings, and everything that was said."""
    try:
        findings = list(client.check())
    except HubError as error:
        return [], f"{error} {error!r} {error.hint}"
    return findings, shown(findings)


def carried(request: httpx.Request) -> str:
    """Everything a request tells, Basic credentials in the clear."""
    basic = request.headers.get("authorization", "")
    clear = base64.b64decode(basic[6:]).decode() if basic.lower().startswith("basic ") else ""
    return f"{request.url} {list(request.headers.items())} {clear} {request.content.decode('utf-8', 'replace')}"


@every_way
def test_two_connections_of_one_vendor_do_not_mix(vendor: str) -> None:
    # given two accounts of one vendor, open at the same time
    answering = {name: Refusing() for name in ("one", "two")}
    clients = {
        name: offered(vendor).connect(settings_of(vendor, name), services(refusing))
        for name, refusing in answering.items()
    }
    # when both look at themselves
    for client in clients.values():
        said_by_check(client)
    # then each has proved itself with its own secret, if it called at all, and never with the other's
    for name, other in (("one", "two"), ("two", "one")):
        requests = [carried(request) for request in answering[name].requests]
        assert all(f"s3cret-{other}" not in request for request in requests)
        assert not requests or any(f"s3cret-{name}" in request for request in requests)
        assert bool(requests) == bool(answering[other].requests)


@every_way
def test_a_refused_credential_is_found_and_not_said(vendor: str) -> None:
    # given a vendor that refuses our credential
    answering = Refusing()
    client = offered(vendor).connect(settings_of(vendor, "one"), services(answering))
    # when the connection looks at itself
    findings, words = said_by_check(client)
    # then it says so and what to do, without the credential; and it has changed nothing there
    assert "s3cret" not in words
    if answering.requests:
        wrong = [finding for finding in findings if not finding.ok]
        assert wrong or not findings
        assert [finding.subject for finding in wrong if not finding.hint] == []
    assert {request.method for request in answering.requests} <= {"GET", "POST"}


# ---- webhooks ----


def receivers() -> list[str]:
    return [vendor for vendor in vendors() if (ROOT / "integrations" / vendor / "webhooks.py").exists()]


every_receiver = pytest.mark.parametrize("vendor", [*receivers(), *VARIANTS])


def headers_read(vendor: str) -> set[str]:
    """The headers that the vendor's webhooks.py looks at: every text in it that looks like one."""
    folder = ROOT / "integrations" / named(vendor) / (VARIANTS[vendor][2] if vendor in VARIANTS else "")
    tree = ast.parse((folder / "webhooks.py").read_text(encoding="utf-8"))
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    address = {QUERY} if any(isinstance(node, ast.Name) and node.id == "QUERY" for node in ast.walk(tree)) else set()
    return address | {word.lower() for word in words if re.fullmatch(r"(?i)[a-z][a-z0-9]*(-[a-z0-9]+)+", word)}


BODIES = [b"", b"{}", b"[]", b"\xff\xfe", b'{"id": 1}', b"null", b"1"]


@every_receiver
@pytest.mark.parametrize("body", BODIES)
def test_a_webhook_that_nobody_signed_is_forged(vendor: str, body: bytes) -> None:
    receive = offered(vendor).receive
    assert receive is not None
    with pytest.raises(Forged) as caught:
        receive(settings_of(vendor, "one"), services(Refusing()), {}, body)
    assert "s3cret" not in shown(caught.value)


@every_receiver
@pytest.mark.parametrize("signature", ["", "AAAA", "=", "é", "a" * 64, "sha256=", "x" * 10_000])
def test_a_webhook_with_any_other_signature_is_not_taken(vendor: str, signature: str) -> None:
    receive = offered(vendor).receive
    assert receive is not None
    headers = dict.fromkeys(headers_read(vendor), signature)
    headers |= {QUERY: f"token={signature}"} if QUERY in headers else {}
    assert headers, "webhooks.py reads no header"
    with pytest.raises((Forged, HubError)):
        receive(settings_of(vendor, "one"), services(Refusing()), headers, b'{"id": 1}')


AUDITABLE = ["shipstation", "shipstation-v1", "quickbooks", "klaviyo", "hubspot"]
READING = {"GET", "HEAD"}
READ_BY_POST = re.compile(r"/(query|batch/read|tokens/bearer|batch)$")


def test_who_can_be_compared_is_known() -> None:
    found = {way for way in [*vendors(), *VARIANTS] if isinstance(connected(way), Auditable)}
    assert found == set(AUDITABLE)


def connected(way: str) -> Any:
    """A client of a vendor that refuses everything."""
    return offered(way).connect(settings_of(way, "one"), services(Refusing()))


@pytest.mark.parametrize("way", AUDITABLE)
def test_a_comparison_that_is_refused_is_no_empty_answer_and_writes_nothing(way: str) -> None:
    # given a vendor that answers nothing
    answering = Refusing()
    client = offered(way).connect(settings_of(way, "one"), services(answering))
    assert isinstance(client, Auditable)
    assert isinstance(client, Destination)
    assert client.duties.keeps in ("shipments", "documents", "deals", "facts")
    # when it is asked what it holds
    day = datetime.fromtimestamp(NOON, UTC)
    with pytest.raises(HubError):
        list(client.audit("shop", day - timedelta(days=7), day, [an_order()]))
    # then it was only asked, and said that it does not know
    asked = [(one.method, one.url.path) for one in answering.requests]
    assert [one for one in asked if one[0] not in READING and not READ_BY_POST.search(one[1])] == []


def signatures_with_nothing(body: bytes) -> Iterator[str]:
    mac = hmac.new(b"", body, hashlib.sha256)
    yield base64.b64encode(mac.digest()).decode()
    yield mac.hexdigest()
    yield f"sha256={mac.hexdigest()}"


@every_receiver
def test_a_secret_that_was_not_set_signs_nothing(vendor: str) -> None:
    # given a connection without the secrets that may be left out
    receive = offered(vendor).receive
    assert receive is not None
    possible = list(settings_with_few_secrets(vendor))
    assert possible
    # when somebody signs with the empty one, then nothing is taken
    for settings, signature in itertools.product(possible, signatures_with_nothing(b"{}")):
        headers = dict.fromkeys(headers_read(vendor), signature)
        with pytest.raises((Forged, HubError)):
            receive(settings, services(Refusing()), headers, b"{}")


# ---- the simulator ----


def simulator_of(vendor: str) -> ModuleType:
    within = f".{VARIANTS[vendor][2]}" if vendor in VARIANTS else ""
    return importlib.import_module(f"integrations.{named(vendor)}.simulator{within}")


def simulator_files(vendor: str) -> list[Path]:
    folder = ROOT / "integrations" / vendor
    return [path for path in (folder / "simulator.py", *(folder / "simulator").rglob("*.py")) if path.exists()]


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, also inside functions and for types only."""
    package = [*path.relative_to(ROOT).with_suffix("").parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


@every_vendor
def test_a_simulator_can_disagree_with_its_client(vendor: str) -> None:
    own = ("integrations.simulator.", f"integrations.{vendor}.simulator.")
    foreign = {
        f"{path.name}: {name}"
        for path in simulator_files(vendor)
        for name in imported(path)
        if name.split(".")[0] in PROJECT and not f"{name}.".startswith(own)
    }
    assert foreign == set()


@every_way
def test_a_simulator_is_built_like_the_others(vendor: str) -> None:
    # given an account with nothing in it
    simulator = simulator_of(vendor).build(base_url="http://127.0.0.1:8710/one", clock=lambda: NOON, limits=False)
    # then it is a simulator of this vendor, and shows all it holds as JSON
    assert isinstance(simulator, Simulator)
    assert simulator.vendor == named(vendor)
    assert simulator.limits is False
    assert json.loads(json.dumps(simulator.state())) is not None
    # and it says what people and the world can do there
    actions = [getattr(type(simulator), name) for name in dir(simulator) if name.startswith("do_")]
    assert [action.__name__ for action in actions if not action.__doc__] == []


@every_way
def test_a_simulator_lets_nobody_in_without_a_credential(vendor: str) -> None:
    simulator = simulator_of(vendor).build(base_url="http://sim.test/one", clock=lambda: NOON)
    client = httpx.Client(base_url="http://sim.test/one", transport=simulator.transport())
    for method, path in (("GET", "/"), ("GET", "/no/such/thing"), ("POST", "/"), ("DELETE", "/x")):
        assert client.request(method, path).is_error
