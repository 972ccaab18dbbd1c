"""What is lost, doubled or wrong, judged from what the vendors hold in the end. It knows nothing of the hub."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from deployments import verdict
from deployments.verdict import State, key_of, named, order_key

KINDS = ("lost", "doubled", "wrong amount", "wrong state")


@dataclass
class Findings:
    """Complaints by kind; no complaint means that everything is there once, in its last state."""

    said: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def add(self, kind: str, words: str) -> None:
        self.said[kind].append(words)

    def count(self, what: str, there: int, wanted: int) -> None:
        """Something that should be there so often."""
        if there != wanted:
            self.add("lost" if there < wanted else "doubled", f"{what}: {there} instead of {wanted}")

    @property
    def well(self) -> bool:
        return not any(self.said.values())

    def counts(self) -> dict[str, int]:
        return {kind: len(lines) for kind, lines in self.said.items()}

    def lines(self) -> list[str]:
        return [f"{kind}: {line}" for kind, lines in self.said.items() for line in lines]


def judge(states: Mapping[str, State]) -> Findings:
    """Compare the storefront and the shelves with what every other place holds."""
    found = Findings()
    orders = {key_of(order): order for order in states["shop"]["orders"] if not order["test"]}
    judge_warehouse(found, orders, states["warehouse"])
    judge_fulfilments(found, orders, states["warehouse"])
    judge_books(found, orders, states["books"])
    judge_marketing(found, orders, states["marketing"])
    levels = verdict.Verdict()
    verdict.judge_stock(levels, states["inventory"], states["shop"], states["shop"])
    for line in levels.wrong:
        found.add("wrong state", line)
    return found


def judge_warehouse(found: Findings, orders: Mapping[str, State], state: State) -> None:
    """One shipment per order and location, with just its units; those of a cancelled order are cancelled."""
    places = {one["warehouse_id"]: one["name"] for one in state["warehouses"]}
    there: dict[str, Counter[str]] = defaultdict(Counter)
    open_at: dict[str, set[str]] = defaultdict(set)
    keys: Counter[tuple[str, str]] = Counter()
    for one in state["shipments"]:
        if one["shipment_status"] == "cancelled":
            continue
        key = order_key(one["external_shipment_id"] or "")
        place = places.get(one["warehouse_id"], "?")
        keys[key, place] += one["shipment_status"] == "pending"
        if one["shipment_status"] == "pending":
            open_at[key].add(place)
        for item in one["items"]:
            there[key][item["sku"] or ""] += int(item["quantity"])
    for line in verdict.wrong_doors(orders, state):
        found.add("wrong state", line)
    for (key, place), times in keys.items():
        if times > 1:
            found.add("doubled", f"warehouse: {named(orders, key)} waits at {place} {times} times")
    for key in sorted(set(there) | set(orders)):
        wanted = +verdict.units_to_ship(orders[key]) if key in orders else Counter[str]()
        units = +there[key]
        name = f"warehouse: {named(orders, key)}"
        if units != wanted:
            kind = "lost" if not units else "doubled" if units > wanted and wanted else "wrong state"
            found.add(kind, f"{name} should have {dict(wanted)}, has {dict(units)}")
        elif key in orders and not orders[key]["fulfillments"]:
            expected = {row["location"] for row in orders[key]["remaining"]} if wanted else set()
            if expected != open_at[key]:
                found.add("wrong state", f"{name} should wait at {sorted(expected)}, waits at {sorted(open_at[key])}")


def judge_fulfilments(found: Findings, orders: Mapping[str, State], state: State) -> None:
    """Each label's number is at its order once, and nothing else is."""
    keys = {one["shipment_id"]: order_key(one["external_shipment_id"] or "") for one in state["shipments"]}
    labels = [one for one in state["labels"] if not one["voided"] and one["status"] == "completed"]
    wanted = Counter((keys.get(label["shipment_id"], ""), label["tracking_number"]) for label in labels)
    there = Counter(
        (key, number)
        for key, order in orders.items()
        for one in order["fulfillments"]
        if one["status"] == "SUCCESS"
        for number in one["tracking"]
    )
    for key, number in sorted(set(wanted) | set(there)):
        if key in orders:
            found.count(f"tracking: {number} at {named(orders, key)}", there[key, number], wanted[key, number])


def judge_books(found: Findings, orders: Mapping[str, State], state: State) -> None:
    """One sales receipt for each paid order and one refund receipt for each refund of money, to the cent."""
    sales: dict[str, list[Decimal]] = defaultdict(list)
    back: dict[str, list[Decimal]] = defaultdict(list)
    for document in state["documents"]:
        marker = str(document.get("PrivateNote") or "").split(":")
        key = ":".join(marker[1:3])
        kind = sales if document["kind"] == "SalesReceipt" else back
        kind[key].append(Decimal(document["TotalAmt"]))
    for key in sorted({*orders, *sales, *back}):
        order, name = orders.get(key), f"books: {named(orders, key)}"
        paid = order is not None and order["paid"]
        refunds = [Decimal(one["amount"]) for one in order["refunds"] if Decimal(one["amount"])] if order else []
        found.count(f"{name}, sales receipts", len(sales[key]), int(paid))
        found.count(f"{name}, refund receipts", len(back[key]), len(refunds))
        if len(sales[key]) == int(paid) and len(back[key]) == len(refunds):
            if sorted(back[key]) != sorted(refunds):
                found.add("wrong amount", f"{name} gave back {refunds}, the books say {back[key]}")
            posted = sum(sales[key], Decimal(0)) - sum(back[key], Decimal(0))
            worth = verdict.worth(order) if order and paid else Decimal(0)
            if posted != worth:
                found.add("wrong amount", f"{name} should come to {worth}, comes to {posted}")


def judge_marketing(found: Findings, orders: Mapping[str, State], state: State) -> None:
    """Each fact of an order was told once: placed, cancelled, each refund of money, each parcel."""
    told = Counter((one["metric"], str(one["properties"]["OrderId"])) for one in state["events"])
    wanted: Counter[tuple[str, str]] = Counter()
    names: dict[str, str] = {}
    for order in orders.values():
        key = str(order["id"]).rsplit("/", 1)[-1]
        names[key] = order["name"]
        if order["email"]:
            wanted["Placed Order", key] = 1
            wanted["Cancelled Order", key] = int(order["cancelled"])
            wanted["Refunded Order", key] = sum(bool(Decimal(one["amount"])) for one in order["refunds"])
            wanted["Fulfilled Order", key] = sum(one["status"] == "SUCCESS" for one in order["fulfillments"])
    for metric, key in sorted(set(wanted) | {one for one in told if one[0] != "Ordered Product"}):
        what = f"marketing: {metric} of {names.get(key, key)}"
        found.count(what, told[metric, key], wanted[metric, key])
    for key, count in Counter(one["unique_id"] for one in state["events"]).items():
        if count > 1:
            found.add("doubled", f"marketing: event {key} is there {count} times")


def look_at(ask: Any) -> dict[str, State]:
    """The state of every vendor; `ask` gives that of a name."""
    return {name: ask(name) for name in ("shop", "warehouse", "books", "marketing", "inventory")}
