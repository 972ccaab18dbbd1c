"""V1's Pacific wall clock, across both changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.limits import Paced
from integrations.shipstation.v1.pace import RATES, SharedPace
from integrations.shipstation.v1.times import AMBIGUITY, moment, same_time, wall
from tests.builders import an_order
from tests.integrations.shipstation.v1.world import V1World

AUTUMN = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
"""When Los Angeles puts its clocks back from 02:00 to 01:00."""
SPRING = datetime(2027, 3, 14, 10, 0, tzinfo=UTC)
"""When it puts them forward from 02:00 to 03:00."""

SAID = {
    "2026-11-23T08:46:27.0000000": datetime(2026, 11, 23, 16, 46, 27, tzinfo=UTC),
    "2026-07-23T08:46:27.1234567": datetime(2026, 7, 23, 15, 46, 27, 123456, tzinfo=UTC),
    "2026-11-23 08:46:27": datetime(2026, 11, 23, 16, 46, 27, tzinfo=UTC),
    "2026-11-23": datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
    "2026-07-23": datetime(2026, 7, 23, 7, 0, tzinfo=UTC),
    "2026-11-23T08:46:27Z": datetime(2026, 11, 23, 8, 46, 27, tzinfo=UTC),
    # happens twice: the earlier one is meant
    "2026-11-01T01:30:00.0000000": datetime(2026, 11, 1, 8, 30, tzinfo=UTC),
    # happens never: read as if the clocks had not been put forward
    "2027-03-14T02:30:00.0000000": datetime(2027, 3, 14, 10, 30, tzinfo=UTC),
}


@pytest.mark.parametrize(("text", "meant"), SAID.items())
def test_what_an_answer_means(text: str, meant: datetime) -> None:
    assert moment(text) == meant


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "20261123T99"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        moment(text)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))
def test_out_and_back_is_the_same_second_or_the_hour_that_happens_twice(at: datetime) -> None:
    at = at.replace(tzinfo=UTC, microsecond=0)
    assert at - moment(wall(at)) in (timedelta(), AMBIGUITY)


def test_two_ways_to_write_one_second() -> None:
    assert same_time("2026-11-23T08:46:27.0000000", "2026-11-23 08:46:27")
    assert not same_time("2026-11-23T08:46:28.0000000", "2026-11-23 08:46:27")
    assert not same_time("whenever", "2026-11-23 08:46:27")


@pytest.mark.parametrize("change", [AUTUMN, SPRING], ids=["autumn", "spring"])
@pytest.mark.parametrize("minutes", range(-90, 91, 15))
def test_no_label_and_no_void_is_missed_around_a_change_of_the_clocks(change: datetime, minutes: int) -> None:
    # given a label that was bought around the change, and one that was taken back then
    world = V1World(start=change - timedelta(days=2))
    world.deliver(an_order(1001, id="1"), an_order(1002, id="2"))
    old, _ = world.sim.do_buy_labels(limit=1)[0], None
    at = change + timedelta(minutes=minutes)
    world.time.now = at.timestamp()
    new = world.sim.do_buy_labels()[0]
    world.sim.do_void_label(old)
    # when every quarter of an hour reads what has changed since the last one, with the hub's usual overlap
    told = set()
    since = change - timedelta(hours=3)
    while since < change + timedelta(hours=3):
        until = since + timedelta(minutes=15)
        world.time.now = max(world.time.now, until.timestamp())
        if until >= at:
            found = world.parcels(since=since - timedelta(minutes=10))
            told |= {(parcel.id, parcel.voided) for parcel in found}
        since = until
    # then both were told
    assert {(f"label-se-{new}", False), (f"label-se-{old}", True)} <= told


@pytest.mark.parametrize("minutes", [-90, -30, 30, 90])
def test_a_watermark_never_runs_ahead_of_the_label(minutes: int) -> None:
    # given a label bought in the hour that happens twice
    at = AUTUMN + timedelta(minutes=minutes)
    world = V1World(start=at - timedelta(days=2))
    world.deliver(an_order())
    world.time.now = at.timestamp()
    world.sim.do_buy_labels()
    # when it is read
    (*_, last) = world.pages(since=at - timedelta(days=1))
    # then the next reading begins at it or an hour before it, never after it
    assert last.watermark is not None
    assert at - last.watermark in (timedelta(), AMBIGUITY)


def test_an_orders_own_times_are_pacific() -> None:
    world = V1World()
    world.deliver(an_order())
    assert world.orders[0]["orderDate"] == "2026-11-20T04:00:00.0000000"
    assert world.orders[0]["paymentDate"] == "2026-11-20T04:00:00.0000000"


def test_a_clock_that_is_set_back_makes_no_window_longer() -> None:
    # given an answer that says that nothing is left of this window of half a minute
    now, slept = [1_000_000.0], list[float]()
    pace = SharedPace(Paced(RATES, clock=lambda: now[0], sleep=slept.append), lambda: now[0], slept.append)
    pace.heard(httpx.Response(200, headers={"x-rate-limit-remaining": "0", "x-rate-limit-reset": "30"}))
    # when our clock is set back by a day, and calls are made
    now[0] -= 86_400
    pace.wait()
    pace.wait()
    # then one window is waited for, once
    assert slept == [60.0]
