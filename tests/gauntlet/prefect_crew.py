"""Prefect's server, its worker, the warm process and the receiver, kept as systemd would keep them."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployments.demo import backroom
from deployments.processes import MARK, Processes

SERVER, WORKER, WARM, RECEIVER = "prefect-server", "prefect-worker", "warm", "receiver"
UNITS = (SERVER, WORKER, WARM, RECEIVER)
"""What is started again whenever it ends; everything else is a command that ends."""

RESTART = 2.0
"""Seconds before one that ended by itself is started again; one that was killed is started at once."""

PROC = Path("/proc")


@dataclass
class Unit:
    """One of them, whichever incarnation."""

    command: list[str]
    process: subprocess.Popen[bytes]
    killed: bool = False
    again_at: float | None = None
    away: bool = False
    """Nobody starts it again for now."""

    @property
    def lives(self) -> bool:
        return self.process.poll() is None


class Supervised(Processes):
    """Starts again whoever ends. `backroom tidy` runs before each start of the worker, as the README has it."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        super().__init__(logs, environment)
        self.units: dict[str, Unit] = {}
        self.left: Counter[str] = Counter()
        """How often each ended without being killed."""

    def start(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a command; a unit is looked after from now on."""
        process = super().start(name, after_tidying(command) if name == WORKER else command)
        if name in UNITS:
            self.units[name] = Unit(list(command), process)
        return process

    def look(self) -> None:
        """Start again who ended."""
        now = time.monotonic()
        for name, unit in list(self.units.items()):
            if unit.away or unit.lives:
                continue
            if unit.again_at is None:
                self.left[name] += not unit.killed
                unit.again_at = now if unit.killed else now + RESTART
            if now >= unit.again_at:
                self.start(name, unit.command)

    def kill(self, name: str, *, with_all: bool = False, away: bool = False) -> bool:
        """`kill -9`; `with_all` of its children as well, as systemd does by default. False if it does not live."""
        unit = self.units[name]
        if not unit.lives:
            return False
        unit.killed, unit.away = True, away
        others = descendants(unit.process.pid) if with_all else []
        for pid in (unit.process.pid, *others):
            end(pid)
        return True

    def back(self, name: str) -> None:
        """Start again one that was kept away."""
        self.start(name, self.units[name].command)

    def runs(self) -> list[int]:
        """The processes in which flow runs live: forks of the warm process, also of an earlier one, and engines that
        were started while there was none."""
        mark, warm = f"{MARK}={self.run}".encode(), self.units[WARM].process.pid
        return [
            pid
            for pid, command in commands()
            if pid != warm and is_run(command) and mark in read(PROC / str(pid) / "environ").split(b"\0")
        ]


def is_run(command: Sequence[bytes]) -> bool:
    """Whether a command line is that of a flow run; a fork has that of the warm process."""
    return b"prefect.engine" in command or (b"deployments.cli" in command and b"warm" in command)


def after_tidying(command: Sequence[str]) -> list[str]:
    """The command, preceded by `backroom tidy`."""
    return ["/bin/sh", "-c", f"{shlex.join(backroom('tidy'))} && exec {shlex.join(command)}"]


def commands() -> Iterable[tuple[int, list[bytes]]]:
    """Every process of this machine that has a command line."""
    for entry in PROC.glob("[0-9]*"):
        words = read(entry / "cmdline").split(b"\0")
        if words != [b""]:
            yield int(entry.name), words


def descendants(pid: int) -> list[int]:
    """Its children and theirs."""
    children: dict[int, list[int]] = {}
    for entry in PROC.glob("[0-9]*"):
        fields = read(entry / "stat").rpartition(b")")[2].split()
        if len(fields) > 1:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, left = [], [pid]
    while left:
        mine = children.get(left.pop(), [])
        found += mine
        left += mine
    return found


def read(path: Path) -> bytes:
    """A file of /proc; empty when its process is gone or somebody else's."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def end(pid: int) -> bool:
    """SIGKILL; whether it was there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
