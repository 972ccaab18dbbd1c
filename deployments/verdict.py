"""What landed where, judged from the vendors' own state: it never asks the hub whether the hub is right.

The list of held records is shown beside it and excuses nothing: an order that is held is an order that did not arrive.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from deployments.verdict_v1 import as_shipments

CONNECTION = "shop"

State = Mapping[str, Any]


@dataclass
class Verdict:
    """Figures of each place, and everything that is not as it should be."""

    places: list[dict[str, str]] = field(default_factory=list)
    stock: list[dict[str, str]] = field(default_factory=list)
    held: list[dict[str, str]] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Whether everything arrived that should have."""
        return not self.wrong


def judge(states: Mapping[str, State], before: State, held: Sequence[Mapping[str, Any]], plan: Any) -> Verdict:
    """Compare the storefront's truth with what every other place holds. `before` is the storefront before the job."""
    verdict = Verdict(rows=dict(plan.counts))
    states = {**states, "warehouse": as_shipments(states["warehouse"])}
    orders = {key_of(order): order for order in states["shop"]["orders"]}
    shop_row(verdict, orders.values())
    judge_warehouse(verdict, orders, states["warehouse"])
    judge_tracking(verdict, orders, states["warehouse"])
    judge_books(verdict, orders, states["books"])
    judge_marketing(verdict, orders, states["marketing"])
    judge_stock(verdict, states["inventory"], states["shop"], before)
    verdict.held = [
        {"destination": one["destination"], "record": one["label"] or one["subject"], "why": one["reason"]}
        for one in held
    ]
    return verdict


def key_of(order: State) -> str:
    """The key that every destination knows the order by."""
    return f"{CONNECTION}:{str(order['id']).rsplit('/', 1)[-1]}"


def shop_row(verdict: Verdict, orders: Iterable[State]) -> None:
    """The storefront itself."""
    real = [order for order in orders if not order["test"]]
    money = sum((Decimal(order["received"]) - Decimal(order["refunded"]) for order in real), Decimal(0))
    owed = sum((owed_to_buyer(order) for order in real), Decimal(0))
    currency = real[0]["currency"] if real else ""
    words = f"{money:.2f} {currency} received less refunds" + (
        f", of which {owed:.2f} is owed after edits" if owed else ""
    )
    place(verdict, "Shopify", f"{len(real)} orders", words, "the truth")


def owed_to_buyer(order: State) -> Decimal:
    """What came in beyond what is left of the order."""
    if not order["paid"]:
        return Decimal(0)
    return Decimal(order["received"]) - Decimal(order["refunded"]) - Decimal(order["total"])


def judge_warehouse(verdict: Verdict, orders: Mapping[str, State], state: State) -> None:
    """Each order that has to be shipped is there once, with just its units; no other order is."""
    active: dict[str, Counter[str]] = defaultdict(Counter)
    keys = Counter(one["external_shipment_id"] for one in state["shipments"] if one["shipment_status"] != "cancelled")
    for key, count in keys.items():
        if count > 1:
            verdict.wrong.append(f"warehouse: {key} is there {count} times")
    for one in state["shipments"]:
        if one["shipment_status"] != "cancelled":
            for item in one["items"]:
                active[order_key(one["external_shipment_id"])][item["sku"] or ""] += int(item["quantity"])
    expected = {key: units_to_ship(order) for key, order in orders.items()}
    for key in sorted(set(active) | set(expected)):
        wanted, there = +expected.get(key, Counter()), +active.get(key, Counter())
        if wanted != there:
            verdict.wrong.append(f"warehouse: {named(orders, key)} should have {dict(wanted)}, has {dict(there)}")
    verdict.wrong += wrong_doors(orders, state)
    units = sum(sum(one.values()) for one in active.values())
    place(
        verdict, "ShipStation", f"{len(+Counter(active.keys()))} orders", f"{units} units", said(verdict, "warehouse")
    )


def wrong_doors(orders: Mapping[str, State], state: State) -> list[str]:
    """What waits to be packed goes where the storefront says now; says which order, and not where."""
    return [
        f"warehouse: {orders[key]['name']} would go to another address than the order's"
        for one in state["shipments"]
        if one["shipment_status"] == "pending"
        and (key := order_key(one["external_shipment_id"] or "")) in orders
        and [one["ship_to"]["address_line1"], one["ship_to"]["postal_code"]] != orders[key]["door"]
    ]


def units_to_ship(order: State) -> Counter[str]:
    """Units by SKU that have left or are still to leave: paid, not held, not cancelled, not a test."""
    units: Counter[str] = Counter()
    if order["test"] or order["cancelled"] or not order["paid"]:
        return units
    for one in order["fulfillments"]:
        if one["status"] == "SUCCESS":
            units.update({line["sku"] or "": line["quantity"] for line in _summed(one["lines"])})
    if not order["on_hold"]:
        for line in _summed(order["remaining"]):
            units[line["sku"] or ""] += line["quantity"]
    return units


def _summed(lines: Iterable[State]) -> list[dict[str, Any]]:
    found: Counter[str] = Counter()
    for line in lines:
        found[line["sku"] or ""] += int(line["quantity"])
    return [{"sku": sku, "quantity": count} for sku, count in found.items()]


def judge_tracking(verdict: Verdict, orders: Mapping[str, State], state: State) -> None:
    """Each label's number is at its order just once."""
    shipments = {one["shipment_id"]: one for one in state["shipments"]}
    numbers = Counter(
        number
        for order in orders.values()
        for one in order["fulfillments"]
        if one["status"] == "SUCCESS"
        for number in one["tracking"]
    )
    labels = [one for one in state["labels"] if not one["voided"] and one["status"] == "completed"]
    brought = 0
    for label in labels:
        key = order_key(shipments[label["shipment_id"]]["external_shipment_id"] or "")
        if key not in orders:
            continue
        times = numbers[label["tracking_number"]]
        brought += times == 1
        if times != 1:
            verdict.wrong.append(f"tracking: {label['tracking_number']} is {times} times at {named(orders, key)}")
    doubled = [number for number, times in numbers.items() if times > 1]
    verdict.wrong += [f"tracking: {number} is at the storefront more than once" for number in doubled]
    place(
        verdict, "tracking", f"{len(labels)} labels", f"{brought} fulfilments with tracking", said(verdict, "tracking")
    )


def judge_books(verdict: Verdict, orders: Mapping[str, State], state: State) -> None:
    """Each paid order is posted once, each refund once, and the money adds up to the cent."""
    sales: dict[str, list[Decimal]] = defaultdict(list)
    refunds: dict[str, list[Decimal]] = defaultdict(list)
    for document in state["documents"]:
        marker = str(document.get("PrivateNote") or "").split(":")
        if marker[:1] == ["backroom"]:
            key = ":".join(marker[1:3])
            kind = sales if document["kind"] == "SalesReceipt" else refunds
            kind[key].append(Decimal(str(document["TotalAmt"])))
    due, posted = Decimal(0), Decimal(0)
    for key, order in orders.items():
        money = sum(sales[key], Decimal(0)) - sum(refunds[key], Decimal(0))
        wanted = Decimal(0) if order["test"] or not order["paid"] else worth(order)
        due, posted = due + wanted, posted + money
        if money != wanted:
            verdict.wrong.append(f"books: {order['name']} should come to {wanted}, comes to {money}")
        if len(sales[key]) != (0 if order["test"] or not order["paid"] else 1):
            verdict.wrong.append(f"books: {order['name']} has {len(sales[key])} sales receipts")
    count = sum(len(one) for one in sales.values())
    back = sum(len(one) for one in refunds.values())
    place(verdict, "QuickBooks", f"{count} sales, {back} refunds", f"{posted:.2f} of {due:.2f}", said(verdict, "books"))


def worth(order: State) -> Decimal:
    """What the books should say of an order: what is left of it after edits and refunds, less what gift cards bore.

    An edit that takes something out of a paid order leaves money that the shop owes: it is no sale.
    """
    return max(Decimal(order["total"]), Decimal(0)) - Decimal(order["gift_card"])


def judge_marketing(verdict: Verdict, orders: Mapping[str, State], state: State) -> None:
    """Each order of a known shopper was placed once; history started no flow; nobody was subscribed."""
    placed: Counter[str] = Counter()
    facts: Counter[str] = Counter()
    for event in state["events"]:
        facts[event["metric"]] += 1
        if event["metric"] == "Placed Order":
            placed[f"{CONNECTION}:{event['unique_id'].rsplit(':', 1)[-1]}"] += 1
    wanted = {key for key, order in orders.items() if not order["test"] and order["email"]}
    for key in sorted(wanted | set(placed)):
        if placed[key] != (key in wanted):
            verdict.wrong.append(f"marketing: {named(orders, key)} was placed {placed[key]} times")
    if state["subscribed"]:
        verdict.wrong.append(f"marketing: {state['subscribed']} people were subscribed")
    words = ", ".join(f"{count} {metric}" for metric, count in sorted(facts.items()))
    place(verdict, "Klaviyo", f"{sum(placed.values())} orders", words, said(verdict, "marketing"))


def judge_stock(verdict: Verdict, inventory: State, shop: State, before: State) -> None:
    """Every SKU that both know shows floor(in stock - committed), never below zero."""
    places = sorted({name for levels in shop["levels"].values() for name in levels})
    wrong_before = wrong_after = 0
    for sku, stocked in inventory["stock"].items():
        if sku not in shop["levels"] or inventory["types"].get(sku, "product") != "product":
            continue
        for name in places:
            if name not in stocked or name not in shop["levels"][sku]:
                continue
            level = stocked[name]
            free = Decimal(level["in_stock"]) - Decimal(level["committed"])
            target = max(0, int(free.to_integral_value(ROUND_FLOOR)))
            was = before["levels"][sku][name]["available"]
            now = shop["levels"][sku][name]["available"]
            wrong_before += was != target
            wrong_after += now != target
            if now != target:
                verdict.wrong.append(f"stock: {sku} at {name} should show {target}, shows {now}")
    verdict.stock = [{"differences before": f"{wrong_before}", "differences after": f"{wrong_after}"}]
    place(verdict, "stock", f"{wrong_before} levels differed", f"{wrong_after} differ now", said(verdict, "stock"))


def order_key(external: str) -> str:
    """ "shop:5501" of "shop:5501/7"."""
    return external.split("/", 1)[0]


def named(orders: Mapping[str, State], key: str) -> str:
    """What people call the order."""
    return str(orders[key]["name"]) if key in orders else key


def place(verdict: Verdict, name: str, how_many: str, how_much: str, well: str) -> None:
    """One row of the table."""
    verdict.places.append({"place": name, "how many": how_many, "how much": how_much, "verdict": well})


def said(verdict: Verdict, place_name: str) -> str:
    """ "all arrived", or how much is wrong."""
    count = sum(1 for line in verdict.wrong if line.startswith(f"{place_name}:"))
    return f"{count} WRONG" if count else "all arrived"
