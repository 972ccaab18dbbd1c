"""The simulated vendors of a measurement: their rate limits off, in a process of their own, and filled with a shop.

`python -m benchmarks.vendors --port 8710 --without books` serves them.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from deployments import demo_stack
from deployments.processes import Processes, answers, free_port
from deployments.shop import ShopPlan
from deployments.simulators import NAMES
from deployments.world import World

AT_ONCE = 500
HELD_IN = {"warehouse": "shipments", "books": "documents", "marketing": "events"}
"""Where a destination's state lists what has landed."""


class Started(Processes):
    """Processes that remember their ids, by name."""

    def __init__(self, logs: Path, environment: dict[str, str]) -> None:
        super().__init__(logs, environment)
        self.pids: dict[str, int] = {}

    def __enter__(self) -> Started:
        super().__enter__()
        return self

    def start(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start it, and note its id."""
        process = super().start(name, command)
        self.pids[name] = process.pid
        return process


@dataclass(frozen=True)
class Terms:
    """What all measurements have in common.

    `without` leaves destinations out, `latency` makes answers as late as a distant vendor's (seconds), and `live` makes
    the orders news to marketing, which otherwise takes what is older than its route as history.
    """

    without: tuple[str, ...] = ()
    latency: float = 0.0
    live: bool = False

    def arguments(self) -> list[str]:
        """The same for a command line."""
        return ["--latency", str(self.latency), "--without", *self.without]


class Late:
    """An ASGI application that answers later than the one inside, as if it were far away; the control does not."""

    def __init__(self, inner: ASGIApp, latency: float) -> None:
        self._inner = inner
        self._latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then pass on."""
        if scope["type"] == "http" and not scope["path"].startswith("/_control"):
            await asyncio.sleep(self._latency)
        await self._inner(scope, receive, send)


@contextmanager
def standing(logs: Path, terms: Terms) -> Iterator[tuple[World, int]]:
    """Fresh vendors, and the id of the process that they are in."""
    port = free_port(8710)
    world = World(f"http://127.0.0.1:{port}")
    command = [sys.executable, "-m", "benchmarks.vendors", "--port", str(port), *terms.arguments()]
    with Started(logs, {}) as processes:
        process = processes.start("vendors", command)
        processes.wait_until("vendors", answers(f"{world.base}/_control"))
        yield world, process.pid


def fill(world: World, plan: ShopPlan) -> list[dict[str, Any]]:
    """Open the shop and place its orders; the shop's locations."""
    shop = world.act("shop", "setup", shop=plan.shop, locations=plan.locations)
    world.act("shop", "create_products", products=plan.products)
    for at in range(0, len(plan.orders), AT_ONCE):
        world.act("shop", "place_orders", orders=plan.orders[at : at + AT_ONCE])
    for action, arguments in plan.events_before:
        world.act("shop", action, **arguments)
    return list(shop["locations"])


def connect(world: World, plan: ShopPlan, shop: list[dict[str, Any]], home: Path, terms: Terms) -> None:
    """Write the stack.toml that connects the hub, which does not slow itself down, with these vendors."""
    inventory = world.act("inventory", "setup", **plan.inventory)
    names = [place["name"] for place in plan.locations]
    warehouses = dict(zip(names, world.act("warehouse", "warehouses", names=names), strict=True))
    demo_stack.write(home, world.base, "", shop, inventory, warehouses, pace=False)
    file = home / "stack.toml"
    stack = left_out(file.read_text(encoding="utf-8"), terms.without)
    if terms.live:
        stack = stack.replace('to = "marketing"', 'to = "marketing"\nlive_from = 2009-01-01T00:00:00Z')
    file.write_text(stack, encoding="utf-8")


def left_out(stack: str, without: Collection[str]) -> str:
    """A stack.toml without some connections and their routes. Its tables are parted by empty lines."""
    marks = [mark for name in without for mark in (f"[connections.{name}]", f'to = "{name}"', f'from = "{name}"')]
    return "\n\n".join(part for part in stack.split("\n\n") if not any(mark in part for mark in marks))


def landed(world: World, without: Collection[str]) -> dict[str, int]:
    """How much each destination holds now."""
    return {name: len(world.state(name)[key]) for name, key in HELD_IN.items() if name not in without}


def serve(port: int, terms: Terms) -> None:
    """Serve them on loopback until ended."""
    import uvicorn

    from integrations.simulator_server import simulator_app

    base = f"http://127.0.0.1:{port}"
    simulators = {
        name: importlib.import_module(f"integrations.{vendor}.simulator").build(base_url=f"{base}/{name}", limits=False)
        for name, vendor in NAMES.items()
        if name not in terms.without
    }
    app = Late(simulator_app(simulators), terms.latency)
    # The simulators tell the time by their own clocks.
    quiet: dict[str, Any] = {"log_level": "warning", "access_log": False, "date_header": False}
    uvicorn.run(app, host="127.0.0.1", port=port, timeout_graceful_shutdown=2, **quiet)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8710)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--without", nargs="*", default=[])
    given = parser.parse_args()
    serve(given.port, Terms(tuple(given.without), given.latency))
