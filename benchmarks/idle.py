"""A scheduled run that finds nothing to do: how late it starts, how long it takes, what it costs.

The same deployment runs through our warm worker and through a plain Prefect process pool, on the same server.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import median
from typing import Any

from benchmarks.hub import Hub
from benchmarks.measuring import Cost, Meter
from deployments.prefect_house import prefect

DEPLOYMENT = "drain-inbox"
QUIET_SECONDS = 10.0

COPIED = (
    "flow_id",
    "entrypoint",
    "path",
    "pull_steps",
    "tags",
    "parameters",
    "parameter_openapi_schema",
    "enforce_parameter_schema",
)
"""What makes a deployment the same as another one."""


@dataclass(frozen=True)
class Idle:
    """Medians of some runs, in seconds. `cpu_of` is what a run adds to what each process uses while nothing runs.

    `draw` is the latter: CPU-seconds a second, of all together.
    """

    runs: int
    to_running: float
    to_completed: float
    cpu_of: Mapping[str, float]
    draw: float

    @property
    def cpu(self) -> float:
        """What a run adds to all together."""
        return sum(self.cpu_of.values())

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {**asdict(self), "cpu": self.cpu}


def through_warm(hub: Hub, runs: int) -> Idle:
    """Through the hub's own worker."""
    return measured(hub, hub.parts, DEPLOYMENT, runs)


def through_plain(hub: Hub, runs: int) -> Idle:
    """Through a worker as Prefect ships it, asking for work as often as ours."""
    processes, name = hub.processes, f"{DEPLOYMENT}-plain"
    processes.run_once("plain-pool", prefect("--no-prompt", "work-pool", "create", "plain", "--type", "process"))
    copy_deployment(hub, DEPLOYMENT, name, "plain")
    processes.start("plain-worker", prefect("worker", "start", "--pool", "plain", "--type", "process"))
    processes.wait_until("plain-worker", lambda: online(hub, "plain"))
    return measured(hub, {**hub.parts, "plain": processes.pids["plain-worker"]}, name, runs)


def measured(hub: Hub, roots: Mapping[str, int], name: str, runs: int) -> Idle:
    """Run it once to warm up, listen to the quiet, then run it some times."""
    one_run(hub, name)
    with Meter(roots) as meter:
        time.sleep(QUIET_SECONDS)
        quiet = meter.stop()
    times, costs = [], []
    for _ in range(runs):
        with Meter(roots) as meter:
            times.append(one_run(hub, name))
            costs.append(meter.stop())
    return Idle(
        runs=runs,
        to_running=median(started for started, _ in times),
        to_completed=median(completed for _, completed in times),
        cpu_of={part: median(added(part, cost, quiet) for cost in costs) for part in roots},
        draw=quiet.cpu / quiet.seconds,
    )


def added(part: str, cost: Cost, quiet: Cost) -> float:
    """CPU-seconds beyond what this part uses in that time anyway."""
    return max(0.0, cost.cpu_of[part] - quiet.cpu_of[part] * cost.seconds / quiet.seconds)


def one_run(hub: Hub, name: str) -> tuple[float, float]:
    """Seconds from its creation until it ran, and until it had completed."""
    (found,) = hub.run([name])
    created = datetime.fromisoformat(found["created"])
    states = hub.rest.get("/flow_run_states/", params={"flow_run_id": found["id"]}).raise_for_status().json()
    ran = min(datetime.fromisoformat(state["timestamp"]) for state in states if state["type"] == "RUNNING")
    ended = datetime.fromisoformat(found["end_time"])
    return (ran - created).total_seconds(), (ended - created).total_seconds()


def copy_deployment(hub: Hub, name: str, copy: str, pool: str) -> None:
    """The same deployment in another pool, without a schedule."""
    found = hub.rest.get(f"/deployments/{hub.api.deployments()[name]}").raise_for_status().json()
    body = {key: found[key] for key in COPIED if key in found}
    hub.rest.post("/deployments/", json={**body, "name": copy, "work_pool_name": pool}).raise_for_status()
    hub.api.deployments().clear()


def online(hub: Hub, pool: str) -> bool:
    """Whether the pool has a worker that asks for work."""
    found = hub.rest.post(f"/work_pools/{pool}/workers/filter", json={}).raise_for_status().json()
    return any(worker["status"] == "ONLINE" for worker in found)
