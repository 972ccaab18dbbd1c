"""Values that come in: variables and literals, checked against their input types, defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    Undefined,
    VariableDefinitionNode,
    VariableNode,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    print_ast,
    type_from_ast,
)

from integrations.shopify.simulator.errors import RequestError

Problems = list[tuple[list[Any], str]]
"""(path, explanation) of everything wrong with a variable."""

NULL = "Expected value to not be null"
MOST_INT = 2**31


def arguments(known: Mapping[str, Any], nodes: Sequence[ArgumentNode], variables: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a field or directive; what was not given is missing, unless it has a default."""
    given = {node.name.value: node.value for node in nodes}
    values: dict[str, Any] = {}
    for name, argument in known.items():
        value = literal(given[name], argument.type, variables) if name in given else Undefined
        if value is Undefined:
            value = default_of(argument)
        if value is not Undefined:
            values[name] = value
    return values


def default_of(argument: Any) -> Any:
    """The default of an argument or input field, Undefined without one."""
    node = argument.ast_node.default_value if argument.ast_node else None
    return Undefined if node is None else literal(node, argument.type, {})


def literal(node: Any, of: Any, variables: Mapping[str, Any]) -> Any:
    """The value of a literal that has already been validated; Undefined for a variable that was not given."""
    if is_non_null_type(of):
        of = of.of_type
    if isinstance(node, VariableNode):
        return variables.get(node.name.value, Undefined)
    if isinstance(node, NullValueNode):
        return None
    if is_list_type(of):
        items = node.values if isinstance(node, ListValueNode) else (node,)
        return [literal(item, of.of_type, variables) for item in items]
    if isinstance(node, ObjectValueNode):
        return _object_literal(node, of, variables)
    return _scalar_literal(node, of)


def _object_literal(node: ObjectValueNode, of: GraphQLInputObjectType, variables: Mapping[str, Any]) -> dict[str, Any]:
    given = {
        field.name.value: literal(field.value, of.fields[field.name.value].type, variables) for field in node.fields
    }
    found = {name: value for name, value in given.items() if value is not Undefined}
    defaults = {name: default_of(field) for name, field in of.fields.items() if name not in found}
    return {**found, **{name: value for name, value in defaults.items() if value is not Undefined}}


def _scalar_literal(node: Any, of: Any) -> Any:
    if isinstance(node, IntValueNode):
        return node.value if of.name in ("ID", "String") else int(node.value)
    if isinstance(node, FloatValueNode):
        return float(node.value)
    if isinstance(node, BooleanValueNode | StringValueNode | EnumValueNode):
        return node.value
    raise TypeError(f"no literal: {node}")


def coerce_variables(
    schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Checked variables. Raises RequestError with `INVALID_VARIABLE` and its problems."""
    coerced: dict[str, Any] = {}
    for definition in definitions:
        name, of = definition.variable.name.value, type_from_ast(schema, definition.type)
        problems: Problems = []
        if name in given:
            coerced[name] = coerce(given[name], of, [], problems)
        elif definition.default_value is not None:
            coerced[name] = literal(definition.default_value, of, {})
        elif is_non_null_type(of):
            problems.append(([], NULL))
        if problems:
            raise invalid_variable(name, print_ast(definition.type), given.get(name), problems)
    return coerced


def coerce(value: Any, of: Any, path: list[Any], problems: Problems) -> Any:
    """`value` as type `of` wants it; what is wrong goes to `problems`."""
    if isinstance(of, GraphQLNonNull):
        if value is None:
            problems.append((path, NULL))
            return None
        of = of.of_type
    if value is None:
        return None
    if is_list_type(of):
        items = value if isinstance(value, list) else [value]
        return [coerce(item, of.of_type, [*path, n], problems) for n, item in enumerate(items)]
    if is_input_object_type(of):
        return _coerce_object(value, of, path, problems)
    return _coerce_leaf(value, of, path, problems)


def _coerce_object(value: Any, of: GraphQLInputObjectType, path: list[Any], problems: Problems) -> Any:
    if not isinstance(value, dict):
        problems.append((path, f'Expected "{value}" to be a key-value object responding to `to_h` or `to_unsafe_h`.'))
        return None
    unknown = [name for name in value if name not in of.fields]
    problems.extend(([*path, name], f"Field is not defined on {of.name}") for name in unknown)
    found: dict[str, Any] = {}
    for name, field in of.fields.items():
        default = default_of(field) if name not in value else Undefined
        if name in value:
            found[name] = coerce(value[name], field.type, [*path, name], problems)
        elif default is not Undefined:
            found[name] = default
        elif is_non_null_type(field.type):
            problems.append(([*path, name], NULL))
    return found


def _coerce_leaf(value: Any, of: Any, path: list[Any], problems: Problems) -> Any:
    if is_enum_type(of):
        if value not in of.values:
            problems.append((path, f'Expected "{value}" to be one of: {", ".join(of.values)}'))
        return value
    if not _fits(value, of.name):
        problems.append((path, f"Could not coerce value {value!r} to {of.name}"))
    return str(value) if of.name == "ID" else value


def _fits(value: Any, name: str) -> bool:
    if name == "Boolean":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if name == "Int":
        return isinstance(value, int) and -MOST_INT <= value < MOST_INT
    if name == "Float":
        return isinstance(value, int | float)
    return isinstance(value, str) or (name in ("ID", "UnsignedInt64", "BigInt", "Decimal") and isinstance(value, int))


def invalid_variable(name: str, written: str, value: Any, problems: Problems) -> RequestError:
    """The refusal, with every problem listed."""
    listed = [{"path": path, "explanation": why} for path, why in problems]
    named = ", ".join(f"{'.'.join(str(step) for step in path)} ({why})" for path, why in problems if path)
    text = f"Variable ${name} of type {written} was provided invalid value"
    extensions = {"code": "INVALID_VARIABLE", "value": value, "problems": listed}
    return RequestError({"message": f"{text} for {named}" if named else text, "extensions": extensions})
