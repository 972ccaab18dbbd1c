"""How long live orders take while history is brought beside them: `python -m benchmarks.backfill_beside_live`.

The vendors' simulators keep their limits, in a process of their own. The receiver, a worker for each route and one for
the inbox are others, as in the gauntlet. Orders come in at a steady pace, first alone, then while a backfill of old
orders goes to the same destinations. Its time counts from its placing until a vendor took a call that carried it.
Time goes faster than the machine's, for all processes. Prints one JSON line, its seconds in that time; exit code 1 when
an order is missing or there twice, or a vendor refused a call as one too many.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from cryptography.fernet import Fernet

from deployments import demo_stack
from deployments.processes import answers, free_port
from deployments.shop.made_up import COUNTRIES, everyday_order
from deployments.shop.people import a_person
from deployments.simulators import build
from deployments.world import World
from integrations.simulator import Simulator
from integrations.simulator_server import simulator_app
from tasks import backfill, mending
from tasks.hub import installed
from tasks.steps import deliver_all
from tests.gauntlet import life, oracle, staff
from tests.gauntlet.clockwork import Clockwork
from tests.gauntlet.crew import Crew
from tests.gauntlet.run import warm_up
from tests.gauntlet.vendors import FAIR, Rough, is_write
from tests.gauntlet.where import a_ledger

DESTINATIONS = ("warehouse", "books", "marketing")
WORKERS = ("shipping", "accounting", "marketing", "inbox")
AN_ORDER = re.compile(rb"(?<!\d)54\d{11}(?!\d)")
"""What the simulated shop calls an order."""

HISTORY = (timedelta(days=60), timedelta(days=30))
"""How long ago the old orders were placed. The hub knows of nothing that is older than a week."""

PATIENCE = 3600.0
"""Seconds of its own time for everything to be everywhere."""


class Noting(Rough):
    """A vendor in fair weather that notes when it first took a call which carries an order."""

    def __init__(self, simulator: Simulator, name: str, clock: Clockwork) -> None:
        super().__init__(simulator, name, 0, FAIR)
        self.clock = clock
        self.landed: dict[str, float] = {}

    def act(self, action: str, arguments: Mapping[str, Any]) -> Any:
        """`landed` gives those moments by the order's number."""
        return dict(self.landed) if action == "landed" else super().act(action, arguments)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = super().__call__(request)
        if answer.is_success and is_write(request):
            for number in set(AN_ORDER.findall(request.content)):
                self.landed.setdefault(number.decode(), self.clock.now())
        return answer


def serve(port: int, clock: Clockwork) -> None:
    """The vendors, with their limits."""
    vendors: dict[str, Any] = dict(build(f"http://127.0.0.1:{port}", clock=clock.now))
    vendors |= {name: Noting(vendors[name], name, clock) for name in ("shop", *DESTINATIONS)}
    post = httpx.Client(timeout=5.0, trust_env=False)
    uvicorn.run(simulator_app(vendors, post), host="127.0.0.1", port=port, log_level="warning", access_log=False)


def bring_history(clock: Clockwork, since: datetime, until: datetime) -> None:
    """What the flow backfill-orders does."""
    hub = staff.opened(clock)
    with installed(hub):
        todo = backfill.plan(hub, "shop", since, until, DESTINATIONS)
        for _ in backfill.record_history(hub, todo):
            pass
        for name in todo.destinations:
            deliver_all(name)


def subscribe(clock: Clockwork) -> None:
    """Have the shop send its webhooks."""
    mending.mend_webhooks(staff.opened(clock))


@dataclass
class Beside:
    """One run."""

    home: Path
    url: str
    old: int
    live: int
    every: float
    clock: Clockwork
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    placed: dict[str, float] = field(default_factory=dict)
    """When each live order was placed, by its number."""

    def __post_init__(self) -> None:
        self.ports = {"vendors": free_port(0), "receiver": free_port(0)}
        self.world = World(f"http://127.0.0.1:{self.ports['vendors']}")
        self.crew = Crew(self.home / "logs")
        self.people = [a_person(f"beside-{number}", self.chance.choice(COUNTRIES)) for number in range(200)]
        self.number = 1000

    def run(self) -> dict[str, Any]:
        """The figures."""
        self._open()
        quiet = self._orders_come(lambda: False)
        self._come_to_rest(len(self.placed))
        began = self.clock.now()
        now = datetime.fromtimestamp(began, UTC)
        history = aside(partial(bring_history, self.clock, *(now - ago for ago in HISTORY)), self.home / "history.log")
        seconds = list[float]()

        def goes_on() -> bool:
            if not seconds and ended(history):
                seconds.append(self.clock.now() - began)
            return not seconds

        beside = self._orders_come(goes_on)
        self._come_to_rest(len(self.placed) + self.old)
        landed = {name: self.world.act(name, "landed") for name in DESTINATIONS}
        found = self._judge()
        told = {name: self.world.act(name, "told") for name in ("shop", *DESTINATIONS)}
        return {
            "old orders": self.old,
            "live orders": {"alone": len(quiet), "beside": len(beside)},
            "a second": round(1 / self.every, 2),
            "backfill seconds": round(seconds[0], 1) if seconds else None,
            **{name: compared(self.placed, landed[name], quiet, beside) for name in DESTINATIONS},
            **{kind: len(lines) for kind, lines in found.said.items()},
            "429s": sum(one.get("429 of ours", 0) for one in told.values()),
            "calls": {name: one["calls"] for name, one in told.items()},
            "load": round(os.getloadavg()[0], 1),
        }

    def close(self) -> None:
        """End everything."""
        self.crew.dismiss()

    def _open(self) -> None:
        """Vendors, a shop with old orders, stack.toml, the hub."""
        self.crew.hire("vendors", partial(serve, self.ports["vendors"], self.clock))
        self._until(answers(f"{self.world.base}/_control"))
        receiver = f"http://127.0.0.1:{self.ports['receiver']}"
        demo_stack.write(self.home, self.world.base, receiver, *life.open_shop(self.world, 7))
        begins = datetime.fromtimestamp(self.clock.now(), UTC) - timedelta(days=7)
        stack = self.home / "stack.toml"
        text = stack.read_text(encoding="utf-8")
        stack.write_text(text.replace("2009-01-01T00:00:00Z", begins.isoformat()), encoding="utf-8")
        for start in range(0, self.old, 500):
            self.world.act("shop", "place_orders", orders=[self._old() for _ in range(min(500, self.old - start))])
        os.environ.update(demo_stack.SECRETS)
        os.environ.update(
            BACKROOM_STACK=str(stack), BACKROOM_LEDGER=self.url, BACKROOM_TOKEN_KEY=Fernet.generate_key().decode()
        )
        warm_up(self.clock)
        self.crew.hire("receiver", partial(staff.receive, self.ports["receiver"], self.clock))
        self._until(answers(f"{receiver}/alive"))
        subscribing = aside(partial(subscribe, self.clock), self.home / "subscribe.log")
        self._until(lambda: ended(subscribing))
        for name in WORKERS:
            self.crew.hire(name, partial(staff.work, name, self.clock))
        self._pass_by(60)  # whatever is made and learned once is made by then

    def _old(self) -> dict[str, Any]:
        oldest, newest = (self.clock.now() - ago.total_seconds() + 3600 for ago in HISTORY)
        at = datetime.fromtimestamp(self.chance.uniform(oldest, newest - 7200), UTC)
        return self._order(at.isoformat())

    def _order(self, at: str) -> dict[str, Any]:
        self.number += 1
        return {"name": f"#{self.number}", **everyday_order(self.chance, self.chance.choice(self.people), at)}

    def _orders_come(self, longer: Callable[[], bool]) -> list[str]:
        """One after another at the pace, as many as were asked for, and while `longer`; their numbers."""
        came = list[str]()
        began = self.clock.now()
        while len(came) < self.live or longer():
            self._pass_by(began + len(came) * self.every - self.clock.now())
            spec = self._order("")
            del spec["created_at"]
            moment = self.clock.now()
            made = self.world.act("shop", "place_orders", orders=[spec])
            came.append(made[0]["id"].rsplit("/", 1)[-1])
            self.placed[came[-1]] = moment
        return came

    def _come_to_rest(self, many: int) -> None:
        """Wait until so many orders are everywhere."""
        ends = self.clock.now() + PATIENCE
        while self.clock.now() < ends:
            self._pass_by(5)
            if all(len(self.world.act(name, "landed")) >= many for name in DESTINATIONS):
                return

    def _judge(self) -> oracle.Findings:
        """What is missing or there twice, from what the vendors hold."""
        found = oracle.Findings()
        orders = {oracle.key_of(order): order for order in self.world.state("shop")["orders"]}
        oracle.judge_warehouse(found, orders, self.world.state("warehouse"))
        oracle.judge_books(found, orders, self.world.state("books"))
        oracle.judge_marketing(found, orders, self.world.state("marketing"))
        return found

    def _pass_by(self, seconds: float) -> None:
        ends = self.clock.now() + seconds
        while self.clock.now() < ends:
            self.crew.look()
            time.sleep(0.01)

    def _until(self, ready: Callable[[], bool]) -> None:
        ends = time.monotonic() + 60
        while not ready():
            self.crew.look()
            if self.crew.unexpected or time.monotonic() > ends:
                raise RuntimeError(f"nothing stands: {self.crew.unexpected}; logs in {self.crew.logs}")
            time.sleep(0.05)


def aside(job: Callable[[], None], log: Path) -> int:
    """Do something once in a process of its own; its number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with log.open("ab", buffering=0) as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            job()
            code = 0
        except BaseException:  # noqa: BLE001  it is this process's last word
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return child


def ended(child: int) -> bool:
    """Whether it is over. Raises RuntimeError when it went wrong."""
    number, status = os.waitpid(child, os.WNOHANG)
    if number and os.waitstatus_to_exitcode(status):
        raise RuntimeError("a process broke, see its log")
    return bool(number)


def compared(
    placed: Mapping[str, float], landed: Mapping[str, float], quiet: Sequence[str], beside: Sequence[str]
) -> dict[str, Any]:
    """Percentiles of both, in seconds, and how they compare."""
    times = [sorted(landed[one] - placed[one] for one in some if one in landed) for some in (quiet, beside)]
    alone, together = ({f"p{share}": percentile(some, share) for share in (50, 95, 99)} for some in times)
    return {"alone": alone, "beside": together, "ratio of p99": round(together["p99"] / max(0.1, alone["p99"]), 2)}


def percentile(ordered: Sequence[float], share: int) -> float:
    """The value that `share` per cent of them do not exceed."""
    return round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 1) if ordered else 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--orders", type=int, default=3000, help="old orders")
    parser.add_argument("--live", type=int, default=120, help="live orders, alone and beside at least")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two live orders")
    parser.add_argument("--speed", type=float, default=6.0, help="how much faster than the machine's the time goes")
    parser.add_argument("--db", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--server", default="postgresql://postgres@127.0.0.1:5432/test")
    told = parser.parse_args(arguments)
    home = Path(tempfile.mkdtemp(prefix="beside-"))
    began = time.monotonic()
    with a_ledger(told.db, told.server, home) as where:
        clock = Clockwork(time.time(), told.speed)
        beside = Beside(home, where.url, told.orders, told.live, told.every, clock)
        try:
            figures = beside.run()
        finally:
            beside.close()
    told_all = {"database": told.db, **figures, "speed": told.speed, "took": round(time.monotonic() - began, 1)}
    print(json.dumps(told_all), flush=True)
    return 1 if any(figures[kind] for kind in (*oracle.KINDS, "429s")) else 0


if __name__ == "__main__":
    raise SystemExit(main())
