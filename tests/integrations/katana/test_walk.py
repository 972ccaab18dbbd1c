"""Pages: Katana writes their facts as text, and sometimes they do not fit together."""

from __future__ import annotations

import json
from typing import Any

import pytest

from commerce.errors import TemporarilyUnavailable, UnexpectedAnswer
from integrations.katana.walk import Walk


def header(**changes: Any) -> str:
    """An X-Pagination of two pages with three rows in all."""
    facts = {"total_records": "3", "total_pages": "2", "page": "1", "first_page": "true", "last_page": "false"}
    return json.dumps({**facts, **changes})


def rows(*ids: int) -> dict[str, Any]:
    return {"data": [{"id": number} for number in ids]}


def a_walk() -> Walk:
    return Walk("katana", "/things", ("id",))


def test_false_as_text_is_not_true() -> None:
    # given a first page of two
    walk = a_walk()
    walk.take(header(), rows(1, 2))
    # then there is more to come
    assert not walk.over
    assert walk.next_page == 2
    walk.take(header(page="2", last_page="true"), rows(3))
    assert walk.over
    assert walk.rows == [{"id": 1}, {"id": 2}, {"id": 3}]


def test_numbers_and_booleans_as_declared_are_fine_too() -> None:
    walk = a_walk()
    walk.take(json.dumps({"total_records": 1, "total_pages": 1, "page": 1, "last_page": True}), rows(1))
    assert walk.over


@pytest.mark.parametrize(
    ("facts", "body"),
    [
        ("", rows(1, 2)),
        (json.dumps({"page": 1}), rows(1, 2)),
        ("not json", rows(1, 2)),
        (header(last_page="perhaps"), rows(1, 2)),
        (header(page="2"), rows(1, 2)),
        (header(), rows()),
        (header(), {"data": "no list"}),
        (header(), [{"id": 1}]),
        (header(last_page="true"), rows(1, 2)),
        (header(total_records="1"), rows(1, 2)),
        (header(last_page="true", total_pages="2"), rows(1, 2, 3)),
    ],
)
def test_what_does_not_fit_together_is_refused(facts: str, body: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match="cut short"):
        a_walk().take(facts, body)


def test_a_row_that_comes_twice_means_that_another_was_missed() -> None:
    walk = a_walk()
    walk.take(header(), rows(1, 2))
    with pytest.raises(TemporarilyUnavailable, match="came twice"):
        walk.take(header(page="2", last_page="true"), rows(2))


def test_a_list_that_never_says_last_ends_with_an_empty_page() -> None:
    walk = a_walk()
    walk.take(header(total_pages="1"), rows(1, 2, 3))
    walk.take(header(total_pages="1", page="2"), rows())
    assert walk.over


def test_a_list_without_a_header_ends_with_an_empty_page() -> None:
    walk = a_walk()
    walk.take(None, rows(1, 2))
    walk.take(None, rows(3))
    assert not walk.over
    walk.take(None, rows())
    assert (walk.over, len(walk.rows)) == (True, 3)


def test_a_header_that_is_missing_from_a_later_page_is_a_cut() -> None:
    walk = a_walk()
    walk.take(header(), rows(1, 2))
    with pytest.raises(UnexpectedAnswer, match="cut short"):
        walk.take(None, rows(3))


def test_a_list_that_always_sends_the_same_page_ends() -> None:
    walk = a_walk()
    walk.take(None, {"data": [{"no": "id"}]})
    with pytest.raises(UnexpectedAnswer, match="the one before it again"):
        walk.take(None, {"data": [{"no": "id"}]})


def test_rows_that_do_not_say_who_they_are_are_not_taken_for_one() -> None:
    walk = a_walk()
    walk.take(header(total_pages="1", last_page="true"), {"data": [{"id": None}, {"id": None}, 7]})
    assert len(walk.rows) == 3
