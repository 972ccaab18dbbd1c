"""What a comparison of many orders costs: `python -m benchmarks.reconciling [--orders 5000] [--zone Pacific/Auckland]`.

The hub in one process over simulated vendors with their limits, and a clock that only waiting moves. Orders of 30 days
are brought everywhere; then some receipts are deleted from the books, and the month is compared. Prints one JSON line:
what the reports say (expected, found, differences), calls by vendor, seconds for which their limits made the hub wait,
and the machine's own seconds. Exit code 1 when a report does not say what is so.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deployments.shop import ShopPlan, catalogue
from deployments.shop.made_up import SHOP, Calendar, everyday, units_sold
from deployments.shop.plan import numbered
from tasks.reconciling import reconcile
from tests.journeys.house import House, a_house

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DELETED = 3


def a_month(orders: int, zone: str) -> ShopPlan:
    """Everyday orders of 30 days, some of them with a refund."""
    drafts = numbered(list(everyday(orders, 7, Calendar(7, NOW))))
    return ShopPlan(
        shop={**SHOP, "timezone": zone},
        locations=catalogue.LOCATIONS,
        products=catalogue.products(7, units_sold(drafts)),
        inventory=catalogue.inventory(7),
        orders=[draft.spec for draft in drafts],
        events_before=[action for draft in drafts for action in draft.before],
        events_after=[],
    )


def paced(house: House, zone: str) -> None:
    """Let the hub keep to its vendors' limits, and date the books as the merchant does."""
    known = {name: one.model_copy(update={"pace": True}) for name, one in house.hub.stack.connections.items()}
    known["books"] = known["books"].model_copy(update={"timezone": zone})
    house.hub.stack = house.hub.stack.model_copy(update={"connections": known})
    house.hub._clients.clear()


def measure(orders: int, zone: str, home: Path) -> dict[str, Any]:
    """The figures."""
    house = a_house(home, a_month(orders, zone), NOW, limits=True)
    paced(house, zone)
    house.settle_down()
    receipts = [one for one in house.vendors["books"].state()["documents"] if one["kind"] == "SalesReceipt"]
    for one in receipts[:: len(receipts) // DELETED][:DELETED]:
        house.vendors["books"].act("delete_document", {"id": one["Id"]})
    house.clock.sleep(600)
    for vendor in house.vendors.values():
        vendor.calls.clear()
    waited, began = house.clock(), time.perf_counter()
    reports = reconcile(house.hub, "shop", (), 31, 0)
    seconds, waited = time.perf_counter() - began, house.clock() - waited
    calls = {name: len(vendor.calls) for name, vendor in house.vendors.items() if vendor.calls}
    house.hub.close()
    return {
        "zone": zone,
        "orders": orders,
        "reports": {one.destination: [one.expected, one.found, dict(one.counts)] for one in reports},
        "calls": calls,
        "waited s": round(waited, 1),
        "machine s": round(seconds, 1),
        "right": [one.surprises for one in reports] == [DELETED if one.destination == "books" else 0 for one in reports]
        and all(one.orders == orders for one in reports),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--orders", type=int, default=5000)
    parser.add_argument("--zone", default="America/Los_Angeles")
    told = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(told.orders, told.zone, Path(folder))
    print(json.dumps(figures), flush=True)
    return 0 if figures["right"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
