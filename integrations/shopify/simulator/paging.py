"""Cursor pagination. https://shopify.dev/docs/api/usage/pagination-graphql

A cursor remembers the sort key and direction it was made for; with others it is refused.
"""

from __future__ import annotations

import base64
import json
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from integrations.shopify.simulator.errors import FieldError

MOST = 250


@dataclass(slots=True)
class Page:
    """One page of a connection. `cursor(n)` names the n-th node."""

    nodes: Sequence[Any]
    cursor: Callable[[int], str]
    has_next: bool = False
    has_previous: bool = False


def page_size(args: Mapping[str, Any]) -> int:
    """`first` or `last`, exactly one of them, at most 250."""
    first, last = args.get("first"), args.get("last")
    if first is None and last is None:
        raise FieldError("you must provide one of first or last", "BAD_REQUEST")
    if first is not None and last is not None:
        raise FieldError("providing both first and last is not supported", "BAD_REQUEST")
    size = int(first or last or 0)
    if not 0 <= size <= MOST:
        raise FieldError(f"The requested page size {size} must be between 0 and {MOST}", "BAD_REQUEST")
    return size


def make_cursor(order: str, last_id: Any, last_value: Any) -> str:
    """An opaque cursor, base64 of JSON as Shopify's is today."""
    content = {"last_id": last_id, "last_value": last_value, "order": order}
    return base64.b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def read_cursor(order: str, cursor: str) -> tuple[Any, Any]:
    """(value, id) of the row that `cursor` stands behind."""
    try:
        content = json.loads(base64.b64decode(cursor))
        if content["order"] != order:
            raise FieldError("Invalid cursor for current pagination sort.", "BAD_REQUEST")
        return content["last_value"], content["last_id"]
    except (ValueError, KeyError, TypeError) as wrong:
        raise FieldError("Invalid cursor for current pagination sort.", "BAD_REQUEST") from wrong


def page_of(rows: Sequence[Any], args: Mapping[str, Any]) -> Page:
    """A page of a small list that is already in order; the cursor is the position."""
    size = page_size(args)
    if args.get("reverse"):
        rows = rows[::-1]
    start = _position(args.get("after"), -1) + 1
    end = _position(args.get("before"), len(rows))
    if args.get("last") is not None:
        start = max(start, end - size)
    stop = max(start, min(end, start + size))
    return Page(
        nodes=rows[start:stop],
        cursor=lambda n: make_cursor("POSITION", start + n, str(start + n)),
        has_next=stop < len(rows),
        has_previous=start > 0,
    )


def _position(cursor: str | None, default: int) -> int:
    return default if cursor is None else int(read_cursor("POSITION", cursor)[1])


Row = tuple[Any, int, Any]
"""(sort value, id, what it is about); ids are unique, so that rows have one order."""


def keyset_page(
    rows: Sequence[Row],
    order: str,
    args: Mapping[str, Any],
    keep: Callable[[Any], bool] | None = None,
    bounds: tuple[Any, Any] = (None, None),
) -> Page:
    """A page of ascending `rows` that `keep`; resumed by value, so that a row that moves away makes no gap.

    `bounds` are inclusive limits of the sort value that are known to hold for every row to be kept.
    """
    size, reverse, first = page_size(args), bool(args.get("reverse")), args.get("first") is not None
    label = f"{order}{' DESC' if reverse else ''}"
    low, high = _window(rows, label, args, reverse, bounds)
    ascending = first != reverse
    scan = range(low, high) if ascending else range(high - 1, low - 1, -1)
    chosen = list(islice((rows[n] for n in scan if keep is None or keep(rows[n][2])), size + 1))
    more, chosen = len(chosen) > size, chosen[:size]
    if not first:
        chosen.reverse()
    return Page(
        nodes=[row[2] for row in chosen],
        cursor=lambda n: make_cursor(label, chosen[n][1], chosen[n][0]),
        has_next=more if first else args.get("before") is not None,
        has_previous=args.get("after") is not None if first else more,
    )


def _window(
    rows: Sequence[Row], label: str, args: Mapping[str, Any], reverse: bool, bounds: tuple[Any, Any]
) -> tuple[int, int]:
    low, high = 0, len(rows)
    if bounds[0] is not None:
        low = bisect_left(rows, (bounds[0],))
    if bounds[1] is not None:
        high = bisect_left(rows, (bounds[1], float("inf")))
    after, before = (args.get("before"), args.get("after")) if reverse else (args.get("after"), args.get("before"))
    if after is not None:
        value, last_id = read_cursor(label, after)
        low = max(low, bisect_left(rows, (value, last_id + 1)))
    if before is not None:
        high = min(high, bisect_left(rows, tuple(read_cursor(label, before))))
    return low, max(low, high)
