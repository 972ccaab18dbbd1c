"""`backroom check` for a Katana connection."""

from __future__ import annotations

from integrations.katana.simulator import KatanaSimulator
from integrations.simulator import Fault
from tests.integrations.katana.conftest import Connect


def test_all_is_well(connect: Connect) -> None:
    found = [(one.subject, one.ok, one.message) for one in connect(webhook_token="0123456789abcdef").check()]
    assert found == [
        ("account", True, "Made Up Mugs (USD)"),
        ("locations", True, "reads Main (1), East (2)"),
        ("webhooks", True, "a signing token is set"),
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
