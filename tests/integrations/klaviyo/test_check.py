"""What a merchant is told before the first event."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from integrations.klaviyo.checks import revision_age
from integrations.klaviyo.settings import KlaviyoSettings


def found(klaviyo) -> dict[str, tuple[bool, str]]:
    return {finding.subject: (finding.ok, finding.message) for finding in klaviyo.check()}


def test_a_sound_connection_says_whose_account_it_is(account, klaviyo) -> None:
    assert found(klaviyo) == {
        "revision": (True, "2026-07-15, 131 days old"),
        "live_from": (True, "not set: all but recorded history triggers flows"),
        "account": (True, "Simulated Shop (test account, SiM123, USD, US/Eastern)"),
        "scope events:write": (True, "the key may send events"),
        "double counting": (True, "nobody else brings Placed Order"),
    }
    assert account.state()["events"] == []


def test_a_second_integration_is_found_on_any_page_of_metrics(account, klaviyo) -> None:
    for number in range(250):
        account.do_third_party_metric(name=f"Metric {number}")
    account.do_third_party_metric(integration="WooCommerce")
    account.account.metric("Placed Order")
    ok, message = found(klaviyo)["double counting"]
    assert not ok
    assert message.startswith("WooCommerce already brings Placed Order")


def test_a_second_integration_can_be_allowed(account, connect) -> None:
    account.do_third_party_metric()
    assert found(connect(allow_second_integration=True))["double counting"][0]
    assert not found(connect())["double counting"][0]


def test_a_key_that_lacks_scopes_says_which(account, klaviyo) -> None:
    account.do_set_scopes([])
    findings = found(klaviyo)
    assert [name for name, (ok, _) in findings.items() if not ok] == [
        "scope accounts:read",
        "scope events:write",
        "double counting",
    ]
    assert "metrics:read" in findings["double counting"][1]


def test_a_refused_key_ends_the_list(account, klaviyo) -> None:
    account.do_revoke_key()
    findings = list(klaviyo.check())
    assert findings[-1].subject == "credential"
    assert "new private key" in findings[-1].hint
    assert "pk_sim" not in repr(findings)


@pytest.mark.parametrize(
    ("today", "ok", "words"),
    [
        (date(2028, 1, 1), True, "535 days old"),
        (date(2028, 1, 20), False, "retired in 176 days"),
        (date(2028, 7, 20), False, "retired"),
    ],
)
def test_an_ageing_revision_is_told_in_time(today, ok, words) -> None:
    finding = revision_age("2026-07-15", today)
    assert finding.ok is ok
    assert words in finding.message


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("api_key", "sk_12345", "is no private key"),
        ("revision", "2024-10-15", "does not know backfilled events"),
        ("revision", "latest", "is not a revision"),
        ("workers", 0, "greater than or equal to 1"),
        ("live_from", "2026-11-01T00:00:00", "has no time zone"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong_and_keeps_secrets(field, value, words) -> None:
    given = {"name": "marketing", "api_key": "pk_1", field: value}
    with pytest.raises(ValidationError, match=words) as wrong:
        KlaviyoSettings.model_validate(given)
    assert "sk_12345" not in str(wrong.value)


def test_the_key_is_not_shown(klaviyo) -> None:
    assert "pk_sim" not in repr(klaviyo.settings)
