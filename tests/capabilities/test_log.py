"""What is recorded once, arrives in any order, is missed, is history, and is heard back."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from starlette.testclient import TestClient

from commerce.orders import Order
from deployments.checking import ensure_webhooks
from deployments.receiver import receiver_app
from integrations.simulator import Fault
from tasks import backfill
from tasks.inbox import read_hinted
from tests.builders import NOON
from tests.journeys.house import ORDER_DESTINATIONS, House
from tests.journeys.test_bad_days import take_in
from tests.small_house import SMALL_SHOP, order


def heard(house: House) -> list[httpx.Request]:
    """What the storefront has sent since we last listened."""
    outbox = house.vendors["shop"].outbox
    return [outbox.popleft() for _ in range(len(outbox))]


def wrong(house: House) -> list[str]:
    """What is not as it should be, apart from stock: nobody tells this shop's inventory app of its orders."""
    return [one for one in house.judge(SMALL_SHOP).wrong if not one.startswith("stock:")]


def posted(house: House) -> Decimal:
    """What the books' receipts come to, less what was given back."""
    signs = {"SalesReceipt": 1, "RefundReceipt": -1}
    return sum(
        (signs[one["kind"]] * Decimal(one["TotalAmt"]) for one in house.vendors["books"].state()["documents"]),
        Decimal(0),
    )


def calls(house: House, verb: str = "") -> int:
    """How many requests the vendors got."""
    return sum(call.method.startswith(verb) for vendor in house.vendors.values() for call in vendor.calls)


def test_the_echo_of_our_own_writes_comes_to_rest(house: House) -> None:
    # given a shop that tells us of everything, also of the stock that we set
    ensure_webhooks(house.hub)
    client = house.hub.client("shop")
    address = f"{house.hub.stack.hub.receiver}/hooks/shop"
    client._ensure("INVENTORY_LEVELS_UPDATE", [], address)
    order(house)
    house.vendors["inventory"].act("set_stock", {"sku": "HAT", "location": "Main", "in_stock": 3})
    # when stock, orders and tracking are brought, and every echo is read and brought on
    house.stock()
    house.settle_down()
    house.vendors["warehouse"].act("buy_labels", {})
    house.vendors["inventory"].act("set_stock", {"sku": "MUG-RED", "location": "Main", "in_stock": 9})
    house.clock.sleep(5)
    house.tracking()
    echoes = []
    for _ in range(4):
        arrived = heard(house)
        echoes.append({request.headers["x-shopify-topic"] for request in arrived})
        for request in arrived:
            take_in(house, "shop", request)
        read_hinted(house.hub)
        house.settle_down()
        house.tracking()
        house.stock()
        house.clock.sleep(60)
    # then the first echo was of our writes, and it made none that echoes again
    assert {"inventory_levels/update", "fulfillments/create"} <= echoes[0]
    assert echoes[1:] == [set(), set(), set()]
    assert wrong(house) == []


def snapshots(house: House) -> list[Order]:
    """The same order placed, edited and cancelled, as three readers saw it."""
    name = order(house, lines=[{"sku": "MUG-RED", "quantity": 2, "price": "25.00"}])
    [number] = [one["id"].rsplit("/", 1)[-1] for one in house.vendors["shop"].state()["orders"]]
    seen = []
    for action, arguments in (("touch", {}), ("edit", {"quantities": {"0": 1}}), ("cancel", {})):
        house.clock.sleep(10)
        house.vendors["shop"].act(action, {"order": name, **arguments})
        [page] = house.hub.client("shop").orders_by_id([number])
        seen += page.orders
    return seen


@pytest.mark.parametrize("arrival", list(itertools.permutations(range(3))))
def test_states_of_an_order_in_any_order_of_arrival_end_alike(house: House, arrival: tuple[int, ...]) -> None:
    # given an order that was placed, edited and cancelled
    states = snapshots(house)
    # when its states arrive late, early or both, and each is brought everywhere at once
    for place in arrival:
        house.hub.ledger.record_orders("shop", [states[place]])
        for name in ORDER_DESTINATIONS:
            house.deliver(name)
    house.settle_down()
    # then every place ends with the cancelled order: nothing to ship, nothing sold, told that it was cancelled
    assert house.hub.ledger.held() == []
    assert [one["shipment_status"] for one in house.vendors["warehouse"].state()["shipments"]] in ([], ["cancelled"])
    assert posted(house) == 0
    metrics = {event["metric"] for event in house.vendors["marketing"].state()["events"]}
    assert {"Placed Order", "Cancelled Order"} <= metrics


def test_the_same_event_twice_and_the_same_version_under_a_new_id_are_one_fact(house: House) -> None:
    # given an order whose announcement comes twice with one id, and under several ids and topics
    ensure_webhooks(house.hub)
    order(house)
    arrived = heard(house)
    assert len({request.headers["x-shopify-webhook-id"] for request in arrived}) == len(arrived) > 1
    # when all are taken in, read and brought, and the poll reads the order as well
    for request in [*arrived, *arrived]:
        take_in(house, "shop", request)
        read_hinted(house.hub)
    house.record()
    house.settle_down()
    # then there is one fact, and each destination got it once
    trace = house.hub.ledger.trace("#1001")
    assert [event.kind for event in trace.events] == ["order.placed"]
    assert sorted((line.destination, line.outcome) for line in trace.history) == [
        ("books", "done"),
        ("marketing", "done"),
        ("warehouse", "done"),
    ]


def test_a_webhook_is_kept_and_answered_within_a_second_while_every_vendor_is_down(house: House) -> None:
    # given vendors that all are down
    ensure_webhooks(house.hub)
    order(house)
    arrived = heard(house)
    for vendor in house.vendors.values():
        vendor.faults.append(Fault(kind="drop", times=1_000_000))
    before = calls(house)
    # when the storefront's webhooks come
    with TestClient(receiver_app(house.hub)) as receiver:
        began = time.monotonic()
        answers = [
            receiver.post(request.url.path, content=request.content, headers=dict(request.headers))
            for request in arrived
        ]
        took = time.monotonic() - began
    # then each is answered and kept, and nobody was called
    assert [answer.status_code for answer in answers] == [200] * len(arrived)
    assert took < 1.0
    assert calls(house) == before
    assert house.hub.ledger.inbox_waiting().count == len(arrived)
    # and when they are back, the order arrives
    for vendor in house.vendors.values():
        vendor.faults.clear()
    house.clock.sleep(120)
    read_hinted(house.hub)
    for name in ORDER_DESTINATIONS:
        house.deliver(name)
    assert wrong(house) == []


def test_orders_of_a_month_without_us_arrive_although_the_subscriptions_were_deleted(house: House) -> None:
    # given a hub that is up to date, and then down for a month, in which Shopify deletes its subscriptions
    ensure_webhooks(house.hub)
    order(house)
    house.settle_down()
    house.vendors["shop"].store.subscriptions.clear()  # type: ignore[attr-defined]
    heard(house)
    for _ in range(31):
        house.clock.sleep(24 * 3600)
        order(house)
    # when it is back
    assert heard(house) == []
    house.settle_down()
    ensure_webhooks(house.hub)
    # then every order of that month is everywhere, and the next one is announced again
    assert len(house.vendors["shop"].state()["orders"]) == 32
    assert wrong(house) == []
    order(house)
    assert "orders/create" in {request.headers["x-shopify-topic"] for request in heard(house)}


def test_history_brought_to_everyone_mails_nobody(house: House) -> None:
    # given orders of last spring, from before the hub was connected
    week = house.hub.stack.hub.model_copy(update={"start": NOON - timedelta(days=7)})
    house.hub.stack = house.hub.stack.model_copy(update={"hub": week})
    for day in range(1, 6):
        order(house, created_at=f"2026-04-0{day}T10:00:00Z")
    # when they are brought to every destination
    spring = backfill.plan(
        house.hub, "shop", datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC), ORDER_DESTINATIONS
    )
    for _ in backfill.record_history(house.hub, spring):
        pass
    done = {name: house.deliver(name).counts["done"] for name in ORDER_DESTINATIONS}
    # then all have them, no flow has started, and nobody was mailed
    assert done == dict.fromkeys(ORDER_DESTINATIONS, 5)
    marketing = house.vendors["marketing"].state()
    assert {event["backfill"] for event in marketing["events"]} == {True}
    assert (marketing["flows_triggered"], marketing["subscribed"]) == (0, 0)
    assert house.vendors["shop"].state()["emails_sent"] == 0
