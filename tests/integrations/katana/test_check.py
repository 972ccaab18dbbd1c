"""`backroom check` for a Katana connection."""

from __future__ import annotations

import pytest

from integrations.katana.simulator import KatanaSimulator
from integrations.simulator import Fault
from tests.integrations.katana.conftest import Connect


def test_all_is_well(connect: Connect) -> None:
    found = [(one.subject, one.ok, one.message) for one in connect(webhook_token="0123456789abcdef").check()]
    assert found == [
        ("account", True, "Made Up Mugs (USD)"),
        ("locations", True, "reads Main (1), East (2)"),
        ("webhook token", True, "webhooks can be verified"),
    ]


def test_a_refused_key_says_where_to_make_another(connect: Connect) -> None:
    refused = next(iter(connect(api_key="wrong").check()))
    assert (refused.subject, refused.ok) == ("credential", False)
    assert "Settings > API > API keys" in refused.hint


def test_an_unknown_location_is_told_with_those_there_are(connect: Connect) -> None:
    wrong = next(one for one in connect(locations=["Mars"]).check() if not one.ok)
    assert wrong.hint == "it has Main (1), East (2), Workshop (3)"


def test_an_account_that_sells_nowhere(connect: Connect, account: KatanaSimulator) -> None:
    account.do_setup(locations=[{"name": "Workshop", "sales_allowed": False}], variants=[])
    assert [one.message for one in connect().check() if not one.ok] == ["no location allows sales"]


def test_a_server_that_is_down_is_a_finding(connect: Connect, account: KatanaSimulator) -> None:
    account.faults.append(Fault(status=503, times=99))
    assert [one.subject for one in connect().check() if not one.ok] == ["connection"]


def test_a_plan_without_api_is_one_line(connect: Connect, account: KatanaSimulator) -> None:
    # given an account that went down to a plan without API
    account.do_habits(api=False)
    # then one line says so, and what to do
    [wrong] = [one for one in connect().check() if not one.ok]
    assert wrong.subject == "plan"
    assert "your plan has no API" in wrong.message
    assert wrong.hint == "the API needs the Professional plan or above; then: backroom resume inventory"


def test_a_page_of_a_proxy_says_nothing_of_the_plan(connect: Connect, account: KatanaSimulator) -> None:
    account.faults.append(Fault(status=403, body="<html>Attention required</html>", times=9))
    [wrong] = [one for one in connect().check() if not one.ok]
    assert wrong.subject == "credential"


@pytest.mark.parametrize("body", ["<html>Log in</html>", "null", '"hello"', "[]", '{"display_name": ["x"]}'])
def test_an_answer_that_is_no_account_is_a_finding(connect: Connect, account: KatanaSimulator, body: str) -> None:
    account.faults.append(Fault(status=200, body=body, on="factory"))
    assert [one.subject for one in connect().check() if not one.ok] == ["connection"]


def test_a_location_that_cannot_be_read_is_left_out(connect: Connect, account: KatanaSimulator) -> None:
    account.world.locations[2]["sales_allowed"] = "perhaps"
    assert "reads Main (1)" in [one.message for one in connect().check()]


def test_a_deleted_location_is_not_read(connect: Connect, account: KatanaSimulator) -> None:
    account.world.locations[2]["deleted_at"] = "2026-11-20T10:00:00.000Z"
    assert "reads Main (1)" in [one.message for one in connect().check()]
