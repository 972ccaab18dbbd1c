"""Prefect's own command line, with garbage collected in a thread of its own.

    python -m deployments.prefect_server server start --host 127.0.0.1

On SQLite, Prefect's server stands still for up to a minute otherwise. A statement that failed ("database is locked")
is left in a cycle with its traceback. Python collects cycles in whichever thread happens to allocate, here the one with
the server's loop. To free the statement SQLite needs its connection; that one is busy waiting, up to 60 seconds, for
another one's transaction, whose COMMIT waits for the loop. In a thread of its own the collector may wait: it holds
nothing that others need (docs/decisions/0009-prefects-garbage-elsewhere.md).
"""

from __future__ import annotations

import gc
import runpy
import sys
import threading

EVERY = 1.0
"""Seconds between two collections of what is young."""

OLDER_EVERY, ALL_EVERY = 10, 60
"""Of so many collections one is also of what outlived an earlier one, and one of everything."""


def collect_elsewhere(every: float = EVERY) -> threading.Event:
    """Turn Python's own collector off and collect in a thread; setting the event that is returned ends the thread."""
    enough = threading.Event()

    def collect() -> None:
        rounds = 0
        while not enough.wait(every):
            rounds += 1
            gc.collect((rounds % OLDER_EVERY == 0) + (rounds % ALL_EVERY == 0))

    gc.disable()
    threading.Thread(target=collect, name="garbage", daemon=True).start()
    return enough


def main() -> None:
    """Run the command line of Prefect in this process, with this one's arguments."""
    collect_elsewhere()
    sys.argv[0] = "prefect"
    runpy.run_module("prefect", run_name="__main__")


if __name__ == "__main__":
    main()
