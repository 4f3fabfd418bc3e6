from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from reporter.core.language import language
from reporter.reports.summary_sheet import figures, named
from reporter.reports.workbook import REPORT
from reporter.tables.joined import RESULTS, TREND
from tests.reports.views import NOW, TABLES, row, view


def two_runs(**before: Any) -> Any:
    """A view whose trend has an earlier run of these figures."""
    earlier = {"run": "main-000000", "at": NOW - timedelta(days=1), **before}
    trend = TREND.frame([row(TREND, **{"new": None, "fixed": None, **earlier}), row(TREND, run="main-000001", at=NOW)])
    tables = {table.name: table.frame([row(table)]) for table in TABLES}
    return view({**tables, TREND.name: trend}, compared_with="main-000000")


def book(folder: Path, seen: Any) -> Any:
    REPORT.write(folder, seen)
    return openpyxl.load_workbook(folder / "report.xlsx")


def lines(sheet: Any) -> dict[Any, list[Any]]:
    """What stands beside each name; of names that come twice, the first."""
    found: dict[Any, list[Any]] = {}
    for line in sheet.iter_rows(max_col=5):
        found.setdefault(line[0].value, [cell.value for cell in line[1:]])
    return found


def test_figures_stand_beside_those_of_the_run_before_with_their_direction(tmp_path: Path) -> None:
    said = lines(book(tmp_path, two_runs(failed=5, unknown=0, protected=0, instances=1, waived=0, web_entries=4, covered=0))["Summary"])
    assert said["Results that fail"] == [1, 5, -4, "better"]
    assert said["Results that are unknown"] == [0, 0, 0, "unchanged"]
    assert said["Web entries"] == [1, 4, -3, "changed"]
    worse = lines(book(tmp_path, two_runs(failed=0))["Summary"])
    assert worse["Results that fail"] == [1, 0, 1, "worse"]


def test_a_first_run_has_figures_and_no_direction(tmp_path: Path) -> None:
    said = lines(book(tmp_path, view())["Summary"])
    assert said["Results that fail"] == [1, None, None, None]
    assert "New or reopened failures" not in said


def test_figures_of_the_run_before_are_those_of_the_trend() -> None:
    found = {one.name: (one.now, one.before) for one in figures(two_runs(failed=7, scopes_unread=2, prevented=3))}
    assert found["Results that fail"] == (1, 7)
    assert found["Scopes that could not be read"] == (1, 2)
    assert found["New or reopened failures"] == (0, None)


def test_every_sheet_is_named_with_a_link_its_rows_and_what_it_holds(tmp_path: Path) -> None:
    made = book(tmp_path, view())
    links = {cell.value: cell.hyperlink.location for cell in made["Summary"]["A"] if cell.hyperlink}
    assert links == {title: f"'{title}'!A1" for title in made.sheetnames[1:]}
    said = lines(made["Summary"])
    assert said["Virtual patches"][:2] == [1, "One row per active package finding, host it is on, and CVE"]


def test_charts_are_drawn_from_cells_that_hold_the_same_numbers(tmp_path: Path) -> None:
    made = book(tmp_path, two_runs())
    charts = made["Summary"]._charts  # the only way to read them
    assert len(charts) == 4
    for chart in charts[:3]:
        (series,) = chart.series
        names, numbers = series.cat.numRef or series.cat.strRef, series.val.numRef
        assert [name.split("$")[2] for name in (names.f, numbers.f)] != []
        first = int(numbers.f.split("$")[2].rstrip(":"))
        last = int(numbers.f.split("$")[4])
        assert all(isinstance(made["Summary"][f"B{line}"].value, int) for line in range(first, last + 1))
        assert len(series.dPt) == last - first + 1
    trend = charts[3]
    assert [series.val.numRef.f for series in trend.series] == ["'Trend'!$D$2:$D$3", "'Trend'!$E$2:$E$3"]


def test_one_run_alone_is_no_trend(tmp_path: Path) -> None:
    assert len(book(tmp_path, view())["Summary"]._charts) == 3


@pytest.mark.parametrize(
    ("code", "name", "wanted"), [("en", "FAIL", "FAIL"), ("de", "FAIL", "FAIL (nicht erfüllt)"), ("de", "no such word", "no such word")]
)
def test_a_state_keeps_its_name_and_has_its_word_beside_it(code: str, name: str, wanted: str) -> None:
    assert named(language(code), name) == wanted


def test_counts_without_exceptions_stand_beside_the_real_ones(tmp_path: Path) -> None:
    waived = RESULTS.frame([row(RESULTS, resource="a", status="WAIVED"), row(RESULTS, resource="b")])
    sheet = book(tmp_path, view({RESULTS.name: waived}))["Summary"]
    cells = [(line[0].value, line[1].value) for line in sheet.iter_rows(max_col=2)]
    assert [count for name, count in cells if name == "FAIL"] == [1, 2]
    assert [count for name, count in cells if name == "WAIVED"] == [1, 0]
