"""A run that is told to end, by Ctrl-C, a cancellation or a restart, gives back what it has not sent yet.

The work is in a thread, which nobody can interrupt: it asks by itself, before each call and while it waits.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Ended(Exception):
    """The run was told to end; what it was about to send may be in doubt."""

    def __init__(self) -> None:
        super().__init__("this run was told to end")


_told: ContextVar[threading.Event] = ContextVar("told")


async def in_thread(work: Callable[Given, Result], *args: Given.args, **named: Given.kwargs) -> Result:
    """Do the work in a thread; when we are cancelled, it ends as soon as it asks."""
    told = threading.Event()
    before = _told.set(told)
    try:
        return await asyncio.to_thread(work, *args, **named)
    except BaseException:
        told.set()
        raise
    finally:
        _told.reset(before)


def go_on() -> None:
    """Raise Ended when this run was told to end."""
    told = _told.get(None)
    if told is not None and told.is_set():
        raise Ended


def sleep(seconds: float) -> None:
    """Wait. Raises Ended when this run is told to end meanwhile."""
    told = _told.get(None)
    if told is None:
        time.sleep(seconds)
    elif told.wait(seconds):
        raise Ended
