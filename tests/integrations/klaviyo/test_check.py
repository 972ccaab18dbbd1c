"""What a merchant is told before the first event."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx
import pytest
from pydantic import ValidationError

from commerce.ports import Alert
from integrations.connector import Services
from integrations.klaviyo.ageing import revision_age
from integrations.klaviyo.checks import second_integrations
from integrations.klaviyo.client import KlaviyoApi
from integrations.klaviyo.schemas import Metric
from integrations.klaviyo.settings import KlaviyoSettings
from integrations.simulator import Fault


def found(klaviyo) -> dict[str, tuple[bool, str]]:
    return {finding.subject: (finding.ok, finding.message) for finding in klaviyo.check()}


def test_a_sound_connection_says_whose_account_it_is(account, klaviyo) -> None:
    assert found(klaviyo) == {
        "revision": (True, "2026-07-15, 131 days old"),
        "live_from": (True, "not set: all but recorded history triggers flows"),
        "account": (True, "Simulated Shop (test account, SiM123, USD, US/Eastern)"),
        "scope events:write": (True, "the key may send events"),
        "double counting": (True, "nobody else brings Placed Order"),
        "metric mapping": (
            True,
            "revenue is not mapped; once orders arrive, map it to Placed Order of the API in Klaviyo",
        ),
        "scope profiles:read": (True, "the key may look for profiles"),
        "scope data-privacy:write": (True, "the key may delete profiles"),
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
        "scope profiles:read",
        "scope data-privacy:write",
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


# ---- whether revenue is counted by what the hub sends ----


@pytest.mark.parametrize(
    ("integration", "name", "ok", "words"),
    [
        ("API", "Placed Order", True, "revenue counts Placed Order of the API"),
        ("API", "Ordered Product", False, "revenue counts Ordered Product of the API, not Placed Order"),
        ("WooCommerce", "Bought", False, "revenue counts Bought of WooCommerce, not Placed Order of the API"),
    ],
)
def test_what_counts_as_revenue_is_told(account, connect, integration, name, ok, words) -> None:
    account.do_map_metric("revenue", account.account.metric(name, integration))
    (finding,) = (one for one in connect().check() if one.subject == "metric mapping")
    assert (finding.ok, finding.message.startswith(words)) == (ok, True)
    assert ("map revenue to Placed Order" in finding.hint) is not ok
    # and whoever wants the other integration has decided
    assert found(connect(allow_second_integration=True))["metric mapping"][0]


def test_a_metric_of_an_integration_is_only_another_one_if_it_is_not_the_api() -> None:
    def metric(**integration: str) -> Metric:
        return Metric.model_validate(
            {"id": "M1", "attributes": {"name": "Placed Order", "integration": integration or None}}
        )

    assert second_integrations([metric(), metric(name="API"), metric(name="Back office", category="API")]) == []
    assert second_integrations([metric(name="Shopify", category="eCommerce"), metric(id="x")]) == ["Shopify"]


def test_a_mapping_that_cannot_be_read_is_told(account, klaviyo) -> None:
    account.faults = [Fault(on="mapped-metrics", status=200, body="<html>")]
    ok, message = found(klaviyo)["metric mapping"]
    assert not ok
    assert "instead of JSON" in message


# ---- what is told without being asked ----


def test_an_ageing_revision_is_told_while_it_lasts(klaviyo, clock) -> None:
    assert list(klaviyo.concerns()) == []
    clock.now = datetime(2028, 3, 1, tzinfo=UTC).timestamp()
    (alert,) = klaviyo.concerns()
    assert (alert.fingerprint, alert.severity) == ("concern:marketing:revision", "warning")
    assert "retired in 135 days" in alert.what
    clock.now = datetime(2028, 8, 1, tzinfo=UTC).timestamp()
    (alert,) = klaviyo.concerns()
    assert alert.severity == "critical"


class Heard:
    """What a connection notices."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.well: list[str] = []

    def noticed(self, alert: Alert) -> None:
        self.alerts.append(alert)

    def over(self, fingerprint: str) -> None:
        self.well.append(fingerprint)


def test_an_end_that_an_answer_announces_is_told(clock) -> None:
    # given answers that announce the end of something, and later do not
    headers = {"sunset": "Sat, 15 Jul 2028 00:00:00 GMT", "deprecation": "@1815782400"}
    transport = httpx.MockTransport(lambda _: httpx.Response(202, headers=headers))
    heard = Heard()
    services = Services(transport=transport, notices=heard, sleep=clock.sleep, clock=clock)
    api = KlaviyoApi(KlaviyoSettings.model_validate({"name": "marketing", "api_key": "pk_1"}), services)
    api.create_event({})
    # then a person hears of it, with the vendor's own date
    (alert,) = heard.alerts
    assert alert.fingerprint == "deprecation:marketing"
    assert "POST /api/events" in alert.what
    assert "15 Jul 2028" in alert.what
    headers.clear()
    api.create_event({})
    assert heard.well == ["deprecation:marketing"]
