from __future__ import annotations

import csv
from pathlib import Path

from reporter.reports.judgement import FILES, REPORT
from reporter.tables.controls import CONTROLS
from reporter.tables.joined import EXCEPTIONS, RESULTS
from tests.reports.views import I, row, view


def written(folder: Path, **more: object) -> dict[str, list[dict[str, str]]]:
    accepted = [row(EXCEPTIONS, check="firewall_active", resource=I, expires=text) for text in ("2026-12-31", "2026-11-23", "soon")]
    tables = {
        EXCEPTIONS.name: EXCEPTIONS.frame(accepted),
        RESULTS.name: RESULTS.frame([row(RESULTS, resource=I, status="WAIVED"), row(RESULTS, resource="i-2", status="WAIVED")]),
        CONTROLS.name: CONTROLS.frame([row(CONTROLS, framework="BSI C5:2020")]),
    }
    REPORT.write(folder, view(tables))
    return {name: list(csv.DictReader((folder / name).open(encoding="utf-8", newline=""))) for name in FILES}


def test_an_exception_says_whether_it_still_holds_and_what_it_waives(tmp_path: Path) -> None:
    by_end = {one["expires"]: one for one in written(tmp_path)["exceptions.csv"]}
    assert {end: (one["state"], one["days_left"], one["waived"]) for end, one in by_end.items()} == {
        "2026-12-31": ("valid", "37", "1"),
        "2026-11-23": ("refused", "-1", "1"),
        "soon": ("refused", "", "1"),
    }
    assert by_end["2026-11-23"]["why"] == "it expired on 2026-11-23"


def test_the_mapping_is_that_of_the_frameworks_that_are_reported_on(tmp_path: Path) -> None:
    rows = written(tmp_path)["mapping.csv"]
    assert {one["framework"] for one in rows} == {"BSI C5:2020"}
    assert {one["confidence"] for one in rows} <= {"high", "medium", "low"}


def test_every_file_is_there_even_where_nothing_changed(tmp_path: Path) -> None:
    REPORT.write(tmp_path, view({}))
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)
