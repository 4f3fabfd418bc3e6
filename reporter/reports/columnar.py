"""Rows of a sheet as XML, a column at a time: pyarrow's string kernels make the cells of a block of values at once.

openpyxl makes all else of the sheet; reports/package.py puts these rows into it. Text that is more than plain letters (what XML escapes, what
misleads, what a spreadsheet would take for a formula) is written one distinct text at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from reporter.core.table import Kind
from reporter.reports.cell_text import RISKY, clean

Strings: TypeAlias = "pa.LargeStringArray"
Column: TypeAlias = "pd.Series[Any]"
_BLOCK = 4_000
"""rows that are written at once"""
_SHORT = 16_383
"""characters that fit a cell whatever they are"""
_LETTERS = r"\x{a1}-\x{ac}\x{ae}-\x{24f}\x{2010}-\x{2015}\x{2018}-\x{201e}\x{2026}"
_PLAIN = rf"^[!-\"$%'-*,./0-9:;?A-Z\[-~{_LETTERS}](?:[ -%'-;=?-~{_LETTERS}]*[!-%'-;=?-~{_LETTERS}])?$"
"""text that means itself in XML and in a spreadsheet: nothing that is escaped or hidden, no blank at an end, nothing risky at its beginning"""
_EPOCH = 25_569
"""1970-01-01 as spreadsheets count days"""
_SECONDS = 86_400
_TEXT = pa.large_string()


@dataclass(frozen=True)
class Field:
    """One column: its letter, and how its cells look: numbers of styles as usual, of a text that must not become a formula, and of a link.

    `follows`: for each row, whether its cell is a link; None: none is.
    """

    name: str
    kind: Kind
    letter: str
    usual: int
    guarded: int
    linked: int
    follows: np.ndarray[Any, np.dtype[np.bool_]] | None = None


def rows(frame: pd.DataFrame, fields: Sequence[Field], heights: Sequence[float] | None = None, first: int = 2) -> Iterator[bytes]:
    """The frame's rows from line `first` on. `heights`: of each row in points, 0: as usual."""
    for start in range(0, len(frame), _BLOCK):
        part = frame.iloc[start : start + _BLOCK]
        lines = pc.cast(pa.array(np.arange(first + start, first + start + len(part))), _TEXT)
        opened = _joined('<row r="', lines, _heights(None if heights is None else heights[start : start + _BLOCK]))
        cells = [_cells(field, part[field.name], lines, start) for field in fields]
        yield _bytes(_joined(opened, *cells, "</row>"))


def sentence(text: str, line: int, style: int) -> bytes:
    """A line of one text, which is clean."""
    return f'<row r="{line}"><c r="A{line}{_written(text, style)}</row>'.encode()


def _cells(field: Field, values: Column, lines: Strings, start: int) -> Strings:
    """Cells of a block; "" where there is no value."""
    if field.kind in (Kind.INTEGER, Kind.NUMBER, Kind.FLAG):
        ends = _numbers(values, field)
    elif field.kind is Kind.TIME:
        ends = _times(values, field)
    else:
        texts = _texts(values)
        ends = _written_texts(texts, field.usual, field.guarded)
        if field.follows is not None and (follows := field.follows[start : start + len(values)]).any():
            ends = pc.if_else(pa.array(follows), _written_texts(texts, field.linked, field.linked), ends)
    return pc.fill_null(_joined(f'<c r="{field.letter}', lines, ends, nulls="emit_null"), pa.scalar("", _TEXT))


def _numbers(values: Column, field: Field) -> Strings:
    array = pa.array(values, from_pandas=True)
    if field.kind is Kind.FLAG:
        return _joined(f'" t="b"{_style(field.usual)}><v>', pc.cast(pc.cast(array, pa.bool_()).cast(pa.int8()), _TEXT), "</v></c>", nulls="emit_null")
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_finite(array), array, pa.scalar(None, array.type))
    return _joined(f'"{_style(field.usual)}><v>', pc.cast(array, _TEXT), "</v></c>", nulls="emit_null")


def _times(values: Column, field: Field) -> Strings:
    """Instants and days as spreadsheets count them: in UTC, without parts of a second. A column of them may hold texts too, for what is no date."""
    if values.dtype == "object":
        return pa.array([_of_any(value, field) for value in values], _TEXT)
    micros = pa.array(values, from_pandas=True).cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    seconds = pc.floor(pc.divide(pc.cast(micros, pa.float64()), 1e6))
    days = pc.add(pc.divide(seconds, float(_SECONDS)), float(_EPOCH))
    return _joined(f'"{_style(field.usual)}><v>', pc.cast(days, _TEXT), "</v></c>", nulls="emit_null")


def _of_any(value: Any, field: Field) -> str | None:
    if isinstance(value, str):
        return _odd(clean(value), field.usual, field.guarded)
    if pd.isna(value):
        return None
    if isinstance(value, datetime):
        return f'"{_style(field.usual)}><v>{value.timestamp() // 1 / _SECONDS + _EPOCH}</v></c>'
    return f'"{_style(field.usual)}><v>{(value - date(1970, 1, 1)).days + _EPOCH}</v></c>'


def _texts(values: Column) -> Strings:
    """Texts as they came, lists in one line; null where there is nothing."""
    first = next((value for value in values if value is not None), None) if values.dtype == "object" else None
    if isinstance(first, tuple | list):
        lists = [None if value is None else [str(item) for item in value] for value in values]
        texts = pc.binary_join(pa.array(lists, pa.list_(_TEXT)), pa.scalar(", ", _TEXT))
    else:
        texts = pa.array(values, from_pandas=True)
        if pa.types.is_dictionary(texts.type):
            texts = texts.dictionary_decode()
        texts = texts.cast(_TEXT)
    return pc.if_else(pc.equal(texts, pa.scalar("", _TEXT)), pa.scalar(None, _TEXT), texts)


def _written_texts(texts: Strings, usual: int, guarded: int) -> Strings:
    """Each distinct text is looked at once: whether it is plain, and how it is written."""
    encoded = texts.dictionary_encode()
    words = encoded.dictionary.cast(_TEXT)
    written = _joined(f'" t="inlineStr"{_style(usual)}><is><t>', words, "</t></is></c>")
    plain = pc.and_(pc.match_substring_regex(words, _PLAIN), pc.less_equal(pc.utf8_length(words), _SHORT))
    if not pc.all(plain).as_py():
        odd = pc.invert(plain)
        written = pc.replace_with_mask(written, odd, pa.array([_odd(clean(word), usual, guarded) for word in words.filter(odd).to_pylist()], _TEXT))
    return written.take(encoded.indices)


def _odd(text: str, usual: int, guarded: int) -> str:
    """The end of a cell with a text that is clean, whatever it holds."""
    return _written(text, guarded if text.startswith(RISKY) else usual)


def _written(text: str, style: int) -> str:
    return f'" t="inlineStr"{_style(style)}><is><t xml:space="preserve">{escape(text, {chr(13): "&#13;"})}</t></is></c>'


def _style(number: int) -> str:
    return f' s="{number}"' if number else ""


def _heights(points: Sequence[float] | None) -> Strings | str:
    if points is None:
        return '">'
    return pa.array([f'" ht="{height:g}" customHeight="1">' if height else '">' for height in points], _TEXT)


def _joined(*parts: Strings | str, nulls: str = "replace") -> Strings:
    """Arrays and fixed texts, side by side."""
    arrays = [pa.scalar(part, _TEXT) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*arrays, pa.scalar("", _TEXT), null_handling=nulls, null_replacement="")


def _bytes(texts: Strings) -> bytes:
    """All texts of an array, one after the other."""
    return "".join(texts.to_pylist()).encode()
