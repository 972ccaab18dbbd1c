"""The client as Shopify meets it: credentials, cost, throttling, errors inside of a 200, and the check."""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from commerce.errors import (
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    TemporarilyUnavailable,
    UnexpectedAnswer,
)
from commerce.ports import Destination, OrderSource, StockDestination
from integrations.connector import Services
from integrations.shopify import CONNECTOR, documents
from integrations.shopify.client import Shopify
from integrations.shopify.graphql import quoted
from integrations.simulator import Fault

from .connected import EPOCH, Connected, orders_of, some_settings

DAY = 86_400


def test_the_client_is_a_source_and_two_destinations():
    client = CONNECTOR.connect(some_settings(), Services())
    assert isinstance(client, OrderSource)
    assert isinstance(client, StockDestination)
    assert isinstance(client, Destination)
    client.close()


def test_settings_fill_in_the_shops_addresses():
    settings = some_settings(base_url="")
    assert settings.base_url == "https://demo.myshopify.com"
    assert settings.token_url == "https://demo.myshopify.com/admin/oauth/access_token"
    assert some_settings().token_url == "http://sim.test/shopify/admin/oauth/access_token"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"shop": "shop.example.com"}, "permanent name"),
        ({"shop": "demo.myshopify.com.evil.example"}, "permanent name"),
        ({"api_version": "latest"}, "stable version"),
        ({"client_secret": SecretStr("")}, "client_id and client_secret"),
        ({"stock_name": "committed"}, "available"),
    ],
)
def test_wrong_settings_say_what_is_wrong(wrong, words):
    with pytest.raises(ValidationError, match=words):
        some_settings(**wrong)


def test_settings_do_not_show_their_secrets():
    assert "sim-secret" not in repr(some_settings()) + str(some_settings())


def test_a_token_is_asked_for_once_and_again_before_it_expires():
    # given a connected shop
    shop = Connected()
    # when it is read twice today and once tomorrow
    for wait in (0, 0, DAY):
        shop.clock.now += wait
        shop.client.locations()
    # then two tokens were issued, and none was refused
    tokens = [call for call in shop.sim.calls if call.path.endswith("access_token")]
    assert len(tokens) == 2
    assert all(call.status == 200 for call in shop.sim.calls)


def test_a_token_that_is_refused_early_is_replaced_within_the_call():
    shop = Connected()
    shop.client.locations()
    shop.sim.do_expire_tokens()
    assert len(shop.client.locations()) == 2


def test_an_old_static_token_serves_too():
    shop = Connected({"client_id": "", "client_secret": SecretStr(""), "access_token": SecretStr("shpat_sim")})
    assert len(shop.client.locations()) == 2
    assert [call.path for call in shop.sim.calls] == ["/admin/api/2026-10/graphql.json"]


@pytest.mark.parametrize("wrong", [{"client_secret": SecretStr("old")}, {"access_token": SecretStr("revoked")}])
def test_a_refused_credential_pauses_the_connection(wrong):
    shop = Connected(wrong)
    with pytest.raises(NotAuthorised) as refused:
        list(shop.client.changed_orders(EPOCH))
    assert refused.value.hint
    assert "revoked" not in str(refused.value)
    assert "old" not in str(refused.value)


@pytest.mark.parametrize("status", [402, 403, 404, 423])
def test_a_shop_that_is_closed_to_us_pauses_the_connection(status):
    shop = Connected()
    shop.fails("before", status=status, body={"errors": "no"})
    with pytest.raises(NotAuthorised):
        shop.client.locations()


def test_a_token_endpoint_that_is_down_is_waited_for():
    shop = Connected()
    shop.sim.faults.append(Fault(kind="before", status=520, on="access_token", times=2))
    assert len(shop.client.locations()) == 2
    assert len(shop.slept) == 2


def test_a_missing_scope_is_named():
    shop = Connected(scopes=["write_orders"])
    with pytest.raises(NotAuthorised) as refused:
        shop.client.locations()
    assert "read_locations" in refused.value.hint
    assert refused.value.code == "ACCESS_DENIED"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 430])
def test_a_read_is_repeated_when_shopify_stumbles(status):
    shop = Connected()
    shop.fails("before", status=status, body="<html>oops</html>")
    assert len(shop.client.locations()) == 2


def test_an_internal_error_inside_of_a_200_is_repeated_for_a_read():
    shop = Connected()
    error = {"message": "Internal error.", "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": "x"}}
    shop.fails("before", status=200, body={"errors": [error]})
    assert len(shop.client.locations()) == 2


def test_an_internal_error_inside_of_a_200_leaves_a_write_in_doubt():
    shop = Connected()
    error = {"message": "Internal error.", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
    shop.client.locations()
    shop.fails("before", status=200, body={"errors": [error]})
    with pytest.raises(OutcomeUnknown):
        shop.client.graphql.ask(documents.FULFILLMENT_CANCEL, id="gid://shopify/Fulfillment/1")


def test_a_shop_that_stays_away_is_a_matter_for_later():
    shop = Connected()
    shop.fails("before", times=9, status=503)
    with pytest.raises(TemporarilyUnavailable):
        shop.client.locations()


@pytest.mark.parametrize("body", ["<html>hello</html>", [], {"data": None}, {"data": {"locations": None}}])
def test_a_success_that_we_cannot_read_is_no_success(body):
    shop = Connected()
    shop.fails("before", status=200, body=body)
    with pytest.raises(UnexpectedAnswer):
        shop.client.locations()


def test_other_errors_are_shopifys_words():
    shop = Connected()
    with pytest.raises(Rejected, match="Invalid id") as refused:
        shop.client.graphql.ask(documents.FULFILLMENT_CANCEL, id="gid://shopify/Order/1")
    assert refused.value.code == "RESOURCE_NOT_FOUND"


def test_a_write_whose_answer_is_denied_in_part_has_happened():
    # given an app that may cancel but not see a field of the answer
    shop = Connected()
    shop.client.locations()
    denied = {"message": "Access denied for status field.", "path": ["fulfillmentCancel", "fulfillment", "status"]}
    payload = {"fulfillment": {"id": "gid://shopify/Fulfillment/1"}, "userErrors": []}
    body = {"data": {"fulfillmentCancel": payload}, "errors": [{**denied, "extensions": {"code": "ACCESS_DENIED"}}]}
    shop.fails("before", status=200, body=body)
    # when it cancels
    data = shop.client.graphql.ask(documents.FULFILLMENT_CANCEL, id="gid://shopify/Fulfillment/1")
    # then that is no error
    assert data == {"fulfillmentCancel": payload}


def test_a_filter_that_shopify_did_not_understand_is_an_error():
    # Shopify answers with all rows then, and with a warning that is easily overlooked
    shop = Connected()
    shop.place()
    pages = shop.client.graphql.pages(documents.ORDERS_CHANGED, "orders", query="updated_at:>=2026-01-01T00:00:00Z")
    with pytest.raises(UnexpectedAnswer, match="invalid_field"):
        list(pages)


def test_pages_that_go_round_in_circles_are_an_error():
    shop = Connected()
    info = {"hasNextPage": True, "endCursor": "same"}
    shop.client.locations()
    shop.fails("before", times=3, status=200, body={"data": {"locations": {"nodes": [], "pageInfo": info}}})
    with pytest.raises(UnexpectedAnswer, match="cursor"):
        shop.client.locations()


@pytest.mark.parametrize(
    ("text", "said"), [("MUG", "'MUG'"), ("A'B", r"'A\'B'"), ("A\\B", r"'A\\B'"), ("a b:c OR d", "'a b:c OR d'")]
)
def test_values_of_filters_are_quoted(text, said):
    assert quoted(text) == said


def test_nobody_else_gets_our_token():
    # given a client whose answers come with a redirect elsewhere
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(302, headers={"location": "https://evil.example/"})

    services = Services(transport=httpx.MockTransport(answer), sleep=lambda _: None)
    client = Shopify(some_settings(access_token=SecretStr("shpat_sim")), services)
    # then it is not followed
    with pytest.raises(UnexpectedAnswer):
        client.locations()
    assert asked == ["sim.test"]


def test_orders_of_the_backfill_are_counted_as_they_are_read():
    shop = Connected()
    for _ in range(3):
        shop.place()
        shop.clock.now += 60
    assert shop.client.count_created(EPOCH, shop.now()) == 3
    assert len(orders_of(list(shop.client.orders_created(EPOCH, shop.now())))) == 3
