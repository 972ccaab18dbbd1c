"""The receiver's reconnect page: anybody may open it, and nobody can do more than renew what was granted before."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from starlette.testclient import TestClient

from deployments.connecting import Attempt, WrongState
from deployments.receiver import receiver_app
from deployments.reconnecting import ANSWERS_A_MINUTE, LIFETIME, LINK_LIFETIME, link
from tests.constant_time import compared
from tests.deployments.test_connecting import REALM, in_the_browser, kept, query_of, settings
from tests.journeys.house import House

HUB = "https://hub.example.com"


@pytest.fixture
def receiver(house: House) -> Iterator[TestClient]:
    """A browser at the public receiver of a house whose books belong to a company."""
    public(house)
    with a_browser(house) as client:
        yield client


def public(house: House) -> None:
    hub = house.hub.stack.hub.model_copy(update={"receiver": HUB})
    house.hub.stack = house.hub.stack.model_copy(update={"hub": hub})


def a_browser(house: House) -> TestClient:
    return TestClient(receiver_app(house.hub), base_url=HUB, follow_redirects=False)


def path(address: str) -> str:
    return urlsplit(address)._replace(scheme="", netloc="").geturl()


def begun(receiver: TestClient, house: House, at: str = "/reconnect/books") -> str:
    """Begin in this browser and decide at the vendor; where the vendor sends the browser to."""
    answer = receiver.get(at)
    assert answer.status_code == 303, answer.text
    return path(in_the_browser(house, answer.headers["location"]))


def test_a_merchant_whose_access_ended_grants_it_again(house: House, receiver: TestClient) -> None:
    # given books that are paused because access was taken away
    house.vendors["books"].act("revoke", {})
    house.hub.ledger.pause("books", "refused")
    # when the merchant follows the vendor's link
    first = receiver.get("/reconnect/books")
    asked = query_of(first.headers["location"])
    assert first.headers["location"].startswith(house.hub.stack.connection("books").authorize_url)  # type: ignore[attr-defined]
    assert asked["redirect_uri"] == f"{HUB}/reconnect/books/callback"
    cookie = first.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/reconnect/books"))
    done = receiver.get(path(in_the_browser(house, first.headers["location"])))
    # then access is kept and the connection goes on; the page keeps nothing
    assert (done.status_code, "connected again" in done.text) == (200, True)
    assert kept(house) == (REALM, True)
    assert house.hub.ledger.paused() == []
    assert done.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in done.headers["content-security-policy"]
    assert REALM not in done.text


def test_the_answer_is_taken_from_the_browser_that_began_and_from_no_other(house: House, receiver: TestClient) -> None:
    back = begun(receiver, house)
    with a_browser(house) as other:
        assert other.get(back).status_code == 400
        # not even from one that began on its own
        other.get("/reconnect/books")
        assert other.get(back).status_code == 400
    assert kept(house) == ("", False)
    assert receiver.get(back).status_code == 200
    # and once only
    with a_browser(house) as again:
        assert again.get(back).status_code == 400
    assert receiver.get(back).status_code == 400


@pytest.mark.parametrize("spoil", ["", "x", "9999999999.a.b", "é", "."])
def test_a_made_up_state_is_refused(house: House, receiver: TestClient, spoil: str) -> None:
    receiver.get("/reconnect/books")
    answer = receiver.get("/reconnect/books/callback", params={"state": spoil, "code": "x", "realmId": REALM})
    assert answer.status_code == 400
    assert kept(house) == ("", False)


def test_states_are_compared_in_constant_time(
    house: House, receiver: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.get("/reconnect/books")
    attempt = Attempt(house.hub, "books", f"{HUB}/reconnect/books/callback")
    pairs = compared(monkeypatch)
    receiver.get("/reconnect/books/callback", params={"state": "9999999999.a.made-up"})
    with pytest.raises(WrongState):
        attempt.take({"state": "made-up"})
    # at the public page, and on this machine
    assert [b"made-up" in pair for pair in pairs] == [True, True]


def test_a_state_ends_and_is_good_for_its_connection_alone(house: House, receiver: TestClient) -> None:
    back = begun(receiver, house)
    assert receiver.get(back.replace("/books/", "/shop/")).status_code == 400
    house.clock.sleep(LIFETIME + 1)
    assert receiver.get(back).status_code == 400
    assert kept(house) == ("", False)


def test_another_company_is_refused_without_a_word_of_ours(house: House, receiver: TestClient) -> None:
    house.vendors["books"].act("decide", {"answer": "allow", "realm_id": "310687"})
    back = begun(receiver, house)
    answer = receiver.get(back)
    assert (answer.status_code, REALM in answer.text) == (400, False)
    assert kept(house) == ("", False)


def test_another_company_than_the_one_that_was_there_is_refused_too(
    house: House, receiver: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    # given books whose company no setting names, connected once
    settings(house, realm_id="", refresh_token="")
    assert receiver.get(begun(receiver, house, path(link(house.hub, "books")))).status_code == 200
    before = house.hub.ledger.tokens("books").load()
    # when a stranger begins, who needs no link now, and grants access to his own
    house.vendors["books"].act("decide", {"answer": "allow", "realm_id": "310687"})
    answer = receiver.get(begun(receiver, house))
    # then the books stay those of the company that was there
    assert (answer.status_code, REALM in answer.text) == (400, False)
    assert house.hub.ledger.tokens("books").load() == before
    # and it is refused for being another, before the stranger's code is even asked for
    assert f"this connection belongs to {REALM}" in caplog.text


def test_a_forged_company_replaces_nothing(house: House, receiver: TestClient) -> None:
    assert receiver.get(begun(receiver, house)).status_code == 200
    before = house.hub.ledger.tokens("books").load()
    house.vendors["books"].act("decide", {"answer": "allow", "realm_id": "310687"})
    back = begun(receiver, house)
    forged = dict(parse_qsl(urlsplit(back).query)) | {"realmId": REALM}
    assert receiver.get("/reconnect/books/callback", params=forged).status_code == 400
    assert house.hub.ledger.tokens("books").load() == before


def test_the_first_access_needs_a_link_of_the_hub(house: House, receiver: TestClient) -> None:
    # given books that belong to no company yet
    settings(house, realm_id="", refresh_token="")
    # then a stranger cannot connect them to his
    for ticket in ("", "?ticket=", "?ticket=9999999999.x.y"):
        assert receiver.get(f"/reconnect/books{ticket}").status_code == 403
    # but the merchant can, with the link that the hub printed, for this connection and for a while
    ours = path(link(house.hub, "books"))
    assert receiver.get(ours.replace("/books", "/shop")).status_code == 303  # the shop is named in stack.toml
    house.clock.sleep(LINK_LIFETIME + 1)
    assert receiver.get(ours).status_code == 403
    assert receiver.get(begun(receiver, house, path(link(house.hub, "books")))).status_code == 200
    assert kept(house) == (REALM, True)


@pytest.mark.parametrize("name", ["nobody", "inventory", "alerts", "BOOKS", "x" * 500])
def test_what_is_not_connected_in_a_browser_is_not_found(receiver: TestClient, name: str) -> None:
    assert receiver.get(f"/reconnect/{name}").status_code == 404
    assert receiver.get(f"/reconnect/{name}/callback?state=x").status_code == 404


def test_without_a_public_address_there_is_no_page(house: House, receiver: TestClient) -> None:
    hub = house.hub.stack.hub.model_copy(update={"receiver": ""})
    house.hub.stack = house.hub.stack.model_copy(update={"hub": hub})
    assert receiver.get("/reconnect/books").status_code == 404


def test_it_sends_nobody_elsewhere(house: House, receiver: TestClient) -> None:
    for query in (
        "redirect=https://evil.test",
        "redirect_uri=https://evil.test",
        "next=//evil.test",
        "ticket=//evil.test",
    ):
        answer = receiver.get(
            f"/reconnect/books?{query}", headers={"host": "evil.test", "x-forwarded-host": "evil.test"}
        )
        assert "evil" not in answer.headers["location"]


def test_answers_are_bounded(house: House, receiver: TestClient) -> None:
    # given somebody who begins again and again with codes that he made up
    statuses = []
    for _ in range(ANSWERS_A_MINUTE + 1):
        state = query_of(receiver.get("/reconnect/books").headers["location"])["state"]
        answer = receiver.get("/reconnect/books/callback", params={"state": state, "code": "made-up", "realmId": REALM})
        statuses.append(answer.status_code)
    # then the vendor is asked so often and no more
    assert statuses == [400] * ANSWERS_A_MINUTE + [503]
    # and a minute later the merchant is served
    house.clock.sleep(61)
    assert receiver.get(begun(receiver, house)).status_code == 200


def test_nothing_but_a_visit_is_taken(receiver: TestClient) -> None:
    assert receiver.post("/reconnect/books").status_code == 405
    assert receiver.post("/reconnect/books/callback").status_code == 405


def test_the_page_obeys_no_markup(house: House, receiver: TestClient) -> None:
    back = httpx.URL("/reconnect/books/callback", params={"error": "<script>alert(1)</script>", "state": "<b>"})
    assert "<script" not in receiver.get(str(back)).text
