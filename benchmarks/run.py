"""`make bench`: what the hub costs, beside a plain script and a naive flow, and what a run with nothing to do costs.

`python -m benchmarks.run --orders 1000 --json figures.json`
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from rich.console import Console

from benchmarks import baselines, hub, idle, machine, report, vendors
from benchmarks.figures import Figures
from benchmarks.measuring import NotMeasurable, require_linux
from benchmarks.report import NAIVE, OURS, PLAIN_WORKER, SCRIPT, Bench
from benchmarks.vendors import Terms
from deployments.processes import DidNotStart
from deployments.shop import ShopPlan, a_shop

console = Console(stderr=True)

WIDTH = 126

MOST_NAIVE = 200
"""A mapped task for each order takes so long that more of them would teach nothing."""


def main() -> int:
    """Measure, print, and write JSON if asked. 0 well, 1 when something did not run, 2 when it cannot be measured."""
    given = arguments().parse_args()
    try:
        require_linux()
    except NotMeasurable as error:
        console.print(str(error), style="red", markup=False)
        return 2
    signal.signal(signal.SIGTERM, _leave)
    home = Path(tempfile.mkdtemp(prefix="backroom-bench-"))
    try:
        bench = measure(home, given)
    except DidNotStart as error:
        console.print(f"{error}\nthe logs are in {home}", style="red", markup=False, highlight=False)
        return 1
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    shutil.rmtree(home, ignore_errors=True)
    report.show(bench, Console(width=max(WIDTH, console.width)))
    if given.json:
        given.json.write_text(json.dumps(bench.as_json(), indent=2) + "\n", encoding="utf-8")
    return 0


def arguments() -> argparse.ArgumentParser:
    """What may be asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument(
        "--orders", type=int, default=1000, help="orders of the made-up shop; at least some 50 odd ones"
    )
    parser.add_argument(
        "--without", nargs="*", default=[], choices=["books", "marketing"], help="destinations left out"
    )
    parser.add_argument("--latency", type=float, default=0, help="milliseconds by which the vendors answer later")
    parser.add_argument("--live", action="store_true", help="orders are news to marketing, not history: no bulk calls")
    parser.add_argument("--idle-runs", type=int, default=5, help="runs with nothing to do, each way; 0 for none")
    parser.add_argument("--baselines", action=argparse.BooleanOptionalAction, default=True, help="measure them too")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    return parser


def measure(home: Path, given: argparse.Namespace) -> Bench:
    """Everything, one after another, each over fresh vendors."""
    terms = Terms(tuple(given.without), given.latency / 1000, given.live)
    plan = a_shop(orders=given.orders, now=datetime.now(UTC))
    bench = Bench(command=" ".join(["python -m benchmarks.run", *sys.argv[1:]]), machine=machine.facts())
    script = None
    if given.baselines:
        with step("a plain script copies the orders"):
            script = baselines.sequential(home / "script", plan, terms)
    with (
        vendors.standing(home / "vendors", terms) as (world, simulators),
        hub.standing(home / "hub", world, plan, terms) as house,
    ):
        with step("backroom brings the orders"):
            bench.ways[OURS] = hub.measure(house, len(plan.orders), terms.without, simulators)
        if script:
            bench.ways[SCRIPT] = script
        if given.baselines:
            with step("a naive flow copies the orders"):
                bench.ways[NAIVE] = naive(home / "naive", plan, house, terms)
        if given.idle_runs:
            with step("runs with nothing to do"):
                bench.idle[OURS] = idle.through_warm(house, given.idle_runs)
                bench.idle[PLAIN_WORKER] = idle.through_plain(house, given.idle_runs)
    return bench


def naive(logs: Path, plan: ShopPlan, house: hub.Hub, terms: Terms) -> Figures:
    """The naive flow over some of the orders."""
    return baselines.naive(
        logs,
        plan,
        terms,
        most=min(MOST_NAIVE, len(plan.orders)),
        server=house.parts["prefect-server"],
        environment=house.prefect.environment(),
    )


@contextmanager
def step(words: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    began = time.monotonic()
    with console.status(words):
        yield
    console.print(f"[green]✓[/] {words} [dim]{time.monotonic() - began:.1f} s[/]", highlight=False)


def _leave(_: int, __: FrameType | None) -> None:
    raise SystemExit(143)


if __name__ == "__main__":
    sys.exit(main())
