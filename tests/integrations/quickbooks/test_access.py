"""Tokens rotate, and one refused for good stops the connection."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from commerce.errors import NotAuthorised
from commerce.outcomes import Done
from commerce.ports import Tokens
from tests.builders import an_order
from tests.integrations.quickbooks.conftest import World, a_setting


def test_the_first_refresh_token_is_used_once_and_the_store_keeps_its_followers(world: World) -> None:
    # given an empty store, when something is posted
    now = datetime.fromtimestamp(world.now, UTC)
    world.deliver(an_order(1001))
    # then a pair is kept, with the nearer of both ends of the refresh token
    tokens = world.tokens.load()
    assert tokens is not None
    assert tokens.refresh != "RT1-first"
    assert tokens.expires_at == now + timedelta(hours=1)
    assert tokens.refresh_expires_at == now + timedelta(days=100)
    assert tokens.account == world.settings.realm_id
    assert "eyJ" not in repr(tokens)


def test_an_old_token_is_renewed_before_it_is_used(world: World) -> None:
    world.deliver(an_order(1001))
    world.now += 3_600
    (outcome,) = world.deliver(an_order(1002))
    assert isinstance(outcome, Done)
    assert world.sim.desk.issued == 2
    assert {call.status for call in world.sim.calls} == {200}


def test_a_token_that_died_early_is_renewed_after_its_401(world: World) -> None:
    world.deliver(an_order(1001))
    world.sim.do_expire_access()
    (outcome,) = world.deliver(an_order(1002))
    assert isinstance(outcome, Done)
    assert world.totals() == {"S-1001": "49.80", "S-1002": "49.80"}


def test_a_daily_rotation_is_followed_too() -> None:
    world = World(rotate="daily")
    for day in range(3):
        world.deliver(an_order(1001 + day))
        world.now += 80_000
    assert len(world.documents()) == 3


def test_invalid_grant_is_final_and_says_what_to_do(world: World) -> None:
    world.deliver(an_order(1001))
    world.sim.do_revoke()
    with pytest.raises(NotAuthorised, match="invalid_grant") as caught:
        world.deliver(an_order(1002))
    assert "backroom connect books" in caught.value.hint
    assert world.sim.calls[-1].path == "/oauth2/v1/tokens/bearer"


def test_a_connection_that_never_was_says_so() -> None:
    world = World()
    world.connect(refresh_token="")
    with pytest.raises(NotAuthorised, match="not connected yet"):
        world.deliver(an_order())
    assert len(world.sim.calls) == 0


def test_a_stored_pair_wins_over_the_refresh_token_of_the_environment(world: World) -> None:
    issued = world.sim.desk
    world.connect(refresh_token="RT1-stale")
    expired = datetime.fromtimestamp(world.now, UTC) - timedelta(hours=1)
    world.tokens.save(Tokens(access="old", refresh=issued.refresh, expires_at=expired))
    (outcome,) = world.deliver(an_order())
    assert isinstance(outcome, Done)


def test_another_company_is_refused(world: World) -> None:
    world.connect(realm_id="123")
    with pytest.raises(NotAuthorised, match="ApplicationAuthorizationFailed") as caught:
        world.deliver(an_order())
    assert "administrator" in caught.value.hint


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("realm_id", "12a", "company id"),
        ("timezone", "Nowhere/Land", "time zone"),
        ("client_id", " ", "Keys & credentials"),
        ("client_secret", "", "Keys & credentials"),
        ("minor_version", 70, "75"),
        ("prefix", "shop-a", "prefix"),
    ],
)
def test_a_wrong_setting_is_named(field: str, value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        a_setting(**{field: value})


def test_secrets_are_not_shown() -> None:
    assert "RT1" not in repr(a_setting())


def test_a_check_of_a_healthy_company_is_all_good(world: World) -> None:
    world.books.prepare()
    findings = list(world.books.check())
    assert all(finding.ok for finding in findings)
    assert findings[0].message == "Sandbox Mugs (US), company 9130357992221046"


def test_a_check_says_what_to_do_for_each_thing_that_is_wrong(world: World) -> None:
    world.connect(create_missing=False)
    world.sim.do_preferences(custom_numbers=False)
    world.sim.do_close_books("2026-10-31")
    bad = [finding for finding in world.books.check() if not finding.ok]
    assert {finding.subject for finding in bad} == {"document numbers", "maps"}
    assert all(finding.hint for finding in bad)
    assert world.sim.state()["items"] == []


def test_a_check_without_access_asks_nothing_more(world: World) -> None:
    world.sim.do_revoke()
    (finding,) = world.books.check()
    assert not finding.ok
    assert finding.subject == "credential"
    assert finding.hint


def test_preparing_twice_creates_once_and_only_when_allowed(world: World) -> None:
    created = world.books.prepare()
    assert "Sales tax collected" in created
    assert world.books.prepare() == []
    world.connect(create_missing=False)
    assert world.books.prepare() == []
