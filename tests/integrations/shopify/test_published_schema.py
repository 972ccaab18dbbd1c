"""Shopify's published Admin schema against all that we say to it, and against the simulator that stands in for it."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLObjectType,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_union_type,
    specified_directives,
)

import integrations.shopify
from integrations.shopify.documents import Document
from integrations.shopify.simulator.schema import admin_schema

from . import sheet_documents
from .connected import EPOCH, Connected, a_wish, parcel_for
from .published import document_complaints, needs_schema, published, request_complaints

pytestmark = needs_schema


def our_documents() -> dict[str, str]:
    """Every document that a module of the client holds, by its name; found by looking."""
    found: dict[str, str] = {}
    for module in pkgutil.iter_modules(integrations.shopify.__path__):
        if not module.ispkg:
            held = vars(importlib.import_module(f"integrations.shopify.{module.name}")).values()
            groups = [list(one.values()) if isinstance(one, dict) else [one] for one in held]
            found |= {one.name: one.text for group in groups for one in group if isinstance(one, Document)}
    return found


def example_documents() -> dict[str, str]:
    """Those of Shopify's pages that the tests ask the simulator with."""
    texts = {name: text for name, text in vars(sheet_documents).items() if name.isupper()}
    return {name: text for name, text in texts.items() if re.match(r"\s*(query|mutation)\b", text)}


@pytest.mark.parametrize("name", sorted(our_documents()))
def test_every_document_of_ours_is_valid_and_uses_nothing_deprecated(name):
    assert document_complaints(our_documents()[name]) == ()


@pytest.mark.parametrize("name", sorted(example_documents()))
def test_every_document_that_the_simulator_is_tried_with_is_valid(name):
    assert document_complaints(example_documents()[name]) == ()


def test_a_misspelt_field_a_deprecated_one_and_a_wrong_variable_would_be_found():
    assert document_complaints("query Q { shop { nmae } }")
    assert document_complaints("query Q($id: ID!) { order(id: $id) { totalPrice } }")
    text = "query Q($id: ID!) { order(id: $id) { id } }"
    assert request_complaints(text, {"id": "gid://shopify/Order/1"}) == []
    assert request_complaints(text, {"id": None})
    assert request_complaints(text, {"id": "gid://shopify/Order/1", "first": 1})


MAIN = {
    "ShopAndScopes",
    "RecentAddresses",
    "Locations",
    "OrdersChanged",
    "OrdersCreated",
    "OrdersCount",
    "OrdersById",
    "VariantsBySku",
    "InventorySet",
    "OrdersToFulfil",
    "FulfillmentCreate",
    "TrackingUpdate",
    "FulfillmentCancel",
    "WebhookList",
    "WebhookCreate",
    "WebhookUpdate",
}


def test_what_the_client_really_sends_on_its_main_journeys_fits_the_published_input_types():
    # given a shop whose line keeps every request
    shop = Connected()
    asked = every_request(shop)
    # when it is checked, read, stocked, shipped from and subscribed to
    list(shop.client.check())
    order = shop.read(shop.place())
    list(shop.client.changed_orders(EPOCH))
    list(shop.client.orders_created(EPOCH, shop.now()))
    shop.client.count_created(EPOCH, shop.now())
    place = shop.location()
    wanted = [a_wish("MUG-RED", 4, place), a_wish("HAT", 0, place)]
    list(shop.client.set_stock(wanted, shop.client.shown(wanted)))
    [(_, done)] = shop.client.deliver([parcel_for(order)])
    corrected = {"tracking_numbers": ("1Z999AA10123456790",), "binding": done.binding}
    list(shop.client.deliver([parcel_for(order, **corrected)]))
    list(shop.client.deliver([parcel_for(order, **corrected, voided=True)]))
    shop.client.ensure_webhooks("https://old.example.com/hook")
    shop.client.ensure_webhooks("https://hub.example.com/hook")
    # then each request was one that Shopify's schema takes, and none of the main ones was left out
    assert {one["operationName"] for one in asked} >= MAIN
    assert [request_complaints(one["query"], one["variables"]) for one in asked] == [[]] * len(asked)


def every_request(shop: Connected) -> list[dict[str, Any]]:
    """From now on, all that the shop is asked."""
    answer, asked = shop.sim.answer, list[dict[str, Any]]()

    def keep(request):
        if request.url.path.endswith("graphql.json"):
            asked.append(json.loads(request.content))
        return answer(request)

    shop.sim.answer = keep  # type: ignore[method-assign]
    return asked


def test_the_simulators_schema_disagrees_with_the_published_one_in_nothing():
    assert list(disagreements()) == []


def disagreements() -> Iterator[str]:
    """What the simulator's schema has that the published one has not, or has otherwise.

    It may leave out types and fields; of what it has, it knows every argument, input field and enum value.
    """
    ours, theirs = admin_schema(), published()
    for name, own in ours.type_map.items():
        if name.startswith("__"):
            continue
        other = theirs.type_map.get(name)
        if type(own) is not type(other):
            yield f"{name} is published as {other and type(other).__name__}"
        elif is_enum_type(own):
            yield from _members(name, own.values, other.values)
        elif is_input_object_type(own):
            yield from _inputs(name, own.fields, other.fields)
        elif is_union_type(own):
            yield from _members(name, {one.name: one for one in own.types}, {one.name: one for one in other.types})
        elif isinstance(own, GraphQLObjectType) or is_interface_type(own):
            yield from _fields(own, other)
    standard = {one.name for one in specified_directives}
    for directive in ours.directives:
        if directive.name not in standard:
            known = theirs.get_directive(directive.name)
            if known is None or set(known.locations) != set(directive.locations):
                yield f"@{directive.name} is published otherwise"
            else:
                yield from _inputs(f"@{directive.name}", directive.args, known.args)


def _fields(own: Any, other: Any) -> Iterator[str]:
    known = admin_schema().type_map
    wanted = {one.name for one in other.interfaces if one.name in known}
    if {one.name for one in own.interfaces} != wanted:
        yield f"{own.name} implements {sorted(wanted)}"
    for name, field in own.fields.items():
        theirs = other.fields.get(name)
        if theirs is None:
            yield f"{own.name}.{name} is not published"
        else:
            yield from _same(f"{own.name}.{name}", field, theirs)
            yield from _inputs(f"{own.name}.{name}", field.args, theirs.args)


def _inputs(where: str, own: Any, other: Any) -> Iterator[str]:
    yield from (f"{where}({name}) is on one side only" for name in own.keys() ^ other.keys())
    for name in own.keys() & other.keys():
        yield from _same(f"{where}({name})", own[name], other[name])
        if own[name].default_value != other[name].default_value:
            yield f"{where}({name}) has {other[name].default_value} as its default"


def _members(where: str, own: Any, other: Any) -> Iterator[str]:
    yield from (f"{where}: {name} is on one side only" for name in own.keys() ^ other.keys())
    for name in own.keys() & other.keys():
        yield from _deprecated(f"{where}: {name}", own[name], other[name])


def _same(where: str, own: Any, other: Any) -> Iterator[str]:
    if str(own.type) != str(other.type):
        yield f"{where} is published as {other.type}"
    yield from _deprecated(where, own, other)


def _deprecated(where: str, own: Any, other: Any) -> Iterator[str]:
    if (getattr(own, "deprecation_reason", None) is None) != (getattr(other, "deprecation_reason", None) is None):
        yield f"{where} is deprecated on one side only"
