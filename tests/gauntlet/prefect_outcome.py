"""What a run through Prefect is asked for, and what came of it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.gauntlet import oracle
from tests.gauntlet.run import Settings


@dataclass(frozen=True)
class PrefectSettings(Settings):
    """What a run through Prefect is asked for."""

    speed: float = 1.0
    hurry: float = 1.0
    """How many times as often the schedules come."""
    away: float = 60.0
    """Seconds that the server is gone for while orders come in."""
    short: bool = False
    """One storm that ends with the server's absence, instead of three tempers of weather with calm between them."""


@dataclass
class Calm:
    """How long it took until all was right: in all, and for each place."""

    after: float | None = None
    places: dict[str, float] = field(default_factory=dict)


@dataclass
class Absence:
    """What happened while the server was gone."""

    hooks: int = 0
    acknowledged: int = 0
    due: dict[str, Counter[str]] = field(default_factory=dict)
    """What became of the runs that were due meanwhile, by deployment."""


@dataclass
class Through:
    """What came of it."""

    settings: PrefectSettings
    findings: oracle.Findings = field(default_factory=oracle.Findings)
    storms: list[Calm] = field(default_factory=list)
    absence: Absence = field(default_factory=Absence)
    since_back: Calm = field(default_factory=Calm)
    """Counted from the server's return."""
    tidied: float | None = None
    """Seconds from the last kill until no run was left that nobody runs, and no slot that nobody holds."""
    complaints: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        kept = self.absence.hooks == self.absence.acknowledged
        return self.findings.well and not self.complaints and kept


def figures(outcome: Through) -> dict[str, Any]:
    """As a row."""
    s, away = outcome.settings, outcome.absence
    after = [storm.after for storm in outcome.storms]
    return {
        "engine": "prefect",
        "seed": s.seed,
        "database": s.database,
        "orders": s.orders,
        "kills": sum(outcome.facts["deaths"].values()),
        **outcome.findings.counts(),
        "consistent after": None if None in after else max(filter(None, after), default=None),
        "by place": [storm.places for storm in outcome.storms],
        "server away": s.away,
        "webhooks meanwhile": away.hooks,
        "acknowledged": away.acknowledged,
        "consistent after its return": outcome.since_back.after,
        "by place after its return": outcome.since_back.places,
        "due meanwhile": {name: dict(counts) for name, counts in sorted(away.due.items())},
        "tidy after": outcome.tidied,
        **outcome.facts,
    }


def tell(outcome: Through) -> bool:
    """Print what came of it: in words, then as JSON. Whether all is well."""
    for line in (*outcome.findings.lines()[:40], *outcome.complaints):
        print(f"  {line}")
    print(f"  {json.dumps(figures(outcome))}", flush=True)
    return outcome.well
