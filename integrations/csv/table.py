"""From the file's bytes to the cells that we need."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from commerce.errors import UnexpectedAnswer
from integrations.csv.feed import VENDOR, CutShort
from integrations.csv.settings import CsvSettings

DELIMITERS = (",", ";", "\t", "|")
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Line:
    """One row: its line in the file, and its cells. None stands for a cell that the row does not have."""

    number: int
    sku: str | None
    quantity: str | None
    location: str | None


@dataclass(frozen=True)
class Columns:
    """Where the cells are in a row. `location` is None when the file has no such column."""

    sku: int
    quantity: int
    location: int | None

    @property
    def last(self) -> int:
        """The place of the last cell that we need."""
        return max(self.sku, self.quantity, self.location or 0)


def lines_of(body: bytes, settings: CsvSettings) -> list[Line]:
    """Every row that is not blank. Raises CutShort for half a file and UnexpectedAnswer for one that is no table."""
    text = decoded(body, settings.encoding)
    if not text.strip():
        raise CutShort("the file is empty")
    if text.lstrip()[:1] == "<":
        raise UnexpectedAnswer(VENDOR, "the file is a web page or XML, no CSV", hint="is it a page to log in?")
    delimiter, start, columns = heading(text, settings)
    rows = without_trailer(cells(text[start:], delimiter, text.count("\n", 0, start)), settings.trailer)
    if len(rows) < settings.minimum_rows:
        raise CutShort(f"the file has {len(rows)} rows where at least {settings.minimum_rows} are expected")
    if len(rows[-1][1]) <= columns.last:
        raise CutShort(f"the last line ({rows[-1][0]}) breaks off")
    return [to_line(number, row, columns, settings) for number, row in rows]


def decoded(body: bytes, encoding: str) -> str:
    """The file's text. Raises UnexpectedAnswer when it is written in other letters."""
    name = {"auto": "utf-8", "utf-8": "utf-8-sig"}.get(encoding, encoding)
    if encoding == "auto":
        name = next((known for mark, known in MARKS if body.startswith(mark)), name)
    try:
        return body.decode(name)
    except UnicodeDecodeError as error:
        raise UnexpectedAnswer(
            VENDOR,
            f"the file is not written in {name} (byte {error.start})",
            hint='set encoding, e.g. "cp1252" for a file that an older Excel saved',
        ) from None


def heading(text: str, settings: CsvSettings) -> tuple[str, int, Columns]:
    """What separates cells, where the rows begin, and where our columns are. Raises UnexpectedAnswer."""
    start = len(text) - len(text.lstrip("\r\n \ufeff"))
    given: str = "\t" if settings.delimiter == "tab" else settings.delimiter
    first = text[start:].partition("\n")[0].strip()
    if first.lower().startswith("sep=") and len(first) == 5:  # how Excel is told
        given = first[4] if given == "auto" else given
        start = text.find("\n", start) + 1
    found = {one: first_row(text[start:], one) for one in (DELIMITERS if given == "auto" else (given,))}
    for delimiter, (names, length) in found.items():
        with suppress(UnexpectedAnswer):
            return delimiter, start + length, columns_of(names, settings)
    delimiter, (names, length) = max(found.items(), key=lambda one: len(one[1][0]))
    return delimiter, start + length, columns_of(names, settings)  # raises, and says which one is missing


def first_row(text: str, delimiter: str) -> tuple[list[str], int]:
    """The cells of the first row, and how many letters it takes. A heading may have line breaks in its cells."""
    source = io.StringIO(text, newline="")
    try:
        names = next(csv.reader(iter(source.readline, ""), delimiter=delimiter, skipinitialspace=True, strict=True))
    except (csv.Error, StopIteration):
        return [], 0
    return names, source.tell()


def columns_of(names: Sequence[str], settings: CsvSettings) -> Columns:
    """Where our columns are. Capital letters and spaces do not matter. Raises UnexpectedAnswer."""
    known = [plain(name) for name in names]

    def place(wanted: str) -> int:
        found = [at for at, name in enumerate(known) if name == plain(wanted)]
        if len(found) != 1:
            there = ", ".join(name.strip()[:40] for name in names[:20])
            count = "no column" if not found else "more than one column"
            raise UnexpectedAnswer(
                VENDOR,
                f"the file has {count} {wanted!r}; its first line is: {there}",
                hint="set sku_column, quantity_column, location_column or delimiter as the file has them",
            )
        return found[0]

    location = place(settings.location_column) if settings.location_column else None
    return Columns(place(settings.sku_column), place(settings.quantity_column), location)


def plain(name: str) -> str:
    """A heading as it is compared."""
    return " ".join(name.replace("\ufeff", "").split()).casefold()


def cells(text: str, delimiter: str, lines_before: int) -> list[tuple[int, list[str]]]:
    """Every row that is not blank, with the number of the line it ends on. Raises CutShort."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        return [(lines_before + reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise CutShort(f"line {lines_before + reader.line_num} breaks off or is quoted wrongly ({error})") from error


def without_trailer(rows: list[tuple[int, list[str]]], trailer: str) -> list[tuple[int, list[str]]]:
    """The rows without the line that ends a whole file. Raises CutShort when it is not there or counts otherwise."""
    if not trailer:
        return rows
    last = [cell.strip() for cell in rows[-1][1]] if rows else []
    if not last or last[0].casefold() != trailer.strip().casefold():
        raise CutShort(f"the file does not end with {trailer!r}")
    counted = last[1] if len(last) > 1 else ""
    if counted.isascii() and counted.isdigit() and int(counted) != len(rows) - 1:
        raise CutShort(f"the file has {len(rows) - 1} rows, and its last line counts {counted}")
    return rows[:-1]


def to_line(number: int, row: Sequence[str], columns: Columns, settings: CsvSettings) -> Line:
    """The row's cells that we need."""

    def cell(at: int) -> str | None:
        return row[at].strip() if at < len(row) else None

    location = settings.location if columns.location is None else cell(columns.location)
    return Line(number, cell(columns.sku), cell(columns.quantity), location)
