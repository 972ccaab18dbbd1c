"""Processes that we start are all gone afterwards, whatever happened; and say why they did not start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deployments.processes import DidNotStart, Processes, answers, free_port

SLEEPER = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="finds strays in /proc, and so on Linux only")


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-S", "-c", code, *arguments]


def alive(pid: int) -> bool:
    """Whether the process runs; one that waits to be buried does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for it, looking often; fail when it takes too long."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    return Processes(tmp_path / "logs", {"GREETING": "hello"})


def test_what_was_started_is_gone_afterwards(processes: Processes) -> None:
    with processes:
        started = [processes.start(name, python(SLEEPER)) for name in ("one", "two")]
        assert [process.poll() for process in started] == [None, None]
        assert sorted(processes.survivors()) == sorted(process.pid for process in started)
    assert [process.poll() for process in started] == [-signal.SIGTERM] * 2
    assert processes.survivors() == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_what_was_started_is_gone_after_an_error_too(processes: Processes, error: type[BaseException]) -> None:
    started = []

    def work() -> None:
        with processes:
            started.append(processes.start("one", python(SLEEPER)))
            raise error

    with pytest.raises(error):
        work()
    assert started[0].poll() is not None


LEAVES_A_CHILD = f"""
import subprocess, sys
command = [sys.executable, "-S", "-c", {SLEEPER!r}]
child = subprocess.Popen(command, start_new_session=sys.argv[2] == "own")
open(sys.argv[1], "w").write(str(child.pid))
"""


@LINUX
@pytest.mark.parametrize("session", ["same", "own"])
def test_children_of_theirs_are_gone_too(processes: Processes, tmp_path: Path, session: str) -> None:
    # given a process that started one of its own, in the same group or far away from it
    noted = tmp_path / "child"
    with processes:
        processes.start("parent", python(f"{LEAVES_A_CHILD}\n{SLEEPER}", str(noted), session))
        until(lambda: noted.exists() and noted.read_text() != "")
        child = int(noted.read_text())
        assert alive(child)
    # when we leave, then both are gone
    until(lambda: not alive(child))


@LINUX
def test_children_whose_parent_is_gone_already_are_found(processes: Processes, tmp_path: Path) -> None:
    # given a process that left a child behind
    noted = tmp_path / "child"
    with processes:
        processes.run_once("parent", python(LEAVES_A_CHILD, str(noted), "own"))
        child = int(noted.read_text())
        assert processes.survivors() == [child]
    until(lambda: not alive(child))


def test_who_does_not_listen_is_ended(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a process that ignores the request to end, and little patience
    monkeypatch.setattr("deployments.processes.PATIENCE", 0.2)
    with processes:
        process = processes.start("stubborn", python(STUBBORN))
        processes.wait_until("stubborn", lambda: "up" in processes.tail("stubborn"), timeout=5.0)
    assert process.poll() == -signal.SIGKILL


@LINUX
def test_children_die_with_us_even_when_we_are_killed(tmp_path: Path) -> None:
    # given a program that started a process and is killed without a chance to clean up
    noted = tmp_path / "child"
    code = f"""
import pathlib, signal, os
from deployments.processes import Processes
processes = Processes(pathlib.Path({str(tmp_path)!r}), {{}}).__enter__()
child = processes.start("child", {python(SLEEPER)!r})
pathlib.Path({str(noted)!r}).write_text(str(child.pid))
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=20, check=False)
    # when it is dead, then the process ends by itself
    assert done.returncode == -signal.SIGKILL
    child = int(noted.read_text())
    until(lambda: not alive(child))


def test_they_get_our_environment_and_write_to_their_logs(processes: Processes) -> None:
    with processes:
        code = "import os, sys; print(os.environ['GREETING']); print('aside', file=sys.stderr); input()"
        with pytest.raises(DidNotStart, match="EOFError"):
            processes.run_once("hello", python(code))
    assert processes.tail("hello").splitlines()[:2] in (["hello", "aside"], ["aside", "hello"])


def test_a_command_that_fails_shows_the_end_of_its_log(processes: Processes) -> None:
    code = "[print('line', n) for n in range(100)]; raise SystemExit(3)"
    with processes, pytest.raises(DidNotStart) as caught:
        processes.run_once("deploy", python(code))
    lines = str(caught.value).splitlines()
    assert lines == ["deploy ended with 3", *(f"line {n}" for n in range(85, 100))]


def test_a_command_that_takes_too_long_shows_it_too_and_is_ended(processes: Processes) -> None:
    with processes, pytest.raises(DidNotStart, match="slow took more than 0 s"):
        processes.run_once("slow", python(SLEEPER), timeout=0.05)
    assert processes.survivors() == []


def test_a_command_that_works_says_nothing(processes: Processes) -> None:
    with processes:
        processes.run_once("well", python("print('done')"))
        assert processes.tail("well") == "done"


def test_waiting_ends_when_it_is_ready(processes: Processes) -> None:
    seen = iter([False, True])
    with processes:
        processes.start("server", python(SLEEPER))
        processes.wait_until("server", lambda: next(seen), timeout=5.0)


def test_waiting_ends_when_the_process_does(processes: Processes) -> None:
    with processes:
        processes.start("server", python("print('port is taken'); raise SystemExit(1)"))
        with pytest.raises(DidNotStart, match="server ended with 1\nport is taken"):
            processes.wait_until("server", lambda: False, timeout=20.0)


def test_waiting_ends_when_it_takes_too_long(processes: Processes) -> None:
    with processes:
        processes.start("server", python(SLEEPER))
        with pytest.raises(DidNotStart, match="server was not ready after 0 s"):
            processes.wait_until("server", lambda: False, timeout=0.05)


def test_a_command_that_is_not_there_leaves_nothing_behind(processes: Processes) -> None:
    with processes:
        first = processes.start("one", python(SLEEPER))
        with pytest.raises(FileNotFoundError):
            processes.start("two", ["backroom-no-such-command"])
    assert first.poll() is not None


def test_a_free_port_is_the_wanted_one_or_another() -> None:
    # given a port that somebody listens at
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = taken.getsockname()[1]
        # when it is wanted, then another one is given, that can be had
        other = free_port(busy)
        assert other != busy
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", other))
    # and once it is free, it is given
    assert free_port(busy) == busy


def test_an_address_where_nobody_is_does_not_answer() -> None:
    assert answers(f"http://127.0.0.1:{free_port(0)}/")() is False
