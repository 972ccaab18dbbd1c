"""What `backroom check` finds in a shop."""

from __future__ import annotations

from pydantic import SecretStr

from .connected import Connected


def test_the_check_of_a_sound_shop_finds_all_well():
    shop = Connected()
    findings = {one.subject: one for one in shop.client.check()}
    assert all(one.ok for one in findings.values())
    assert findings["shop"].message == "Demo (demo.myshopify.com), plan Basic, USD"
    assert "Main = " in findings["locations"].message
    assert findings["API version"].message == "2026-10 is served"


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
