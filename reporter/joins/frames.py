"""Large declared frames without a Python step per row: put together from arrays, put in key order by integer codes.

The result is what Table.conform and Table.sort give; only the way there is shorter (those go through boxed values and text, row by row).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from reporter.core.table import Kind, Table, TableError


def assemble(table: Table, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Arrays or series of the declared dtypes -> frame in declared form. Raises TableError for a column missing or of another dtype."""
    missing = [name for name in table.names if name not in columns]
    if missing:
        raise TableError(f"table {table.name}: columns missing: {missing}")
    data = {}
    for column in table.columns:
        values = columns[column.name]
        series = values.reset_index(drop=True) if isinstance(values, pd.Series) else pd.Series(values, dtype=column.kind.pandas)
        empty = series.isna()
        gaps = bool(empty.any())
        if column.kind in (Kind.TEXT, Kind.CATEGORY) and gaps:
            series = series.astype(object).mask(empty, None)  # pandas turns None into NaN where it takes a column for text
        if str(series.dtype) != column.kind.pandas:
            raise TableError(f"table {table.name}, column {column.name}: {series.dtype} where {column.kind.pandas} is declared")
        if gaps and not column.nullable:
            raise TableError(f"table {table.name}, column {column.name}: missing values where none may be")
        data[column.name] = series
    return pd.DataFrame(data, columns=list(table.names), copy=False)


def in_key_order(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of a frame in declared form whose keys are texts, as Table.sort orders them."""
    if frame.empty:
        return frame.reset_index(drop=True)
    codes = [text_codes(frame[name]) for name in table.key]
    order = np.lexsort(codes[::-1])
    again = np.ones(len(frame) - 1, dtype=bool)
    for column in codes:
        again &= column[order][1:] == column[order][:-1]
    if again.any():
        return table.sort(frame)
    return frame.take(order).reset_index(drop=True)


def text_codes(values: pd.Series) -> np.ndarray:
    """Texts -> integers in the order of the texts; missing ones count as the empty text."""
    codes, distinct = pd.factorize(values)
    texts = np.asarray(distinct, dtype=object)
    rank = np.zeros(len(texts) + 1, dtype=np.int64)  # the last one is that of missing values, whose code is -1
    rank[np.argsort(texts, kind="stable")] = np.arange(1, len(texts) + 1)
    rank[:-1][texts == ""] = 0
    return np.asarray(rank[codes])


def positions(instances: pd.DataFrame, accounts: Any, instance_ids: Any) -> np.ndarray:
    """Where (account, instance id) stands in a frame that has these columns; -1: it does not."""
    known_ids, known_accounts = pd.Index(instances["instance_id"].unique()), pd.Index(instances["account"].unique())

    def codes(account: Any, instance_id: Any) -> np.ndarray:
        one, other = known_ids.get_indexer(pd.Index(instance_id, dtype=object)), known_accounts.get_indexer(pd.Index(account, dtype=object))
        return np.asarray(np.where((one < 0) | (other < 0), -1, one * len(known_accounts) + other))

    own = pd.Series(codes(instances["account"], instances["instance_id"])).drop_duplicates()
    found = pd.Index(own.to_numpy()).get_indexer(codes(accounts, instance_ids))
    return np.asarray(np.where(found < 0, -1, own.index.to_numpy()[found] if len(own) else -1))


def taken(values: pd.Series, at: np.ndarray) -> np.ndarray:
    """Objects at these positions; None at -1."""
    boxed = np.full(len(values) + 1, None, dtype=object)
    boxed[:-1] = values.to_numpy(dtype=object)
    return np.asarray(boxed[at])
