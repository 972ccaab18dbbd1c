"""Shopify's published Admin schema, and what it says about our requests and the simulator's answers.

`make schema` fetches it from Shopify's own npm package; it is no part of the project.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    NoDeprecatedCustomRule,
    OperationDefinitionNode,
    SelectionSetNode,
    build_client_schema,
    get_named_type,
    get_variable_values,
    is_abstract_type,
    is_enum_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    parse,
    specified_rules,
    validate,
)

FILE = Path(__file__).parents[3] / "var" / "schema" / "admin_2026-10.json.gz"

needs_schema = pytest.mark.skipif(not FILE.exists(), reason="make schema fetches Shopify's published schema with npm")

Form = Callable[[Any], bool]
Answer = Callable[[httpx.Request], httpx.Response]


def matches(pattern: str) -> Form:
    """Text of this form."""
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


FORMS: dict[str, Form] = {
    "ID": matches(r"gid://.+|[\w-]+"),
    "String": lambda value: isinstance(value, str),
    "Int": lambda value: isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31,
    "Float": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "Boolean": lambda value: isinstance(value, bool),
    "DateTime": matches(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    "Decimal": matches(r"-?\d+\.\d+"),
    "Money": matches(r"-?\d+\.\d\d"),
    "UnsignedInt64": matches(r"\d+"),
    "BigInt": matches(r"-?\d+"),
    "URL": matches(r"\w+://.+"),
}
"""How the values of a scalar look on the wire."""


@cache
def published() -> GraphQLSchema:
    """The schema of 2026-10; its texts are real ones, so that wrong types among our variables are found."""
    schema = build_client_schema(json.loads(gzip.decompress(FILE.read_bytes()))["data"], assume_valid=True)
    for name in ("DateTime", "URL", "UnsignedInt64", "FormattedString"):
        schema.type_map[name].parse_value = _only_text
    return schema


def _only_text(value: Any) -> Any:
    if not isinstance(value, str):
        raise GraphQLError(f"{value!r} is no text")
    return value


@cache
def document_complaints(text: str) -> tuple[str, ...]:
    """What Shopify's validator would say about a document, use of deprecated fields included."""
    found = validate(published(), parse(text), [*specified_rules, NoDeprecatedCustomRule])
    return tuple(one.message for one in found)


def request_complaints(text: str, variables: dict[str, Any]) -> list[str]:
    """What is wrong with a request: its document, its variables' types, variables that nobody declared."""
    found = list(document_complaints(text))
    operation = _operation(text)
    declared = {one.variable.name.value for one in operation.variable_definitions or ()}
    found += [f"${name} is not declared" for name in variables if name not in declared]
    coerced = get_variable_values(published(), operation.variable_definitions or (), variables)
    if isinstance(coerced, list):
        found += [one.message for one in coerced]
    return found


def answer_complaints(text: str, data: Any) -> list[str]:
    """What in an answer's `data` contradicts the schema: nulls, enum values, scalars' forms, missing and extra keys."""
    if data is None:
        return []
    root = published().get_root_type(_operation(text).operation)
    assert root is not None
    fragments = {one.name.value: one for one in parse(text).definitions if isinstance(one, FragmentDefinitionNode)}
    return list(_Answer(fragments).object(root, [_operation(text).selection_set], data, "data"))


@cache
def _operation(text: str) -> OperationDefinitionNode:
    (one,) = [one for one in parse(text).definitions if isinstance(one, OperationDefinitionNode)]
    return one


class _Answer:
    """A walk along the selections of one document."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self.fragments = fragments

    def object(self, of: GraphQLNamedType, sets: list[SelectionSetNode], value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{at} is no object"
            return
        if is_abstract_type(of):
            known = value.get("__typename")
            if known is None:
                return
            of = published().type_map[known]
        fields = self.selected(of, sets)
        yield from (f"{at}.{key} was not asked for" for key in value.keys() - fields.keys())
        for key, nodes in fields.items():
            name = nodes[0].name.value
            if key not in value:
                yield f"{at}.{key} is missing"
            elif name != "__typename":
                below = [node.selection_set for node in nodes if node.selection_set]
                yield from self.value(of.fields[name].type, below, value[key], f"{at}.{key}")

    def value(self, of: Any, sets: list[SelectionSetNode], value: Any, at: str) -> Iterator[str]:
        if is_non_null_type(of):
            of = of.of_type
            if value is None:
                yield f"{at} is null, but it is {of}!"
        if value is None:
            return
        if is_list_type(of):
            for n, one in enumerate(value):
                yield from self.value(of.of_type, sets, one, f"{at}[{n}]")
        elif is_leaf_type(of):
            yield from self.leaf(of, value, at)
        else:
            yield from self.object(get_named_type(of), sets, value, at)

    @staticmethod
    def leaf(of: Any, value: Any, at: str) -> Iterator[str]:
        good = value in of.values if is_enum_type(of) else FORMS.get(of.name, lambda _: True)(value)
        if not good:
            yield f"{at} is {value!r}, which is no {of.name}"

    def selected(self, of: GraphQLNamedType, sets: list[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        found: dict[str, list[FieldNode]] = {}
        for node in (node for one in sets for node in one.selections):
            if isinstance(node, FieldNode):
                found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                continue
            part = node if isinstance(node, InlineFragmentNode) else self.fragments[node.name.value]
            wanted = published().type_map[part.type_condition.name.value] if part.type_condition else of
            if wanted is of or (is_abstract_type(wanted) and published().is_sub_type(wanted, of)):
                for key, nodes in self.selected(of, [part.selection_set]).items():
                    found.setdefault(key, []).extend(nodes)
        return found


def checked(answer: Answer) -> Answer:
    """The simulator's `answer`, failing the test when our request or its answer contradicts the schema, if it is there.

    Tests that spoil answers put themselves around it.
    """

    def look(request: httpx.Request) -> httpx.Response:
        given = answer(request)
        ours = request.headers.get("user-agent", "").startswith("backroom/")
        if ours and request.url.path.endswith("graphql.json") and given.status_code == 200 and FILE.exists():
            asked, body = json.loads(request.content), json.loads(given.content)
            found = request_complaints(asked["query"], asked.get("variables") or {})
            found += answer_complaints(asked["query"], body.get("data"))
            assert not found, "; ".join(found[:5])
        return given

    return look
