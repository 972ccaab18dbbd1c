"""The figures as one table for people, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figures
from benchmarks.idle import Idle
from benchmarks.machine import Machine
from benchmarks.vendors import HELD_IN

OURS, SCRIPT, NAIVE, PLAIN_WORKER = "backroom", "plain script", "naive flow", "plain worker"
MB = 1024 * 1024

Row = tuple[str, str, Mapping[str, float]]
"""Words, how the number is written, and the number of each way."""


@dataclass
class Bench:
    """One run of everything: copying orders by way, and runs with nothing to do by way."""

    command: str
    machine: Machine
    ways: dict[str, Figures] = field(default_factory=dict)
    idle: dict[str, Idle] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "command": self.command,
            "machine": self.machine.as_json(),
            "orders": {name: one.as_json() for name, one in self.ways.items()},
            "nothing to do": {name: one.as_json() for name, one in self.idle.items()},
        }


def show(bench: Bench, console: Console) -> None:
    """Print it all."""
    for line in bench.machine.lines():
        console.print(line, highlight=False, soft_wrap=True)
    console.print(f"command: {bench.command}\n", highlight=False, soft_wrap=True)
    console.print(table_of(bench))
    for note in notes(bench):
        console.print(f"- {note}", highlight=False, soft_wrap=True)


def table_of(bench: Bench) -> Table:
    """A row for each figure; beside each other way the ratio of ours to it."""
    others = [name for name in (SCRIPT, NAIVE, PLAIN_WORKER) if name in {**bench.ways, **bench.idle}]
    table = Table(title="ours beside others; a ratio is ours / theirs", title_justify="left")
    for name in ("", OURS, *(head for other in others for head in (other, "ratio"))):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for words, form, values in rows(bench):
        table.add_row(words, *cells(form, values, others))
    return table


def cells(form: str, values: Mapping[str, float], others: list[str]) -> Iterator[str]:
    """Ours, then each other's figure with the ratio; empty where there is none."""
    ours = values[OURS]
    yield form.format(ours)
    for other in others:
        theirs = values.get(other)
        yield "" if theirs is None else form.format(theirs)
        yield f"{ours / theirs:.2f}" if theirs else ""


def rows(bench: Bench) -> Iterator[Row]:
    """Every row that was measured."""
    for words, form, value in ABOUT_ORDERS:
        if bench.ways:
            yield words, form, {name: value(one) for name, one in bench.ways.items()}
    for words, form, worth in ABOUT_IDLE:
        if bench.idle:
            yield words, form, {name: worth(one) for name, one in bench.idle.items()}


ABOUT_ORDERS: list[tuple[str, str, Callable[[Figures], float]]] = [
    ("orders", "{:,.0f}", lambda one: one.orders),
    ("seconds", "{:.1f}", lambda one: one.seconds),
    ("orders a second", "{:.1f}", lambda one: one.per_second),
    ("CPU-s per 1,000 orders", "{:.1f}", lambda one: one.cpu_per_1000),
    ("peak memory, MB", "{:.0f}", lambda one: one.peak / MB),
]

ABOUT_IDLE: list[tuple[str, str, Callable[[Idle], float]]] = [
    ("empty run: created to running, s", "{:.2f}", lambda one: one.to_running),
    ("empty run: created to completed, s", "{:.2f}", lambda one: one.to_completed),
    ("empty run: CPU-seconds", "{:.2f}", lambda one: one.cpu),
]


def notes(bench: Bench) -> Iterator[str]:
    """What the table does not show."""
    if hub := bench.ways.get(OURS):
        working, theirs = hub.more["working"], hub.more["vendors_cpu"]
        yield f"CPU-seconds of backroom: {shared_out(hub.cpu_of)}; not counted: the simulators' {theirs:.2f}"
        yield (
            f"from the first flow's start to the last one's end {working:.1f} s, {hub.orders / working:.0f} orders a "
            "second; the rest is the worker's interval of asking for work"
        )
    for name, one in bench.ways.items():
        there = ", ".join(f"{count} {HELD_IN[place]}" for place, count in one.landed.items())
        odd = ", ".join(f"{one.more[word]} {word}" for word in ("held", "refused", "failed") if word in one.more)
        yield f"{name} brought {there}; {odd}"
    for name, idle in bench.idle.items():
        parts = shared_out(idle.cpu_of)
        yield f"empty run, {name}, median of {idle.runs}: {parts}; while nothing runs {idle.draw:.0%} of a core"


def shared_out(cpu_of: Mapping[str, float]) -> str:
    """Whose CPU-seconds they were."""
    return ", ".join(f"{name} {cpu:.2f}" for name, cpu in cpu_of.items() if cpu >= 0.005)
