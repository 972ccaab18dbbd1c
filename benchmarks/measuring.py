"""CPU seconds and memory of processes and everything they start, read from /proc. Linux only, and says so elsewhere."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

PROC = Path("/proc")
SAMPLE_SECONDS = 0.25
WORTH_A_LOOK = 1.02
"""How much the sum of resident sets must have grown before the shared pages are looked into, which is slow."""
CALM_SECONDS = 5.0


class NotMeasurable(RuntimeError):
    """This system does not tell what a process costs."""


@dataclass(frozen=True)
class Process:
    """One process at one moment. `cpu` is in seconds, its own and that of children it has waited for; `memory` is
    its resident set in bytes, all of what it shares with others included."""

    pid: int
    parent: int
    cpu: float
    memory: int


@dataclass(frozen=True)
class Cost:
    """What processes used: wall and CPU in seconds, memory in bytes. `cpu_of` says whose CPU it was."""

    seconds: float
    cpu: float
    peak: int
    cpu_of: Mapping[str, float]


def require_linux(platform: str = sys.platform) -> None:
    """Raises NotMeasurable anywhere else."""
    if platform != "linux":
        raise NotMeasurable(f"CPU and memory are read from /proc, which Linux has and {platform} has not")


def read_process(stat: str) -> Process:
    """From a line of /proc/<pid>/stat. The name in it may hold spaces and brackets."""
    # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    head, _, rest = stat.rpartition(")")
    fields = rest.split()
    ticks = sum(int(field) for field in fields[11:15])  # utime, stime, cutime, cstime
    return Process(
        pid=int(head.split(" ", 1)[0]),
        parent=int(fields[1]),
        cpu=ticks / os.sysconf("SC_CLK_TCK"),
        memory=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
    )


def every_process() -> dict[int, Process]:
    """All processes by id."""
    found = {}
    for file in PROC.glob("[0-9]*/stat"):
        try:
            process = read_process(file.read_text(encoding="utf-8", errors="replace"))
        except OSError:  # it has just ended
            continue
        found[process.pid] = process
    return found


def tree(root: int, among: Mapping[int, Process]) -> list[Process]:
    """The process `root` and all its descendants; nothing once it has ended."""
    children: dict[int, list[Process]] = {}
    for process in among.values():
        children.setdefault(process.parent, []).append(process)
    found = [among[root]] if root in among else []
    for process in found:
        found.extend(children.get(process.pid, ()))
    return found


class Meter:
    """Measures process trees, by name of their roots, from entering the `with` block until `stop`.

    The peak is looked for four times a second. A page that several processes share is counted once.
    """

    def __init__(self, roots: Mapping[str, int]) -> None:
        require_linux()
        self._roots = dict(roots)
        self._peak = self._most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="meter", daemon=True)

    def __enter__(self) -> Meter:
        self._cpu, self._processes = self._cpu_now(), self._count()
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def stop(self) -> Cost:
        """The cost so far. The time ends now; CPU and memory include what processes do to end that began since."""
        seconds = time.monotonic() - self._started
        self._calm_down()
        used = {name: max(0.0, now - self._cpu[name]) for name, now in self._cpu_now().items()}
        self._sample()
        return Cost(seconds=seconds, cpu=sum(used.values()), peak=self._peak, cpu_of=used)

    def _calm_down(self) -> None:
        """Let what was started meanwhile end: its CPU is counted by whoever waits for it."""
        ends = time.monotonic() + CALM_SECONDS
        while self._count() > self._processes and time.monotonic() < ends:
            time.sleep(0.05)

    def _cpu_now(self) -> dict[str, float]:
        among = every_process()
        return {name: sum(process.cpu for process in tree(root, among)) for name, root in self._roots.items()}

    def _count(self) -> int:
        return len(self._all())

    def _all(self) -> list[Process]:
        among = every_process()
        return [process for root in self._roots.values() for process in tree(root, among)]

    def _sample(self) -> None:
        processes = self._all()
        resident = sum(process.memory for process in processes)
        if resident > self._most * WORTH_A_LOOK:
            self._most = resident
            self._peak = max(self._peak, sum(map(memory_of, processes)))

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self._sample()


def memory_of(process: Process) -> int:
    """Bytes in memory, of pages shared by several processes this one's share (Pss); else its whole resident set."""
    try:
        text = (PROC / str(process.pid) / "smaps_rollup").read_text(encoding="utf-8")
    except OSError:
        return process.memory
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), process.memory)
