from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

import reporter.reports.work_list
from reporter.core.language import language
from reporter.reports.work_list import open_rows, work_list
from reporter.reports.workbook import REPORT
from reporter.tables.joined import RESULTS, SCOPES
from tests.reports.views import NOW, row, view

INSTANCE = "i-0123456789abcdef0"


def results(*changes: dict[str, Any]) -> pd.DataFrame:
    return RESULTS.sort(RESULTS.frame(row(RESULTS, **{"owner": "payments", "due": None, **change}) for change in changes))


def book(folder: Path, seen: Any) -> Any:
    REPORT.write(folder, seen)
    return openpyxl.load_workbook(folder / "report.xlsx")


def seen(frame: pd.DataFrame, **changes: Any) -> Any:
    denied = row(SCOPES, state="denied", permission="inspector2:ListFindings")
    return view({RESULTS.name: frame, SCOPES.name: SCOPES.frame([denied])}, **changes)


def test_what_fails_is_worked_through_worst_first_then_by_due_date() -> None:
    frame = results(
        {"resource": "low", "severity": "LOW"},
        {"resource": "late", "severity": "HIGH", "due": NOW + timedelta(days=2)},
        {"resource": "soon", "severity": "HIGH", "due": NOW + timedelta(days=1)},
        {"resource": "worst", "severity": "CRITICAL"},
        {"resource": "fine", "severity": "CRITICAL", "status": "PASS"},
        {"resource": "accepted", "severity": "CRITICAL", "status": "WAIVED"},
    )
    assert list(open_rows(seen(frame), frame)["resource"]) == ["worst", "soon", "late", "low"]


def test_an_unknown_is_work_only_where_a_grant_of_the_ledger_would_settle_it() -> None:
    asked = "inspector could not be read; grant inspector2:ListFindings"
    frame = results(
        {"resource": "asks", "status": "UNKNOWN", "reason": asked},
        {"resource": "asks for what nobody was denied", "status": "UNKNOWN", "reason": "said by the world; grant iam:*"},
        {"resource": "cannot be settled", "status": "UNKNOWN", "reason": "too young"},
        {"resource": "fails", "status": "FAIL", "reason": asked},
    )
    rows = open_rows(seen(frame), frame)
    assert dict(zip(rows["resource"], rows["grant"], strict=True)) == {"fails": "", "asks": "inspector2:ListFindings"}
    sheet = work_list(seen(frame), frame, "Results")
    assert list(sheet.frame["todo"]) == ["plain", "Grant inspector2:ListFindings"]
    german = work_list(replace(seen(frame), language=language("de")), frame, "Ergebnisse")
    assert "inspector2:ListFindings" in german.frame["todo"].iloc[1]
    assert "Grant" not in german.frame["todo"].iloc[1]


def test_days_overdue_count_a_day_begun_and_are_empty_before_the_due_date() -> None:
    frame = results(
        {"resource": "a", "due": NOW - timedelta(days=3)},
        {"resource": "b", "due": NOW - timedelta(days=3, seconds=1)},
        {"resource": "c", "due": NOW},
        {"resource": "d", "due": NOW + timedelta(days=1)},
        {"resource": "e", "due": None},
    )
    rows = open_rows(seen(frame), frame).set_index("resource")["overdue_days"]
    assert rows[["a", "b"]].tolist() == [3, 4]
    assert rows[["c", "d", "e"]].isna().all()


def test_each_row_leads_to_its_result_and_an_instance_to_the_console_of_its_region(tmp_path: Path) -> None:
    frame = results({"resource": "a/b", "severity": "LOW"}, {"resource": INSTANCE, "severity": "CRITICAL"})
    found = book(tmp_path, seen(frame))
    first, second = found["Work list"][2], found["Work list"][3]
    assert (first[3].value, second[3].value) == (INSTANCE, "a/b")
    for line in (first, second):
        place = line[1].hyperlink.location
        assert place.startswith("'Results'!A")
        assert found["Results"][f"B{place.rpartition('A')[2]}"].value == line[3].value
    assert (
        first[3].hyperlink.target == f"https://eu-central-1.console.aws.amazon.com/ec2/home?region=eu-central-1#InstanceDetails:instanceId={INSTANCE}"
    )
    assert second[3].hyperlink is None


def test_nothing_leads_to_the_console_where_it_was_not_aws_that_was_asked() -> None:
    frame = results({"resource": INSTANCE})
    assert set(work_list(seen(frame), frame, "Results").links) == {"resource", "status"}
    assert set(work_list(seen(frame, endpoint_override="http://127.0.0.1:1"), frame, "Results").links) == {"status"}


def test_a_result_below_the_end_of_its_sheet_has_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporter.reports.work_list, "MOST_ROWS", 2)
    frame = results({"resource": "a"}, {"resource": "b"})
    link = work_list(seen(frame), frame, "Results").links["status"]
    assert [link(0), link(1)] == ["#'Results'!A2", ""]


def test_status_is_chosen_from_a_list_and_what_is_done_is_greyed(tmp_path: Path) -> None:
    frame = results({"resource": "a", "due": NOW - timedelta(days=1)})
    sheet = book(tmp_path, seen(frame))["Work list"]
    heads = {cell.value: cell.column_letter for cell in sheet[1]}
    (choice,) = sheet.data_validations.dataValidation
    assert str(choice.sqref) == f"{heads['Status']}2"
    assert choice.formula1 == '"open,in progress,done,accepted"'
    rules = [(str(block.sqref), rule.formula[0], rule.stopIfTrue) for block in sheet.conditional_formatting for rule in block.rules]
    assert rules[0] == ("A2:N2", f'OR(${heads["Status"]}2="done",${heads["Status"]}2="accepted")', True)
    due, overdue = heads["Due"], heads["Days overdue"]
    assert rules[1] == (f"{due}2 {overdue}2", f"AND(ISNUMBER(${overdue}2),${overdue}2>0)", True)


def test_due_dates_are_days(tmp_path: Path) -> None:
    frame = results({"resource": "a", "due": datetime(2026, 12, 1, 3, tzinfo=UTC)})
    sheet = book(tmp_path, seen(frame))["Work list"]
    cell = sheet[2][[head.value for head in sheet[1]].index("Due")]
    assert (cell.is_date, cell.number_format, cell.value.date().isoformat()) == (True, "yyyy-mm-dd", "2026-12-01")
