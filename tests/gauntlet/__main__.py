"""`python -m tests.gauntlet`: one run, or several seeds in a row; exit code 1 when anything is not as it should be."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from tests.gauntlet import prefect_outcome, prefect_run
from tests.gauntlet.database import NoPrograms, programs
from tests.gauntlet.run import PATIENCE, Outcome, Settings, run
from tests.gauntlet.vendors import FAIR, Odds

SERVER = "postgresql://postgres@127.0.0.1:5432/test"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gauntlet", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="0 takes one by chance")
    parser.add_argument("--seeds", type=int, default=1, help="so many seeds, counting up from the first")
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=0, help="0: one for every 25 orders, 12 at least")
    parser.add_argument(
        "--db",
        choices=["sqlite", "postgres", "own"],
        default="sqlite",
        help="own: a PostgreSQL server of the run's own, which is killed as well",
    )
    parser.add_argument("--server", default=SERVER, help="the PostgreSQL to make a schema in")
    parser.add_argument("--seconds", type=float, default=0.0, help="how long orders come in; 0: by their number")
    parser.add_argument("--speed", type=float, default=12.0, help="how much faster than the machine's the time goes")
    parser.add_argument(
        "--patience", type=float, default=PATIENCE / 60, help="minutes of its own time until all is right"
    )
    parser.add_argument("--fair", action="store_true", help="vendors without faults: only processes are killed")
    parser.add_argument("--engine", choices=["none", "prefect"], default="none", help="what runs the flows")
    parser.add_argument("--hurry", type=float, default=1.0, help="with Prefect: schedules come so many times as often")
    parser.add_argument("--away", type=float, default=60.0, help="with Prefect: seconds that its server is gone for")
    parser.add_argument("--short", action="store_true", help="with Prefect: one storm, no calm between")
    parser.add_argument("--home", type=Path, help="where ledger and logs go; a new temporary folder by default")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    if asked.db == "own":
        try:
            programs()
        except NoPrograms as error:
            print(error)
            return 2
    elif asked.db == "postgres":
        try:
            psycopg.connect(asked.server, connect_timeout=3).close()
        except psycopg.OperationalError as error:
            print(f"no PostgreSQL answers at {asked.server}: {str(error).splitlines()[0]}")
            return 2
    first = asked.seed or random.SystemRandom().randint(1, 1_000_000)
    well = True
    for seed in range(first, first + asked.seeds):
        home = asked.home or Path(tempfile.mkdtemp(prefix=f"gauntlet-{seed}-"))
        home.mkdir(parents=True, exist_ok=True)
        if (home / "ledger.db").exists():
            print(f"{home} holds an earlier run: its tokens are locked with a key that is gone; name an empty folder")
            return 2
        kills = asked.kills or max(12, asked.orders // 25)
        print(f"seed {seed}: {asked.orders} orders, {kills} kills, {asked.db}; logs in {home}", flush=True)
        odds = FAIR if asked.fair else Odds()
        if asked.engine == "prefect":
            well = prefect_outcome.tell(prefect_run.run(prefect_settings(asked, seed, kills, home))) and well
            continue
        settings = Settings(
            seed,
            asked.orders,
            kills,
            asked.db,
            asked.server,
            home,
            asked.speed,
            seconds=asked.seconds,
            odds=odds,
            patience=60 * asked.patience,
        )
        well = tell(run(settings)) and well
    return 0 if well else 1


def prefect_settings(asked: argparse.Namespace, seed: int, kills: int, home: Path) -> prefect_outcome.PrefectSettings:
    """The same run, through Prefect."""
    return prefect_outcome.PrefectSettings(
        seed=seed,
        orders=asked.orders,
        kills=kills,
        database=asked.db,
        server=asked.server,
        home=home,
        seconds=asked.seconds,
        odds=FAIR if asked.fair else Odds(),
        hurry=asked.hurry,
        away=asked.away,
        short=asked.short,
    )


def tell(outcome: Outcome) -> bool:
    """Print what came of it: first in words, then as a row of the table, then as JSON."""
    for line in outcome.findings.lines()[:40]:
        print(f"  {line}")
    for line in outcome.unexpected:
        print(f"  unexpected: {line}")
    row = figures(outcome)
    print(f"  {json.dumps(row)}", flush=True)
    return outcome.well


def figures(outcome: Outcome) -> dict[str, Any]:
    told = outcome.told.values()
    settings, consistent = outcome.settings, outcome.consistent
    return {
        "seed": settings.seed,
        "database": settings.database,
        "orders": settings.orders,
        "changes": outcome.changes,
        "kills": sum(outcome.deaths.values()),
        "deaths": dict(sorted(outcome.deaths.items())),
        **outcome.findings.counts(),
        "overtaken": outcome.overtaken,
        "reconnects": outcome.reconnects,
        "calls": sum(one.get("calls", 0) for one in told),
        "answers lost": sum(one.get("answers lost", 0) for one in told),
        "429 of the weather": sum(one.get("429 of the weather", 0) for one in told),
        "429 of ours": sum(one.get("429 of ours", 0) for one in told),
        "consistent after": None if consistent is None else round(consistent, 1),
        "in its own time": None if consistent is None else round(consistent * settings.speed, 1),
        "seconds": round(outcome.seconds, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
