"""A GraphQL document turned into plain closures: faster than a general executor, and easy to count the cost of.

A `Selection` knows, for one object type, how each selected field is read from the simulator's objects:
`GETTERS[type][field]` reads it without arguments, `RESOLVERS[type, field]` with arguments and the request. Types in
neither table are plain dicts in Shopify's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
)

from integrations.shopify.simulator.errors import FieldError
from integrations.shopify.simulator.inputs import arguments
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
        written = (
            next((one for one in self.node.directives or () if one.name.value == name), None) if self.node else None
        )
        if written is None:
            return None
        return arguments(self.sim.schema.get_directive(name).args, written.arguments or (), self.variables)


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
    path: tuple[str, ...] = ()
    inner: Selections | None = None
    edges: Selections | None = None
    get: Getter | None = None
    resolve: Resolver | None = None
    parts: Parts = field(default_factory=lambda: Parts([], [], []))

    def args(self, request: Request) -> dict[str, Any]:
        """Coerced arguments, computed once per request."""
        known = request.arguments.get(id(self))
        if known is None:
            known = arguments(self.definition.args, self.nodes[0].arguments or (), request.variables)
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
        at = self.nodes[0].loc
        if error.location is None and at is not None:
            error.path = list(self.path)
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
