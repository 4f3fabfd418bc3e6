from __future__ import annotations

from typing import Any

import pytest

from reporter.reports.heat import MOST_ACCOUNTS, heat_map
from reporter.reports.trend import HEIGHT, WIDTH, chart
from reporter.tables.joined import RESULTS, TREND
from tests.reports.views import A, empty, of, row


def result(account: str = A, status: str = "FAIL", number: int = 0, check: str = "agent_online") -> tuple[Any, ...]:
    return row(RESULTS, account=account, status=status, resource=f"i-{number}", check_id=check)


def test_nothing_judged_is_no_map() -> None:
    assert heat_map(empty()).lines == []
    assert heat_map(of(RESULTS, [result(status="NOT_APPLICABLE")])).lines == []


@pytest.mark.parametrize(
    ("statuses", "tone", "fail", "unknown"),
    [
        (["FAIL"], "fail-3", 1, 0),
        (["FAIL"] * 2 + ["PASS"] * 3, "fail-2", 2, 0),
        (["FAIL"] + ["PASS"] * 10, "fail-1", 1, 0),
        (["UNKNOWN"] + ["PASS"] * 10, "unknown", 0, 1),
        (["FAIL", "UNKNOWN"], "fail-2", 1, 1),
        (["PASS", "WAIVED", "NOT_APPLICABLE"], "pass", 0, 0),
    ],
)
def test_a_cell_says_how_much_fails_and_unknown_is_never_a_pass(statuses: list[str], tone: str, fail: int, unknown: int) -> None:
    found = heat_map(of(RESULTS, [result(status=status, number=n) for n, status in enumerate(statuses)]))
    ((account, (cell,)),) = found.lines
    assert (account, cell.tone, cell.fail, cell.unknown) == (A, tone, fail, unknown)
    assert list(found.checks) == ["agent_online"]


def test_accounts_are_in_order_of_what_fails_and_a_check_that_judged_nothing_there_is_empty() -> None:
    rows = [result("111111111111", number=1), result("222222222222", number=1), result("222222222222", number=2, check="scans")]
    found = heat_map(of(RESULTS, rows))
    assert [(account, [cell.tone for cell in cells]) for account, cells in found.lines] == [
        ("222222222222", ["fail-3", "fail-3"]),
        ("111111111111", ["fail-3", "na"]),
    ]


def test_many_accounts_end_in_one_line_that_counts_them_all() -> None:
    rows = [result(f"{n:012}", number=m) for n in range(MOST_ACCOUNTS + 5) for m in range(2 if n else 3)]
    found = heat_map(of(RESULTS, rows))
    assert (len(found.lines), found.rest) == (MOST_ACCOUNTS, 6)
    assert (found.lines[0][0], found.lines[-1][0]) == ("000000000000", "")
    assert sum(cells[0].fail for _, cells in found.lines) == len(rows)


def run(number: int, failed: int, unknown: int) -> tuple[Any, ...]:
    return row(TREND, run=f"main-{number:06}", failed=failed, unknown=unknown, protected=3, instances=4)


def test_a_trend_is_two_lines_in_one_box() -> None:
    found = chart(TREND.frame([run(1, 10, 0), run(2, 5, 5), run(3, 0, 10)]))
    assert found.highest == 10
    assert found.failed == f"0.0,0.0 {WIDTH / 2:.1f},{HEIGHT / 2:.1f} {WIDTH:.1f},{HEIGHT:.1f}"
    assert found.unknown.split(" ")[::-1] == [f"{WIDTH:.1f},0.0", f"{WIDTH / 2:.1f},{HEIGHT / 2:.1f}", f"0.0,{HEIGHT:.1f}"]
    assert found.rows[0] == ("main-000001", 10, 0, 3, 4)


def test_no_run_and_a_run_without_anything_are_drawn_too() -> None:
    assert (chart(TREND.frame()).failed, chart(TREND.frame()).rows) == ("", [])
    assert chart(TREND.frame([run(1, 0, 0)])).failed == f"0.0,{HEIGHT:.1f}"
