"""A short gauntlet through Prefect itself; `make gauntlet ENGINE=prefect` runs the long one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SEED = 20261126
HURRY = ["--hurry", "15", "--seconds", "15", "--away", "10", "--short"]
"""Schedules of four seconds to a minute, so that the lease of a minute is what takes longest."""


@pytest.mark.prefect
@pytest.mark.skipif(sys.platform != "linux", reason="finds flow runs in /proc")
def test_with_prefect_killed_again_and_again_all_arrives_once_and_nothing_stays_stuck(tmp_path: Path) -> None:
    # given a shop of forty orders, vendors in rough weather, and Prefect with all deployments
    command = [sys.executable, "-m", "tests.gauntlet", "--engine", "prefect", "--seed", str(SEED), "--orders", "40"]
    # when server, worker, flow runs and receiver are killed meanwhile, and in the end the server is gone for a while
    done = subprocess.run(
        [*command, "--kills", "6", *HURRY, "--home", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    # then every vendor has everything once and in its last state, as it says itself
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\nlogs in {tmp_path}"
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["lost"], figures["doubled"], figures["wrong amount"], figures["wrong state"]) == (0, 0, 0, 0)
    # and each kind was killed
    assert {"a flow run", "the Prefect server", "the Prefect worker", "the receiver"} <= set(figures["deaths"])
    assert figures["kills"] >= 6
    # and the receiver took every webhook while the server was gone
    assert figures["acknowledged"] == figures["webhooks meanwhile"] > 0
    # and no run was left that nobody runs, no slot that nobody holds, and every schedule goes on
    assert figures["tidy after"] is not None
