"""How we come by access: the client's own credentials, a rotated pair, or a merchant's approval in the browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from commerce.errors import NotAuthorised, NotConfigured, TemporarilyUnavailable
from commerce.ports import Tokens
from integrations.auth import MemoryTokens
from integrations.connector import Authorisation, Services
from integrations.shopify import CONNECTOR
from integrations.shopify.client import Shopify
from integrations.shopify.granting import mac, signed
from integrations.simulator import Fault

from .connected import Connected, some_settings

HOUR, DAY = 3600, 86_400
TOKENS = "access_token"
HUB = "https://hub.example.com/connect/shop"


class Rotating(Connected):
    """A shop that we have a first refresh token of; `store` outlives a client."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.store = MemoryTokens()
        self.first = self.sim.do_refresh_token()["refresh_token"]
        self.asked: list[dict[str, str]] = []
        answer = self.sim.answer

        def keep(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith(TOKENS):
                self.asked.append(json.loads(request.content))
            return answer(request)

        self.sim.answer = keep  # type: ignore[method-assign]

    def fresh(self, refresh: str = "") -> Shopify:
        """As a process that starts anew."""
        settings = some_settings(refresh_token=SecretStr(refresh or self.first))
        return Shopify(settings, self.services())

    def services(self) -> Services:
        return Services(transport=self.sim.transport(), sleep=self.sleep, clock=self.clock, tokens=self.store)

    def used(self) -> list[str]:
        """The refresh tokens that were sent."""
        return [one.get("refresh_token", "") for one in self.asked]


def test_the_clients_own_credentials_are_sent_as_a_form_that_accepts_json():
    # given a shop that keeps what its token endpoint is asked
    shop = Connected()
    answer, asked = shop.sim.answer, list[httpx.Request]()

    def keep(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(request)

    shop.sim.answer = keep  # type: ignore[method-assign]
    # when it is read
    shop.client.locations()
    # then the call is the one of Shopify's page
    token, call = asked
    assert token.headers["content-type"] == "application/x-www-form-urlencoded"
    assert token.headers["accept"] == "application/json"
    assert dict(parse_qsl(token.content.decode())) == {
        "grant_type": "client_credentials",
        "client_id": "sim-client",
        "client_secret": "sim-secret",
    }
    assert call.headers["x-shopify-access-token"].startswith("shpat_")


def test_a_first_refresh_token_becomes_a_pair_that_is_rotated_every_hour():
    # given a client with a first refresh token
    shop = Rotating()
    client = shop.fresh()
    # when it reads now, again, and an hour later
    for wait in (0, 0, HOUR):
        shop.clock.now += wait
        client.locations()
    # then it renewed twice, each time with the newest refresh token, and was never refused
    (first, second) = shop.used()
    assert first == shop.first
    assert second != first
    assert {one["grant_type"] for one in shop.asked} == {"refresh_token"}
    assert all(call.status == 200 for call in shop.sim.calls)
    # and both ends of the pair are known
    kept = shop.store.load()
    assert kept.expires_at - shop.now() == timedelta(hours=1)
    assert kept.refresh_expires_at - shop.now() == timedelta(days=90)


def test_a_process_that_starts_anew_goes_on_with_the_kept_pair_and_not_with_the_first_token():
    # given a pair that was rotated and used, so that the first token is dead
    shop = Rotating()
    client = shop.fresh()
    for _ in range(3):
        client.locations()
        shop.clock.now += HOUR
    # when another process starts with the same settings
    assert len(shop.fresh().locations()) == 2
    # then it never tried the first one again
    assert shop.used().count(shop.first) == 1


@pytest.mark.parametrize("lost", ["drop_after", "timeout_after", "after"])
def test_an_answer_to_a_renewal_that_gets_lost_is_asked_for_again_with_the_same_refresh_token(lost):
    # given a renewal that Shopify carries out and whose answer is lost
    shop = Rotating()
    client = shop.fresh()
    shop.sim.faults.append(Fault(kind=lost, status=520, on=TOKENS, times=1))
    # when the client goes on
    assert len(client.locations()) == 2
    # then it used the old token twice, and the pair of the second answer works for good
    assert shop.used()[:2] == [shop.first, shop.first]
    shop.clock.now += HOUR
    assert len(client.locations()) == 2


class Crashing(MemoryTokens):
    """A store that breaks before it has kept the second pair."""

    def save(self, tokens: Tokens) -> Tokens:
        if self.tokens is not None and self.tokens.generation == 1:
            raise KeyboardInterrupt
        return super().save(tokens)


def test_a_pair_is_kept_before_it_is_used_so_that_a_crash_in_between_loses_nothing():
    # given a process that dies between the answer to a renewal and keeping it
    shop = Rotating()
    shop.store = Crashing()
    client = shop.fresh()
    client.locations()
    shop.clock.now += HOUR
    with pytest.raises(KeyboardInterrupt):
        client.locations()
    # then nothing was called with the pair that was lost
    kept = shop.store.load()
    assert shop.sim.calls[-1].path.endswith(TOKENS)
    # and a new process renews with the refresh token of before
    shop.store = MemoryTokens(kept)
    assert len(shop.fresh().locations()) == 2
    assert shop.used()[-2:] == [kept.refresh, kept.refresh]


@pytest.mark.parametrize(("words", "status"), [("invalid_request", 401), ("invalid_grant", 400)])
def test_a_dead_refresh_token_is_a_matter_for_a_person(words, status):
    # given a refresh token that Shopify has ended, refused in either way that was seen
    shop = Rotating(dead_refresh=words)
    client = shop.fresh("shprt_dead")
    # when the shop is read
    with pytest.raises(NotAuthorised) as refused:
        client.locations()
    # then one try was enough, and a person is told what to do, without the token
    assert refused.value.hint == "give it anew: backroom connect shop"
    assert f"{status} {words}" in str(refused.value)
    assert "shprt" not in str(refused.value)
    assert len(shop.asked) == 1


def test_a_refresh_token_whose_ninety_days_are_over_is_tried_once():
    # given a hub that stood still for longer than the refresh token lives
    shop = Rotating()
    shop.fresh().locations()
    shop.clock.now += 91 * DAY
    asked = len(shop.asked)
    # then Shopify says so, and a person is told what to do
    with pytest.raises(NotAuthorised) as refused:
        shop.fresh().locations()
    assert refused.value.hint == "give it anew: backroom connect shop"
    assert len(shop.asked) == asked + 1


def test_a_token_endpoint_in_trouble_is_waited_for_and_the_old_token_kept():
    shop = Rotating()
    shop.sim.faults.append(Fault(kind="before", status=520, on=TOKENS, times=9))
    with pytest.raises(TemporarilyUnavailable):
        shop.fresh().locations()
    shop.sim.faults.clear()
    assert len(shop.fresh().locations()) == 2


@pytest.mark.parametrize("accepts", ["json", "page"])
@pytest.mark.parametrize(
    ("spoil", "code", "hint"),
    [
        (lambda sim: setattr(sim.tokens, "permitted", False), "shop_not_permitted", "backroom connect shop"),
        (lambda sim: sim.do_uninstall(), "app_not_installed", "install it in the shop"),
        (lambda sim: sim.do_change_secret("new"), "invalid_client", "BACKROOM_SHOP_CLIENT_SECRET"),
    ],
)
def test_each_refusal_of_the_token_endpoint_says_what_to_do(spoil: Callable[[Any], None], code, hint, accepts):
    # given a shop that gives no token, in JSON or, as it sometimes does, as a page
    shop = Connected()
    spoil(shop.sim)
    if accepts == "page":
        answer = shop.sim.answer

        def page(request: httpx.Request) -> httpx.Response:
            request.headers["accept"] = "*/*"
            return answer(request)

        shop.sim.answer = page  # type: ignore[method-assign]
    # when it is checked
    (finding,) = shop.client.check()
    # then there is one line
    assert (finding.subject, finding.ok) == ("credential", False)
    assert code in finding.message
    assert hint in finding.hint
    assert len([call for call in shop.sim.calls if call.path.endswith(TOKENS)]) == 1


@pytest.mark.parametrize(
    "body",
    [
        "<html>",
        [],
        {},
        {"access_token": ""},
        {"access_token": None, "expires_in": 9},
        {"access_token": "x", "expires_in": "soon"},
    ],
)
def test_a_token_answer_without_a_token_is_no_token(body):
    shop = Connected()
    shop.sim.faults.append(Fault(kind="before", status=200, on=TOKENS, body=body, times=9))
    (finding,) = shop.client.check()
    assert "token" in finding.message


def test_what_every_bad_token_answers_is_told_apart_from_a_missing_scope():
    # given a static token that was revoked
    shop = Connected({"client_id": "", "client_secret": SecretStr(""), "access_token": SecretStr("shpat_sim")})
    shop.client.locations()
    shop.sim.do_uninstall()
    # when the shop is read
    with pytest.raises(NotAuthorised) as refused:
        shop.client.locations()
    # then the token is to be replaced, once
    assert "401" in str(refused.value)
    assert "put the new one in" in refused.value.hint


def granted_by(where: Connected, **changes: str) -> dict[str, str]:
    """The query that the browser brings back, after the merchant has approved."""
    to = authorisation().address(where.client.settings, HUB, "state-1")
    page = httpx.Client(transport=where.sim.transport()).get(to)
    assert page.status_code == 302
    return {**dict(parse_qsl(urlsplit(page.headers["location"]).query)), **changes}


def authorisation() -> Authorisation:
    assert CONNECTOR.authorisation is not None
    return CONNECTOR.authorisation


def test_access_given_in_the_browser_is_exchanged_kept_and_rotated():
    # given a merchant who approves the app
    shop = Rotating(redirects=[HUB])
    answer = granted_by(shop)
    assert (answer["shop"], answer["state"]) == ("demo.myshopify.com", "state-1")
    # when the browser comes back
    account = authorisation().granted(shop.client.settings, shop.services(), HUB, answer)
    # then the code was exchanged for an expiring pair, kept with the shop it is for
    assert account == "demo.myshopify.com"
    kept = shop.store.load()
    assert kept.account == account
    assert kept.refresh.startswith("shprt_")
    assert shop.asked == [
        {"client_id": "sim-client", "client_secret": "sim-secret", "code": answer["code"], "expiring": "1"}
    ]
    # and a client without any other credential works with it for longer than it lives
    client = Shopify(some_settings(), shop.services())
    for _ in range(3):
        assert len(client.locations()) == 2
        shop.clock.now += HOUR


def test_the_page_of_approval_asks_for_the_scopes_that_the_hub_needs():
    to = urlsplit(authorisation().address(some_settings(base_url=""), HUB, "s"))
    asked = dict(parse_qsl(to.query))
    assert (to.netloc, to.path) == ("demo.myshopify.com", "/admin/oauth/authorize")
    assert asked.keys() == {"client_id", "scope", "redirect_uri", "state"}
    assert {"read_orders", "write_inventory", "read_all_orders"} < set(asked["scope"].split(","))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"code": "another"}, "not signed"),
        ({"shop": "other.myshopify.com"}, "not signed"),
        ({"hmac": ""}, "not signed"),
        ({"hmac": "0" * 64}, "not signed"),
    ],
)
def test_an_answer_that_shopify_did_not_sign_gives_no_access(changes, words):
    shop = Rotating()
    with pytest.raises(NotAuthorised, match=words):
        authorisation().granted(shop.client.settings, shop.services(), HUB, granted_by(shop, **changes))
    assert (shop.store.load(), shop.asked) == (None, [])


def test_a_signed_answer_of_another_shop_gives_no_access():
    # the same app may be installed in two shops of a merchant
    shop = Rotating(domain="other.myshopify.com")
    with pytest.raises(NotAuthorised) as refused:
        authorisation().granted(shop.client.settings, shop.services(), HUB, granted_by(shop))
    assert "demo.myshopify.com" in refused.value.hint
    assert shop.store.load() is None


def test_a_code_is_good_once():
    shop = Rotating()
    answer = granted_by(shop)
    authorisation().granted(shop.client.settings, shop.services(), HUB, answer)
    with pytest.raises(NotAuthorised) as refused:
        authorisation().granted(shop.client.settings, shop.services(), HUB, answer)
    assert "backroom connect shop" in refused.value.hint
    assert "sim-secret" not in str(refused.value)


def test_an_answer_to_the_code_that_gets_lost_is_said_so():
    shop = Rotating()
    answer = granted_by(shop)
    shop.sim.faults.append(Fault(kind="drop_after", on=TOKENS))
    with pytest.raises(NotAuthorised, match="could not be exchanged"):
        authorisation().granted(shop.client.settings, shop.services(), HUB, answer)


def test_nobody_is_sent_to_approve_what_would_not_be_used():
    with pytest.raises(NotConfigured, match="BACKROOM_SHOP_ACCESS_TOKEN"):
        authorisation().address(some_settings(access_token=SecretStr("shpat_x")), HUB, "s")


def test_the_signature_is_the_one_that_shopifys_libraries_make():
    # given the query that Shopify's Python library tests with, its secret and its signature
    answer = {"shop": "some-shop.myshopify.com", "code": "a94a110d86d2452eb3e2af4cfb8a3828", "timestamp": "1337178173"}
    found = "2cb1a277650a659f1b11e92a4a64275b128e037f2c3390e3c8fd2d8721dac9e2"
    # then it is taken, and no other
    assert signed("hush", {**answer, "hmac": found})
    assert not signed("hush", {**answer, "hmac": found[:-1] + "3"})
    assert not signed("", {**answer, "hmac": mac("", "").decode()})


@given(st.dictionaries(st.text("ab&=%", min_size=1), st.text("ab&=%"), max_size=4), st.text("ab&=%", min_size=1))
def test_no_other_query_has_the_same_signature(answer, more):
    # a signature that was given for one query is worth nothing for one that was cut differently
    signature = mac("hush", "&".join(f"{name}={value}" for name, value in sorted(answer.items()))).decode()
    changed = {**answer, "a": answer.get("a", "") + more}
    if signed("hush", {**answer, "hmac": signature}):
        assert not signed("hush", {**changed, "hmac": signature})


def test_a_static_token_is_migrated_by_an_exchange_that_ends_it():
    # given a shop with an old token
    shop = Connected()
    form = {
        "client_id": "sim-client",
        "client_secret": "sim-secret",
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "shpat_sim",
        "subject_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
        "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
        "expiring": "1",
    }
    # when it is exchanged
    answer = shop.http.post("/admin/oauth/access_token", json=form).json()
    # then there is a pair, and the old one is dead
    assert (answer["expires_in"], answer["refresh_token_expires_in"]) == (HOUR, 90 * DAY)
    assert not shop.sim.tokens.valid("shpat_sim")


def test_the_simulators_refresh_tokens_are_forgiving_for_thirty_days_and_until_the_successor_is_used():
    shop = Connected()
    form = {"client_id": "sim-client", "client_secret": "sim-secret", "grant_type": "refresh_token"}

    def refresh(token: str) -> httpx.Response:
        return shop.http.post("/admin/oauth/access_token", json={**form, "refresh_token": token})

    # given a token that was used, and whose answer got lost
    old = shop.sim.do_refresh_token()["refresh_token"]
    lost = refresh(old).json()
    # then it may be used again for thirty days, and gives the same successor
    shop.clock.now += 29 * DAY
    assert refresh(old).json()["refresh_token"] == lost["refresh_token"]
    shop.clock.now += 2 * DAY
    assert refresh(old).status_code == 401
    # and a successor that is refreshed itself ends it at once
    second = shop.sim.do_refresh_token()["refresh_token"]
    successor = refresh(second).json()["refresh_token"]
    assert refresh(successor).status_code == 200
    assert refresh(second).status_code == 401


def test_moments_are_those_of_the_hubs_clock():
    shop = Rotating()
    shop.fresh().locations()
    assert shop.store.load().expires_at == datetime.fromtimestamp(shop.clock(), UTC) + timedelta(hours=1)
