"""A stored table, read back column by column, so that a large one is never twice in memory."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from reporter.core.table import Column, Kind, Table, TableError


def read(path: Path, table: Table) -> pd.DataFrame:
    """A Parquet file -> frame in declared form; columns that the version that wrote it did not have are empty, where they may be.

    Raises OSError, pyarrow.ArrowInvalid, TableError.
    """
    with pq.ParquetFile(path, read_dictionary=table.dictionaries) as stored:
        there, count = set(stored.schema_arrow.names), stored.metadata.num_rows
        missing = [column.name for column in table.columns if column.name not in there and not column.nullable]
        if missing:
            raise TableError(f"table {table.name}: columns missing: {missing}")
        return table.of_columns((column.name, _read(stored, column) if column.name in there else [None] * count) for column in table.columns)


def _read(stored: pq.ParquetFile, column: Column) -> Any:
    values = stored.read([column.name]).column(0)
    return tuples(values) if column.kind in (Kind.TEXTS, Kind.INTEGERS) and values.type == column.kind.arrow else values.to_pandas()


def tuples(values: pa.ChunkedArray) -> list[tuple[Any, ...]]:
    """A column of lists of texts or whole numbers -> tuples; equal ones are one object. Each distinct list is made once."""
    known: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    made = []
    for chunk in values.chunks:
        codes, items = _coded(chunk.values)
        seen: dict[bytes, tuple[Any, ...]] = {}
        for start, end in pairwise(chunk.offsets.to_pylist()):
            key = codes[start:end].tobytes()
            found = seen.get(key)
            if found is None:
                one = tuple(items[codes[start:end]].tolist()) if items is not None else tuple(codes[start:end].tolist())
                found = seen[key] = known.setdefault(one, one)
            made.append(found)
    return made


def _coded(values: pa.Array) -> tuple[np.ndarray, np.ndarray | None]:
    """Whole numbers as they are; texts as codes, and what they stand for."""
    if not pa.types.is_string(values.type):
        return values.to_numpy(zero_copy_only=False), None
    encoded = values.dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary.to_numpy(zero_copy_only=False)
