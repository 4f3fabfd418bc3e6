"""tables/*.parquet: every declared table of the run, typed, so that the run can be judged again without the world."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from reporter.core import stored
from reporter.core.table import Table, Tables
from reporter.reports.view import Report, View
from reporter.tables import declared


def write(folder: Path, view: View) -> None:
    """One file a table, in key order."""
    place = folder / "tables"
    place.mkdir()
    known = declared()
    for name, frame in sorted(view.tables.items()):
        if name in known:
            pq.write_table(arrow(known[name], frame), place / f"{name}.parquet", compression="zstd")


def read(folder: Path, names: Collection[str] | None = None) -> Tables:
    """The tables of a stored run, or those of these names, also of an earlier version's run, which lacks columns.

    Raises OSError, pyarrow.ArrowInvalid, TableError.
    """
    known = {name: table for name, table in declared().items() if names is None or name in names}
    found = {path.stem: path for path in sorted((folder / "tables").glob("*.parquet"))}
    return {name: stored.read(path, known[name]) for name, path in found.items() if name in known}


def arrow(table: Table, frame: pd.DataFrame) -> pa.Table:
    """A declared frame -> an Arrow table with the declared types and descriptions."""
    ordered = table.sort(frame)
    fields = [pa.field(column.name, column.kind.arrow, column.nullable, {"about": column.about}) for column in table.columns]
    columns = [pa.array(ordered[field.name], type=field.type, from_pandas=True) for field in fields]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, {"about": table.about}))


REPORT = Report("parquet", "every table, typed", write)
