"""Declared tables: columns, types, key, one line for each. DataFrames cross module borders only as these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.types import infer_dtype

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
    """A declared table. `key` columns identify a row and give the sort order of every file written from it."""

    name: str
    about: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        missing = set(self.key) - set(self.names)
        if missing or len(set(self.names)) != len(self.names):
            raise TableError(f"table {self.name}: key or columns wrong ({sorted(missing)})")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def frame(self, rows: Iterable[Row] = ()) -> pd.DataFrame:
        """Rows (tuples in column order, None for missing) -> frame in declared form. Raises TableError."""
        listed = list(rows)
        width = len(self.columns)
        for row in listed:
            if len(row) != width:
                raise TableError(f"table {self.name}: a row of {len(row)} values for {width} columns")
        values = zip(*listed, strict=True) if listed else ([] for _ in self.columns)
        data = {c.name: _series(c, list(v), self.name) for c, v in zip(self.columns, values, strict=True)}
        return pd.DataFrame(data, columns=list(self.names))

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A frame with (at least) the declared columns -> the declared columns, dtypes and order. Raises TableError."""
        missing = [name for name in self.names if name not in frame.columns]
        if missing:
            raise TableError(f"table {self.name}: columns missing: {missing}")
        data = {c.name: _series(c, frame[c.name], self.name) for c in self.columns}
        return pd.DataFrame(data, columns=list(self.names)).reset_index(drop=True)

    def read_back(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A stored frame in declared form: columns that the version that wrote it did not have are empty. Raises TableError where they may not be."""
        lacking = {column.name: None for column in self.columns if column.nullable and column.name not in frame.columns}
        return self.conform(frame.assign(**lacking))

    def sort(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows in key order; equal keys in the order of all other columns, so that the order never depends on arrival."""
        if frame.empty:
            return frame.reset_index(drop=True)
        text = frame.astype("string").fillna("")
        rest = [name for name in self.names if name not in self.key]
        order = text.sort_values([*self.key, *rest], kind="stable").index
        return frame.loc[order].reset_index(drop=True)


def _series(column: Column, values: Any, table: str) -> pd.Series:
    series: pd.Series
    try:
        if isinstance(values, pd.Series):
            values = values.reset_index(drop=True)
        if column.kind in (Kind.TEXTS, Kind.INTEGERS):
            listed = [_listed(v) for v in values]
            _check({type(item) for some in listed for item in some}, str if column.kind is Kind.TEXTS else Integral)
            series = pd.Series(listed, dtype="object")
        elif column.kind is Kind.TIME:
            series = pd.Series(pd.to_datetime(pd.Series(values, dtype="object"), utc=True)).astype(column.kind.pandas)
        elif column.kind in (Kind.TEXT, Kind.CATEGORY):
            plain = pd.Series(values, dtype="object")
            series = plain.where(plain.notna(), None)
            if infer_dtype(series, skipna=True) not in ("string", "empty"):
                _check({type(item) for item in series if item is not None}, str)
        else:
            series = pd.Series(values, dtype="object").astype(column.kind.pandas)
    except (TypeError, ValueError) as error:
        raise TableError(f"table {table}, column {column.name}: {error}") from error
    if not column.nullable and bool(series.isna().any()):
        raise TableError(f"table {table}, column {column.name}: missing values where none may be")
    return series


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
