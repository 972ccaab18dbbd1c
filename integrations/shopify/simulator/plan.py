"""A GraphQL document turned into plain closures: faster than a general executor, and easy to count the cost of.

A `Selection` knows, for one object type, how each selected field is read from the simulator's objects:
`GETTERS[type][field]` reads it without arguments, `RESOLVERS[type, field]` with arguments and the request. Types in
neither table are plain dicts in Shopify's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

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
from graphql.execution.values import get_argument_values, get_directive_values

from integrations.shopify.simulator.errors import FieldError
from integrations.shopify.simulator.paging import Page, page_of

Getter = Callable[[Any], Any]
Resolver = Callable[[Any, Mapping[str, Any], "Request"], Any]

GETTERS: dict[str, dict[str, Getter]] = {}
RESOLVERS: dict[tuple[str, str], Resolver] = {}


def resolves(type_name: str, field_name: str) -> Callable[[Resolver], Resolver]:
    """Register the resolver of a field with arguments or with a say of the request."""

    def register(resolver: Resolver) -> Resolver:
        RESOLVERS[type_name, field_name] = resolver
        return resolver

    return register


@dataclass(slots=True)
class Request:
    """What one running operation carries along: the simulator, the variables, and what there is to tell at the end."""

    sim: Any
    variables: Mapping[str, Any]
    errors: list[FieldError] = field(default_factory=list)
    searches: list[dict[str, Any]] = field(default_factory=list)
    debug_search: bool = False
    arguments: dict[int, dict[str, Any]] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    node: FieldNode | None = None

    def directive(self, name: str) -> dict[str, Any] | None:
        """The arguments of a directive on the field that is being resolved."""
        found = self.sim.schema.get_directive(name)
        return None if self.node is None else get_directive_values(found, self.node, self.variables)


Named = list[tuple[str, str]]
"""(key in the answer, name of the field) pairs."""


@dataclass(slots=True)
class Parts:
    """What is selected of a connection, of its edges and of its page info."""

    connection: Named
    edges: Named
    info: Named


@dataclass(slots=True)
class Field:
    """One selected field: its key in the answer and how to get there."""

    key: str
    name: str
    parent: str
    kind: str  # leaf, object, list, connection
    returns: str
    nodes: list[FieldNode]
    definition: GraphQLField
    nullable: bool
    inner: Selections | None = None
    edges: Selections | None = None
    get: Getter | None = None
    resolve: Resolver | None = None
    parts: Parts = field(default_factory=lambda: Parts([], [], []))

    def args(self, request: Request) -> dict[str, Any]:
        """Coerced arguments, computed once per request."""
        known = request.arguments.get(id(self))
        if known is None:
            known = get_argument_values(self.definition, self.nodes[0], dict(request.variables))
            request.arguments[id(self)] = known
        return known

    def value(self, subject: Any, request: Request) -> Any:
        """The finished, JSON-able value of this field of `subject`."""
        if self.resolve is None:
            return self.finish(self.get(subject), request)  # type: ignore[misc]
        try:
            request.node = self.nodes[0]
            return self.finish(self.resolve(subject, self.args(request), request), request)
        except FieldError as error:
            self._locate(error)
            if not self.nullable:
                raise
            request.errors.append(error)
            return None

    def _locate(self, error: FieldError) -> None:
        error.path.insert(0, self.key)
        at = self.nodes[0].loc
        if error.location is None and at is not None:
            error.location = {"line": at.start_token.line, "column": at.start_token.column}

    def finish(self, value: Any, request: Request) -> Any:
        """Project what was read along the inner selection."""
        if value is None or self.kind == "leaf":
            return value
        if self.kind == "connection":
            return self._connection(value, request)
        assert self.inner is not None
        if self.kind == "list":
            first = self.args(request).get("first") if self.nodes[0].arguments else None
            return [None if one is None else self.inner.project(one, request) for one in value[:first]]
        return self.inner.project(value, request)

    def _connection(self, value: Any, request: Request) -> dict[str, Any]:
        page = value if isinstance(value, Page) else page_of(value, self.args(request))
        request.sizes[id(self)] = max(request.sizes.get(id(self), 0), len(page.nodes))
        out: dict[str, Any] = {}
        for key, what in self.parts.connection:
            if what == "nodes":
                assert self.inner is not None
                out[key] = [self.inner.project(one, request) for one in page.nodes]
            elif what == "edges":
                out[key] = [self._edge(page, n, request) for n in range(len(page.nodes))]
            elif what == "pageInfo":
                out[key] = {name: _page_info(page, asked) for name, asked in self.parts.info}
            else:
                out[key] = self.returns
        return out

    def _edge(self, page: Page, n: int, request: Request) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, what in self.parts.edges:
            if what == "node":
                assert self.edges is not None
                out[key] = self.edges.project(page.nodes[n], request)
            else:
                out[key] = page.cursor(n) if what == "cursor" else self.returns.replace("Connection", "Edge")
        return out


def _page_info(page: Page, asked: str) -> Any:
    if asked == "hasNextPage":
        return page.has_next
    if asked == "hasPreviousPage":
        return page.has_previous
    if asked == "__typename":
        return "PageInfo"
    if not page.nodes:
        return None
    return page.cursor(0 if asked == "startCursor" else len(page.nodes) - 1)


class Selection:
    """The selected fields of one object type."""

    def __init__(self, fields: list[Field]) -> None:
        self.fields = fields
        self.steps = [(one.key, one.get if one.kind == "leaf" and one.resolve is None else None, one) for one in fields]

    def project(self, subject: Any, request: Request) -> dict[str, Any]:
        """A JSON object with exactly the selected fields."""
        return {
            key: one.value(subject, request) if get is None else get(subject)
            for key, get, one in self.steps
        }  # fmt: skip


class Selections:
    """The selection of a field per possible object type (one for an object, several for an interface)."""

    def __init__(self, by_type: dict[str, Selection], whole: bool = False) -> None:
        self.by_type = by_type
        self.only = next(iter(by_type.values())) if len(by_type) == 1 else None
        self.whole = whole

    def project(self, subject: Any, request: Request) -> Any:
        """`subject` along the selection of its own type."""
        if self.whole:
            return subject
        return (self.only or self.by_type[type_name(subject)]).project(subject, request)


def type_name(subject: Any) -> str:
    """The GraphQL type of one of the simulator's objects."""
    name: str = subject["__typename"] if isinstance(subject, dict) else subject.TYPE
    return name


class Compiler:
    """Turns the selections of one document into `Selection`s."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], skip: Skip) -> None:
        self.schema, self.fragments, self.skip = schema, fragments, skip

    def selections(self, of: GraphQLNamedType, nodes: list[SelectionSetNode]) -> Selections:
        """The selections for `of`, or for each of its possible types."""
        if is_abstract_type(of):
            possible = self.schema.get_possible_types(of)  # type: ignore[arg-type]
            return Selections({one.name: self.selection(one, nodes) for one in possible})
        assert isinstance(of, GraphQLObjectType)
        selection = self.selection(of, nodes)
        return Selections({of.name: selection}, whole=is_whole(of, selection))

    def selection(self, of: GraphQLObjectType, nodes: list[SelectionSetNode]) -> Selection:
        """The fields selected of object type `of`; fields of the same key are merged."""
        grouped: dict[str, list[FieldNode]] = {}
        for node in nodes:
            self._collect(of, node, grouped)
        return Selection([self._field(of, key, found) for key, found in grouped.items()])

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
        return is_abstract_type(wanted) and self.schema.is_sub_type(wanted, of)  # type: ignore[arg-type]

    def _field(self, of: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Field:
        name = nodes[0].name.value
        if name == "__typename":
            return Field(key, name, of.name, "leaf", "String", nodes, GraphQLField(of), False, get=lambda _: of.name)
        definition = of.fields[name]
        returns = get_named_type(definition.type)
        one = Field(key, name, of.name, kind_of(definition), returns.name, nodes, definition, False)
        one.nullable = not is_non_null_type(definition.type)
        one.resolve = RESOLVERS.get((of.name, name))
        one.get = GETTERS[of.name][name] if one.resolve is None and of.name in GETTERS else itemgetter(name)
        sets = [node.selection_set for node in nodes if node.selection_set]
        if one.kind == "connection":
            self._connection(one, returns, sets)
        elif one.kind != "leaf":
            one.inner = self.selections(returns, sets)
        return one

    def _connection(self, one: Field, returns: GraphQLNamedType, sets: list[SelectionSetNode]) -> None:
        parts: dict[str, list[FieldNode]] = {}
        for node in sets:
            self._collect(returns, node, parts)  # type: ignore[arg-type]
        inner: GraphQLNamedType = get_named_type(returns.fields["nodes"].type)  # type: ignore[attr-defined]
        edge = get_named_type(returns.fields["edges"].type)  # type: ignore[attr-defined]
        nodes, edges, info = (self._sets(parts, name) for name in ("nodes", "edges", "pageInfo"))
        one.inner = self.selections(inner, nodes) if nodes else None
        edge_parts: dict[str, list[FieldNode]] = {}
        for node in edges:
            self._collect(edge, node, edge_parts)
        inside = self._sets(edge_parts, "node")
        one.edges = self.selections(inner, inside) if inside else None
        info_parts: dict[str, list[FieldNode]] = {}
        for node in info:
            self._collect(self.schema.type_map["PageInfo"], node, info_parts)  # type: ignore[arg-type]
        one.parts = Parts(_named(parts), _named(edge_parts), _named(info_parts))

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
