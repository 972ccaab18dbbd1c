"""How Shopify words what went wrong. https://shopify.dev/docs/api/usage/response-codes"""

from __future__ import annotations

import re
from typing import Any

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, GraphQLError, Node, OperationDefinitionNode

MISSING = "Field '{0}' is missing required arguments: {1}"
MISSING_ATTRIBUTE = "Argument '{1}' on InputObject '{0}' is required"
VALIDATION: tuple[tuple[str, str, str | None], ...] = (
    (r"Cannot query field '(\w+)' on type '(\w+)'", "undefinedField", "Field '{0}' doesn't exist on type '{1}'"),
    (
        r"Unknown argument '(\w+)' on field '(\w+)\.(\w+)'",
        "argumentNotAccepted",
        "Field '{2}' doesn't accept argument '{0}'",
    ),
    (
        r"Unknown argument '(\w+)' on directive '@(\w+)'",
        "argumentNotAccepted",
        "Directive '{1}' doesn't accept argument '{0}'",
    ),
    (r"(?:Field|Argument) '(?:\w+\.)?(@?\w+)(?:' argument '|\()(\w+).*required", "missingRequiredArguments", MISSING),
    (r"Directive '(@\w+)' argument '(\w+)'.*required", "missingRequiredArguments", MISSING),
    (r"'(\w+)' to include required field '(\w+)'", "missingRequiredInputObjectAttribute", MISSING_ATTRIBUTE),
    (r"Field '(\w+)\.(\w+)' of required type", "missingRequiredInputObjectAttribute", MISSING_ATTRIBUTE),
    (r"must have a selection of subfields|must not have a selection", "selectionMismatch", None),
    (r"Variable '\$(\w+)' is never used", "variableNotUsed", "Variable ${0} is declared but not used"),
    (r"Variable '\$(\w+)' is not defined", "variableNotDefined", "Variable ${0} is used but not declared"),
    (r"Unknown directive '@(\w+)'", "undefinedDirective", "Directive @{0} is not defined"),
    (r"Directive '@(\w+)' may not be used", "directiveCannotBeApplied", None),
    (r"Unknown type '(\w+)'", "undefinedType", "{0} isn't a defined type"),
    (r"Variable '\$(\w+)' of type", "variableMismatch", None),
    (r"Unknown fragment", "useAndDefineFragment", None),
)
DEFAULT_CODE = "argumentLiteralsIncompatible"


class FieldError(Exception):
    """An error of one field: the field becomes null, or its nearest nullable parent does."""

    def __init__(self, message: str, code: str, **extensions: Any) -> None:
        super().__init__(message)
        self.message, self.extensions = message, {"code": code, **extensions}
        self.path: list[str] = []
        self.location: dict[str, int] | None = None

    def as_json(self) -> dict[str, Any]:
        """The entry in `errors`."""
        located = {"locations": [self.location]} if self.location else {}
        return {"message": self.message, **located, "path": self.path, "extensions": self.extensions}


class RequestError(Exception):
    """The whole request is refused with HTTP 200 and `errors` only."""

    def __init__(self, *errors: dict[str, Any]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = list(errors)


def access_denied(field: str, *scopes: str) -> FieldError:
    """What a missing scope answers, when any one of `scopes` would do."""
    *others, last = [f"`{scope}` access scope" for scope in scopes]
    needed = f"{', '.join(others)} or {last}." if others else f"{last}."
    return FieldError(
        f"Access denied for {field} field. Required access: {needed}",
        "ACCESS_DENIED",
        documentation="https://shopify.dev/api/usage/access-scopes",
        requiredAccess=needed,
    )


def validation_error(document: DocumentNode, error: GraphQLError) -> dict[str, Any]:
    """graphql-core's finding in the words and camelCase codes of Shopify's own validator."""
    code, message = DEFAULT_CODE, error.message
    for pattern, known, text in VALIDATION:
        found = re.search(pattern, error.message)
        if found:
            code, message = known, text.format(*found.groups()) if text else error.message
            break
    locations = [{"line": at.line, "column": at.column} for at in error.locations or []]
    path = _path_to(document, error.nodes[0]) if error.nodes else []
    return {"message": message, "locations": locations, "path": path, "extensions": {"code": code}}


def syntax_error(error: GraphQLError) -> dict[str, Any]:
    """A document that is no GraphQL."""
    locations = [{"line": at.line, "column": at.column} for at in error.locations or []]
    return {"message": error.message, "locations": locations, "extensions": {"code": "PARSE_ERROR"}}


def _path_to(document: DocumentNode, node: Node) -> list[str]:
    for definition in document.definitions:
        if _contains(definition, node):
            return [_label(definition), *_fields_to(definition, node)]
    return []


def _label(definition: Node) -> str:
    if isinstance(definition, OperationDefinitionNode):
        name = f" {definition.name.value}" if definition.name else ""
        return f"{definition.operation.value}{name}"
    return f"fragment {definition.name.value}" if isinstance(definition, FragmentDefinitionNode) else "document"


def _fields_to(parent: Node, node: Node) -> list[str]:
    selections = getattr(getattr(parent, "selection_set", None), "selections", ())
    for child in selections:
        if _contains(child, node):
            own = [child.name.value] if isinstance(child, FieldNode) else []
            return own + _fields_to(child, node)
    return []


def _contains(outer: Node, inner: Node) -> bool:
    if outer.loc is None or inner.loc is None:
        return False
    return outer.loc.start <= inner.loc.start and inner.loc.end <= outer.loc.end
