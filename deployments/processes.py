"""Processes that live and die with us: started in groups of their own, and all gone afterwards."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import httpx

MARK = "BACKROOM_RUN"
"""An environment variable that every process of one run inherits, so that none of them can be overlooked."""

PATIENCE = 8.0
"""Seconds between asking a process to end and ending it."""


class DidNotStart(RuntimeError):
    """A process ended, or did not become ready in time; the message holds the end of its log."""


class Processes:
    """A set of processes; leaving the `with` block ends them, whatever happened inside."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self.logs = logs
        self.run = uuid.uuid4().hex
        self.environment = {**os.environ, **environment, MARK: self.run}
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Processes:
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a command whose output goes to `<logs>/<name>.log`."""
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  our own commands
                list(command),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self.environment,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self._running.append((name, process))
        return process

    def run_once(self, name: str, command: Sequence[str], timeout: float = 120.0) -> None:
        """Run a command to its end. Raises DidNotStart when it fails."""
        process = self.start(name, command)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise DidNotStart(f"{name} took more than {timeout:.0f} s\n{self.tail(name)}") from error
        if code:
            raise DidNotStart(f"{name} ended with {code}\n{self.tail(name)}")

    def wait_until(self, name: str, ready: Callable[[], bool], timeout: float = 60.0) -> None:
        """Wait until `ready`. Raises DidNotStart when the process ends first, or takes too long."""
        process = next(found for known, found in self._running if known == name)
        ends = time.monotonic() + timeout
        while time.monotonic() < ends:
            if ready():
                return
            if process.poll() is not None:
                raise DidNotStart(f"{name} ended with {process.returncode}\n{self.tail(name)}")
            time.sleep(0.1)
        raise DidNotStart(f"{name} was not ready after {timeout:.0f} s\n{self.tail(name)}")

    def tail(self, name: str, lines: int = 15) -> str:
        """The end of a process's log."""
        text = (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def stop(self) -> None:
        """End every process, the last started first, then whatever of theirs is left."""
        for _, process in reversed(self._running):
            _signal_group(process, signal.SIGTERM)
        ends = time.monotonic() + PATIENCE
        for _, process in reversed(self._running):
            try:
                process.wait(max(0.1, ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal_group(process, signal.SIGKILL)
                process.wait(5)
        self._running.clear()
        for pid in self.survivors():
            _signal(pid, signal.SIGKILL)

    def survivors(self) -> list[int]:
        """Processes of this run that still live, found by their mark (Linux only; elsewhere groups must do)."""
        mark = f"{MARK}={self.run}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in entry.read_bytes().split(b"\0"):
                    found.append(int(entry.parent.name))
            except OSError:
                continue
        return [pid for pid in found if pid != os.getpid()]


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _die_with_parent() -> None:
    """On Linux, let the kernel end the child when we are killed without a chance to do it ourselves."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there on loopback, else any free port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str, auth: tuple[str, str] | None = None) -> Callable[[], bool]:
    """A check that is true once `url` answers with success."""

    def check() -> bool:
        try:
            return httpx.get(url, auth=auth, timeout=2.0, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    return check
