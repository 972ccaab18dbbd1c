"""What people write into spreadsheets: read when it is clear, held when it is not, and never guessed."""

from __future__ import annotations

import codecs
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.errors import UnexpectedAnswer
from commerce.ports import StockSource, Unreadable
from integrations.csv.mapping import number
from integrations.csv.settings import CsvSettings
from integrations.csv.table import lines_of
from tests.integrations.csv.conftest import STOCK, Connect, Write, held, levels, named


def test_a_file_is_a_stock_source(connect: Connect) -> None:
    assert isinstance(connect(), StockSource)


def test_every_row_is_a_level(connect: Connect, write: Write) -> None:
    client = connect(path=str(write(STOCK)))
    assert levels(client) == {"MUG-RED": "7", "MUG-BLUE": "-1", "HAT": "2.5"}
    first = next(iter(client.stock()))
    assert first.model_dump(mode="json") == {
        "source": "sheet",
        "sku": "MUG-RED",
        "location": "1",
        "on_hand": "7",
        "committed": "0",
        "available": "7",
        "as_of": "2026-11-23T09:00:00Z",
    }


@pytest.mark.parametrize(
    "text",
    [
        "SKU, Quantity \nA,5\n",
        "\ufeffsku,quantity\nA,5\n",
        "sku;quantity\nA;5\n",
        "sku\tquantity\r\nA\t5\r\n",
        "sku|quantity\nA|5",
        "sep=;\nsku;quantity\nA;5\n",
        "\n\n  sku,quantity\n\n,\n A , 5 \n\n",
        '"sku","quantity"\n"A","5"\n',
        'name,quantity,sku\n"a mug,\nin two lines, with a ""handle""",5,A\n',
        "quantity,sku,note\n5,A\n",
        "sku,quantity\rA,5\r",
        'sku,"quantity"\nA,5\nB,\n'.replace("B,\n", ""),
    ],
)
def test_in_whichever_dress_the_table_comes(connect: Connect, write: Write, text: str) -> None:
    assert levels(connect(path=str(write(text)))) == {"A": "5"}


@pytest.mark.parametrize(
    ("written", "setting"),
    [
        ("utf-8", "auto"),
        ("utf-8-sig", "auto"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "auto"),
        ("utf-16", "utf-16"),
        ("cp1252", "cp1252"),
        ("latin-1", "latin-1"),
    ],
)
def test_in_whichever_letters_it_is_written(connect: Connect, write: Write, written: str, setting: str) -> None:
    file = write("sku,quantity\nTASSE-GRÜN,5\n".encode(written))
    assert levels(connect(path=str(file), encoding=setting)) == {"TASSE-GRÜN": "5"}


def test_the_other_end_of_utf_16_is_understood(connect: Connect, write: Write) -> None:
    file = write(codecs.BOM_UTF16_BE + "sku,quantity\nA,5\n".encode("utf-16-be"))
    assert levels(connect(path=str(file))) == {"A": "5"}


def test_letters_that_are_not_what_was_said_stop_the_run(connect: Connect, write: Write) -> None:
    file = write("sku,quantity\nTASSE-GRÜN,5\n".encode("cp1252"))
    with pytest.raises(UnexpectedAnswer, match=r"not written in utf-8 \(byte 21\)") as refused:
        list(connect(path=str(file)).stock())
    assert "cp1252" in refused.value.hint


def test_columns_have_the_names_that_the_file_gives_them(connect: Connect, write: Write) -> None:
    file = write("Artikel;Lager;Frei \n A-1 ;Main;5\nA-1;East;2\n")
    client = connect(path=str(file), sku_column="artikel", quantity_column="FREI", location_column="Lager")
    assert levels(client) == {"A-1@Main": "5", "A-1@East": "2"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("article,quantity\nA,5\n", "the file has no column 'sku'; its first line is: article, quantity"),
        ("sku;stock\nA;5\n", "the file has no column 'quantity'; its first line is: sku, stock"),
        ("sku,quantity,SKU\nA,5,B\n", "the file has more than one column 'sku'"),
        ("A,5\nB,7\n", "the file has no column 'sku'; its first line is: A, 5"),
        ('{"sku": "A"}', "the file has no column 'sku'"),
        ("<html><body>Log in</body></html>", "the file is a web page or XML, no CSV"),
        ("\ufeff <?xml version='1.0'?><a/>", "the file is a web page or XML, no CSV"),
        ("", "the file is empty"),
        ("\ufeff\n \n", "the file is empty"),
        ("sku,quantity\n", "the file has 0 rows where at least 1 are expected"),
        ("sku,quantity\nA,5\nB", r"the last line \(3\) breaks off"),
        ('sku,quantity\nA,5\n"B', "line 3 breaks off or is quoted wrongly"),
        ('sku,quantity\n"A"x,5\nB,7\n', "line 2 breaks off or is quoted wrongly"),
        (f'sku,quantity\nA,5\n"{"x" * 200_000}",7\n', "line 3 breaks off or is quoted wrongly"),
    ],
)
def test_what_is_no_whole_table_stops_the_run(connect: Connect, write: Write, text: str, words: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=words):
        list(connect(path=str(write(text))).stock())


def test_a_row_that_is_unclear_holds_only_itself(connect: Connect, write: Write) -> None:
    # given rows without SKU, without quantity, without its cell, and with words or damage for a quantity
    rows = ["A,5", ",7", "B,", "C", "D,12 pcs", "E,(5)", 'F,"1,234"', "G,1E+99", "H,NaN", "I,5-", "J,٣", "K,0"]
    file = write("sku,quantity\n" + "\n".join(rows) + "\n")
    # when
    found = list(connect(path=str(file)).stock())
    # then what is clear goes on, zero too, and the others say their line
    assert named(found) == {"A": "5", "K": "0"}
    assert [one.reason for one in found if isinstance(one, Unreadable)] == [
        "line 3 of the file has no SKU",
        "line 4 of the file has no quantity for SKU B",
        "line 5 of the file has no quantity for SKU C",
        "line 6 of the file has '12 pcs' as quantity of SKU D",
        "line 7 of the file has '(5)' as quantity of SKU E",
        "line 8 of the file has '1,234' as quantity of SKU F",
        "line 9 of the file has '1E+99' as quantity of SKU G",
        "line 10 of the file has 'NaN' as quantity of SKU H",
        "line 11 of the file has '5-' as quantity of SKU I",
        "line 12 of the file has '٣' as quantity of SKU J",
    ]


def test_a_row_without_its_location_is_held(connect: Connect, write: Write) -> None:
    client = connect(path=str(write("sku,quantity,location\nA,5,\nB,7,Main\n")), location_column="location")
    assert held(client) == ["line 2 of the file has no location"]


def test_a_sku_that_comes_twice_is_held_and_not_added_up(connect: Connect, write: Write) -> None:
    found = list(connect(path=str(write("sku,quantity\nA,5\nB,7\n A,3\na,1\n"))).stock())
    assert named(found) == {"B": "7", "a": "1"}
    [doubled] = [one for one in found if isinstance(one, Unreadable)]
    assert (doubled.subject, doubled.reason) == ("sheet:1/A", "SKU A comes 2 times for location 1 (lines 2, 4)")
    assert 'duplicates = "sum"' in doubled.hint


def test_rows_are_added_up_when_the_merchant_says_so(connect: Connect, write: Write) -> None:
    # given a file with a row for each bin, one of which cannot be read
    client = connect(path=str(write("sku,quantity\nA,5\nB,7\nA,3\nB,some\n")), duplicates="sum")
    found = list(client.stock())
    # then a sum that lacks a part is no sum
    assert named(found) == {"A": "8"}
    assert held(client) == ["line 5 of the file has 'some' as quantity of SKU B"]


def test_a_trailer_says_that_the_file_is_whole(connect: Connect, write: Write) -> None:
    whole = "sku,quantity\nA,5\nB,7\nEND,2\n"
    assert levels(connect(path=str(write(whole)), trailer="end")) == {"A": "5", "B": "7"}
    assert levels(connect(path=str(write("sku,quantity\nA,5\nEND\n")), trailer="END")) == {"A": "5"}
    for cut, words in (
        (whole[:-7], "does not end with 'END'"),
        ("sku,quantity\nB,7\nEND,2\n", "has 1 rows, and its last line counts 2"),
        ("sku,quantity\n", "does not end with 'END'"),
    ):
        with pytest.raises(UnexpectedAnswer, match=words):
            list(connect(path=str(write(cut)), trailer="END").stock())


def test_fewer_rows_than_a_whole_file_has_are_half_a_file(connect: Connect, write: Write) -> None:
    with pytest.raises(UnexpectedAnswer, match="the file has 3 rows where at least 100 are expected"):
        list(connect(path=str(write(STOCK)), minimum_rows=100).stock())


@pytest.mark.parametrize("cut", range(1, len(STOCK)))
def test_wherever_a_file_is_cut_no_sku_gets_a_number_that_is_not_a_beginning_of_its_own(
    connect: Connect, write: Write, cut: int
) -> None:
    """A cut within the last number cannot be seen; anywhere else it is, or the row is whole."""
    whole = {"MUG-RED": "7", "MUG-BLUE": "-1", "HAT": "2.5"}
    try:
        found = named(list(connect(path=str(write(STOCK[:cut]))).stock()))
    except UnexpectedAnswer:
        return
    assert all(whole[sku].startswith(quantity.rstrip(".")) for sku, quantity in found.items())


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "is_"),
    [
        ("1.234,5", ",", ".", "1234.5"),
        ("1,234.5", ".", ",", "1234.5"),
        ("1 234,5", ",", " ", "1234.5"),
        ("1\u202f234", ".", " ", "1234"),
        ("1’234", ".", "'", "1234"),
        ("12,34", ".", ",", None),
        ("1,2345", ".", ",", None),
        ("1.234", ",", "", None),
        ("7,0", ",", "", "7.0"),
        ("1E+3", ".", "", "1E+3"),
        ("−3", ".", "", "-3"),
        ("+3", ".", "", "3"),
        (".5", ".", "", "0.5"),
        ("5.", ".", "", "5"),
        ("", ".", "", None),
        ("-", ".", "", None),
        ("0x10", ".", "", None),
        ("1_000", ".", "", None),
        ("Infinity", ".", "", None),
    ],
)
def test_numbers_are_read_as_the_settings_say(text: str, decimal: str, thousands: str, is_: str | None) -> None:
    found = number(text, decimal=decimal, thousands=thousands)
    assert found == (None if is_ is None else Decimal(is_))


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=3))
def test_what_a_spreadsheet_writes_with_separators_is_read_back(value: Decimal) -> None:
    assert number(f"{value:,}", decimal=".", thousands=",") == value
    german = f"{value:,}".translate(str.maketrans(",.", ".,"))
    assert number(german, decimal=",", thousands=".") == value


@given(st.text(max_size=20))
def test_no_text_breaks_the_reading_of_numbers(text: str) -> None:
    found = number(text, decimal=".", thousands=",")
    assert found is None or found.is_finite()


PIECES = st.sampled_from(
    ["sku", "quantity", ",", ";", "\t", "\n", "\r", '"', "A", "B", "5", "-1", " ", "END", "sep=;", "\0"]
)


@given(st.one_of(st.binary(max_size=80), st.lists(PIECES, max_size=25).map(lambda found: "".join(found).encode())))
def test_whatever_is_in_the_file_it_is_rows_or_refused(body: bytes) -> None:
    try:
        lines = lines_of(body, CsvSettings(name="sheet", path="stock.csv"))
    except UnexpectedAnswer:
        return
    assert lines
    assert all(0 < line.number <= body.count(b"\n") + body.count(b"\r") + 1 for line in lines)
