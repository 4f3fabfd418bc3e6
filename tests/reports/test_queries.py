from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from reporter.reports.queries import REPORT, clock_offset
from reporter.tables.evidence import QUERIES
from tests.reports.views import HOSTILE, NOW, bare, of, row


def test_each_call_is_one_line_with_its_parameters_as_an_object(tmp_path: Path) -> None:
    whole = row(QUERIES, call="ec2/1/r/000000", parameters='{"MaxResults": 5}', date=NOW, answered_at=NOW)
    REPORT.write(tmp_path, of(QUERIES, [whole, bare(QUERIES, call="ec2/1/r/000001", parameters="{}")]))
    first, second = (json.loads(line) for line in (tmp_path / "queries.jsonl").read_text(encoding="utf-8").splitlines())
    assert (first["parameters"], first["date"], first["items"], first["last_page"]) == ({"MaxResults": 5}, "2026-11-24T03:00:00Z", 1234, True)
    assert (second["date"], second["items"], second["last_page"], second["error"]) == (None, None, None, None)
    assert tuple(first) == QUERIES.names


def test_hostile_text_stays_on_its_line(tmp_path: Path) -> None:
    REPORT.write(tmp_path, of(QUERIES, [row(QUERIES, text, parameters="{}") for text in HOSTILE]))
    assert len((tmp_path / "queries.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")) == len(HOSTILE)


def test_the_clocks_are_compared_where_both_are_known() -> None:
    ahead = [row(QUERIES, str(number), parameters="{}", date=NOW, answered_at=NOW + timedelta(seconds=number)) for number in (-2, 0, 9)]
    assert clock_offset(of(QUERIES, [*ahead, bare(QUERIES, parameters="{}")])) == {"least": -2, "median": 0, "most": 9, "calls": 3}
    assert clock_offset(of(QUERIES, [bare(QUERIES, parameters="{}")])) is None
