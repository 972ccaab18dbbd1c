"""Whether a long backlog slows the hub down: `python -m benchmarks.backlog [--orders 100000] [--engine sqlite]`.

Records so many orders for a warehouse, then claims and settles all of them in batches of 100. Prints one JSON line: the
rate of the first and of the last tenth, the slowest claim of each, and the memory of the process after each.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from benchmarks.ledger_rates import BATCH, engines, orders, record
from commerce.outcomes import Binding, Done
from ledger import Ledger
from tests.builders import NOON


def resident_mb() -> float:
    """Memory of this process that is really in use, in MB. Linux only."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def drain(ledger: Ledger, many: int) -> tuple[float, float]:
    """Records a second, and the slowest claim in milliseconds."""
    done = Done(binding=Binding(vendor_id="1"))
    settled, slowest, began = 0, 0.0, time.perf_counter()
    while settled < many:
        asked = time.perf_counter()
        claim = ledger.claim("warehouse", limit=min(BATCH, many - settled))
        slowest = max(slowest, time.perf_counter() - asked)
        settled += ledger.settle(claim, [(item, done) for item in claim.items])
    return settled / (time.perf_counter() - began), slowest * 1000


def measure(url: str, many: int) -> dict[str, float]:
    """The figures of one engine."""
    ledger = Ledger(url)
    ledger.migrate()
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    tenth = many // 10
    found: dict[str, float] = {"orders": many}
    for start in range(0, many, tenth):
        rate = record(ledger, orders(1_000_000 + start, tenth))
        if start in (0, many - tenth):
            found[f"recorded/s, {'first' if start == 0 else 'last'} tenth"] = rate
    found["memory MB when recorded"] = resident_mb()
    for start in range(0, many, tenth):
        rate, slowest = drain(ledger, tenth)
        if start in (0, many - tenth):
            name = "first" if start == 0 else "last"
            found |= {f"settled/s, {name} tenth": rate, f"slowest claim ms, {name} tenth": slowest}
            found[f"memory MB after the {name} tenth"] = resident_mb()
    ledger.close()
    return {name: round(value, 1) for name, value in found.items()}


def main() -> None:
    """Measure one engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    told = parser.parse_args()
    with engines() as urls:
        if told.engine not in urls:
            parser.error(f"{told.engine} cannot be reached")
        print(json.dumps({"engine": told.engine, **measure(urls[told.engine], told.orders)}), flush=True)


if __name__ == "__main__":
    main()
