"""Documents are parsed, validated and compiled once, then remembered by their text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    is_input_type,
    is_non_null_type,
    parse,
    print_ast,
    type_from_ast,
    validate,
    value_from_ast,
)
from graphql.execution.values import get_directive_values
from graphql.type import GraphQLIncludeDirective, GraphQLSkipDirective
from graphql.utilities import coerce_input_value

from integrations.shopify.simulator.errors import RequestError, syntax_error, validation_error
from integrations.shopify.simulator.plan import Compiler, Selections

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
        coerced = coerce_variables(self.schema, tuple(chosen.variable_definitions or ()), variables) if conditional else {}
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
    if not node.directives:
        return False
    skip = get_directive_values(GraphQLSkipDirective, node, variables)
    include = get_directive_values(GraphQLIncludeDirective, node, variables)
    return bool(skip and skip["if"]) or bool(include and not include["if"])


def coerce_variables(
    schema: GraphQLSchema, definitions: tuple[VariableDefinitionNode, ...], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Checked variables. Raises RequestError with `INVALID_VARIABLE` and its problems."""
    coerced: dict[str, Any] = {}
    for definition in definitions:
        name = definition.variable.name.value
        of = type_from_ast(schema, definition.type)
        assert is_input_type(of)
        if name in given:
            coerced[name] = _coerce(name, print_ast(definition.type), of, given[name])
        elif definition.default_value is not None:
            coerced[name] = value_from_ast(definition.default_value, of)
        elif is_non_null_type(of):
            raise _invalid(name, print_ast(definition.type), None, [([], "Expected value to not be null")])
    return coerced


def _coerce(name: str, written: str, of: Any, value: Any) -> Any:
    problems: list[tuple[list[Any], str]] = []

    def on_error(path: list[Any], wrong: Any, error: GraphQLError) -> None:
        problems.append(_problem(path, wrong, error.message))

    result = Undefined if value is None and is_non_null_type(of) else coerce_input_value(value, of, on_error)
    if result is Undefined and not problems:
        problems.append(([], "Expected value to not be null"))
    if problems:
        raise _invalid(name, written, value, problems)
    return result


def _problem(path: list[Any], wrong: Any, message: str) -> tuple[list[Any], str]:
    if "is not defined by type" in message:
        field, of = message.split("'")[1], message.split("'")[3]
        return [*path, field], f"Field is not defined on {of}"
    if "was not provided" in message:
        return [*path, message.split("'")[1]], "Expected value to not be null"
    if "not to be None" in message:
        return path, "Expected value to not be null"
    return path, message


def _invalid(name: str, written: str, value: Any, problems: list[tuple[list[Any], str]]) -> RequestError:
    listed = [{"path": [_step(one) for one in path], "explanation": why} for path, why in problems]
    details = ", ".join(
        f"{'.'.join(str(step) for step in path)} ({why})" if path else f"({why})" for path, why in problems
    )
    text = f"Variable ${name} of type {written} was provided invalid value"
    text = f"{text} for {details}" if problems[0][0] else text
    return RequestError(
        {"message": text, "extensions": {"code": "INVALID_VARIABLE", "value": value, "problems": listed}}
    )


def _step(one: Any) -> Any:
    return one if isinstance(one, int) else str(one)
