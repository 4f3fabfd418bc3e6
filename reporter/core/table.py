"""Declared tables: columns, types, key, one line for each. DataFrames cross module borders only as these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.types import infer_dtype

from reporter.core.order import coded, ranks

Row: TypeAlias = tuple[Any, ...]
Rows: TypeAlias = Mapping[str, Sequence[Row]]
"""Table name -> rows, each row a tuple in the table's column order."""

Tables: TypeAlias = Mapping[str, pd.DataFrame]
"""Table name -> frame in the table's declared form."""


class Kind(StrEnum):
    """Type of a column. Missing values: None in rows, NA in frames, an empty cell in CSV."""

    TEXT = "text"
    CATEGORY = "category"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"
    TIME = "time"
    TEXTS = "texts"
    INTEGERS = "integers"

    @property
    def arrow(self) -> pa.DataType:
        return _ARROW[self]

    @property
    def pandas(self) -> str:
        return _PANDAS[self]


_ARROW: dict[Kind, pa.DataType] = {
    Kind.TEXT: pa.string(),
    Kind.CATEGORY: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.FLAG: pa.bool_(),
    Kind.TIME: pa.timestamp("us", tz="UTC"),
    Kind.TEXTS: pa.list_(pa.string()),
    Kind.INTEGERS: pa.list_(pa.int64()),
}

_PANDAS: dict[Kind, str] = {
    Kind.TEXT: "object",
    Kind.CATEGORY: "object",
    Kind.INTEGER: "Int64",
    Kind.NUMBER: "Float64",
    Kind.FLAG: "boolean",
    Kind.TIME: "datetime64[us, UTC]",
    Kind.TEXTS: "object",
    Kind.INTEGERS: "object",
}


@dataclass(frozen=True)
class Column:
    """One column: its name, kind, whether it may be missing, and what it means (a line of the data dictionary)."""

    name: str
    kind: Kind
    about: str
    nullable: bool = False


class TableError(Exception):
    """Rows or a frame do not have the declared form: a defect of the program."""


@dataclass(frozen=True)
class Table:
    """A declared table. `key` columns identify a row and give the sort order of every file written from it. `big`: rows are read as categoricals
    (core.order), where they are texts; what a join makes of them may be."""

    name: str
    about: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    big: bool = False

    def __post_init__(self) -> None:
        missing = set(self.key) - set(self.names)
        if missing or len(set(self.names)) != len(self.names):
            raise TableError(f"table {self.name}: key or columns wrong ({sorted(missing)})")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def dictionaries(self) -> list[str]:
        """Columns that a stored table is best read as dictionaries of."""
        return [column.name for column in self.columns if self.big and column.kind in (Kind.TEXT, Kind.CATEGORY)]

    def frame(self, rows: Iterable[Row] = ()) -> pd.DataFrame:
        """Rows (tuples in column order, None for missing) -> frame in declared form. Raises TableError."""
        listed = list(rows)
        width = len(self.columns)
        for row in listed:
            if len(row) != width:
                raise TableError(f"table {self.name}: a row of {len(row)} values for {width} columns")
        values = zip(*listed, strict=True) if listed else ([] for _ in self.columns)
        return self.of_columns((name, list(some)) for name, some in zip(self.names, values, strict=True))

    def check(self, rows: Sequence[Row]) -> None:
        """Rows that `frame` takes. A scope has few rows of many tables: a frame only to see whether it can be made costs more than its answer.

        Raises TableError.
        """
        width = len(self.columns)
        plain = all(len(row) == width for row in rows) and all(
            _plain(column, values) for column, values in zip(self.columns, zip(*rows, strict=True), strict=False)
        )
        if not plain:
            self.frame(rows)

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A frame with (at least) the declared columns -> the declared columns, dtypes and order. Raises TableError."""
        missing = [name for name in self.names if name not in frame.columns]
        if missing:
            raise TableError(f"table {self.name}: columns missing: {missing}")
        return self.of_columns((name, frame[name].reset_index(drop=True)) for name in self.names)

    def of_columns(self, values: Iterable[tuple[str, Any]]) -> pd.DataFrame:
        """Every column by its name, in declared order -> frame in declared form. Raises TableError."""
        data = {}
        for column, (name, given) in zip(self.columns, values, strict=True):
            data[name] = _series(column, given, self.name)
            if name in self.dictionaries:
                data[name] = coded(data[name])
        return pd.DataFrame(data, columns=list(self.names), copy=False)

    def sort(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows in key order; equal keys in the order of all other columns, so that the order never depends on arrival."""
        if frame.empty:
            return frame.reset_index(drop=True)
        keys = [ranks(frame[name]) for name in self.key]
        order = None
        higher, same = _steps(keys)
        if not (higher | same).all():
            order = np.lexsort(keys[::-1])
            _, same = _steps([key[order] for key in keys])
        if same.any():
            doubled = np.append(False, same) | np.append(same, False)
            order = np.arange(len(frame)) if order is None else order
            order[doubled] = self._whole_order(frame, order[doubled])
        return (frame if order is None else frame.take(order)).reset_index(drop=True)

    def _whole_order(self, frame: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
        """These rows by key and then by all other columns."""
        some = frame.take(rows)
        rest = [name for name in self.names if name not in self.key]
        return np.asarray(rows[np.lexsort([ranks(some[name]) for name in (*self.key, *rest)][::-1])])


_PLAIN: dict[Kind, frozenset[type]] = {
    Kind.TEXT: frozenset({str}),
    Kind.CATEGORY: frozenset({str}),
    Kind.INTEGER: frozenset({int}),
    Kind.NUMBER: frozenset({int, float}),
    Kind.FLAG: frozenset({bool}),
    Kind.TIME: frozenset({datetime}),
    Kind.TEXTS: frozenset({str}),
    Kind.INTEGERS: frozenset({int}),
}
_LARGEST = 2**63 - 1


def _plain(column: Column, values: Sequence[Any]) -> bool:
    """Whether a column's values are so plain that no frame need be made to know that it can be."""
    types, wanted = set(map(type, values)), _PLAIN[column.kind]
    if column.kind in (Kind.TEXTS, Kind.INTEGERS):
        if not types <= {list, tuple}:
            return False
        values = [item for some in values for item in some]
        types = set(map(type, values))
    elif column.nullable:
        types.discard(type(None))
    if not types <= wanted:
        return False
    if int in types:
        return all(abs(value) <= _LARGEST for value in values if value is not None)
    return float not in types or column.nullable or all(value == value for value in values)  # noqa: PLR0124  # NaN is how pandas says missing


def _steps(keys: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """From each row to the next: is the key higher, is it the same?"""
    higher, same = keys[0][1:] > keys[0][:-1], keys[0][1:] == keys[0][:-1]
    for key in keys[1:]:
        left = np.flatnonzero(same)
        higher[left] = key[left + 1] > key[left]
        same[left] = key[left + 1] == key[left]
    return higher, same


def _series(column: Column, values: Any, table: str) -> pd.Series:
    try:
        series = _typed(column, values)
    except (TypeError, ValueError) as error:
        raise TableError(f"table {table}, column {column.name}: {error}") from error
    if not column.nullable and bool(series.isna().any()):
        raise TableError(f"table {table}, column {column.name}: missing values where none may be")
    return series


def _typed(column: Column, values: Any) -> pd.Series:
    dtype = str(values.dtype) if isinstance(values, pd.Series) else ""
    if column.kind in (Kind.TEXTS, Kind.INTEGERS):
        return _lists(values, str if column.kind is Kind.TEXTS else Integral)
    if column.kind in (Kind.TEXT, Kind.CATEGORY):
        return coded(values) if dtype == "category" else _texts(pd.Series(values, dtype="object"))
    if dtype == column.kind.pandas:
        return values
    if column.kind is Kind.TIME:
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="object"), utc=True)).astype(column.kind.pandas)
    return pd.Series(values, dtype="object").astype(column.kind.pandas)


def _texts(values: pd.Series) -> pd.Series:
    """Objects that are texts, None for missing."""
    kind = infer_dtype(values, skipna=False)
    if kind == "string":
        return values
    values = values.where(values.notna(), None)
    if infer_dtype(values, skipna=True) not in ("string", "empty"):
        _check({type(item) for item in values if item is not None}, str)
    return values


def _lists(values: Any, wanted: type) -> pd.Series:
    """Objects that are tuples. Equal ones are one object: a thousand computers of one policy have the same rules."""
    known: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    listed = []
    for value in values:
        one = _listed(value)
        if wanted is not str or one not in known:
            _check(set(map(type, one)), wanted)  # each list of numbers: those of other types may be equal
        listed.append(known.setdefault(one, one))
    return pd.Series(listed, dtype="object")


def _listed(value: Any) -> tuple[Any, ...]:
    if value is None or isinstance(value, float):  # NaN is how pandas says missing
        return ()
    if isinstance(value, str | Mapping):
        raise TypeError(f"one {type(value).__name__} where a list is declared")
    return tuple(value.tolist() if isinstance(value, np.ndarray) else value)  # plain numbers, however they were stored


def _check(types: set[type], wanted: type) -> None:
    """What the world calls a name may be a number or an object: no file could hold it as declared."""
    odd = sorted(kind.__name__ for kind in types if not issubclass(kind, wanted) or kind is bool)
    if odd:
        raise TypeError(f"{', '.join(odd)} where {'text' if wanted is str else 'whole numbers'} is declared")


def concat(table: Table, frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Frames of one table -> one frame of it."""
    parts = [frame for frame in frames if len(frame)]
    if not parts:
        return table.frame()
    return table.conform(pd.concat(parts, ignore_index=True))
