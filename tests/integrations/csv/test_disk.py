"""A file on this machine: read whole, never while somebody writes it, and not when it is too old."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from commerce.errors import TemporarilyUnavailable, UnexpectedAnswer
from tests.integrations.csv.conftest import STOCK, Connect, Time, Write, levels

WHOLE = {"MUG-RED": "7", "MUG-BLUE": "-1", "HAT": "2.5"}


def test_a_quiet_file_is_read_at_once(connect: Connect, write: Write, clock: Time) -> None:
    assert levels(connect(path=str(write(STOCK)))) == WHOLE
    assert clock.slept == []


def test_a_file_that_was_written_to_just_now_is_left_alone_for_a_moment(
    connect: Connect, write: Write, clock: Time
) -> None:
    # given an export that is still on its way, and ends while we wait
    file = write(STOCK[:20], age_hours=0)
    clock.meanwhile = [lambda: write(STOCK, age_hours=0), lambda: None]
    # when, then it is waited for, and read when nobody writes any more
    assert levels(connect(path=str(file))) == WHOLE
    assert clock.slept == [5.0, 2.0, 3.0]


def test_a_file_that_is_written_all_the_time_is_left_for_the_next_run(
    connect: Connect, write: Write, clock: Time
) -> None:
    file = write(STOCK, age_hours=0)

    def goes_on() -> None:
        write(file.read_text() + "CUP,1\n", age_hours=0)

    clock.meanwhile = [goes_on] * 9
    with pytest.raises(TemporarilyUnavailable, match="is being written"):
        list(connect(path=str(file)).stock())


def test_a_clock_that_is_behind_the_files_own_does_not_wait_for_ever(
    connect: Connect, write: Write, clock: Time
) -> None:
    assert levels(connect(path=str(write(STOCK, age_hours=-1000)))) == WHOLE
    assert clock.slept == [5.0]


def test_a_file_that_is_replaced_at_once_is_whole(connect: Connect, write: Write, tmp_path: Path) -> None:
    # given a link that a program points to its newest file
    write("sku,quantity\nOLD,1\n", name="monday.csv")
    link = tmp_path / "current.csv"
    link.symlink_to("monday.csv")
    assert levels(connect(path=str(link))) == {"OLD": "1"}
    # when
    write(STOCK, name="tuesday.csv")
    fresh = tmp_path / "fresh"
    fresh.symlink_to("tuesday.csv")
    fresh.replace(link)
    # then
    assert levels(connect(path=str(link))) == WHOLE


def test_what_is_no_file_is_refused(connect: Connect, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "dangling.csv").symlink_to("nowhere.csv")
    for name, words in (
        ("", "is no file"),
        ("pipe.csv", "is no file"),
        ("nothing.csv", "cannot be read: No such file"),
        ("dangling.csv", "cannot be read: No such file"),
    ):
        with pytest.raises(UnexpectedAnswer, match=words) as refused:
            list(connect(path=str(tmp_path / name)).stock())
        assert refused.value.hint


def test_an_old_file_stops_the_run_and_says_so(connect: Connect, write: Write) -> None:
    file = write(STOCK, age_hours=27)
    assert levels(connect(path=str(file))) == WHOLE
    with pytest.raises(UnexpectedAnswer, match=r"the file is stale: written 27\.0 hours ago, more than 26"):
        list(connect(path=str(file), max_age_hours=26).stock())
    assert levels(connect(path=str(file), max_age_hours=28)) == WHOLE


def test_levels_are_as_of_the_moment_when_the_file_was_written(connect: Connect, write: Write, clock: Time) -> None:
    level = next(iter(connect(path=str(write(STOCK, age_hours=6))).stock()))
    assert level.as_of.timestamp() == clock() - 6 * 3600
    # and never later than now
    level = next(iter(connect(path=str(write(STOCK, age_hours=-6))).stock()))
    assert level.as_of.timestamp() == clock()


def test_a_packed_file_is_unpacked(connect: Connect, write: Write) -> None:
    packed = gzip.compress(STOCK[:20].encode()) + gzip.compress(STOCK[20:].encode())
    assert levels(connect(path=str(write(packed, name="stock.csv.gz")))) == WHOLE


@pytest.mark.parametrize("keep", [5, 15, 30])
def test_half_a_packed_file_is_no_file(connect: Connect, write: Write, keep: int) -> None:
    packed = gzip.compress(STOCK.encode())
    with pytest.raises(UnexpectedAnswer, match="packed file"):
        list(connect(path=str(write(packed[:keep]))).stock())


def test_a_file_beyond_all_measure_is_refused_packed_or_not(connect: Connect, write: Write) -> None:
    large = b"sku,quantity\n" + b"A,5\n" * 300_000
    for content in (large, gzip.compress(large)):
        with pytest.raises(UnexpectedAnswer, match="the file is larger than 1 MB"):
            list(connect(path=str(write(content)), most_megabytes=1).stock())
