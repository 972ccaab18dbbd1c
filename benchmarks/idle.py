"""A scheduled run that finds nothing to do: how late it starts, how long it takes, what it costs.

The same deployment runs through our warm worker and through a plain Prefect process pool, on the same server.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from benchmarks.hub import Hub
from benchmarks.measuring import Meter
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
    """Medians of some runs, in seconds. `cpu` is what one run adds to what the processes use while nothing runs.

    `draw` is that: CPU-seconds a second, of server, worker and what else waits.
    """

    runs: int
    to_running: float
    to_completed: float
    cpu: float
    draw: float

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


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
    draw = quiet.cpu / quiet.seconds
    started, completed, cpu = [], [], []
    for _ in range(runs):
        with Meter(roots) as meter:
            to_running, to_completed = one_run(hub, name)
            cost = meter.stop()
        started.append(to_running)
        completed.append(to_completed)
        cpu.append(cost.cpu - draw * cost.seconds)
    return Idle(
        runs=runs,
        to_running=statistics.median(started),
        to_completed=statistics.median(completed),
        cpu=statistics.median(cpu),
        draw=draw,
    )


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
