"""A stored table, read back column by column, so that a large one is never twice in memory."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from reporter.core.order import coded_of_arrow
from reporter.core.table import Column, Kind, Table, TableError

HARDLY_REPEATS = 16
"""bytes a row from which on a column's texts are no dictionary"""
LISTS_AT_ONCE, ITEMS_AT_ONCE = 1 << 14, 1 << 20
"""A hundred thousand computers have fifty million rules."""
AHEAD = 1 << 20
"""bytes that are read of a column at a time"""


def read(path: Path, table: Table) -> pd.DataFrame:
    """A Parquet file -> frame in declared form; columns that the version that wrote it did not have are empty, where they may be.

    Raises OSError, pyarrow.ArrowInvalid, TableError.
    """
    with pq.ParquetFile(path) as stored:
        there, count = set(stored.schema_arrow.names), stored.metadata.num_rows
        repeating = [name for name in table.dictionaries if name in there and _bytes_a_row(stored.metadata, name) < HARDLY_REPEATS]
    missing = [column.name for column in table.columns if column.name not in there and not column.nullable]
    if missing:
        raise TableError(f"table {table.name}: columns missing: {missing}")
    with pq.ParquetFile(path, read_dictionary=repeating, buffer_size=AHEAD, pre_buffer=False) as stored:
        frame = table.of_columns((c.name, _read(stored, c, big=table.big) if c.name in there else [None] * count) for c in table.columns)
    pa.default_memory_pool().release_unused()
    return frame


def _bytes_a_row(metadata: pq.FileMetaData, name: str) -> int:
    at = metadata.schema.names.index(name)
    sizes = [int(metadata.row_group(number).column(at).total_uncompressed_size) for number in range(metadata.num_row_groups)]
    return sum(sizes) // max(int(metadata.num_rows), 1)


def _items_a_row(metadata: pq.FileMetaData, name: str) -> int:
    """Of a column of lists: how long they are."""
    at = next(number for number in range(len(metadata.schema)) if metadata.schema.column(number).path.split(".")[0] == name)
    items = [int(metadata.row_group(number).column(at).num_values) for number in range(metadata.num_row_groups)]
    return sum(items) // max(int(metadata.num_rows), 1)


def _read(stored: pq.ParquetFile, column: Column, *, big: bool) -> Any:
    if column.kind in (Kind.TEXTS, Kind.INTEGERS) and stored.schema_arrow.field(column.name).type == column.kind.arrow:
        at_once = max(min(LISTS_AT_ONCE, ITEMS_AT_ONCE // max(_items_a_row(stored.metadata, column.name), 1)), 1)
        return tuples(batch.column(0) for batch in stored.iter_batches(at_once, columns=[column.name]))
    values = stored.read([column.name]).column(0)
    return coded_of_arrow(values) if big and values.type == pa.string() else values.to_pandas()


def tuples(parts: Iterable[pa.ListArray]) -> list[tuple[Any, ...]]:
    """Parts of a column of lists of texts or whole numbers -> tuples; equal ones are one object. Each distinct list of a part is made once."""
    known: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    made = []
    for chunk in parts:
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
