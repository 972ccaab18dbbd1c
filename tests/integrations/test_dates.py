"""A vendor's clock, as its answers tell it."""

from __future__ import annotations

import httpx
import pytest

from integrations.dates import answered_at


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ([("date", "Mon, 23 Nov 2026 12:00:00 GMT")], "2026-11-23T12:00:00+00:00"),
        ([("date", "Mon, 23 Nov 2026 14:00:00 +0200")], "2026-11-23T12:00:00+00:00"),
        ([("date", "Mon, 23 Nov 2026 12:00:00 GMT"), ("age", "90")], "2026-11-23T12:01:30+00:00"),
        ([("date", "Mon, 23 Nov 2026 12:00:00 GMT"), ("age", "soon")], None),
        ([("date", "Mon, 23 Nov 2026 12:00:00 GMT"), ("age", "-1")], None),
        ([("date", "Mon, 23 Nov 2026 12:00:00 GMT"), ("age", "9000000")], None),
        ([("date", "Mon, 23 Nov 2026 12:00:00 GMT")] * 2, None),
        ([("date", "today")], None),
        ([("date", "Mon, 23 Nov 99999999999999999999 12:00:00 GMT")], None),
        ([], None),
    ],
)
def test_an_answer_tells_when_it_was_given(headers: list[tuple[str, str]], told: str | None) -> None:
    found = answered_at(httpx.Response(200, headers=headers))
    assert (found and found.isoformat()) == told
