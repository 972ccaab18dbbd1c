"""A baseline: a Prefect flow with one mapped task for each order.

`python -m benchmarks.naive --base http://127.0.0.1:8710 --orders 200 --server PID` prints what it cost as JSON: this
process and the Prefect server that it reports to.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from prefect import flow, task

from benchmarks.measuring import Meter
from benchmarks.plain import Vendors

_open: dict[str, Vendors] = {}


@task
def copy(base: str, order: dict[str, Any]) -> None:
    """Copy one order."""
    _open[base].copy(order)


@task
def read(base: str, most: int) -> list[dict[str, Any]]:
    """Read the orders."""
    return list(_open[base].orders(most))


@flow
def copy_orders(base: str, most: int) -> tuple[int, int]:
    """Read orders, then a task for each; how many there were, and how many tasks failed."""
    orders = read(base, most)
    copies = copy.map(base, orders)
    copies.wait()
    return len(orders), sum(not one.state.is_completed() for one in copies)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the flow, measuring this process and the server's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True)
    parser.add_argument("--orders", type=int, required=True)
    parser.add_argument("--server", type=int, required=True)
    parser.add_argument("--without", nargs="*", default=[])
    given = parser.parse_args(arguments)
    vendors = _open.setdefault(given.base, Vendors(given.base, given.without))
    with Meter({"flow": os.getpid(), "prefect-server": given.server}) as meter:
        copied, failed = copy_orders(given.base, given.orders)
        cost = meter.stop()
    print(json.dumps({"orders": copied, "refused": vendors.refused, "failed": failed, "cost": asdict(cost)}))


if __name__ == "__main__":
    main()
