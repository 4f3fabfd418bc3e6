from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reporter.core.stored import read, tuples
from reporter.core.table import Column, Kind, Table, TableError
from reporter.reports.parquet import arrow

COLUMNS = tuple(Column(kind.value, kind, "x", nullable=True) for kind in Kind)
ROWS = [
    ("b", "x", 1, 0.5, True, datetime(2026, 1, 2, tzinfo=UTC), ("a", "b"), (1, 300)),
    ("ä", None, None, None, None, None, (), ()),
    (None, "x", 2, None, False, None, ("a", "b"), (1, 300)),
]


@pytest.mark.parametrize("big", [False, True])
def test_what_was_written_is_read_back_in_declared_form(tmp_path: Path, big: bool) -> None:
    table = Table("things", "things", ("text", "integer"), COLUMNS, big=big)
    frame = table.sort(table.frame(ROWS))
    pq.write_table(arrow(table, frame), tmp_path / "things.parquet", row_group_size=2)
    found = read(tmp_path / "things.parquet", table)
    assert found.equals(frame)
    assert found["texts"][0] is found["texts"][1]


def test_a_column_that_an_earlier_version_did_not_write_is_empty_where_it_may_be(tmp_path: Path) -> None:
    earlier = Table("things", "things", ("text",), COLUMNS[:1])
    pq.write_table(arrow(earlier, earlier.frame([("a",)])), tmp_path / "things.parquet")
    later = Table("things", "things", ("text",), COLUMNS)
    assert read(tmp_path / "things.parquet", later).equals(later.frame([("a", None, None, None, None, None, (), ())]))
    with pytest.raises(TableError, match=r"columns missing: \['more'\]"):
        read(tmp_path / "things.parquet", Table("things", "things", ("text",), (*COLUMNS, Column("more", Kind.TEXT, "x"))))


def test_equal_lists_are_one_object_across_parts_of_a_column() -> None:
    one, other = pa.array([["a"], ["b", "a"], None]), pa.array([["x"], ["a"], ["b", "a"]]).slice(1)
    found = tuples([one, other])
    assert found == [("a",), ("b", "a"), (), ("a",), ("b", "a")]
    assert (found[0] is found[3], found[1] is found[4]) == (True, True)
    assert tuples([pa.array([[1, 2], [], [1, 2]])]) == [(1, 2), (), (1, 2)]
