"""One run through Prefect itself: its server, worker, warm process, flow runs and the receiver are killed.

The machine's time, and the deployments and schedules of prefect.yaml; otherwise the same shop, weather and oracle.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg

from deployments import demo_stack
from deployments.demo import backroom
from deployments.prefect_house import PrefectHouse, prefect
from deployments.processes import answers, free_port
from deployments.world import World
from ledger import Ledger
from tasks.delivering import LEASE
from tasks.hub import open_hub
from tests.gauntlet import life, oracle, vendors
from tests.gauntlet.clockwork import Clockwork
from tests.gauntlet.crew import Crew
from tests.gauntlet.database import OwnServer
from tests.gauntlet.hurried import hurried
from tests.gauntlet.merchant import Merchant
from tests.gauntlet.prefect_chaos import PrefectChaos
from tests.gauntlet.prefect_crew import RECEIVER, SERVER, WORKER, Supervised
from tests.gauntlet.prefect_outcome import Calm, PrefectSettings, Through
from tests.gauntlet.prefect_view import PrefectView
from tests.gauntlet.pulse import Pulse
from tests.gauntlet.staff import WITHOUT
from tests.gauntlet.where import a_ledger

POLLS = {
    "warehouse": "orders-to-shipping",
    "books": "orders-to-accounting",
    "marketing": "orders-to-marketing",
    "tracking": "tracking-to-storefront",
    "stock": "sync-inventory",
}
"""The deployment that brings everything to a place even when no webhook comes."""

BACK_OFF = 600.0
"""Seconds that a record may have to wait after lost answers and deaths, beside what its schedule takes."""

TIDY = 25 * 60.0
"""Seconds until every run that a kill left behind must have ended: ten minutes of silence, and a watch."""


def run(settings: PrefectSettings) -> Through:
    """Run it once."""
    if sys.platform != "linux":
        raise SystemExit("the gauntlet through Prefect finds flow runs in /proc, so it needs Linux")
    began = time.monotonic()
    with a_ledger(settings.database, settings.server, settings.home) as where:
        house = PrefectHouse(settings.home / "prefect", a_port())
        environment = demo_stack.environment(settings.home) | {"BACKROOM_LEDGER": where.url}
        os.environ.update(environment)  # the merchant's commands are forked from here
        if where.own:
            environment["PREFECT_API_DATABASE_CONNECTION_URL"] = for_prefect(where.own.url)
        with Supervised(settings.home / "logs", {**house.environment(), **environment}) as crew:
            stage = Stage(settings, house, crew, where.own)
            try:
                stage.build()
                stage.facts["ready after"] = round(time.monotonic() - began, 1)
                stage.play()
                stage.tell()
            finally:
                stage.outside.dismiss()
                house.warm_socket.unlink(missing_ok=True)
        stage.facts["seconds"] = round(time.monotonic() - began, 1)
        return stage.outcome


def for_prefect(server: str) -> str:
    """Where Prefect keeps what is its own, beside the ledger in the same PostgreSQL, so that both are killed."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE prefect")
    return f"{server.rpartition('/')[0]}/prefect".replace("postgresql", "postgresql+asyncpg", 1)


def a_port() -> int:
    """A free port that no outgoing call takes while its server is down: below those that Linux gives to calls."""
    return free_port(random.randint(10_000, 30_000))


class Stage:
    """Everything of one run."""

    def __init__(
        self, settings: PrefectSettings, house: PrefectHouse, crew: Supervised, database: OwnServer | None
    ) -> None:
        self.settings, self.house, self.crew = settings, house, crew
        self.ports = {"vendors": a_port(), "receiver": a_port()}
        self.world = World(f"http://127.0.0.1:{self.ports['vendors']}")
        self.receiver = f"http://127.0.0.1:{self.ports['receiver']}"
        self.outside = Crew(settings.home / "logs")
        self.chaos = PrefectChaos(crew, settings.seed, database)
        self.life = life.Life(settings.seed, settings.orders)
        self.view = PrefectView(house)
        self.pulse: Pulse | None = None
        self.up = answers(f"{house.url}/api/admin/version", house.login)
        self.merchant = Merchant(self.world, open_hub)
        self.outcome = Through(settings)
        self.open = False
        self.facts = self.outcome.facts

    def build(self) -> None:
        """As `backroom up` does: vendors, a shop, Prefect with all deployments and automations, worker, receiver."""
        s, crew, house = self.settings, self.crew, self.house
        self.outside.hire(
            "vendors", partial(vendors.serve, self.ports["vendors"], s.seed, Clockwork(time.time(), 1.0), s.odds)
        )
        if os.environ.get(WITHOUT) == "collector":  # as Prefect starts itself, to see it stand still
            crew.start(SERVER, prefect("server", "start", "--host", "127.0.0.1", "--port", str(house.port)))
        else:
            house.start_server(crew)
        self._until(answers(f"{self.world.base}/_control"))
        self.open = True
        demo_stack.write(s.home, self.world.base, self.receiver, *life.open_shop(self.world, s.seed))
        stack = s.home / "stack.toml"
        text = stack.read_text(encoding="utf-8")
        stack.write_text(text.replace("order_lag_minutes = 60", "order_lag_minutes = 0"), encoding="utf-8")
        crew.run_once("migrate", backroom("migrate"))
        crew.start(RECEIVER, backroom("receive", "--port", str(self.ports["receiver"])))
        crew.wait_until(RECEIVER, answers(f"{self.receiver}/alive"))
        crew.run_once("webhooks", backroom("webhooks"))
        house.wait(crew)
        house.deploy(crew, file=hurried(s.hurry, s.home))
        self.view.look()
        house.start_worker(crew)
        crew.run_once("automations", backroom("automations"))
        crew.wait_until(WORKER, house.api().worker_online)
        self.pulse = Pulse(f"{house.url}/api/health", lambda: crew.units[SERVER].process.pid)
        self.world.act("warehouse", "subscribe", url=f"{self.receiver}/hooks/warehouse")

    def play(self) -> None:
        """A storm; the server's absence; a second storm in which the warehouse sends everything."""
        s, waiting = self.settings, self.life.happenings()
        seconds = s.seconds or max(180.0, s.orders * 1.5)
        last = 0 if s.short else max(1, s.kills // 4)
        meanwhile = [one for one in waiting if one.at > 0.75]
        self._storm(seconds, s.kills - last - 1, waiting[: len(waiting) - len(meanwhile)], until=0.75)
        if not s.short:
            self.outcome.storms.append(self._until_right(self.chaos.last))
        self._absence(meanwhile)
        if s.short:
            self.outcome.storms.append(self._until_right(self.chaos.last, over=True))
            self._until_tidy()
            return
        self._storm(seconds / 4, last, [life.Happening(0.0, 0, self._pack)], until=1.0)
        self.outcome.storms.append(self._until_right(self.chaos.last, over=True))
        self._until_tidy()
        self._pass_by(2 * LEASE - (time.monotonic() - self.chaos.last))  # whatever comes late comes now
        self.outcome.findings = self._judge()

    def _pack(self, world: World) -> None:
        life.pack(world, 1.0, random.Random(0), leave=set())

    def _storm(self, seconds: float, kills: int, waiting: Sequence[life.Happening], until: float) -> None:
        """Rough weather, kills and a shop's life; over when all of it has happened."""
        self._weather(rough=True)
        self.chaos.begin(seconds, kills)
        self._live(seconds, waiting, 0.0, until)
        while self.chaos.due:
            self._tick()
        self._weather(rough=False)

    def _absence(self, waiting: Sequence[life.Happening]) -> None:
        """The server is killed and not started again for a while, in which orders come in and webhooks with them."""
        found, s = self.outcome.absence, self.settings
        self._until(answers(f"{self.receiver}/alive"))
        self._until_posted()
        before, gone = self.world.act("post", "told"), datetime.now(UTC)
        self.chaos.absent()
        self._live(s.away, waiting, 0.75, 1.0)
        self._until_posted()
        told = Counter(self.world.act("post", "told"))
        told.subtract(before)
        found.hooks = told["acknowledged"] + told["refused"] + told["not reached"]
        found.acknowledged = told["acknowledged"]
        self.crew.back(SERVER)
        self._until(self.up)
        back, moment = time.monotonic(), datetime.now(UTC)
        if not s.short:
            self.outcome.since_back = self._until_right(back)
        else:
            self._pass_by(3.0)
        found.due = self.view.due_between(gone, moment)

    def _until_posted(self) -> None:
        """No webhook is on its way."""
        self._until(lambda: self.world.act("post", "told")["waiting"] == 0)
        self._pass_by(2.0)  # the last of them may be tried three times

    def _live(self, seconds: float, waiting: Sequence[life.Happening], since: float, until: float) -> None:
        """Let everything happen in its time."""
        left, began = list(waiting), time.monotonic()
        while left or time.monotonic() - began < seconds:
            now = since + (time.monotonic() - began) / seconds * (until - since)
            while left and left[0].at <= now:
                left.pop(0).do(self.world)
                self._tick()
            self._tick()

    def _until_right(self, since: float, *, over: bool = False) -> Calm:
        """Nobody helps: wait until all is right, at most as long as the slowest schedule and the back-off may take.
        When the last kill is `over`, Prefect's own order is looked at meanwhile."""
        calm, wrong = Calm(), dict[str, float]()
        patience = LEASE + 2 * max(self.view.intervals.values()) + BACK_OFF
        while True:
            self._pass_by(1.0)
            if over and self.outcome.tidied is None and self.up():
                self._untidy()
            self.outcome.findings = self._judge()
            now = time.monotonic() - since
            for line in self.outcome.findings.lines():
                wrong[line.split(": ")[1]] = now
            if self.outcome.findings.well or now > patience:
                calm.places = {place: round(moment + 1.0, 1) for place, moment in wrong.items()}
                calm.after = round(now, 1) if self.outcome.findings.well else None
                return calm

    def tell(self) -> None:
        """Gather what is to be told."""
        outcome = self.outcome
        if not outcome.findings.well:
            self.explain()
        outcome.complaints += self.outside.unexpected + self.merchant.unexpected
        self.facts["reconnects"] = self.merchant.reconnects
        self.facts["longest answer of the server"] = self.pulse.stop() if self.pulse else None
        told = {name: self.world.act(name, "told") for name in vendors.DESTINATIONS}
        self.facts["changes"] = self.life.counts
        for words in ("calls", "answers lost", "429 of the weather", "429 of ours"):
            self.facts[words] = sum(one.get(words, 0) for one in told.values())
        self.facts |= {"runs": dict(self.view.ended()), "left by themselves": dict(+self.crew.left)}
        self.facts["deaths"] = dict(sorted(self.chaos.deaths.items()))
        bounds = {place: LEASE + self.view.intervals[name] for place, name in POLLS.items()}
        self.facts["lease and interval"] = bounds
        self.facts["two intervals of drain-inbox"] = 2 * self.view.intervals["drain-inbox"]

    def _until_tidy(self) -> None:
        """Wait until nothing that a kill left behind is left, and until every schedule has come round once more."""
        while True:
            left = self._untidy()
            left += [f"{name} has not run since the last kill" for name in self.view.not_run_since(self._last_kill())]
            if not left or time.monotonic() - self.chaos.last > TIDY:
                self.outcome.complaints += left
                return
            self._pass_by(1.0)

    def _untidy(self) -> list[str]:
        """What kills left behind in Prefect; when it is nothing for the first time, that is noted."""
        left = [f"{run['name']} is still {run['state_type']}" for run in self.view.left_behind(self._last_kill())]
        left += [f"{name} has a slot that no run holds" for name in self.view.slots_without_run()]
        if not left and self.outcome.tidied is None:
            self.outcome.tidied = round(time.monotonic() - self.chaos.last, 1)
        return left

    def _last_kill(self) -> datetime:
        return datetime.now(UTC) - timedelta(seconds=time.monotonic() - self.chaos.last)

    def explain(self) -> None:
        """For whoever looks for the cause: how the ledger stands, in `ledger.txt` beside the logs."""
        ledger = Ledger(self.crew.environment["BACKROOM_LEDGER"])
        lines = [f"now {ledger.moment_now()}", *map(str, [*ledger.paused(), *ledger.status(), *ledger.held()])]
        lines += [str(ledger.trace(line.split("#")[1][:4])) for line in self.outcome.findings.lines() if "#" in line]
        (self.settings.home / "ledger.txt").write_text("\n".join(lines), encoding="utf-8")
        ledger.close()

    def _judge(self) -> oracle.Findings:
        return oracle.judge(oracle.look_at(self.world.state))

    def _weather(self, *, rough: bool) -> None:
        for name in vendors.DESTINATIONS:
            self.world.act(name, "weather", rough=rough)

    def _pass_by(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self._tick()

    def _tick(self) -> None:
        self.crew.look()
        self.outside.look()
        self.chaos.look()
        if self.open:
            self.merchant.look()
        time.sleep(0.05)

    def _until(self, ready: Callable[[], bool], patience: float = 120.0) -> None:
        ends = time.monotonic() + patience
        while not ready():
            self._tick()
            if time.monotonic() > ends:
                raise RuntimeError(f"waited {patience:.0f} s; logs in {self.crew.logs}")
