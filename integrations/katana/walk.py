"""Reading a list page by page, and noticing when it was not the whole list."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from commerce.errors import TemporarilyUnavailable, UnexpectedAnswer
from integrations.katana.schemas import Paging

MOST_PAGES = 10_000
"""A list of more pages is one that never ends."""


class ListCut(UnexpectedAnswer):
    """Katana's own count disagrees with what it sent."""


class ListMoved(TemporarilyUnavailable):
    """The list changed between two pages, so that rows may have slipped past us: walking again helps."""


class Walk:
    """One walk over all pages of `path`. Half a list is no list: whatever does not fit together raises.

    Raises ListCut or ListMoved. A row that is no object is kept as it came, for whoever reads rows to hold. A list
    whose first page has no `X-Pagination` at all is read until an empty page, as nothing else says where it ends.
    """

    def __init__(self, vendor: str, path: str, key: tuple[str, ...]) -> None:
        self.rows: list[Any] = []
        self.next_page = 1
        self.over = False
        self._vendor = vendor
        self._path = path
        self._key = key
        self._seen: set[tuple[str, ...]] = set()
        self._total: int | None = None
        self._uncounted = False
        self._before: list[Any] = []

    def take(self, header: str | None, body: Any) -> None:
        """Take in one answer: its `X-Pagination` header, None when there was none, and its body."""
        if self.next_page > MOST_PAGES:
            raise self._cut(f"there is no end after {MOST_PAGES} pages")
        rows = self._data(body)
        self._uncounted = header is None and (self._uncounted or self.next_page == 1)
        if self._uncounted:
            self._take_uncounted(rows)
        else:
            self._take_counted(self._paging(header or ""), rows)
        self._before = rows
        self.next_page += 1

    def _take_counted(self, paging: Paging, rows: list[Any]) -> None:
        if self._total is not None and paging.total_records != self._total:
            raise self._moved(f"from {self._total} to {paging.total_records} rows")
        self._total = paging.total_records
        self._keep(rows)
        self.over = paging.last_page or (paging.page >= paging.total_pages and not rows)
        if self.over:
            self._refuse_shortness(paging)
        elif not rows:
            raise self._cut(f"page {paging.page} of {paging.total_pages} is empty")

    def _take_uncounted(self, rows: list[Any]) -> None:
        if rows and rows == self._before:
            raise self._cut(f"page {self.next_page} is the one before it again")
        self._keep(rows)
        self.over = not rows

    def _paging(self, header: str) -> Paging:
        try:
            paging = Paging.model_validate_json(header)
        except ValidationError as error:
            raise self._cut(f"page {self.next_page} has no readable X-Pagination header ({header[:80]!r})") from error
        if paging.page != self.next_page:
            raise self._cut(f"asked for page {self.next_page}, got page {paging.page}")
        return paging

    def _data(self, body: Any) -> list[Any]:
        rows = body.get("data") if isinstance(body, dict) else None
        if not isinstance(rows, list):
            raise self._cut(f"page {self.next_page} has no list of rows")
        return rows

    def _keep(self, rows: list[Any]) -> None:
        for row in rows:
            mark = self._mark(row)
            if mark in self._seen:
                raise self._moved(f"row {mark} came twice")
            if mark:
                self._seen.add(mark)
            self.rows.append(row)
        if self._total is not None and len(self.rows) > self._total:
            raise self._cut(f"{len(self.rows)} rows came although there are {self._total}")

    def _mark(self, row: Any) -> tuple[str, ...]:
        """What no other row has; empty for a row that does not say, which is no reason to take two for one."""
        if not isinstance(row, dict):
            return ()
        found = [row.get(name) for name in self._key]
        return tuple(str(one) for one in found) if all(isinstance(one, int | str) for one in found) else ()

    def _refuse_shortness(self, paging: Paging) -> None:
        if len(self.rows) != paging.total_records or paging.page < paging.total_pages:
            raise self._cut(
                f"the list ended on page {paging.page} of {paging.total_pages} "
                f"with {len(self.rows)} of {paging.total_records} rows"
            )

    def _cut(self, words: str) -> ListCut:
        hint = "nothing was changed; run it again, and ask the vendor if it stays"
        return ListCut(self._vendor, f"GET {self._path} was cut short: {words}", hint=hint)

    def _moved(self, words: str) -> ListMoved:
        return ListMoved(self._vendor, f"GET {self._path} changed while it was read: {words}")
