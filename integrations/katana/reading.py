"""Katana's answers as models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from commerce.errors import UnexpectedAnswer
from integrations.katana.refusals import VENDOR

Model = TypeVar("Model", bound=BaseModel)


def read(model: type[Model], raw: Any, path: str) -> Model:
    """The answer as `model`. Raises UnexpectedAnswer that names the fields."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, one["loc"])) or "the answer" for one in error.errors())
        raise UnexpectedAnswer(VENDOR, f"GET {path} cannot be read: {wrong}") from error


def readable(model: type[Model], rows: Sequence[Any], path: str) -> list[Model]:
    """The rows that can be read. Raises UnexpectedAnswer when there are rows and none of them can."""
    found: list[Model] = []
    for raw in rows:
        try:
            found.append(model.model_validate(raw))
        except ValidationError:
            continue
    if rows and not found:
        read(model, rows[0], path)
    return found
