"""Rows of a declared frame as named tuples, with None for everything that is missing."""

from __future__ import annotations

from collections import namedtuple
from functools import lru_cache
from typing import Any

import pandas as pd

from reporter.core.order import plain


def records(frame: pd.DataFrame) -> list[Any]:
    """Named tuples in row order; fields are the column names."""
    columns = [_values(frame[name]) for name in frame.columns]
    make = _row(tuple(frame.columns))._make
    return [make(values) for values in zip(*columns, strict=True)]


@lru_cache(maxsize=256)
def _row(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names, rename=True)  # noqa: PYI024  # fields are told at run time


def plain_values(column: pd.Series) -> pd.Series:
    """A column of any kind -> the same values as objects, None where missing."""
    boxed = column.astype(object)
    return boxed.where(column.notna(), None)


def _values(column: pd.Series) -> list[Any]:
    """The same as a list."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return list(plain(column))
    if isinstance(column.dtype, pd.api.extensions.ExtensionDtype) and column.dtype.kind in "iufb":  # Int64, Float64, boolean
        return list(column.to_numpy(dtype=object, na_value=None))
    return list(plain_values(column))
