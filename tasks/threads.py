"""Work of the hub, which is not asynchronous, for flows and tasks, which are."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from commerce.errors import HubError
from tasks import ending
from tasks.alerting import in_words

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Broken(HubError):
    """Our own code broke: what kind of error and where, without its values."""


async def in_thread(work: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """Do the work in a thread, which ends when this run does (`tasks/ending.py`).

    Prefect keeps and shows an error's own words, and those of an error that nobody foresaw may quote a person, so of
    that only the place is told, with its traceback. Raises HubError.
    """
    try:
        return await ending.in_thread(work, *given, **named)
    except (HubError, ending.Ended):
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, its words go no further
        raise Broken(in_words(error)).with_traceback(error.__traceback__) from None
