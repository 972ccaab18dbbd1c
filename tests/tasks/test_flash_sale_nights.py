"""What goes wrong at two in the morning of a flash sale, each once seen to go wrong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from commerce.errors import IntegrationError, NotAuthorised
from commerce.outcomes import Held, Outcome
from commerce.ports import Alert
from commerce.stock import StockLevel, StockTarget
from integrations.quickbooks.webhooks import receive as receive_books
from integrations.shipstation.webhooks import receive as receive_parcels
from integrations.simulator import Fault
from tasks import alerting, inbox
from tasks.backfill import plan, record_history
from tasks.hub import installed
from tasks.steps import deliver_all
from tasks.stocking import StockFeedRefused
from tests.journeys.house import House
from tests.small_house import order
from tests.tasks.test_stocking import counted, many, rules, shown, sync

FOR_EVER = 1_000_000
THREE_MUGS = [{"sku": "MUG-RED", "quantity": 3, "price": "25.00"}]


def test_what_was_sold_seconds_ago_is_not_offered_again(house: House) -> None:
    # given a storefront whose search finds an order some seconds after its stock knows of it
    rules(house, order_lag_minutes=None)
    house.vendors["shop"].store.index.lag = 5.0
    order(house, lines=THREE_MUGS)
    assert shown(house, "MUG-RED") == 7
    # when stock is brought at just that moment
    sync(house)
    # then the three stay sold
    assert shown(house, "MUG-RED") == 7


def test_an_order_made_while_the_inventory_app_is_read_stays_subtracted(house: House) -> None:
    # given an inventory app whose walk takes longer than it takes to learn of orders
    rules(house, order_lag_minutes=5)
    inventory = house.hub.client("inventory")
    walk = inventory.stock

    def slowly() -> Iterator[StockLevel]:
        levels = list(walk())
        order(house, lines=THREE_MUGS)
        house.clock.sleep(6 * 60)
        yield from levels

    inventory.stock = slowly
    # when stock is brought
    sync(house)
    # then the order that came in meanwhile is not sold twice
    assert shown(house, "MUG-RED") == 7


def test_a_feed_that_shrank_for_good_is_allowed_once(house: House) -> None:
    # given a shop that archived most of what it sold
    rules(house, most_change=0.5)
    skus = many(house, 40)
    sync(house, allow_big_change=True)
    inventory = house.hub.client("inventory")
    walk = inventory.stock
    inventory.stock = lambda: (level for level in walk() if level.sku not in skus[10:])
    house.clock.sleep(300)
    with pytest.raises(StockFeedRefused):
        sync(house)
    # when a person allows it
    house.clock.sleep(300)
    sync(house, allow_big_change=True)
    # then the next runs go on by themselves
    house.clock.sleep(300)
    sync(house)


def test_a_stock_map_that_fits_nothing_is_no_success(house: House) -> None:
    rules(house, locations={"99": "1"})
    with pytest.raises(StockFeedRefused, match="none of the"):
        sync(house)


def test_levels_that_the_storefront_refuses_are_told(house: House) -> None:
    counted(house, "MUG-RED", 3)
    house.clock.sleep(10)

    def refuse(wanted: list[StockTarget], _: Any) -> Iterator[tuple[StockTarget, Outcome]]:
        for target in wanted:
            yield target, Held(cause="refused", reason="Shopify says no", hint="look there")

    house.hub.client("shop").set_stock = refuse
    sync(house)
    assert ["stock levels refused" in one.alert.title for one in house.hub.ledger.open_alerts()] == [True]


def test_a_backfill_for_one_takes_an_order_of_this_minute_from_nobody(house: House) -> None:
    # given an order that the search for changes does not show yet
    house.settle_down()
    house.vendors["shop"].store.index.lag = 5.0
    number = order(house)
    house.clock.sleep(2)
    # when a backfill to the books alone covers it
    now = house.clock.moment()
    todo = plan(house.hub, "shop", now - timedelta(days=9), now + timedelta(days=1), ["books"])
    pages = record_history(house.hub, todo)
    next(pages)
    house.clock.sleep(6)
    list(pages)
    # then warehouse and marketing get it as well
    house.clock.sleep(300)
    house.settle_down()
    reached = {delivery.destination for delivery in house.hub.ledger.trace(number).deliveries}
    assert reached == {"books", "warehouse", "marketing"}


def test_an_order_that_the_search_forgot_is_found_within_two_days(house: House) -> None:
    # given an order that the search shows only when the watermark has long passed, and no webhook
    order(house)
    house.settle_down()
    house.clock.sleep(600)
    house.vendors["shop"].store.index.lag = 1200.0
    late = order(house)
    house.vendors["shop"].store.index.lag = 0.0
    house.clock.sleep(900)
    order(house)
    house.record()
    # when the routes go on
    for _ in range(100):
        house.clock.sleep(1800)
        house.record()
    # then it is in the log
    assert house.hub.ledger.trace(late).events


def test_records_that_never_get_through_are_told_although_every_run_ends_well(house: House) -> None:
    # given a warehouse that answers every new order with 500
    order(house)
    house.record()
    house.vendors["warehouse"].faults.append(Fault(status=500, on=r"POST /v2/shipments", times=FOR_EVER))
    # when the routes run for some hours
    with installed(house.hub):
        for _ in range(5):
            deliver_all("warehouse")
            house.watch()
            house.clock.sleep(3600)
    # then somebody was told once
    told = [one["text"] for one in house.vendors["alerts"].state()["messages"] if "do not get through" in one["text"]]
    assert len(told) == 1


def test_one_working_channel_is_enough_and_hears_an_alert_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    class Channel:
        def __init__(self, broken: bool) -> None:
            self.broken = broken
            self.heard: list[str] = []

        def tell(self, alert: Alert) -> None:
            if self.broken:
                raise NotAuthorised("slack", "the webhook is gone")
            self.heard.append(alert.title)

    well, broken = Channel(False), Channel(True)
    monkeypatch.setattr(alerting, "channels", lambda _: {"broken": broken, "well": well})
    alerting.tell(house.hub, Alert(fingerprint="paused:x", title="x is paused", what="w", todo="t"))
    for _ in range(3):
        alerting.send_waiting(house.hub)
    assert well.heard == ["x is paused"]


def test_a_shipment_that_cannot_be_read_holds_its_parcel_and_no_other(house: House) -> None:
    # given two parcels, one of a shipment with a quantity that is none
    order(house)
    order(house)
    house.orders_everywhere()
    warehouse = house.vendors["warehouse"]
    warehouse.act("buy_labels", {})
    bad = next(iter(warehouse.shipments.by_id.values()))
    bad["items"][0]["quantity"] = "1.5"
    house.clock.sleep(60)
    # when tracking is brought, then the other arrives
    assert house.tracking().counts["done"] == 1
    # and when the vendor has mended its answer, a released one is read again, however old it is by then
    house.clock.sleep(7200)
    house.tracking()
    bad["items"][0]["quantity"] = 1
    assert house.hub.ledger.release_held(cause="unreadable") == 1
    inbox.read_hinted(house.hub)
    assert house.tracking().counts["done"] == 1
    assert house.hub.ledger.held() == []


def test_parcels_from_before_the_hub_mail_nobody(house: House) -> None:
    order(house)
    house.orders_everywhere()
    house.vendors["warehouse"].act("buy_labels", {})
    house.clock.sleep(24 * 3600)
    house.hub.ledger.subscribe("shop", "warehouse", ["parcel"], "state", live_from=house.clock.moment())
    assert house.tracking().counts["done"] == 1
    assert house.vendors["shop"].state()["emails_sent"] == 0


def test_a_deleted_customer_is_not_taken_for_a_deleted_receipt(house: House) -> None:
    # given a receipt, and a customer with the same number, as QuickBooks counts each kind on its own
    number = order(house)
    house.orders_everywhere()
    receipt = house.hub.ledger.trace(number).bindings["books"].vendor_id
    # when the customer is deleted
    told = {"id": "e1", "type": "qbo.customer.deleted.v1", "intuitentityid": receipt, "time": "2026-11-23T12:00:00Z"}
    settings = house.hub.stack.connection("books")
    body = json.dumps([{"specversion": "1.0", "source": "x", "intuitaccountid": settings.realm_id, **told}]).encode()  # type: ignore[attr-defined]
    signature = base64.b64encode(hmac.new(b"verifier", body, hashlib.sha256).digest()).decode()
    delivery = receive_books(settings, house.hub.services("books"), {"intuit-signature": signature}, body)  # type: ignore[arg-type]
    house.hub.ledger.store_hint("books", delivery.id, delivery.topic, [hint.model_dump() for hint in delivery.hints])
    inbox.read_hinted(house.hub)
    # then nobody is alarmed
    assert house.hub.ledger.open_alerts() == []


def test_strangers_cannot_make_us_fetch_keys_again_and_again(house: House) -> None:
    # given a vendor whose keys cannot be fetched, and webhooks with invented key ids
    house.vendors["warehouse"].faults.append(Fault(status=503, on="jwks", times=FOR_EVER))
    settings, services = house.hub.stack.connection("warehouse"), house.hub.services("warehouse")
    for number in range(5):
        headers = {
            "x-shipengine-rsa-sha256-key-id": f"invented-{number}",
            "x-shipengine-rsa-sha256-signature": "x",
            "x-shipengine-timestamp": house.clock.moment().isoformat(),
        }
        with pytest.raises(IntegrationError):
            receive_parcels(settings, services, headers, b"{}")  # type: ignore[arg-type]
    # then they were asked for once, with its retry
    asked = [call for call in house.vendors["warehouse"].calls if "jwks" in call.path]
    assert 1 <= len(asked) <= 2
