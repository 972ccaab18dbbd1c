"""`backroom connect`: access is granted in the browser, kept before anybody says so, and taken from nobody else."""

from __future__ import annotations

import socket
import threading
import webbrowser
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from commerce.errors import NotAuthorised, NotConfigured
from deployments import printing
from deployments.cli import app
from deployments.connecting import PATH, Attempt, Loopback, WrongState, answer_in
from tasks.hub import installed
from tests.journeys.house import House
from tests.small_house import order

REALM = "9130357992221046"
REDIRECT = "http://localhost:8730/callback"


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "complaints", Console(width=400, stderr=True))


@pytest.fixture
def unconnected(house: House) -> Iterator[House]:
    """A house whose books nobody has connected: no company named, no token given."""
    settings(house, realm_id="", refresh_token="")
    with installed(house.hub):
        yield house


def settings(house: House, **changes: object) -> None:
    """Change the settings of the books as an edited stack.toml would."""
    old = house.hub.stack.connection("books")
    new = type(old).model_validate({**dict(old), **changes})
    connections = {**house.hub.stack.connections, "books": new}
    house.hub.stack = house.hub.stack.model_copy(update={"connections": connections})
    house.hub._clients.clear()


def in_the_browser(house: House, address: str, connection: str = "books") -> str:
    """Somebody opens the address and decides; where the vendor sends the browser to."""
    with httpx.Client(transport=house.vendors[connection].transport()) as browser:
        answer = browser.get(address)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def kept(house: House) -> tuple[str, bool]:
    """The account and whether there is a refresh token."""
    tokens = house.hub.ledger.tokens("books").load()
    return ("", False) if tokens is None else (tokens.account, bool(tokens.refresh))


def backroom(*arguments: str, typed: str = "") -> Result:
    result = CliRunner().invoke(app, list(arguments), input=typed or None)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_company_is_connected_in_the_browser_and_orders_reach_it(
    unconnected: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given books that nobody has connected, and that are paused for it
    house, port, pages = unconnected, free_port(), []
    order(house)
    house.record()
    house.deliver("books")
    assert [pause.connection for pause in house.hub.ledger.paused()] == ["books"]

    # when the merchant runs the command, and grants access in the browser that it opens
    def browse(address: str) -> bool:
        asked = query_of(address)
        assert asked["scope"] == "com.intuit.quickbooks.accounting"
        assert (asked["response_type"], asked["client_id"]) == ("code", "client")
        back = in_the_browser(house, address)
        assert kept(house) == ("", False)
        pages.append(httpx.get(back, trust_env=False))
        assert kept(house) == (REALM, True), "kept before the page said so"
        return True

    monkeypatch.setattr(webbrowser, "open", browse)
    result = backroom("connect", "books", "--port", str(port))
    # then both say so, the connection goes on, and the order arrives
    assert result.exit_code == 0
    assert f"books is connected to {REALM}" in result.stdout
    assert (pages[0].status_code, "books is connected" in pages[0].text) == (200, True)
    assert pages[0].headers["cache-control"] == "no-store"
    assert pages[0].headers["referrer-policy"] == "no-referrer"
    assert house.hub.ledger.paused() == []
    house.deliver("books")
    assert [one["DocNumber"] for one in house.vendors["books"].state()["documents"]] == ["S-1001"]
    # and nobody listens any more
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://localhost:{port}{PATH}", trust_env=False)


def test_a_stranger_who_visits_the_page_changes_nothing(unconnected: House) -> None:
    port = free_port()
    here = f"http://localhost:{port}"
    attempt = Attempt(unconnected.hub, "books", f"{here}{PATH}")
    back = in_the_browser(unconnected, attempt.address)
    with Loopback(attempt, port, "books") as waiting:
        stranger = httpx.get(f"{here}{PATH}?state=x&code=y&realmId=1", trust_env=False)
        assert (stranger.status_code, "does not fit" in stranger.text) == (400, True)
        assert httpx.get(f"{here}/favicon.ico", trust_env=False).status_code == 404
        assert httpx.post(back, trust_env=False).status_code == 501
        assert httpx.get(f"{here}{PATH}?state=<script>&error=<script>", trust_env=False).text.count("<script") == 0
        # then the merchant's own answer is taken
        assert httpx.get(back, trust_env=False).status_code == 200
        assert waiting.wait(5) == REALM


def test_a_refusal_is_explained_and_its_answer_cannot_be_used_again(unconnected: House) -> None:
    unconnected.vendors["books"].act("decide", {"answer": "deny"})
    attempt = Attempt(unconnected.hub, "books", REDIRECT)
    back = in_the_browser(unconnected, attempt.address)
    with Loopback(attempt, 0, "books") as waiting:
        status, text = waiting.visit(urlsplit(back)._replace(scheme="", netloc="").geturl())
        assert (status, "access was not granted (access_denied)" in text) == (400, True)
        assert waiting.visit(urlsplit(back)._replace(scheme="", netloc="").geturl())[0] == 400
        waiting._over.set()
        with pytest.raises(NotAuthorised, match="access_denied") as caught:
            waiting.wait(5)
    assert "administrator" in caught.value.hint
    assert kept(unconnected) == ("", False)


def test_an_answer_is_good_once_and_not_for_ever(unconnected: House) -> None:
    now = 0.0
    attempt = Attempt(unconnected.hub, "books", REDIRECT, lifetime=600, clock=lambda: now)
    answer = query_of(in_the_browser(unconnected, attempt.address))
    for wrong in (
        {},
        {**answer, "state": ""},
        {**answer, "state": answer["state"][:-1]},
        {**answer, "state": "é\ud800"},
    ):
        with pytest.raises(WrongState):
            attempt.take(wrong)
    assert attempt.take(answer) == REALM
    with pytest.raises(WrongState):
        attempt.take(answer)
    late = Attempt(unconnected.hub, "books", REDIRECT, lifetime=600, clock=lambda: now)
    answer = query_of(in_the_browser(unconnected, late.address))
    now = 601.0
    with pytest.raises(WrongState):
        late.take(answer)
    assert late.address != attempt.address


def test_nobody_answers_and_nothing_is_left(unconnected: House) -> None:
    port = free_port()
    with (
        Loopback(Attempt(unconnected.hub, "books", f"http://localhost:{port}{PATH}"), port, "books") as waiting,
        pytest.raises(NotAuthorised, match="no answer came"),
    ):
        waiting.wait(0.01)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://localhost:{port}{PATH}", trust_env=False)
    assert kept(unconnected) == ("", False)


def test_a_port_that_is_taken_is_named(unconnected: House) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        result = backroom("connect", "books", "--no-browser", "--port", str(other.getsockname()[1]))
    assert (result.exit_code, "--paste" in result.stderr) == (2, True)


def test_ctrl_c_leaves_nothing(unconnected: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(address: str) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(webbrowser, "open", interrupted)
    port = free_port()
    assert backroom("connect", "books", "--port", str(port)).exit_code != 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://localhost:{port}{PATH}", trust_env=False)
    assert kept(unconnected) == ("", False)


def test_on_a_server_without_a_browser_the_final_address_is_pasted(
    unconnected: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the receiver is public, so its own address is the redirect
    settings(unconnected, realm_id="", refresh_token="")

    def pasted(*_: object, **__: object) -> str:
        return in_the_browser(unconnected, Shown.address) + "\n"

    class Shown:
        address = ""

    def echo(text: str = "", **_: object) -> None:
        Shown.address = next((word for word in text.split() if "/connect/oauth2?" in word), Shown.address)

    monkeypatch.setattr("typer.echo", echo)
    monkeypatch.setattr("typer.prompt", pasted)
    assert backroom("connect", "books", "--paste").exit_code == 0
    assert query_of(Shown.address)["redirect_uri"] == "http://127.0.0.1:8720/reconnect/books/callback"
    assert kept(unconnected) == (REALM, True)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "hello",
        "http://localhost:8730/callback",
        "https://localhost:8730/callback?a=b",
        "http://evil.test/callback?a=b",
    ],
)
def test_what_is_pasted_must_be_the_answer(address: str) -> None:
    with pytest.raises(NotAuthorised, match="begins with"):
        answer_in(address, REDIRECT)


def test_another_company_than_the_one_of_stack_toml_is_refused(house: House) -> None:
    house.vendors["books"].act("decide", {"answer": "allow", "realm_id": "310687"})
    attempt = Attempt(house.hub, "books", REDIRECT)
    answer = query_of(in_the_browser(house, attempt.address))
    with pytest.raises(NotAuthorised, match=f"310687.*{REALM}") as caught:
        attempt.take(answer)
    assert "realm_id" in caught.value.hint
    assert kept(house) == ("", False)


def test_another_company_than_the_connected_one_is_refused_until_it_is_disconnected(unconnected: House) -> None:
    # given books that are connected to a company which stack.toml does not name
    house = unconnected
    first = Attempt(house.hub, "books", REDIRECT)
    first.take(query_of(in_the_browser(house, first.address)))
    # when access is granted for another one
    house.vendors["books"].act("decide", {"answer": "allow", "realm_id": "310687"})
    second = Attempt(house.hub, "books", REDIRECT)
    with pytest.raises(NotAuthorised, match="belongs to") as caught:
        second.take(query_of(in_the_browser(house, second.address)))
    # then nothing has changed, and it is said how it would
    assert "backroom disconnect books" in caught.value.hint
    assert kept(house) == (REALM, True)


def test_a_company_that_somebody_wrote_into_the_answer_takes_nothing_away(unconnected: House) -> None:
    # given books that work, and somebody who may connect his own company only
    house = unconnected
    first = Attempt(house.hub, "books", REDIRECT)
    first.take(query_of(in_the_browser(house, first.address)))
    before = house.hub.ledger.tokens("books").load()
    house.vendors["books"].act("decide", {"answer": "allow", "realm_id": "310687"})
    # when he writes our company into his answer
    second = Attempt(house.hub, "books", REDIRECT)
    answer = query_of(in_the_browser(house, second.address)) | {"realmId": REALM}
    with pytest.raises(NotAuthorised, match=f"does not open company {REALM}"):
        second.take(answer)
    # then the access that we had is still there
    assert house.hub.ledger.tokens("books").load() == before


def test_wrong_keys_of_the_app_are_told_as_such(unconnected: House) -> None:
    settings(unconnected, client_secret="another")
    attempt = Attempt(unconnected.hub, "books", REDIRECT)
    with pytest.raises(NotAuthorised, match="invalid_client") as caught:
        attempt.take(query_of(in_the_browser(unconnected, attempt.address)))
    assert "Keys & credentials" in caught.value.hint
    assert "another" not in f"{caught.value} {caught.value.hint}"


def test_a_connection_without_a_browser_says_how_it_is_set_up(house: House) -> None:
    with pytest.raises(NotConfigured, match="not connected in the browser"):
        Attempt(house.hub, "inventory", REDIRECT)


def test_disconnecting_gives_access_back_and_pauses(unconnected: House) -> None:
    house = unconnected
    attempt = Attempt(house.hub, "books", REDIRECT)
    attempt.take(query_of(in_the_browser(house, attempt.address)))
    result = backroom("disconnect", "books")
    assert (result.exit_code, "access was given back" in result.stdout) == (0, True)
    assert kept(house) == ("", False)
    assert house.vendors["books"].desk.refresh == ""  # type: ignore[attr-defined]
    assert [pause.connection for pause in house.hub.ledger.paused()] == ["books"]
    # and it may be done twice
    assert backroom("disconnect", "books").exit_code == 0


def test_connecting_while_somebody_renews_keeps_the_new_access(unconnected: House) -> None:
    house = unconnected
    first = Attempt(house.hub, "books", REDIRECT)
    first.take(query_of(in_the_browser(house, first.address)))
    second = Attempt(house.hub, "books", REDIRECT)
    answer = query_of(in_the_browser(house, second.address))
    store = house.hub.ledger.tokens("books")
    # given a renewal under way, when the answer comes, then it waits and has the last word
    with store.refreshing():
        taking = threading.Thread(target=second.take, args=(answer,))
        taking.start()
        known = store.load()
        assert known is not None
        store.save(known)
    taking.join(10)
    newest = store.load()
    assert newest is not None
    assert newest.refresh == house.vendors["books"].desk.refresh  # type: ignore[attr-defined]


def test_shopify_is_connected_by_the_same_command(house: House) -> None:
    attempt = Attempt(house.hub, "shop", REDIRECT)
    asked = urlsplit(attempt.address)
    assert query_of(attempt.address)["redirect_uri"] == REDIRECT
    assert "/admin/oauth/authorize" in asked.path
    with pytest.raises(NotAuthorised, match="not signed"):
        attempt.take({"state": query_of(attempt.address)["state"], "code": "x", "shop": "demo.myshopify.com"})
