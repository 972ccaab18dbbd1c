"""Warm flow runs: a forked run is to its worker what a started process would be."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "deployments" / "warm_client.py"
PATIENCE = 20.0
"""Seconds after which something that should have happened has not."""

SERVER = """
import sys
from pathlib import Path
from deployments.warm import serve
serve(Path(sys.argv[1]), modules=("json",), engine="engine_for_tests", longest_read=0.2)
"""

ENGINE = """
import os, signal, sys, time
what = os.environ.get("WHAT", "")
print("engine", sys.argv[0].rpartition("/")[2], os.getcwd(), flush=True)
if what == "streams":
    print("to stderr", file=sys.stderr)
    sys.stdout.write("no line end")
elif what.startswith("exit"):
    sys.exit(int(what[4:]) if what[4:].isdigit() else what)
elif what == "raise":
    raise ValueError("a broken flow")
elif what == "die":
    os.kill(os.getpid(), signal.SIGKILL)
elif what == "tidy":
    def tidy(*_):
        os.write(1, b"tidied up\\n")  # the signal may come while "ready" is still being printed
        sys.exit(3)
    signal.signal(signal.SIGTERM, tidy)
    print("ready", os.getpid(), flush=True)
    signal.pause()
elif what == "wait":
    print("ready", os.getpid(), flush=True)
    signal.pause()
elif what == "environment":
    print(sorted(name for name in os.environ if name.startswith("BACKROOM_TEST")), flush=True)
"""


class Warm:
    """A warm process, and how a worker starts runs in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.socket = Path(tempfile.mkdtemp(prefix="warm-")) / "s"  # a Unix socket's path is short
        (home / "engine_for_tests.py").write_text(ENGINE, encoding="utf-8")
        (home / "prefect").mkdir()
        (home / "prefect" / "__init__.py").touch()
        (home / "prefect" / "engine.py").write_text(ENGINE, encoding="utf-8")
        self.path = {"PYTHONPATH": f"{home}{os.pathsep}{ROOT}", "PATH": os.environ["PATH"]}
        self.runs: list[subprocess.Popen[str]] = []
        self.forks: list[int] = []
        self.server: subprocess.Popen[bytes] | None = None

    def serve(self) -> None:
        """Start the process and wait until it can be reached."""
        environment = {**self.path, "BACKROOM_TEST_OF_SERVER": "1", "BACKROOM_STACK": str(self.home / "none.toml")}
        command = [sys.executable, "-c", SERVER, str(self.socket)]
        self.server = subprocess.Popen(command, env=environment, cwd=self.home)
        until(self.reachable)

    def reachable(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def run(self, what: str = "", **environment: str) -> subprocess.Popen[str]:
        """Start a run as a process worker does."""
        command = [sys.executable, "-I", "-S", str(CLIENT), str(self.socket)]
        given = {**self.path, "WHAT": what, **environment}
        pipe = subprocess.PIPE
        started = subprocess.Popen(command, env=given, cwd=self.home, stdout=pipe, stderr=pipe, text=True)
        self.runs.append(started)
        return started

    def ended(self, what: str = "", **environment: str) -> tuple[int, str, str]:
        """Exit code and output of a run."""
        run = self.run(what, **environment)
        out, err = run.communicate(timeout=PATIENCE)
        return run.returncode, out.removeprefix(f"engine engine_for_tests.py {self.home}\n"), err

    def ready(self, what: str) -> tuple[subprocess.Popen[str], int]:
        """A run that goes on, and the id of its process."""
        run = self.run(what)
        assert run.stdout is not None
        assert run.stdout.readline().startswith("engine")
        process = int(run.stdout.readline().split()[1])
        self.forks.append(process)
        return run, process

    def close(self) -> None:
        """Leave nothing behind, also when a test failed."""
        for process_id in self.forks:
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
        shutil.rmtree(self.socket.parent, ignore_errors=True)
        for process in (*self.runs, self.server):
            if process is not None:
                process.kill()
                process.wait(PATIENCE)
                for stream in (process.stdout, process.stderr):
                    if stream is not None:
                        stream.close()


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[Warm]:
    """A warm process that imports next to nothing and knows a made-up engine."""
    opened = Warm(tmp_path)
    opened.serve()
    yield opened
    opened.close()


def until(ready: Callable[[], bool]) -> None:
    """Wait until it is so, but not for ever."""
    ends = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.01)


def gone(process: int) -> bool:
    """Whether the process has ended."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def test_what_a_run_says_reaches_its_worker(warm: Warm) -> None:
    assert warm.ended("streams") == (0, "no line end", "to stderr\n")


def test_a_run_has_its_own_directory_and_environment_and_not_the_servers(warm: Warm) -> None:
    assert warm.ended("environment", BACKROOM_TEST_OF_RUN="1") == (0, "['BACKROOM_TEST_OF_RUN']\n", "")


@pytest.mark.parametrize(("what", "code"), [("", 0), ("exit0", 0), ("exit1", 1), ("exit7", 7), ("exit255", 255)])
def test_exit_codes_are_passed_on(warm: Warm, what: str, code: int) -> None:
    assert warm.ended(what)[0] == code


def test_a_message_as_exit_code_is_1(warm: Warm) -> None:
    assert warm.ended("exit with words")[0] == 1


def test_an_error_is_1_with_its_traceback(warm: Warm) -> None:
    code, _, err = warm.ended("raise")
    assert code == 1
    assert "ValueError: a broken flow" in err


def test_a_killed_run_ends_as_a_shell_would_say_it(warm: Warm) -> None:
    assert warm.ended("die")[0] == 128 + signal.SIGKILL


def test_a_run_that_was_over_before_its_client_had_said_everything_ends_as_it_did(tmp_path: Path) -> None:
    # given a warm process whose run is killed at once, and a client that is still busy with a large environment
    warm = Warm(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(warm.socket))
        listener.listen()
        run = warm.run(**{f"LARGE_{n}": "x" * 100_000 for n in range(10)})
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(1000)
            connection.sendall(b"-9\n")
            connection.shutdown(socket.SHUT_RDWR)
            # then the client says so all the same
            _, err = run.communicate(timeout=PATIENCE)
    assert (run.returncode, err) == (128 + signal.SIGKILL, "")
    warm.close()


def test_a_signal_to_the_worker_s_child_reaches_the_run_which_may_tidy_up(warm: Warm) -> None:
    run, _ = warm.ready("tidy")
    run.send_signal(signal.SIGTERM)
    out, _ = run.communicate(timeout=PATIENCE)
    assert (run.returncode, out) == (3, "tidied up\n")


def test_a_signal_that_nobody_handles_ends_the_run(warm: Warm) -> None:
    run, process = warm.ready("wait")
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=PATIENCE)
    assert run.returncode == 128 + signal.SIGTERM
    assert gone(process)


def test_a_run_whose_worker_was_killed_is_ended(warm: Warm) -> None:
    # given a run that goes on, and one that was started just now
    run, process = warm.ready("wait")
    run.kill()
    # then it does not go on by itself
    until(lambda: gone(process))


def test_runs_go_on_side_by_side(warm: Warm) -> None:
    first, _ = warm.ready("tidy")
    second, _ = warm.ready("tidy")
    assert warm.ended("exit5")[0] == 5
    for run in (second, first):
        assert run.poll() is None
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=PATIENCE)
        assert run.returncode == 3


def test_a_client_that_says_nothing_or_nonsense_does_not_stop_the_others(warm: Warm) -> None:
    silent = socket.socket(socket.AF_UNIX)
    silent.connect(str(warm.socket))
    with socket.socket(socket.AF_UNIX) as nonsense:
        nonsense.connect(str(warm.socket))
        nonsense.sendall(b"not json\n")
    assert warm.ended("exit4")[0] == 4
    silent.close()


def test_a_large_environment_is_taken_whole(warm: Warm) -> None:
    names = {f"BACKROOM_TEST_{n:03}": "x" * 1000 for n in range(100)}
    assert warm.ended("environment", **names)[1] == f"{sorted(names)}\n"


def test_the_socket_is_its_owners_only(warm: Warm) -> None:
    assert warm.socket.stat().st_mode & 0o777 == 0o600


def test_ending_the_warm_process_leaves_runs_alone_and_removes_the_socket(warm: Warm) -> None:
    run, process = warm.ready("tidy")
    assert warm.server is not None
    warm.server.terminate()
    assert warm.server.wait(PATIENCE) == 0
    assert not warm.socket.exists()
    # its worker sees that it is lost; the run itself was not touched
    run.wait(PATIENCE)
    assert run.returncode == 1
    assert not gone(process)
    os.kill(process, signal.SIGKILL)


def test_without_the_warm_process_the_engine_starts_as_usual(tmp_path: Path) -> None:
    cold = Warm(tmp_path)
    code, out, _ = cold.ended("exit6")
    assert (code, out) == (6, f"engine engine.py {tmp_path}\n")
    cold.close()


def test_a_stale_socket_is_no_warm_process(tmp_path: Path) -> None:
    cold = Warm(tmp_path)
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(cold.socket))
    assert cold.ended("exit6")[0] == 6
    cold.close()


def test_a_new_warm_process_takes_a_stale_socket_over(tmp_path: Path) -> None:
    again = Warm(tmp_path)
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(again.socket))
    again.serve()
    assert again.ended("exit6") == (6, "", "")
    again.close()
