"""What processes cost is read from /proc, whoever of a family used it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.measuring import Meter, NotMeasurable, Process, every_process, read_process, require_linux, tree

BURN = "import time\nwhile time.process_time() < 0.3: pass"
MB = 1024 * 1024

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@contextmanager
def a_process(before: str, after: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that did `before`; it does `after` when it is told a line, and stays until its input ends."""
    code = f"import subprocess, sys\n{before}\nprint(flush=True)\ninput()\n{after}\nprint(flush=True)\nsys.stdin.read()"
    command = [sys.executable, "-c", code]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        process.stdout.readline()
        yield process
    finally:
        process.communicate(timeout=10)


def go_on(process: subprocess.Popen[str]) -> None:
    """Let it do the rest, and wait until it is done."""
    assert process.stdin
    assert process.stdout
    process.stdin.write("\n")
    process.stdin.flush()
    process.stdout.readline()


def test_a_line_of_stat_is_read_whatever_the_process_is_called():
    # given a process whose name holds brackets and spaces, with 150 ticks of its own and 50 of its children
    numbers = "S 7 42 42 0 -1 4194560 10 0 0 0 100 50 30 20 20 0 3 0 999 123456 256 18446744073709551615"
    # when its line is read
    found = read_process(f"42 (a) b (c)) {numbers}")
    # then all of it is there
    assert found == Process(
        pid=42, parent=7, cpu=200 / os.sysconf("SC_CLK_TCK"), memory=256 * os.sysconf("SC_PAGE_SIZE")
    )


def test_a_tree_has_all_descendants_and_nobody_else():
    among = {pid: Process(pid, parent, 0.0, 0) for pid, parent in ((1, 0), (5, 1), (6, 5), (7, 6), (8, 1))}
    assert [one.pid for one in tree(5, among)] == [5, 6, 7]
    assert tree(99, among) == []


def test_elsewhere_it_says_why_nothing_can_be_measured():
    with pytest.raises(NotMeasurable, match="darwin"):
        require_linux("darwin")


@linux_only
def test_work_of_a_child_counts_that_has_ended_and_work_done_before_does_not():
    # given a process that has worked, and whose child is going to
    child = f"subprocess.run([sys.executable, '-c', {BURN!r}])"
    with a_process(BURN, child) as process, Meter({"family": process.pid}) as meter:
        # when the child has come and gone
        go_on(process)
        cost = meter.stop()
    # then its work is told, and the earlier one is not
    assert 0.25 <= cost.cpu_of["family"] < 0.55
    assert cost.cpu == cost.cpu_of["family"]


@linux_only
def test_the_peak_is_the_whole_familys_memory():
    with a_process("", f"kept = bytearray({64 * MB})") as process, Meter({"family": process.pid}) as meter:
        go_on(process)
        cost = meter.stop()
    assert 64 * MB <= cost.peak < 128 * MB


@linux_only
def test_a_process_that_is_gone_costs_nothing():
    with a_process("", "") as process:
        pass
    with Meter({"gone": process.pid}) as meter:
        cost = meter.stop()
    assert (cost.cpu, cost.peak) == (0.0, 0)
    assert process.pid not in every_process()
