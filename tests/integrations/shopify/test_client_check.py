"""What `backroom check` finds in a shop."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import SecretStr

from commerce.ports import Alert, Worrying
from integrations.connector import Services
from integrations.shopify.client import Shopify
from integrations.shopify.simulator.core import ALL_SCOPES

from .connected import Connected, some_settings


def test_the_check_of_a_sound_shop_finds_all_well():
    shop = Connected()
    findings = {one.subject: one for one in shop.client.check()}
    assert all(one.ok for one in findings.values())
    assert findings["shop"].message == "Demo (demo.myshopify.com), plan Basic, USD"
    assert "Main = " in findings["locations"].message
    assert findings["API version"].message == "2026-10 is served, at least until 2027-10-01"


def test_the_check_says_which_scopes_are_missing_and_what_for():
    shop = Connected(scopes=["read_orders", "read_locations", "read_customers", "read_products", "read_inventory"])
    bad = {one.subject for one in shop.client.check() if not one.ok}
    assert bad == {
        "scope write_inventory",
        "scope read_merchant_managed_fulfillment_orders",
        "scope write_merchant_managed_fulfillment_orders",
        "scope read_fulfillments",
    }


def test_the_check_notices_that_old_orders_are_invisible():
    shop = Connected(scopes=["write_orders", "read_locations"])
    message = {one.subject: one.message for one in shop.client.check()}["scope read_all_orders"]
    assert "60 days" in message


def test_the_check_notices_another_version_than_asked_for():
    shop = Connected({"api_version": "2024-01"})
    (version,) = [one for one in shop.client.check() if one.subject == "API version"]
    assert not version.ok
    assert "asked for 2024-01" in version.message


def test_the_check_notices_another_shop():
    shop = Connected(domain="other.myshopify.com")
    (finding,) = [one for one in shop.client.check() if one.subject == "shop"]
    assert not finding.ok
    assert "other.myshopify.com" in finding.hint


def test_the_check_reports_a_refused_credential_and_stops():
    shop = Connected({"access_token": SecretStr("revoked")})
    (finding,) = shop.client.check()
    assert (finding.subject, finding.ok) == ("credential", False)


def test_the_locations_of_a_stock_map_are_looked_up():
    shop = Connected()
    here, nowhere = shop.client.check_locations([shop.location(), "1"])
    assert (here.ok, here.message) == (True, "is Main")
    assert not nowhere.ok
    assert "Main = " in nowhere.hint


def test_the_check_notices_that_personal_data_is_hidden():
    # given a shop with an order whose address we see
    shop = Connected()
    shop.place()
    (seen,) = [one for one in shop.client.check() if one.subject == "addresses"]
    assert seen.ok
    # when Shopify shows only the city of the next ten
    for _ in range(10):
        shop.place(shipping_address={"city": "Buffalo", "country_code": "US"})
        shop.clock.now += 1
    # then the check says so
    (hidden,) = [one for one in shop.client.check() if one.subject == "addresses"]
    assert not hidden.ok
    assert "protected customer data" in hidden.hint


def bad(shop: Connected) -> list[tuple[str, str, str]]:
    """What the check complains about: subject, message, hint."""
    return [(one.subject, one.message, one.hint) for one in shop.client.check() if not one.ok]


def test_an_uninstalled_app_is_one_line_that_says_what_to_do():
    # given a shop whose merchant has removed the app, with either kind of credential
    for settings in ({}, {"access_token": SecretStr("shpat_sim")}):
        shop = Connected(settings)
        assert bad(shop) == []
        shop.sim.do_uninstall()
        # then there is one line
        ((subject, _, hint),) = bad(shop)
        assert subject == "credential"
        assert "install" in hint


def test_a_missing_scope_is_one_line_even_when_it_hides_what_would_be_looked_at():
    shop = Connected(scopes=[one for one in ALL_SCOPES if one != "read_locations"])
    ((subject, message, hint),) = bad(shop)
    assert (subject, message) == ("scope read_locations", "is missing: needed for the stock map")
    assert "Dev Dashboard" in hint


def test_a_fulfilment_service_takes_scopes_of_its_own():
    # given a shop for which a service ships, and an app that may not see what it ships
    shop = Connected()
    shop.sim.do_setup(locations=[{"name": "Fast Hands", "service": "Fast Hands"}])
    # then each missing scope is one line
    assert [subject for subject, _, _ in bad(shop)] == [
        "scope read_third_party_fulfillment_orders",
        "scope write_third_party_fulfillment_orders",
    ]
    assert all("Fast Hands" in message for _, message, _ in bad(shop))


def test_another_version_than_the_one_asked_for_is_one_line():
    ((subject, message, hint),) = bad(Connected({"api_version": "2024-01"}))
    assert (subject, message) == ("API version", "asked for 2024-01, but Shopify answers as 2026-01")
    assert hint


def test_what_shopify_will_take_away_is_said_by_the_check():
    shop = Connected()
    shop.sim.deprecated_reason = "https://shopify.dev/changelog/away"
    found = bad(shop)
    assert {message for _, message, _ in found} == {"https://shopify.dev/changelog/away"}
    assert "deprecated ShopAndScopes" in {subject for subject, _, _ in found}


class Heard:
    """Notices as the hub would keep them."""

    def __init__(self) -> None:
        self.open: dict[str, Alert] = {}

    def noticed(self, alert: Alert) -> None:
        self.open[alert.fingerprint] = alert

    def over(self, fingerprint: str) -> None:
        self.open.pop(fingerprint, None)


def noticing(shop: Connected, heard: Heard, **settings: str) -> Shopify:
    services = Services(transport=shop.sim.transport(), sleep=shop.sleep, clock=shop.clock, notices=heard)
    return Shopify(some_settings(**settings), services)


def test_an_answer_in_another_version_is_told_until_it_is_right_again():
    # given a hub that asks for a version that Shopify does not serve any more
    shop, heard = Connected(), Heard()
    noticing(shop, heard, api_version="2025-01").locations()
    # then people are told
    (alert,) = heard.open.values()
    assert alert.fingerprint == "notice:shop:api-version"
    assert (alert.facts["asked"], alert.facts["served"]) == ("2025-01", "2026-01")
    assert "api_version" in alert.todo
    # and it is over when the hub asks for one that is served
    noticing(shop, heard).locations()
    assert heard.open == {}


def test_what_is_deprecated_is_told_by_operation_until_it_is_not():
    # given a shop that will take away what we call
    shop, heard = Connected(), Heard()
    client = noticing(shop, heard)
    shop.sim.deprecated_reason = "https://shopify.dev/changelog/away"
    client.locations()
    client.locations()
    # then that is one warning, which is over when Shopify says nothing more of it
    (alert,) = heard.open.values()
    assert (alert.fingerprint, alert.severity) == ("notice:shop:deprecated:Locations", "warning")
    assert "changelog/away" in alert.what
    shop.sim.deprecated_reason = ""
    client.locations()
    assert heard.open == {}


def test_an_answer_of_somebody_in_between_says_nothing_of_versions():
    shop, heard = Connected(), Heard()
    client = noticing(shop, heard, api_version="2025-01")
    client.locations()
    shop.fails("before", status=502, body="<html>")
    client.locations()
    assert len(heard.open) == 1


def test_the_end_of_a_version_is_a_concern_some_weeks_ahead():
    # given a client of a version that Shopify serves until the first of October 2027
    shop = Connected()
    assert isinstance(shop.client, Worrying)
    calls = shop.calls()

    def concern(on: datetime) -> list[tuple[str, str]]:
        shop.clock.now = on.timestamp()
        return [(one.fingerprint, one.severity) for one in shop.client.concerns()]

    # then nobody hears of it before August, is warned after, and alarmed at its end; no call is made
    assert concern(datetime(2027, 8, 6, 16, tzinfo=UTC)) == []
    assert concern(datetime(2027, 8, 6, 18, tzinfo=UTC)) == [("concern:shop:api-version", "warning")]
    assert concern(datetime(2027, 10, 1, 17, tzinfo=UTC)) == [("concern:shop:api-version", "critical")]
    assert shop.calls() == calls
