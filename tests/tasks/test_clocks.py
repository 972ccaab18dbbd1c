"""People are told once of a machine whose clock is wrong, and once when it is right again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from deployments.checking import findings
from ledger.clocks import SeenClock
from tests.journeys.house import House, Wrong
from tests.small_house import a_small_house, order

MINUTE = 60.0


def told(house: House) -> list[str]:
    """What people were told, oldest first."""
    return [str(one) for one in house.vendors["alerts"].state()["messages"] if "clock" in str(one)]


def a_round(house: House) -> None:
    """Routes run for an hour, and the watch looks each time."""
    for _ in range(12):
        order(house)
        house.clock.sleep(5 * MINUTE)
        house.orders_everywhere()
        house.tracking()
        house.watch()


def set_to(house: House, off: float) -> None:
    """Somebody sets the machine's clock."""
    assert isinstance(house.hub.clock, Wrong)
    house.hub.clock.off = off


@pytest.mark.parametrize(("off", "words"), [(14 * MINUTE, "14 minutes ahead"), (-30 * 3600.0, "30 hours behind")])
def test_a_wrong_clock_is_told_once_and_once_when_it_is_right_again(tmp_path: Path, off: float, words: str) -> None:
    # given a machine whose clock is wrong
    house = a_small_house(tmp_path, hub=off, ledger=off)
    # when routes run for two hours
    a_round(house)
    a_round(house)
    # then people are told once, in whose comparison, and what to do
    [alert] = [one.alert for one in house.hub.ledger.open_alerts() if one.alert.fingerprint.startswith("clock:")]
    assert words in alert.title
    assert "warehouse's" in alert.what
    assert "shop's" in alert.what
    assert "NTP" in alert.todo
    assert len(told(house)) == 1
    # and when it is set right, people are told once that it is over
    set_to(house, 0.0)
    a_round(house)
    assert [one for one in house.hub.ledger.open_alerts() if one.alert.fingerprint.startswith("clock:")] == []
    assert len(told(house)) == 2


@pytest.mark.parametrize("off", [0.0, 4 * MINUTE, -4 * MINUTE])
def test_a_clock_that_is_off_by_some_minutes_is_nobodys_business(tmp_path: Path, off: float) -> None:
    house = a_small_house(tmp_path, hub=off, ledger=off)
    a_round(house)
    assert told(house) == []


def test_a_vendor_that_disagrees_with_the_others_has_a_wrong_clock_itself(tmp_path: Path) -> None:
    # given a warehouse whose clock is an hour ahead
    house = a_small_house(tmp_path, warehouse=3600.0)
    # when routes run
    a_round(house)
    # then nobody is told to set ours
    assert told(house) == []
    # and whoever checks reads whose it is
    [line] = [one for one in findings(hub=house.hub) if one.subject == "clock"]
    assert line.ok
    assert "ours is 60 minutes behind warehouse's" in line.message


def test_check_says_by_how_much_the_clock_is_wrong(tmp_path: Path) -> None:
    # given a machine two hours behind
    house = a_small_house(tmp_path, hub=-7200.0)
    # when somebody checks everything, or one connection
    lines = [one for only in (None, "shop") for one in findings(only, house.hub) if one.subject == "clock"]
    # then it is said, with what to do
    assert [one.ok for one in lines] == [False, False]
    assert "this machine's clock is 2 hours behind books's" in lines[0].message
    assert "NTP" in lines[0].hint


def test_a_machine_that_runs_no_more_is_told_of_no_longer(tmp_path: Path) -> None:
    # given a container with a wrong clock, of which people were told
    house = a_small_house(tmp_path)
    a_round(house)
    theirs = house.clock.moment()
    house.hub.ledger.note_clock(SeenClock("shop", "container-1", theirs, theirs + timedelta(hours=1)))
    a_round(house)
    assert len(told(house)) == 1
    # when it is replaced by one with another name
    for _ in range(3):
        a_round(house)
    # then it is over, and in the end nothing is kept of it
    assert len(told(house)) == 2
    house.clock.sleep(2 * 86_400)
    a_round(house)
    assert "container-1" not in {one.machine for one in house.hub.ledger.seen_clocks()}


def test_an_answer_that_takes_long_is_no_wrong_clock(tmp_path: Path) -> None:
    # given a storefront whose answers arrive ten minutes after it has given them
    house = a_small_house(tmp_path)
    heard = house.hub.services("shop").times
    # when they are heard
    given = house.clock.moment()
    house.clock.sleep(10 * MINUTE)
    heard.heard(given, 10 * MINUTE)
    # then ours may be right
    assert house.hub.hearings["shop"].ahead == timedelta(0)
    # and with a quick answer it cannot be
    heard.heard(given, 1.0)
    assert house.hub.hearings["shop"].ahead == timedelta(minutes=10) - timedelta(seconds=2)


def test_a_vendor_without_a_date_says_nothing(tmp_path: Path) -> None:
    # given a proxy that takes the date away
    house = a_small_house(tmp_path, hub=3600.0)
    answer = house.vendors["shop"].answer

    def dateless(request: httpx.Request) -> httpx.Response:
        told = answer(request)
        told.headers["date"] = "soon"
        return told

    house.vendors["shop"].answer = dateless  # type: ignore[method-assign]
    # when orders are read
    order(house)
    house.record()
    # then they are there, and nothing is known of the clock
    assert house.hub.hearings["shop"].ahead is None
    assert house.on_their_way() == 3
