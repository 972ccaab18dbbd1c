"""Klaviyo's official OpenAPI file as JSON Schemas, where it lies beside the repository."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

FILE = Path(__file__).parents[4] / "shared" / "specs" / "klaviyo-openapi.json"

needs_spec = pytest.mark.skipif(
    not FILE.exists(), reason="Klaviyo's OpenAPI file is not in ../shared/specs; it is not part of the project"
)


@cache
def spec() -> Any:
    """The file as it is."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def operation(method: str, path: str) -> Any:
    """What the file says of one endpoint."""
    return spec()["paths"][path][method.lower()]


def complaints(method: str, path: str, *, body: Any = None, status: int = 0) -> list[str]:
    """What is wrong with a request's body, or with the answer that has this status; empty when all is well.

    Requests may not hold anything that the file does not name, so that a misspelt field is found.
    """
    said = operation(method, path)
    if not status:
        content, strict = said["requestBody"]["content"], True
    else:
        content, strict = _answer(said, status).get("content", {}), False
    if not content:
        return [] if body is None else ["a body where there is none"]
    schema = content["application/vnd.api+json"]["schema"]
    validator = jsonschema.Draft202012Validator({**_converted(schema, strict), "components": _components(strict)})
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]


def _answer(said: Any, status: int) -> Any:
    answer = said["responses"].get(str(status)) or said["responses"].get(f"{status // 100}XX")
    if answer is None:
        raise AssertionError(f"the file has no answer {status}")
    return _followed(answer)


def _followed(value: Any) -> Any:
    if "$ref" not in value:
        return value
    found: Any = spec()
    for part in value["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


@cache
def _components(strict: bool) -> Any:
    return {"schemas": _converted(spec()["components"]["schemas"], strict)}


def _converted(schema: Any, strict: bool) -> Any:
    """OpenAPI 3.0 to JSON Schema: `nullable` becomes a type; with `strict`, named properties are all there are."""
    if isinstance(schema, list):
        return [_converted(one, strict) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _converted(value, strict) for name, value in schema.items() if name not in ("example", "nullable")}
    if schema.get("nullable") is True:
        if "$ref" in made:
            return {"anyOf": [{"$ref": made["$ref"]}, {"type": "null"}]}
        if isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
        if isinstance(made.get("oneOf"), list):
            made["oneOf"] = [*made["oneOf"], {"type": "null"}]
    if strict and schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        made.setdefault("additionalProperties", False)
    return made
