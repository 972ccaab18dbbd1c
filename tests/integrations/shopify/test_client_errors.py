"""What Shopify's refusals mean to us, row by row of its pages on response codes, and answers that are none.

https://shopify.dev/docs/api/usage/response-codes
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from graphql import OperationDefinitionNode, parse

from commerce.errors import (
    IntegrationError,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    TemporarilyUnavailable,
    UnexpectedAnswer,
)
from integrations.shopify import documents

from .connected import Connected

TRIES = 4
ONCE, SOME, AGAIN = 1, TRIES, 2
CANCEL = {"id": "gid://shopify/Fulfillment/1"}


def connected() -> Connected:
    """A shop whose token is already there."""
    shop = Connected()
    shop.client.locations()
    shop.sim.calls.clear()
    return shop


def read(shop: Connected) -> Any:
    return shop.client.locations()


def write(shop: Connected) -> Any:
    """A mutation that Shopify would apply twice if it came twice."""
    return shop.client.graphql.ask(documents.FULFILLMENT_CANCEL, **CANCEL)


def refusal(shop: Connected, call: Callable[[Connected], Any]) -> tuple[type[IntegrationError], int]:
    """What the call raises, and how often Shopify was asked."""
    with pytest.raises(IntegrationError) as refused:
        call(shop)
    return type(refused.value), shop.calls()


@pytest.mark.parametrize(
    "body", [{"errors": "in one word"}, {"errors": {"base": ["by field"]}}, "<html>a page</html>", ""]
)
@pytest.mark.parametrize(
    ("status", "reading", "writing"),
    [
        (400, (Rejected, ONCE), (Rejected, ONCE)),
        (402, (NotAuthorised, ONCE), (NotAuthorised, ONCE)),
        (403, (NotAuthorised, ONCE), (NotAuthorised, ONCE)),
        (404, (NotAuthorised, ONCE), (NotAuthorised, ONCE)),
        (406, (Rejected, ONCE), (Rejected, ONCE)),
        (409, (Rejected, ONCE), (Rejected, ONCE)),
        (414, (Rejected, ONCE), (Rejected, ONCE)),
        (415, (Rejected, ONCE), (Rejected, ONCE)),
        (422, (Rejected, ONCE), (Rejected, ONCE)),
        (423, (NotAuthorised, ONCE), (NotAuthorised, ONCE)),
        (429, (RateLimited, SOME), (RateLimited, SOME)),
        (430, (RateLimited, SOME), (RateLimited, SOME)),
        (500, (TemporarilyUnavailable, SOME), (OutcomeUnknown, ONCE)),
        (502, (TemporarilyUnavailable, SOME), (OutcomeUnknown, ONCE)),
        (503, (TemporarilyUnavailable, SOME), (OutcomeUnknown, ONCE)),
        (504, (TemporarilyUnavailable, SOME), (OutcomeUnknown, ONCE)),
        (520, (TemporarilyUnavailable, SOME), (OutcomeUnknown, ONCE)),
        (530, (TemporarilyUnavailable, SOME), (OutcomeUnknown, ONCE)),
        (540, (TemporarilyUnavailable, SOME), (OutcomeUnknown, ONCE)),
        (783, (Rejected, ONCE), (Rejected, ONCE)),
    ],
)
def test_every_status_is_what_shopify_says_it_is(status, reading, writing, body):
    for call, meaning in ((read, reading), (write, writing)):
        shop = connected()
        shop.fails("before", times=9, status=status, body=body)
        assert refusal(shop, call) == meaning


@pytest.mark.parametrize("status", [402, 403, 404, 423])
def test_what_closes_the_whole_shop_says_what_a_person_can_do(status):
    shop = connected()
    shop.fails("before", status=status)
    with pytest.raises(NotAuthorised, match=str(status)) as refused:
        read(shop)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("code", "reading", "writing"),
    [
        ("THROTTLED", (RateLimited, SOME), (RateLimited, SOME)),
        ("MAX_COST_EXCEEDED", (Rejected, ONCE), (Rejected, ONCE)),
        ("ACCESS_DENIED", (NotAuthorised, ONCE), (NotAuthorised, ONCE)),
        ("SHOP_INACTIVE", (NotAuthorised, ONCE), (NotAuthorised, ONCE)),
        ("INTERNAL_SERVER_ERROR", (TemporarilyUnavailable, SOME), (OutcomeUnknown, ONCE)),
        ("BAD_REQUEST", (Rejected, ONCE), (Rejected, ONCE)),
        ("INVALID_VARIABLE", (Rejected, ONCE), (Rejected, ONCE)),
        ("INVALID_FIELD_ARGUMENTS", (Rejected, ONCE), (Rejected, ONCE)),
        ("RESOURCE_NOT_FOUND", (Rejected, ONCE), (Rejected, ONCE)),
        ("MAX_INPUT_SIZE_EXCEEDED", (Rejected, ONCE), (Rejected, ONCE)),
        ("undefinedField", (Rejected, ONCE), (Rejected, ONCE)),
        ("PARSE_ERROR", (Rejected, ONCE), (Rejected, ONCE)),
        ("A_CODE_OF_2027", (Rejected, ONCE), (Rejected, ONCE)),
        ("", (Rejected, AGAIN), (Rejected, ONCE)),
    ],
)
@pytest.mark.parametrize("data", [{}, {"data": None}])
def test_every_code_inside_of_a_200_is_what_shopify_says_it_is(code, reading, writing, data):
    error = {"message": "in Shopify's words", **({"extensions": {"code": code}} if code else {})}
    for call, (kind, calls) in ((read, reading), (write, writing)):
        shop = connected()
        shop.fails("before", times=9, status=200, body={"errors": [error], **data})
        with pytest.raises(IntegrationError, match="in Shopify's words") as refused:
            call(shop)
        assert isinstance(refused.value, kind)
        assert (refused.value.code, shop.calls()) == (code, calls)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Throttled", RateLimited),
        ("Internal error. Looks like something went wrong on our end.\nRequest ID: 1.", TemporarilyUnavailable),
        ("Access denied for orders field. Required access: `read_orders` access scope.", NotAuthorised),
        ("This app is not approved to access the Order object.", NotAuthorised),
    ],
)
def test_an_error_without_a_code_is_known_by_its_words(words, kind):
    shop = connected()
    shop.fails("before", times=9, status=200, body={"errors": [{"message": words}]})
    with pytest.raises(kind):
        read(shop)


@pytest.mark.parametrize(
    "errors",
    [
        "in one word",
        {"query": "Required parameter missing"},
        ["a word"],
        [{"message": None}],
        [{"extensions": "odd"}],
        [None],
    ],
)
def test_errors_of_any_shape_are_errors(errors):
    for call in (read, write):
        shop = connected()
        shop.fails("before", times=9, status=200, body={"errors": errors})
        with pytest.raises(Rejected):
            call(shop)


def test_a_refusal_that_passes_by_itself_costs_one_more_try():
    shop = connected()
    shop.fails("before", status=200, body={"errors": [{"message": "Something happened"}]})
    assert len(read(shop)) == 2
    assert shop.slept == [1.0]


@pytest.mark.parametrize(
    "extensions", ["odd", [], {"search": "odd"}, {"search": [None]}, {"cost": [], "search": [{"warnings": None}]}]
)
def test_extensions_that_nobody_can_read_are_no_error(extensions):
    shop = connected()
    page = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    shop.fails("before", status=200, body={"data": {"locations": page}, "extensions": extensions})
    assert read(shop) == []


def answering(shop: Connected, how: Callable[[httpx.Response], httpx.Response]) -> None:
    """From now on the line does something to what Shopify answers."""
    answer = shop.sim.answer
    shop.sim.answer = lambda request: how(answer(request))  # type: ignore[method-assign]


def test_an_answer_in_gzip_is_read():
    shop = connected()
    answering(
        shop,
        lambda good: httpx.Response(200, headers={"content-encoding": "gzip"}, content=gzip.compress(good.content)),
    )
    assert len(read(shop)) == 2


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda good: httpx.Response(200, html="<html>Please log in to the hotel's network</html>"),
        lambda good: httpx.Response(200, content=good.content[:40], headers={"content-type": "application/json"}),
        lambda good: httpx.Response(200, content=b""),
        lambda good: httpx.Response(200, json=[good.json()]),
        lambda good: httpx.Response(200, json={"data": None}),
        lambda good: httpx.Response(200, json={}),
        lambda good: httpx.Response(200, content=b'{"data": "\xff"}'),
    ],
    ids=["a proxy's page", "half", "nothing", "a list", "null", "empty", "no text"],
)
def test_half_an_answer_says_nothing_about_a_write_and_is_no_page_of_a_read(spoilt):
    shop = connected()
    answering(shop, spoilt)
    assert refusal(shop, read) == (UnexpectedAnswer, ONCE)
    assert refusal(shop, write) == (OutcomeUnknown, ONCE + ONCE)


def test_an_answer_whose_gzip_is_broken_counts_as_lost():
    shop = connected()
    broken = httpx.ByteStream(gzip.compress(b"{}" * 99)[:20] + b"broken")
    answering(shop, lambda _: httpx.Response(200, headers={"content-encoding": "gzip"}, stream=broken))
    assert refusal(shop, read)[0] is TemporarilyUnavailable
    assert refusal(shop, write)[0] is OutcomeUnknown


def test_a_redirect_is_not_followed_and_says_where_to_look():
    shop = connected()
    shop.fails("before", status=301, headers={"location": "https://shop.example.com/"})
    with pytest.raises(UnexpectedAnswer) as refused:
        read(shop)
    assert "base_url" in refused.value.hint


def test_the_wait_of_a_429_may_be_a_decimal_and_that_of_a_430_is_kept_too():
    for status in (429, 430):
        shop = connected()
        shop.fails("before", status=status, headers={"retry-after": "2.5"})
        read(shop)
        assert shop.slept == [2.5]


def test_a_write_that_shopify_applies_once_is_sent_again_after_a_5xx_before_and_after_it_was_applied():
    # given a shop where each subscription is to be moved, which may be repeated
    for kind in ("before", "after"):
        shop = connected()
        shop.client.ensure_webhooks("https://old.example.com/hook")
        # when Shopify stumbles before, or after, it did so
        shop.fails(kind, status=502, body="<html>Bad gateway</html>")
        shop.client.ensure_webhooks("https://new.example.com/hook")
        # then they are moved
        assert {one.uri for one in shop.client.webhook_subscriptions()} == {"https://new.example.com/hook"}


def test_every_mutation_asks_for_what_shopify_calls_user_errors():
    for one in (one for one in documents.EVERY if one.writes):
        (operation,) = [part for part in parse(one.text).definitions if isinstance(part, OperationDefinitionNode)]
        for mutation in operation.selection_set.selections:
            errors = [part for part in mutation.selection_set.selections if part.name.value == "userErrors"]
            assert {"field", "message"} <= {part.name.value for part in errors[0].selection_set.selections}, one.name


def test_the_request_id_that_shopifys_support_asks_for_is_in_every_error():
    shop = connected()
    identity = {"x-request-id": "b4c2-77"}
    for status in (402, 422, 500):
        shop.fails("before", times=TRIES if status == 500 else 1, status=status, headers=identity)
        with pytest.raises(IntegrationError, match="b4c2-77"):
            read(shop)
    error = {"message": "No", "extensions": {"code": "BAD_REQUEST"}}
    shop.fails("before", status=200, headers=identity, body={"errors": [error]})
    with pytest.raises(Rejected, match="b4c2-77"):
        read(shop)


def test_protected_customer_data_is_told_apart_from_a_scope():
    shop = connected()
    words = "This app is not approved to access the Order object. See https://shopify.dev/docs/apps/launch/..."
    error = {"message": words, "extensions": {"code": "ACCESS_DENIED"}}
    shop.fails("before", status=200, body={"errors": [error]})
    with pytest.raises(NotAuthorised) as refused:
        read(shop)
    assert "protected customer data" in refused.value.hint


def test_a_token_never_shows_in_an_error_even_when_a_page_repeats_it():
    shop = connected()
    token = next(iter(shop.sim.tokens.expires))
    shop.fails("before", status=400, body=json.dumps({"errors": f"your token {token} is odd"}))
    with pytest.raises(Rejected) as refused:
        read(shop)
    assert token not in str(refused.value)
