"""What people ask about their own data is done everywhere, once, with proof, and stays done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.simulator import Fault
from tasks import privacy
from tasks.backfill import plan, record_history
from tasks.inbox import read_hinted
from tasks.recording import record_orders_by_id
from tests.journeys.house import House
from tests.journeys.test_bad_days import take_in
from tests.small_house import ADDRESS, order

AT_GRACES = {**ADDRESS, "first_name": "Grace", "last_name": "Hopper", "address1": "1 Bug Street"}
NAMES = ("Ada", "Lovelace", "ada@example.com", "15035550123", "Analytical Way", "call before noon")


def bought(house: House, **changes: Any) -> str:
    """An order with a note, brought everywhere; the storefront's id of it."""
    name = order(house, note="call before noon", **changes)
    house.settle_down()
    return subject_of(house, name).partition(":")[2]


def subject_of(house: House, name: str) -> str:
    return house.hub.ledger.trace(name).subjects[0]


def customer_of(house: House, number: str) -> int:
    [found] = house.hub.ledger.newest_data([f"shop:{number}"])
    return int(found["customer"]["id"])


def asks(house: House, topic: str, *numbers: str, customer: int | None = None) -> None:
    """Shopify delivers a compliance topic, and it is taken in."""
    who = customer or (customer_of(house, numbers[0]) if numbers else 191167)
    house.vendors["shop"].act("privacy", {"topic": topic, "customer": who, "orders": [int(one) for one in numbers]})
    take_in(house, "shop", house.vendors["shop"].outbox.pop())


def people_at_klaviyo(house: House) -> list[str]:
    return sorted({one["email"] for one in house.vendors["marketing"].state()["events"]})


def answers(house: House, request: int = 1) -> list[tuple[str, str]]:
    return [(one.destination, one.outcome) for one in house.hub.ledger.privacy_answers(request)]


def state(house: House, request: int = 1) -> str:
    return next(one.state for one in house.hub.ledger.privacy_requests() if one.id == request)


def remembered(house: House) -> str:
    """Every row of every table but the locked tokens, whose letters fall by chance: "Ada" may be among them."""
    from ledger import tables

    kept = [table for table in tables.metadata.sorted_tables if table is not tables.tokens]
    with house.hub.ledger.reading() as db:
        # As tuples: SQLAlchemy's own words for a row leave the middle of a long text out.
        rows = [tuple(row) for table in kept for row in db.execute(table.select())]
    return "\n".join(map(str, rows))


def fingerprints(house: House) -> list[str]:
    return [one.alert.fingerprint for one in house.hub.ledger.open_alerts() if "privacy" in one.alert.fingerprint]


def test_a_person_is_forgotten_by_every_destination_and_by_the_hub(house: House) -> None:
    # given two orders of one person that were brought everywhere, and one of somebody else
    first, second = bought(house), bought(house)
    bought(
        house,
        email="grace@example.com",
        customer={"first_name": "Grace", "last_name": "Hopper"},
        shipping_address=AT_GRACES,
    )
    assert people_at_klaviyo(house) == ["ada@example.com", "grace@example.com"]
    before = house.hub.ledger.newest_data([f"shop:{first}"])[0]
    # when the storefront asks to forget her
    asks(house, "customers/redact", first, second)
    read_hinted(house.hub)
    # then Klaviyo has deleted her and nobody else, and the proof says so
    assert people_at_klaviyo(house) == ["grace@example.com"]
    assert answers(house) == [("marketing", "forgotten"), ("backroom", "redacted")]
    assert "e-mail address" in house.hub.ledger.privacy_answers(1)[0].reason
    # and the hub keeps amounts, SKUs and ids, and no word of her
    after = house.hub.ledger.newest_data([f"shop:{first}"])[0]
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"email", "phone", "note", "customer", "ship_to", "bill_to"} - {
        name for name in ("phone", "bill_to") if before[name] == after[name]
    }
    kept = remembered(house)
    assert not [name for name in ("ada@example.com", "Lovelace") if name in kept]
    assert "grace@example.com" in kept
    # and a person is told, once, what only a person can do, without her name
    [alert] = [one.alert for one in house.hub.ledger.open_alerts() if one.alert.fingerprint == "privacy:1"]
    assert "warehouse: #1001 (se-" in alert.what
    assert "books: #1001" in alert.what
    assert not any(name in alert.model_dump_json() for name in NAMES)
    assert state(house) == "by hand"


def test_neither_replay_nor_backfill_nor_poll_brings_the_person_back(house: House) -> None:
    # given a person who was forgotten, whom the storefront still knows
    number = bought(house)
    asks(house, "customers/redact", number)
    read_hinted(house.hub)
    warehouse = house.vendors["warehouse"].state()
    books = house.vendors["books"].state()
    # when everything is read and brought again in every way there is
    assert house.hub.ledger.replay("marketing", subjects=[f"shop:{number}"]) == 0
    assert house.hub.ledger.replay("warehouse", since=datetime(2020, 1, 1, tzinfo=UTC)) == 0
    now = house.clock.moment()
    todo = plan(house.hub, "shop", now - timedelta(days=30), now, [])
    pages = list(record_history(house.hub, todo))
    assert sum(page.counts["read"] for page in pages) >= 1
    assert sum(page.counts["recorded"] for page in pages) == 0
    house.settle_down()
    # then nobody knows her again, and nobody lost what they have to keep
    assert people_at_klaviyo(house) == []
    assert not [name for name in NAMES if name in remembered(house)]
    assert house.vendors["warehouse"].state() == warehouse
    assert house.vendors["books"].state() == books
    # and when the order changes, that is news without her
    house.vendors["shop"].act("refund", {"order": "#1001", "lines": [{"line": 0, "quantity": 1}]})
    house.clock.sleep(5)
    house.settle_down()
    assert [one.kind for one in house.hub.ledger.trace("#1001").events][-1] == "order.refunded"
    assert people_at_klaviyo(house) == []
    assert not [name for name in NAMES if name in remembered(house)]


def test_an_order_that_the_hub_never_had_comes_without_its_person(house: House) -> None:
    # given an order that was to be forgotten before the hub read it
    order(house, note="call before noon")
    number = house.vendors["shop"].state()["orders"][0]["id"].rsplit("/", 1)[-1]
    asks(house, "customers/redact", number, customer=7)
    read_hinted(house.hub)
    assert state(house) == "done"  # nobody else has anything of it
    # then it is recorded without her
    house.record()
    assert [one["number"] for one in house.hub.ledger.latest("shop", "order")] == ["#1001"]
    assert not [name for name in NAMES if name in remembered(house)]


def test_what_is_on_its_way_is_brought_first(house: House) -> None:
    # given an order that was read and not yet brought
    order(house)
    house.record()
    number = subject_of(house, "#1001").partition(":")[2]
    asks(house, "customers/redact", number)
    # when the request is worked on
    read_hinted(house.hub)
    # then it waits, nobody is asked, and the warehouse gets a whole address
    assert (state(house), answers(house), fingerprints(house)) == ("open", [], [])
    assert "#1001 to warehouse" in house.hub.ledger.privacy_requests()[0].reason
    house.settle_down()
    assert "12 Analytical Way" in str(house.vendors["warehouse"].state())
    assert people_at_klaviyo(house) == ["ada@example.com"]
    # and afterwards she is forgotten
    house.clock.sleep(privacy.SOON + 1)
    house.watch()
    assert (people_at_klaviyo(house), state(house)) == ([], "by hand")
    assert not [name for name in NAMES if name in remembered(house)]


def test_what_is_held_keeps_the_request_open_and_somebody_is_told(house: House) -> None:
    house.vendors["warehouse"].faults.append(Fault(status=400, on="shipments", times=99))
    order(house)
    house.orders_everywhere()
    assert [one.destination for one in house.hub.ledger.held()] == ["warehouse"]
    asks(house, "customers/redact", subject_of(house, "#1001").partition(":")[2])
    read_hinted(house.hub)
    assert (state(house), fingerprints(house)) == ("open", ["privacy:1:waits"])
    # when a person has dismissed it
    house.hub.ledger.dismiss_held([one.id for one in house.hub.ledger.held()], "by phone")
    house.clock.sleep(privacy.SOON + 1)
    house.watch()
    assert (state(house), fingerprints(house)) == ("by hand", ["privacy:1"])


def test_a_destination_that_cannot_be_reached_is_asked_again_and_the_others_are_not(house: House) -> None:
    number = bought(house)
    asks(house, "customers/redact", number)
    house.vendors["marketing"].faults.append(Fault(status=503, on="data-privacy", times=99))
    read_hinted(house.hub)
    # then nothing is forgotten here before it is forgotten there, which needs the address
    assert (state(house), answers(house), people_at_klaviyo(house)) == ("open", [], ["ada@example.com"])
    assert "ada@example.com" in remembered(house)
    house.vendors["marketing"].faults.clear()
    read_hinted(house.hub)
    assert answers(house) == []  # not before its time
    house.clock.sleep(privacy.LATER + 1)
    read_hinted(house.hub)
    assert (people_at_klaviyo(house), state(house)) == ([], "by hand")
    assert answers(house) == [("marketing", "forgotten"), ("backroom", "redacted")]
    # and a request that is finished asks nobody again
    deleted = house.vendors["marketing"].state()["deleted"]
    house.clock.sleep(privacy.LATER + 1)
    read_hinted(house.hub)
    assert len(answers(house)) == 2
    assert house.vendors["marketing"].state()["deleted"] == deleted


def test_a_destination_that_was_asked_is_not_asked_again_when_the_hub_dies(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a hub that dies after Klaviyo was asked and before its own copies are gone
    number = bought(house)
    asks(house, "customers/redact", number)

    def dies(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(house.hub.ledger, "redact", dies)
        with pytest.raises(KeyboardInterrupt):
            read_hinted(house.hub)
    assert answers(house) == [("marketing", "forgotten")]
    # when it goes on
    house.clock.sleep(200)
    read_hinted(house.hub)
    # then only what was left is done
    assert answers(house) == [("marketing", "forgotten"), ("backroom", "redacted")]


def test_a_key_without_the_scope_is_told_and_stops_no_orders(house: House) -> None:
    # given a key that may not delete profiles
    number = bought(house)
    house.vendors["marketing"].act("set_scopes", {"scopes": ["events:write", "profiles:read"]})
    asks(house, "customers/redact", number)
    read_hinted(house.hub)
    # then somebody is told, and orders go on
    assert house.hub.ledger.paused() == []
    assert (state(house), fingerprints(house)) == ("open", ["privacy:1:marketing"])
    assert answers(house) == [("marketing", "refused")]
    house.vendors["marketing"].act("set_scopes", {})
    house.clock.sleep(privacy.LATER + 1)
    house.watch()
    assert (people_at_klaviyo(house), fingerprints(house)) == ([], ["privacy:1"])


def test_the_same_webhook_twice_is_one_request(house: House) -> None:
    number = bought(house)
    asks(house, "customers/redact", number)
    [row] = house.hub.ledger.take_hints(10, lease=0)
    assert [privacy.take_in(house.hub, row) for _ in range(2)] == [True, False]
    assert len(house.hub.ledger.privacy_requests()) == 1


@pytest.mark.parametrize("topic", ["customers/data_request", "shop/redact"])
def test_what_only_a_person_can_answer_is_told_with_what_to_do(house: House, topic: str) -> None:
    number = bought(house)
    asks(house, topic, number)
    read_hinted(house.hub)
    [alert] = [one.alert for one in house.hub.ledger.open_alerts() if one.alert.fingerprint == "privacy:1"]
    assert "warehouse, books, marketing" in alert.what
    assert "backroom privacy done 1" in alert.todo
    assert ("backroom privacy export 1" in alert.todo) is (topic == "customers/data_request")
    assert not any(name in alert.model_dump_json() for name in NAMES)
    house.watch()
    assert fingerprints(house) == ["privacy:1"]  # the watch does not close what only a person can


def aged(house: House, days: int) -> None:
    """Days go by, and a vendor says so: nobody is forgotten because our own clock says it."""
    house.clock.sleep(timedelta(days=days).total_seconds())
    house.record()


def keeps_for(house: House, days: int) -> None:
    """A stack.toml that says so; a year would outlive the access to the books."""
    hub = house.hub.stack.hub.model_copy(update={"forget_after_days": days})
    house.hub.stack = house.hub.stack.model_copy(update={"hub": hub})


def finished(house: House) -> str:
    """An order that has left, seen from everywhere."""
    number = bought(house)
    house.vendors["warehouse"].act("buy_labels", {})
    house.clock.sleep(5)
    house.tracking()
    house.clock.sleep(5)
    house.settle_down()
    return number


def test_people_are_taken_out_of_old_finished_orders_and_nothing_else_changes(house: House) -> None:
    # given an order that has left, and one that has not
    keeps_for(house, 30)
    finished(house)
    order(house, email="grace@example.com", customer={"first_name": "Grace", "last_name": "Hopper"})
    house.settle_down()
    # when a month has gone by
    aged(house, 29)
    house.watch()
    assert "ada@example.com" in remembered(house)
    status, units = house.hub.ledger.status(), house.hub.ledger.units_ordered_since("shop", None)
    aged(house, 3)
    house.watch()
    # then the first one has no person any more, the second one has, and what is counted is the same
    kept = remembered(house)
    assert "ada@example.com" not in kept
    assert "grace@example.com" in kept
    assert (house.hub.ledger.status(), house.hub.ledger.units_ordered_since("shop", None)) == (status, units)
    # and reading it again is no news
    number = subject_of(house, "#1001").partition(":")[2]
    assert record_orders_by_id(house.hub, "shop", [number]).counts["recorded"] == 0
    assert "ada@example.com" not in remembered(house)


def test_news_of_an_old_order_has_its_person_until_it_is_old_again(house: House) -> None:
    keeps_for(house, 30)
    number = finished(house)
    aged(house, 31)
    assert privacy.expire(house.hub) == 1
    house.vendors["shop"].act("refund", {"order": "#1001", "lines": [{"line": 0, "quantity": 1}]})
    house.clock.sleep(5)
    house.settle_down()
    assert "ada@example.com" in remembered(house)
    kinds = [one.kind for one in house.hub.ledger.trace(f"shop:{number}").events]
    assert kinds[-1] == "order.refunded"
    assert kinds.count("order.refunded") == 1
    aged(house, 31)
    assert privacy.expire(house.hub) == 1
    assert "ada@example.com" not in remembered(house)


def test_old_orders_are_looked_for_once_a_day_some_at_a_time(house: House) -> None:
    for _ in range(3):
        finished(house)
    aged(house, 400)
    assert [privacy.expire(house.hub, at_once=2) for _ in range(3)] == [2, 1, 0]
    aged(house, 1)
    assert privacy.expire(house.hub, at_once=2) == 0


def test_what_is_not_settled_does_not_expire_and_zero_days_mean_never(house: House) -> None:
    finished(house)
    house.hub.ledger.replay("warehouse", subjects=[subject_of(house, "#1001")])
    aged(house, 400)
    assert privacy.expire(house.hub) == 0
    house.settle_down()
    aged(house, 2)
    keeps_for(house, 0)
    assert privacy.expire(house.hub) == 0
    keeps_for(house, 365)
    assert privacy.expire(house.hub) == 1
