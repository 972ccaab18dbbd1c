"""The list of capabilities is complete, honest in form, and names tests that exist."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "capabilities.md").read_text(encoding="utf-8")
STATES = ("yes", "partly", "no")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


class Row(NamedTuple):
    """One capability."""

    number: str
    what: str
    state: str
    missing: str
    proof: str


def rows() -> list[Row]:
    """Every row of every table."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line[:1] == "|"]
    return [Row(*row) for row in cells if row[0].isdigit()]


@cache
def existing(path: str) -> frozenset[str]:
    """The names of a file's test functions; none when there is no such file."""
    file = ROOT / path
    if not file.exists():
        return frozenset()
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef))


def test_every_capability_has_its_row() -> None:
    assert [row.number for row in rows()] == [str(number) for number in range(1, 63)]
    assert [row.number for row in rows() if not row.what] == []


def test_a_capability_is_there_partly_there_or_not() -> None:
    assert [row for row in rows() if row.state not in STATES] == []
    assert [row.number for row in rows() if row.state == "yes" and row.missing] == []
    assert [row.number for row in rows() if row.state == "partly" and not row.missing] == []


def test_the_counts_are_right() -> None:
    counts = Counter(row.state for row in rows())
    assert ", ".join(f"{counts[state]} `{state}`" for state in STATES) + "." in TEXT


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.number)
def test_what_is_there_names_tests_that_exist(row: Row) -> None:
    named = TEST.findall(row.proof)
    assert bool(named) == (row.state != "no")
    assert "<br>".join(f"`{path}::{name}`" for path, name in named) == row.proof
    assert [f"{path}::{name}" for path, name in named if name not in existing(path)] == []
