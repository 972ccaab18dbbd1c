"""ShipStation's official OpenAPI file (API V2) as JSON Schemas, where it lies beside the repository."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

FILE = Path(__file__).parents[4] / "shared" / "specs" / "shipstation-v2-openapi.yaml"

needs_spec = pytest.mark.skipif(
    not FILE.exists(), reason="ShipStation's OpenAPI file is not in ../shared/specs; it is not part of the project"
)

NEWER_FIELDS = {
    # The guides and reference pages send these; the file of July 2025 closes the object without them.
    # https://docs.shipstation.com/orders/shipment-numbers, https://docs.shipstation.com/orders/legacy-migration
    "create_shipment_request": (
        "shipment_number",
        "warehouse_id",
        "advanced_options",
        "requested_shipment_service",
        "ship_by_date",
        "hold_until_date",
    ),
    # Since 2026 a webhook has a name and may be for one store.
    # https://docs.shipstation.com/apis/docs/guides/webhooks-overview
    "create_webhook_request_body": ("name", "store_id"),
    "update_webhook_request_body": ("name",),
}
"""Fields of requests that are newer than the file."""

NEWER_EVENTS = (
    "shipment_created_v2",
    "label_created_v2",
    "fulfillment_shipped_v2",
    "fulfillment_rejected_v2",
    "track_event_v2",
    "batch_processed_v2",
)
"""Webhook events that are newer than the file."""

FAULTS: dict[tuple[str, ...], str] = {
    ("weight", "properties", "value", "exclusiveMinimum"): "1 beside a minimum of 0; weights of 0 are answered",
    ("list_shipments_response_body", "properties", "pages", "minimum"): "1, but an empty list has 0 pages",
}
"""What the file says by mistake, and why it is passed over."""


@cache
def spec() -> Any:
    """The file, its mistakes left out and what is newer put in."""
    said = yaml.load(FILE.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    schemas = said["components"]["schemas"]
    for path in FAULTS:
        *way, last = path
        found = schemas
        for part in way:
            found = found[part]
        del found[last]
    for name, fields in NEWER_FIELDS.items():
        schemas[name]["properties"] |= {field: {} for field in fields}
    schemas["webhook_event"]["enum"] += NEWER_EVENTS
    return said


@cache
def endpoint(method: str, path: str) -> Any:
    """What the file says of a call, None when it knows no such call."""
    for template, methods in spec()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in methods:
            shared = methods.get("parameters", [])
            said = methods[method.lower()]
            return {**said, "parameters": [_followed(each) for each in [*shared, *said.get("parameters", [])]]}
    return None


def wrong_with_query(method: str, path: str, query: dict[str, str]) -> list[str]:
    """Filters that the file does not name, or whose value it does not allow."""
    known = {each["name"]: each["schema"] for each in endpoint(method, path)["parameters"] if each["in"] == "query"}
    wrong = [f"{name} is no filter" for name in query if name not in known]
    for name, text in query.items():
        if name in known:
            whole = _merged(known[name]).get("type") == "integer"
            value: Any = int(text) if whole and text.isdigit() else text
            wrong += [f"{name}: {words}" for words in _complaints(known[name], value, strict=True)]
    return wrong


def wrong_with_body(method: str, path: str, body: Any) -> list[str]:
    """What is wrong with a request. It may hold nothing that the file does not name."""
    said = endpoint(method, path).get("requestBody")
    if said is None:
        return [] if body is None else ["a body where there is none"]
    return _complaints(said["content"]["application/json"]["schema"], body, strict=True)


def wrong_with_answer(method: str, path: str, status: int, body: Any) -> list[str]:
    """What is wrong with an answer. It may hold more than the file names: the service adds fields without notice."""
    responses = endpoint(method, path)["responses"]
    if str(status) not in responses:
        # 401, 403, 409 and 429 are on the pages, not at each call. https://docs.shipstation.com/errors
        return wrong_with_error(body) if status in (401, 403, 409, 429) else [f"no answer {status} is known"]
    content = _followed(responses[str(status)]).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if schema is None or _merged(schema).get("maxLength") == 0:
        return [] if body is None else ["a body where there is none"]
    return _complaints(schema, body, strict=False)


def wrong_with_error(body: Any) -> list[str]:
    """What is wrong with the usual error envelope."""
    return _complaints({"$ref": "#/components/schemas/error_response_body"}, body, strict=True)


def wrong_with(schema: str, body: Any) -> list[str]:
    """What is wrong with a value of one of the file's schemas."""
    return _complaints({"$ref": f"#/components/schemas/{schema}"}, body, strict=False)


def _complaints(schema: Any, value: Any, *, strict: bool) -> list[str]:
    validator = _validator(json.dumps(schema, default=str), strict)
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


@cache
def _validator(schema: str, strict: bool) -> Any:
    return jsonschema.Draft202012Validator(
        {**_converted(json.loads(schema), strict), "components": _components(strict)}
    )


@cache
def _components(strict: bool) -> Any:
    return {"schemas": _converted_all(spec()["components"]["schemas"], strict)}


def _converted_all(schemas: Any, strict: bool) -> Any:
    return {name: _converted(schema, strict) for name, schema in schemas.items()}


def _followed(value: Any) -> Any:
    if "$ref" not in value:
        return value
    found: Any = spec()
    for part in value["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def _merged(schema: Any) -> Any:
    """The schema with what it inherits: a closed object would refuse inherited properties otherwise."""
    schema = _followed(schema)
    made: dict[str, Any] = {name: value for name, value in schema.items() if name != "allOf"}
    for each in map(_merged, schema.get("allOf", [])):
        properties = {**each.get("properties", {}), **made.get("properties", {})}
        required = [*made.get("required", []), *each.get("required", [])]
        made = {**each, **made}
        if properties:
            made["properties"] = properties
        if required:
            made["required"] = sorted(set(required))
    return made


def _converted(schema: Any, strict: bool) -> Any:
    """JSON Schema: `x-nullable` becomes a type, and objects are closed only when `strict`."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    made = _body(schema, strict)
    return {"anyOf": [made, {"type": "null"}]} if schema.get("x-nullable") else made


def _body(schema: Any, strict: bool) -> Any:
    inherited = schema.get("allOf", [])
    if len(inherited) == 1 and "$ref" in inherited[0] and "properties" not in schema and "required" not in schema:
        return {"$ref": inherited[0]["$ref"]}
    whole = _merged(schema)
    kept = ("type", "enum", "required", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems")
    made: dict[str, Any] = {name: whole[name] for name in kept if name in whole}
    if "items" in whole:
        made["items"] = _converted(whole["items"], strict)
    if "properties" in whole:
        made["properties"] = _converted_all(whole["properties"], strict)
        if strict:
            made["additionalProperties"] = False
    return made
