"""Documents are parsed, validated and compiled once, then remembered by their text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLBoolean,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableDefinitionNode,
    parse,
    validate,
)

from integrations.shopify.simulator.compile import Compiler
from integrations.shopify.simulator.errors import RequestError, syntax_error, validation_error
from integrations.shopify.simulator.inputs import coerce_variables, literal
from integrations.shopify.simulator.plan import Selections

REMEMBERED = 500


@dataclass(slots=True)
class Operation:
    """One operation, ready to run."""

    name: str | None
    kind: str
    root: Selections
    variables: tuple[VariableDefinitionNode, ...]


class Documents:
    """The documents seen so far."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.parsed: dict[str, DocumentNode] = {}
        self.compiled: dict[tuple[str, str | None], Operation] = {}

    def operation(self, text: str, name: str | None, variables: Mapping[str, Any]) -> Operation:
        """The operation to run. Raises RequestError if the document does not validate."""
        known = self.compiled.get((text, name))
        if known is not None:
            return known
        document = self._document(text)
        chosen = _choose(document, name)
        conditional = "@skip" in text or "@include" in text
        coerced = (
            coerce_variables(self.schema, tuple(chosen.variable_definitions or ()), variables) if conditional else {}
        )
        operation = self._compile(document, chosen, coerced)
        if not conditional:
            self._remember(text, name, operation)
        return operation

    def _remember(self, text: str, name: str | None, operation: Operation) -> None:
        if len(self.compiled) >= REMEMBERED:
            self.compiled.clear()
        self.compiled[text, name] = operation

    def _document(self, text: str) -> DocumentNode:
        known = self.parsed.get(text)
        if known is not None:
            return known
        try:
            document = parse(text)
        except GraphQLError as error:
            raise RequestError(syntax_error(error)) from error
        errors = validate(self.schema, document)
        if errors:
            raise RequestError(*(validation_error(document, one) for one in errors))
        if len(self.parsed) >= REMEMBERED:
            self.parsed.clear()
        self.parsed[text] = document
        return document

    def _compile(self, document: DocumentNode, chosen: OperationDefinitionNode, variables: dict[str, Any]) -> Operation:
        fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
        compiler = Compiler(self.schema, fragments, lambda node: _left_out(node, variables))
        root_type = self.schema.get_root_type(chosen.operation)
        assert root_type is not None
        root = compiler.selections(root_type, [chosen.selection_set])
        name = chosen.name.value if chosen.name else None
        return Operation(name, chosen.operation.value, root, tuple(chosen.variable_definitions or ()))


def _choose(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    named = [one for one in operations if name is None or (one.name and one.name.value == name)]
    if len(named) != 1:
        text = f'No operation named "{name}"' if name else "An operation name is required"
        raise RequestError({"message": text, "extensions": {"code": "BAD_REQUEST"}})
    return named[0]


def _left_out(node: Any, variables: dict[str, Any]) -> bool:
    for directive in node.directives or ():
        if directive.name.value in ("skip", "include"):
            condition = literal(directive.arguments[0].value, GraphQLBoolean, variables)
            if bool(condition) is (directive.name.value == "skip"):
                return True
    return False
