"""Processes that are killed and started again. They are forked from one that has imported everything, in no time."""

from __future__ import annotations

import ctypes
import logging
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from commerce.failpoints import CRASH_AT, KILLED

log = logging.getLogger(__name__)

Job = Callable[[], None]

NO_DATABASE = 75
"""The exit status of a process whose database session was ended while it started."""


@dataclass
class Member:
    """One process of the hub, whichever incarnation."""

    name: str
    job: Job
    pid: int = 0
    armed: str = ""
    """The fail-point it is to die at."""
    asleep_until: float = 0.0
    aimed: bool = False
    """Whether it is to stand still within a write."""


@dataclass
class Crew:
    """All of them. `arm` is asked for the fail-point of each that is started: "name:n", "name:n:stop", or nothing."""

    logs: Path
    stall: float = 0.0
    """Seconds that a process stands still which stopped itself."""
    arm: Callable[[Member], str] = lambda _: ""
    stands: Callable[[Member], None] = lambda _: None
    """Is told of each that stopped itself; may let it sleep longer."""
    members: dict[str, Member] = field(default_factory=dict)
    deaths: Counter[str] = field(default_factory=Counter)
    """How many died of what."""
    unexpected: list[str] = field(default_factory=list)

    def hire(self, name: str, job: Job) -> Member:
        """Start a process that is started again whenever it ends."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self.members[name] = Member(name, job)
        self.start(self.members[name])
        return self.members[name]

    def start(self, member: Member) -> None:
        """Fork."""
        member.armed, member.asleep_until = self.arm(member), 0.0
        sys.stdout.flush()
        sys.stderr.flush()
        member.pid = os.fork()
        if member.pid == 0:
            _be(member, self.logs / f"{member.name}.log")

    def look(self) -> None:
        """Wake who slept long enough, and start again who died."""
        for member in self.members.values():
            if member.asleep_until and time.monotonic() >= member.asleep_until:
                member.asleep_until = 0.0
                os.kill(member.pid, signal.SIGCONT)
            pid, status = os.waitpid(member.pid, os.WNOHANG | os.WUNTRACED)
            if pid and os.WIFSTOPPED(status):
                self._fell_asleep(member)
            elif pid:
                self._died(member, os.waitstatus_to_exitcode(status))
                self.start(member)

    def kill(self, member: Member) -> None:
        """`kill -9`."""
        os.kill(member.pid, signal.SIGKILL)

    def stop(self, member: Member, seconds: float) -> None:
        """Let it stand still."""
        if not member.asleep_until:
            os.kill(member.pid, signal.SIGSTOP)
            member.asleep_until = time.monotonic() + seconds
            self.deaths["SIGSTOP beyond the lease"] += 1

    def _fell_asleep(self, member: Member) -> None:
        """It stopped by itself, where it was told to."""
        if not member.asleep_until:
            member.asleep_until = time.monotonic() + self.stall
            self.deaths[f"SIGSTOP at {member.armed.partition(':')[0]}"] += 1
            member.armed = ""
            self.stands(member)

    def wake(self) -> None:
        """Everybody."""
        for member in self.members.values():
            member.asleep_until = 0.0
            os.kill(member.pid, signal.SIGCONT)

    def dismiss(self) -> None:
        """End everybody for good."""
        for member in self.members.values():
            for number in (signal.SIGKILL, signal.SIGCONT):
                os.kill(member.pid, number)
            os.waitpid(member.pid, 0)
        self.members.clear()

    def _died(self, member: Member, code: int) -> None:
        if code == KILLED:
            self.deaths[f"at {member.armed.partition(':')[0]}"] += 1
        elif code == -signal.SIGKILL:
            self.deaths[f"kill -9 of {'the receiver' if member.name == 'receiver' else 'a worker'}"] += 1
        elif code != NO_DATABASE:
            self.unexpected.append(f"{member.name} ended with {code}, see its log")


def _be(member: Member, file: Path) -> None:
    """What the child does; never returns."""
    code = 1
    try:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        os.environ.pop(CRASH_AT, None)
        if member.armed:
            os.environ[CRASH_AT] = member.armed
        random.seed()
        with file.open("ab", buffering=0) as log_file:
            os.dup2(log_file.fileno(), 1)
            os.dup2(log_file.fileno(), 2)
        logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s {os.getpid()} %(message)s", force=True)
        member.job()
        code = 0
    except SystemExit as left:
        code = int(left.code or 0)
    except BaseException:
        log.exception("%s broke", member.name)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
