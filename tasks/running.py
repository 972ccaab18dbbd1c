"""Which process a flow run lives in, and whether that is still there.

Prefect notes a bare process id, which says nothing on another machine and after a restart of this one. So each run of
ours says in a label of its own where it lives, exactly enough to tell later that it is gone.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from commerce.values import Frozen

LABEL = "backroom.process"

UNKNOWN = "-"
"""What the system does not tell; Linux tells all of it."""


class Process(Frozen):
    """A process among all there are and were."""

    machine: str
    boot: str
    """New after each restart of the machine."""
    namespace: str
    """Containers count their processes for themselves."""
    number: int
    began: str
    """In the system's own ticks: process numbers come again."""

    def __str__(self) -> str:
        return f"{self.machine} {self.boot} {self.namespace} {self.number} {self.began}"

    @classmethod
    def read(cls, text: str) -> Process | None:
        """The process that said so of itself; None for other text."""
        parts = text.split(" ")
        if len(parts) != 5 or not parts[3].isdecimal():
            return None
        return cls(machine=parts[0], boot=parts[1], namespace=parts[2], number=int(parts[3]), began=parts[4])

    @classmethod
    def this(cls) -> Process:
        """The one that we are in."""
        return cls.numbered(os.getpid())

    @classmethod
    def numbered(cls, number: int) -> Process:
        """The one that has this number here and now; it began at "-" when there is none."""
        return cls(
            machine=f"{socket.gethostname()}/{told_by('/etc/machine-id')}",
            boot=told_by("/proc/sys/kernel/random/boot_id"),
            namespace=namespace(),
            number=number,
            began=began(number),
        )

    def lives(self) -> bool | None:
        """Whether it is still there; None when that cannot be told from here."""
        now = Process.numbered(self.number)
        if now.machine != self.machine:
            return None
        if now.boot != self.boot:
            return None if UNKNOWN in (now.machine.rpartition("/")[2], now.boot, self.boot) else False
        if now.namespace != self.namespace:
            return None
        if now.began == UNKNOWN and self.began != UNKNOWN:
            return False
        return None if self.began == UNKNOWN else now.began == self.began


def told_by(file: str) -> str:
    """The word in a file of the system."""
    try:
        return Path(file).read_text(encoding="ascii").strip() or UNKNOWN
    except (OSError, ValueError):
        return UNKNOWN


def namespace() -> str:
    """The namespace that our process numbers are of."""
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return UNKNOWN


def began(number: int) -> str:
    """When the process with this number began; "-" when there is none, or only what a dead one left to its parent."""
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
        state, *fields = text.rpartition(")")[2].split()  # proc(5): the name before may hold anything
        return UNKNOWN if state in "ZX" else fields[18]
    except (OSError, IndexError, ValueError):
        return UNKNOWN
