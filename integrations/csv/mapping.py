"""Rows of the file as stock levels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from commerce.ports import Unreadable
from commerce.stock import StockLevel
from integrations.csv.settings import CsvSettings
from integrations.csv.table import Line

SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2212": "-", "\u2019": "'"})
MOST = Decimal(10**12)
"""No shelf holds more. A number that claims so is a fault, and costs much to calculate with."""
LEFT_ALONE = "its stock was left as it was; correct the file"


class NoQuantity(ValueError):
    """A cell that is no number, in words for people."""


def to_levels(settings: CsvSettings, lines: Iterable[Line], as_of: datetime) -> Iterator[StockLevel | Unreadable]:
    """One level for each SKU and location, in the file's order; what is unclear holds only its own SKU."""
    grouped: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        if not line.sku or not line.location:
            yield nameless(settings.name, line)
        else:
            grouped.setdefault((line.sku, line.location), []).append(line)
    for key, found in grouped.items():
        yield to_level(settings, key, found, as_of)


def to_level(
    settings: CsvSettings, key: tuple[str, str], lines: list[Line], as_of: datetime
) -> StockLevel | Unreadable:
    """The level of one SKU at one location. Rows that disagree, or one that cannot be read, leave it as it was."""
    sku, location = key
    subject = f"{settings.name}:{location}/{sku}"
    if len(lines) > 1 and settings.duplicates == "refuse":
        where = ", ".join(str(line.number) for line in lines[:10])
        reason = f"SKU {sku} comes {len(lines)} times for location {location} (lines {where})"
        return Unreadable(subject=subject, label=sku, reason=reason, hint='leave one, or set duplicates = "sum"')
    try:
        quantity = sum((quantity_of(settings, line) for line in lines), Decimal(0))
    except NoQuantity as wrong:
        return Unreadable(subject=subject, label=sku, reason=str(wrong), hint=LEFT_ALONE)
    return StockLevel(
        source=settings.name,
        sku=sku,
        location=location,
        on_hand=quantity,
        committed=Decimal(0),
        available=quantity,
        as_of=as_of,
    )


def nameless(source: str, line: Line) -> Unreadable:
    """A row that does not say which SKU it is about, or where that is."""
    lacks = "no SKU" if not line.sku else "no location"
    return Unreadable(
        subject=f"{source}:{line.location or '?'}/{line.sku or f'line {line.number}'}",
        label=line.sku or f"line {line.number}",
        reason=f"line {line.number} of the file has {lacks}",
        hint=LEFT_ALONE,
    )


def quantity_of(settings: CsvSettings, line: Line) -> Decimal:
    """The row's quantity. Raises NoQuantity."""
    if not line.quantity:
        raise NoQuantity(f"line {line.number} of the file has no quantity for SKU {line.sku}")
    found = number(line.quantity, decimal=settings.decimal, thousands=settings.thousands)
    if found is None:
        raise NoQuantity(f"line {line.number} of the file has {line.quantity[:40]!r} as quantity of SKU {line.sku}")
    return found


def number(text: str, *, decimal: str, thousands: str) -> Decimal | None:
    """The number that the text is, written as the settings say; None for anything else, such as "12 pcs"."""
    given = text.translate(SPACES).strip()
    point = re.escape(decimal)
    whole = r"\d+"
    if thousands:
        whole = rf"(?:\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|\d+)"
    if not re.fullmatch(rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d{{1,3}})?", given, re.ASCII):
        return None
    if thousands:
        given = given.replace(thousands, "")
    found = Decimal(given.replace(decimal, "."))
    return found if abs(found) < MOST else None
