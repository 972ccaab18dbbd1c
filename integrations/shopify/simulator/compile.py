"""Selections of a document turned into `Selection`s."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from integrations.shopify.simulator.plan import GETTERS, RESOLVERS, Field, Named, Parts, Selection, Selections


class Compiler:
    """Turns the selections of one document into `Selection`s."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], skip: Skip) -> None:
        self.schema, self.fragments, self.skip = schema, fragments, skip
        self.path: tuple[str, ...] = ()

    def selections(self, of: GraphQLNamedType, nodes: list[SelectionSetNode]) -> Selections:
        """The selections for `of`, or for each of its possible types."""
        if is_abstract_type(of):
            possible = self.schema.get_possible_types(of)
            return Selections({one.name: self.selection(one, nodes) for one in possible})
        assert isinstance(of, GraphQLObjectType)
        selection = self.selection(of, nodes)
        return Selections({of.name: selection}, whole=is_whole(of, selection))

    def selection(self, of: GraphQLObjectType, nodes: list[SelectionSetNode]) -> Selection:
        """The fields selected of object type `of`; fields of the same key are merged."""
        grouped: dict[str, list[FieldNode]] = {}
        for node in nodes:
            self._collect(of, node, grouped)
        return Selection([self._below(key, of, found) for key, found in grouped.items()])

    def _below(self, key: str, of: GraphQLObjectType, nodes: list[FieldNode]) -> Field:
        outer, self.path = self.path, (*self.path, key)
        try:
            return self._field(of, key, nodes)
        finally:
            self.path = outer

    def _collect(self, of: GraphQLObjectType, selections: SelectionSetNode, into: dict[str, list[FieldNode]]) -> None:
        for node in selections.selections:
            if self.skip(node):
                continue
            if isinstance(node, FieldNode):
                into.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                continue
            name = getattr(node, "name", None)
            fragment: Any = self.fragments[name.value] if name else node
            if self._applies(fragment.type_condition, of):
                self._collect(of, fragment.selection_set, into)

    def _applies(self, condition: Any, of: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == of.name:
            return True
        wanted = self.schema.get_type(condition.name.value)
        return is_abstract_type(wanted) and self.schema.is_sub_type(wanted, of)

    def _field(self, of: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Field:
        name = nodes[0].name.value
        if name == "__typename":
            return Field(key, name, of.name, "leaf", "String", nodes, GraphQLField(of), False, get=lambda _: of.name)
        definition = of.fields[name]
        returns = get_named_type(definition.type)
        one = Field(key, name, of.name, kind_of(definition), returns.name, nodes, definition, False)
        one.nullable, one.path = not is_non_null_type(definition.type), self.path
        one.resolve = RESOLVERS.get((of.name, name))
        one.get = GETTERS[of.name][name] if one.resolve is None and of.name in GETTERS else itemgetter(name)
        sets = [node.selection_set for node in nodes if node.selection_set]
        if one.kind == "connection":
            self._connection(one, returns, sets)
        elif one.kind != "leaf":
            one.inner = self.selections(returns, sets)
        return one

    def _connection(self, one: Field, returns: GraphQLNamedType, sets: list[SelectionSetNode]) -> None:
        inner = self.schema.type_map[returns.name.removesuffix("Connection")]
        parts = self._grouped(returns.name, sets)
        nodes = self._sets(parts, "nodes")
        one.inner = self.selections(inner, nodes) if nodes else None
        edge_parts = self._grouped(f"{inner.name}Edge", self._sets(parts, "edges"))
        inside = self._sets(edge_parts, "node")
        one.edges = self.selections(inner, inside) if inside else None
        info_parts = self._grouped("PageInfo", self._sets(parts, "pageInfo"))
        one.parts = Parts(_named(parts), _named(edge_parts), _named(info_parts))

    def _grouped(self, of: str, sets: list[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        grouped: dict[str, list[FieldNode]] = {}
        for node in sets:
            self._collect(cast(GraphQLObjectType, self.schema.type_map[of]), node, grouped)
        return grouped

    @staticmethod
    def _sets(parts: dict[str, list[FieldNode]], name: str) -> list[SelectionSetNode]:
        found = (node for nodes in parts.values() for node in nodes if node.name.value == name)
        return [node.selection_set for node in found if node.selection_set]


Skip = Callable[[Any], bool]
"""Whether @skip or @include leave a selection out."""


def _named(parts: dict[str, list[FieldNode]]) -> Named:
    return [(key, nodes[0].name.value) for key, nodes in parts.items()]


def kind_of(definition: GraphQLField) -> str:
    """How a field's value is projected."""
    returns = get_named_type(definition.type)
    if is_leaf_type(returns):
        return "leaf"
    if returns.name.endswith("Connection"):
        return "connection"
    return "list" if is_list_type(get_nullable_type(definition.type)) else "object"


def is_whole(of: GraphQLObjectType, selection: Selection) -> bool:
    """Whether money is selected in full, so that the stored record can be handed out as it is."""
    if of.name not in ("MoneyBag", "MoneyV2") or [one.key for one in selection.fields] != [
        one.name for one in selection.fields
    ]:
        return False
    if {one.key for one in selection.fields} != set(of.fields):
        return False
    return all(one.inner is None or one.inner.whole for one in selection.fields)
