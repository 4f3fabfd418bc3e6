"""Rows written a column at a time, read back by two readers and held against what openpyxl itself writes cell by cell."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from reporter.core.language import ENGLISH
from reporter.core.table import Column, Kind, Table
from reporter.reports import columnar
from reporter.reports.cell_text import RISKY, clean
from reporter.reports.cells import add
from reporter.reports.package import Book
from reporter.reports.sheet import Sheet, Shown, shown
from tests.examples import examples
from tests.reports.views import HOSTILE, NOW

KINDS = Table(
    "kinds",
    "One column of each kind",
    ("text",),
    (
        Column("text", Kind.TEXT, "text", nullable=True),
        Column("category", Kind.CATEGORY, "category", nullable=True),
        Column("integer", Kind.INTEGER, "integer: in each row, for readers pass over empty rows at the end"),
        Column("number", Kind.NUMBER, "number", nullable=True),
        Column("flag", Kind.FLAG, "flag", nullable=True),
        Column("time", Kind.TIME, "time", nullable=True),
        Column("texts", Kind.TEXTS, "texts", nullable=True),
        Column("integers", Kind.INTEGERS, "integers", nullable=True),
    ),
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(HOSTILE)
ROWS = st.lists(
    st.tuples(
        st.none() | TEXTS,
        st.none() | st.sampled_from(("PASS", "FAIL", "=1+1", "Größe", "a & b")),
        st.integers(-(2**53), 2**53),
        st.none() | st.integers(-(10**12), 10**12).map(lambda value: value / 1000),  # openpyxl writes 16 digits, we all
        st.none() | st.booleans(),
        st.none() | st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)).map(lambda value: value.replace(tzinfo=UTC)),  # noqa: DTZ001
        st.lists(TEXTS, max_size=3).map(tuple),
        st.lists(st.integers(-9, 10**6), max_size=3).map(tuple),
    ),
    max_size=12,
)


def written(frame: pd.DataFrame, columns: tuple[Shown, ...], **changes: Any) -> bytes:
    made, target = Book("Kinds", NOW), io.BytesIO()
    add(made, ENGLISH, Sheet("Kinds", "Kinds", columns, frame, "kinds.csv", **changes))
    made.write_to(target)
    return target.getvalue()


def cell_by_cell(rows: list[tuple[Any, ...]]) -> bytes:
    """The same rows, by openpyxl's write-only book."""
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet("Kinds")
    page.append(list(KINDS.names))
    for row in rows:
        page.append([_cell(page, value) for value in row])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _cell(page: Any, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    if isinstance(value, tuple):
        value = ", ".join(str(item) for item in value)
    if not isinstance(value, str):
        return value
    cell = openpyxl.cell.WriteOnlyCell(page)
    cell.value, cell.data_type = clean(value), "s"
    return cell


def by_openpyxl(book: bytes) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(io.BytesIO(book))["Kinds"].iter_rows(values_only=True))


def by_calamine(book: bytes) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_name("Kinds").to_python()


@examples(20)
@given(ROWS)
def test_two_readers_find_no_difference_from_what_openpyxl_writes_cell_by_cell(rows: list[tuple[Any, ...]]) -> None:
    ours, theirs = written(KINDS.frame(rows), shown(ENGLISH, KINDS, KINDS.names)), cell_by_cell(rows)
    assert by_openpyxl(ours) == by_openpyxl(theirs)
    assert by_calamine(ours) == by_calamine(theirs)


def test_blocks_follow_each_other_without_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "_BLOCK", 3)
    frame = KINDS.frame([(f"r{number}", None, number, None, None, None, (), ()) for number in range(10)])
    found = by_openpyxl(written(frame, shown(ENGLISH, KINDS, KINDS.names)))
    assert [(row[0], row[2]) for row in found[1:]] == [(f"r{number}", number) for number in range(10)]


def test_an_instant_is_written_to_the_second_and_not_rounded_up() -> None:
    instant = datetime(2026, 11, 24, 23, 59, 59, 999_999, tzinfo=UTC)
    frame = KINDS.frame([(None, None, 1, None, None, instant, (), ())])
    assert by_openpyxl(written(frame, shown(ENGLISH, KINDS, KINDS.names)))[1][5] == datetime(2026, 11, 24, 23, 59, 59)  # noqa: DTZ001


def test_a_column_of_days_may_hold_words_instants_and_nothing() -> None:
    values = [date(2027, 3, 31), NOW + timedelta(microseconds=1), "next spring", "=1+1", None]
    frame = pd.DataFrame({"day": pd.Series(values, dtype="object")})
    book = openpyxl.load_workbook(io.BytesIO(written(frame, (Shown("day", "Day", Kind.TIME, day=True),))))["Kinds"]
    cells = [row[0] for row in book.iter_rows(min_row=2, max_row=6)]
    assert [cell.value for cell in cells[:4]] == [datetime(2027, 3, 31), NOW.replace(tzinfo=None), "next spring", "=1+1"]  # noqa: DTZ001
    assert [cell.data_type for cell in cells] == ["d", "d", "s", "s", "n"]
    assert [cell.quotePrefix for cell in cells[:4]] == [False, False, False, True]


def test_a_categorical_column_is_text_like_any_other() -> None:
    frame = pd.DataFrame({"word": pd.Categorical(["b", None, "a", "b"])})
    found = by_openpyxl(written(frame, (Shown("word", "Word", Kind.CATEGORY),)))
    assert [row[0] for row in found] == ["Word", "b", None, "a", "b"]


def test_a_number_that_is_none_is_an_empty_cell() -> None:
    frame = pd.DataFrame({"number": pd.array([float("inf"), 1.5], dtype="Float64")})
    assert [row[0] for row in by_openpyxl(written(frame, (Shown("number", "Number", Kind.NUMBER),)))] == ["Number", None, 1.5]


def test_plain_text_is_only_what_means_itself_and_risks_nothing() -> None:
    signs = [chr(code) for code in range(1, 0x11000) if not 0xD800 <= code < 0xE000]
    for around in ("{}", "a{}", "{}a", "a{}a"):
        texts = [around.format(sign) for sign in signs]
        plain = pc.match_substring_regex(pa.array(texts, pa.large_string()), columnar._PLAIN).to_pylist()
        wrong = [text for text, said in zip(texts, plain, strict=True) if said and not _means_itself(text)]
        assert wrong == []
    assert pc.all(
        pc.match_substring_regex(pa.array(["i-0123456789abcdef0", "Öffentlich: 5 %", "a/b (c)"], pa.large_string()), columnar._PLAIN)
    ).as_py()


def _means_itself(text: str) -> bool:
    return clean(text) == text and not set(text) & set("&<>") and text == text.strip() and text.isprintable() and not text.startswith(RISKY)
