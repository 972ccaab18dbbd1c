"""The demo: a fresh Prefect, simulated vendors, and the deployments doing the whole job, judged from outside."""

from __future__ import annotations

import json as jsons
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from commerce.errors import NotConfigured
from deployments import demo_stack, printing, verdict
from deployments.prefect_house import ENDED, PrefectApi, PrefectHouse
from deployments.processes import DidNotStart, Processes, answers, free_port
from deployments.shop import ShopPlan, a_shop, read_orders
from deployments.world import World

console = Console(stderr=True)

ORDER_FLOWS = ("orders-to-shipping", "orders-to-accounting", "orders-to-marketing")
LEFT_BEHIND = {".env", "ledger.db", "ledger.db-shm", "ledger.db-wal", "logs", "prefect", "stack.toml"}
"""What a demo leaves in its directory."""

STUCK = 180.0
"""Seconds without any record getting through after which the demo gives up."""


class Steps:
    """Progress: each step with the seconds it took."""

    def __init__(self) -> None:
        self.started = time.monotonic()

    @contextmanager
    def step(self, words: str) -> Iterator[Callable[[str], None]]:
        """Show a step while it lasts; what is passed to the given function is shown beside it."""
        began = time.monotonic()
        with console.status(words) as line:
            yield lambda more: line.update(f"{words}: {more}")
        console.print(f"[green]✓[/] {words} [dim]{time.monotonic() - began:.1f} s[/]", highlight=False)


@dataclass
class House:
    """Everything that runs."""

    processes: Processes
    world: World
    prefect: PrefectHouse
    api: PrefectApi
    receiver: str
    home: Path
    steps: Steps
    limits: bool


def run_demo(home: Path, orders: Path | None, *, limits: bool = True, as_json: bool = False) -> int:
    """Start, let the deployments do the job, show what landed where, stop. 0 only if all arrived that should have."""
    with standing(home, orders, limits=limits) as (house, plan):
        return work_and_judge(house, plan, as_json=as_json)


def run_up(home: Path, orders: Path | None, *, limits: bool = True) -> int:
    """The same, and stay with the schedules on until Ctrl-C."""
    with standing(home, orders, limits=limits) as (house, plan):
        code = work_and_judge(house, plan, as_json=False)
        house.api.resume_schedules()
        say_where(house)
        try:
            signal.pause()
        except KeyboardInterrupt:
            console.print("\nstopping")
    return code


def work_and_judge(house: House, plan: ShopPlan, *, as_json: bool) -> int:
    """Let the deployments do the job with their schedules off, and show what landed where."""
    house.api.pause_schedules()
    before = house.world.state("shop")
    the_job(house, plan)
    held = hub_json(house, "held", "list", "--json")
    states = {name: house.world.state(name) for name in ("shop", "warehouse", "books", "marketing", "inventory")}
    outcome = verdict.judge(states, before, held, plan)
    printing.verdict(outcome, as_json=as_json)
    console.print(f"[dim]{time.monotonic() - house.steps.started:.0f} s in all[/]")
    return 0 if outcome.well else 1


def say_where(house: House) -> None:
    """Print the addresses."""
    console.print("\n[bold]backroom is up.[/] Its schedules are on; Ctrl-C ends everything.\n")
    rows = [
        ("Prefect UI", house.prefect.url, "its runs, forms and tables"),
        ("receiver", f"{house.receiver}/health", "how fresh everything is"),
        ("simulators", f"{house.world.base}/_control", "POST /_control/<name>/state"),
    ]
    printing.table("addresses", ["what", "where", ""], rows)
    user, password = house.prefect.login
    shell = f"set -a; . {house.home / '.env'}; set +a; .venv/bin/backroom status"
    for line in (f"Prefect asks for a password: {user}:{password}", f"The command line: {shell}"):
        console.print(line, highlight=False, soft_wrap=True)


def refuse_foreign(home: Path) -> None:
    """Raise NotConfigured for a directory that holds more than an earlier demo: it is about to be emptied."""
    stack = home / "stack.toml"
    foreign = sorted(one.name for one in home.iterdir() if one.name not in LEFT_BEHIND) if home.is_dir() else []
    if stack.is_file() and not stack.read_text(encoding="utf-8").startswith(demo_stack.TEMPLATE.partition("\n")[0]):
        foreign.append(stack.name)
    if foreign:
        raise NotConfigured("--home", f"{home} holds {foreign[0]}, which no demo left", hint="name an empty directory")


@contextmanager
def standing(home: Path, orders: Path | None, *, limits: bool) -> Iterator[tuple[House, ShopPlan]]:
    """Everything started and the shop filled; all of it gone on the way out, also after Ctrl-C or SIGTERM.

    Without `limits` the vendors take as much as they can, and the hub does not pace itself.
    """
    steps = Steps()
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored
    with steps.step("reading the orders") if orders else steps.step("making up a shop"):
        now = datetime.now(UTC)
        plan = read_orders(orders, now=now) if orders else a_shop(now=now)
    refuse_foreign(home)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    ports = {name: free_port(port) for name, port in {"simulators": 8710, "receiver": 8720, "prefect": 4200}.items()}
    world = World(f"http://127.0.0.1:{ports['simulators']}")
    house = PrefectHouse(home / "prefect", ports["prefect"])
    receiver = f"http://127.0.0.1:{ports['receiver']}"
    environment = {**house.environment(), **demo_stack.environment(home)}
    demo_stack.write_env(home, environment)
    try:
        with Processes(home / "logs", environment) as processes:
            built = House(processes, world, house, house.api(), receiver, home, steps, limits)
            start(built, plan, ports)
            yield built, plan
    except DidNotStart as error:
        printing.failure(str(error), f"the logs are in {home / 'logs'}")
        raise SystemExit(1) from None


def start(house: House, plan: ShopPlan, ports: dict[str, int]) -> None:
    """Start simulators, Prefect, worker and receiver, and fill the shop meanwhile."""
    processes = house.processes
    with house.steps.step("starting the vendors' simulators"):
        house.prefect.start_server(processes)
        limits = "--limits" if house.limits else "--no-limits"
        processes.start("simulators", backroom("simulate", "--port", str(ports["simulators"]), limits))
        processes.wait_until("simulators", answers(f"{house.world.base}/_control"))
    with house.steps.step(f"filling the shop with {len(plan.orders)} orders") as say:
        fill(house, plan, say)
    with house.steps.step("starting the Prefect server"):
        house.prefect.wait(processes)
    with house.steps.step("deploying prefect.yaml, starting worker and receiver"):
        processes.run_once("migrate", backroom("migrate"))
        processes.start("receiver", backroom("receive", "--port", str(ports["receiver"])))
        house.prefect.deploy(processes)
        house.prefect.start_worker(processes)
        processes.run_once("automations", backroom("automations"))
        processes.wait_until("receiver", answers(f"{house.receiver}/alive"))
        processes.wait_until("prefect-worker", house.api.worker_online)
        processes.wait_until("prefect-server", house.api.schedules_work)
        processes.run_once("webhooks", backroom("webhooks"))
        house.world.act("warehouse", "subscribe", url=f"{house.receiver}/hooks/warehouse")


def fill(house: House, plan: ShopPlan, say: Callable[[str], None]) -> None:
    """Put shop, stock and orders into the simulators, and write the stack.toml that connects them."""
    world = house.world
    shop = world.act("shop", "setup", shop=plan.shop, locations=plan.locations)
    world.act("shop", "create_products", products=plan.products)
    inventory = world.act("inventory", "setup", **plan.inventory)
    world.act("books", "preferences", home_currency=plan.shop["currency"])
    step = 500
    for at in range(0, len(plan.orders), step):
        world.act("shop", "place_orders", orders=plan.orders[at : at + step])
        say(f"{min(at + step, len(plan.orders))} orders")
    happen(world, plan.events_before)
    names = [place["name"] for place in plan.locations]
    warehouses = dict(zip(names, world.act("warehouse", "warehouses", names=names), strict=True))
    found = (shop["locations"], inventory, warehouses)
    demo_stack.write(house.home, world.base, house.receiver, *found, pace=house.limits)


def the_job(house: House, plan: ShopPlan) -> None:
    """What a day brings: stock, orders, changes to orders, parcels, tracking; all by the deployments."""
    steps = house.steps
    with steps.step("stock to the storefront, orders to warehouse, books and marketing") as say:
        run(house, ("sync-inventory", *ORDER_FLOWS), say)
        until_quiet(house, ORDER_FLOWS, say)
    with steps.step("orders change: edited, refunded, cancelled, paid; webhooks come in") as say:
        happen(house.world, plan.events_after)
        run(house, ("drain-inbox",), say)
        until_quiet(house, ("drain-inbox", *ORDER_FLOWS), say)
    with steps.step("the warehouse ships; tracking goes to the storefront") as say:
        house.world.act("warehouse", "buy_labels")
        run(house, ("tracking-to-storefront",), say)
        until_quiet(house, ("tracking-to-storefront",), say)
    with steps.step("everything once more, which must change nothing") as say:
        run(house, ("sync-inventory", *ORDER_FLOWS, "tracking-to-storefront", "watch"), say)
        until_quiet(house, ("drain-inbox", *ORDER_FLOWS), say)


def run(house: House, names: Sequence[str], say: Callable[[str], None]) -> None:
    """Run these deployments at the same time and wait for all. Raises DidNotStart when one fails."""
    runs = {name: house.api.run(name) for name in names}
    while runs:
        for name, key in list(runs.items()):
            kind, state, message = house.api.state(key)
            if kind == "CANCELLED":
                runs[name] = house.api.run(name)  # another run of it was on its way
            elif kind in ENDED:
                del runs[name]
                if kind != "COMPLETED":
                    raise DidNotStart(f"{name} ended {state}: {message}\n{house.processes.tail('prefect-worker')}")
                say(f"{name}: {message}")
        time.sleep(0.25)


def until_quiet(house: House, names: Sequence[str], say: Callable[[str], None]) -> None:
    """Run the deployments again while records still wait for a destination, as long as they become fewer."""
    fewest, since = None, time.monotonic()
    while waiting := still_waiting(house):
        if fewest is None or waiting < fewest:
            fewest, since = waiting, time.monotonic()
        if time.monotonic() - since > STUCK:
            raise DidNotStart(f"{waiting} records are on their way and have not become fewer for {STUCK:.0f} s")
        say(f"{waiting} still on their way")
        run(house, names, say)
        time.sleep(1.0)


def still_waiting(house: House) -> int:
    """Records that wait for a destination, and for no person."""
    rows = hub_json(house, "status", "--json")["destinations"]
    return sum(int(row["waiting"] + row["retry"] + row["unknown"]) for row in rows)


def hub_json(house: House, *arguments: str) -> Any:
    """What the hub's own command line says, as JSON."""
    import subprocess

    command = backroom(*arguments)
    done = subprocess.run(command, env=house.processes.environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode not in (0, 1) or not done.stdout:
        raise DidNotStart(f"backroom {' '.join(arguments)} failed: {done.stderr.strip()[-500:]}")
    return jsons.loads(done.stdout)


def happen(world: World, events: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Let things happen in the storefront."""
    for action, arguments in events:
        world.act("shop", action, **arguments)


def backroom(*arguments: str) -> list[str]:
    """Our own command line."""
    return [sys.executable, "-m", "deployments.cli", *arguments]


def _leave(_: int, __: FrameType | None) -> None:
    raise SystemExit(143)
