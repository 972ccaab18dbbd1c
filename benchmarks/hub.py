"""The hub as it is deployed: Prefect server, worker, warm process and receiver, bringing a shop's orders everywhere."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from benchmarks import vendors
from benchmarks.figures import Figures, figures
from benchmarks.measuring import Meter
from benchmarks.vendors import Started, Terms
from deployments import demo_stack
from deployments.demo import backroom
from deployments.prefect_house import ENDED, PrefectHouse
from deployments.processes import DidNotStart, answers, free_port
from deployments.shop import ShopPlan
from deployments.world import World
from ledger import Ledger

FLOWS = {"warehouse": "orders-to-shipping", "books": "orders-to-accounting", "marketing": "orders-to-marketing"}
"""The deployment that brings orders to a destination."""

PARTS = ("prefect-server", "prefect-worker", "warm", "receiver")
"""The hub's processes; flow runs are children of the warm one."""

ROUNDS = 20

Run = dict[str, Any]
"""A flow run as Prefect's server tells it."""


@dataclass
class Hub:
    """Everything of the hub that runs, over vendors that somebody else has started."""

    processes: Started
    prefect: PrefectHouse
    home: Path
    world: World

    def __post_init__(self) -> None:
        self.api = self.prefect.api()
        self.rest = httpx.Client(
            base_url=f"{self.prefect.url}/api", auth=self.prefect.login, timeout=30.0, trust_env=False
        )

    @property
    def parts(self) -> Mapping[str, int]:
        """Process ids by name."""
        return {name: self.processes.pids[name] for name in PARTS if name in self.processes.pids}

    def run_of(self, key: str) -> Run:
        """A flow run as the server knows it."""
        found: Run = self.rest.get(f"/flow_runs/{key}").raise_for_status().json()
        return found

    def run(self, names: Collection[str], every: float = 1.0) -> list[Run]:
        """Run these deployments at the same time and wait for all, looking `every` so many seconds.

        Each look costs the server some milliseconds. Raises DidNotStart when one fails.
        """
        runs = {name: self.api.run(name) for name in names}
        ended = []
        while runs:
            for name, key in list(runs.items()):
                found = self.run_of(key)
                if found["state_type"] == "CANCELLED":
                    runs[name] = self.api.run(name)  # another run of it was on its way
                elif found["state_type"] in ENDED:
                    ended.append(found)
                    del runs[name]
                    self._refuse(name, found)
            if runs:
                time.sleep(every)
        return ended

    def _refuse(self, name: str, found: Run) -> None:
        if found["state_type"] != "COMPLETED":
            message = (found.get("state") or {}).get("message") or found["state_name"]
            raise DidNotStart(f"{name}: {message}\n{self.processes.tail('prefect-worker', 40)}")


@contextmanager
def standing(home: Path, world: World, plan: ShopPlan, terms: Terms) -> Iterator[Hub]:
    """Start the hub over a filled shop, its schedules paused and nothing brought anywhere yet."""
    home.mkdir(parents=True)
    prefect = PrefectHouse(home / "prefect", free_port(4200))
    environment = {**prefect.environment(), **demo_stack.environment(home)}
    with Started(home / "logs", environment) as processes:
        hub = Hub(processes, prefect, home, world)
        prefect.start_server(processes)
        vendors.connect(world, plan, vendors.fill(world, plan), home, terms)
        prefect.wait(processes)
        start(hub)
        yield hub


def start(hub: Hub) -> None:
    """Deploy, and start worker, warm process and receiver."""
    processes, port = hub.processes, free_port(8720)
    processes.run_once("migrate", backroom("migrate"))
    processes.start("receiver", backroom("receive", "--port", str(port)))
    hub.prefect.deploy(processes)
    hub.api.pause_schedules()
    hub.prefect.start_worker(processes)
    processes.wait_until("warm", hub.prefect.warm_socket.exists)
    processes.wait_until("receiver", answers(f"http://127.0.0.1:{port}/alive"))
    processes.wait_until("prefect-worker", hub.api.worker_online)


def measure(hub: Hub, orders: int, without: Collection[str], simulators: int) -> Figures:
    """Run the order deployments at the same time until nothing waits any more. `simulators`: their process id."""
    names = [flow for destination, flow in FLOWS.items() if destination not in without]
    ledger = Ledger(f"sqlite:///{hub.home / 'ledger.db'}")
    rounds: list[list[Run]] = []
    with Meter({"simulators": simulators}) as theirs, Meter(hub.parts) as ours:
        while not rounds or waiting(ledger):
            if len(rounds) == ROUNDS:
                raise DidNotStart(f"{waiting(ledger)} records still wait after {ROUNDS} rounds")
            rounds.append(hub.run(names))
        cost = ours.stop()
        vendors_cpu = theirs.stop().cpu
    held = sum(row.held for row in ledger.status())
    ledger.close()
    asked_for = sum(between(runs, "created") for runs in rounds)
    working = sum(between(runs, "start_time") for runs in rounds)
    more = {"rounds": len(rounds), "held": held, "vendors_cpu": vendors_cpu, "working": working}
    return figures(orders, replace(cost, seconds=asked_for), vendors.landed(hub.world, without), **more)


def waiting(ledger: Ledger) -> int:
    """Records that wait for a destination and for no person."""
    return sum(row.waiting + row.retry + row.unknown for row in ledger.status())


def between(runs: Collection[Run], first: str) -> float:
    """Seconds from the first run's `created` or `start_time` to the last one's end, by Prefect's own stamps."""
    starts = [datetime.fromisoformat(run[first]) for run in runs]
    ends = [datetime.fromisoformat(run["end_time"]) for run in runs]
    return (max(ends) - min(starts)).total_seconds()
