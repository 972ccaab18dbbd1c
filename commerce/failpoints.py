"""Named moments at which a test may kill the process, to prove that dying there loses and doubles nothing.

`BACKROOM_CRASH_AT=before-claim-commit:2` ends the process at the second time it reaches that moment; with `:2:stop` it
stands still there, until somebody lets it go on. Without the variable nothing ever happens.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

CRASH_AT = "BACKROOM_CRASH_AT"
KILLED = 137
"""The exit status of a process that was killed with signal 9."""
STOP = "stop"

_seen: Counter[str] = Counter()


def reached(name: str) -> None:
    """Say that the moment `name` has come. Ends the process at once, flushing nothing, if it was told to die here."""
    told = os.environ.get(CRASH_AT)
    if not told:
        return
    where, times, how = (*told.split(":"), "", "")[:3]
    if where != name:
        return
    _seen[name] += 1
    if _seen[name] == int(times or 1):
        if how == STOP:
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            os._exit(KILLED)
