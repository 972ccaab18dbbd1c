"""When Prefect tries a task again: minutes here, seconds in the client, hours in the ledger, nowhere else."""

from __future__ import annotations

from typing import Any


def worth_another_try(task: Any, task_run: Any, state: Any) -> bool:
    """Whether the error says that the same call may succeed soon.

    A vendor that said when to come back is not asked before, and its work is not due before either: another try would
    find nothing to do and end green. The run fails with the vendor's words, and the schedule comes back.
    A plain function: Prefect takes a partial, a method or a callable object as "never retry", without a word.
    """
    return bool(getattr(state.data, "retryable", False)) and not getattr(state.data, "retry_after", None)


PATIENT: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": [5, 20, 60],
    "retry_jitter_factor": 0.2,
    "retry_condition_fn": worth_another_try,
    "persist_result": False,
    "cache_policy": None,
}
"""For tasks that call a vendor: what they did so far is in the ledger, so running again is harmless."""
