"""What every simulator has: faults, limits by the clock, an httpx transport, and a place on an HTTP server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.testclient import TestClient

from commerce.errors import OutcomeUnknown
from integrations.http import ApiClient
from integrations.simulator import Bucket, Fault, FixedWindow, Simulator, json_body
from integrations.simulator_server import simulator_app

BASE = "https://notes.test/api/v1"


class Time:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.now = 1_795_435_200.0

    def __call__(self) -> float:
        return self.now


class Notes(Simulator):
    """A vendor that keeps notes: POST /notes adds one, GET /notes lists them."""

    vendor = "notes"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.notes: list[Any] = []
        self.paths: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.raw_path.decode())
        if request.url.path != "/notes":
            return httpx.Response(404, json={"error": "not found"})
        if request.method == "POST":
            self.notes.append(json_body(request))
            return httpx.Response(201, json={"id": len(self.notes)}, headers={"x-request-id": "n-1"})
        return httpx.Response(200, json=self.notes)

    def state(self) -> dict[str, Any]:
        return {"notes": self.notes}

    def do_note(self, text: str, hook: str = "") -> int:
        """Somebody writes a note there."""
        self.notes.append(text)
        if hook:
            self.outbox.append(httpx.Request("POST", hook, json={"note": text}))
        return len(self.notes)


@pytest.fixture
def notes() -> Notes:
    return Notes(base_url=BASE)


@pytest.fixture
def client(notes: Notes) -> httpx.Client:
    return httpx.Client(base_url=BASE, transport=notes.transport())


# ---- faults ----


def test_a_fault_before_does_nothing_and_is_used_up(notes: Notes, client: httpx.Client) -> None:
    notes.faults = [Fault(status=503, headers={"retry-after": "1"}, body={"errors": "busy"})]
    refused = client.post("/notes", json="milk")
    assert (refused.status_code, refused.headers["retry-after"], refused.json()) == (503, "1", {"errors": "busy"})
    assert notes.notes == []
    assert client.post("/notes", json="milk").status_code == 201
    assert notes.notes == ["milk"]


def test_a_fault_after_has_done_it(notes: Notes, client: httpx.Client) -> None:
    notes.faults = [Fault("after", status=502, body="<html>Bad gateway</html>")]
    lost = client.post("/notes", json="milk")
    assert (lost.status_code, lost.text) == (502, "<html>Bad gateway</html>")
    assert notes.notes == ["milk"]


@pytest.mark.parametrize(
    ("kind", "error", "kept"),
    [
        ("drop", httpx.RemoteProtocolError, []),
        ("drop_after", httpx.RemoteProtocolError, ["milk"]),
        ("timeout_after", httpx.ReadTimeout, ["milk"]),
    ],
)
def test_a_dropped_answer(
    notes: Notes, client: httpx.Client, kind: Any, error: type[Exception], kept: list[str]
) -> None:
    notes.faults = [Fault(kind)]
    with pytest.raises(error):
        client.post("/notes", json="milk")
    assert notes.notes == kept


def test_a_fault_waits_for_its_own_request(notes: Notes, client: httpx.Client) -> None:
    notes.faults = [Fault(status=500, on=r"^POST /notes$", times=2), Fault(status=418, on="/tea")]
    assert client.get("/notes").status_code == 200
    assert [client.post("/notes", json=n).status_code for n in (1, 2, 3)] == [500, 500, 201]
    assert client.get("/tea").status_code == 418
    assert notes.do_calls() == {"GET 200": 1, "POST 500": 2, "POST 201": 1, "GET 418": 1}


def test_the_world_may_order_a_fault(notes: Notes, client: httpx.Client) -> None:
    notes.act("fault", {"kind": "before", "status": 429, "on": "GET"})
    assert client.get("/notes").status_code == 429


def test_an_unknown_action_is_named(notes: Notes) -> None:
    with pytest.raises(KeyError, match=r"notes has no action 'dance'; it has calls, fault, note"):
        notes.act("dance", {})


# ---- limits by the clock ----


def test_a_bucket_gives_its_capacity_at_once_and_leaks_back() -> None:
    clock = Time()
    bucket = Bucket(capacity=3, per_second=2, clock=clock)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    clock.now += 0.4
    assert not bucket.take()
    clock.now += 0.1
    assert bucket.take()
    clock.now += 3600
    assert bucket.available() == 3


@pytest.mark.parametrize("per_second", [0.1, 0.7, 3.0, 7.3, 40.0])
def test_who_waits_as_long_as_told_gets_through(per_second: float) -> None:
    clock = Time()
    bucket = Bucket(capacity=5, per_second=per_second, clock=clock)
    bucket.take(5)
    for _ in range(50):
        assert not bucket.take(1.5)
        clock.now += bucket.wait_for(1.5)
        assert bucket.take(1.5)


def test_a_bucket_gives_all_or_nothing() -> None:
    bucket = Bucket(capacity=10, per_second=1, clock=Time())
    assert not bucket.take(11)
    assert bucket.available() == 10
    assert bucket.wait_for(11) == 1.0


def test_a_clock_that_goes_back_fills_no_bucket() -> None:
    clock = Time()
    bucket = Bucket(capacity=2, per_second=1, clock=clock)
    bucket.take(2)
    clock.now -= 60
    assert bucket.available() == 0


@pytest.mark.parametrize("seconds", [1.0, 0.3, 60.0])
def test_a_window_counts_until_it_is_over(seconds: float) -> None:
    clock = Time()
    window = FixedWindow(limit=2, seconds=seconds, clock=clock)
    for _ in range(50):
        assert (window.take(), window.take(), window.take(), window.remaining) == (True, True, False, 0)
        clock.now += seconds / 3
        assert not window.take()
        clock.now += window.reset
        assert window.remaining == 2
        assert window.reset == pytest.approx(seconds, abs=1e-6)


# ---- as a transport ----


@pytest.mark.parametrize(
    ("base", "asked", "seen"),
    [
        ("https://n.test", "/notes?a=1", "/notes?a=1"),
        ("https://n.test/api/v1", "/notes", "/notes"),
        ("https://n.test/api/v1/", "/notes?q=%2Fapi%2Fv1%20%26", "/notes?q=%2Fapi%2Fv1%20%26"),
        ("https://n.test/api/v1", "/notes/gid%3A%2F%2Fx", "/notes/gid%3A%2F%2Fx"),
        ("https://n.test/api/v1", "https://n.test/api/v1?page=2", "/?page=2"),
        ("https://n.test/api/v1", "https://n.test/api/v10/notes", "/api/v10/notes"),
    ],
)
def test_the_base_path_is_cut_off(base: str, asked: str, seen: str) -> None:
    notes = Notes(base_url=base)
    httpx.Client(base_url=base, transport=notes.transport()).get(asked)
    assert notes.paths == [seen]


def test_a_body_that_is_no_json_is_none() -> None:
    assert [json_body(httpx.Request("POST", BASE, content=body)) for body in (b"", b"{", b"\xff")] == [None] * 3


# ---- as a server ----


@pytest.fixture
def hooks() -> list[httpx.Request]:
    """Webhooks that arrived."""
    return []


@pytest.fixture
def server(notes: Notes, hooks: list[httpx.Request]) -> Iterator[TestClient]:
    """The simulator on a server, whose webhooks are taken in from the third try on."""

    def receive(request: httpx.Request) -> httpx.Response:
        hooks.append(request)
        if request.url.host == "gone.test":
            raise httpx.ConnectError("refused")
        return httpx.Response(200 if len(hooks) >= 3 else 500)

    receiver = httpx.Client(transport=httpx.MockTransport(receive))
    with TestClient(simulator_app({"desk": notes}, receiver, webhook_pause=0.005)) as client:
        yield client


def test_a_simulator_is_served_under_its_name(server: TestClient, notes: Notes) -> None:
    made = server.post("/desk/notes", json="milk")
    assert (made.status_code, made.json(), made.headers["x-request-id"]) == (201, {"id": 1}, "n-1")
    assert server.get("/desk/notes?page=a%20b").json() == ["milk"]
    assert notes.paths == ["/notes", "/notes?page=a%20b"]
    assert server.get("/desk").status_code == 404
    assert server.get("/elsewhere/notes").json() == {"error": "no simulator named elsewhere"}


def test_the_world_has_a_door_of_its_own(server: TestClient) -> None:
    assert server.get("/_control").json() == {"simulators": ["desk"]}
    assert server.post("/_control/desk/note", json={"text": "milk"}).json() == 1
    assert server.post("/_control/desk/state").json() == {"notes": ["milk"]}
    assert server.post("/_control/desk/calls", json={}).json() == {}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("desk/dance", b"{}", 400),
        ("desk/note", b'{"colour": "red"}', 400),
        ("desk/note", b"[1]", 400),
        ("desk/note", b'{"text": ', 400),
        ("nobody/note", b"{}", 404),
    ],
)
def test_what_the_world_cannot_do_is_refused(server: TestClient, path: str, body: bytes, status: int) -> None:
    answer = server.post(f"/_control/{path}", content=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def until(true: Callable[[], bool]) -> None:
    """Wait for it, two seconds at most."""
    ends = time.monotonic() + 2.0
    while not true():
        assert time.monotonic() < ends, "did not happen in time"
        time.sleep(0.005)


def test_webhooks_are_delivered_until_they_are_taken(server: TestClient, hooks: list[httpx.Request]) -> None:
    # given a receiver that fails twice
    server.post("/_control/desk/note", json={"text": "milk", "hook": "http://hub.test/hooks/desk"})
    # when webhooks are due, then the third try is the last
    until(lambda: len(hooks) >= 3)
    server.post("/_control/desk/note", json={"text": "bread", "hook": "http://hub.test/hooks/desk"})
    until(lambda: len(hooks) >= 4)
    assert [json_body(hook)["note"] for hook in hooks] == ["milk", "milk", "milk", "bread"]


def test_a_receiver_that_is_gone_stops_no_other_webhook(server: TestClient, hooks: list[httpx.Request]) -> None:
    server.post("/_control/desk/note", json={"text": "lost", "hook": "http://gone.test/"})
    server.post("/_control/desk/note", json={"text": "odd", "hook": "nonsense://"})
    server.post("/_control/desk/note", json={"text": "milk", "hook": "http://hub.test/"})
    until(lambda: bool(hooks) and json_body(hooks[-1])["note"] == "milk")


@pytest.fixture
def address(notes: Notes) -> Iterator[str]:
    """The simulator on a real HTTP server, under the name "desk"."""
    config = uvicorn.Config(simulator_app({"desk": notes}), port=0, log_level="critical", lifespan="off")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    until(lambda: running.started)
    yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    running.should_exit = True
    thread.join()


def test_a_dropped_connection_is_dropped_on_the_wire_too(address: str, notes: Notes) -> None:
    # given a vendor that keeps a note and then hangs up
    httpx.post(f"{address}/_control/desk/fault", json={"kind": "drop_after", "on": "POST /notes"}, trust_env=False)
    client = ApiClient(vendor="notes", base_url=f"{address}/desk")
    # when a note is written, then its outcome is unknown to the client, and known to us
    with pytest.raises(OutcomeUnknown, match="RemoteProtocolError"):
        client.request("POST", "/notes", json="milk")
    assert notes.notes == ["milk"]
    # and the next call is answered
    assert client.request("GET", "/notes").json() == ["milk"]
    client.close()
