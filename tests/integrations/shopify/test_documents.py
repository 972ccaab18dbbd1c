"""What we say to Shopify is valid where Shopify can tell, and where it can only tell at run time."""

from __future__ import annotations

import pytest
from graphql import NoDeprecatedCustomRule, OperationDefinitionNode, parse, specified_rules, validate

from integrations.shopify import documents
from integrations.shopify.simulator.cost import requested_cost
from integrations.shopify.simulator.documents import Documents
from integrations.shopify.simulator.plan import Request
from integrations.shopify.simulator.schema import admin_schema

from .connected import Connected, a_wish

named = pytest.mark.parametrize("document", documents.EVERY, ids=lambda one: one.name)


@named
def test_every_document_validates_and_uses_nothing_deprecated(document):
    assert validate(admin_schema(), parse(document.text), [*specified_rules, NoDeprecatedCustomRule]) == []


@named
def test_every_document_is_one_operation_of_its_own_name(document):
    operations = [one for one in parse(document.text).definitions if isinstance(one, OperationDefinitionNode)]
    assert [one.name.value for one in operations] == [document.name]
    assert document.writes == (operations[0].operation.value == "mutation")


def test_every_inventory_mutation_carries_an_idempotency_key():
    # Shopify's schema does not demand it, only its run time does
    mutations = [parse(one.text).definitions[0] for one in documents.EVERY if one.writes]
    fields = [field for one in mutations for field in one.selection_set.selections]
    inventory = [field for field in fields if field.name.value.startswith("inventory")]
    assert inventory
    assert all([one.name.value for one in field.directives] == ["idempotent"] for field in inventory)


def test_every_row_of_stock_says_what_it_believes_to_be_there():
    # given a shop that remembers what it was sent
    shop = Connected()
    sent = shop.sent("InventorySet")
    # when stock is set
    place = shop.location()
    list(shop.client.set_stock([a_wish("MUG-RED", 4, place)], {("MUG-RED", place): 10}))
    # then the row carries changeFromQuantity
    assert [row["changeFromQuantity"] for row in sent[0]["input"]["quantities"]] == [10]


@named
def test_our_estimate_of_the_cost_is_not_below_what_shopify_asks(document):
    shop = Connected()
    operation = Documents(admin_schema()).operation(document.text, document.name, {})
    assert requested_cost(operation.root, Request(shop.sim, {"ids": [], "id": "x", "query": ""})) <= document.cost
