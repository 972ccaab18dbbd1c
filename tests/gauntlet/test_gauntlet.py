"""A short gauntlet on each database, a PostgreSQL that is killed as well; `make gauntlet` runs the long one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gauntlet.chaos import fail_points
from tests.gauntlet.database import NoPrograms, programs

ROOT = Path(__file__).parents[2]
SEED = 20261125


def test_every_call_and_every_commit_can_be_died_at() -> None:
    points = fail_points()
    assert {"before-call", "after-claim-commit", "before-record-commit", "before-settle-commit"} <= set(points)
    assert [f"after-{name.removeprefix('before-')}" for name in points if name.startswith("before-")] == [
        name for name in points if name.startswith("after-")
    ]


@pytest.mark.parametrize("database", ["sqlite", pytest.param("own", marks=pytest.mark.postgres)])
def test_killed_at_random_the_hub_loses_nothing_and_doubles_nothing(database: str, tmp_path: Path) -> None:
    if database == "own":
        try:
            programs()
        except NoPrograms as none:
            pytest.skip(str(none))
    # given a shop of sixty orders, vendors in rough weather, and processes that are killed again and again
    command = [sys.executable, "-m", "tests.gauntlet", "--seed", str(SEED), "--orders", "60", "--kills", "10"]
    # when it has lived, in processes of its own
    done = subprocess.run(
        [*command, "--db", database, "--home", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=400
    )
    # then every vendor has everything once and in its last state, as it says itself
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\nlogs in {tmp_path}"
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["kills"] >= 10
    assert (figures["lost"], figures["doubled"], figures["wrong amount"], figures["wrong state"]) == (0, 0, 0, 0)
