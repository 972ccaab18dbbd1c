"""A baseline: a plain script that copies orders one request at a time, with no bookkeeping.

`python -m benchmarks.sequential --base http://127.0.0.1:8710` prints what it cost as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict

from benchmarks.measuring import Meter
from benchmarks.plain import Vendors


def main() -> None:
    """Copy all orders, measuring this very process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True)
    parser.add_argument("--without", nargs="*", default=[])
    given = parser.parse_args()
    vendors = Vendors(given.base, given.without)
    copied = 0
    with Meter({"script": os.getpid()}) as meter:
        for order in vendors.orders():
            vendors.copy(order)
            copied += 1
        cost = meter.stop()
    print(json.dumps({"orders": copied, "refused": vendors.refused, "cost": asdict(cost)}))


if __name__ == "__main__":
    main()
