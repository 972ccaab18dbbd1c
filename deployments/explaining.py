"""Errors of commands, said to people."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import typer

from commerce.errors import HubError, NotConfigured
from deployments import printing


def explained(command: Callable[..., None]) -> Callable[..., None]:
    """Turn the hub's own errors into a message, a hint and an exit code."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except HubError as error:
            printing.failure(str(error), error.hint)
            raise typer.Exit(2 if isinstance(error, NotConfigured) else 1) from None
        except Exception as error:
            if not is_of_the_database(error):
                raise
            printing.failure(f"the ledger cannot be used: {first_line(error)}", "see hub.ledger and BACKROOM_LEDGER")
            raise typer.Exit(1) from None

    return run


def is_of_the_database(error: Exception) -> bool:
    """Whether the ledger's database raised it. Its library is only imported by commands that use it."""
    return any(kind.__name__ == "SQLAlchemyError" for kind in type(error).__mro__)


def first_line(error: Exception) -> str:
    """What the database itself said, without the statement and its values."""
    return str(getattr(error, "orig", None) or type(error).__name__).partition("\n")[0]
