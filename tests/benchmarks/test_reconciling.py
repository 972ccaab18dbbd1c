"""The measured comparison is a right one: it expects every order, and misses just what was deleted."""

from __future__ import annotations

from pathlib import Path

from benchmarks.reconciling import DELETED, measure


def test_what_was_deleted_is_missed_and_nothing_else(tmp_path: Path) -> None:
    figures = measure(60, "Pacific/Auckland", tmp_path)
    assert figures["right"], figures
    assert figures["reports"]["books"][2] == {"missing": DELETED}
