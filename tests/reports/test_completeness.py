from __future__ import annotations

import csv
from pathlib import Path

from reporter.reports.completeness import FILES, REPORT
from tests.reports.views import HOSTILE, row, view


def test_each_table_is_a_file_with_all_its_columns_and_hostile_text_is_one_line_of_it(tmp_path: Path) -> None:
    REPORT.write(tmp_path, view({table.name: table.frame(row(table, text) for text in HOSTILE) for table in FILES.values()}))
    for name, table in FILES.items():
        with (tmp_path / name).open(encoding="utf-8", newline="") as stream:
            head, *rows = csv.reader(stream)
        assert tuple(head) == table.names
        assert len(rows) == len(HOSTILE) == (tmp_path / name).read_bytes().count(b"\n") - 1


def test_every_file_is_there_even_where_nothing_was_read(tmp_path: Path) -> None:
    REPORT.write(tmp_path, view({}))
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)
