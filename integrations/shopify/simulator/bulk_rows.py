"""What a bulk query may ask, and the lines it answers with: parents first, children somewhere behind their parent.

https://shopify.dev/docs/api/usage/bulk-operations/queries#operation-restrictions
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from graphql import GraphQLError, OperationDefinitionNode, parse

from integrations.shopify.simulator.documents import Operation
from integrations.shopify.simulator.errors import RequestError
from integrations.shopify.simulator.paging import MOST, Page
from integrations.shopify.simulator.plan import Field, Request, Selection, Selections, type_name

LONGEST = 65_535
MOST_CONNECTIONS = 5
DEEPEST = 2
TOGETHER = 3
"""Parents that are written before the first of their children."""

NO_CONNECTION = "Bulk queries must contain at least one connection."
TOO_MANY = "Bulk queries cannot contain more than 5 connections."
TOO_DEEP = "Bulk queries cannot contain connections with a nesting depth greater than 2."
NOT_EDGES = (
    "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: "
    "'products { edges { node {'. Invalid connection fields: '{0}'."
)
IN_LIST = "Queries that contain a connection field within a list field are not currently supported."
NOT_A_QUERY = "Invalid operation type. Only `query` operations are supported."
NO_ID = "The parent 'node' field for a nested connection must select the 'id' field without an alias. Connection fields without 'id': {0}."  # noqa: E501
NO_NODE = "Bulk queries cannot use the top-level node or nodes fields."


class Line(NamedTuple):
    """One object of the result, and whether it hangs below another one."""

    content: dict[str, Any]
    child: bool


def problem(sim: Any, text: str) -> str | None:
    """Why the query is refused, None when it is not."""
    if len(text.encode()) > LONGEST:
        return f"Bulk query is too long (maximum is {LONGEST} bytes)."
    try:
        definitions = parse(text).definitions
        operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
        if len(operations) != 1 or operations[0].operation.value != "query":
            return NOT_A_QUERY
        if operations[0].variable_definitions:
            return "Bulk queries cannot contain variables."
        operation = sim.documents.operation(text, None, {})
    except GraphQLError as error:
        return f"Invalid bulk query: {error.message}"
    except RequestError as error:
        return f"Invalid bulk query: {error}"
    return next(_problems(operation, sim.bulk.root_counts), None)


def _problems(operation: Operation, root_counts: bool) -> Iterator[str]:
    if operation.root.only and any(one.name in ("node", "nodes") for one in operation.root.only.fields):
        yield NO_NODE
    found = list(_connections(operation.root, 0, False))
    if not found:
        yield NO_CONNECTION
    if len(found) > MOST_CONNECTIONS:
        yield TOO_MANY
    for one, depth, in_list in found:
        if in_list:
            yield IN_LIST
        if depth - (0 if root_counts else 1) > DEEPEST:
            yield TOO_DEEP
        if one.edges is None or any(what == "nodes" for _, what in one.parts.connection):
            yield NOT_EDGES.replace("{0}", one.name)
        elif list(_connections(one.edges, 0, False)) and not _names_itself(one.edges):
            yield NO_ID.replace("{0}", one.name)


def _connections(selections: Selections | None, depth: int, in_list: bool) -> Iterator[tuple[Field, int, bool]]:
    for selection in selections.by_type.values() if selections else ():
        for one in selection.fields:
            if one.kind == "connection":
                yield one, depth + 1, in_list
                yield from _connections(one.edges or one.inner, depth + 1, in_list)
            elif one.inner is not None:
                yield from _connections(one.inner, depth, in_list or one.kind == "list")


def _names_itself(selections: Selections) -> bool:
    return all(any(one.key == one.name == "id" for one in each.fields) for each in selections.by_type.values())


def lines(sim: Any, text: str) -> list[Line]:
    """Every object of the answer. Raises FieldError for a field that is denied."""
    operation, request = sim.documents.operation(text, None, {}), Request(sim, {})
    (root,) = operation.root.by_type.values()
    found: list[Line] = []
    for one in root.fields:
        if one.kind != "connection":
            continue
        waiting: list[Line] = []
        for number, row in enumerate(_rows(one, {}, request), 1):
            record, below = _record(one.edges, row, request)
            found.append(Line(record, child=False))
            waiting += _below(below, record, request)
            if number % TOGETHER == 0:
                found += _mixed(waiting)
                waiting = []
        found += _mixed(waiting)
    if request.errors:
        raise request.errors[0]
    return found


def _mixed(children: list[Line]) -> list[Line]:
    """Children of several parents take turns; those of one parent keep their order."""
    groups: dict[str, list[Line]] = {}
    for one in children:
        groups.setdefault(one.content["__parentId"], []).append(one)
    mixed: list[Line] = []
    while any(groups.values()):
        mixed += [group.pop(0) for group in groups.values() if group]
    return mixed


def _below(fields: list[tuple[Field, Any]], parent: Mapping[str, Any], request: Request) -> Iterator[Line]:
    for one, subject in fields:
        for row in _rows(one, subject, request):
            record, below = _record(one.edges, row, request)
            record["__parentId"] = parent["id"]
            yield Line(record, child=True)
            yield from _below(below, record, request)


def _record(selections: Selections | None, row: Any, request: Request) -> tuple[dict[str, Any], list[Any]]:
    """An object without its connections, and its connections."""
    assert selections is not None
    chosen: Selection = selections.only or selections.by_type[type_name(row)]
    plain = {one.key: one.value(row, request) for one in chosen.fields if one.kind != "connection"}
    return plain, [(one, row) for one in chosen.fields if one.kind == "connection"]


def _rows(one: Field, subject: Any, request: Request) -> Iterator[Any]:
    """Every row of a connection, whatever `first` says."""
    after = None
    args = {key: value for key, value in one.args(request).items() if key not in ("first", "last", "before")}
    while True:
        request.node = one.nodes[0]
        found = one.resolve(subject, {**args, "first": MOST, "after": after}, request) if one.resolve else None
        found = one.get(subject) if found is None and one.get else found
        if not isinstance(found, Page):
            yield from found or ()
            return
        yield from found.nodes
        if not found.has_next:
            return
        after = found.cursor(len(found.nodes) - 1)


def file(rows: list[Line]) -> bytes:
    """JSON lines, slashes escaped."""
    texts = (json.dumps(one.content, separators=(",", ":"), ensure_ascii=False).replace("/", "\\/") for one in rows)
    return "".join(f"{text}\n" for text in texts).encode()
