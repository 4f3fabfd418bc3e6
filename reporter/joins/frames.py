"""Large declared frames without a Python step per row: put together from arrays of codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from reporter.core.order import coded, looked_up, of_codes, places, shared
from reporter.core.table import Kind, Table, TableError

DENSE = 1 << 26
"""Numbers up to which a table of all of them is the faster way to find the distinct ones."""


def assemble(table: Table, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Arrays or series of the declared dtypes -> frame in declared form. Raises TableError for a column missing or of another dtype."""
    missing = [name for name in table.names if name not in columns]
    if missing:
        raise TableError(f"table {table.name}: columns missing: {missing}")
    data = {}
    for column in table.columns:
        values, text = columns[column.name], column.kind in (Kind.TEXT, Kind.CATEGORY)
        series = values.reset_index(drop=True) if isinstance(values, pd.Series) else pd.Series(values, dtype=column.kind.pandas, copy=False)
        plain = text and not table.big
        asked = plain or not (column.nullable or column.kind in (Kind.TEXTS, Kind.INTEGERS))  # a list is never missing
        empty = series.isna() if asked else None
        gaps = empty is not None and bool(empty.any())
        if text and table.big:
            series = coded(series)
        elif plain and gaps:
            series = series.astype(object).mask(empty, None)  # pandas turns None into NaN where it takes a column for text
        if not (text and table.big) and str(series.dtype) != column.kind.pandas:
            raise TableError(f"table {table.name}, column {column.name}: {series.dtype} where {column.kind.pandas} is declared")
        if gaps and not column.nullable:
            raise TableError(f"table {table.name}, column {column.name}: missing values where none may be")
        data[column.name] = series
    return pd.DataFrame(data, columns=list(table.names), copy=False)


def end_to_end(table: Table, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames of a big table -> one frame of it."""
    parts = [frame for frame in frames if len(frame)] or [table.frame()]
    if len(parts) == 1:
        return parts[0]
    whole = {}
    for column in table.columns:
        columns = [part[column.name] for part in parts]
        if column.kind in (Kind.TEXT, Kind.CATEGORY):
            codes, texts = shared(*columns)
            whole[column.name] = of_codes(np.concatenate(codes), texts)
        else:
            whole[column.name] = pd.concat(columns, ignore_index=True)
    return pd.DataFrame(whole, copy=False)


def positions(instances: pd.DataFrame, accounts: pd.Series, instance_ids: pd.Series) -> np.ndarray:
    """Where (account, instance id) stands in a frame that has these columns; -1: it does not."""
    known, (owner, owners) = pd.Index(instances["instance_id"]), pd.factorize(instances["account"])
    owners = pd.Index(owners)
    asked = places(owners, accounts)
    if known.is_unique:
        at = places(known, instance_ids)
        return np.asarray(np.where((asked >= 0) & (looked_up(owner, at, -1) == asked), at, -1))
    ids = known.unique()
    own = pd.Series(places(ids, instances["instance_id"]).astype(np.int64) * len(owners) + owner).drop_duplicates()
    one = places(ids, instance_ids).astype(np.int64)
    at = pd.Index(own.to_numpy()).get_indexer(np.where((one < 0) | (asked < 0), -1, one * len(owners) + asked))
    return looked_up(own.index.to_numpy(), at, -1)


def taken(values: pd.Series, at: np.ndarray) -> pd.Series:
    """Texts at these positions, as a categorical; missing at -1."""
    texts = coded(values)
    return of_codes(looked_up(texts.cat.codes.to_numpy(), at, -1), texts.cat.categories)


def alike(columns: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Columns of codes (-1 and up) -> for each row the number of its kind, and for each kind the position of its first row."""
    kinds = np.zeros(len(columns[0]), dtype=np.int64)
    for codes in columns:
        kinds = pd.factorize(kinds * (int(codes.max(initial=-1)) + 2) + codes + 1)[0]
    first = np.full(int(kinds.max(initial=-1)) + 1, -1, dtype=np.int64)
    first[kinds[::-1]] = np.arange(len(kinds))[::-1]
    return kinds, first


def distinct_numbers(values: np.ndarray, limit: int) -> np.ndarray:
    """Whole numbers from 0 and below the limit -> the distinct ones."""
    if limit > DENSE:
        return np.asarray(pd.unique(values))
    seen = np.zeros(limit, dtype=bool)
    seen[values] = True
    return np.flatnonzero(seen)


def spread(values: np.ndarray, distinct: np.ndarray, codes: np.ndarray, limit: int) -> np.ndarray:
    """The code of each value, given those of the distinct ones."""
    if limit > DENSE:
        return np.asarray(codes[pd.Index(distinct).get_indexer(values)])
    table = np.empty(limit, dtype=codes.dtype)
    table[distinct] = codes
    return np.asarray(table[values])
