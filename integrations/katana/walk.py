"""Reading a list page by page, and noticing when it was not the whole list."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from commerce.errors import TemporarilyUnavailable, UnexpectedAnswer
from integrations.katana.schemas import Paging


class Walk:
    """One walk over all pages of `path`. Half a list is no list: whatever does not fit together raises.

    UnexpectedAnswer when Katana's own count disagrees with what it sent; TemporarilyUnavailable when the list changed
    between two pages, so that rows may have slipped past us: walking again helps.
    """

    def __init__(self, vendor: str, path: str, key: tuple[str, ...]) -> None:
        self.rows: list[dict[str, Any]] = []
        self.next_page = 1
        self.over = False
        self._vendor = vendor
        self._path = path
        self._key = key
        self._seen: set[tuple[Any, ...]] = set()
        self._total: int | None = None

    def take(self, header: str, body: Any) -> None:
        """Take in one answer: its `X-Pagination` header and its body."""
        paging, rows = self._paging(header), self._data(body)
        self._refuse_change(paging)
        self._keep(rows)
        self.over = paging.last_page or (paging.page >= paging.total_pages and not rows)
        if self.over:
            self._refuse_shortness(paging)
        elif not rows:
            raise self._cut(f"page {paging.page} of {paging.total_pages} is empty")
        self.next_page += 1

    def _paging(self, header: str) -> Paging:
        try:
            paging = Paging.model_validate_json(header)
        except ValidationError as error:
            raise self._cut(f"page {self.next_page} has no readable X-Pagination header ({header[:80]!r})") from error
        if paging.page != self.next_page:
            raise self._cut(f"asked for page {self.next_page}, got page {paging.page}")
        return paging

    def _data(self, body: Any) -> list[dict[str, Any]]:
        rows = body.get("data") if isinstance(body, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._cut(f"page {self.next_page} has no list of rows")
        return rows

    def _refuse_change(self, paging: Paging) -> None:
        if self._total is not None and paging.total_records != self._total:
            raise self._moved(f"from {self._total} to {paging.total_records} rows")
        self._total = paging.total_records

    def _keep(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            mark = tuple(row.get(name) for name in self._key)
            if mark in self._seen:
                raise self._moved(f"row {mark} came twice")
            self._seen.add(mark)
            self.rows.append(row)
        if self._total is not None and len(self.rows) > self._total:
            raise self._cut(f"{len(self.rows)} rows came although there are {self._total}")

    def _refuse_shortness(self, paging: Paging) -> None:
        if len(self.rows) != paging.total_records or paging.page < paging.total_pages:
            raise self._cut(
                f"the list ended on page {paging.page} of {paging.total_pages} "
                f"with {len(self.rows)} of {paging.total_records} rows"
            )

    def _cut(self, words: str) -> UnexpectedAnswer:
        hint = "nothing was changed; run it again, and ask the vendor if it stays"
        return UnexpectedAnswer(self._vendor, f"GET {self._path} was cut short: {words}", hint=hint)

    def _moved(self, words: str) -> TemporarilyUnavailable:
        return TemporarilyUnavailable(self._vendor, f"GET {self._path} changed while it was read: {words}")
