from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reporter.core.table import Table, TableError
from reporter.reports.parquet import REPORT, read
from reporter.tables import declared
from tests.reports.views import HOSTILE, TABLES, bare, row, view


@pytest.mark.parametrize("table", declared().values(), ids=lambda table: table.name)
def test_every_declared_table_comes_back_as_it_went(tmp_path: Path, table: Table) -> None:
    frame = table.frame([row(table), bare(table), row(table, "\u202e\x00 = \N{GRINNING FACE}")])
    REPORT.write(tmp_path, view({table.name: frame}))
    back = read(tmp_path)
    assert list(back) == [table.name]
    pd.testing.assert_frame_equal(back[table.name], table.sort(frame))


@pytest.mark.parametrize("table", declared().values(), ids=lambda table: table.name)
def test_an_empty_table_comes_back_empty_in_declared_form(tmp_path: Path, table: Table) -> None:
    REPORT.write(tmp_path, view({table.name: table.frame()}))
    pd.testing.assert_frame_equal(read(tmp_path)[table.name], table.frame())


def test_types_and_descriptions_stand_in_the_file(tmp_path: Path) -> None:
    REPORT.write(tmp_path, view())
    schema = pq.read_schema(tmp_path / "tables" / "instances.parquet")
    assert schema.field("last_contact").type == pa.timestamp("us", tz="UTC")
    assert schema.field("duplicates").type == pa.list_(pa.int64())
    assert (schema.field("instance_id").nullable, schema.field("policy").nullable) == (False, True)
    assert schema.field("policy").metadata[b"about"] == b"name of its WP policy"


def test_permuted_rows_give_the_same_bytes(tmp_path: Path) -> None:
    files = []
    for seed in range(2):
        texts = list(HOSTILE)
        random.Random(seed).shuffle(texts)
        folder = tmp_path / str(seed)
        folder.mkdir()
        REPORT.write(folder, view({table.name: table.frame(row(table, text) for text in texts) for table in TABLES}))
        files.append({path.name: path.read_bytes() for path in (folder / "tables").iterdir()})
    assert files[0] == files[1]
    assert len(files[0]) == len(TABLES)


def test_a_table_that_nobody_declared_is_neither_written_nor_read(tmp_path: Path) -> None:
    REPORT.write(tmp_path, view({"../escape": pd.DataFrame({"a": [1]})}))
    assert list((tmp_path / "tables").iterdir()) == []
    pq.write_table(pa.table({"a": [1]}), tmp_path / "tables" / "of_a_later_version.parquet")
    assert read(tmp_path) == {}


def test_a_folder_without_tables_has_none(tmp_path: Path) -> None:
    assert read(tmp_path) == {}


def test_a_file_of_other_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "tables" / "instances.parquet")
    with pytest.raises(TableError, match="columns missing"):
        read(tmp_path)


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "instances.parquet").write_bytes(b"PAR1 and then nothing of the kind")
    with pytest.raises(pa.ArrowInvalid):
        read(tmp_path)


def test_a_run_of_an_earlier_version_lacks_columns_that_may_be_empty(tmp_path: Path) -> None:
    REPORT.write(tmp_path, view())
    path = tmp_path / "tables" / "results.parquet"
    whole = pq.read_table(path)
    pq.write_table(whole.drop_columns(["due"]), path)
    assert read(tmp_path)["results"]["due"].isna().all()
    pq.write_table(whole.drop_columns(["status"]), path)
    with pytest.raises(TableError, match="columns missing"):
        read(tmp_path)
