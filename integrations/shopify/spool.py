"""A bulk result on disk, sorted by order: its lines come mixed, and a history does not fit into memory.

https://shopify.dev/docs/api/usage/bulk-operations/queries#the-jsonl-data-format
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

TABLES = """
CREATE TABLE parents (id TEXT PRIMARY KEY, place TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE children (parent TEXT NOT NULL, body TEXT NOT NULL);
"""
READY = "CREATE INDEX by_place ON parents (place, id); CREATE INDEX by_parent ON children (parent);"

Raw = dict[str, Any]


class Spool:
    """Objects with their children, in a file of its own that is gone afterwards. Not for several threads at once."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="backroom-bulk-")
        # A generator may be continued by another thread than the one that began it.
        self._db = sqlite3.connect(Path(self._folder.name) / "lines.sqlite", check_same_thread=False)
        self._db.executescript(TABLES)

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()
        self._folder.cleanup()

    def load(self, lines: Iterable[bytes], place: Callable[[Raw], str]) -> int:
        """Keep every line; `place` is what parents are sorted by. Returns their number.

        Raises ValueError for a line that is no object, and KeyError for a parent without an id.
        """
        count = 0
        with self._db:
            for line in lines:
                one = json.loads(line)
                if not isinstance(one, dict):
                    raise ValueError("a line that is no object")
                count += 1
                body = json.dumps(one)
                if "__parentId" in one:
                    self._db.execute("INSERT INTO children VALUES (?, ?)", (str(one["__parentId"]), body))
                else:
                    row = (str(one["id"]), place(one), body)
                    self._db.execute("INSERT OR REPLACE INTO parents VALUES (?, ?, ?)", row)
        self._db.executescript(READY)
        return count

    def orphans(self) -> int:
        """Children whose parent did not come."""
        query = "SELECT count(*) FROM children WHERE parent NOT IN (SELECT id FROM parents)"
        return int(self._db.execute(query).fetchone()[0])

    def parents(self) -> int:
        """How many parents came."""
        return int(self._db.execute("SELECT count(*) FROM parents").fetchone()[0])

    def families(self, size: int) -> Iterator[list[tuple[Raw, list[Raw]]]]:
        """Parents with their children, `size` at a time, in order of their place."""
        place, last = "", ""
        while True:
            query = "SELECT id, place, body FROM parents WHERE (place, id) > (?, ?) ORDER BY place, id LIMIT ?"
            rows = self._db.execute(query, (place, last, size)).fetchall()
            if not rows:
                return
            yield [(json.loads(body), self._children(parent)) for parent, _, body in rows]
            last, place, _ = rows[-1]

    def _children(self, parent: str) -> list[Raw]:
        query = "SELECT body FROM children WHERE parent = ? ORDER BY rowid"
        return [json.loads(body) for (body,) in self._db.execute(query, (parent,))]
