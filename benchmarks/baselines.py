"""The two baselines, each over fresh vendors and in a process of its own that measures itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import vendors
from benchmarks.figures import Figures, figures
from benchmarks.measuring import Cost
from benchmarks.vendors import Terms
from deployments.processes import Processes
from deployments.shop import ShopPlan

TIMEOUT = 1800.0


def sequential(logs: Path, plan: ShopPlan, terms: Terms) -> Figures:
    """The plain script."""
    with vendors.standing(logs, terms) as (world, _), Processes(logs, {}) as processes:
        vendors.fill(world, plan)
        world.act("warehouse", "warehouses", names=["Main"])
        command = ["benchmarks.sequential", "--base", world.base, "--without", *terms.without]
        told = run(processes, "sequential", command)
        landed = vendors.landed(world, terms.without)
    return figures(told["orders"], Cost(**told["cost"]), landed, refused=told["refused"])


def naive(logs: Path, plan: ShopPlan, terms: Terms, *, most: int, server: int, environment: dict[str, str]) -> Figures:
    """The mapped flow, reporting to the running Prefect server with the process id `server`."""
    with vendors.standing(logs, terms) as (world, _), Processes(logs, environment) as processes:
        vendors.fill(world, plan)
        world.act("warehouse", "warehouses", names=["Main"])
        command = ["benchmarks.naive", "--base", world.base, "--orders", str(most), "--server", str(server)]
        told = run(processes, "naive", [*command, "--without", *terms.without])
        landed = vendors.landed(world, terms.without)
    return figures(told["orders"], Cost(**told["cost"]), landed, refused=told["refused"], failed=told["failed"])


def run(processes: Processes, name: str, command: list[str]) -> Any:
    """Run a module to its end; the JSON of its last line. Raises DidNotStart when it fails."""
    processes.run_once(name, [sys.executable, "-m", *command], timeout=TIMEOUT)
    return json.loads(processes.tail(name, lines=1))
