from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reporter.core.result import Status
from reporter.core.text import legible
from reporter.reports.view import Report, View
from reporter.tables.joined import CHANGES, EXCEPTIONS, FINDINGS, RESULTS, SCOPES, TREND
from tests.reports.views import CHECKS, NOW, empty, of, row, view


def result(check: str, status: str, resource: str = "i-1", severity: str = "MEDIUM", day: int | None = 1) -> tuple[object, ...]:
    seen = None if day is None else datetime(2026, 11, day, tzinfo=UTC)
    return row(RESULTS, check_id=check, status=status, resource=resource, severity=severity, first_seen=seen)


def test_every_state_is_counted_by_name_even_where_nothing_was_found() -> None:
    quiet = empty()
    assert quiet.by_status() == dict.fromkeys(("PASS", "FAIL", "UNKNOWN", "WAIVED", "NOT_APPLICABLE"), 0)
    assert quiet.by_scope_state() == dict.fromkeys(("ok", "denied", "not_enabled", "unavailable", "skipped"), 0)
    assert quiet.by_decision() == {"allowed": 0, "conditional": 0}
    assert sum({**quiet.by_protection(), **quiet.by_patch_state(), **quiet.by_entry_state(), **quiet.by_finding_source()}.values()) == 0
    assert quiet.check_rows() == []


def test_each_table_counts_once() -> None:
    one = view()
    assert (one.by_protection()["unmanaged"], one.by_patch_state()["available"], one.by_entry_state()["missing_acl"]) == (1, 1, 1)
    assert (one.by_decision()["allowed"], one.by_status()["FAIL"], one.by_scope_state()["denied"]) == (1, 1, 1)


def test_a_finding_on_several_instances_is_one_finding() -> None:
    rows = [row(FINDINGS, finding_id="f", instance_id=name) for name in ("i-1", "i-2")] + [row(FINDINGS, finding_id="g", source="macie")]
    assert of(FINDINGS, rows).by_finding_source() == {"guardduty": 1, "inspector": 0, "macie": 1}


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        (("PASS", "FAIL", "UNKNOWN"), "FAIL"),
        (("PASS", "UNKNOWN", "WAIVED"), "UNKNOWN"),
        (("PASS", "WAIVED", "NOT_APPLICABLE"), "WAIVED"),
        (("NOT_APPLICABLE", "PASS"), "PASS"),
        (("NOT_APPLICABLE",), "NOT_APPLICABLE"),
    ],
)
def test_a_check_is_as_good_as_its_worst_result(statuses: tuple[str, ...], worst: str) -> None:
    rows = [result("firewall_active", status, f"i-{number}") for number, status in enumerate(statuses)]
    first, *rest = of(RESULTS, rows).check_rows()
    assert first == (CHECKS[0], worst, {status.value: statuses.count(status.value) for status in Status})
    assert [found for _, found, _ in rest] == ["", ""]


def test_failures_come_worst_then_oldest_first() -> None:
    rows = [
        result("b", "FAIL", "new-medium", day=20),
        result("b", "FAIL", "old-medium", day=2),
        result("b", "FAIL", "undated-medium", day=None),
        result("b", "FAIL", "critical", "CRITICAL", day=23),
        result("b", "PASS", "good", "CRITICAL"),
        result("a", "FAIL", "low", "LOW", day=1),
        result("b", "WAIVED", "waived", "CRITICAL"),
    ]
    assert list(of(RESULTS, rows).failures()["resource"]) == ["critical", "old-medium", "new-medium", "undated-medium", "low"]
    assert list(of(RESULTS, reversed(rows)).failures()["resource"]) == ["critical", "old-medium", "new-medium", "undated-medium", "low"]


def test_what_was_not_read_comes_worst_first() -> None:
    rows = [row(SCOPES, source=state, state=state) for state in ("ok", "skipped", "not_enabled", "unavailable", "denied")]
    assert list(of(SCOPES, rows).unread()["state"]) == ["denied", "unavailable", "not_enabled", "skipped"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "plain: \N{GRINNING FACE} שלום",
            "plain: \N{GRINNING FACE} שלום",
        ),
        ("a\u202egnp.exe", "a\ufffdgnp.exe"),
        ("\u2066a\u2069\u200e\u200f\u061c", "\ufffda\ufffd\ufffd\ufffd\ufffd"),
        ("nul\x00\x1b[31m\x85\uffff", "nul\ufffd\ufffd[31m\ufffd\ufffd"),
        ("two\nlines\tand", "two\nlines\tand"),
    ],
)
def test_marks_that_mislead_a_reader_are_shown(text: str, shown: str) -> None:
    assert legible(text) == shown


def test_a_report_for_people_is_written_in_each_language_and_the_record_once(tmp_path: Path) -> None:
    def wrote(folder: Path, seen: View) -> None:
        (folder / seen.file("report.html")).write_text(seen.language.code)

    run = view(languages=("de", "en"))
    Report("page", "a page", wrote, localised=True).write_all(tmp_path, run)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"report.html": "de", "report.en.html": "en"}
    (tmp_path / "report.en.html").unlink()
    Report("record", "a record", wrote).write_all(tmp_path, view())
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"report.html": "en"}


def change(kind: str, resource: str = "i-1", severity: str = "LOW", cause: str | None = "world") -> tuple[object, ...]:
    return row(CHANGES, change=kind, resource=resource, severity=severity, cause=cause)


def test_changes_come_worst_kind_first_then_most_severe() -> None:
    rows = [
        change("fixed", "fixed", "CRITICAL"),
        change("new", "new-low"),
        change("new", "new-high", "HIGH"),
        change("waiver_expired", "expired"),
        change("reopened", "reopened"),
    ]
    wanted = ["expired", "reopened", "new-high", "new-low", "fixed"]
    assert list(of(CHANGES, rows).changes()["resource"]) == wanted
    assert list(of(CHANGES, reversed(rows)).changes()["resource"]) == wanted
    assert empty().changes().empty


def test_changes_are_counted_by_kind_and_by_cause() -> None:
    seen = of(CHANGES, [change("new", "a"), change("new", "b", cause="rule"), change("gone", "c", cause=None)])
    assert list(seen.by_change().items()) == [
        ("waiver_expired", 0),
        ("reopened", 0),
        ("new", 2),
        ("newly_unknown", 0),
        ("gone", 1),
        ("newly_waived", 0),
        ("known_again", 0),
        ("fixed", 0),
    ]
    by_cause = seen.by_change_and_cause()
    assert by_cause["new"] == {"world": 1, "rule": 1, "exception": 0, "reading": 0, "": 0}
    assert by_cause["gone"][""] == 1
    assert set(empty().by_change().values()) == {0}


def test_the_trend_is_read_oldest_first() -> None:
    rows = [row(TREND, run=f"main-{day:06d}", at=datetime(2026, 11, day, tzinfo=UTC)) for day in (3, 1, 2)]
    assert list(of(TREND, rows).trend()["run"]) == ["main-000001", "main-000002", "main-000003"]


def test_overdue_is_a_failure_whose_day_has_passed_longest_first() -> None:
    def due(resource: str, status: str, day: datetime | None) -> tuple[object, ...]:
        return row(RESULTS, check_id="a", resource=resource, status=status, due=day)

    week, yesterday = NOW - timedelta(days=7), NOW - timedelta(days=1)
    rows = [due("late", "FAIL", yesterday), due("later", "FAIL", week), due("now", "FAIL", NOW), due("open", "NOT_APPLICABLE", week)]
    assert list(of(RESULTS, [*rows, due("never", "FAIL", None)]).overdue()["resource"]) == ["later", "late"]


def test_the_numbers_without_exceptions_stand_beside_the_real_ones() -> None:
    seen = of(RESULTS, [result("a", status, status) for status in ("PASS", "FAIL", "WAIVED", "UNKNOWN")] + [result("b", "WAIVED")])
    assert (seen.by_status()["FAIL"], seen.by_status()["WAIVED"]) == (1, 2)
    assert seen.by_status_without_exceptions() == {"PASS": 1, "FAIL": 3, "UNKNOWN": 1, "WAIVED": 0, "NOT_APPLICABLE": 0}


def test_exceptions_that_end_soon_or_have_ended_come_soonest_first() -> None:
    days = {"over": "2026-11-23", "today": "2026-11-24", "soon": "2026-12-08", "later": "2026-12-09", "odd": "some day"}
    rows = [row(EXCEPTIONS, ticket=ticket, expires=day) for ticket, day in days.items()]
    found = of(EXCEPTIONS, rows).exceptions_due()
    assert list(zip(found["ticket"], found["days_left"], strict=True)) == [("over", -1), ("today", 0), ("soon", 14)]
    assert list(of(EXCEPTIONS, rows).exceptions_due(days=15)["ticket"])[-1] == "later"
    assert empty().exceptions_due().empty
