"""A PostgreSQL of the run's own, so that it can be killed: no other one is ours to kill."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from deployments.processes import free_port

HOME = Path("/usr/lib/postgresql")
"""Where Debian puts each release's programs."""

SETTINGS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200"}


class NoPrograms(Exception):
    """This machine has no PostgreSQL server to start."""


def programs() -> Path:
    """The folder with `initdb` and `postgres`. Raises NoPrograms."""
    for folder in sorted(HOME.glob("*/bin"), reverse=True):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    found = shutil.which("initdb")
    if found and (Path(found).resolve().parent / "postgres").exists():
        return Path(found).resolve().parent
    raise NoPrograms("there is no PostgreSQL server (initdb, postgres) on this machine")


class OwnServer:
    """One cluster in a temporary folder, at a port of its own, trusting whoever is on this machine."""

    def __init__(self) -> None:
        self._programs = programs()
        # PostgreSQL refuses to be run by root.
        self._user: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        self._folder = Path(tempfile.mkdtemp(prefix="gauntlet-postgres-"))
        if self._user:
            owner = pwd.getpwnam("postgres")
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        self.port = free_port(0)
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._process: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Make the cluster and start it; returns when it answers."""
        command = [self._programs / "initdb", "-D", self._folder / "data", "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self._folder, **self._user)
        self.start()
        self.wait()

    def start(self) -> None:
        """Start it; it recovers from its log if it was killed."""
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [self._programs / "postgres", "-D", self._folder / "data", "-p", str(self.port), *options]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder, **self._user)

    def wait(self) -> None:
        """Return when it answers. Raises TimeoutError after a minute."""
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError(f"the database does not answer; its log is {self._folder / 'log'}")

    def kill(self) -> None:
        """`kill -9` of the server and of all its processes, as when the machine's memory is over; then start it."""
        if self._process is None:
            return
        doomed = [self._process.pid, *children(self._process.pid)]
        for pid in doomed:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait()
        while any(Path(f"/proc/{pid}").exists() for pid in doomed[1:]):
            time.sleep(0.01)  # a new server refuses to start while an old process still has the shared memory
        self.start()

    def close(self) -> None:
        """End it and forget everything."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # ends sessions, and then itself
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def children(parent: int) -> list[int]:
    """The processes that this one started (Linux)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(fields[1]) == parent:
            found.append(int(stat.parent.name))
    return found
