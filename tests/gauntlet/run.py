"""One run: vendors, hub, life and chaos, until all is quiet and right, or too much time has passed."""

from __future__ import annotations

import gc
import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from deployments import demo_stack
from deployments.processes import answers, free_port
from deployments.world import World
from ledger import Ledger
from tasks.delivering import LEASE
from tests.gauntlet import life, oracle, staff, vendors
from tests.gauntlet.aim import Aims
from tests.gauntlet.chaos import Chaos
from tests.gauntlet.clockwork import Clockwork
from tests.gauntlet.crew import Crew
from tests.gauntlet.merchant import Merchant
from tests.gauntlet.where import Where, a_ledger

PATIENCE = 40 * 60.0
"""Seconds of the run's own time after the last kill until all must be right: a lease, and the longest wait of a record
that met lost answers and deaths three times."""

LONGER = 2.5
"""Times the life that a run lasts at most until all stops that are aimed have come about."""


@dataclass(frozen=True)
class Settings:
    """What a run is asked for."""

    seed: int
    orders: int
    kills: int
    database: str
    server: str
    home: Path
    speed: float = 12.0
    seconds: float = 0.0
    """How long orders come in; by their number when zero."""
    odds: vendors.Odds = field(default_factory=vendors.Odds)
    patience: float = PATIENCE


@dataclass
class Outcome:
    """What came of it."""

    settings: Settings
    findings: oracle.Findings
    deaths: Counter[str]
    unexpected: list[str]
    told: dict[str, dict[str, int]]
    changes: dict[str, int]
    reconnects: int
    """How often a person had to grant access anew."""
    consistent: float | None
    """Seconds from the last kill until all was right; None when it never was."""
    overtaken: int
    """Orders that changed and were brought while a worker stood still in a write of them."""
    seconds: float

    @property
    def well(self) -> bool:
        return self.findings.well and not self.unexpected


def run(settings: Settings) -> Outcome:
    """Run the gauntlet once."""
    began = time.monotonic()
    with a_ledger(settings.database, settings.server, settings.home) as where:
        stage = Stage(settings, where)
        try:
            stage.build()
            consistent = stage.play()
            if consistent is None:
                stage.explain()
            return Outcome(
                settings,
                stage.findings,
                stage.crew.deaths,
                stage.crew.unexpected + stage.outside.unexpected + stage.merchant.unexpected,
                {name: stage.world.act(name, "told") for name in vendors.DESTINATIONS},
                stage.life.counts,
                stage.merchant.reconnects,
                consistent,
                stage.aims.overtaken,
                time.monotonic() - began,
            )
        finally:
            stage.crew.dismiss()
            stage.outside.dismiss()


class Stage:
    """Everything of one run."""

    def __init__(self, settings: Settings, where: Where) -> None:
        self.settings, self.url = settings, where.url
        self.time = Clockwork(time.time(), settings.speed)
        self.ports = {"vendors": free_port(0), "receiver": free_port(0)}
        self.world = World(f"http://127.0.0.1:{self.ports['vendors']}")
        self.crew, self.outside = Crew(settings.home / "logs"), Crew(settings.home / "logs")
        stall = self.time.real(LEASE) + 1.0
        self.life = life.Life(settings.seed, settings.orders)
        self.aims = Aims(self.world, self.life, self.url, longest=2 * stall)
        self.chaos = Chaos(self.crew, settings.seed, stall, self.aims, where.server, where.application, where.own)
        self.findings = oracle.Findings()
        self.merchant = Merchant(self.world, partial(staff.opened, self.time))

    def build(self) -> None:
        """Start the vendors, fill the shop, write stack.toml, start the hub."""
        home, s = self.settings.home, self.settings
        self.outside.hire("vendors", partial(vendors.serve, self.ports["vendors"], s.seed, self.time, s.odds))
        self._until(answers(f"{self.world.base}/_control"))
        receiver = f"http://127.0.0.1:{self.ports['receiver']}"
        demo_stack.write(home, self.world.base, receiver, *life.open_shop(self.world, s.seed))
        stack = home / "stack.toml"
        text = stack.read_text(encoding="utf-8").replace("order_lag_minutes = 60", "order_lag_minutes = 0")
        stack.write_text(text.replace("[hub]", "[hub]\noverlap_minutes = 2", 1), encoding="utf-8")
        os.environ.update(demo_stack.SECRETS)
        os.environ.update(
            BACKROOM_STACK=str(stack),
            BACKROOM_LEDGER=self.url,
            BACKROOM_TOKEN_KEY=Fernet.generate_key().decode(),
        )
        warm_up(self.time)
        self.crew.hire("receiver", partial(staff.receive, self.ports["receiver"], self.time))
        self._until(answers(f"{receiver}/alive"))
        self.chaos.active = True
        for name in staff.STEPS:
            self.crew.hire(name, partial(staff.work, name, self.time))
        self.world.act("warehouse", "subscribe", url=f"{receiver}/hooks/warehouse")

    def play(self) -> float | None:
        """A shop's life in the storm, then calm; then all labels are bought, in a second storm. Seconds from the last
        kill until all was right."""
        s = self.settings
        seconds = s.seconds or max(12.0, s.orders / 8)
        last = max(1, s.kills // 5)
        self._weather(rough=True)
        self.chaos.begin(seconds, s.kills - last, aims=max(3, s.orders // 50))
        self._live(seconds)
        first = self._calm()
        if first is None:
            return None
        self._weather(rough=True)
        self.chaos.begin(max(4.0, seconds / 8), last)
        life.pack(self.world, 1.0, random.Random(0), leave=set())
        self._pass_by(max(4.0, seconds / 8))
        second = self._calm()
        if second is None:
            return None
        self._pass_by(self.time.real(LEASE) * 2)  # whatever comes late comes now
        self._look()
        return max(first, second) if self.findings.well else None

    def _live(self, seconds: float) -> None:
        """Let everything happen in its time; one destination is dead for a fifth of it."""
        dead = self.life.chance.choice(vendors.DESTINATIONS)
        waiting, began = self.life.happenings(), time.monotonic()
        was_dead = False
        now = 0.0
        while waiting or now < 1 or (self.chaos.aiming and now < LONGER):
            now = (time.monotonic() - began) / seconds
            is_dead = self.settings.odds.dead and 0.3 < now < 0.5
            if is_dead != was_dead:
                self.world.act(dead, "weather", rough=True, dead=is_dead)
                was_dead = is_dead
            while waiting and waiting[0].at <= now:
                waiting.pop(0).do(self.world)
                self.chaos.look()
            self._tick()

    def _calm(self) -> float | None:
        """Rough weather and chaos end: the seconds until all is right, None when it takes too long."""
        self._weather(rough=False)
        self.chaos.calm()
        began = time.monotonic()
        while time.monotonic() - began < self.time.real(self.settings.patience):
            self._pass_by(1.0)
            self._look()
            passed = time.monotonic() - began
            self._note(passed)
            if self.findings.well:
                return passed
        return None

    def _note(self, passed: float) -> None:
        """What is still missing, for whoever asks why it takes so long: in `calm.txt` beside the logs."""
        lines = self.findings.lines()
        with (self.settings.home / "calm.txt").open("a", encoding="utf-8") as file:
            file.write(f"{passed:.1f}: {len(lines)} {lines[:4]}\n")

    def explain(self) -> None:
        """For whoever looks for the cause: how the ledger stands, in `ledger.txt` beside the logs."""
        ledger = Ledger(os.environ["BACKROOM_LEDGER"], clock=self.time.now)
        lines = [f"now {ledger.moment_now()}", *map(str, [*ledger.paused(), *ledger.status(), *ledger.held()])]
        lines += [str(ledger.trace(line.split("#")[1][:4])) for line in self.findings.lines()[:5] if "#" in line]
        lines += [f"alert: {one['text']}" for one in self.world.state("alerts")["messages"]]
        lines.append(f"the merchant: {self.merchant}")
        (self.settings.home / "ledger.txt").write_text("\n".join(lines), encoding="utf-8")
        ledger.close()

    def _look(self) -> None:
        self.findings = oracle.judge(oracle.look_at(self.world.state))

    def _weather(self, *, rough: bool) -> None:
        for name in vendors.DESTINATIONS:
            self.world.act(name, "weather", rough=rough)

    def _pass_by(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self._tick()

    def _tick(self) -> None:
        self.crew.look()
        self.chaos.look()
        self.outside.look()
        self.merchant.look()
        time.sleep(0.03)

    def _until(self, ready: Any) -> None:
        ends = time.monotonic() + 60
        while not ready():
            self.crew.look()
            if self.crew.unexpected or time.monotonic() > ends:
                raise RuntimeError(f"the stage does not stand: {self.crew.unexpected}; logs in {self.crew.logs}")
            time.sleep(0.05)


def warm_up(time_: Clockwork) -> None:
    """Import whatever the hub needs, so that a process that is started again works at once."""
    hub = staff.opened(time_)
    for name in hub.stack.connections:
        hub.client(name)
    hub.close()
    gc.collect()
    gc.freeze()
