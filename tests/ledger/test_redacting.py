"""The log forgets people and keeps what they bought, whatever is read or brought afterwards."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, insert, select, update

from commerce.outcomes import Held
from commerce.ports import Alert
from commerce.privacy import GONE, personal_words, without, without_person
from ledger import tables
from tests.builders import NOON, a_customer, a_refund, a_refund_line, after, an_order
from tests.ledger.contract import done

WORDS = ("Ada", "Lovelace", "ada@example.com", "+15035550123")


def rows(ledger):
    """Every row, whole."""
    with ledger.reading() as db:
        found = [tuple(row) for table in tables.metadata.sorted_tables for row in db.execute(table.select())]
    return "\n".join(sorted(map(str, found)))


@pytest.fixture
def hub(ledger):
    """Two orders of Ada at the warehouse, one of which was refunded with a note."""
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    one = an_order(1, note="ring twice, Ada")
    ledger.record_orders("shop", [one, an_order(2)])
    refund = a_refund(a_refund_line(one.lines[0]), at=after(hours=2), note="Ada did not like it")
    ledger.record_orders("shop", [an_order(1, note="ring twice, Ada", refunds=(refund,), updated_at=after(hours=2))])
    claim = ledger.claim("warehouse", limit=9)
    ledger.settle(claim, [(item, done(item.subject)) for item in claim.items])
    return ledger


def test_every_snapshot_is_rewritten_and_the_sums_stay(hub):
    before = [data["total"] for data in hub.newest_data(["shop:51"])]
    assert hub.redact("shop", ["shop:51", "shop:52"])
    assert not [word for word in WORDS if word in rows(hub)]
    [data] = hub.newest_data(["shop:51"])
    assert ([data["total"]], data["number"], data["lines"][0]["sku"]) == (before, "#1", "MUG-RED")
    # and once more changes nothing
    kept = rows(hub)
    assert hub.redact("shop", ["shop:51", "shop:52"])
    assert rows(hub) == kept


def test_the_same_orders_are_no_news_afterwards_whether_their_storefront_forgot_too_or_not(hub):
    hub.redact("shop", ["shop:52"])
    assert hub.record_orders("shop", [an_order(2)], historical=True).new_events == 0
    bare = {"email": "", "phone": "", "customer": None, "ship_to": None, "bill_to": None}
    assert hub.record_orders("shop", [an_order(2, **bare, updated_at=after(hours=3))]).new_events == 0
    # and news of them are told without the person
    assert hub.record_orders("shop", [an_order(2, cancelled_at=after(hours=4), updated_at=after(hours=4))]).new_events
    [item] = hub.claim("warehouse", limit=9).items
    assert (str(item.newest.kind), item.newest.data["email"], item.newest.data["ship_to"]) == (
        "order.cancelled",
        "",
        None,
    )


class Broken(Exception):
    """The database is lost."""


def test_a_fault_at_any_statement_leaves_all_or_nothing(hub):
    # given a database that is lost at the nth statement
    left = 0

    def count_down(*_):
        nonlocal left
        left -= 1
        if left == 0:
            raise Broken

    event.listen(hub.engine, "before_cursor_execute", count_down)
    kept = rows(hub)
    faults = 0
    while True:
        left = faults + 1
        try:
            assert hub.redact("shop", ["shop:51", "shop:52"])
        except Broken:
            faults += 1
        else:
            break
        finally:
            left = 0
        # then nothing of it was done
        assert rows(hub) == kept
    # and when it holds, all of it
    assert faults > 5
    assert not [word for word in WORDS if word in rows(hub)]


def test_nothing_is_changed_while_one_is_on_its_way(hub):
    hub.record_orders("shop", [an_order(2, note="leave at the door", updated_at=after(hours=3))])
    kept = rows(hub)
    assert not hub.redact("shop", ["shop:51", "shop:52"])
    assert rows(hub) == kept


def test_what_vendors_said_of_the_orders_loses_the_person_too(hub):
    # given a vendor whose words quote the address, an alert with them, and somebody else's
    hub.record_orders("shop", [an_order(2, note="x", updated_at=after(hours=3))])
    claim = hub.claim("warehouse", limit=9)
    reason = "shipTo of ADA LOVELACE, 12 Analytical Way, Canada is wrong"
    hub.settle(claim, [(claim.items[0], Held(cause="bad", reason=reason, hint="ask ada@example.com"))])
    hub.raise_alert(Alert(fingerprint="held:warehouse:bad", title="held", what=reason, todo="look"))
    hub.dismiss_held([hub.held()[0].id], "Ada called")
    # when she is forgotten
    assert hub.redact("shop", ["shop:52"])
    # then no message names her
    [last] = [one for one in hub.trace("#2").history if one.outcome == "held"]
    assert last.reason.startswith(f"shipTo of {GONE}")
    assert last.reason.endswith("Canada is wrong")
    assert "lovelace" not in hub.open_alerts()[0].alert.what.lower()
    with hub.reading() as db:
        spoken = str(
            [
                tuple(row)
                for row in db.execute(select(tables.deliveries).where(tables.deliveries.c.subject == "shop:52"))
            ]
        )
    assert "ada" not in spoken.replace("Canada", "").lower()


def test_a_snapshot_of_an_older_release_is_rewritten_as_well(hub):
    with hub.writing() as db:
        db.execute(
            update(tables.snapshots)
            .where(tables.snapshots.c.subject == "shop:52")
            .values(data='{"email":"ada@example.com","old":1}')
        )
    assert hub.redact("shop", ["shop:52"])
    assert hub.newest_data(["shop:52"]) == [{"email": "", "old": 1}]


def test_old_orders_go_some_at_a_time_and_never_one_with_units_to_ship(hub):
    assert hub.redact_older("shop", after(hours=9), 10) == 0  # they have not left
    with hub.writing() as db:
        db.execute(update(tables.subjects).values(unfinished=False))
    assert hub.redact_older("shop", NOON - timedelta(days=1), 10) == 0
    assert [hub.redact_older("shop", after(hours=9), 1) for _ in range(3)] == [1, 1, 0]
    assert not [word for word in WORDS if word in rows(hub)]
    # and unlike one that had to be forgotten, an old one that changes is known again
    hub.record_orders("shop", [an_order(2, cancelled_at=after(hours=4), updated_at=after(hours=4))])
    assert "ada@example.com" in rows(hub)
    assert hub.record_orders("shop", [an_order(1)]).new_events == 0


def test_a_file_holds_no_copy_of_what_was_taken_out(hub):
    if not hub.on_sqlite:
        pytest.skip("only SQLite is a file of ours")
    with hub.writing() as db:  # so many that the file's pages are reordered
        many = [{"subject": f"other:{n}", "revision": 1, "digest": "d", "data": "x" * 300} for n in range(500)]
        db.execute(insert(tables.snapshots), many)
    file = Path(str(hub.engine.url.database))
    assert hub.redact("shop", ["shop:51", "shop:52"])
    hub.close()
    assert b"ada@example.com" not in b"".join(path.read_bytes() for path in file.parent.glob("ledger.db*"))


def test_words_are_taken_out_whole():
    assert without("Ada in Canada, ADA.", {"Ada"}) == f"{GONE} in Canada, {GONE}."
    assert without("a+b(c) \\1", {"a+b(c)"}) == f"{GONE} \\1"


def test_what_is_personal_is_what_is_gone():
    data = an_order(1, note="ring twice").model_dump(mode="json")
    assert {"Ada", "Lovelace", "ada@example.com", "ring twice"} <= personal_words(data)
    assert personal_words(without_person(data)) == set()
    assert set(data) == set(without_person(data))


def test_a_person_is_known_by_the_customers_address_too(hub):
    # given an order that was placed without an address, by a customer who has one: that is what apps were told
    hub.record_orders("shop", [an_order(7, email="", phone="", customer=a_customer(email="ada@work.example"))])
    hub.record_orders("shop", [an_order(8, email="ada@home.example", customer=a_customer(email="ada@work.example"))])
    people = hub.people_in("shop", ["shop:57", "shop:58"], "7")
    assert sorted(person.email for person in people) == ["ada@home.example", "ada@work.example"]
    assert {person.customer_id for person in people} == {"7"}
