"""Reading all stock: every level once, nothing made up, and never half a list."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from commerce.errors import NotAuthorised, NotConfigured, RateLimited, TemporarilyUnavailable, UnexpectedAnswer
from commerce.ports import StockSource, Unreadable
from commerce.stock import StockLevel
from integrations.katana.client import Katana
from integrations.katana.simulator import KatanaSimulator
from integrations.simulator import Fault
from tests.integrations.katana.conftest import Connect, Time, level


def levels(katana: Katana) -> dict[tuple[str, str], Decimal]:
    """What may be promised, by SKU and location; fails the test for anything unreadable."""
    read = list(katana.stock())
    assert all(isinstance(one, StockLevel) for one in read)
    return {(one.sku, one.location): one.available for one in read if isinstance(one, StockLevel)}


def many(katana: KatanaSimulator, count: int) -> None:
    """An account with `count` stock rows at one location."""
    stock = {"Main": level("5")}
    variants = [{"sku": f"SKU-{number}", "name": "Thing", "stock": stock} for number in range(count)]
    katana.do_setup(locations=["Main"], variants=variants)


def test_katana_is_a_stock_source(connect: Connect) -> None:
    assert isinstance(connect(), StockSource)


def test_what_may_be_promised_is_in_stock_less_committed(connect: Connect) -> None:
    # given an account with negative stock, a material, and a location that allows no sales
    # when all stock is read, then products come at the sales locations, below zero too
    assert levels(connect()) == {
        ("MUG-RED", "1"): Decimal(5),
        ("MUG-RED", "2"): Decimal(3),
        ("MUG-BLUE", "1"): Decimal(-1),
    }


def test_locations_can_be_chosen_by_name_or_id(connect: Connect) -> None:
    assert levels(connect(locations=["Workshop", "2"])) == {
        ("MUG-RED", "2"): Decimal(3),
        ("MUG-BLUE", "3"): Decimal(50),
    }


def test_a_location_that_katana_does_not_have_is_named(connect: Connect) -> None:
    with pytest.raises(NotConfigured, match=r"connections\.inventory\.locations: Katana has no location Mars"):
        list(connect(locations=["Mars"]).stock())


def test_every_page_is_read(connect: Connect, account: KatanaSimulator) -> None:
    # given more rows than fit on two pages
    many(account, 601)
    # when, then
    assert len(levels(connect())) == 601
    assert account.do_calls() == {"GET 200": 4}  # the locations, and three pages of 250


def test_an_empty_account_yields_nothing_and_breaks_nothing(connect: Connect, account: KatanaSimulator) -> None:
    account.do_empty()
    assert list(connect().stock()) == []


@pytest.mark.parametrize("marked", ["marked", "typed"])
def test_a_kit_is_worth_what_its_parts_allow(connect: Connect, account: KatanaSimulator, marked: str) -> None:
    # given a kit of two mugs, of which nine are there and one is promised, and a product that could also be made
    account.do_habits(kits=marked)
    mug = {"sku": "MUG", "stock": {"Main": level("9", "1")}}
    kit = {"sku": "GIFT-SET", "type": "kit", "parts": {"MUG": 2}, "stock": {"Main": level("0")}}
    made = {"sku": "BOWL", "type": "product", "stock": {"Main": level("0", potential="9")}}
    account.do_setup(locations=["Main"], variants=[mug, kit, made])
    # then the kit is worth what its parts allow, and a product that could be made is not there yet
    found = levels(connect())
    assert found == {("MUG", "1"): Decimal(8), ("GIFT-SET", "1"): Decimal(4), ("BOWL", "1"): Decimal(0)}


def test_blank_and_shared_skus_are_for_people_and_never_zero(connect: Connect, account: KatanaSimulator) -> None:
    # given two variants with one SKU, at two locations, and two without any
    account.do_add_variant(sku="MUG-RED ", stock={"Main": level("1")})
    account.do_add_variant(sku="", stock={"Main": level("1")})
    account.do_add_variant(sku="  ", stock={"Main": level("1")})
    # when
    read = list(connect().stock())
    # then the shared SKU is held once per location, each blank one on its own, and the good one comes
    assert [one.sku for one in read if isinstance(one, StockLevel)] == ["MUG-BLUE"]
    held = {one.subject: one.reason for one in read if isinstance(one, Unreadable)}
    assert held == {
        "inventory:1/MUG-RED": "SKU MUG-RED belongs to 2 variants in Katana: 101, 104",
        "inventory:2/MUG-RED": "SKU MUG-RED belongs to 2 variants in Katana: 101, 104",
        "inventory:1/variant 105": "variant 105 has no SKU in Katana",
        "inventory:1/variant 106": "variant 106 has no SKU in Katana",
    }


def test_archived_variants_do_not_share_their_sku(connect: Connect, account: KatanaSimulator) -> None:
    account.do_add_variant(sku="MUG-RED", stock={"Main": level("99")}, archived=True)
    assert levels(connect())["MUG-RED", "1"] == Decimal(5)


@pytest.mark.parametrize("how", ["last", "empty"])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_list_that_is_cut_short_is_no_list(connect: Connect, account: KatanaSimulator, how: str, after: int) -> None:
    # given
    many(account, 601)
    account.do_cut_pages(after=after, how=how, times=3)
    # when, then nothing at all is yielded
    stock = connect().stock()
    with pytest.raises(UnexpectedAnswer, match="cut short"):
        next(iter(stock))
    # and the next walk is whole again
    assert len(levels(connect())) == 601


def test_the_only_page_can_be_short_too(connect: Connect, account: KatanaSimulator) -> None:
    account.do_cut_pages(after=1, times=3)
    with pytest.raises(UnexpectedAnswer, match="the list ended on page 1 of 1 with 2 of 5 rows"):
        list(connect().stock())


@pytest.mark.parametrize("how", ["last", "empty", "changed", "added", "removed"])
def test_a_list_that_breaks_once_is_walked_again_at_once(connect: Connect, account: KatanaSimulator, how: str) -> None:
    # given a list that is cut short, or that somebody adds to or removes from between its pages
    many(account, 601)
    account.do_cut_pages(after=1, how=how)
    # when, then every row that there is now came, and each once
    expected = {"added": 602, "removed": 600}.get(how, 601)
    assert len(levels(connect())) == expected


def test_a_list_that_keeps_changing_is_read_again_later(connect: Connect, account: KatanaSimulator) -> None:
    many(account, 300)
    account.do_cut_pages(after=1, how="added", times=3)
    with pytest.raises(TemporarilyUnavailable, match="changed while it was read: from 302 to 303 rows"):
        list(connect().stock())


def test_a_row_that_slips_past_unnoticed_is_missing_and_not_zero(connect: Connect, account: KatanaSimulator) -> None:
    # given a walk in which one variant goes and another comes, so that Katana's count stays the same
    many(account, 300)
    account.do_cut_pages(after=1, how="swapped")
    # then the one that moved from the second page to the first did not come; what came is right
    found = levels(connect())
    assert ("SKU-250", "1") not in found
    assert set(found.values()) == {Decimal(5), Decimal(1)}
    # and the next walk has it
    assert ("SKU-250", "1") in levels(connect())


@pytest.mark.parametrize("paging", ["text", "typed", "none"])
def test_pages_in_every_dress_are_read_to_the_end(connect: Connect, account: KatanaSimulator, paging: str) -> None:
    account.do_habits(paging=paging)
    many(account, 501)
    assert len(levels(connect())) == 501


@pytest.mark.parametrize("too_large", ["refuse", "clamp"])
def test_a_smaller_limit_than_ours_is_found_out(connect: Connect, account: KatanaSimulator, too_large: str) -> None:
    account.do_habits(most=100, too_large=too_large)
    many(account, 230)
    assert len(levels(connect())) == 230
    assert levels(connect()) == levels(connect())


def test_skus_are_looked_up_when_the_list_does_not_bring_them(connect: Connect, account: KatanaSimulator) -> None:
    account.do_habits(extend=False)
    assert levels(connect()) == {
        ("MUG-RED", "1"): Decimal(5),
        ("MUG-RED", "2"): Decimal(3),
        ("MUG-BLUE", "1"): Decimal(-1),
    }


@pytest.mark.parametrize("listed", [True, False])
def test_deleted_variants_neither_count_nor_share_their_sku(
    connect: Connect, account: KatanaSimulator, listed: bool
) -> None:
    account.do_habits(deleted_in_stock=listed)
    old = account.do_add_variant(sku="MUG-RED", stock={"Main": level("99")})
    account.do_delete_variant(old)
    assert levels(connect())["MUG-RED", "1"] == Decimal(5)


def test_a_kit_of_which_katana_says_nothing_is_held(connect: Connect, account: KatanaSimulator) -> None:
    account.do_habits(kits="typed")
    kit = {"sku": "GIFT-SET", "type": "kit", "stock": {"Main": {"in_stock": "0", "potential": None}}}
    account.do_setup(locations=["Main"], variants=[kit])
    [held] = list(connect().stock())
    assert isinstance(held, Unreadable)
    assert held.reason == "Katana does not say how many of the kit GIFT-SET can be put together"


ODD_ROWS: list[Any] = [
    None,
    "a row",
    [],
    {},
    {"variant_id": ["x"], "location_id": {"y": 1}},
    {"variant_id": None, "location_id": 1},
    {"variant_id": None, "location_id": 1},
    {"variant_id": 999, "location_id": 1, "quantity_in_stock": True, "quantity_committed": "0", "variant": {"id": 999}},
    {"variant_id": 998, "location_id": 1, "quantity_in_stock": "1E+99", "quantity_committed": "0", "variant": None},
]


def test_rows_that_make_no_sense_hold_only_themselves(connect: Connect, account: KatanaSimulator) -> None:
    # given a page with rows that are no rows, and one good one with its ids as text
    row = next(iter(account.world.stock_rows()))
    good = {**row, "variant_id": str(row["variant_id"]), "location_id": "1"}
    rows = [*ODD_ROWS, good]
    facts = {"total_records": len(rows), "total_pages": 1, "page": 1, "last_page": True}
    headers = {"x-pagination": json.dumps(facts)}
    account.faults.append(Fault(status=200, body={"data": rows}, headers=headers, on="GET /inventory"))
    # when
    read = list(connect().stock())
    # then
    assert [one.sku for one in read if isinstance(one, StockLevel)] == ["MUG-RED"]
    held = [one for one in read if isinstance(one, Unreadable)]
    assert len(held) == len(ODD_ROWS)
    assert held[0].reason == "Katana's stock of row 1 cannot be read: it is no object"
    assert len({one.subject for one in held}) == len(ODD_ROWS)


@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", "", "{}", '{"data": null}', '{"data": [{"variant_id'])
def test_an_answer_that_is_no_list_changes_nothing(connect: Connect, account: KatanaSimulator, body: str) -> None:
    account.faults.append(Fault(status=200, body=body, on="GET /inventory", times=9))
    with pytest.raises(UnexpectedAnswer):
        list(connect().stock())


def test_a_page_that_fails_once_is_asked_for_again(connect: Connect, account: KatanaSimulator) -> None:
    account.faults.append(Fault(status=500, on="GET /inventory"))
    assert len(levels(connect())) == 3


def test_a_page_that_keeps_failing_ends_the_read(connect: Connect, account: KatanaSimulator) -> None:
    account.faults.append(Fault(status=500, on="GET /inventory", times=99))
    with pytest.raises(TemporarilyUnavailable):
        list(connect().stock())


def test_waits_as_long_as_katana_asks(connect: Connect, account: KatanaSimulator, clock: Time) -> None:
    account.faults.append(Fault(status=429, headers={"retry-after": "31"}, on="GET /inventory"))
    assert len(levels(connect())) == 3
    assert clock.slept == [31.0]


@pytest.mark.parametrize("in_ms", [True, False])
def test_the_limit_is_waited_out_with_or_without_retry_after(
    connect: Connect, account: KatanaSimulator, clock: Time, in_ms: bool
) -> None:
    # given an account that somebody else has used up, and a 429 that says only when the window ends
    account.do_habits(retry_after=False, reset_in_ms=in_ms)
    account.window.used = 60
    # when
    assert len(levels(connect(pace=False))) == 3
    # then
    assert clock.slept == [pytest.approx(60.0, abs=1.0)]


@pytest.mark.parametrize("reset", ["soon", "nan", "inf"])
def test_a_window_without_an_end_is_waited_out_with_growing_patience(
    connect: Connect, account: KatanaSimulator, clock: Time, reset: str
) -> None:
    account.faults.append(Fault(status=429, headers={"x-ratelimit-reset": reset}, on="GET /inventory"))
    assert len(levels(connect())) == 3
    assert 0 < sum(clock.slept) <= 10


def test_a_plan_without_api_stops_everything(connect: Connect, account: KatanaSimulator) -> None:
    account.do_habits(api=False)
    with pytest.raises(NotAuthorised, match="your plan has no API"):
        list(connect().stock())


@pytest.mark.parametrize("factor", [1, 1000])
def test_the_windows_end_may_be_in_seconds_or_milliseconds(
    connect: Connect, account: KatanaSimulator, clock: Time, factor: int
) -> None:
    # given a refusal that says when the window ends, and not how long to wait
    reset = str(int((clock() + 12) * factor))
    account.faults.append(Fault(status=429, headers={"x-ratelimit-reset": reset}, on="GET /inventory"))
    # when
    assert len(levels(connect())) == 3
    # then
    assert clock.slept == [pytest.approx(12.0)]


def test_our_own_pace_keeps_us_below_the_limit(connect: Connect, account: KatanaSimulator, clock: Time) -> None:
    # given a client that reads over and over
    katana = connect()
    for _ in range(40):
        list(katana.stock())
    # then it waited, and Katana never had to refuse
    assert account.do_calls() == {"GET 200": 80}
    assert sum(clock.slept) == pytest.approx(60.0, abs=1.0)


def test_without_pace_the_limit_is_katanas(connect: Connect, account: KatanaSimulator, clock: Time) -> None:
    katana = connect(pace=False)
    for _ in range(31):
        list(katana.stock())
    assert account.do_calls() == {"GET 200": 62, "GET 429": 1}
    assert clock.slept == [61.0]


def test_a_longer_wait_than_a_minute_is_left_to_the_task(connect: Connect, account: KatanaSimulator) -> None:
    account.faults.append(Fault(status=429, headers={"retry-after": "600"}))
    with pytest.raises(RateLimited) as refused:
        list(connect().stock())
    assert refused.value.retry_after == 600.0


def test_a_refused_key_stops_everything(connect: Connect) -> None:
    with pytest.raises(NotAuthorised, match="401"):
        list(connect(api_key="wrong").stock())
