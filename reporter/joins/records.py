"""Rows of a declared frame as named tuples, with None for everything that is missing."""

from __future__ import annotations

from typing import Any

import pandas as pd


def records(frame: pd.DataFrame) -> list[Any]:
    """Named tuples in row order; fields are the column names."""
    plain = pd.DataFrame({name: plain_values(frame[name]) for name in frame.columns}, dtype=object)
    return list(plain.itertuples(index=False, name="Row"))


def plain_values(column: pd.Series) -> pd.Series:
    """A column of any kind -> the same values as objects, None where missing."""
    boxed = column.astype(object)
    return boxed.where(column.notna(), None)
