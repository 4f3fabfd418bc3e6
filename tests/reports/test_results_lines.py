from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from reporter.reports import record
from reporter.reports.results_lines import FILE, REPORT
from reporter.tables.joined import RESULTS
from tests.reports.views import HOSTILE, NOW, bare, of, row, view

REASON = "the agent is offline; last contact 2026-11-22T01:00:00Z"


def written(folder: Path, rows: list[Any], **more: Any) -> list[dict[str, Any]]:
    REPORT.write(folder, view({RESULTS.name: RESULTS.frame(rows)}, **more))
    return [json.loads(line) for line in (folder / FILE).read_text(encoding="utf-8").split("\n")[:-1]]


def test_a_result_has_its_reason_in_each_language_of_the_run_and_when_it_was_judged(tmp_path: Path) -> None:
    (one,) = written(tmp_path, [row(RESULTS, reason=REASON, due=NOW)], languages=("de", "en"))
    assert one["reason"] == REASON
    assert one["reasons"] == {"en": REASON, "de": "der Agent ist offline; letzter Kontakt: 22.11.2026 01:00 UTC"}
    assert (one["first_seen"], one["due"], one["evaluated_at"]) == ("2026-11-01T03:00:00Z", "2026-11-24T03:00:00Z", "2026-11-24T03:00:00Z")


def test_what_is_not_known_is_null_and_a_run_in_english_says_english(tmp_path: Path) -> None:
    (one,) = written(tmp_path, [bare(RESULTS)])
    assert (one["owner"], one["waiver"], one["due"]) == (None, None, None)
    assert list(one["reasons"]) == ["en"]


def test_it_has_the_rows_and_columns_of_the_csv_in_its_order_and_hostile_text_is_one_line_of_it(tmp_path: Path) -> None:
    rows = [row(RESULTS, resource=f"i-{number}", reason=text, observed=text) for number, text in enumerate(HOSTILE)]
    lines = written(tmp_path, rows)
    record.REPORT.write(tmp_path, of(RESULTS, rows))
    with (tmp_path / "results.csv").open(encoding="utf-8", newline="") as stream:
        said = list(csv.DictReader(stream))
    assert [one["resource"] for one in lines] == [one["resource"] for one in said]
    assert {one["observed"] for one in lines} == set(HOSTILE)
    assert set(lines[0]) == {*said[0], "reasons", "evaluated_at"}
